"""The worker under what should not happen: garbage on its channels, its own row deleted."""

import asyncio
import uuid

import pytest
from psycopg import sql
from structlog.testing import capture_logs

from citewell.core.database.sessions import Database
from tests.conftest import Servers
from tests.core.test_jobs import (
    NEVER,
    Bench,
    QueueRows,
    enqueue,
    nothing,
    until,
    working,
)
from tests.core.test_stopped_workers import kill_a_worker

CHANNEL = "procrastinate_any_queue_v1"

GARBAGE = (
    "", "x", "{", "null", "[]", "{}", "7", '{"type": 1}', '{"type": "job_inserted"}',
    '{"type": "abort_job_requested", "job_id": "x"}', '{"type": "unknown", "job_id": 1}',
    "x" * 7900,
)  # fmt: skip
"""Not JSON, JSON of other shapes, keys missing, wrong types, and nearly PostgreSQL's limit."""


@pytest.fixture(autouse=True)
def rows(own_url: str) -> QueueRows:
    """The queue, empty."""
    rows = QueueRows(own_url)
    rows.execute("DELETE FROM procrastinate_jobs")
    return rows


class TestNotifications:
    async def test_garbage_is_ignored_and_the_next_job_is_told_at_once(
        self, own_database: Database, rows: QueueRows
    ) -> None:
        bench = Bench(nothing)
        async with working(own_database.url, bench, poll=NEVER):
            first = await enqueue(own_database)
            await until(lambda: bench.ended == [first])
            [(worker,)] = rows.select("SELECT max(id) FROM procrastinate_workers")
            for payload in GARBAGE:
                rows.notify(CHANNEL, payload)
            second = await enqueue(own_database)
            await until(lambda: bench.ended == [first, second])
            assert rows.select("SELECT max(id) FROM procrastinate_workers") == [(worker,)]


class TestLostConnection:
    async def test_listener_that_cannot_connect_for_a_while_listens_again(
        self, servers: Servers, own_database: Database, rows: QueueRows
    ) -> None:
        [(name,)] = rows.select("SELECT current_database()")
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS ").format(sql.Identifier(str(name)))
        cut_off = sql.SQL(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN%' AND datname = {}"
        ).format(sql.Literal(name))
        bench = Bench(nothing)
        with capture_logs() as logs:
            async with working(own_database.url, bench, poll=NEVER):
                first = await enqueue(own_database)
                await until(lambda: bench.ended == [first])
                servers.execute(allow + sql.SQL("false"))
                try:
                    servers.execute(cut_off)
                    await until(lambda: "listening_lost" in [line["event"] for line in logs])
                finally:
                    servers.execute(allow + sql.SQL("true"))
                second = await enqueue(own_database)
                await until(lambda: bench.ended == [first, second])


class TestVanishedWorkerRow:
    async def test_idle_worker_takes_its_row_back_and_works_on(
        self, own_database: Database, rows: QueueRows
    ) -> None:
        bench = Bench(nothing)
        async with working(own_database.url, bench):
            first = await enqueue(own_database)
            await until(lambda: bench.ended == [first])
            before = rows.select("SELECT max(id) FROM procrastinate_workers")
            rows.execute("DELETE FROM procrastinate_workers")
            second = await enqueue(own_database)
            await until(lambda: bench.ended == [first, second])
            assert rows.select("SELECT max(id) FROM procrastinate_workers") == before

    async def test_running_job_is_ended_once_by_its_worker(
        self, own_database: Database, rows: QueueRows
    ) -> None:
        may_end = asyncio.Event()

        async def wait(_: uuid.UUID) -> None:
            await may_end.wait()

        bench = Bench(wait)
        subject = await enqueue(own_database)
        async with working(own_database.url, bench, dead_after=2.0):
            await until(lambda: bench.started)
            rows.execute("DELETE FROM procrastinate_workers")
            await until(lambda: rows.all()[0]["worker_id"] is not None)
            may_end.set()
            await until(lambda: rows.all() == [])
        assert bench.started == bench.ended == [subject]

    @pytest.mark.processes
    async def test_job_of_a_dead_worker_without_a_row_is_taken_over(
        self, own_database: Database, rows: QueueRows
    ) -> None:
        """As procrastinate's pruning leaves it: `doing`, and of nobody (its issue 1518)."""
        subject = await enqueue(own_database)
        kill_a_worker(own_database.url)
        rows.execute("DELETE FROM procrastinate_workers")
        assert [(row["status"], row["worker_id"]) for row in rows.all()] == [("doing", None)]
        bench = Bench(nothing)
        async with working(own_database.url, bench):
            await until(lambda: bench.ended == [subject])
