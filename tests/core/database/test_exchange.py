"""Statements below the driver's cursors: failures, and what stays prepared."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from citewell.core.database import exchange as module
from citewell.core.database.exchange import PreparedStatements, exchange, numbered
from tests.waiting import PATIENCE

Connection = psycopg.AsyncConnection[tuple[object, ...]]


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(
        database_url, autocommit=True, prepare_threshold=None
    ) as opened:
        yield opened


@pytest.fixture
def known() -> PreparedStatements:
    return PreparedStatements()


async def names_on_server(connection: Connection) -> set[bytes]:
    cursor = await connection.execute("SELECT name FROM pg_prepared_statements")
    return {str(name).encode() for (name,) in await cursor.fetchall()}


class TestNumbered:
    def test_names_become_numbers_and_casts_stay(self) -> None:
        text, names = numbered("SELECT :a1, :b, :a1::int, x::text, '50 %'")
        assert text == b"SELECT $1, $2, $1::int, x::text, '50 %'"
        assert names == ("a1", "b")


class TestExchange:
    async def test_rows_of_each_statement_in_order(
        self, connection: Connection, known: PreparedStatements
    ) -> None:
        for number in (1, 2):  # prepared, and again
            rows = await exchange(
                connection,
                known,
                [
                    ("BEGIN", {}),
                    ("SELECT :n + 1, CAST(:text AS text), CAST(:ids AS int[])",
                     {"n": number, "text": None, "ids": [number], "unused": object()}),
                    ("SELECT 1 WHERE false", {}),
                    ("COMMIT", {}),
                ],
            )  # fmt: skip
            assert rows == [[], [(number + 1, None, [number])], [], []]
        assert await names_on_server(connection) == set(known.names.values())

    async def test_first_failure_is_raised_and_connection_goes_on(
        self, connection: Connection, known: PreparedStatements
    ) -> None:
        for wrong, error in (
            ("SELECT 1 / :zero", psycopg.errors.DivisionByZero),
            ("SELECT nothing FROM nowhere", psycopg.errors.UndefinedTable),
        ):
            with pytest.raises(error):
                await exchange(
                    connection,
                    known,
                    [("BEGIN", {}), (wrong, {"zero": 0}), ("SELECT 'not carried out'", {})],
                )
            await connection.rollback()
            assert await exchange(connection, known, [("SELECT 3", {})]) == [[(3,)]]
        assert await names_on_server(connection) == set(known.names.values())

    async def test_value_that_cannot_be_sent_leaves_nothing_behind(
        self, connection: Connection, known: PreparedStatements
    ) -> None:
        statements = [("SELECT 1", {}), ("SELECT :value", {"value": object()})]
        with pytest.raises(psycopg.ProgrammingError):
            await exchange(connection, known, statements)
        assert await exchange(connection, known, [("SELECT 2", {})]) == [[(2,)]]

    async def test_oldest_statements_make_room(
        self, connection: Connection, known: PreparedStatements
    ) -> None:
        for number in range(module.MOST_PREPARED + 3):
            asked = [("SELECT 'always'", {}), (f"SELECT {number}", {})]
            assert await exchange(connection, known, asked) == [[("always",)], [(number,)]]
        assert len(known.names) == module.MOST_PREPARED
        assert await names_on_server(connection) == set(known.names.values())

    async def test_cancelled_statement_leaves_no_results_behind(
        self, connection: Connection, known: PreparedStatements, database_url: str
    ) -> None:
        statements = [("SELECT pg_sleep(:s)", {"s": 600.0}), ("SELECT 'too late'", {})]
        long = asyncio.ensure_future(exchange(connection, known, statements))
        sleeping = "SELECT FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'"
        async with (
            asyncio.timeout(PATIENCE),
            await psycopg.AsyncConnection.connect(database_url, autocommit=True) as other,
        ):
            process = [connection.info.backend_pid]
            while not (await other.execute(sleeping, process)).rowcount:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)
        long.cancel()
        with pytest.raises(asyncio.CancelledError):
            await long
        # The driver closes a connection whose server does not obey within five seconds.
        if not connection.closed:
            assert await exchange(connection, known, [("SELECT 4", {})]) == [[(4,)]]

    async def test_lost_connection_is_an_operational_error(
        self, connection: Connection, known: PreparedStatements
    ) -> None:
        killing = "SELECT pg_terminate_backend(pg_backend_pid())"
        with pytest.raises(psycopg.OperationalError):
            await exchange(connection, known, [(killing, {}), ("SELECT pg_sleep(600)", {})])
        with pytest.raises(psycopg.OperationalError):
            await exchange(connection, known, [("SELECT 1", {})])
        assert connection.closed
