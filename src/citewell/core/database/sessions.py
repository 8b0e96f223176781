"""Connections, units of work and the tenant they act for."""

import asyncio
import errno
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import psycopg
import psycopg_pool
from psycopg.pq import TransactionStatus
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.pool import (
    ConnectionPoolEntry,
    NullPool,
    Pool,
    PoolProxiedConnection,
    PoolResetState,
    QueuePool,
)
from sqlalchemy.util import greenlet_spawn

import citewell
from citewell.core.database.base import TenantScoped
from citewell.core.database.batches import Connect, Statement, StatementBatch
from citewell.core.database.exchange import BEGIN, Rows
from citewell.core.database.spans import watch

APP_ROLE = "citewell_app"
"""Role of the application: not the owner and without BYPASSRLS, so row-level security binds it."""

TENANT_SETTING = "citewell.tenant_id"

SESSION_SETTINGS = {
    "role": APP_ROLE,
    # With the version, so that an upgrade sees which others are there.
    "application_name": f"citewell/{citewell.__version__}",
    "TimeZone": "UTC",
    "search_path": "public",
    # The tenant is known at plan time only in a custom plan; then one partition is planned.
    "plan_cache_mode": "force_custom_plan",
    "jit": "off",
    # ADR-0020: recall@10 is 0.990 of exact. The scan goes on until the scope has given enough rows
    # (ADR-0006).
    "hnsw.ef_search": "150",
    "hnsw.iterative_scan": "relaxed_order",
    "idle_in_transaction_session_timeout": "600s",
    # Longer than a request may take, so that a lock held for long ends in an error that names it.
    "lock_timeout": "60s",
}


LONGEST_RETURN = 2.0
"""Seconds to wait at the end for connections that are being given back: a round trip each, unless
the server hangs. Sessions do it in tasks of their own, which go on when their caller is cancelled
twice."""

CONNECTION: dict[str, Any] = {"connect_timeout": 10, "client_encoding": "utf8"}
"""Parameters of every connection; they override the operator's PGCLIENTENCODING."""


def connection_options(settings: dict[str, str]) -> str:
    """The libpq `options` parameter that sets `settings` from the first statement on.

    Set at connection time, not by SET: RESET ALL and RESET ROLE fall back to these.
    """
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


OWNER_CONNECTION: dict[str, Any] = {
    **CONNECTION,
    "options": connection_options({"search_path": "public"}),
}
"""Parameters of the owner's connections; with the default search path, a schema that bears the
user's name would receive our tables."""


