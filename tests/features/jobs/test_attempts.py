"""Work that is nothing but a job, done by a worker: shown, stopped, failed, tried again."""

import asyncio
import dataclasses
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from citewell.core.context import OPERATOR, Actor, ActorKind, Caller, unit_of_work
from citewell.core.errors import InvalidInputError
from citewell.core.fetching import Lane
from citewell.core.jobs import TransientJobError
from citewell.features.jobs import attempts, repository, service
from citewell.features.jobs.attempts import CRASHED, Attempt, Work
from citewell.features.jobs.errors import JobNotFoundError
from citewell.features.jobs.schemas import JobProgressRead, JobRead, NewJob
from citewell.kit.pagination import PageRequest
from citewell.models.work import JobStatus
from tests.quiet import Shelf
from tests.waiting import PATIENCE

KIND = "testing.count"
USER = Actor(ActorKind.USER, id=uuid.UUID(int=1), user_id=uuid.UUID(int=1), is_admin=False)


@asynccontextmanager
async def working(shelf: Shelf, work: Work) -> AsyncIterator[None]:
    """A worker that does this kind."""
    attempts.register(shelf.platform.queue, KIND, work, lane=Lane.MODEL)
    task = asyncio.ensure_future(shelf.platform.queue.run_worker(shelf.platform))
    try:
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def enqueue(shelf: Shelf, actor: Actor = OPERATOR) -> uuid.UUID:
    caller = dataclasses.replace(shelf.caller, actor=actor)
    async with unit_of_work(shelf.platform, caller) as ctx:
        [job] = await service.enqueue(ctx, KIND, [NewJob()])
    return job.id


async def shown(shelf: Shelf, job_id: uuid.UUID, actor: Actor = OPERATOR) -> JobRead:
    caller = Caller(shelf.caller.tenant_id, actor)
    async with unit_of_work(shelf.platform, caller) as ctx:
        return (await service.get(ctx, job_id)).read()


async def until(
    shelf: Shelf, job_id: uuid.UUID, holds: Callable[[JobRead], bool], seconds: float = 20
) -> JobRead:
    deadline = time.monotonic() + seconds
    while not holds(job := await shown(shelf, job_id)):
        assert time.monotonic() < deadline, job
        await asyncio.sleep(0.05)
    return job


def has_begun_to_count(job: JobRead) -> bool:
    return job.progress is not None and job.progress.done > 0


