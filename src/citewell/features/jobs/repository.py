"""Statements of jobs."""

import uuid
from collections.abc import Sequence
from typing import cast

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    TextClause,
    and_,
    delete,
    false,
    func,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.access.policy import Access
from citewell.access.statements import reach_sql
from citewell.core.database.batches import AnySession, batch_of
from citewell.features.jobs.schemas import JobFilter, JobSight, JobState
from citewell.kit.pagination import Page, PageRequest
from citewell.models.documents import Document, DocumentText, DocumentVersion
from citewell.models.job_states import (
    BEGIN_SQL,
    CANCELLED,
    QUEUED,
    RUNNING,
    SUCCEED_SQL,
    SUCCEEDED,
    guard_sql,
    sources,
)
from citewell.models.work import Job, JobProgress, JobStatus

_REPLACE = text(f"""
UPDATE job j SET status = 'cancelled', reason = :reason, finished_at = now(),
  attempts = attempts + 1
WHERE j.tenant_id = :tenant_id AND j.version_id = :version_id AND {guard_sql(CANCELLED)}
RETURNING queue_id
""")  # noqa: S608 - constants

# The job takes the outcome from its version. Its number of attempts goes up, so that a worker that
# still holds it finds that the job is no longer its own.
_CLOSE_AS_VERSIONS = text(f"""
UPDATE job j SET finished_at = now(), attempts = j.attempts + 1,
  status = CASE (SELECT v.status FROM document_version v
                 WHERE v.tenant_id = j.tenant_id AND v.id = j.version_id)
    WHEN 'ready' THEN 'succeeded' WHEN 'superseded' THEN 'succeeded'
    WHEN 'failed' THEN 'failed' ELSE 'cancelled' END
WHERE j.tenant_id = :tenant_id AND j.id = ANY(CAST(:ids AS uuid[])) AND {guard_sql(SUCCEEDED)}
RETURNING j.queue_id
""")  # noqa: S608 - constants

_BEGIN = f"""
UPDATE job j SET {BEGIN_SQL}, attempts = attempts + 1, stage = 'working'
WHERE j.tenant_id = :tenant_id AND j.id = :job_id AND {guard_sql(RUNNING)}
RETURNING attempts, failures
"""  # noqa: S608 - constants

_SUCCEED = f"""
UPDATE job j SET {SUCCEED_SQL}
WHERE j.tenant_id = :tenant_id AND j.id = :job_id AND j.attempts = :attempt
  AND {guard_sql(SUCCEEDED)}
RETURNING id
"""  # noqa: S608 - constants


def _readable(access: Access) -> TextClause:
    """Predicate on `document`: readable by the caller."""
    predicate, values = reach_sql(access.read, table="document", document_column="id")
    return text(predicate).bindparams(**values)


def _visible(sight: JobSight) -> ColumnElement[bool]:
    """Predicate on `job` and its document: visible to the caller."""
    own = Job.created_by == sight.user_id if sight.user_id is not None else false()
    if sight.sees_all:
        own = true()
    # A document in the trash is hidden from the join, and its jobs with it.
    return or_(
        and_(Document.id.is_not(None), _readable(sight.access)), and_(Job.version_id.is_(None), own)
    )


def _states() -> Select[Job, DocumentVersion]:
    return (
        select(Job, DocumentVersion)
        .outerjoin(
            DocumentVersion,
            and_(DocumentVersion.tenant_id == Job.tenant_id, DocumentVersion.id == Job.version_id),
        )
        .outerjoin(
            Document,
            and_(
                Document.tenant_id == DocumentVersion.tenant_id,
                Document.id == DocumentVersion.document_id,
            ),
        )
    )


def _state(row: Row[Job, DocumentVersion]) -> JobState:
    job, version = row[0], cast(DocumentVersion | None, row[1])
    if version is None:
        return JobState(job, None, None)
    # A version knows how it failed last; an earlier job of it may have failed otherwise.
    code = version.error_code if job.reason == version.error_detail else None
    return JobState(job, version.document_id, version.number, code)


def seen(sight: JobSight) -> ColumnElement[bool]:
    """Jobs that are there for the caller."""
    return Job.id.in_(_states().with_only_columns(Job.id).where(_visible(sight)))


async def state(session: AsyncSession, job_id: uuid.UUID, sight: JobSight) -> JobState | None:
    """A job that the caller may see."""
    rows = await session.execute(_states().where(Job.id == job_id, _visible(sight)))
    row = rows.one_or_none()
    return _state(row) if row else None


async def states(
    session: AsyncSession, ids: Sequence[uuid.UUID], sight: JobSight
) -> list[JobState]:
    """The jobs among `ids` that the caller may see."""
    rows = await session.execute(_states().where(Job.id.in_(ids), _visible(sight)))
    return [_state(row) for row in rows]


async def page(session: AsyncSession, wanted: JobFilter, request: PageRequest) -> Page[JobState]:
    """Jobs that the caller may see, newest first."""
    statement = _states().where(_visible(wanted.sight))
    if wanted.status is not None:
        statement = statement.where(Job.status == wanted.status)
    if wanted.document_id is not None:
        statement = statement.where(Job.document_id == wanted.document_id)
    if wanted.kind is not None:
        statement = statement.where(Job.kind == wanted.kind)
    total = await session.scalar(
        select(func.count()).select_from(statement.with_only_columns(Job.id).subquery())
    )
    rows = await session.execute(
        statement.order_by(Job.id.desc()).offset(request.offset).limit(request.limit)
    )
    return Page([_state(row) for row in rows], request, total or 0)


