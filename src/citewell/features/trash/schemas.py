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
    """Earliest time of its removal; it can be restored until the removal has taken place."""


def trashed_read(document: Document, minutes: int) -> TrashedRead:
    """A document in the trash, where it stays for `minutes`."""
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
    """A batch of contents whose versions were removed."""

    unused: list[Blob]
    """Contents that no version needs any more; their rows, and so their files, are locked."""
    count: int
    """Number of contents in the batch, those still needed included."""


@dataclass(frozen=True, slots=True)
class PurgeBatch:
    """The most that is removed in one transaction, so that each is short; one document at least."""

    documents: int = 20
    chunks: int = 2_000
    """Of all versions. A single document may have more: seconds for the largest."""
