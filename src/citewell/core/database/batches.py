"""Batches of statements: all that wait in a transaction take one round trip.

A statement of a session costs a round trip, and its way through SQLAlchemy as much processor time
as a small statement takes the server. Where that counts, statements are added to a batch and go to
the server directly, prepared, together with all others that wait. A session has a batch for this;
where all of a transaction is sent so, as in searches, a batch stands alone and no session is made,
which would take as much time as the driver takes for three round trips.
"""

from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from typing import Any, Generic, TypeVar, cast

import psycopg
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.pool import PoolProxiedConnection

from citewell.core.database.exchange import PreparedStatements, Rows, exchange

T = TypeVar("T")

_BATCH = "citewell.batch"
_PREPARED = "citewell.prepared"
"""Key in a pooled connection's `info`, which lives as long as the connection to the server."""

_DIALECT = PGDialect_psycopg(paramstyle="named")
"""Writes SQLAlchemy's statements with `:names`."""

Connect = Callable[[], Awaitable[PoolProxiedConnection]]
Statement = tuple[str, Mapping[str, object]]


class StatementResult(Generic[T]):
    """Rows of one statement of a batch; await it to get them."""

    def __init__(self, batch: "StatementBatch", read: Callable[[Rows], T]) -> None:
        self._batch = batch
        self._read = read
        self.rows: Rows | None = None

    def __await__(self) -> Generator[Any, None, T]:
        if self.rows is None:
            yield from self._batch.send().__await__()
        assert self.rows is not None
        return self._read(self.rows)


class StatementBatch:
    """Statements of one transaction that wait to be sent.

    It is a session's, or it stands alone (`Database.batch`); then it has a session's `info`.
    """

    def __init__(
        self, connect: Connect, opening: Sequence[Statement] = (), *, is_whole: bool = False
    ) -> None:
        """Send nothing yet.

        Args:
            connect: Takes the connection, when the first statements are sent.
            opening: Sent before them, in the same round trip.
            is_whole: Whether what is sent together is a transaction by itself.
        """
        self.info: dict[str, Any] = {}
        self._connect = connect
        self._opening = opening
        self._waiting: list[tuple[str, Mapping[str, object], StatementResult[Any]]] = []
        self._is_open = False
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._prepared = PreparedStatements()
        self._is_last = False
        self._is_whole = is_whole

    def ask(
        self, statement: str, values: Mapping[str, object], read: Callable[[Rows], T]
    ) -> StatementResult[T]:
        """Add a statement; all are sent when the first result is awaited.

        Args:
            statement: With `:names`; the same text each time, as it is prepared.
            values: By name.
            read: Turns the rows into the result.
        """
        asked = StatementResult(self, read)
        self._waiting.append((statement, values, asked))
        return asked

    def ask_select(self, statement: Select[Any], read: Callable[[Rows], T]) -> StatementResult[T]:
        """Add a statement of SQLAlchemy; it has to name the tenant as no session adds it."""
        compiled = statement.compile(dialect=_DIALECT)
        return self.ask(str(compiled), compiled.params, read)

    def commit_with_next(self) -> None:
        """Commit the transaction together with the statements sent next."""
        self._is_last = True

    async def commit(self) -> None:
        """Commit, with what waits; nothing is sent if there is nothing to commit."""
        if self._waiting or self._is_open:
            self.commit_with_next()
            await self.send()

    async def send(self) -> None:
        """Send the waiting statements and read all answers.

        Raises:
            sqlalchemy.exc.DBAPIError: As the session itself raises it.
        """
        waiting, self._waiting = self._waiting, []
        if not (waiting or self._is_last):
            return
        statements = [(statement, values) for statement, values, _ in waiting]
        if self._is_last:
            # In the same round trip; the commit at the end then finds nothing to do.
            statements.append(("COMMIT", {}))
        opening, self._opening = self._opening, ()
        self._is_open = not (self._is_last or self._is_whole)
        try:
            connection = self._connection or await self._connected()
            rows = await exchange(
                connection, self._prepared, [*opening, *statements], is_whole=self._is_whole
            )
        except psycopg.Error as error:
            # Callers recognise outages and time-outs by this class.
            raise DBAPIError.instance(
                "; ".join(statement for statement, _ in statements),
                None,
                error,
                psycopg.Error,
                hide_parameters=True,
                connection_invalidated=self._connection is None or self._connection.closed,
            ) from error
        # The commit has a result too, which nobody asked for.
        for (_, _, asked), found in zip(waiting, rows[len(opening) :], strict=False):
            asked.rows = found

    async def _connected(self) -> psycopg.AsyncConnection[Any]:
        pooled = await self._connect()
        connection = cast(psycopg.AsyncConnection[Any], pooled.driver_connection)
        self._connection = connection
        self._prepared = pooled.info.setdefault(_PREPARED, self._prepared)
        return connection


AnySession = AsyncSession | StatementBatch
"""Of a transaction: SQLAlchemy's, or a batch that stands alone."""


def batch_of(session: AnySession) -> StatementBatch:
    """The batch of a session; a batch that stands alone is its own."""
    if isinstance(session, StatementBatch):
        return session
    batch: StatementBatch | None = session.info.get(_BATCH)
    if batch is None:

        async def connect() -> PoolProxiedConnection:
            # The session's own connection, so that its transaction, tenant and time-out apply.
            return await (await session.connection()).get_raw_connection()

        batch = session.info[_BATCH] = StatementBatch(connect)
    return batch
