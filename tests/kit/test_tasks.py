"""Tasks side by side, whose first failure is raised as it is."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from citewell.kit.tasks import TaskGroup

CAUSE = KeyError("why")


async def fail(error: Exception, cause: Exception | None = None) -> None:
    raise error from cause


async def side_by_side(*works: Coroutine[Any, Any, Any]) -> None:
    async with TaskGroup() as group:
        for work in works:
            group.create_task(work)


class TestFailures:
    async def test_one_is_raised_as_it_is_with_its_cause(self) -> None:
        with pytest.raises(ValueError, match="told") as caught:
            await side_by_side(asyncio.sleep(10), fail(ValueError("told"), CAUSE))
        assert caught.value.__cause__ is CAUSE

    async def test_that_of_the_block_is_raised_and_the_tasks_are_ended(self) -> None:
        tasks: list[asyncio.Task[None]] = []

        async def block() -> None:
            async with TaskGroup() as group:
                tasks.append(group.create_task(asyncio.sleep(10)))
                await asyncio.sleep(0)
                await fail(ValueError("block"))

        with pytest.raises(ValueError, match="block"):
            await block()
        assert tasks[0].cancelled()

    async def test_of_several_the_first_is_raised_and_the_others_can_be_read(self) -> None:
        with pytest.raises(ValueError, match="first") as caught:
            await side_by_side(fail(ValueError("first")), fail(KeyError("second")))
        assert isinstance(caught.value.__context__, ExceptionGroup)
        assert "second" in str(caught.value.__context__.exceptions)

    async def test_cancellation_stays_one(self) -> None:
        working = asyncio.ensure_future(side_by_side(asyncio.sleep(10)))
        await asyncio.sleep(0.01)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
