"""The Redis form, over a server of the tests that speaks its protocol on loopback."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog

from citewell.core.caching.shared import PREFIX, SharedStore
from tests.redis_server import RedisServer

SECRET = b"s" * 32
PATIENT = 30.0
"""Seconds that the store waits where its time-out is not what is tested."""


@pytest.fixture
async def server() -> AsyncIterator[RedisServer]:
    async with RedisServer() as running:
        yield running


@asynccontextmanager
async def store_of(
    server: RedisServer, secret: bytes = SECRET, patience: float = PATIENT, pause: float = 3_600
) -> AsyncIterator[SharedStore]:
    store = SharedStore(server.url, secret, timeout=patience, pause=pause)
    try:
        yield store
    finally:
        await store.close()


class TestSharedStore:
    async def test_processes_share_values_that_redis_cannot_read(self, server: RedisServer) -> None:
        async with store_of(server) as one, store_of(server) as other:
            await one.put(b"key", b"the text of a document", seconds=60)
            assert await other.get(b"key") == b"the text of a document"
            assert await other.get(b"none") is None
        [(name, sealed)] = server.values.items()
        assert name == (PREFIX + b"key".hex()).encode()
        assert b"document" not in sealed
        assert server.lifetimes[name] == 60

    async def test_value_under_another_key_or_of_another_installation_is_none(
        self, server: RedisServer
    ) -> None:
        async with store_of(server) as store, store_of(server, b"t" * 32) as stranger:
            await store.put(b"mine", b"value", seconds=60)
            names = [(PREFIX + key.hex()).encode() for key in (b"mine", b"yours")]
            server.values[names[1]] = server.values[names[0]]
            with structlog.testing.capture_logs() as logs:
                assert await store.get(b"yours") is None
                assert await stranger.get(b"mine") is None
                server.values[names[0]] = b"short"
                assert await store.get(b"mine") is None
            assert [line["event"] for line in logs] == ["cache_value_refused"] * 3
            assert store.failures == 0

    async def test_redis_that_is_away_is_left_alone_for_a_while(self, server: RedisServer) -> None:
        async with store_of(server, pause=3_600) as store:
            await store.put(b"key", b"value", seconds=60)
            await server.stop()
            with structlog.testing.capture_logs() as logs:
                assert await store.get(b"key") is None
                assert await store.get(b"key") is None
                await store.put(b"key", b"value", seconds=60)
            assert [line["event"] for line in logs] == ["cache_not_shared"]
            assert (store.failures, store.is_open) == (1, False)

    async def test_redis_that_is_back_is_used_again(self, server: RedisServer) -> None:
        async with store_of(server, pause=0) as store:
            await server.stop()
            assert await store.get(b"key") is None
            await server.start()
            await store.put(b"key", b"value", seconds=60)
            assert await store.get(b"key") == b"value"
            assert store.failures == 0

    async def test_redis_that_does_not_answer_is_not_waited_for(self, server: RedisServer) -> None:
        async with store_of(server, patience=0.05) as store:
            server.delay = 3_600.0
            assert await store.get(b"key") is None
            assert store.failures == 1

    @pytest.mark.parametrize("rounds", [30, pytest.param(1_000, marks=pytest.mark.slow)])
    async def test_cancelled_requests_mix_no_replies(
        self, server: RedisServer, rounds: int
    ) -> None:
        chance = random.Random(7)
        cancelled = 0
        async with store_of(server) as store:
            for number in range(50):
                await store.put(b"%d" % number, b"value %d" % number, seconds=60)

            async def ask(number: int) -> None:
                # Each reply tells what was asked; sealed values would hide a mixed one as none.
                assert await store.get(b"%d" % number) == b"value %d" % number

            for _ in range(rounds):
                server.delay = chance.choice((0.0, 0.0, 0.001))
                tasks = [asyncio.ensure_future(ask(chance.randrange(50))) for _ in range(20)]
                for _ in range(chance.randrange(6)):
                    await asyncio.sleep(0)
                gone = chance.sample(tasks, 10)
                for task in gone:
                    task.cancel()
                done = await asyncio.gather(*tasks, return_exceptions=True)
                cancelled += sum(isinstance(each, asyncio.CancelledError) for each in done)
                wrong = [each for each in done if isinstance(each, Exception)]
                assert wrong == []
            assert store.failures == 0
        assert cancelled >= 5 * rounds
