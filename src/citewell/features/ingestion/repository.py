"""Statements of ingestion."""

import uuid
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from citewell.kit.clock import utc_now
from citewell.models.library import (
    OPEN_STATUSES,
    Blob,
    Collection,
    Document,
    DocumentText,
    DocumentVersion,
    VersionStatus,
)
from citewell.models.work import FINAL_JOB_STATUSES, Job, JobStatus

_Active = aliased(DocumentVersion)


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a job is to work on."""

    job: Job
    version: DocumentVersion
    document: Document
    collection: Collection
    blob: Blob
    active: DocumentVersion | None

    @property
    def has_earlier_attempts(self) -> bool:
        """Whether the version was worked on before, in this job or in one that failed."""
        return self.job.attempts > 1

    @property
    def has_given_title(self) -> bool:
        """Whether a person gave the document its title."""
        return has_given_title(self.document, self.active)


def has_given_title(document: Document, active: DocumentVersion | None) -> bool:
    """Whether a person gave a title: neither the file is called so nor the text itself."""
    return document.title not in (document.filename, active.parsed_title if active else None)


async def assignment(session: AsyncSession, job_id: uuid.UUID) -> Assignment | None:
    """The job's version with its surroundings, version and job locked in this order.

    None if it is gone or nothing is left to do.
    """
    rows = await session.execute(
        select(Job, DocumentVersion, Document, Collection, Blob, _Active)
        .join(DocumentVersion, DocumentVersion.id == Job.version_id)
        .join(Document, Document.id == DocumentVersion.document_id)
        .join(Collection, Collection.id == Document.collection_id)
        .join(Blob, Blob.id == DocumentVersion.blob_id)
        .outerjoin(_Active, _Active.id == Document.active_version_id)
        .where(Job.id == job_id, DocumentVersion.status.in_(OPEN_STATUSES))
        .with_for_update(key_share=True, of=(DocumentVersion, Job))
    )
    row = rows.one_or_none()
    return Assignment(*row) if row else None


async def begin(session: AsyncSession, work: Assignment) -> None:
    """Mark the version as being processed, and forget what an earlier attempt left of its text."""
    work.version.status = VersionStatus.PROCESSING
    work.job.status = JobStatus.RUNNING
    work.job.started_at = utc_now()
    work.job.attempts += 1
    work.job.stage, work.job.done, work.job.total = "parsing", 0, None
    if work.job.attempts > 1:
        await session.execute(
            delete(DocumentText).where(DocumentText.version_id == work.version.id)
        )
    await session.flush()


async def hold(
    session: AsyncSession, version_id: uuid.UUID, job_id: uuid.UUID, attempt: int
) -> bool:
    """Keep the version from being deleted, and the job from a next attempt, in this transaction.

    False if it is too late: the version is gone, or the job was given to another worker because
    this one was taken for dead. What that one has written must not be touched.
    """
    rows = await session.execute(
        select(DocumentVersion.status, Job.attempts)
        .select_from(DocumentVersion)
        .join(Job, Job.version_id == DocumentVersion.id)
        .where(DocumentVersion.id == version_id, Job.id == job_id)
        .with_for_update(key_share=True, of=(DocumentVersion, Job))
    )
    return rows.one_or_none() == (VersionStatus.PROCESSING, attempt)


async def add_text(
    session: AsyncSession, version_id: uuid.UUID, segments: list[tuple[int, str]]
) -> None:
    """Keep stretches of the extracted text."""
    session.add_all(
        DocumentText(
            tenant_id=session.info["tenant_id"],
            version_id=version_id,
            start_offset=start,
            text=text,
        )
        for start, text in segments
    )
    await session.flush()


async def note_progress(session: AsyncSession, job_id: uuid.UUID, stage: str, done: int) -> None:
    """Show how far the job is."""
    await session.execute(update(Job).where(Job.id == job_id).values(stage=stage, done=done))


async def finish_job(
    session: AsyncSession, job_id: uuid.UUID, status: JobStatus, reason: str | None
) -> None:
    """Close the job, unless it is closed already."""
    await _close_job(session, job_id, status=status, reason=reason)


async def complete_job(
    session: AsyncSession, job_id: uuid.UUID, attempt: int, chunk_count: int
) -> bool:
    """Close the job of a version that is published; False if it is another attempt's by now."""
    return await _close_job(
        session,
        job_id,
        Job.attempts == attempt,
        status=JobStatus.SUCCEEDED,
        reason=None,
        stage="published",
        done=chunk_count,
        total=chunk_count,
    )


async def _close_job(
    session: AsyncSession, job_id: uuid.UUID, *conditions: ColumnElement[bool], **values: object
) -> bool:
    closed = await session.scalar(
        update(Job)
        .where(Job.id == job_id, Job.status.not_in(FINAL_JOB_STATUSES), *conditions)
        .values(finished_at=utc_now(), **values)
        .returning(Job.id)
    )
    return closed is not None


async def requeue_job(session: AsyncSession, job_id: uuid.UUID, reason: str) -> None:
    """Show that the job waits for another attempt, and why."""
    await session.execute(
        update(Job).where(Job.id == job_id).values(status=JobStatus.QUEUED, reason=reason)
    )


async def fail_version(
    session: AsyncSession, version_id: uuid.UUID, code: str, detail: str
) -> None:
    """Mark a version as not usable."""
    await session.execute(
        update(DocumentVersion)
        .where(DocumentVersion.id == version_id, DocumentVersion.status.in_(OPEN_STATUSES))
        .values(status=VersionStatus.FAILED, error_code=code, error_detail=detail)
    )


async def lock_for_publishing(
    session: AsyncSession, document_id: uuid.UUID, version_id: uuid.UUID
) -> tuple[Document, DocumentVersion, DocumentVersion | None] | None:
    """Document, version and the version that is ready now, locked; None if the first are gone."""
    document = await session.scalar(
        select(Document).where(Document.id == document_id).with_for_update()
    )
    versions = list(
        await session.scalars(
            select(DocumentVersion)
            .where(
                DocumentVersion.document_id == document_id,
                or_(
                    DocumentVersion.id == version_id,
                    DocumentVersion.status == VersionStatus.READY,
                ),
            )
            .order_by(DocumentVersion.number)
            .with_for_update()
        )
    )
    version = next((each for each in versions if each.id == version_id), None)
    ready = next((each for each in versions if each.status == VersionStatus.READY), None)
    if document is None or version is None or version.status != VersionStatus.PROCESSING:
        return None
    return document, version, ready
