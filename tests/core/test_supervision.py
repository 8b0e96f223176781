import asyncio
import time
from collections.abc import Callable

import psycopg
import pytest

from citewell.core.supervision import REPORTED_FAILURES, FailingTask, Supervisor
from tests.waiting import PATIENCE


async def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.005)


async def cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def quick(steady_after: float = 30) -> Supervisor:
    return Supervisor(first_pause=0.01, longest_pause=0.04, steady_after=steady_after)


class TestKeep:
    @pytest.mark.parametrize(
        "error",
        [KeyError("a bug"), ExceptionGroup("two", [ValueError()]), asyncio.CancelledError()],
    )
    async def test_failing_task_begins_again_and_is_reported(self, error: BaseException) -> None:
        supervisor, runs = quick(), list[float]()

        async def fail() -> None:
            runs.append(time.monotonic())
            raise error

        task = asyncio.ensure_future(supervisor.keep("testing.fail", fail))
        await until(lambda: len(runs) > REPORTED_FAILURES)
        [failing] = supervisor.failing()
        assert failing.name == "testing.fail"
        assert failing.failures >= REPORTED_FAILURES
        await cancelled(task)

    async def test_pause_doubles_up_to_the_longest(self) -> None:
        supervisor = Supervisor(first_pause=1, longest_pause=6)
        assert supervisor.pause("it") == 0
        pauses = list[float]()
        for _ in range(5):
            supervisor.note_failure("it", KeyError("a bug"))
            pauses.append(supervisor.pause("it"))
        assert pauses == [1, 2, 4, 6, 6]

    async def test_outage_of_the_database_is_looked_at_again_soon(self) -> None:
        supervisor = Supervisor(first_pause=1, longest_pause=60)
        for _ in range(9):
            supervisor.note_failure("it", psycopg.OperationalError("gone"))
        assert supervisor.pause("it") == 4

    async def test_return_counts_as_a_failure(self) -> None:
        supervisor, runs = quick(), list[int]()

        async def end() -> None:
            runs.append(1)

        task = asyncio.ensure_future(supervisor.keep("testing.end", end))
        await until(lambda: len(runs) > REPORTED_FAILURES)
        assert [each.name for each in supervisor.failing()] == ["testing.end"]
        await cancelled(task)

    async def test_task_that_runs_steadily_is_reported_no_more(self) -> None:
        supervisor, is_reported = quick(steady_after=0.2), asyncio.Event()

        async def fail_until_reported() -> None:
            if not supervisor.failing():
                raise KeyError
            is_reported.set()
            await asyncio.sleep(60)

        task = asyncio.ensure_future(supervisor.keep("testing.heal", fail_until_reported))
        async with asyncio.timeout(PATIENCE):
            await is_reported.wait()
        await until(lambda: not supervisor.failing())
        await cancelled(task)

    async def test_cancelled_task_ends(self) -> None:
        supervisor = quick()
        task = asyncio.ensure_future(supervisor.keep("testing.wait", lambda: asyncio.sleep(60)))
        await asyncio.sleep(0)
        await cancelled(task)
        assert supervisor.failing() == []


class TestRepeat:
    async def test_success_ends_the_report(self) -> None:
        supervisor, runs = quick(), list[int]()

        async def fail_at_first() -> None:
            runs.append(1)
            if len(runs) <= REPORTED_FAILURES:
                raise KeyError

        repeated = supervisor.repeat("testing.heal", fail_at_first, every=0.01)
        task = asyncio.ensure_future(repeated)
        await until(lambda: supervisor.failing())
        assert supervisor.failing() == [FailingTask("testing.heal", REPORTED_FAILURES)]
        await until(lambda: not supervisor.failing())
        await until(lambda: len(runs) > REPORTED_FAILURES + 3)
        await cancelled(task)
