"""A check, and one run of the checks over a tenant: in pages, each in its own unit of work."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta

from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.features.doctor import repository
from citewell.features.doctor.pace import CheckPace
from citewell.features.doctor.schemas import Fault
from citewell.indexes.contract import GenerationFacts, VersionFault, index_of

MOST_FAULTS = 10_000
"""Most faults of one check that a run remembers; the next run finds the others."""

OnStep = Callable[[str], None]
"""Called with the name of each check that begins."""


@dataclass(frozen=True, slots=True)
class CheckRun:
    """One run of the checks in one tenant."""

    platform: Platform
    caller: Caller
    is_deep: bool
    """Whether every file is decrypted and hashed."""
    grace: timedelta
    """Minimum age of an orphan; younger ones may belong to an upload in progress."""
    job_ids: list[uuid.UUID] = field(default_factory=list[uuid.UUID])
    """Jobs that were queued by repairs."""

    @property
    def pace(self) -> CheckPace:
        """Page sizes and pauses."""
        return self.platform.state_of(CheckPace)

    def unit_of_work(self) -> AbstractAsyncContextManager[Context]:
        """A transaction in the tenant."""
        return unit_of_work(self.platform, self.caller)

    async def version_pages(self) -> AsyncIterator[list[uuid.UUID]]:
        """The ids of all versions, in pages."""
        last: uuid.UUID | None = None
        while True:
            async with self.unit_of_work() as ctx:
                page = await repository.version_ids(ctx.session, last, self.pace.page)
            if not page:
                return
            yield page
            last = page[-1]

    async def generations(self) -> list[GenerationFacts]:
        """The generations of the index that are in use or being built."""
        async with self.unit_of_work() as ctx:
            return await index_of(self.platform).doctor.generations(ctx)


Find = Callable[[CheckRun], Awaitable[list[Fault]]]
Mend = Callable[[CheckRun, Sequence[Fault]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Check:
    """A search for one kind of fault and, where possible, its repair."""

    name: str
    find: Find
    mend: Mend | None = None


def pages_of(run: CheckRun, faults: Sequence[Fault]) -> list[list[uuid.UUID]]:
    """Ids of the faults' subjects, in pages."""
    subjects = sorted({fault.subject for fault in faults if fault.subject is not None})
    size = run.pace.page
    return [subjects[start : start + size] for start in range(0, len(subjects), size)]


def faults_of_versions(found: Sequence[VersionFault]) -> list[Fault]:
    """Faults reported by the index."""
    return [
        Fault(str(each.version_id), f"version {each.version_id} {each.what}", each.version_id)
        for each in found
    ]
