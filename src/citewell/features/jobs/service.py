"""Queueing, listing, cancelling and retrying jobs; other features change their states here only."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from citewell.access.policy import DocumentFacts, Verb
from citewell.core.context import Context
from citewell.core.database.parts import RowFilter
from citewell.core.errors import ForbiddenError
from citewell.core.jobs import Urgency
from citewell.features.audit import service as audit
from citewell.features.jobs import repository
from citewell.features.jobs.errors import JobFinishedError, JobNotFoundError, JobUnfinishedError
from citewell.features.jobs.schemas import JobFilter, JobSight, JobState, NewJob
from citewell.indexes.contract import index_of
from citewell.indexes.events import VersionDiscarded
from citewell.kit.clock import utc_now
from citewell.kit.ids import uuid7
from citewell.kit.pagination import Page, PageRequest
from citewell.models.documents import OPEN_STATUSES, Document, DocumentVersion, VersionStatus
from citewell.models.job_states import is_legal
from citewell.models.work import FINAL_JOB_STATUSES, Job, JobProgress, JobStatus


def lock_of(document_id: uuid.UUID) -> str:
    """The lock of a document's jobs: they run one after the other."""
    return f"document:{document_id}"


async def enqueue(
    ctx: Context,
    kind: str,
    new: Sequence[NewJob],
    *,
    urgency: Urgency = Urgency.INTERACTIVE,
    run_at: datetime | None = None,
) -> list[Job]:
    """Queue jobs of one kind in the caller's unit of work: they exist if and only if it commits.

    Args:
        ctx: The unit of work.
        kind: Name of the handler.
        new: The jobs; tenants take turns, a tenant's own jobs run in this order.
        urgency: Whether somebody waits for the result.
        run_at: Earliest time to begin; None: now.
    """
    jobs = [
        Job(
            tenant_id=ctx.tenant_id,
            id=uuid7(),
            kind=kind,
            status=JobStatus.QUEUED,
            attempts=each.attempts,
            attempts_before=each.attempts,
            document_id=each.document_id,
            version_id=each.version_id,
            created_by=ctx.actor.user_id,
        )
        for each in new
    ]
    entries = await ctx.platform.queue.defer(
        ctx.session,
        kind,
        tenant_id=ctx.tenant_id,
        subjects=[(job.id, each.lock) for job, each in zip(jobs, new, strict=True)],
        urgency=urgency,
        run_at=run_at,
    )
    for job, entry in zip(jobs, entries, strict=True):
        job.queue_id = entry
    await repository.add(ctx.session, jobs)
    return jobs


async def open_job(ctx: Context, version_id: uuid.UUID) -> Job | None:
    """The job that is to make a version ready."""
    return await repository.open_job(ctx.session, version_id)


async def finish(
    ctx: Context, job_id: uuid.UUID, status: JobStatus, reason: str | None = None
) -> None:
    """Close a job, unless it is closed already."""
    await repository.finish(ctx.session, job_id, status, reason)


async def put_off(
    ctx: Context, job_id: uuid.UUID, reason: str, *, has_failed: bool = False
) -> None:
    """Mark a job as waiting for another attempt, with the reason; the last one may have failed."""
    await repository.put_off(ctx.session, job_id, reason, has_failed=has_failed)


async def note_progress(
    ctx: Context, job_id: uuid.UUID, attempt: int, progress: JobProgress
) -> bool:
    """Write a job's progress; False if it was cancelled or belongs to another attempt by now."""
    return await repository.note_progress(ctx.session, job_id, attempt, progress)


async def cancel_all(ctx: Context, document_id: uuid.UUID, reason: str) -> list[uuid.UUID]:
    """Cancel the open jobs of a document that the caller has locked; returns their ids."""
    cancelled = await repository.cancel_all(ctx.session, document_id, reason)
    # In the same transaction: an entry of the queue without an open job would be taken up for
    # nothing.
    await _withdraw(ctx, [entry for _, entry in cancelled if entry is not None])
    return [job_id for job_id, _ in cancelled]


async def replace_all(ctx: Context, version_id: uuid.UUID, reason: str) -> None:
    """Cancel the open jobs of a version; a running attempt cannot store anything any more."""
    await _withdraw(ctx, await repository.replace_all(ctx.session, version_id, reason))


async def close_as_versions(ctx: Context, job_ids: Sequence[uuid.UUID]) -> None:
    """End open jobs with the outcome of versions that were finished without them."""
    await _withdraw(ctx, await repository.close_as_versions(ctx.session, job_ids))


async def _withdraw(ctx: Context, entries: Sequence[int]) -> None:
    for entry in entries:
        await ctx.platform.queue.withdraw(ctx.session, entry)


async def page(
    ctx: Context,
    request: PageRequest,
    *,
    status: JobStatus | None = None,
    document_id: uuid.UUID | None = None,
    kind: str | None = None,
) -> Page[JobState]:
    """Jobs of documents the caller may read and of their own, newest first."""
    wanted = JobFilter(await _sight(ctx), status, document_id, kind)
    return await repository.page(ctx.session, wanted, request)


async def seen(ctx: Context) -> RowFilter:
    """Which jobs are there for the caller."""
    return repository.seen(await _sight(ctx))


async def get(ctx: Context, job_id: uuid.UUID) -> JobState:
    """A job.

    Raises:
        JobNotFoundError: There is none, or not for this caller.
    """
    found = await repository.state(ctx.session, job_id, await _sight(ctx))
    if found is None:
        raise JobNotFoundError(job_id)
    return found


