"""Runs kinds of work that consist of a job only, with one way to begin, report, stop and end."""

import time
import uuid
from collections.abc import Awaitable, Callable

import structlog

from citewell.core.context import SYSTEM, Caller, batched_work, unit_of_work
from citewell.core.errors import AppError
from citewell.core.fetching import Lane
from citewell.core.jobs import JobQueue, TransientJobError
from citewell.core.platform import Platform
from citewell.features.jobs import repository, service
from citewell.features.jobs.errors import JobStoppedError
from citewell.models.work import JobProgress, JobStage, JobStatus

log = structlog.get_logger(__name__)

NOTE_SECONDS = 1.0
"""Shortest interval between two writes of progress, and so the longest delay before a cancellation
is noticed by work that reports often."""

CRASHED = "An internal error; the server's log has the details."


class Attempt:
    """Handle of a running job: progress and cancellation."""

    def __init__(
        self,
        platform: Platform,
        caller: Caller,
        job_id: uuid.UUID,
        number: int,
        failures: int = 0,
    ) -> None:
        self.platform = platform
        self.caller = caller
        self.job_id = job_id
        self.number = number
        """Counted from 1, over all attempts of the job."""
        self.failures = failures
        """Earlier attempts that were put off by an error; those of killed workers are not."""
        self._noted_at = 0.0

    async def progress(self, done: int, total: int | None = None) -> None:
        """Report progress; may be called often, it is written at most once a second.

        Raises:
            JobStoppedError: The job was cancelled, or given to another worker.
        """
        # Work calls this for each item: most calls must cost nothing.
        if time.monotonic() - self._noted_at < NOTE_SECONDS:
            return
        self._noted_at = time.monotonic()
        # A transaction of its own, so that others see progress before the work commits anything.
        async with unit_of_work(self.platform, self.caller) as ctx:
            noted = JobProgress(JobStage.WORKING, done, total)
            if not await service.note_progress(ctx, self.job_id, self.number, noted):
                raise JobStoppedError

    async def raise_if_cancelled(self) -> None:
        """Check for cancellation now; call it before anything that cannot be undone.

        Raises:
            JobStoppedError: The job was cancelled, or given to another worker.
        """
        async with unit_of_work(self.platform, self.caller) as ctx:
            if not await repository.is_running(ctx.session, self.job_id, self.number):
                raise JobStoppedError


Work = Callable[[Attempt], Awaitable[None]]
"""Does a job. It may run twice, so it must be idempotent. An `AppError` ends the job as failed with
its detail, a `TransientJobError` puts it off, a `JobStoppedError` ends the attempt only."""


def register(
    queue: JobQueue[Platform], kind: str, work: Work, *, lane: Lane = Lane.DEFAULT
) -> None:
    """Register `work` for jobs of a kind (`slice.verb`); their states are kept for it."""

    async def run(platform: Platform, tenant_id: uuid.UUID, job_id: uuid.UUID) -> None:
        caller = Caller(tenant_id, SYSTEM)
        async with batched_work(platform, caller, has_kept_plans=True) as ctx:
            ctx.batch.commit_with_next()
            begun = await repository.begin(ctx.session, job_id)
        # None: cancelled or finished while it waited in the queue.
        if begun is not None:
            await _do(work, Attempt(platform, caller, job_id, *begun))

    queue.register(kind, run, _note_crash, _note_wait, lane=lane)


async def _do(work: Work, attempt: Attempt) -> None:
    try:
        await work(attempt)
    except JobStoppedError:
        log.info("job_stopped", job_id=str(attempt.job_id))
        return
    except TransientJobError as error:
        async with unit_of_work(attempt.platform, attempt.caller) as ctx:
            await service.put_off(ctx, attempt.job_id, error.reason, has_failed=True)
        raise
    # The same input would fail again, so the job ends; only a TransientJobError is tried again.
    except AppError as error:
        async with unit_of_work(attempt.platform, attempt.caller) as ctx:
            await service.finish(ctx, attempt.job_id, JobStatus.FAILED, error.detail)
        return
    async with batched_work(attempt.platform, attempt.caller, has_kept_plans=True) as ctx:
        ctx.batch.commit_with_next()
        if not await repository.succeed(ctx.session, attempt.job_id, attempt.number):
            log.info("job_stopped", job_id=str(attempt.job_id))


async def _note_crash(platform: Platform, tenant_id: uuid.UUID, job_id: uuid.UUID) -> None:
    async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
        await service.finish(ctx, job_id, JobStatus.FAILED, CRASHED)


async def _note_wait(
    platform: Platform, tenant_id: uuid.UUID, job_id: uuid.UUID, reason: str
) -> None:
    async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
        await service.put_off(ctx, job_id, reason)
