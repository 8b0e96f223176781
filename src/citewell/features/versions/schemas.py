"""Shapes of versions."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, Field

from citewell.kit.bodies import RequestBody
from citewell.models.documents import DocumentVersion

MAX_INTEGER = 2**31 - 1
"""Largest value of the database's integer columns; a larger one would be an error in a query."""


class DiffFormat(StrEnum):
    """Format of a comparison."""

    JSON = "json"
    UNIFIED = "unified"


class VersionRead(BaseModel):
    """A version as the API shows it."""

    number: int
    status: str
    """queued, processing, ready (it answers), superseded, failed or cancelled."""
    is_active: bool
    """Whether searches and answers use this version."""
    error: dict[str, str] | None
    warnings: list[dict[str, str]]
    """Remarks of reading it, each with `code` and `message`."""
    mime_type: str | None
    size_bytes: int
    pages: int | None
    characters: int | None
    """Of the extracted text; null until it is read."""
    chunks: int
    embedded: int
    """Number of chunks embedded for it; the vectors of the others came from earlier versions."""
    created_at: datetime
    published_at: datetime | None
    """Time at which it became ready."""
    created_by: uuid.UUID | None
    """The user who added it; null for the organisation's software, and for those who may not
    change the document."""


class RollbackRequest(RequestBody):
    """The version that is to answer from now on."""

    version: int = Field(ge=1, le=MAX_INTEGER)


class HunkRead(BaseModel):
    """A stretch of the old text and its replacement in the new one."""

    from_start: int
    from_end: int
    to_start: int
    to_end: int
    removed: str
    added: str


class DiffRead(BaseModel):
    """The differences between two versions; between the hunks the texts are identical."""

    document_id: uuid.UUID
    from_version: int
    to_version: int
    from_length: int
    to_length: int
    hunks: list[HunkRead]
    hunk_count: int
    """All of them; more than are listed if `is_complete` is false."""
    is_complete: bool


@dataclass(frozen=True, slots=True)
class VersionPair:
    """Two versions whose texts are to be compared."""

    document_id: uuid.UUID
    filename: str
    old_number: int
    new_number: int
    old: str
    new: str


def version_read(
    version: DocumentVersion, active_id: uuid.UUID | None, *, is_writable: bool
) -> VersionRead:
    """A version as the API shows it to someone who may, or may not, change the document."""
    error = None
    if version.error_code:
        error = {"code": version.error_code, "detail": version.error_detail or ""}
    return VersionRead(
        number=version.number,
        status=version.status,
        is_active=version.id == active_id,
        error=error,
        warnings=version.warnings,
        mime_type=version.mime_type,
        size_bytes=version.size_bytes,
        pages=version.page_count,
        characters=version.char_count,
        chunks=version.chunk_count,
        embedded=version.embedded_count,
        created_at=version.created_at,
        published_at=version.published_at,
        created_by=version.created_by if is_writable else None,
    )
