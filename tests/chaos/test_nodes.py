"""Two servers and two workers behind nginx: what one does holds at the other, and restarts.

`NODES_ROUNDS` sets how often all of them are restarted under load.
"""

import asyncio
import json
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.entrypoints.conftest import Installation
from tests.waiting import PATIENCE, PATIENT

from .cluster import SECRET, SLOWLY, UNVERIFIED, Cluster, lacking
from .crowd import Crowd
from .report import record

ROUNDS = int(os.environ.get("NODES_ROUNDS", "5"))

ASKED = 40
"""Questions a minute of one user, in this cluster."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("nodes"),  # they share the processes
    pytest.mark.timeout(3_000),
    pytest.mark.skipif(lacking() is not None, reason=lacking() or "all is there"),
]


def started(**settings: str) -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="citewell-test-", ignore_cleanup_errors=True) as place:
        Path(place).chmod(0o711)
        cluster = Cluster(Installation(Path(place)), **settings)
        try:
            yield cluster
        finally:
            cluster.stop()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """For tests that look from one node at what the other did."""
    yield from started(CITEWELL_RATE_LIMIT_QUERIES=str(ASKED))


@pytest.fixture
def busy_cluster() -> Iterator[Cluster]:
    """For users without limits."""
    yield from started(CITEWELL_RATE_LIMIT_QUERIES="0", CITEWELL_RATE_LIMIT_REQUESTS="0")


async def signed_in(socket: ClientConnection, token: str, topic: str) -> None:
    await socket.send(json.dumps({"type": "auth", "token": token}))
    await socket.send(json.dumps({"type": "subscribe", "topic": topic}))
    while json.loads(await socket.recv())["type"] != "subscribed":
        pass


async def read_on(socket: ClientConnection) -> None:
    """Read until it is closed."""
    while True:
        await socket.recv()


async def added(client: httpx.AsyncClient, title: str, content: str, **more: object) -> str:
    """A document that is ready; its id."""
    reply = await client.post("/documents", json={"title": title, "content": content, **more})
    assert reply.status_code == 202, reply.text
    document = reply.json()["documents"][0]["id"]
    async with asyncio.timeout(PATIENCE):
        while (await client.get(f"/documents/{document}")).json()["status"] != "ready":  # noqa: ASYNC110 - done by others
            await asyncio.sleep(0.05)
    return document


async def kept_answer(client: httpx.AsyncClient, question: dict[str, str]) -> dict[str, Any]:
    """An answer out of the cache. What follows an ingestion changes the library once more."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = (await client.post("/query", json=question)).json()
            if answer["metadata"]["cached"]:
                return answer
            await asyncio.sleep(60 / ASKED)


class TestAcrossNodes:
    async def test_an_upload_is_followed_over_the_socket_of_the_other_node(
        self, cluster: Cluster
    ) -> None:
        addresses = (
            cluster.node(1).replace("http", "ws"), cluster.address.replace("https", "wss"),
        )  # fmt: skip
        for address in addresses:
            secure = UNVERIFIED if address.startswith("wss") else None
            async with (
                cluster.client(cluster.node(0), cluster.key) as client,
                connect(f"{address}/ws", ssl=secure, compression=None, **PATIENT) as socket,
            ):
                await signed_in(socket, cluster.key, "jobs")
                text = f"Lamps of {address}. " * 200
                files = {"files": ("lamps.txt", text.encode())}
                reply = await client.post("/documents/upload", files=files)
                [document] = reply.json()["documents"]
                seen: list[str] = []
                async with asyncio.timeout(PATIENCE):
                    while "succeeded" not in seen:
                        said = json.loads(await socket.recv())
                        job = said.get("job") or {}
                        if job.get("id") == document["job_id"]:
                            seen.append(job["status"])
            assert seen[0] in ("queued", "running")

    async def test_an_answer_is_followed_at_the_other_node(self, cluster: Cluster) -> None:
        async with (
            cluster.client(cluster.node(0), cluster.key) as first,
            cluster.client(cluster.node(1), cluster.key) as second,
        ):
            await added(first, "Gate", "The gate closes at nine.")
            place = (await first.post("/conversations", json={"title": "Gate"})).json()["id"]
            body = {"query": f"When does the gate close {SLOWLY}?", "conversation_id": place}
            lines: list[str] = []
            async with (
                first.stream("POST", "/query/stream", json=body) as reply,
                aclosing(reply.aiter_lines()) as read,
            ):
                async for line in read:
                    lines.append(line)
                    if "token" in line:
                        break
            opening = next(line for line in lines if "message_id" in line)
            message = json.loads(opening.removeprefix("data: "))["message_id"]
            last = [line for line in lines if line.startswith("id: ")][-1].removeprefix("id: ")
            path = f"/conversations/{place}/messages/{message}/stream"
            rest = await second.get(path, headers={"Last-Event-ID": last})
            ids = [int(line[4:]) for line in rest.text.splitlines() if line.startswith("id: ")]
            assert ids == list(range(int(last) + 1, ids[-1] + 1))
            assert "event: done" in rest.text

    async def test_limits_are_those_of_all_nodes_together(self, cluster: Cluster) -> None:
        _, tokens = await cluster.user("asks-much")
        token = tokens["access_token"]
        statuses: list[int] = []
        async with (
            cluster.client(cluster.node(0), token) as first,
            cluster.client(cluster.node(1), token) as second,
        ):
            for number in range(ASKED + 6):
                client = (first, second)[number % 2]
                reply = await client.post("/search", json={"query": "lamps"})
                statuses.append(reply.status_code)
        assert statuses == [200] * ASKED + [429] * 6

    async def test_a_right_taken_at_one_node_is_gone_from_kept_answers_of_the_other(
        self, cluster: Cluster
    ) -> None:
        user, tokens = await cluster.user("loses-a-right")
        keeper_id, keeper = await cluster.user("keeps-the-vault", is_admin=True)
        question = {"query": "Which word opens the vault of the harbour office?"}
        async with (
            cluster.client(cluster.node(0), keeper["access_token"]) as owner,
            cluster.client(cluster.node(1), tokens["access_token"]) as reader,
        ):
            body = {"name": "Vault", "visibility": "private"}
            vault = (await owner.post("/collections", json=body)).json()["id"]
            grants = f"/collections/{vault}/grants"
            grant = await owner.put(grants, json={"user_id": user, "effect": "read"})
            mine = await owner.put(grants, json={"user_id": keeper_id, "effect": "write"})
            assert mine.status_code == 200, mine.text
            await added(owner, "Vault", SECRET, collection_id=vault)
            before = await kept_answer(reader, question)
            assert "marigold" in str(before["citations"])
            gone = await owner.delete(f"{grants}/{grant.json()['id']}")
            assert gone.status_code == 204, gone.text
            # Less than a second: the first question after the reply is answered without it.
            after = (await reader.post("/query", json=question)).json()
        assert "marigold" not in str(after)

    async def test_a_session_signed_out_at_one_node_has_ended_at_the_other(
        self, cluster: Cluster
    ) -> None:
        _, tokens = await cluster.user("signs-out")
        token = tokens["access_token"]
        address = cluster.node(1).replace("http", "ws") + "/ws"
        async with (
            cluster.client(cluster.node(0), token) as first,
            cluster.client(cluster.node(1), token) as second,
            connect(address, compression=None, **PATIENT) as socket,
        ):
            await signed_in(socket, token, "user:me")
            assert (await second.get("/documents")).status_code == 200
            assert (await first.post("/auth/logout")).status_code == 204
            async with asyncio.timeout(PATIENCE):
                # A node knows a credential for a quarter of a second before it looks again.
                while (await second.get("/documents")).status_code == 200:  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.05)
                assert (await second.get("/documents")).status_code == 401
                with pytest.raises(ConnectionClosed):
                    await read_on(socket)


