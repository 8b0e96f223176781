"""Statements of versions."""

import uuid

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.kit.pagination import Page, PageRequest
from citewell.models.documents import Document, DocumentText, DocumentVersion, VersionStatus


async def page(
    session: AsyncSession, document_id: uuid.UUID, request: PageRequest
) -> Page[DocumentVersion]:
    """Versions of a document, newest first."""
    statement = select(DocumentVersion).where(DocumentVersion.document_id == document_id)
    total = await session.scalar(
        select(func.count())
        .select_from(DocumentVersion)
        .where(DocumentVersion.document_id == document_id)
    )
    rows = await session.scalars(
        statement.order_by(DocumentVersion.number.desc())
        .offset(request.offset)
        .limit(request.limit)
    )
    return Page(list(rows), request, total or 0)


async def whole_text(session: AsyncSession, version_id: uuid.UUID) -> str:
    """The extracted text of a version."""
    parts = await session.scalars(
        select(DocumentText.text)
        .where(DocumentText.version_id == version_id)
        .order_by(DocumentText.start_offset)
    )
    # Parts are stored back to back.
    return "".join(parts)


async def lock_versions(
    session: AsyncSession, document_id: uuid.UUID
) -> dict[int, DocumentVersion]:
    """All versions of a locked document by number, locked in the same order as publishing does."""
    rows = await session.scalars(
        select(DocumentVersion)
        .where(DocumentVersion.document_id == document_id)
        .order_by(DocumentVersion.number)
        .with_for_update()
    )
    return {version.number: version for version in rows}


async def let_answer(
    session: AsyncSession, document: Document, version: DocumentVersion, title: str
) -> None:
    """Move the pointer of a document, with the title that goes with it.

    Separate statements in this order, so that two versions are never ready at once.
    """
    await session.execute(
        update(DocumentVersion)
        .where(
            DocumentVersion.document_id == document.id,
            DocumentVersion.status == VersionStatus.READY,
        )
        .values(status=VersionStatus.SUPERSEDED)
    )
    await session.execute(
        update(DocumentVersion)
        .where(DocumentVersion.id == version.id)
        .values(status=VersionStatus.READY)
    )
    document.active_version_id = version.id
    document.title = title
    await session.flush()
