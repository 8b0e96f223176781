"""Heavy computing in child processes: shares, lines, limits, and what is left after each."""

import asyncio
import operator
import os
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psutil
import pytest

from citewell.core.compute import BusyError, ComputationLimitError, ComputeLimits, ComputePool
from citewell.core.errors import UnavailableError
from citewell.kit.sandbox.limits import MIB
from tests.waiting import PATIENCE

ANN, BOB = uuid.uuid4(), uuid.uuid4()


@asynccontextmanager
async def opened(**limits: float) -> AsyncIterator[ComputePool]:
    pool = ComputePool(ComputeLimits(**limits))  # pyright: ignore[reportArgumentType]
    try:
        yield pool
    finally:
        await pool.close()
        await until_children(False)


def computing() -> list[psutil.Process]:
    """The children of this process that compute."""
    found: list[psutil.Process] = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # a zombie is one
            if "citewell.kit.sandbox.calls" in child.cmdline():
                found.append(child)
    return found


async def until_children(are_there: bool) -> None:
    """Wait for a child to be started, or for all that were killed to end."""
    deadline = time.monotonic() + PATIENCE
    while bool(computing()) is not are_there:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def started(pool: ComputePool, tenant: uuid.UUID, seconds: float) -> asyncio.Task[None]:
    """A computation that runs or waits by now."""
    task = asyncio.create_task(pool.run(tenant, time.sleep, seconds))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


class TestRun:
    async def test_function_is_computed_in_another_process_that_is_used_again(self) -> None:
        async with opened() as pool:
            first = await pool.run(ANN, os.getpid)
            assert first != os.getpid()
            assert await pool.run(BOB, os.getpid) == first
            assert await pool.run(ANN, operator.add, "nghỉ ", "phép") == "nghỉ phép"

    async def test_too_much_time_is_ended_and_the_next_one_runs(self) -> None:
        async with opened(run_seconds=4) as pool:  # a busy machine starts a child in that time
            with pytest.raises(ComputationLimitError, match="4 s"):
                await pool.run(ANN, time.sleep, 600)
            await until_children(False)
            assert await pool.run(ANN, operator.add, 1, 2) == 3

    async def test_too_much_memory_is_ended_and_the_next_one_runs(self) -> None:
        async with opened(memory_bytes=128 * MIB) as pool:
            with pytest.raises(ComputationLimitError, match="128 MiB"):
                await pool.run(ANN, operator.mul, "x", 1 << 30)
            assert await pool.run(ANN, operator.add, 1, 2) == 3

    async def test_crash_is_said_and_the_next_one_runs(self) -> None:
        async with opened() as pool:
            with pytest.raises(UnavailableError, match="ended unexpectedly"):
                await pool.run(ANN, os.abort)
            assert await pool.run(ANN, operator.add, 1, 2) == 3

    async def test_caller_that_goes_away_ends_its_computation(self) -> None:
        async with opened(running=1) as pool:
            task = await started(pool, ANN, 600)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await pool.run(ANN, operator.add, 1, 2) == 3

    async def test_closed_pool_ends_what_runs(self) -> None:
        async with opened() as pool:
            task = await started(pool, ANN, 600)
            await until_children(True)
            await pool.close()
            with pytest.raises(UnavailableError):
                await task


class TestShares:
    async def test_one_tenant_never_takes_all_places(self) -> None:
        async with opened(running=2, running_of_tenant=1) as pool:
            long = [await started(pool, ANN, 600) for _ in range(3)]
            assert await pool.run(BOB, operator.add, 1, 2) == 3
            assert not any(task.done() for task in long)
            for task in long:
                task.cancel()
            await asyncio.wait(long)

    async def test_tenants_take_turns(self) -> None:
        order: list[str] = []

        async def noted(pool: ComputePool, tenant: uuid.UUID, name: str) -> None:
            await pool.run(tenant, time.sleep, 0.05)
            order.append(name)

        async with opened(running=1) as pool, asyncio.TaskGroup() as group:
            for name in ("a1", "a2", "a3", "a4"):
                group.create_task(noted(pool, ANN, name))
            await asyncio.sleep(0)
            for name in ("b1", "b2"):
                group.create_task(noted(pool, BOB, name))
        assert order == ["a1", "a2", "b1", "a3", "b2", "a4"]

    @pytest.mark.parametrize("bound", [{"waiting_of_tenant": 2}, {"waiting": 2}])
    async def test_more_than_can_wait_are_refused_at_once(self, bound: dict[str, int]) -> None:
        async with opened(running=1, **bound) as pool:
            tasks = [await started(pool, ANN, 600) for _ in range(3)]
            with pytest.raises(BusyError):
                await asyncio.wait_for(pool.run(ANN, operator.add, 1, 2), PATIENCE)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            assert await pool.run(ANN, operator.add, 1, 2) == 3

    async def test_who_waits_for_too_long_is_refused_and_leaves_the_line(self) -> None:
        async with opened(running=1, waiting_of_tenant=1, wait_seconds=0.2) as pool:
            first = await started(pool, ANN, 600)
            for _ in range(2):
                with pytest.raises(BusyError):
                    await pool.run(ANN, operator.add, 1, 2)
            first.cancel()
            await asyncio.wait([first])
            assert await pool.run(ANN, operator.add, 1, 2) == 3
