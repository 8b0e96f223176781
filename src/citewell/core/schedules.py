"""Recurring work of the whole installation, done by one worker at a time.

Each schedule has a name, a period and a row with its next run and its lease. A worker that dies
loses its lease, and another takes over. After any number of missed runs the work is done once, and
then at its period again.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from citewell.core.database.sessions import Database
from citewell.core.supervision import LONGEST_PAUSE_SECONDS, REPORTED_FAILURES, Supervisor

P = TypeVar("P")

Action = Callable[[P], Awaitable[object]]

TICK_SECONDS = 2.0
"""Interval between two questions for due work, one statement each, and longest delay of a run."""

LEASE_SECONDS = 20.0
"""Time without a renewal after which the holder of a lease is taken for dead."""

TOGETHER_SECONDS = 0.1
"""Wait for other runs that end: those of one tick mostly do, and are recorded in one statement. It
makes periods longer by as much."""

TICKING = "schedules"
"""Name of the background task."""

_ADD = text("""
INSERT INTO schedule (name) SELECT unnest(CAST(:names AS text[])) ON CONFLICT DO NOTHING
""")

_RELEASE_ALL = text("UPDATE schedule SET leased_until = NULL, holder = NULL")

_RELEASE = text("""
UPDATE schedule SET leased_until = NULL, holder = NULL WHERE holder = :holder
""")

# The second of two that ask at once waits for the row and finds it leased. A due time beyond twice
# the longest pause was written while the clock was ahead; it counts as due. Twice, as processes of
# another release may have other periods.
_CLAIM = text("""
UPDATE schedule SET holder = :holder, leased_until = now() + make_interval(secs => :lease),
  last_run_at = now()
FROM unnest(CAST(:names AS text[]), CAST(:furthest AS float8[])) AS own(name, furthest)
WHERE schedule.name = own.name
  AND (next_run_at <= now() OR next_run_at > now() + make_interval(secs => 2 * own.furthest))
  AND (leased_until IS NULL OR leased_until < now()
    OR leased_until > now() + make_interval(secs => 2 * :lease))
RETURNING schedule.name, failures
""")

_RENEW = text("""
UPDATE schedule SET leased_until = now() + make_interval(secs => :lease)
WHERE name = :name AND holder = :holder
""")

_FINISH = text("""
UPDATE schedule SET holder = NULL, leased_until = NULL, failures = ended.failures,
  next_run_at = now() + make_interval(secs => ended.pause)
FROM unnest(CAST(:names AS text[]), CAST(:failures AS int[]), CAST(:pauses AS float8[]))
  AS ended(name, failures, pause)
WHERE schedule.name = ended.name AND holder = :holder
""")

_FAILING = text("""
SELECT name, failures FROM schedule
WHERE name = ANY(CAST(:names AS text[])) AND failures >= :reported ORDER BY name
""")


@dataclass(frozen=True, slots=True)
class _Turn:
    """A run that this process holds the lease of."""

    name: str
    failures: int
    """Failures in a row before this run."""


@dataclass(frozen=True, slots=True)
class _Ended:
    """A run that is over."""

    name: str
    failures: int
    """Failures in a row by now."""
    pause: float
    """Seconds until it is due again."""


class Schedules(Generic[P]):
    """The recurring work of an installation, and this process's part in it."""

    def __init__(
        self,
        database: Database,
        supervisor: Supervisor,
        *,
        tick: float = TICK_SECONDS,
        lease: float = LEASE_SECONDS,
    ) -> None:
        self._database = database
        self._supervisor = supervisor
        self._tick = tick
        self._lease = lease
        self._holder = uuid.uuid4()
        self._actions: dict[str, tuple[Action[P], float]] = {}
        self._ended: list[_Ended] = []

    def register(self, name: str, action: Action[P], *, every: float) -> None:
        """Register `action` to be done by one worker of the installation `every` so many seconds.

        It must be idempotent: a slow holder may still be running when another one begins.
        """
        self._actions[name] = action, every

    async def run(self, platform: P, *, adopt_all: bool = False) -> None:
        """Run due work until cancelled.

        Args:
            platform: Handed to the actions.
            adopt_all: No other worker can be alive, so all leases are left by dead ones.
        """
        is_prepared = False
        self._ended.clear()  # what a run before this one was cancelled over

        async def tick() -> None:
            nonlocal is_prepared
            if not is_prepared:
                await self._prepare(adopt_all=adopt_all)
                is_prepared = True
            for turn in await self._claim():
                group.create_task(self._take(platform, turn))

        try:
            async with asyncio.TaskGroup() as group:
                await self._supervisor.repeat(TICKING, tick, self._tick)
        finally:  # lets others take over before the leases of this process run out
            with suppress(SQLAlchemyError):
                async with self._database.lookup() as session:
                    await session.execute(_RELEASE, {"holder": self._holder})

    async def failing(self) -> dict[str, int]:
        """Schedules that fail repeatedly, in any process, with their failures in a row.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: The database does not answer.
        """
        values = {"names": list(self._actions), "reported": REPORTED_FAILURES}
        async with self._database.lookup() as session:
            return {row.name: row.failures for row in await session.execute(_FAILING, values)}

    async def _prepare(self, *, adopt_all: bool) -> None:
        async with self._database.lookup() as session:
            await session.execute(_ADD, {"names": sorted(self._actions)})
            if adopt_all:
                await session.execute(_RELEASE_ALL)

    async def _claim(self) -> list[_Turn]:
        values = {
            "names": list(self._actions),
            # Whole numbers and others in one list have no type for the database.
            "furthest": [
                float(max(every, LONGEST_PAUSE_SECONDS)) for _, every in self._actions.values()
            ],
            "holder": self._holder,
            "lease": self._lease,
        }
        async with self._database.lookup() as session:
            return [_Turn(row.name, row.failures) for row in await session.execute(_CLAIM, values)]

    async def _take(self, platform: P, turn: _Turn) -> None:
        """Run a turn, renewing its lease meanwhile, and record when it is due again."""
        action, every = self._actions[turn.name]
        async with asyncio.TaskGroup() as group:
            renewing = group.create_task(self._renew(turn.name))
            is_done = await self._supervisor.attempt(turn.name, partial(action, platform))
            renewing.cancel()
        failures = 0 if is_done else turn.failures + 1
        # The exponent is bounded too: 2.0 ** 1024 overflows.
        pause = every if is_done else min(2.0 ** min(failures, 30), LONGEST_PAUSE_SECONDS)
        self._ended.append(_Ended(turn.name, failures, pause))
        if len(self._ended) == 1:  # the first of several writes for all of them
            await asyncio.sleep(TOGETHER_SECONDS)
            await self._supervisor.attempt(TICKING, self._finish)

    async def _renew(self, name: str) -> None:
        values = {"name": name, "holder": self._holder, "lease": self._lease}

        async def renew() -> None:
            async with self._database.lookup() as session:
                await session.execute(_RENEW, values)

        while True:
            # Two renewals may be late or lost before the lease runs out.
            await asyncio.sleep(self._lease / 3)
            await self._supervisor.attempt(TICKING, renew)

    async def _finish(self) -> None:
        """Record the runs that ended; where that fails, their leases run out."""
        ended, self._ended = self._ended, []
        values: dict[str, object] = {
            "names": [each.name for each in ended],
            "failures": [each.failures for each in ended],
            "pauses": [float(each.pause) for each in ended],
            "holder": self._holder,
        }
        async with self._database.lookup() as session:
            await session.execute(_FINISH, values)
