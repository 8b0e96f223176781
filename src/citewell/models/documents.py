"""Collections, documents, their versions and extracted texts."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, SmallInteger, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from citewell.core.database.base import Base, HasId, HasTimestamps, TenantScoped


class VersionStatus(StrEnum):
    """Where a version is in its life; `ready` is the one that answers."""

    QUEUED = "queued"
    PROCESSING = "processing"
    READY = "ready"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN_STATUSES = (VersionStatus.QUEUED, VersionStatus.PROCESSING)


class Collection(Base, HasId, TenantScoped, HasTimestamps):
    """A named part of the library with its own chunking."""

    __tablename__ = "collection"

    name: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    chunk_strategy: Mapped[str] = mapped_column(server_default="structure")
    chunk_size: Mapped[int] = mapped_column(server_default="200")
    chunk_overlap: Mapped[int] = mapped_column(server_default="0")
    created_by: Mapped[uuid.UUID | None]


class Blob(Base, HasId, TenantScoped):
    """An original file's content in the blob store, addressed by its hash."""

    __tablename__ = "blob"

    sha256: Mapped[bytes]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    key_id: Mapped[uuid.UUID | None]
    """Last known key of the file, never newer than the real one (the file's header decides); None:
    not recorded."""
    released_at: Mapped[datetime | None]
    """Time at which a version using it was last removed, set by a trigger; the sweep then checks
    whether any other version still uses it."""


class BlobClaim(Base, TenantScoped):
    """A content that an upload is putting into the store; while it is there, no file is removed."""

    __tablename__ = "blob_claim"

    sha256: Mapped[bytes] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    """Of the upload; all its contents have the same."""
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    key_id: Mapped[uuid.UUID]
    """The key its file is put under; no key is removed while a claim has a former one."""
    expires_at: Mapped[datetime]
    """After this its upload must have ended, and upkeep removes what it left."""


class Document(Base, HasId, TenantScoped, HasTimestamps):
    """What stays the same over all versions of a text."""

    __tablename__ = "document"

    collection_id: Mapped[uuid.UUID]
    title: Mapped[str]
    source: Mapped[str | None]
    """Where it came from, unique in its collection: the same source again is a new version."""
    filename: Mapped[str]
    access_level: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    metadata_: Mapped[dict[str, object]] = mapped_column("metadata", JSONB, server_default="{}")
    active_version_id: Mapped[uuid.UUID | None]
    created_by: Mapped[uuid.UUID | None]
    deleted_at: Mapped[datetime | None]
    """Since when it is in the trash, where only `models.trash` shows it."""
    deleted_by: Mapped[uuid.UUID | None]
    restore_version_id: Mapped[uuid.UUID | None]
    """What `active_version_id` was before it was deleted."""
    restore_job_ids: Mapped[list[uuid.UUID] | None] = mapped_column(ARRAY(Uuid))
    """Jobs that its deletion stopped."""


class DocumentVersion(Base, HasId, TenantScoped):
    """One content of a document."""

    __tablename__ = "document_version"

    document_id: Mapped[uuid.UUID]
    number: Mapped[int]
    blob_id: Mapped[uuid.UUID]
    status: Mapped[str]
    error_code: Mapped[str | None]
    error_detail: Mapped[str | None]
    mime_type: Mapped[str | None]
    parsed_title: Mapped[str | None]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    page_count: Mapped[int | None]
    char_count: Mapped[int | None] = mapped_column(BigInteger)
    chunk_count: Mapped[int] = mapped_column(server_default="0")
    embedded_count: Mapped[int] = mapped_column(server_default="0")
    """Number of chunks embedded anew; the others were taken over from earlier versions."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    published_at: Mapped[datetime | None]
    created_by: Mapped[uuid.UUID | None]


def has_given_title(title: str, filename: str, parsed_title: str | None) -> bool:
    """Whether a person gave the title; otherwise it is the file's name or the text's own title."""
    return title not in (filename, parsed_title)


class DocumentActivation(Base, HasId, TenantScoped):
    """A time during which a version answered; a trigger on the document's pointer writes it."""

    __tablename__ = "document_activation"

    document_id: Mapped[uuid.UUID]
    version_id: Mapped[uuid.UUID]
    active_from: Mapped[datetime]
    active_until: Mapped[datetime | None]
    """Exclusive; None for the version that answers now."""


class DocumentText(Base, TenantScoped):
    """A stretch of a version's extracted text, beginning at `start_offset` characters."""

    __tablename__ = "document_text"

    version_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    start_offset: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    text: Mapped[str]
