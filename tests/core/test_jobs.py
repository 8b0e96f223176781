import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import cast

import psycopg
import pytest
from psycopg.rows import dict_row
from sqlalchemy import text

from citewell.core.database.sessions import Database
from citewell.core.errors import UnavailableError
from citewell.core.jobs import (
    LONGEST_BACKOFF_SECONDS,
    MAX_DATABASE_FAILURES,
    RESCUE_SECONDS,
    WAITS_FOR_DATABASE,
    JobQueue,
    TransientJobError,
    Urgency,
)
from citewell.kit.spans import recording
from tests.waiting import PATIENCE

TASK = "testing.work"
TENANT = uuid.UUID(int=7)
NEVER = 3600.0
"""Longer than any test: what happens all the same was not waited for."""

Handler = Callable[[uuid.UUID], Awaitable[None]]


@dataclass
class Bench:
    """Stands in for the platform: notes what handlers are called with."""

    handler: Handler
    crash: Handler | None = None
    started: list[uuid.UUID] = field(default_factory=list)
    ended: list[uuid.UUID] = field(default_factory=list)
    crashed: list[uuid.UUID] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    async def work(self, _bench: "Bench", tenant_id: uuid.UUID, subject_id: uuid.UUID) -> None:
        assert tenant_id == TENANT
        self.started.append(subject_id)
        await self.handler(subject_id)
        self.ended.append(subject_id)

    async def note_crash(self, _bench: "Bench", _: uuid.UUID, subject_id: uuid.UUID) -> None:
        self.crashed.append(subject_id)
        if self.crash is not None:
            await self.crash(subject_id)

    async def note_wait(self, _bench: "Bench", _: uuid.UUID, _id: uuid.UUID, reason: str) -> None:
        self.waiting.append(reason)


