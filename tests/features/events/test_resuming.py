"""Nothing is lost and nothing told twice, whatever becomes of connections and readers."""

import asyncio
import json
import socket as network
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import psycopg
import pytest
from websockets.exceptions import ConnectionClosed

from tests.conftest import Library, LiveServer
from tests.features.events.conftest import DOCUMENTS, Socket, opened, rename, watching
from tests.waiting import PATIENCE

KILL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'citewell-events' AND datname = current_database()
"""


def ids_of(socket: Socket) -> list[int]:
    """Events that were told, in order."""
    return [each["event_id"] for each in socket.seen if each["type"] == "document_update"]


def stored_ids(url: str, document_id: str) -> list[int]:
    """The document's events, as the database has them."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT id FROM event WHERE object_id = %s ORDER BY id", (document_id,)
        ).fetchall()
    return [row[0] for row in rows]


async def kill_listeners(url: str) -> None:
    """Cut the connections on which servers hear of events, once there are any."""
    with psycopg.connect(url, autocommit=True) as connection:
        async with asyncio.timeout(PATIENCE):
            while not connection.execute(KILL).fetchall():  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.05)


class TestResuming:
    async def test_concurrent_changes_arrive_once_and_in_order_over_reconnects(
        self, live_server: LiveServer, second_server: LiveServer, key: str, library: Library,
        client: httpx.AsyncClient, database_url: str,
    ) -> None:  # fmt: skip
        document = await library.add("Lamp", "The lamp is green.")
        topic = f"document:{document['id']}"
        before = len(stored_ids(database_url, document["id"]))
        heard: list[int] = []
        async with watching(live_server, key, topic) as steady:
            last = (await steady.subscribe(topic))["event_id"]

            async def change(number: int) -> None:
                for turn in range(20):
                    await rename(client, document["id"], f"{number}-{turn}")

            async with asyncio.TaskGroup() as group:
                work = [group.create_task(change(number)) for number in range(5)]
                turn = 0
                # Three times at least, however quick the changes are.
                while turn < 3 or not all(task.done() for task in work):
                    server = (live_server, second_server)[turn % 2]
                    turn += 1
                    async with watching(server, key) as socket:
                        await socket.send("subscribe", topic=topic, last_event_id=last)
                        with suppress(TimeoutError):
                            async with asyncio.timeout(0.3):
                                for _ in range(7):
                                    await socket.next("document_update", "subscribed")
                        heard += ids_of(socket)
                        last = max([last, *heard])
            async with watching(second_server, key) as socket:
                await socket.send("subscribe", topic=topic, last_event_id=last)
                while (message := await socket.next())["type"] != "subscribed":
                    heard.append(message["event_id"])
            expected = stored_ids(database_url, document["id"])[before:]
            while len(ids_of(steady)) < len(expected):
                await steady.next("document_update")
        assert len(expected) == 100
        assert heard == expected
        assert ids_of(steady) == expected

    async def test_a_killed_connection_of_the_server_loses_nothing(
        self, second_server: LiveServer, key: str, library: Library,
        client: httpx.AsyncClient, database_url: str,
    ) -> None:  # fmt: skip
        document = await library.add("Lamp", "The lamp is green.")
        before = len(stored_ids(database_url, document["id"]))
        async with watching(second_server, key, f"document:{document['id']}") as socket:
            for number in range(12):
                await rename(client, document["id"], f"Lamp {number}")
                if number in (3, 7):
                    await kill_listeners(database_url)
            expected = stored_ids(database_url, document["id"])[before:]
            while ids_of(socket) != expected:
                await socket.next("document_update")
        assert len(expected) == 12

    async def test_what_is_too_long_ago_or_never_was_is_a_resync(
        self, live_server: LiveServer, key: str, library: Library, client: httpx.AsyncClient
    ) -> None:
        document = await library.add("Lamp", "The lamp is green.")
        topic = f"document:{document['id']}"
        hour = 3600 * 1_000_000
        now = time.time_ns() // 1000
        async with watching(live_server, key) as socket:
            for last in (0, 1, now - hour - 1_000_000, now + hour, 2**53 - 1):
                await socket.send("subscribe", topic=topic, last_event_id=last)
                resync = await socket.next()
                assert resync["type"] == "resync"
                done = await socket.next()
                assert (done["type"], done["event_id"]) == ("subscribed", resync["event_id"])
            await rename(client, document["id"], "Lantern")
            assert (await socket.next())["document"]["title"] == "Lantern"


UPDATES = 130
"""Of 15 kB each: more than what socket and library take of a reader that does not read."""