async def readable(ctx: Context, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, JobState]:
    """The jobs among `ids` that the caller may see, by id."""
    found = await repository.states(ctx.session, ids, await _sight(ctx))
    return {state.job.id: state for state in found}


async def cancel(ctx: Context, job_id: uuid.UUID) -> JobState:
    """Cancel a job that is not finished and remove what it has stored, which nobody could find yet.

    A published version that is only read again keeps its status. A running attempt notices within
    about a second; until then it cannot store anything.

    Raises:
        JobNotFoundError: There is none, or not for this caller.
        ForbiddenError: The caller may not change its document.
        JobFinishedError: It has ended already.
    """
    state = await get(ctx, job_id)
    document, job, version = await _hold(ctx, state)
    if not is_legal(job.status, JobStatus.CANCELLED):
        raise JobFinishedError(f"The job has {_ended(job)} already; there is nothing to cancel.")
    job.status, job.reason, job.finished_at = JobStatus.CANCELLED, None, utc_now()
    if document is not None and version is not None and version.status in OPEN_STATUSES:
        await _abandon(ctx, document, version)
    if job.queue_id is not None:
        await ctx.platform.queue.withdraw(ctx.session, job.queue_id)
    await _record(ctx, "job.cancelled", state)
    return state


async def _abandon(ctx: Context, document: Document, version: DocumentVersion) -> None:
    """Cancel a version that is being made; a published one gets back the status it had."""
    if version.published_at is not None:
        is_active = document.active_version_id == version.id
        version.status = VersionStatus.READY if is_active else VersionStatus.SUPERSEDED
        return
    version.status = VersionStatus.CANCELLED
    await repository.remove_text(ctx.session, version.id)
    await index_of(ctx.platform).writer.apply(ctx, VersionDiscarded(version.id))


async def retry(ctx: Context, job_id: uuid.UUID) -> JobState:
    """Queue a failed or cancelled job again, for the same version, its attempts counted anew.

    Raises:
        JobNotFoundError: There is none, or not for this caller.
        ForbiddenError: The caller may not change its document.
        JobUnfinishedError: It, or a later job about the same version, is still to be done.
        JobFinishedError: It, or a later one, has succeeded.
    """
    state = await get(ctx, job_id)
    _, job, version = await _hold(ctx, state)
    if job.status not in FINAL_JOB_STATUSES:  # queued to queued is legal, for other reasons
        raise JobUnfinishedError(f"The job is {job.status}; cancel it to have it begun anew.")
    if job.status == JobStatus.SUCCEEDED:
        raise JobFinishedError("The job has succeeded; there is nothing to try again.")
    if version is not None and version.status in OPEN_STATUSES:
        raise JobUnfinishedError("A later job is about to make this version ready.")
    if version is not None and version.status not in (
        VersionStatus.FAILED,
        VersionStatus.CANCELLED,
    ):
        raise JobFinishedError("A later job has made this version ready.")
    await _queue_again(ctx, job, version)
    await _record(ctx, "job.retried", state)
    return state


async def resume(ctx: Context, job_ids: Sequence[uuid.UUID]) -> None:
    """Queue jobs again that were cancelled by the deletion of their document, as `retry` does.

    The calling function has locked the document and checked that the caller may change it.
    """
    for job_id in job_ids:
        held = await repository.lock(ctx.session, job_id)
        if held is not None:
            await _queue_again(ctx, *held)


async def _queue_again(ctx: Context, job: Job, version: DocumentVersion | None) -> None:
    # The number of attempts goes on, as it fences off a worker of an earlier one; `attempts_before`
    # keeps those from the limit.
    job.status, job.reason, job.attempts_before = JobStatus.QUEUED, None, job.attempts
    job.failures = 0
    job.stage, job.done, job.total = None, 0, None
    job.started_at = job.finished_at = None
    lock = None
    if version is not None:
        version.status, version.error_code, version.error_detail = VersionStatus.QUEUED, None, None
        lock = lock_of(version.document_id)
    [job.queue_id] = await ctx.platform.queue.defer(
        ctx.session, job.kind, tenant_id=ctx.tenant_id, subjects=[(job.id, lock)]
    )
    await ctx.session.flush()


async def _hold(
    ctx: Context, state: JobState
) -> tuple[Document | None, Job, DocumentVersion | None]:
    """The job's document, itself and its version, locked, if the caller may change the document."""
    if state.document_id is None:
        job = await repository.lock_alone(ctx.session, state.job.id)
        if job is None:
            raise JobNotFoundError(state.job.id)
        return None, job, None
    access = await ctx.access()
    document = await repository.hold_document(ctx.session, state.document_id, access)
    if document is None:
        raise JobNotFoundError(state.job.id)
    facts = DocumentFacts(
        document.id, document.collection_id, document.access_level, document.created_by
    )
    if not access.allows(Verb.WRITE, facts):
        raise ForbiddenError("You may read this document, but not change it.")
    held = await repository.lock(ctx.session, state.job.id)
    if held is None:
        raise JobNotFoundError(state.job.id)
    return document, *held


async def _sight(ctx: Context) -> JobSight:
    return JobSight(await ctx.access(), ctx.actor.user_id, sees_all=ctx.actor.administers)


def _ended(job: Job) -> str:
    return "been cancelled" if job.status == JobStatus.CANCELLED else job.status


async def _record(ctx: Context, action: str, state: JobState) -> None:
    await ctx.session.flush()
    details: dict[str, object] = {"kind": state.job.kind}
    if state.document_id is not None:
        details = {"document_id": str(state.document_id), "version": state.version}
    await audit.record(ctx, action, object_kind="job", object_id=state.job.id, details=details)
