"""Selects documents with their newest and their active version."""

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import aliased

from citewell.models.documents import Document, DocumentVersion

Active = aliased(DocumentVersion)


def states_sql() -> Select[Document, DocumentVersion, DocumentVersion]:
    """Documents, each with its newest version and, where there is one, the version that answers."""
    # By number: the document points to the version that answers, not to the newest one.
    newest = (
        select(func.max(DocumentVersion.number))
        .where(
            DocumentVersion.tenant_id == Document.tenant_id,
            DocumentVersion.document_id == Document.id,
        )
        .correlate(Document)
        .scalar_subquery()
    )
    return (
        select(Document, DocumentVersion, Active)
        .join(
            DocumentVersion,
            and_(
                DocumentVersion.tenant_id == Document.tenant_id,
                DocumentVersion.document_id == Document.id,
                DocumentVersion.number == newest,
            ),
        )
        .outerjoin(
            Active,
            and_(Active.tenant_id == Document.tenant_id, Active.id == Document.active_version_id),
        )
    )
