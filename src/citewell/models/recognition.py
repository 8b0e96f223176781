"""Selects documents that a file may be known as by its name."""

import uuid
from collections.abc import Sequence

from sqlalchemy import Select, and_, or_, select

from citewell.models.documents import Document

WAYS_IN = {"text": 0, "upload": 1, "file-sha256": 2, "file": 2}
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
