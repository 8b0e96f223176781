"""Kinds of jobs in lanes of their own: a full one holds up no other."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from citewell.core.database.sessions import Database
from citewell.core.fetching import Lane
from citewell.core.jobs import JobQueue
from tests.core.test_jobs import NEVER, TASK, TENANT, Bench, QueueRows, nothing, until

MODEL_TASK = "testing.ask"


@pytest.fixture(autouse=True)
def rows(own_url: str) -> QueueRows:
    """The queue, empty."""
    rows = QueueRows(own_url)
    rows.execute("DELETE FROM procrastinate_jobs")
    return rows


class Lanes:
    """A worker with one place for each lane."""

    def __init__(self, database: Database, reading: Bench, asking: Bench) -> None:
        self.queue = JobQueue[None](database.url, concurrency=1, model_concurrency=1, poll=NEVER)
        self._database = database

        async def read(_: None, tenant_id: uuid.UUID, subject_id: uuid.UUID) -> None:
            await reading.work(reading, tenant_id, subject_id)

        async def ask(_: None, tenant_id: uuid.UUID, subject_id: uuid.UUID) -> None:
            await asking.work(asking, tenant_id, subject_id)

        async def ignore(_: None, tenant_id: uuid.UUID, subject_id: uuid.UUID) -> None:
            return

        self.queue.register(TASK, read, ignore)
        self.queue.register(MODEL_TASK, ask, ignore, lane=Lane.MODEL)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        task = asyncio.ensure_future(self.queue.run_worker(None))
        try:
            yield
        finally:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    async def enqueue(self, name: str, count: int) -> list[uuid.UUID]:
        subjects = [uuid.uuid4() for _ in range(count)]
        async with self._database.unit_of_work(None) as session:
            await self.queue.defer(
                session, name, tenant_id=TENANT, subjects=[(each, None) for each in subjects]
            )
        return subjects


class TestLanes:
    async def test_jobs_that_wait_for_a_model_hold_up_no_others(
        self, own_database: Database, rows: QueueRows
    ) -> None:
        answered = asyncio.Event()

        async def wait(_: uuid.UUID) -> None:
            await answered.wait()

        reading, asking = Bench(nothing), Bench(wait)
        lanes = Lanes(own_database, reading, asking)
        async with lanes.working():
            questions = await lanes.enqueue(MODEL_TASK, 3)
            await until(lambda: asking.started == questions[:1])
            documents = await lanes.enqueue(TASK, 3)
            await until(lambda: reading.ended == documents)
            assert asking.started == questions[:1], "the lane of models has one place"
            answered.set()
            await until(lambda: asking.ended == questions and rows.all() == [])

    async def test_next_job_of_a_full_lane_begins_when_one_ends(
        self, own_database: Database
    ) -> None:
        reading, asking = Bench(nothing), Bench(nothing)
        lanes = Lanes(own_database, reading, asking)
        await lanes.enqueue(MODEL_TASK, 20)
        async with lanes.working():
            await until(lambda: len(asking.ended) == 20)

    async def test_turns_are_counted_in_each_lane_by_itself(
        self, own_database: Database, rows: QueueRows
    ) -> None:
        lanes = Lanes(own_database, Bench(nothing), Bench(nothing))
        await lanes.enqueue(MODEL_TASK, 5)
        await lanes.enqueue(TASK, 1)
        assert rows.select(
            "SELECT queue_name, max(priority), min(priority) FROM procrastinate_jobs"
            " GROUP BY 1 ORDER BY 1"
        ) == [("default", 0, 0), ("model", 0, -4)]