class Database:
    """The application's connections to one PostgreSQL database, through the app role."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        session_settings: Mapping[str, str] | None = None,
        has_spans: bool = False,
        on_use: Callable[[int], None] | None = None,
    ) -> None:
        """Connect nowhere yet.

        Args:
            url: The database.
            pool_size: Most connections at a time.
            session_settings: Replace some of `SESSION_SETTINGS`.
            has_spans: Whether statements are told to the recorder of spans.
            on_use: Told how many connections are taken from the pool, at each change.
        """
        self.url = url
        settings = SESSION_SETTINGS | dict(session_settings or {})
        self._engine: AsyncEngine = create_async_engine(
            make_url(url).set(drivername="postgresql+psycopg"),
            pool_size=pool_size,
            # A fixed number, so that the connections of several processes can be added up
            # (`serve`).
            max_overflow=0,
            pool_timeout=30,
            # The connection used last: its server process has plans and pages in its caches.
            pool_use_lifo=True,
            # A look before each use would be one more round trip; a lost connection shows with its
            # first statement, and `is_outage` recognises it.
            pool_pre_ping=False,
            # `_roll_back` does it, and only where there is something to roll back.
            pool_reset_on_return=None,
            hide_parameters=True,  # tracebacks are logged, and values are documents and addresses
            connect_args=CONNECTION
            | {
                "options": connection_options(settings),
                # Batches prepare theirs (`exchange`); of the driver's the plan is never kept.
                "prepare_threshold": None,
            },
        )
        event.listen(self._engine.sync_engine, "reset", _roll_back)
        if has_spans:
            watch(self._engine.sync_engine)
        if on_use is not None:
            # The pool's own count: a failed reconnection gives back what was never told as taken.
            # It still has one that is just being given back.
            pool = cast("QueuePool", self._engine.sync_engine.pool)
            event.listen(pool, "checkout", lambda *_: on_use(pool.checkedout()))
            event.listen(pool, "checkin", lambda *_: on_use(pool.checkedout() - 1))
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self._autocommits = async_sessionmaker(
            self._engine.execution_options(isolation_level="AUTOCOMMIT"), expire_on_commit=False
        )

    @asynccontextmanager
    async def unit_of_work(
        self,
        tenant_id: uuid.UUID | None,
        *,
        statement_seconds: float = 0,
        is_snapshot: bool = False,
    ) -> AsyncGenerator[AsyncSession, None]:
        """One transaction for one tenant, committed at the end or rolled back by an exception.

        Args:
            tenant_id: Without a tenant no tenant's row is visible.
            statement_seconds: Longest time of one statement; 0: no limit.
            is_snapshot: All statements see the same snapshot instead of one each.
        """
        async with self._sessions() as session, session.begin():
            if is_snapshot:
                await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            if tenant_id is not None:
                session.info["tenant_id"] = tenant_id
                await session.execute(
                    text(_SET_TENANT), _tenant_values(tenant_id, statement_seconds)
                )
            yield session

    @asynccontextmanager
    async def batch(
        self,
        tenant_id: uuid.UUID,
        *,
        statement_seconds: float = 0,
        has_kept_plans: bool = False,
    ) -> AsyncGenerator[StatementBatch, None]:
        """One transaction for one tenant, as `unit_of_work`, whose statements all go in batches.

        The first to be sent begin it and set the tenant in the same round trip; without any no
        connection is taken.

        Args:
            tenant_id: The tenant.
            statement_seconds: Longest time of one statement; 0: no limit.
            has_kept_plans: Statements are planned once for all values, not for each. Values that a
                plan depends on have to be literals of theirs.
        """
        set_tenant = _SET_TENANT_AND_PLANS if has_kept_plans else _SET_TENANT
        values = _tenant_values(tenant_id, statement_seconds)
        async with self._lent() as connect:
            batch = StatementBatch(connect, [(BEGIN, {}), (set_tenant, values)])
            batch.info["tenant_id"] = tenant_id
            yield batch
            await batch.commit()

    async def ask(self, statement: str, values: Mapping[str, object]) -> Rows:
        """Rows of a single statement without a tenant, a transaction by itself, in one round trip.

        Raises:
            sqlalchemy.exc.DBAPIError: As sessions raise it.
        """
        return (await self._asked([(statement, values)]))[0]

    async def ask_for(
        self,
        tenant_id: uuid.UUID,
        statements: Sequence[Statement],
        *,
        statement_seconds: float = 0,
    ) -> list[Rows]:
        """Rows of statements for one tenant, a transaction by themselves, in one round trip.

        Each sees what is committed when its turn comes. Raises as `ask` does.

        Args:
            tenant_id: The tenant.
            statements: With their values by name.
            statement_seconds: Longest time of one statement; 0: no limit.
        """
        set_tenant = (_SET_TENANT_AND_PLANS, _tenant_values(tenant_id, statement_seconds))
        return (await self._asked([set_tenant, *statements]))[1:]

    async def _asked(self, statements: Sequence[Statement]) -> list[Rows]:
        async with self._lent() as connect:
            batch = StatementBatch(connect, is_whole=True)
            asked = [batch.ask(statement, values, list) for statement, values in statements]
            return [await each for each in asked]

    @asynccontextmanager
    async def _lent(self) -> AsyncGenerator[Connect, None]:
        """Lends a connection of the pool, which is taken when it is asked for."""
        held: list[PoolProxiedConnection] = []
        pool = self._engine.pool

        async def connect() -> PoolProxiedConnection:
            held.append(await self._engine.raw_connection())
            return held[0]

        try:
            yield connect
        finally:
            for connection in held:
                if _is_idle(connection):
                    # Nothing to wait for, so neither a task nor a greenlet, which would take as
                    # much processor time as a small statement.
                    connection.close()
                    continue
                # Shielded, as sessions give back theirs: who is cancelled once more meanwhile would
                # leave the connection to the garbage collector.
                await asyncio.shield(asyncio.ensure_future(self._give_back(connection, pool)))

    async def _give_back(self, connection: PoolProxiedConnection, pool: Pool) -> None:
        is_lost = cast(psycopg.AsyncConnection[Any], connection.driver_connection).closed
        # `_roll_back` ends what was not committed; a connection that cannot be is dropped.
        await greenlet_spawn(connection.close)
        if is_lost and self._engine.pool is pool:
            # The server was restarted: others of the pool are lost too.
            await self._engine.dispose()

    @asynccontextmanager
    async def lookup(self) -> AsyncGenerator[AsyncSession, None]:
        """A session for single statements without a tenant, each committed in its round trip."""
        async with self._autocommits() as session:
            yield session

    @asynccontextmanager
    async def owner_connection(self) -> AsyncGenerator[AsyncConnection, None]:
        """A connection of the owner outside a transaction, for changes of structure."""
        engine = create_async_engine(
            make_url(self.url).set(drivername="postgresql+psycopg"),
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args=OWNER_CONNECTION,
        )
        try:
            async with engine.connect() as connection:
                yield connection
        finally:
            await engine.dispose()

    async def ping(self) -> None:
        """Check that the server answers.

        Raises:
            sqlalchemy.exc.DBAPIError: It does not answer.
        """
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close all connections, once work that was cancelled has given back its own."""
        pool, deadline = self._engine.pool, time.monotonic() + LONGEST_RETURN
        assert isinstance(pool, QueuePool)
        while pool.checkedout() and time.monotonic() < deadline:  # noqa: ASYNC110 - a pool tells nobody
            await asyncio.sleep(0.005)
        await self._engine.dispose()


