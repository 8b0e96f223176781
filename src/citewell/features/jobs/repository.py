"""Statements of jobs."""

import uuid
from collections.abc import Sequence

from sqlalchemy import Row, Select, TextClause, and_, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.access.policy import Access
from citewell.access.statements import reach_sql
from citewell.features.jobs.schemas import JobFilter, JobState
from citewell.kit.pagination import Page, PageRequest
from citewell.models.documents import Document, DocumentText, DocumentVersion
from citewell.models.work import Job


def _readable(access: Access) -> TextClause:
    """The predicate on `document`: who may read one may see what is done with it."""
    predicate, values = reach_sql(access.read, table="document", document_column="id")
    return text(predicate).bindparams(**values)


def _states() -> Select[Job, DocumentVersion]:
    return (
        select(Job, DocumentVersion)
        .join(
            DocumentVersion,
            and_(DocumentVersion.tenant_id == Job.tenant_id, DocumentVersion.id == Job.version_id),
        )
        .join(
            Document,
            and_(
                Document.tenant_id == DocumentVersion.tenant_id,
                Document.id == DocumentVersion.document_id,
            ),
        )
    )


def _state(row: Row[Job, DocumentVersion]) -> JobState:
    version: DocumentVersion = row[1]
    return JobState(row[0], version.document_id, version.number)


async def state(session: AsyncSession, job_id: uuid.UUID, access: Access) -> JobState | None:
    """A job of a document the caller may read."""
    rows = await session.execute(_states().where(Job.id == job_id, _readable(access)))
    row = rows.one_or_none()
    return _state(row) if row else None


async def states(session: AsyncSession, ids: Sequence[uuid.UUID], access: Access) -> list[JobState]:
    """Those of the jobs whose documents the caller may read."""
    rows = await session.execute(_states().where(Job.id.in_(ids), _readable(access)))
    return [_state(row) for row in rows]


async def page(session: AsyncSession, wanted: JobFilter, request: PageRequest) -> Page[JobState]:
    """Jobs of documents the caller may read, newest first."""
    statement = _states().where(_readable(wanted.access))
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
    """A job and its version as they are now, locked; no attempt begins or stores meanwhile."""
    rows = await session.execute(
        select(DocumentVersion, Job)
        .join(Job, Job.version_id == DocumentVersion.id)
        .where(Job.id == job_id)
        .with_for_update(key_share=True, of=(DocumentVersion, Job))
        .execution_options(populate_existing=True)
    )
    row = rows.one_or_none()
    return (row[1], row[0]) if row else None


async def remove_text(session: AsyncSession, version_id: uuid.UUID) -> None:
    """Forget the extracted text of a version."""
    await session.execute(delete(DocumentText).where(DocumentText.version_id == version_id))
