"""Slots of what goes on at the same time, in one process and in several that share a Redis."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field

import pytest

from citewell.core.ratelimit import RateLimiter
from citewell.core.slots import SlotLease, SlotsTakenError, Wanted
from tests.core.test_ratelimit import PATIENT, FakeRedis, redis
from tests.waiting import PATIENCE

__all__ = ["redis"]

USER = Wanted("user", 1, ("tenant", "user"))
TENANT = Wanted("tenant", 2, ("tenant",))
LONG = SlotLease(3600.0)


@dataclass
class SlowRedis:
    """A way to a Redis on which commands that take a slot can be held up."""

    redis: FakeRedis
    url: str = ""
    is_open: asyncio.Event = field(default_factory=asyncio.Event)
    held: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while a command waits."""
    replied: asyncio.Event = field(default_factory=asyncio.Event)
    passed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a command that waited has been carried out."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to = await asyncio.open_connection("127.0.0.1", self.redis.port)
        back = asyncio.ensure_future(self.copy(there, writer))
        while data := await reader.read(65_536):
            is_held = b"EVAL" in data and not self.is_open.is_set()
            if is_held:
                self.held.set()
                await self.is_open.wait()
            to.write(data)
            await to.drain()
            if is_held:
                await self.replied.wait()
                self.passed.set()
        to.close()
        await back

    async def copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                if self.held.is_set():
                    self.replied.set()
                writer.write(data)
        writer.close()


@pytest.fixture
async def slow(redis: FakeRedis) -> AsyncIterator[SlowRedis]:
    way = SlowRedis(redis)
    async with AsyncExitStack() as stack:
        server = await asyncio.start_server(way.serve, "127.0.0.1", 0)
        await stack.enter_async_context(server)
        way.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
        yield way


def process(redis: FakeRedis | SlowRedis | None) -> RateLimiter:
    """The limits of one process."""
    url = None if redis is None else redis.url
    return RateLimiter(url, key=b"key", redis_timeout=PATIENT)


class TestHolding:
    async def test_full_limit_refuses_and_holds_nothing_of_the_others(self) -> None:
        slots = process(None).slots
        other = Wanted("user", 1, ("tenant", "other"))
        async with slots.holding([USER, TENANT], "a", LONG):
            with pytest.raises(SlotsTakenError) as refused:
                async with slots.holding([TENANT, USER], "b", LONG):
                    pass
            assert refused.value.wanted is USER
            async with slots.holding([other, TENANT], "c", LONG):
                third = Wanted("user", 1, ("tenant", "third"))
                with pytest.raises(SlotsTakenError):
                    await slots.take([third, TENANT], "d", LONG)
                await slots.take([third], "d", LONG)
        await slots.take([USER, TENANT], "e", LONG)

    async def test_one_that_was_admitted_is_refused_no_more(self) -> None:
        slots = process(None).slots
        await slots.take([USER], "a", LONG)
        async with slots.holding([USER], "b", LONG, is_admitted=True):
            pass
        await slots.take([USER], "a", LONG)

    async def test_slot_is_free_when_the_task_is_cut_off(self) -> None:
        slots, holds = process(None).slots, asyncio.Event()

        async def hold() -> None:
            async with slots.holding([USER], "a", LONG):
                holds.set()
                await asyncio.Event().wait()

        task = asyncio.ensure_future(hold())
        await holds.wait()
        task.cancel()
        await asyncio.wait([task])
        await slots.take([USER], "b", LONG)


class TestShared:
    async def test_processes_count_together(self, redis: FakeRedis) -> None:
        one, two = process(redis), process(redis)
        async with one.slots.holding([USER], "a", LONG):
            with pytest.raises(SlotsTakenError):
                await two.slots.take([USER], "b", LONG)
        await two.slots.take([USER], "b", LONG)
        await one.close()
        await two.close()

    async def test_slot_of_a_process_that_died_is_free_after_its_lease(
        self, redis: FakeRedis
    ) -> None:
        dead, alive = process(redis), process(redis)
        await dead.slots.take([USER], "a", SlotLease(0.5))
        ends = time.monotonic() + PATIENCE
        while True:
            try:
                await alive.slots.take([USER], "b", LONG)
            except SlotsTakenError:
                assert time.monotonic() < ends
                await asyncio.sleep(0.05)
            else:
                break
        await dead.close()
        await alive.close()

    async def test_slot_that_is_held_outlives_its_lease(self, redis: FakeRedis) -> None:
        one, two = process(redis), process(redis)
        lease = SlotLease(0.6)
        async with one.slots.holding([USER], "a", lease):
            ends = time.monotonic() + 3 * lease.seconds
            while time.monotonic() < ends:
                with pytest.raises(SlotsTakenError):
                    await two.slots.take([USER], "b", LONG)
                await asyncio.sleep(0.1)
        await one.close()
        await two.close()

    async def test_redis_that_is_away_leaves_the_process_counting_alone(
        self, redis: FakeRedis
    ) -> None:
        limits = process(redis)
        redis.stop()
        async with limits.slots.holding([USER], "a", LONG):
            with pytest.raises(SlotsTakenError):
                await limits.slots.take([USER], "b", LONG)
        await limits.slots.take([USER], "b", LONG)
        await limits.close()


class TestCutOff:
    async def test_slot_is_free_when_the_task_is_cut_off_while_it_takes_it(
        self, slow: SlowRedis
    ) -> None:
        one, two = process(slow), process(slow.redis)
        taking = asyncio.ensure_future(one.slots.take([USER], "a", LONG))
        async with asyncio.timeout(PATIENCE):
            await slow.held.wait()
            taking.cancel()
            slow.is_open.set()
            await slow.passed.wait()
            await asyncio.wait([taking])
        assert taking.cancelled()
        await two.slots.take([USER], "b", LONG)
        await one.close()
        await two.close()

    async def test_slot_stays_free_when_it_was_being_renewed(self, slow: SlowRedis) -> None:
        one, two = process(slow), process(slow.redis)
        slow.is_open.set()

        async def hold() -> None:
            async with one.slots.holding([USER], "a", SlotLease(3.0)):
                slow.is_open.clear()
                await slow.held.wait()

        async with asyncio.timeout(PATIENCE):
            holding = asyncio.ensure_future(hold())
            await slow.held.wait()
            # The block ends while the sign of life is on its way: nothing may overtake that.
            await asyncio.wait([holding], timeout=0.3)
            slow.is_open.set()
            await slow.passed.wait()
            await holding
        await two.slots.take([USER], "b", LONG)
        await one.close()
        await two.close()
