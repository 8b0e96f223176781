"""Looking at jobs, stopping them, and having them tried again."""

import uuid
from collections.abc import Sequence

from citewell.access.policy import Verb
from citewell.core.context import Context
from citewell.features.audit import service as audit
from citewell.features.documents import service as documents
from citewell.features.documents.errors import DocumentNotFoundError
from citewell.features.jobs import repository
from citewell.features.jobs.errors import JobFinishedError, JobNotFoundError, JobUnfinishedError
from citewell.features.jobs.schemas import JobFilter, JobState
from citewell.indexes.contract import index_of
from citewell.indexes.events import VersionDiscarded
from citewell.kit.clock import utc_now
from citewell.kit.pagination import Page, PageRequest
from citewell.models.documents import OPEN_STATUSES, Document, DocumentVersion, VersionStatus
from citewell.models.work import FINAL_JOB_STATUSES, Job, JobStatus


async def page(
    ctx: Context,
    request: PageRequest,
    *,
    status: JobStatus | None = None,
    document_id: uuid.UUID | None = None,
    kind: str | None = None,
) -> Page[JobState]:
    """Jobs of documents the caller may read, newest first."""
    wanted = JobFilter(await ctx.access(), status, document_id, kind)
    return await repository.page(ctx.session, wanted, request)


async def get(ctx: Context, job_id: uuid.UUID) -> JobState:
    """A job.

    Raises:
        JobNotFoundError: There is none, or the caller may not read its document.
    """
    found = await repository.state(ctx.session, job_id, await ctx.access())
    if found is None:
        raise JobNotFoundError(job_id)
    return found


async def readable(ctx: Context, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, JobState]:
    """Those of the jobs that are there for the caller, by id."""
    found = await repository.states(ctx.session, ids, await ctx.access())
    return {state.job.id: state for state in found}


async def cancel(ctx: Context, job_id: uuid.UUID) -> JobState:
    """End a job that is not finished; what it has stored is removed, nothing of it was findable.

    A version that was published and is only read again stays what it was.

    An attempt that is running notices within about a second, and cannot store anything before.

    Raises:
        JobNotFoundError: There is none, or the caller may not read its document.
        ForbiddenError: The caller may not change its document.
        JobFinishedError: It has ended already.
    """
    state, document, job, version = await _hold(ctx, job_id)
    if job.status in FINAL_JOB_STATUSES:
        raise JobFinishedError(f"The job has {_ended(job)} already; there is nothing to cancel.")
    job.status, job.reason, job.finished_at = JobStatus.CANCELLED, None, utc_now()
    if version.status in OPEN_STATUSES and version.published_at is not None:
        is_active = document.active_version_id == version.id
        version.status = VersionStatus.READY if is_active else VersionStatus.SUPERSEDED
    elif version.status in OPEN_STATUSES:
        version.status = VersionStatus.CANCELLED
        await repository.remove_text(ctx.session, version.id)
        await index_of(ctx.platform).writer.apply(ctx, VersionDiscarded(version.id))
    if job.queue_id is not None:
        await ctx.platform.queue.withdraw(ctx.session, job.queue_id)
    await _record(ctx, "job.cancelled", state)
    return state


async def retry(ctx: Context, job_id: uuid.UUID) -> JobState:
    """Queue a failed or cancelled job again, for the same version, its attempts counted anew.

    Raises:
        JobNotFoundError: There is none, or the caller may not read its document.
        ForbiddenError: The caller may not change its document.
        JobUnfinishedError: It, or a later job about the same version, is still to be done.
        JobFinishedError: It, or a later one, has succeeded.
    """
    state, _, job, version = await _hold(ctx, job_id)
    if job.status not in FINAL_JOB_STATUSES:
        raise JobUnfinishedError(f"The job is {job.status}; cancel it to have it begun anew.")
    if job.status == JobStatus.SUCCEEDED:
        raise JobFinishedError("The job has succeeded; there is nothing to try again.")
    if version.status in OPEN_STATUSES:
        raise JobUnfinishedError("A later job is about to make this version ready.")
    if version.status not in (VersionStatus.FAILED, VersionStatus.CANCELLED):
        raise JobFinishedError("A later job has made this version ready.")
    await _queue_again(ctx, job, version)
    await _record(ctx, "job.retried", state)
    return state


async def resume(ctx: Context, job_ids: Sequence[uuid.UUID]) -> None:
    """Queue jobs again that were stopped together with their document, as `retry` does.

    Whoever calls has locked the document and knows that the caller may change it.
    """
    for job_id in job_ids:
        held = await repository.lock(ctx.session, job_id)
        if held is not None:
            await _queue_again(ctx, *held)


async def _queue_again(ctx: Context, job: Job, version: DocumentVersion) -> None:
    version.status, version.error_code, version.error_detail = VersionStatus.QUEUED, None, None
    job.status, job.reason, job.attempts_before = JobStatus.QUEUED, None, job.attempts
    job.stage, job.done, job.total = None, 0, None
    job.started_at = job.finished_at = None
    lock = documents.lock_of(version.document_id)
    [job.queue_id] = await ctx.platform.queue.defer_all(
        ctx.session, job.kind, tenant_id=ctx.tenant_id, subjects=[(job.id, lock)]
    )
    await ctx.session.flush()


async def _hold(ctx: Context, job_id: uuid.UUID) -> tuple[JobState, Document, Job, DocumentVersion]:
    """The job, its document, version and itself locked, if the caller may change the document."""
    state = await get(ctx, job_id)
    try:
        document = await documents.resolve(ctx, state.document_id, Verb.WRITE)
    except DocumentNotFoundError:
        raise JobNotFoundError(job_id) from None
    held = await repository.lock(ctx.session, job_id)
    if held is None:
        raise JobNotFoundError(job_id)
    return state, document, *held


def _ended(job: Job) -> str:
    return "been cancelled" if job.status == JobStatus.CANCELLED else job.status


async def _record(ctx: Context, action: str, state: JobState) -> None:
    await ctx.session.flush()
    details = {"document_id": str(state.document_id), "version": state.version}
    await audit.record(ctx, action, object_kind="job", object_id=state.job.id, details=details)