class TestSlowReaders:
    @pytest.mark.volume
    async def test_one_who_does_not_read_is_dropped_and_others_go_on(
        self, live_server: LiveServer, key: str, library: Library, client: httpx.AsyncClient
    ) -> None:
        document = await library.add("Lamp", "The lamp is green.")
        topic = f"document:{document['id']}"
        large = {str(number): "x" * 1000 for number in range(15)}
        port = int(live_server.address.rpartition(":")[2])
        raw = network.socket()
        raw.setsockopt(network.SOL_SOCKET, network.SO_RCVBUF, 4096)
        raw.connect(("127.0.0.1", port))
        raw.setblocking(False)
        async with watching(live_server, key, topic) as quick:
            async with opened(live_server, sock=raw, max_queue=1) as slow:
                await slow.send("auth", token=key)
                await slow.next("ready")
                await slow.subscribe(topic)
                # From here on it does not read; the library stops at one message.
                for number in range(UPDATES):
                    reply = await client.patch(
                        f"{DOCUMENTS}/{document['id']}", json={"metadata": {**large, "n": number}}
                    )
                    assert reply.status_code == 200
                    update = await quick.next("document_update")
                    assert update["document"]["metadata"]["n"] == number
                with suppress(ConnectionClosed):
                    while True:
                        await slow.next()
                last = ids_of(slow)[-1]
                code, reason = await slow.closed()
            assert code == 1013
            assert reason == "too_slow: Too slow; resume with the last event id."
            async with watching(live_server, key) as again:
                await again.send("subscribe", topic=topic, last_event_id=last)
                seen = [update["document"]["metadata"]["n"] async for update in missed(again)]
            assert seen[-1] == UPDATES - 1


async def missed(socket: Socket) -> AsyncIterator[dict]:
    """Yields the messages that are told again."""
    while (message := await socket.next())["type"] != "subscribed":
        yield message


@asynccontextmanager
async def streamed(
    client: httpx.AsyncClient, topics: str, **headers: str
) -> AsyncIterator[AsyncIterator[tuple[str, int | None, dict]]]:
    """Server-sent events: name, id and data."""

    async def events(reply: httpx.Response) -> AsyncIterator[tuple[str, int | None, dict]]:
        name, number = "", None
        async for line in reply.aiter_lines():
            key, _, value = line.partition(": ")
            if key == "event":
                name = value
            elif key == "id":
                number = int(value)
            elif key == "data":
                yield name, number, json.loads(value)
                name, number = "", None

    path = f"/api/v1/events?topics={topics}"
    async with asyncio.timeout(PATIENCE), client.stream("GET", path, headers=headers) as reply:
        assert reply.status_code == 200, await reply.aread()
        assert reply.headers["content-type"].startswith("text/event-stream")
        yield events(reply)


class TestServerSentEvents:
    async def test_they_tell_the_same_and_resume(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        document = await library.add("Lamp", "The lamp is green.")
        topics = f"document:{document['id']},jobs"
        async with streamed(client, topics) as events:
            name, last, _ = await anext(events)
            assert name == "ready"
            assert last is not None
            await rename(client, document["id"], "Lantern")
            name, number, data = await anext(events)
            assert (name, number) == ("document_update", data["event_id"])
            assert data["document"]["title"] == "Lantern"
        await rename(client, document["id"], "Candle")
        async with streamed(client, topics, **{"Last-Event-ID": str(number)}) as events:
            name, later, data = await anext(events)
            assert (name, data["document"]["title"]) == ("document_update", "Candle")
            assert (await anext(events))[0] == "ready"
            await rename(client, document["id"], "Torch")
            name, latest, data = await anext(events)
            assert data["document"]["title"] == "Torch"
        assert number < later < latest

    async def test_without_waiting_it_ends_with_what_has_happened(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        document = await library.add("Lamp", "The lamp is green.")
        now = time.time_ns() // 1000
        await rename(client, document["id"], "Lantern")
        params = {"topics": f"document:{document['id']}", "wait": 0}
        reply = await client.get("/api/v1/events", params={**params, "last_event_id": now})
        assert reply.text.count("event: document_update") == 1
        assert reply.text.count("event: ready") == 1
        reply = await client.get("/api/v1/events", params={**params, "last_event_id": 5})
        assert reply.text.startswith("id: ")
        assert "event: resync" in reply.text

    @pytest.mark.parametrize(
        ("params", "status", "code"),
        [
            ({}, 422, "validation_error"), ({"topics": ""}, 422, "unknown_topic"),
            ({"topics": "user:me"}, 422, "no_user"),
            ({"topics": "jobs", "last_event_id": "x"}, 422, "validation_error"),
            ({"topics": "jobs", "wait": -1}, 422, "validation_error"),
            ({"topics": f"document:{0:032x}"}, 404, "document_not_found"),
            ({"topics": ",".join(f"document:{n:032x}" for n in range(201))}, 422, "invalid_input"),
        ],
        ids=lambda value: str(value)[:40],
    )  # fmt: skip
    async def test_what_cannot_be_is_told_before(
        self, shared_client: httpx.AsyncClient, refused, params, status, code
    ) -> None:
        refused(await shared_client.get("/api/v1/events", params=params), status, code)
