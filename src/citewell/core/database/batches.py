"""Batches of statements: all that wait in a transaction take one round trip.

A statement of a session costs a round trip, and its way through SQLAlchemy as much processor time
as a small statement takes the server. Where that counts, statements are added to the session's
batch and go to the driver directly, prepared, together with all others that wait.
"""

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import nullcontext
from functools import lru_cache
from typing import Any, Generic, TypeVar

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

T = TypeVar("T")

Rows = Sequence[tuple[Any, ...]]

_BATCH = "citewell.batch"

_NAME = re.compile(r"(?<![:\w]):(\w+)(?!:)")
"""A bound name as SQLAlchemy writes it; `::` is a cast."""


@lru_cache(maxsize=2_048)
def driver_sql(statement: str) -> str:
    """Translate `:names` to the driver's `%(names)s`."""
    return _NAME.sub(r"%(\1)s", statement.replace("%", "%%"))


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
        self._waiting.append((driver_sql(statement), values, asked))
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
        assert self._connection is not None
        statement = ""
        try:
            cursors: list[psycopg.AsyncCursor[Any]] = []
            # Pipeline mode costs processor time of its own, so one statement goes without.
            way = self._connection.pipeline() if len(waiting) > 1 else nullcontext()
            async with way:
                for statement, values, _ in waiting:
                    cursors.append(await self._connection.execute(statement.encode(), values))
            for (_, _, asked), cursor in zip(waiting, cursors, strict=True):
                asked.rows = await cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            # Callers recognise outages and time-outs by this class.
            raise DBAPIError.instance(
                statement,
                None,
                error,
                psycopg.Error,
                hide_parameters=True,
                connection_invalidated=self._connection.closed,
            ) from error


def batch_of(session: AsyncSession) -> StatementBatch:
    """The batch of a session."""
    batch: StatementBatch | None = session.info.get(_BATCH)
    if batch is None:
        batch = session.info[_BATCH] = StatementBatch(session)
    return batch