class TestDraining:
    async def test_a_server_that_stops_says_so_and_answers_on(self, busy_cluster: Cluster) -> None:
        cluster = busy_cluster
        async with cluster.client(cluster.node(1), cluster.key) as client:
            kept = await client.get("/documents")
            assert "connection" not in kept.headers
            cluster.servers[1].signal(signal.SIGTERM)
            async with asyncio.timeout(PATIENCE):
                while await asyncio.to_thread(cluster.readiness, 1) != 503:  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.02)
            last = await client.get("/documents")  # on the connection of before
            assert (last.status_code, last.headers["connection"]) == (200, "close")
            async with asyncio.timeout(PATIENCE):
                while cluster.servers[1].is_alive:  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.05)
        reply = await _asked(cluster)  # nginx finds the other one
        assert reply.status_code == 200


async def _asked(cluster: Cluster) -> httpx.Response:
    async with cluster.client(cluster.address, cluster.key) as client:
        return await client.post("/query", json={"query": "When does the gate close?"})


class TestRollingRestart:
    async def test_nobody_notices(self, busy_cluster: Cluster) -> None:
        cluster = busy_cluster
        async with cluster.client(cluster.node(0), cluster.key) as owner:
            await added(owner, "Gate", "The gate closes at nine.")
        crowd = Crowd(cluster)
        working = asyncio.ensure_future(crowd.work(askers=34, listers=6, uploaders=4, streamers=6))
        begun = time.monotonic()
        for _ in range(ROUNDS):
            for place in (0, 1):
                await asyncio.to_thread(cluster.restart_server, place)
                await asyncio.to_thread(cluster.restart_worker, place)
                assert not working.done(), await working
        crowd.is_over.set()
        await working
        figures: dict[str, Any] = {
            "rounds": ROUNDS, "seconds": round(time.monotonic() - begun),
            "requests": crowd.requests, "failed": len(crowd.failures),
            "jobs": len(crowd.accepted), "streams": crowd.streams, "resumed": crowd.resumed,
            "sockets_reconnected": crowd.reconnects, "slowest_s": round(crowd.slowest, 1),
        }  # fmt: skip
        ids = ", ".join(f"'{one}'" for one in crowd.accepted)
        done = f"SELECT count(*) FROM job WHERE status = 'succeeded' AND id IN ({ids})"
        [(succeeded,)] = cluster.rows(done)
        assert isinstance(succeeded, int)
        lost = len(crowd.accepted) - succeeded
        record("rolling restart", **figures, lost=lost)
        said = f"{crowd.failures[:20]} {crowd.slowest_of}\n{cluster.complaints()}"
        assert not crowd.failures, said
        assert lost == 0
        # On a quiet machine all streams end while their server drains, and none is taken up.
        assert crowd.streams
        assert crowd.reconnects
