"""Selects documents that a file may be known as, and others that hold the same file."""

import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, TextClause, and_, false, func, or_, select, true
from sqlalchemy.orm import aliased

from citewell.models.documents import OPEN_STATUSES, Collection, Document, DocumentVersion

MOST_OTHERS = 5
"""Documents named beside one; somebody who has more copies of a file knows of them."""

MOST_NAMESAKES = MOST_OTHERS * MOST_OTHERS
"""Bearers of one name that are looked at: those that come first are likely to be named."""

WAYS_IN = {"text": 0, "upload": 1, "file-sha256": 2, "file": 2, "given": 3}
"""Beginnings of sources, before a colon, of documents that are known by name too;
the more exact way has the higher number. Attachments and evaluation sets have others."""

_OF_WAYS = or_(*(Document.source.startswith(f"{way}:") for way in WAYS_IN))
_STANDS_ALONE = and_(Document.attached_to.is_(None), Document.deleted_at.is_(None), _OF_WAYS)


def bearing(collection_id: uuid.UUID, names: Sequence[str]) -> Select[Document]:
    """Documents of a collection with one of these file names, in the order of ids."""
    statement = select(Document).where(
        Document.collection_id == collection_id, Document.filename.in_(names), _STANDS_ALONE
    )
    return statement.order_by(Document.id)


def same_content(ids: Sequence[uuid.UUID], readable: TextClause) -> Select[Document, Document]:
    """Documents with others that answer, or are to, from the very same bytes.

    At most `MOST_OTHERS` of each.
    """
    mine, its = aliased(Document), aliased(DocumentVersion)
    with_it = (
        select(Document)
        .join(
            DocumentVersion,
            and_(
                DocumentVersion.tenant_id == Document.tenant_id,
                DocumentVersion.document_id == Document.id,
                _counts(DocumentVersion, Document),
            ),
        )
        .where(
            DocumentVersion.tenant_id == its.tenant_id,
            DocumentVersion.blob_id == its.blob_id,
            Document.id != mine.id,
            readable,
        )
        .order_by(Document.id)
        .limit(MOST_OTHERS)
        .correlate(mine, its)
        .lateral()
    )
    other = aliased(Document, with_it)
    of_mine = and_(its.tenant_id == mine.tenant_id, its.document_id == mine.id, _counts(its, mine))
    return select(mine, other).join(its, of_mine).join(other, true()).where(mine.id.in_(ids))


def _counts(version: type[DocumentVersion], document: type[Document]) -> ColumnElement[bool]:
    """Whether a version answers, or is to."""
    return or_(version.id == document.active_version_id, version.status.in_(OPEN_STATUSES))


def same_name(ids: Sequence[uuid.UUID], readable: TextClause) -> Select[Document, Document, int]:
    """Documents with those of their file names in other collections.

    Texts with those of their titles in their own collection, too: there other ways in are
    recognised by name, while two texts of one title stay two documents. At most `MOST_NAMESAKES`
    of each, those of its source first, then those that few in their collection share the name with;
    their number comes third.
    """
    mine = aliased(Document)
    # By the collections, of which there are few: names are indexed in each of them.
    are_texts = and_(mine.source.startswith("text:"), Document.source.startswith("text:"))
    bears_it = and_(
        Document.tenant_id == Collection.tenant_id,
        Document.collection_id == Collection.id,
        Document.filename == mine.filename,
        Document.id != mine.id,
        or_(Collection.id != mine.collection_id, are_texts),
    )
    bearers = func.count().over(partition_by=Document.collection_id).label("bearers")
    is_its_source = func.coalesce(Document.source == mine.source, false()).label("is_its_source")
    found = (
        select(Document.id, is_its_source, bearers)
        .select_from(Collection)
        .join(Document, bears_it)
        .where(Collection.tenant_id == mine.tenant_id, _STANDS_ALONE, readable)
        .order_by(is_its_source.desc(), bearers, Document.id)
        .limit(MOST_NAMESAKES)
        .correlate(mine)
        .lateral()
    )
    other = aliased(Document)
    is_other = and_(other.tenant_id == mine.tenant_id, other.id == found.c.id)
    return (
        select(mine, other, found.c.bearers)
        .select_from(mine)
        .join(found, true())
        .join(other, is_other)
        .where(mine.id.in_(ids))
        .order_by(found.c.is_its_source.desc(), found.c.bearers, other.id)
    )
