"""Which state of a job may follow which, as the statements that change it keep to it."""

import re
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

import citewell
from citewell.core.context import Context, unit_of_work
from citewell.features.jobs import repository, service
from citewell.features.jobs.schemas import NewJob
from citewell.kit.clock import utc_now
from citewell.models.job_states import LEGAL, is_legal
from citewell.models.work import FINAL_JOB_STATUSES, Job, JobStatus
from tests.features.ingestion.conftest import Rows
from tests.quiet import Shelf

KIND = "ingestion.process"

Move = Callable[[Context, uuid.UUID], Awaitable[object]]

MOVES: dict[JobStatus, Move] = {
    JobStatus.QUEUED: lambda ctx, job_id: service.put_off(ctx, job_id, "busy"),
    JobStatus.RUNNING: lambda ctx, job_id: repository.begin(ctx.session, job_id),
    JobStatus.SUCCEEDED: lambda ctx, job_id: repository.succeed(ctx.session, job_id, 0),
    JobStatus.FAILED: lambda ctx, job_id: service.finish(ctx, job_id, JobStatus.FAILED, "broken"),
    JobStatus.CANCELLED: lambda ctx, job_id: service.finish(ctx, job_id, JobStatus.CANCELLED),
}
"""Transitions made by the work itself; queueing a job again is a person's."""


async def new_job(ctx: Context) -> uuid.UUID:
    [job] = await service.enqueue(ctx, KIND, [NewJob()])
    return job.id


async def put(ctx: Context, job_id: uuid.UUID, status: JobStatus) -> None:
    """Puts a job into a state, from any state."""
    await ctx.session.execute(update(Job).where(Job.id == job_id).values(status=status))


async def status_of(ctx: Context, job_id: uuid.UUID) -> str | None:
    return await ctx.session.scalar(select(Job.status).where(Job.id == job_id))


class TestTable:
    def test_every_state_has_its_row_and_final_ones_lead_back_to_the_queue_only(self) -> None:
        assert LEGAL.keys() == set(JobStatus)
        for status in FINAL_JOB_STATUSES:
            assert LEGAL[status] <= {JobStatus.QUEUED}
        assert not is_legal(JobStatus.SUCCEEDED, JobStatus.QUEUED)

    @pytest.mark.parametrize("before", JobStatus)
    async def test_work_changes_a_state_only_where_that_is_legal(
        self, shelf: Shelf, before: JobStatus
    ) -> None:
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            for after, move in MOVES.items():
                job_id = await new_job(ctx)
                await put(ctx, job_id, before)
                await move(ctx, job_id)
                is_open = before not in FINAL_JOB_STATUSES
                expected = after if is_open and is_legal(before, after) else before
                assert await status_of(ctx, job_id) == expected, (before, after)

    def test_no_other_feature_writes_states_of_its_own(self) -> None:
        source = Path(citewell.__file__).parent
        own = re.compile(r"(UPDATE job\b(?! j SET \{)|update\(Job\)|\bJob\(\s*tenant_id)")
        found = [
            path.relative_to(source).as_posix()
            for path in source.rglob("*.py")
            if own.search(path.read_text(encoding="utf-8"))
        ]
        assert sorted(found) == ["features/jobs/repository.py", "features/jobs/service.py"]


class TestEnqueue:
    async def test_jobs_exist_with_their_entries_if_the_unit_commits(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            jobs = await service.enqueue(ctx, KIND, [NewJob(), NewJob(attempts=3)])
        assert [job.status for job in jobs] == ["queued", "queued"]
        assert [(job.attempts, job.attempts_before) for job in jobs] == [(0, 0), (3, 3)]
        for job in jobs:
            query = f"SELECT status::text FROM procrastinate_jobs WHERE id = {job.queue_id}"
            assert rows.select(query) == [{"status": "todo"}]

    async def test_failed_unit_leaves_nothing(self, shelf: Shelf) -> None:
        ids = list[uuid.UUID]()
        with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the unit of work fails whole
            async with unit_of_work(shelf.platform, shelf.caller) as ctx:
                ids.append(await new_job(ctx))
                raise ZeroDivisionError
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            assert await status_of(ctx, ids[0]) is None

    async def test_delayed_job_stands_in_the_queue_for_its_time(
        self, shelf: Shelf, rows: Rows
    ) -> None:
        run_at = utc_now() + timedelta(hours=3)
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            [job] = await service.enqueue(ctx, KIND, [NewJob()], run_at=run_at)
        query = f"SELECT scheduled_at FROM procrastinate_jobs WHERE id = {job.queue_id}"
        assert rows.select(query) == [{"scheduled_at": run_at}]