async def lock(session: AsyncSession, job_id: uuid.UUID) -> tuple[Job, DocumentVersion] | None:
    """A job and its version, locked: no attempt begins or stores anything meanwhile."""
    rows = await session.execute(
        select(DocumentVersion, Job)
        .join(Job, Job.version_id == DocumentVersion.id)
        .where(Job.id == job_id)
        # `NO KEY UPDATE`: rows that refer to the version may still be inserted meanwhile.
        .with_for_update(key_share=True, of=(DocumentVersion, Job))
        # The session may hold these rows as they were before the lock was got.
        .execution_options(populate_existing=True)
    )
    row = rows.one_or_none()
    return (row[1], row[0]) if row else None


async def lock_alone(session: AsyncSession, job_id: uuid.UUID) -> Job | None:
    """A job about no document as it is now, locked."""
    return await session.scalar(
        select(Job)
        .where(Job.id == job_id, Job.version_id.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def remove_text(session: AsyncSession, version_id: uuid.UUID) -> None:
    """Delete the extracted text of a version."""
    await session.execute(delete(DocumentText).where(DocumentText.version_id == version_id))


async def hold_document(
    session: AsyncSession, document_id: uuid.UUID, access: Access
) -> Document | None:
    """A document the caller may read, locked until the end of the transaction."""
    return await session.scalar(
        select(Document).where(Document.id == document_id, _readable(access)).with_for_update()
    )


async def add(session: AsyncSession, jobs: Sequence[Job]) -> None:
    """Store new jobs."""
    session.add_all(jobs)
    await session.flush()


async def open_job(session: AsyncSession, version_id: uuid.UUID) -> Job | None:
    """The job that is to make a version ready."""
    return await session.scalar(
        # A job that may still succeed is an open one.
        select(Job).where(Job.version_id == version_id, Job.status.in_(sources(SUCCEEDED)))
    )


async def begin(session: AnySession, job_id: uuid.UUID) -> tuple[int, int] | None:
    """Begin an attempt; its number and the failures so far, or None if nothing is left to do."""
    rows = await batch_of(session).ask(_BEGIN, _values(session, job_id=job_id), list)
    return (rows[0][0], rows[0][1]) if rows else None


async def succeed(session: AnySession, job_id: uuid.UUID, attempt: int) -> bool:
    """Mark a job as succeeded; False if it does not belong to this attempt any more."""
    values = _values(session, job_id=job_id, attempt=attempt)
    return bool(await batch_of(session).ask(_SUCCEED, values, list))


async def finish(
    session: AsyncSession, job_id: uuid.UUID, status: JobStatus, reason: str | None
) -> None:
    """Close a job, unless it is closed already."""
    await session.execute(
        update(Job)
        .where(Job.id == job_id, Job.status.in_(sources(status)))
        .values(finished_at=func.now(), status=status, reason=reason)
    )


async def put_off(
    session: AsyncSession, job_id: uuid.UUID, reason: str, *, has_failed: bool = False
) -> None:
    """Mark a job as waiting for another attempt, with the reason; the last one may have failed."""
    await session.execute(
        update(Job)
        .where(Job.id == job_id, Job.status.in_(sources(QUEUED)))
        .values(status=QUEUED, reason=reason, failures=Job.failures + int(has_failed))
    )


async def note_progress(
    session: AsyncSession, job_id: uuid.UUID, attempt: int, progress: JobProgress
) -> bool:
    """Write a job's progress; False if it does not belong to this attempt any more."""
    noted = await session.scalar(
        update(Job)
        # The number of the attempt fences off a worker that was given up for dead and goes on.
        .where(Job.id == job_id, Job.attempts == attempt, Job.status == RUNNING)
        .values(stage=progress.stage, done=progress.done, total=progress.total)
        .returning(Job.id)
    )
    return noted is not None


async def is_running(session: AsyncSession, job_id: uuid.UUID, attempt: int) -> bool:
    """Whether a job is running and belongs to this attempt."""
    found = await session.scalar(
        select(Job.id).where(Job.id == job_id, Job.attempts == attempt, Job.status == RUNNING)
    )
    return found is not None


async def cancel_all(
    session: AsyncSession, document_id: uuid.UUID, reason: str
) -> list[tuple[uuid.UUID, int | None]]:
    """Cancel the open jobs of a document; returns their ids and entries in the queue."""
    rows = await session.execute(
        update(Job)
        .where(Job.document_id == document_id, Job.status.in_(sources(CANCELLED)))
        .values(status=CANCELLED, reason=reason, finished_at=func.now())
        .returning(Job.id, Job.queue_id)
    )
    return [(row[0], row[1]) for row in rows]


async def replace_all(session: AsyncSession, version_id: uuid.UUID, reason: str) -> list[int]:
    """Cancel the open jobs of a version; returns their entries in the queue.

    One attempt is added, so that a running attempt finds that the job is no longer its own.
    """
    values = _values(session, version_id=version_id, reason=reason)
    return [each for each in await session.scalars(_REPLACE, values) if each is not None]


async def close_as_versions(session: AsyncSession, ids: Sequence[uuid.UUID]) -> list[int]:
    """End open jobs with the outcome of their versions; returns their entries in the queue."""
    values = _values(session, ids=list(ids))
    return [each for each in await session.scalars(_CLOSE_AS_VERSIONS, values) if each is not None]


def _values(session: AnySession, **values: object) -> dict[str, object]:
    return {"tenant_id": session.info["tenant_id"], **values}
