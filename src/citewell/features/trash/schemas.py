"""Shapes of the trash."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel

from citewell.access.policy import AccessLevel
from citewell.models.documents import Blob, Document


class TrashedRead(BaseModel):
    """A deleted document as the API shows it to those who may restore it."""

    id: uuid.UUID
    collection_id: uuid.UUID
    title: str
    filename: str
    access_level: str
    deleted_at: datetime
    deleted_by: uuid.UUID | None
    """The user who deleted it; null for the organisation's software."""
    purged_after: datetime
    """From then on it is removed for good; until that is done it can be restored."""


def trashed_read(document: Document, minutes: int) -> TrashedRead:
    """A document in the trash, which keeps it for so many minutes."""
    assert document.deleted_at is not None
    return TrashedRead(
        id=document.id,
        collection_id=document.collection_id,
        title=document.title,
        filename=document.filename,
        access_level=AccessLevel(document.access_level).name.lower(),
        deleted_at=document.deleted_at,
        deleted_by=document.deleted_by,
        purged_after=document.deleted_at + timedelta(minutes=minutes),
    )


@dataclass(frozen=True, slots=True)
class Released:
    """Contents that were needed by versions that have gone."""

    unused: list[Blob]
    """Those that no version needs any more, locked with the right to their files."""
    count: int
    """All that were looked at."""