class TestAttempt:
    async def test_progress_is_shown_and_the_end_is_noted(self, shelf: Shelf) -> None:
        may_end = asyncio.Event()

        async def count(attempt: Attempt) -> None:
            await attempt.progress(3, 7)
            await may_end.wait()

        async with working(shelf, count):
            job_id = await enqueue(shelf)
            running = await until(
                shelf, job_id, lambda job: bool(job.progress and job.progress.done)
            )
            assert running.status == JobStatus.RUNNING
            assert running.progress == JobProgressRead(
                stage="working", done=3, total=7, unit="items"
            )
            assert (running.document_id, running.version, running.attempts) == (None, None, 1)
            may_end.set()
            ended = await until(shelf, job_id, lambda job: job.status == JobStatus.SUCCEEDED)
            assert ended.finished_at is not None

    async def test_cancelled_job_stops_at_its_next_question(self, shelf: Shelf) -> None:
        begun, stopped = asyncio.Event(), asyncio.Event()

        async def count(attempt: Attempt) -> None:
            begun.set()
            try:
                while True:
                    await attempt.raise_if_cancelled()
                    await asyncio.sleep(0.05)
            finally:
                stopped.set()

        async with working(shelf, count):
            job_id = await enqueue(shelf)
            await begun.wait()
            async with unit_of_work(shelf.platform, shelf.caller) as ctx:
                assert (await service.cancel(ctx, job_id)).job.status == JobStatus.CANCELLED
            async with asyncio.timeout(PATIENCE):
                await stopped.wait()
            assert (await shown(shelf, job_id)).status == JobStatus.CANCELLED

    @pytest.mark.parametrize(
        ("error", "reason"),
        [(InvalidInputError("There is nothing to count."), "There is nothing to count."),
         (KeyError("a bug"), CRASHED)],
        ids=["refused", "crashed"],
    )  # fmt: skip
    async def test_failure_is_told_and_a_person_can_have_it_tried_again(
        self, shelf: Shelf, error: Exception, reason: str
    ) -> None:
        errors: list[Exception] = [error]

        async def fail_once(_: Attempt) -> None:
            if errors:
                raise errors.pop()

        async with working(shelf, fail_once):
            job_id = await enqueue(shelf)
            failed = await until(shelf, job_id, lambda job: job.status == JobStatus.FAILED)
            assert failed.reason == reason
            async with unit_of_work(shelf.platform, shelf.caller) as ctx:
                await service.retry(ctx, job_id)
            again = await until(shelf, job_id, lambda job: job.status == JobStatus.SUCCEEDED)
            assert (again.reason, again.attempts) == (None, 1)

    async def test_what_may_heal_is_put_off_with_its_reason(self, shelf: Shelf) -> None:
        errors = [TransientJobError("The model is busy.", retry_after=3)]

        async def busy_once(_: Attempt) -> None:
            if errors:
                raise errors.pop()

        async with working(shelf, busy_once):
            job_id = await enqueue(shelf)
            waiting = await until(shelf, job_id, lambda job: job.reason is not None)
            assert (waiting.status, waiting.reason) == (JobStatus.QUEUED, "The model is busy.")
            ended = await until(shelf, job_id, lambda job: job.status == JobStatus.SUCCEEDED)
            assert ended.attempts == 2

    async def test_failures_are_counted_apart_from_workers_that_died(self, shelf: Shelf) -> None:
        seen: list[tuple[int, int]] = []

        async def busy_twice(attempt: Attempt) -> None:
            seen.append((attempt.number, attempt.failures))
            if attempt.failures < 2:
                raise TransientJobError("The model is busy.", retry_after=0.1)

        job_id = await enqueue(shelf)
        for _ in range(6):  # workers that begin it and are never heard of again
            async with unit_of_work(shelf.platform, shelf.caller) as ctx:
                await repository.begin(ctx.session, job_id)
        async with working(shelf, busy_twice):
            await until(shelf, job_id, lambda job: job.status == JobStatus.SUCCEEDED)
        assert seen == [(7, 0), (8, 1), (9, 2)]


class TestSight:
    async def test_job_about_no_document_is_its_users_and_administrators(
        self, shelf: Shelf
    ) -> None:
        attempts.register(shelf.platform.queue, KIND, _never)
        job_id = await enqueue(shelf, USER)
        for actor in (USER, OPERATOR):
            assert (await shown(shelf, job_id, actor)).id == job_id
        key = Actor(ActorKind.API_KEY, id=uuid.UUID(int=9), is_admin=False)
        for other in (dataclasses.replace(USER, user_id=uuid.UUID(int=2)), key):
            with pytest.raises(JobNotFoundError):
                await shown(shelf, job_id, other)
            async with unit_of_work(shelf.platform, Caller(shelf.caller.tenant_id, other)) as ctx:
                assert (await service.page(ctx, PageRequest(1, 10))).items == []

    async def test_systems_job_is_shown_to_no_key_without_a_user(self, shelf: Shelf) -> None:
        attempts.register(shelf.platform.queue, KIND, _never)
        job_id = await enqueue(shelf)
        key = Actor(ActorKind.API_KEY, id=uuid.UUID(int=9), is_admin=False)
        with pytest.raises(JobNotFoundError):
            await shown(shelf, job_id, key)


async def _never(_: Attempt) -> None:
    raise AssertionError
