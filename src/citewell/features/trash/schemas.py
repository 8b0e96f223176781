"""Shapes of the trash."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

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


class OverdueRead(BaseModel):
    """A document that a rule of its collection keeps no longer."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    title: str
    filename: str
    since: datetime
    """When the version that answers was published, or brought back by a person.

    For imported documents not before the import.
    """


class RetentionRead(BaseModel):
    """Effect that a rule of retention would have now."""

    keep_days: int | None
    """The rule; null: everything is kept."""
    total: int
    """Documents that would go to the trash, also those the caller may not read."""
    is_final: bool
    """Whether they would be removed for good, as the organisation's trash keeps nothing."""
    documents: list[OverdueRead]
    """The first hundred of those that the caller may read, oldest first."""


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


@dataclass(frozen=True, slots=True)
class Overdue:
    """A document that its collection keeps no longer."""

    id: uuid.UUID
    keep_days: int
    since: datetime
    """When the version that answers began to answer."""
