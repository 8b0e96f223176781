"""Collections, documents, their versions and extracted texts."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    SmallInteger,
    Uuid,
    and_,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from citewell.core.database.base import Base, HasId, HasTimestamps, TenantScoped
from citewell.core.database.parts import SHORTEST_PART, has_part


class VersionStatus(StrEnum):
    """State of a version; `ready` is the one that answers."""

    QUEUED = "queued"
    PROCESSING = "processing"
    READY = "ready"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN_STATUSES = (VersionStatus.QUEUED, VersionStatus.PROCESSING)
"""States in which a job is still to finish the version."""


class Collection(Base, HasId, TenantScoped, HasTimestamps):
    """A named part of the library with its own chunking."""

    __tablename__ = "collection"

    name: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    visibility: Mapped[str] = mapped_column(server_default="open")
    """`access.policy.Visibility`."""
    chunk_strategy: Mapped[str] = mapped_column(server_default="structure")
    chunk_size: Mapped[int] = mapped_column(server_default="200")
    chunk_overlap: Mapped[int] = mapped_column(server_default="0")
    keep_days: Mapped[int | None]
    """Days that a document stays after its version began to answer, then it goes to the trash;
    None: for good."""
    created_by: Mapped[uuid.UUID | None]
    discard_after: Mapped[datetime | None]
    """While set, nobody sees the collection (a policy of migration 0020); from then on upkeep
    removes it with its documents. An import puts it off while it fills the collection."""


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
    """A content that an upload is putting into the store; its file is not removed meanwhile."""

    __tablename__ = "blob_claim"

    sha256: Mapped[bytes] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    """Id of the upload, the same for all its contents."""
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    key_id: Mapped[uuid.UUID]
    """The key its file is encrypted with; a former key stays while a claim names it."""
    expires_at: Mapped[datetime]
    """Time by which its upload must have ended; afterwards upkeep removes its remains."""


class Document(Base, HasId, TenantScoped, HasTimestamps):
    """A document: the properties shared by all its versions."""

    __tablename__ = "document"

    collection_id: Mapped[uuid.UUID]
    title: Mapped[str]
    source: Mapped[str | None]
    """Origin, unique in its collection: the same source again becomes a new version."""
    filename: Mapped[str]
    access_level: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    metadata_: Mapped[dict[str, object]] = mapped_column("metadata", JSONB, server_default="{}")
    active_version_id: Mapped[uuid.UUID | None]
    attached_to: Mapped[uuid.UUID | None]
    """The document that it was a file of, such as a mail; it follows that one's rules and fate."""
    created_by: Mapped[uuid.UUID | None]
    deleted_at: Mapped[datetime | None]
    """Time of its deletion; rows in the trash are visible in `models.trash.trash_shown` only."""
    deleted_by: Mapped[uuid.UUID | None]
    restore_version_id: Mapped[uuid.UUID | None]
    """Value of `active_version_id` before the deletion."""
    restore_job_ids: Mapped[list[uuid.UUID] | None] = mapped_column(ARRAY(Uuid))
    """Jobs cancelled by the deletion; restoring queues them again."""


def lies_in(folder: str | None) -> ColumnElement[bool]:
    """Whether a document was uploaded in a folder, or one within; None: in any, or in none.

    By `path` in its metadata, its file name last, where that is a text: the text of a list would be
    taken for a folder `["a`.
    """
    path = Document.metadata_["path"]
    has_path = func.jsonb_typeof(path) == "string"
    if folder is None:
        return has_path
    # First, as it leaves less to be looked into.
    return and_(path.astext.startswith(f"{folder}/", autoescape=True), has_path)


class DocumentVersion(Base, HasId, TenantScoped):
    """One version of a document's content."""

    __tablename__ = "document_version"

    document_id: Mapped[uuid.UUID]
    number: Mapped[int]
    blob_id: Mapped[uuid.UUID]
    status: Mapped[str]
    error_code: Mapped[str | None]
    error_detail: Mapped[str | None]
    warnings: Mapped[list[dict[str, str]]] = mapped_column(JSONB, server_default="[]")
    """Remarks of reading it, each with `code` and `message`."""
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
    """Whether a person gave the title.

    It is not stored: a title that equals the file name or the parsed title counts as automatic, so
    a person who types exactly that loses it with the next version.
    """
    return title not in (filename, parsed_title)


class DocumentActivation(Base, HasId, TenantScoped):
    """A period in which a version answered; written by a trigger on the document's pointer."""

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


MOST_NAMED = 5
"""Documents that are told where several fit a name."""


def named(wanted: str, collection_id: uuid.UUID | None) -> Select[Document]:
    """The first documents that `is_named` fits, oldest first."""
    statement = select(Document)
    if collection_id is not None:
        statement = statement.where(Document.collection_id == collection_id)
    return statement.where(is_named(wanted)).order_by(Document.id).limit(MOST_NAMED)


def is_named(wanted: str) -> ColumnElement[bool]:
    """Whether a document has this title, this file name, or this beginning or end of its id."""
    fits = [
        func.lower(Document.title) == func.lower(wanted),
        func.lower(Document.filename) == func.lower(wanted),
    ]
    if len(wanted) >= SHORTEST_PART:
        fits.append(has_part(Document.id, wanted))
    return or_(*fits)
