"""One round trip of prepared statements over a connection, below the driver's cursors.

A cursor of the driver waits for the socket and sends by itself for each statement, in pipeline mode
too, and decides anew what to prepare: for small statements that is most of their cost. Here all are
put into the connection's buffer, sent at once and their results taken together.
https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

import re
from collections import OrderedDict
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

import psycopg
from psycopg import generators
from psycopg.abc import Buffer, PQGen
from psycopg.abc import Transformer as Adapter
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from citewell.core.database.spans import told
from citewell.kit.spans import SpanKind, recorder

Rows = Sequence[tuple[Any, ...]]

BEGIN = "BEGIN"
"""Opens a transaction, in the same round trip as what follows."""

MOST_PREPARED = 100
"""Statements that stay prepared on a connection, as many as the driver's own default. The plan of a
search takes its server process some 100 kB."""

_NAME = re.compile(r"(?<![:\w]):(\w+)")
"""A bound name as SQLAlchemy writes it; `::` is a cast."""

_FAILED = (ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE, ExecStatus.PIPELINE_ABORTED)


@lru_cache(maxsize=2_048)
def numbered(statement: str) -> tuple[bytes, tuple[str, ...]]:
    """A statement with `:names` as the server takes it, `$1`, and the names in that order."""
    names: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return f"${names.setdefault(found[1], len(names) + 1)}"

    return _NAME.sub(number, statement).encode(), tuple(names)


@dataclass(slots=True)
class PreparedStatements:
    """Statements that are prepared on one connection: text and types of the values by name.

    The driver must prepare none of its own there (`prepare_threshold=None`): with a rollback it
    would deallocate these too.
    """

    names: OrderedDict[tuple[bytes, tuple[int, ...]], bytes] = field(
        default_factory=OrderedDict[tuple[bytes, tuple[int, ...]], bytes]
    )
    made: int = 0


@dataclass(slots=True)
class _Sent:
    """A command in the pipeline; only statements have rows."""

    is_statement: bool = False
    prepares: tuple[bytes, tuple[int, ...]] | None = None
    name: bytes = b""


async def exchange(
    connection: psycopg.AsyncConnection[Any],
    prepared: PreparedStatements,
    statements: Sequence[tuple[str, Mapping[str, object]]],
    *,
    is_whole: bool = False,
) -> list[Rows]:
    """Send statements with one round trip; rows of each.

    Args:
        connection: In autocommit, in a transaction, or to be put into one by the first statement.
        prepared: Of this connection.
        statements: Each with `:names` and their values. The text is prepared at its first use, so
            it should be the same each time.
        is_whole: Whether they are a transaction by themselves: without a `BEGIN` the server begins
            one with the first and commits it behind the last, at the pipeline's synchronisation.

    Raises:
        psycopg.Error: The first that failed; those after it were not carried out.
    """
    if (spans := recorder()) is None:
        return await _exchanged(connection, prepared, statements, is_whole)
    values = told(each for each, _ in statements) if spans.tells_statements else {}
    with spans.span("sql batch", values, kind=SpanKind.CLIENT):
        return await _exchanged(connection, prepared, statements, is_whole)


async def _exchanged(
    connection: psycopg.AsyncConnection[Any],
    prepared: PreparedStatements,
    statements: Sequence[tuple[str, Mapping[str, object]]],
    is_whole: bool,
) -> list[Rows]:
    pgconn = connection.pgconn
    transformer = Transformer(connection)
    async with connection.lock:
        # Else the driver would still have to open the transaction that it commits.
        is_open = connection.autocommit or pgconn.transaction_status != TransactionStatus.IDLE
        assert is_open or is_whole or statements[0][0] == BEGIN
        encoding = connection.info.encoding
        sending = _round_trip(pgconn, transformer, prepared, statements, encoding)
        results = await connection.wait(sending)
    rows: list[Rows] = []
    for result in results:
        transformer.set_pgresult(result)
        found = transformer.load_rows(0, result.ntuples, tuple) if result.nfields else []
        rows.append(cast(Rows, found))
    return rows


def _round_trip(
    pgconn: PGconn,
    transformer: Adapter,
    prepared: PreparedStatements,
    statements: Sequence[tuple[str, Mapping[str, object]]],
    encoding: str,
) -> PQGen[list[PGresult]]:
    pgconn.enter_pipeline_mode()
    sent: list[_Sent] = []
    try:
        for statement, values in statements:
            _put(pgconn, transformer, prepared, statement, values, sent)
    finally:
        # Also when a value cannot be sent: what was put before it has to be taken back out.
        pgconn.pipeline_sync()
        results, failure = yield from _take(pgconn, prepared, sent)
    if failure is not None:
        raise error_from_result(failure, encoding=encoding)
    return results


def _put(
    pgconn: PGconn,
    transformer: Adapter,
    prepared: PreparedStatements,
    statement: str,
    values: Mapping[str, object],
    sent: list[_Sent],
) -> None:
    """Put a statement into the buffer; before it, if need be, what prepares it."""
    text, names = numbered(statement)
    parameters: Sequence[Buffer | None] = ()
    types: tuple[int, ...] = ()
    formats: Sequence[int] = ()
    if names:
        given = [values[name] for name in names]
        parameters = transformer.dump_sequence(given, [PyFormat.AUTO] * len(given))
        types, formats = tuple(transformer.types or ()), transformer.formats or ()
    key = (text, types)
    name = prepared.names.get(key)
    if name is None:
        prepared.made += 1
        name = b"citewell_%d" % prepared.made
        pgconn.send_prepare(name, text, types)
        sent.append(_Sent(prepares=key, name=name))
        if len(prepared.names) >= MOST_PREPARED:
            pgconn.send_close_prepared(prepared.names.popitem(last=False)[1])
            sent.append(_Sent())
    else:
        prepared.names.move_to_end(key)
    pgconn.send_query_prepared(name, parameters, formats)
    sent.append(_Sent(is_statement=True))


def _take(
    pgconn: PGconn, prepared: PreparedStatements, sent: Sequence[_Sent]
) -> Generator[Any, Any, tuple[list[PGresult], PGresult | None]]:
    """Send the buffer and take the results, up to the synchronisation behind the last."""
    results: list[PGresult] = []
    failure: PGresult | None = None
    try:
        yield from generators.send(pgconn)
        for each in sent:
            result = yield from generators.fetch(pgconn)
            if result is None:
                raise psycopg.OperationalError("The connection to the database was lost.")
            yield from generators.fetch(pgconn)  # the end of this command's results
            if result.status in _FAILED:
                failure = failure or result
            elif each.prepares is not None:
                prepared.names[each.prepares] = each.name
            elif each.is_statement:
                results.append(result)
        yield from generators.fetch(pgconn)
        pgconn.exit_pipeline_mode()
    except psycopg.Error:
        # The server says why before it closes the connection.
        if failure is None:
            raise
    return results, failure
