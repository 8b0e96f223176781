"""Selects documents that a file may be known as: by its name, or by its content."""

import uuid
from collections.abc import Sequence

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from citewell.models.documents import OPEN_STATUSES, Blob, Document, DocumentVersion, VersionStatus

WAYS_IN = {"text": 0, "upload": 1, "file-sha256": 2, "file": 2}
"""Beginnings of sources, before a colon, of documents that are known by name or content too;
the more exact way has the higher number. Attachments and evaluation sets have others."""

_HELD = (*OPEN_STATUSES, VersionStatus.READY)
"""A content that failed, or that no longer answers after a rollback, is not held."""

_OF_WAYS = or_(*(Document.source.startswith(f"{way}:") for way in WAYS_IN))
_STANDS_ALONE = and_(Document.attached_to.is_(None), Document.deleted_at.is_(None), _OF_WAYS)


def bearing(collection_id: uuid.UUID, names: Sequence[str]) -> Select[Document]:
    """Documents of a collection with one of these file names, in the order of ids."""
    statement = select(Document).where(
        Document.collection_id == collection_id, Document.filename.in_(names), _STANDS_ALONE
    )
    return statement.order_by(Document.id)


def holding(
    collection_id: uuid.UUID, hashes: Sequence[bytes]
) -> Select[Document, DocumentVersion, bytes]:
    """Documents of a collection whose newest version has one of these contents, oldest first."""
    later = aliased(DocumentVersion)
    newest = (
        select(func.max(later.number))
        .where(later.tenant_id == Document.tenant_id, later.document_id == Document.id)
        .correlate(Document)
        .scalar_subquery()
    )
    return (
        select(Document, DocumentVersion, Blob.sha256)
        .join(
            DocumentVersion,
            and_(
                DocumentVersion.tenant_id == Document.tenant_id,
                DocumentVersion.document_id == Document.id,
            ),
        )
        .join(
            Blob,
            and_(Blob.tenant_id == DocumentVersion.tenant_id, Blob.id == DocumentVersion.blob_id),
        )
        .where(
            Document.collection_id == collection_id,
            _STANDS_ALONE,
            Blob.sha256.in_(hashes),
            DocumentVersion.status.in_(_HELD),
            DocumentVersion.number == newest,
        )
        .order_by(Document.id)
    )
