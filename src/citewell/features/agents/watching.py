"""Looks at the runs at work in this process: whether each is still its worker's, and may go on.

One statement a second asks for all runs of a tenant, however many there are: fifty runs that each
asked for themselves took a tenth of the processor time of agents.
"""

import asyncio
import time
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import partial

from citewell.core.context import SYSTEM, Caller, batched_work
from citewell.core.platform import ClosedAtEnd, Platform
from citewell.features.agents import journal_repository
from citewell.features.agents.schemas import RunAttempt, RunStanding

NAME = "run_watch"
"""Name of the looks among background tasks."""

WATCH_SECONDS = 1.0
"""Interval of the look whether a run at work was cancelled or its user lost the right to it."""

Standings = Mapping[RunAttempt, RunStanding | None]
"""By attempt that was looked at; None: its run is not there."""


class RunWatch(ClosedAtEnd):
    """The attempts at work in this process; a state of the platform."""

    def __init__(self) -> None:
        self._attempts: dict[uuid.UUID, set[RunAttempt]] = {}
        """By tenant; two of one run while the older has not noticed that it lost it."""
        self._looks: dict[uuid.UUID, asyncio.Future[Standings]] = {}
        """Results of the looks under way, by tenant."""
        self._tasks: set[asyncio.Task[bool]] = set()
        """Log looks that fail, and end them with the process."""

    @contextmanager
    def of(self, platform: Platform, tenant_id: uuid.UUID, attempt: RunAttempt) -> Generator[None]:
        """Have an attempt looked at inside the block."""
        self._attempts.setdefault(tenant_id, set()).add(attempt)
        try:
            yield
        finally:
            left = self._attempts.get(tenant_id, set())
            left.discard(attempt)
            if not left:
                self._attempts.pop(tenant_id, None)
            if not self._attempts:
                # A failure of the last look is no state of a process that has nothing to look at.
                platform.supervisor.forget(NAME)

    async def next(
        self, platform: Platform, tenant_id: uuid.UUID, attempt: RunAttempt
    ) -> RunStanding | None:
        """The standing of a watched attempt within a second or so; None: its run is not there.

        Raises:
            OSError, SQLAlchemyError: The database did not answer.
        """
        while True:
            # All wake up at the same moment: the first one asks for all.
            await asyncio.sleep(WATCH_SECONDS - time.monotonic() % WATCH_SECONDS)
            found = await asyncio.shield(self._look(platform, tenant_id))
            if attempt in found:
                return found[attempt]

    async def close(self) -> None:
        """End the looks under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _look(self, platform: Platform, tenant_id: uuid.UUID) -> "asyncio.Future[Standings]":
        look = self._looks.get(tenant_id)
        if look is None:
            # A task of its own: the run that began it may end, and others wait for it too.
            look = asyncio.ensure_future(self._ask(platform, tenant_id))
            self._looks[tenant_id] = look
            look.add_done_callback(lambda _: self._looks.pop(tenant_id, None))
            told = platform.supervisor.attempt(NAME, partial(_result_of, look))
            task = asyncio.ensure_future(told)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return look

    async def _ask(self, platform: Platform, tenant_id: uuid.UUID) -> Standings:
        attempts = list(self._attempts.get(tenant_id, ()))
        caller = Caller(tenant_id, SYSTEM)
        async with batched_work(platform, caller, has_kept_plans=True) as ctx:
            found = await journal_repository.standings(ctx, attempts)
        return {attempt: found.get(attempt) for attempt in attempts}


async def _result_of(look: "asyncio.Future[Standings]") -> Standings:
    return await look
