"""Memory of the generation that answers each tenant; an entry lives for a few seconds."""

import time
import uuid
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from citewell.indexes.contract import Generation
from citewell.indexes.postgres import generations

MEMORY_SECONDS = 3.0
"""How long a tenant's generation and the size of a scope are remembered.

They decide how to search; what may be found is decided by the statement each time.
"""

MOST_REMEMBERED = 10_000
"""Entries of one memory: a few megabytes."""

_CHANGED = "citewell.generation_changed"
"""Marks a session that has changed which generation answers: what it reads may be rolled back."""

K = TypeVar("K")
V = TypeVar("V")


def remember(memory: dict[K, V], key: K, value: V) -> None:
    """Keep a value; a memory that is full begins anew."""
    # Order of use is not kept: it would cost on each read, and a full memory is refilled in
    # seconds.
    if len(memory) >= MOST_REMEMBERED:
        memory.clear()
    memory[key] = value


class LiveGenerations:
    """Shared by the parts of one engine, so that what one learns the others know."""

    def __init__(self) -> None:
        self._known: dict[uuid.UUID, tuple[float, Generation]] = {}

    def known(self, tenant_id: uuid.UUID) -> Generation | None:
        """The generation as far as it is remembered."""
        known = self._known.get(tenant_id)
        return known[1] if known and time.monotonic() - known[0] < MEMORY_SECONDS else None

    async def read(self, session: AsyncSession) -> Generation | None:
        """The generation that answers the session's tenant."""
        tenant_id: uuid.UUID = session.info["tenant_id"]
        found = self.known(tenant_id)
        # Only what is committed is remembered, and only a generation: a tenant without one may get
        # its first at any moment.
        if found is None:
            found = await generations.live(session)
            if found is not None and not session.info.get(_CHANGED):
                remember(self._known, tenant_id, (time.monotonic(), found))
        return found

    def note_change(self, session: AsyncSession) -> None:
        """Note that the session changes which generation answers; what it reads is not kept."""
        session.info[_CHANGED] = True
        self.forget(session.info["tenant_id"])

    def forget(self, tenant_id: uuid.UUID) -> None:
        """Look it up again next time."""
        self._known.pop(tenant_id, None)
