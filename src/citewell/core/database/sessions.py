"""Connections, units of work and the tenant they act for."""

import errno
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import psycopg
import psycopg_pool
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
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
from sqlalchemy.pool import NullPool

from citewell.core.database.base import TenantScoped
from citewell.core.database.batches import batch_of

APP_ROLE = "citewell_app"
"""Role of the application: not the owner and without BYPASSRLS, so row-level security binds it."""

TENANT_SETTING = "citewell.tenant_id"

SESSION_SETTINGS = {
    "role": APP_ROLE,
    "application_name": "citewell",
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
    ) -> None:
        """Connect nowhere yet; `session_settings` replace some of `SESSION_SETTINGS`."""
        self.url = url
        settings = SESSION_SETTINGS | dict(session_settings or {})
        self._engine: AsyncEngine = create_async_engine(
            make_url(url).set(drivername="postgresql+psycopg"),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=30,
            # The connection used last: its server process has plans and pages in its caches.
            pool_use_lifo=True,
            pool_pre_ping=False,
            hide_parameters=True,  # tracebacks are logged, and values are documents and addresses
            connect_args=CONNECTION
            | {
                "options": connection_options(settings),
                # Batches prepare theirs (`exchange`); of the driver's the plan is never kept.
                "prepare_threshold": None,
            },
        )
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
        is_batched: bool = False,
        has_kept_plans: bool = False,
    ) -> AsyncGenerator[AsyncSession, None]:
        """One transaction for one tenant, committed at the end or rolled back by an exception.

        Args:
            tenant_id: Without a tenant no tenant's row is visible.
            statement_seconds: Longest time of one statement; 0: no limit.
            is_snapshot: All statements see the same snapshot instead of one each.
            is_batched: The tenant is set together with the first statements of the session's batch;
                until then nothing is visible.
            has_kept_plans: Statements are planned once for all values, not for each; for batches
                alone. Values that a plan depends on have to be literals of theirs.
        """
        # A batch begins its transaction itself, as the driver would wait for a BEGIN of its making.
        sessions = self._autocommits if is_batched else self._sessions
        async with sessions() as session, session.begin():
            if is_snapshot:
                await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            if tenant_id is not None:
                session.info["tenant_id"] = tenant_id
                values = {"tenant_id": str(tenant_id), "limit": f"{statement_seconds * 1000:.0f}"}
                if is_batched:
                    batch_of(session).ask("BEGIN", {}, len)
                    set_tenant = _SET_TENANT_AND_PLANS if has_kept_plans else _SET_TENANT
                    batch_of(session).ask(set_tenant, values, len)
                else:
                    await session.execute(text(_SET_TENANT), values)
            yield session

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
        """Close all connections."""
        await self._engine.dispose()


# Local to the transaction, so that a pooled connection never carries a tenant into the next one.
_SET_TENANT = (
    f"SELECT set_config('{TENANT_SETTING}', :tenant_id, true), "
    "set_config('statement_timeout', :limit, true)"
)

_SET_TENANT_AND_PLANS = f"{_SET_TENANT}, set_config('plan_cache_mode', 'force_generic_plan', true)"


_HEALING_STATES = ("08", "40", "53", "57", "58", "25P03", "55P03")
"""SQLSTATE classes of temporary errors: connection, rollback (deadlock), resources, operator,
system, and two time-outs. https://www.postgresql.org/docs/current/errcodes-appendix.html"""


def is_outage(error: BaseException) -> bool:
    """Whether the database was out of reach, full, busy or shut down, so that a retry may work."""
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
    if tenant_id is None or state.is_column_load or state.is_relationship_load:
        return
    state.statement = state.statement.options(
        with_loader_criteria(
            TenantScoped,
            lambda table: table.tenant_id == tenant_id,
            include_aliases=True,
        )
    )