class QueueRows:
    """The queue's own rows, as its database has them."""

    def __init__(self, url: str) -> None:
        self._url = url

    def all(self) -> list[dict[str, object]]:
        with psycopg.connect(self._url, row_factory=dict_row, autocommit=True) as connection:
            rows = connection.execute("SELECT * FROM procrastinate_jobs ORDER BY id")
            return rows.fetchall()

    def select(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self._url, autocommit=True) as connection:
            return connection.execute(statement).fetchall()

    def notify(self, channel: str, payload: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("SELECT pg_notify(%s, %s)", (channel, payload))

    def execute(self, statement: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture(autouse=True)
def rows(own_url: str) -> QueueRows:
    """The queue, empty."""
    rows = QueueRows(own_url)
    rows.execute("DELETE FROM procrastinate_jobs")
    return rows


@asynccontextmanager
async def working(
    url: str, bench: Bench, *, concurrency: int = 2, adopt_all: bool = False, **pauses: float
) -> AsyncIterator[None]:
    """A worker of the bench's handler; `pauses` are `dead_after` and `poll` of the queue."""
    queue = JobQueue[Bench](url, concurrency=concurrency, **pauses)
    queue.register(TASK, bench.work, bench.note_crash, bench.note_wait)
    task = asyncio.ensure_future(queue.run_worker(bench, adopt_all=adopt_all))
    try:
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def enqueue(
    database: Database,
    *,
    lock: str | None = None,
    urgency: Urgency = Urgency.INTERACTIVE,
    fail: bool = False,
) -> uuid.UUID:
    """Enqueue a job in a transaction of its own, which does not end well if it is to fail."""
    queue = JobQueue[Bench](database.url)
    queue.register(TASK, Bench(nothing).work, Bench(nothing).note_crash)
    subject_id = uuid.uuid4()
    async with database.unit_of_work(None) as session:
        await queue.defer(
            session, TASK, tenant_id=TENANT, subjects=[(subject_id, lock)], urgency=urgency
        )
        if fail:
            raise ZeroDivisionError
    return subject_id


async def nothing(_: uuid.UUID) -> None:
    return


async def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


class TestDefer:
    async def test_committed_transaction_has_its_job_done_and_forgotten(
        self, own_database: Database, rows: QueueRows
    ) -> None:
        subject = await enqueue(own_database)
        bench = Bench(nothing)
        async with working(own_database.url, bench):
            await until(lambda: bench.ended == [subject] and rows.all() == [])

    async def test_rolled_back_transaction_leaves_no_job(
        self, own_database: Database, rows: QueueRows
    ) -> None:
        with pytest.raises(ZeroDivisionError):
            await enqueue(own_database, fail=True)
        assert rows.all() == []

    async def test_job_of_a_running_worker_begins_at_once(self, own_database: Database) -> None:
        bench = Bench(nothing)
        async with working(own_database.url, bench, poll=NEVER):
            await enqueue(own_database)
            await until(lambda: len(bench.ended) == 1)
            await enqueue(own_database)
            await until(lambda: len(bench.ended) == 2)

    async def test_jobs_that_come_or_are_freed_while_a_worker_starts_begin(
        self, own_database: Database
    ) -> None:
        # Before its first look, between that and its LISTEN, and after both; several a lock, so
        # that each end frees another.
        for wait in (0.0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05):
            bench = Bench(nothing)
            await enqueue(own_database, lock="document:1")
            async with working(own_database.url, bench, poll=NEVER):
                await asyncio.sleep(wait)
                for _ in range(3):
                    await enqueue(own_database, lock="document:1")
                await until(lambda bench=bench: len(bench.ended) == 4)

    async def test_urgent_job_goes_first(self, own_database: Database) -> None:
        usual = await enqueue(own_database, urgency=Urgency.BULK)
        urgent = await enqueue(own_database)
        bench = Bench(nothing)
        async with working(own_database.url, bench, concurrency=1):
            await until(lambda: bench.ended == [urgent, usual])

    @pytest.mark.usefixtures("superuser")  # it takes on a role that may only read
    async def test_queue_that_cannot_take_it_is_unavailable(self, own_database: Database) -> None:
        queue = JobQueue[Bench](own_database.url)
        queue.register(TASK, Bench(nothing).work, Bench(nothing).note_crash)
        with pytest.raises(UnavailableError):  # noqa: PT012 - the unit of work fails whole
            async with own_database.unit_of_work(None) as session:
                await session.execute(text("SET LOCAL ROLE pg_read_all_data"))
                await queue.defer(session, TASK, tenant_id=TENANT, subjects=[(TENANT, None)])


class TestRetry:
    @pytest.mark.parametrize(
        ("attempts", "is_last"), [(0, False), (MAX_DATABASE_FAILURES, True)], ids=["first", "last"]
    )
    async def test_refusals_of_the_database_have_an_end(
        self, own_database: Database, rows: QueueRows, attempts: int, is_last: bool
    ) -> None:
        async def fail(_: uuid.UUID) -> None:
            async with own_database.unit_of_work(None) as session:
                await session.execute(text("SET LOCAL statement_timeout = '1ms'"))
                await session.execute(text("SELECT pg_sleep(5)"))

        subject = await enqueue(own_database)
        rows.execute(f"UPDATE procrastinate_jobs SET attempts = {attempts}")
        bench = Bench(fail)
        async with working(own_database.url, bench):
            await until(lambda: bench.crashed or bench.waiting)
            await until(lambda: rows.all()[0]["status"] in ("todo", "failed"))
        assert bench.crashed == ([subject] if is_last else [])
        assert bench.waiting == ([] if is_last else [WAITS_FOR_DATABASE])

    async def test_transient_error_is_tried_again_until_it_works(
        self, own_database: Database
    ) -> None:
        async def fail_twice(_: uuid.UUID) -> None:
            if len(bench.started) < 3:
                raise TransientJobError("busy", retry_after=0.1)

        bench = Bench(fail_twice)
        subject = await enqueue(own_database)
        async with working(own_database.url, bench):
            await until(lambda: bench.ended == [subject])
        assert bench.started == [subject] * 3
        assert bench.crashed == []

    @pytest.mark.parametrize(("attempts", "pause"), [(0, 1), (3, 8), (30, LONGEST_BACKOFF_SECONDS)])
    async def test_pause_doubles_up_to_five_minutes(
        self, own_database: Database, rows: QueueRows, attempts: int, pause: float
    ) -> None:
        async def fail(_: uuid.UUID) -> None:
            raise TransientJobError("busy")

        await enqueue(own_database)
        rows.execute(f"UPDATE procrastinate_jobs SET attempts = {attempts}")
        async with working(own_database.url, Bench(fail)):
            await until(lambda: rows.all()[0]["attempts"] > attempts)
        [row] = rows.all()
        assert row["status"] == "todo"
        [(noted_at,)] = rows.select(
            "SELECT max(at) FROM procrastinate_events WHERE type = 'deferred_for_retry'"
        )
        # Some of the pause has passed by the time it is noted.
        left = (row["scheduled_at"] - noted_at).total_seconds()
        assert pause / 2 < left <= pause

    async def test_lost_connection_is_tried_again(self, own_database: Database) -> None:
        async def lose_connection(_: uuid.UUID) -> None:
            if len(bench.started) == 1:
                async with own_database.unit_of_work(None) as session:
                    await session.execute(text("SET ROLE NONE"))
                    await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

        bench = Bench(lose_connection)
        subject = await enqueue(own_database)
        async with working(own_database.url, bench):
            await until(lambda: bench.ended == [subject])
        assert bench.crashed == []

    async def test_unexpected_error_is_told_and_final(
        self, own_database: Database, rows: QueueRows
    ) -> None:
        async def crash(_: uuid.UUID) -> None:
            raise ValueError("a bug")

        bench = Bench(crash)
        subject = await enqueue(own_database)
        async with working(own_database.url, bench):
            await until(lambda: [row["status"] for row in rows.all()] == ["failed"])
            await asyncio.sleep(0.3)
        assert bench.started == bench.crashed == [subject]

    @pytest.mark.parametrize(
        "statement", ["SELECT nonsense", "SELECT repeat('x', 2000000000)"], ids=["syntax", "limit"]
    )
    async def test_statement_that_can_never_work_is_final(
        self, own_database: Database, rows: QueueRows, statement: str
    ) -> None:
        async def crash(_: uuid.UUID) -> None:
            async with own_database.unit_of_work(None) as session:
                await session.execute(text(statement))

        bench = Bench(crash)
        subject = await enqueue(own_database)
        async with working(own_database.url, bench):
            await until(lambda: [row["status"] for row in rows.all()] == ["failed"])
        assert bench.crashed == [subject]

    async def test_error_that_nobody_could_be_told_is_tried_again(
        self, own_database: Database
    ) -> None:
        async def crash(_: uuid.UUID) -> None:
            if len(bench.started) == 1:
                raise ValueError("a bug")

        async def cannot_tell(_: uuid.UUID) -> None:
            async with own_database.unit_of_work(None) as session:
                await session.execute(text("SET ROLE NONE"))
                await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

        bench = Bench(crash, cannot_tell)
        subject = await enqueue(own_database)
        async with working(own_database.url, bench):
            await until(lambda: bench.ended == [subject])
        assert bench.started == [subject, subject]


class TestLocks:
    async def test_jobs_of_one_lock_run_one_after_the_other(self, own_database: Database) -> None:
        running: list[int] = []

        async def overlap(_: uuid.UUID) -> None:
            running.append(len(bench.started) - len(bench.ended))
            await asyncio.sleep(0.05)

        bench = Bench(overlap)
        subjects = [await enqueue(own_database, lock="document:1") for _ in range(3)]
        async with (
            working(own_database.url, bench, concurrency=3),
            working(own_database.url, bench, concurrency=3),
        ):
            await until(lambda: len(bench.ended) == 3)
        assert running == [1] * 3
        assert bench.started == subjects

    async def test_freed_lock_is_taken_at_once(self, own_database: Database) -> None:
        bench = Bench(nothing)
        for _ in range(5):
            await enqueue(own_database, lock="document:1")
        async with working(own_database.url, bench, poll=NEVER):
            await until(lambda: len(bench.ended) == 5)

    async def test_jobs_of_different_locks_run_side_by_side(self, own_database: Database) -> None:
        both = asyncio.Barrier(2)

        async def meet(_: uuid.UUID) -> None:
            await both.wait()

        bench = Bench(meet)
        for number in range(2):
            await enqueue(own_database, lock=f"document:{number}")
        async with working(own_database.url, bench, concurrency=2):
            await until(lambda: len(bench.ended) == 2)
        assert len(bench.ended) == 2


class TestTakeover:
    async def test_stopped_worker_gives_its_job_back(
        self, own_database: Database, rows: QueueRows
    ) -> None:
        async def hang(_: uuid.UUID) -> None:
            await asyncio.sleep(60)

        subject = await enqueue(own_database)
        first, second = Bench(hang), Bench(nothing)
        async with working(own_database.url, first):
            await until(lambda: first.started)
        assert [row["status"] for row in rows.all()] == ["todo"]
        async with working(own_database.url, second):
            await until(lambda: second.ended == [subject])
        assert first.crashed == []

    async def test_living_workers_keep_their_jobs(
        self, own_database: Database, rows: QueueRows
    ) -> None:
        may_end = asyncio.Event()

        async def wait(_: uuid.UUID) -> None:
            await may_end.wait()

        bench = Bench(wait)
        subject = await enqueue(own_database)
        beat = "SELECT 1 FROM procrastinate_workers WHERE last_heartbeat > now() - interval '3 s'"
        async with (
            working(own_database.url, bench, dead_after=3.0),
            working(own_database.url, bench, dead_after=3.0),
        ):
            await until(lambda: bench.started)
            begun = time.monotonic()
            # Past the moment at which a silent worker would be taken for dead, and found by both.
            await until(lambda: time.monotonic() - begun > 3.0 + RESCUE_SECONDS)
            assert len(rows.select(beat)) == 2
            may_end.set()
            await until(lambda: bench.ended == [subject])
        assert bench.started == [subject]

    async def test_worker_that_was_only_slow_does_not_end_anothers_job(
        self, own_database: Database, rows: QueueRows
    ) -> None:
        """As after a pause of one of two machines."""
        first_may_end, second_may_end = asyncio.Event(), asyncio.Event()

        async def wait_first(_: uuid.UUID) -> None:
            await first_may_end.wait()

        async def wait_second(_: uuid.UUID) -> None:
            await second_may_end.wait()

        first, second = Bench(wait_first), Bench(wait_second)
        subject = await enqueue(own_database)
        async with working(own_database.url, first, concurrency=1):
            await until(lambda: first.started)
            async with working(own_database.url, second, dead_after=0.5):
                await until(lambda: second.started == [subject])
                first_may_end.set()
                await until(lambda: first.ended == [subject])
                await asyncio.sleep(0.3)
                assert [row["status"] for row in rows.all()] == ["doing"]
                second_may_end.set()
                await until(lambda: rows.all() == [])
        assert (first.started, second.started) == ([subject], [subject])


class NoSpan:
    """A span of which nothing is kept."""

    def note(self, name: str, value: object) -> None:
        """Keep nothing."""

    def rename(self, name: str) -> None:
        """Keep nothing."""

    def fail(self, kind: str) -> None:
        """Keep nothing."""


@dataclass
class Carrying:
    """A recorder of spans that carries one trace, and notes what jobs are joined to."""

    carried: str
    parents: list[str | None] = field(default_factory=list)

    def carrier(self) -> str | None:
        return self.carried

    @contextmanager
    def span(
        self, name: str, _values: object, *, parent: str | None = None, **_: object
    ) -> Iterator[NoSpan]:
        if name.startswith("job "):
            self.parents.append(parent)
        yield NoSpan()

    def add(self, name: str, seconds: float, values: object) -> None:
        """Keep nothing."""


class TestTrace:
    async def test_trace_travels_where_older_workers_do_not_look(
        self, own_database: Database, rows: QueueRows
    ) -> None:
        queue = JobQueue[Bench](own_database.url)
        bench = Bench(nothing)
        queue.register(TASK, bench.work, bench.note_crash)
        carried = f"00-{'a' * 32}-{'b' * 16}-01"
        subjects = [(uuid.uuid4(), None), (uuid.uuid4(), None)]
        with recording(Carrying(carried)):
            async with own_database.unit_of_work(None) as session:
                await queue.defer(session, TASK, tenant_id=TENANT, subjects=subjects)
        queued = rows.all()
        # All that a worker of any release is called with.
        assert [set(cast(dict[str, object], row["args"])) for row in queued] == [
            {"tenant_id", "subject_id"}
        ] * 2
        kept = Carrying("")
        doing = JobQueue[Bench](own_database.url, spans=kept)
        doing.register(TASK, bench.work, bench.note_crash)
        task = asyncio.ensure_future(doing.run_worker(bench))
        await until(lambda: len(bench.ended) == 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert kept.parents == [carried, carried]
