import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from citewell.core.caching.flights import Flights


class Work:
    """Gives its items one by one, each when it is let."""

    def __init__(self, *items: object) -> None:
        self.items = items
        self.begun = 0
        self.ended = 0
        self.gate = asyncio.Semaphore(0)

    async def __call__(self) -> AsyncGenerator[object, None]:
        self.begun += 1
        try:
            for item in self.items:
                await self.gate.acquire()
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self.ended += 1

    def let(self, count: int) -> None:
        for _ in range(count):
            self.gate.release()


async def all_of(flights: Flights, work: Work) -> list[object]:
    async with aclosing(flights.follow("key", work)) as items:
        return [item async for item in items]


async def following(flights: Flights, work: Work, count: int) -> "list[asyncio.Task[list[object]]]":
    tasks = [asyncio.ensure_future(all_of(flights, work)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


class TestFollow:
    async def test_many_at_once_are_computed_once_and_all_get_all(self) -> None:
        flights, work = Flights(), Work("a", "b", "c")
        early = await following(flights, work, 50)
        work.let(2)
        await asyncio.sleep(0.01)
        late = await following(flights, work, 50)
        work.let(1)
        assert await asyncio.gather(*early, *late) == [["a", "b", "c"]] * 100
        assert (work.begun, work.ended) == (1, 1)
        assert not flights.is_flying("key")

    async def test_one_who_began_it_may_leave(self) -> None:
        flights, work = Flights(), Work("a", "b")
        first, *others = await following(flights, work, 3)
        work.let(1)
        await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.wait([first])
        work.let(1)
        assert await asyncio.gather(*others) == [["a", "b"]] * 2
        assert first.cancelled()
        assert work.begun == 1

    async def test_last_who_leaves_ends_it(self) -> None:
        flights, work = Flights(), Work("a")
        tasks = await following(flights, work, 3)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert (work.begun, work.ended) == (1, 1)
        work.let(1)
        assert await all_of(flights, work) == ["a"]  # begun anew
        assert work.begun == 2

    async def test_error_is_everybodys_and_is_not_kept(self) -> None:
        flights, work = Flights(), Work(ValueError("no"))
        tasks = await following(flights, work, 3)
        work.let(1)
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [str(error) for error in done] == ["no"] * 3
        work.let(1)
        with pytest.raises(ValueError, match="no"):
            await all_of(flights, work)
        assert work.begun == 2

    async def test_slow_reader_holds_up_nobody(self) -> None:
        flights, work = Flights(), Work("a", "b")
        slow = flights.follow("key", work)
        work.let(1)
        assert await anext(slow) == "a"  # and asks for no more
        work.let(1)
        assert await all_of(flights, work) == ["a", "b"]
        await slow.aclose()
