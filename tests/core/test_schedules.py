import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from citewell.core.database.sessions import Database
from citewell.core.schedules import Schedules
from citewell.core.supervision import REPORTED_FAILURES, Supervisor
from tests.core.test_jobs import QueueRows, until
from tests.waiting import PATIENCE

NAME = "testing.turn"
HOUR = 3600.0
REPORTED = f"SELECT 1 FROM schedule WHERE failures >= {REPORTED_FAILURES}"


@dataclass
class Turns:
    """Stands in for the platform: notes who is at work."""

    seconds: float = 0.0
    error: Exception | None = None
    begun: int = 0
    at_once: int = 0
    most_at_once: int = field(default=0)

    async def take(self, _: object) -> None:
        self.begun += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.seconds)
            if self.error is not None:
                raise self.error
        finally:
            self.at_once -= 1


@pytest.fixture(autouse=True)
def rows(own_url: str) -> QueueRows:
    """No schedule."""
    rows = QueueRows(own_url)
    rows.execute("DELETE FROM schedule")
    return rows


@asynccontextmanager
async def running(
    url: str, turns: Turns, *, every: float, lease: float = 30, adopt_all: bool = False
) -> AsyncIterator[Schedules[object]]:
    """A worker of its own that does the turns."""
    database = Database(url, pool_size=5)
    schedules = Schedules[object](
        database, Supervisor(first_pause=0.05, longest_pause=0.1), tick=0.05, lease=lease
    )
    schedules.register(NAME, turns.take, every=every)
    task = asyncio.ensure_future(schedules.run(None, adopt_all=adopt_all))
    try:
        yield schedules
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await database.close()


class TestTurns:
    async def test_periods_of_whole_and_broken_numbers_run_beside_each_other(
        self, own_database: Database
    ) -> None:
        turns = Turns()
        schedules = Schedules[object](own_database, Supervisor(), tick=0.05)
        for name, every in (
            ("testing.often", 0.5),
            ("testing.hourly", 3600),
            ("testing.day", 86_400),
        ):
            schedules.register(name, turns.take, every=every)
        task = asyncio.ensure_future(schedules.run(None))
        await until(lambda: turns.begun >= 3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def test_several_workers_take_turns_one_at_a_time(self, own_database: Database) -> None:
        turns = Turns(seconds=0.1)
        async with (
            running(own_database.url, turns, every=0.01),
            running(own_database.url, turns, every=0.01),
            running(own_database.url, turns, every=0.01),
        ):
            await until(lambda: turns.begun >= 6)
        assert turns.most_at_once == 1

    async def test_missed_turns_are_made_up_for_once(
        self, own_database: Database, rows: QueueRows
    ) -> None:
        rows.execute(
            f"INSERT INTO schedule (name, next_run_at) VALUES ('{NAME}', now() - interval '9 days')"
        )
        turns = Turns()
        async with running(own_database.url, turns, every=HOUR):
            await until(lambda: rows.select("SELECT 1 FROM schedule WHERE next_run_at > now()"))
            await asyncio.sleep(0.3)
        assert turns.begun == 1

    async def test_failure_is_told_to_every_process_until_it_is_over(
        self, own_database: Database, rows: QueueRows
    ) -> None:
        turns = Turns(error=KeyError("a bug"))
        async with (
            running(own_database.url, turns, every=0.01) as first,
            running(own_database.url, turns, every=0.01) as second,
        ):
            await until(lambda: rows.select(REPORTED))
            failures = await second.failing()
            assert failures[NAME] >= REPORTED_FAILURES
            assert (await first.failing()).keys() == failures.keys()
            turns.error = None
            await until(lambda: not rows.select(REPORTED))
            assert await second.failing() == {}


class TestClock:
    async def test_clock_that_is_set_back_stops_no_recurring_work(
        self, own_database: Database, rows: QueueRows
    ) -> None:
        """The row is of a time when the clock was a year ahead, and its holder has died since."""
        rows.execute(
            "INSERT INTO schedule (name, next_run_at, leased_until, holder) VALUES "
            f"('{NAME}', now() + interval '1 year', now() + interval '1 year', gen_random_uuid())"
        )
        turns = Turns()
        async with running(own_database.url, turns, every=HOUR):
            await until(lambda: turns.begun)
            ahead = "SELECT 1 FROM schedule WHERE next_run_at > now() + interval '61 minutes'"
            await until(lambda: not rows.select(ahead))
            await asyncio.sleep(0.3)
        assert turns.begun == 1

    async def test_work_that_is_not_due_rests(
        self, own_database: Database, rows: QueueRows
    ) -> None:
        rows.execute(
            f"INSERT INTO schedule (name, next_run_at) VALUES ('{NAME}', now() + interval '1 hour')"
        )
        turns = Turns()
        async with running(own_database.url, turns, every=HOUR):
            await asyncio.sleep(0.3)
        assert turns.begun == 0


class TestLease:
    async def test_long_turn_keeps_its_lease(self, own_database: Database, rows: QueueRows) -> None:
        turns = Turns(seconds=HOUR)
        async with (
            running(own_database.url, turns, every=HOUR, lease=3),
            running(own_database.url, turns, every=HOUR, lease=3),
        ):
            await until(lambda: turns.begun == 1)
            first_end = "last_run_at + make_interval(secs => 3)"
            await until(lambda: rows.select(f"SELECT 1 FROM schedule WHERE {first_end} < now()"))
            await asyncio.sleep(0.2)  # some ticks of both
            assert (turns.begun, turns.most_at_once) == (1, 1)

    async def test_stopped_worker_gives_its_turn_back(
        self, own_database: Database, rows: QueueRows
    ) -> None:
        turns = Turns(seconds=60)
        async with running(own_database.url, turns, every=HOUR):
            await until(lambda: turns.begun)
        assert rows.select("SELECT holder, leased_until FROM schedule") == [(None, None)]

    @pytest.mark.processes
    @pytest.mark.parametrize("adopt_all", [False, True], ids=["lease runs out", "no other alive"])
    async def test_turn_of_a_killed_worker_is_taken_over(
        self, own_database: Database, rows: QueueRows, adopt_all: bool
    ) -> None:
        kill_a_holder(own_database.url, lease=60 if adopt_all else 1)
        assert rows.select("SELECT 1 FROM schedule WHERE leased_until IS NOT NULL") == [(1,)]
        turns = Turns()
        async with running(own_database.url, turns, every=HOUR, adopt_all=adopt_all):
            await until(lambda: turns.begun == 1)


HOLDER = """
import asyncio, sys
from citewell.core.database.sessions import Database
from citewell.core.schedules import Schedules
from citewell.core.supervision import Supervisor

async def hang(platform):
    print("begun", flush=True)
    await asyncio.sleep(600)

async def main():
    schedules = Schedules(Database(sys.argv[1]), Supervisor(), tick=0.05, lease=float(sys.argv[2]))
    schedules.register("testing.turn", hang, every=3600)
    await schedules.run(None)

asyncio.run(main())
"""


def kill_a_holder(url: str, lease: float) -> None:
    """Have a process begin a turn, and kill it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, url, str(lease)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "begun\n"
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)
