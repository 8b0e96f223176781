"""The tenant's own settings of how answers are written, as of a stamp of its library."""

import uuid
from dataclasses import dataclass, field

from citewell.core.caching.stamped import stamp_of
from citewell.core.context import Caller
from citewell.core.database.stamps import LibraryStamp
from citewell.core.platform import Platform
from citewell.features.search import repository
from citewell.features.search.schemas import TenantWriting

MOST_KNOWN = 1_000
"""Tenants whose settings a process remembers."""


@dataclass(slots=True)
class KnownWritings:
    """The settings of tenants, each as of a stamp of the library; a state of the platform."""

    known: dict[uuid.UUID, tuple[LibraryStamp, TenantWriting]] = field(
        default_factory=dict[uuid.UUID, tuple[LibraryStamp, TenantWriting]]
    )


async def writing_of(platform: Platform, caller: Caller) -> TenantWriting:
    """The settings of the caller's tenant, as of the stamp that was read for the question.

    A change of them is stamped (migration 0030), so it holds from the next question on.
    """
    known = platform.state_of(KnownWritings).known
    found = known.get(caller.tenant_id)
    if found is not None and found[0] == await stamp_of(platform, caller):
        return found[1]
    found = await repository.stamped_writing(platform.database, caller.tenant_id)
    if len(known) >= MOST_KNOWN:
        known.clear()
    known[caller.tenant_id] = found
    return found[1]
