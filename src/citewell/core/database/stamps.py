"""Stamps of libraries, which tell whether a value computed from one still holds.

The stamp of a tenant is new with each commit that an answer may depend on (migration 0029). It is
read after a question has come in, so what was computed from an equal stamp misses no change. The
questions that wait at one moment share one reading: a round trip for each of them would cost more
than the rest of a cached answer.
"""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from citewell.core.database.exchange import Rows
from citewell.core.database.sessions import Database

STAMPS = "SELECT tenant_id, stamp, has_cache FROM citewell_library_stamps(:tenants)"
"""Selects the stamps of tenants, whichever tenant is set."""


@dataclass(frozen=True, slots=True)
class LibraryStamp:
    """The state of a tenant's library at a moment."""

    value: int
    """Grows with each commit that changes what an answer may be."""
    has_cache: bool
    """Whether the tenant lets replies be kept in caches."""


NO_TENANT = LibraryStamp(0, has_cache=False)


@dataclass(slots=True)
class LibraryStamps:
    """Reads stamps, those of all who wait with one statement."""

    _waiting: dict[uuid.UUID, "asyncio.Future[LibraryStamp]"] = field(
        default_factory=dict[uuid.UUID, "asyncio.Future[LibraryStamp]"]
    )
    _reading: "asyncio.Future[None] | None" = None

    async def current(self, database: Database, tenant_id: uuid.UUID) -> LibraryStamp:
        """The stamp of a tenant as it was committed at the time of the call, or later.

        Raises:
            sqlalchemy.exc.DBAPIError: The database does not answer.
        """
        # Never one that is being read: its statement may have begun before this call.
        asked = self._waiting.get(tenant_id)
        if asked is None:
            asked = self._waiting[tenant_id] = asyncio.get_running_loop().create_future()
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(self._read_all(database))
        # A caller who leaves must not take the result away from the others.
        await asyncio.wait([asked])
        return asked.result()

    async def _read_all(self, database: Database) -> None:
        """Read until nobody waits; its failure or cancellation is that of those it was read for."""
        while self._waiting:
            asked, self._waiting = self._waiting, {}
            reading = asyncio.ensure_future(_read(database, list(asked)))
            try:
                await asyncio.wait([reading])
                if not reading.cancelled():
                    _tell(asked, reading)
            except asyncio.CancelledError:
                asked |= self._waiting
                self._waiting = {}
                raise
            finally:
                reading.cancel()
                for future in asked.values():
                    future.cancel()  # without effect where it has its answer


def _tell(
    asked: Mapping[uuid.UUID, "asyncio.Future[LibraryStamp]"],
    reading: "asyncio.Future[dict[uuid.UUID, LibraryStamp]]",
) -> None:
    failure = reading.exception()
    for tenant_id, future in asked.items():
        if failure is None:
            future.set_result(reading.result().get(tenant_id, NO_TENANT))
        else:
            future.set_exception(failure)
            future.exception()  # whoever asked may have left


async def _read(database: Database, tenant_ids: list[uuid.UUID]) -> dict[uuid.UUID, LibraryStamp]:
    return stamps_in(await database.ask(STAMPS, {"tenants": tenant_ids}))


def stamps_in(rows: Rows) -> dict[uuid.UUID, LibraryStamp]:
    """Stamps by tenant, of rows of `STAMPS`."""
    return {
        tenant_id: LibraryStamp(stamp, has_cache=has_cache) for tenant_id, stamp, has_cache in rows
    }
