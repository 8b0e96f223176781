"""Readings that are shared: who gets which, and what a failure does."""

import asyncio

import pytest

from citewell.core.caching.readings import SharedReadings
from tests.waiting import PATIENCE


class Meter:
    """Gives the number of its reading once it is let go on."""

    def __init__(self) -> None:
        self.readings = 0
        self.begun = asyncio.Semaphore(0)
        self.is_free = asyncio.Event()

    async def read(self) -> int:
        self.readings += 1
        number = self.readings
        self.begun.release()
        await self.is_free.wait()
        if number == 2:
            raise ValueError("broken")
        return number


class TestCurrent:
    async def test_whoever_comes_while_one_is_read_gets_the_next(self) -> None:
        meter, shared = Meter(), SharedReadings[int]()
        first = [asyncio.ensure_future(shared.current("a", meter.read)) for _ in range(3)]
        await meter.begun.acquire()
        late = [asyncio.ensure_future(shared.current("a", meter.read)) for _ in range(3)]
        await asyncio.sleep(0)
        late[0].cancel()
        meter.is_free.set()
        assert await asyncio.gather(*first) == [1, 1, 1]
        for each in late[1:]:
            with pytest.raises(ValueError, match="broken"):
                await each
        assert await shared.current("a", meter.read) == 3

    async def test_other_keys_are_read_by_themselves(self) -> None:
        meter, shared = Meter(), SharedReadings[int]()
        both = [asyncio.ensure_future(shared.current(key, meter.read)) for key in ("a", "b")]
        for _ in range(2):
            await meter.begun.acquire()
        meter.is_free.set()
        assert await both[0] == 1
        with pytest.raises(ValueError, match="broken"):
            await both[1]

    async def test_readings_that_are_cancelled_leave_nobody_waiting(self) -> None:
        shared, gate = SharedReadings[int](), asyncio.Event()

        async def cancelled() -> int:
            await gate.wait()
            raise asyncio.CancelledError

        async def read() -> int:
            return 7

        first = asyncio.ensure_future(shared.current("a", cancelled))
        await asyncio.sleep(0)
        late = asyncio.ensure_future(shared.current("a", cancelled))
        await asyncio.sleep(0)
        gate.set()
        done, _ = await asyncio.wait([first, late], timeout=PATIENCE)
        assert done == {first, late}
        assert first.cancelled()
        assert late.cancelled()
        assert await shared.current("a", read) == 7

    async def test_end_of_the_one_who_reads_leaves_nobody_waiting(self) -> None:
        meter, shared = Meter(), SharedReadings[int]()
        before = asyncio.all_tasks()
        first = asyncio.ensure_future(shared.current("a", meter.read))
        await meter.begun.acquire()
        late = asyncio.ensure_future(shared.current("a", meter.read))
        await asyncio.sleep(0)
        for task in asyncio.all_tasks() - before - {first, late}:
            task.cancel()
        done, _ = await asyncio.wait([first, late], timeout=PATIENCE)
        assert done == {first, late}
