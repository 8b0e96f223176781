"""Delivers committed changes to all open streams of this process over one listening connection.

Every server process has one hub. A notification only says that a tenant has new events; the hub
reads them once for all streams of the tenant, from the last known id on. So a lost connection
costs time, never an event.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

import psycopg
import structlog

from citewell.core.database.sessions import (
    CONNECTION,
    SESSION_SETTINGS,
    Database,
    connection_options,
)
from citewell.core.errors import UnavailableError
from citewell.core.supervision import Supervisor
from citewell.features.events import repository as stored
from citewell.features.events.schemas import ChangeEvent

log = structlog.get_logger(__name__)

NAME = "citewell-events"
"""Name of the connection in `pg_stat_activity`."""

LISTENING, READING = "events.listen", "events.read"
"""Names of the background tasks."""

KEEPALIVE_SECONDS = 10.0
"""Silence after which the connection is probed: a dropped one would otherwise stay unnoticed."""

ANSWER_SECONDS = 5.0
STATEMENT_SECONDS = 10.0

BATCH = 500
"""Events read by one statement."""

AT_A_TIME = 2
"""Tenants served at the same time; each takes a connection, which requests need too."""

SHORTEST_PAUSE, LONGEST_PAUSE = 0.02, 0.5
"""Bounds of the pause between two rounds of a tenant, in seconds. In a flood the pause is as long
as the last round took, so that streams use at most half of the process."""


class Listener(Protocol):
    """A receiver of a tenant's events."""

    @property
    def tenant_id(self) -> uuid.UUID:
        """Tenant whose events it receives."""
        ...


L = TypeVar("L", bound=Listener)

Deliver = Callable[[Sequence[ChangeEvent], Sequence[L]], Awaitable[None]]
"""Delivers a tenant's events to its listeners. It must read each listener's topics before its first
`await`: a topic added later begins at a later `cursor`."""


@dataclass(slots=True)
class _Tenant(Generic[L]):
    cursor: int
    """Id of the latest event given to the listeners."""
    listeners: set[L] = field(default_factory=set[L])
    has_news: bool = False
    is_served: bool = False


class EventHub(Generic[L]):
    """Distributes events in this process; it connects when the first listener joins."""

    def __init__(self, database: Database, supervisor: Supervisor) -> None:
        self._database = database
        self._supervisor = supervisor
        self._tenants: dict[uuid.UUID, _Tenant[L]] = {}
        self._is_wanted = asyncio.Event()
        self._is_listening = asyncio.Event()
        self._room = asyncio.Semaphore(AT_A_TIME)
        self._group: asyncio.TaskGroup | None = None
        self._deliver: Deliver[L] | None = None

    async def run(self, deliver: Deliver[L]) -> None:
        """Listen until cancelled."""
        self._deliver = deliver
        async with asyncio.TaskGroup() as group:
            self._group = group
            await self._supervisor.keep(LISTENING, self._listen)

    async def join(self, listener: L) -> None:
        """Add a listener, which gets everything committed from now on.

        Raises:
            UnavailableError: The database does not answer.
            sqlalchemy.exc.SQLAlchemyError: The database does not answer.
        """
        self._is_wanted.set()
        try:
            async with asyncio.timeout(STATEMENT_SECONDS):
                await self._is_listening.wait()
        except TimeoutError:
            raise UnavailableError("The database does not answer. Try again in a moment.") from None
        tenant_id = listener.tenant_id
        if tenant_id not in self._tenants:
            async with self._unit_of_work(tenant_id) as session:
                cursor = await stored.last_id(session)
            # Read after listening has begun, so an event after this id is announced by a
            # notification.
            self._tenants.setdefault(tenant_id, _Tenant(cursor))
        self._tenants[tenant_id].listeners.add(listener)
        self._note(tenant_id)  # something may have been committed meanwhile

    def leave(self, listener: L) -> None:
        """Remove a listener."""
        tenant = self._tenants.get(listener.tenant_id)
        if tenant is not None:
            tenant.listeners.discard(listener)
            if not tenant.listeners:
                del self._tenants[listener.tenant_id]

    def cursor(self, tenant_id: uuid.UUID) -> int:
        """Id of the latest event given to a tenant's listeners; the tenant must have one."""
        return self._tenants[tenant_id].cursor

    def listeners(self) -> list[L]:
        """All listeners of this process."""
        return [each for tenant in self._tenants.values() for each in tenant.listeners]

    async def _listen(self) -> None:
        await self._is_wanted.wait()
        try:
            await self._take_notifications()
        finally:
            self._is_listening.clear()

    async def _take_notifications(self) -> None:
        """Take notifications until the connection is lost, which raises."""
        options = connection_options({**SESSION_SETTINGS, "application_name": NAME})
        made: dict[str, Any] = {**CONNECTION, "options": options, "autocommit": True}
        async with await psycopg.AsyncConnection.connect(self._database.url, **made) as connection:
            await connection.execute(f"LISTEN {stored.CHANNEL}")
            self._is_listening.set()
            # Notifications sent while there was no connection are lost, so all tenants are read.
            for tenant_id in self._tenants:
                self._note(tenant_id)
            while True:
                async for notification in connection.notifies(timeout=KEEPALIVE_SECONDS):
                    self._hear(notification.payload)
                async with asyncio.timeout(ANSWER_SECONDS):
                    await connection.execute("SELECT 1")

    def _hear(self, payload: str) -> None:
        try:
            tenant_id = uuid.UUID(payload)
        except ValueError:  # any role that may connect can notify, with any payload
            log.warning("notification_ignored", channel=stored.CHANNEL, length=len(payload))
            return
        self._note(tenant_id)

    def _note(self, tenant_id: uuid.UUID) -> None:
        tenant = self._tenants.get(tenant_id)
        if tenant is None or self._group is None:
            return
        tenant.has_news = True
        if not tenant.is_served:
            tenant.is_served = True
            self._group.create_task(self._serve(tenant_id, tenant))

    async def _serve(self, tenant_id: uuid.UUID, tenant: _Tenant[L]) -> None:
        """Deliver new events to a tenant's listeners until there are none."""
        try:
            while tenant.has_news and tenant.listeners:
                # Cleared before reading: a notification during the read asks for another round.
                tenant.has_news = False
                begun = time.monotonic()
                async with self._room:
                    is_done = await self._supervisor.attempt(
                        READING, partial(self._catch_up, tenant_id, tenant)
                    )
                if not is_done:
                    tenant.has_news = True
                    await asyncio.sleep(self._supervisor.pause(READING))
                took = time.monotonic() - begun
                await asyncio.sleep(max(SHORTEST_PAUSE, min(took, LONGEST_PAUSE)))
        finally:
            tenant.is_served = False

    async def _catch_up(self, tenant_id: uuid.UUID, tenant: _Tenant[L]) -> None:
        assert self._deliver is not None
        while True:
            async with self._unit_of_work(tenant_id) as session:
                events = await stored.events_after(session, tenant.cursor, BATCH)
            if not events:
                return
            # Moved before delivery: an event that a stream could not be given ends that stream,
            # which resumes from its own last id, instead of being given twice to all others.
            tenant.cursor = events[-1].id
            await self._deliver(events, list(tenant.listeners))
            if len(events) < BATCH:
                return

    @asynccontextmanager
    async def _unit_of_work(self, tenant_id: uuid.UUID) -> AsyncGenerator[Any, None]:
        async with self._database.unit_of_work(
            tenant_id, statement_seconds=STATEMENT_SECONDS
        ) as session:
            yield session
