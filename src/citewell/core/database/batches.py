"""Batches of statements: all that wait in a transaction take one round trip.

A statement of a session costs a round trip, and its way through SQLAlchemy as much processor time
as a small statement takes the server. Where that counts, statements are added to the session's
batch and go to the server directly, prepared, together with all others that wait.
"""

from collections.abc import Callable, Generator, Mapping
from typing import Any, Generic, TypeVar

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.core.database.exchange import PreparedStatements, Rows, exchange

T = TypeVar("T")

_BATCH = "citewell.batch"
_PREPARED = "citewell.prepared"
"""Key in a pooled connection's `info`, which lives as long as the connection to the server."""


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
    """Statements of one session that wait to be sent."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._waiting: list[tuple[str, Mapping[str, object], StatementResult[Any]]] = []
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._prepared = PreparedStatements()
        self._is_last = False

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

    def commit_with_next(self) -> None:
        """Commit the transaction together with the statements sent next."""
        self._is_last = True

    async def send(self) -> None:
        """Send the waiting statements and read all answers.

        Raises:
            sqlalchemy.exc.DBAPIError: As the session itself raises it.
        """
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        if self._is_last:
            # In the same round trip; the session's own commit then finds nothing to do.
            waiting.append(("COMMIT", {}, StatementResult(self, len)))
        if self._connection is None:
            # The session's own connection, so that its transaction, tenant and time-out apply.
            connection = await (await self._session.connection()).get_raw_connection()
            self._connection = connection.driver_connection
            self._prepared = connection.info.setdefault(_PREPARED, self._prepared)
        assert self._connection is not None
        statements = [(statement, values) for statement, values, _ in waiting]
        try:
            found = await exchange(self._connection, self._prepared, statements)
        except psycopg.Error as error:
            # Callers recognise outages and time-outs by this class.
            raise DBAPIError.instance(
                "; ".join(statement for statement, _ in statements),
                None,
                error,
                psycopg.Error,
                hide_parameters=True,
                connection_invalidated=self._connection.closed,
            ) from error
        for (_, _, asked), rows in zip(waiting, found, strict=True):
            asked.rows = rows


def batch_of(session: AsyncSession) -> StatementBatch:
    """The batch of a session."""
    batch: StatementBatch | None = session.info.get(_BATCH)
    if batch is None:
        batch = session.info[_BATCH] = StatementBatch(session)
    return batch
