"""Looks at the runs at work in this process: whether each is still its worker's, and may go on.

One statement a second asks for all runs of a tenant, however many there are: fifty runs that each
asked for themselves took a tenth of the processor time of agents.
"""

import asyncio
import time
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from citewell.core.context import SYSTEM, Caller, batched_work
from citewell.core.platform import Platform
from citewell.features.agents import journal_repository
from citewell.features.agents.schemas import RunStanding

WATCH_SECONDS = 1.0
"""Interval of the look whether a run at work was cancelled or its user lost the right to it."""

Standings = Mapping[uuid.UUID, RunStanding | None]
"""By run that was looked at; None: it is not there."""


class RunWatch:
    """The runs at work in this process; a state of the platform."""

    def __init__(self) -> None:
        self._runs: dict[uuid.UUID, dict[uuid.UUID, int]] = {}
        """Attempts by run, by tenant."""
        self._looks: dict[uuid.UUID, asyncio.Future[Standings]] = {}
        """Under way, by tenant."""

    @contextmanager
    def of(self, tenant_id: uuid.UUID, run_id: uuid.UUID, attempt: int) -> Generator[None]:
        """Have a run looked at inside the block."""
        self._runs.setdefault(tenant_id, {})[run_id] = attempt
        try:
            yield
        finally:
            del self._runs[tenant_id][run_id]
            if not self._runs[tenant_id]:
                del self._runs[tenant_id]

    async def next(
        self, platform: Platform, tenant_id: uuid.UUID, run_id: uuid.UUID
    ) -> RunStanding | None:
        """The standing of a watched run within a second or so; None: it is not there any more."""
        while True:
            # All wake up at the same moment: the first one asks for all.
            await asyncio.sleep(WATCH_SECONDS - time.monotonic() % WATCH_SECONDS)
            found = await asyncio.shield(self._look(platform, tenant_id))
            if run_id in found:
                return found[run_id]

    def _look(self, platform: Platform, tenant_id: uuid.UUID) -> "asyncio.Future[Standings]":
        look = self._looks.get(tenant_id)
        if look is None:
            # A task of its own: the run that began it may end, and others wait for it too.
            look = asyncio.ensure_future(self._ask(platform, tenant_id))
            self._looks[tenant_id] = look
            look.add_done_callback(lambda done: self._looked(tenant_id, done))
        return look

    def _looked(self, tenant_id: uuid.UUID, look: "asyncio.Future[Standings]") -> None:
        del self._looks[tenant_id]
        if not look.cancelled():
            look.exception()  # told to those who wait; there may be none left

    async def _ask(self, platform: Platform, tenant_id: uuid.UUID) -> Standings:
        runs = dict(self._runs[tenant_id])
        caller = Caller(tenant_id, SYSTEM)
        async with batched_work(platform, caller, has_kept_plans=True) as ctx:
            found = await journal_repository.standings(ctx, runs)
        return {run_id: found.get(run_id) for run_id in runs}