def _roll_back(
    connection: DBAPIConnection, _record: ConnectionPoolEntry, state: PoolResetState
) -> None:
    """Ends the transaction of a connection that goes back into the pool, if one is open."""
    if state.asyncio_safe and not _is_idle(connection):
        connection.rollback()


def _is_idle(connection: DBAPIConnection | PoolProxiedConnection) -> bool:
    """Whether it is in no transaction, and not lost."""
    driver = cast(psycopg.AsyncConnection[Any], cast(Any, connection).driver_connection)
    return driver.pgconn.transaction_status == TransactionStatus.IDLE


# Local to the transaction, so that a pooled connection never carries a tenant into the next one.
_SET_TENANT = (
    f"SELECT set_config('{TENANT_SETTING}', :tenant_id, true), "
    "set_config('statement_timeout', :limit, true)"
)

_SET_TENANT_AND_PLANS = f"{_SET_TENANT}, set_config('plan_cache_mode', 'force_generic_plan', true)"


def _tenant_values(tenant_id: uuid.UUID, statement_seconds: float) -> dict[str, object]:
    return {"tenant_id": str(tenant_id), "limit": f"{statement_seconds * 1000:.0f}"}


_HEALING_STATES = ("08", "40", "53", "57", "58", "25P03", "55P03")
"""SQLSTATE classes of temporary errors: connection, rollback (deadlock), resources, operator,
system, and two time-outs. https://www.postgresql.org/docs/current/errcodes-appendix.html"""


def is_outage(error: BaseException) -> bool:
    """Whether the database was out of reach, full, busy or shut down, so that a retry may work."""
    # Raised without a word of the server: the connection is gone, or none came free in time.
    if isinstance(error, InterfaceError | PoolTimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    # The server answered with an error, whose class says whether it will pass.
    if state is not None:
        return str(state).startswith(_HEALING_STATES)
    return error.connection_invalidated or isinstance(error, OperationalError)


_AWAY = psycopg.OperationalError, psycopg.InterfaceError, psycopg_pool.PoolTimeout


def comes_from_outage(error: BaseException) -> bool:
    """Whether an error, or one of its causes, is an outage, of whichever library."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _AWAY) or (isinstance(cause, Exception) and is_outage(cause)):
            return True
        cause = cause.__cause__
    return False


def is_full(error: BaseException | None) -> bool:
    """Whether a disk is full: the database's (SQLSTATE 53100) or this machine's."""
    if isinstance(error, DBAPIError):
        error = error.orig
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return isinstance(error, psycopg.errors.DiskFull)


def is_held(error: BaseException) -> bool:
    """Whether a lock was not available in time, because another transaction held it for long."""
    return isinstance(error, DBAPIError) and isinstance(error.orig, psycopg.errors.LockNotAvailable)


def is_stale(error: BaseException) -> bool:
    """Whether a snapshot was too old: what it would change has been changed since it began."""
    return isinstance(error, DBAPIError) and isinstance(
        error.orig, psycopg.errors.SerializationFailure
    )


def is_overdue(error: BaseException) -> bool:
    """Whether the database cancelled a statement at its time-out."""
    return isinstance(error, DBAPIError) and isinstance(error.orig, psycopg.errors.QueryCanceled)


async def driver_connection(session: AsyncSession) -> psycopg.AsyncConnection[Any]:
    """The psycopg connection under the session's transaction, for COPY and the job queue."""
    connection = await session.connection()
    raw = await connection.get_raw_connection()
    return cast(psycopg.AsyncConnection[Any], raw.driver_connection)


@event.listens_for(Session, "do_orm_execute")
def _filter_by_tenant(state: ORMExecuteState) -> None:  # pyright: ignore[reportUnusedFunction]
    """The first lock: ORM statements see the session's tenant only; the database is the second."""
    tenant_id = state.session.info.get("tenant_id")
    # Columns and relations loaded later belong to objects that a filtered statement has found.
    if tenant_id is None or state.is_column_load or state.is_relationship_load:
        return
    state.statement = state.statement.options(
        with_loader_criteria(
            TenantScoped,
            lambda table: table.tenant_id == tenant_id,
            include_aliases=True,
        )
    )
