"""A later start of many processes, and open streams over them: across them, and at their end."""

import asyncio
import json
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack

import httpx
import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.entrypoints.conftest import Installation, Running
from tests.entrypoints.test_serving import address_of, ask, key_of
from tests.waiting import PATIENCE, PATIENT


@pytest.fixture(scope="module")
def first(installation: Installation) -> Iterator[Running]:
    """A server with its worker."""
    running = installation.start("serve", "--port", "0")
    try:
        running.wait_for("Ask a question")
        yield running
    finally:
        running.end()


@pytest.fixture(scope="module")
def second(installation: Installation, first: Running) -> Iterator[Running]:
    """Two more processes that answer, over the same database, whose first key was used before."""
    assert ask(address_of(first), key_of(installation), "Is anybody there?").status_code == 200
    running = installation.start("serve", "--port", "0", "--no-worker", "--workers", "2")
    try:
        running.wait_for("Ask a question")
        yield running
    finally:
        running.end()


async def opened(stack: AsyncExitStack, running: Running, key: str, topic: str) -> ClientConnection:
    """A socket that is subscribed; the processes of a new server may still be starting."""
    address = address_of(running).replace("http", "ws") + "/ws"
    connection = await stack.enter_async_context(connect(address, compression=None, **PATIENT))
    for message in ({"type": "auth", "token": key}, {"type": "subscribe", "topic": topic}):
        await connection.send(json.dumps(message))
        assert json.loads(await connection.recv())["type"] in ("ready", "subscribed")
    return connection


class TestTwoServers:
    def test_a_later_start_makes_no_key_and_offers_the_first_account_still(
        self, second: Running
    ) -> None:
        assert "cw_" not in second.out + second.err
        assert "first.key" in second.out
        assert "Nobody has an account" in second.out  # a question is no end of the set-up

    async def test_a_change_is_told_by_all_processes_and_an_end_is_clean(
        self, installation: Installation, first: Running, second: Running
    ) -> None:
        key = key_of(installation)
        header = {"Authorization": f"Bearer {key}"}
        async with AsyncExitStack() as stack:
            client = httpx.AsyncClient(base_url=address_of(first), headers=header, timeout=PATIENCE)
            await stack.enter_async_context(client)
            body = {"title": "Bell", "content": "The school bell is brass."}
            reply = await client.post("/api/v1/documents", json=body)
            document = reply.json()["documents"][0]["id"]
            path = f"/api/v1/documents/{document}"
            while (await client.get(path)).json()["status"] != "ready":  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.1)
            for _ in range(4):
                answer = ask(address_of(second), key, "What is the school bell made of?")
                assert "brass" in answer.text
            # They are started after the greeting, and have answered now.
            family = psutil.Process(second.process.pid).children(recursive=True)
            assert len(family) >= 2
            topic = f"document:{document}"
            sockets = [await opened(stack, second, key, topic) for _ in range(8)]
            for number in range(3):
                title = f"Bell {number}"
                await client.patch(f"/api/v1/documents/{document}", json={"title": title})
                for each in sockets:
                    async with asyncio.timeout(PATIENCE):
                        while title not in str(await each.recv()):
                            pass
            address = f"{address_of(second)}/api/v1/events?topics={topic}"
            stream = await stack.enter_async_context(client.stream("GET", address))
            lines = stream.aiter_lines()
            assert "ready" in [await anext(lines) for _ in range(2)][1]
            second.process.send_signal(signal.SIGTERM)
            for each in sockets:
                with pytest.raises(ConnectionClosed):
                    async with asyncio.timeout(PATIENCE):
                        await each.recv()
                assert each.close_code == 1001
            assert not [line async for line in lines if "error" in line]
        assert second.process.wait(timeout=PATIENCE) == 0
        assert "Traceback" not in second.err
        assert psutil.wait_procs(family, timeout=PATIENCE)[1] == []
        assert first.stop(signal.SIGTERM) == 0
        installation.assert_database_ends()
