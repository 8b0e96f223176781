"""Shapes of documents."""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
)

from citewell.access.policy import AccessLevel
from citewell.core.blobs.store import StagedContent
from citewell.core.jobs import Urgency
from citewell.engine.parsing.cleaning import clean_line
from citewell.kit.bodies import RequestBody
from citewell.kit.storable import StorableJson, StorableText
from citewell.kit.visible import VISIBLE_LINE
from citewell.models.documents import Document, DocumentVersion
from citewell.models.work import JobProgress

MetadataKey = Annotated[str, Field(min_length=1, max_length=200), VISIBLE_LINE]
MAX_METADATA_BYTES = 16 * 1024
"""Of a document as JSON: a page of a hundred then stays below 2 MiB, which is written in
milliseconds. Titles, authors, dates and tags take some hundred bytes."""


def _of_bounded_size(metadata: dict[str, JsonValue]) -> dict[str, JsonValue]:
    size = len(json.dumps(metadata, ensure_ascii=False).encode("utf-8", "replace"))
    if size > MAX_METADATA_BYTES:
        raise ValueError(f"it has {size:,} bytes as JSON; at most {MAX_METADATA_BYTES:,} are kept")
    return metadata


Metadata = Annotated[
    dict[MetadataKey, StorableJson], Field(max_length=100), AfterValidator(_of_bounded_size)
]


def _readable_title(title: str) -> str:
    cleaned = clean_line(title)
    if not cleaned:
        raise ValueError("a title needs a visible character")
    return cleaned


Title = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_readable_title)]


class OnDuplicate(StrEnum):
    """Treatment of a file whose source (for an upload: whose name) is known."""

    VERSION = "version"
    """It is a new version of the known document, unless its content is the newest one's."""
    KEEP_BOTH = "keep_both"
    """It is another document, with a name of its own: `report (2).pdf`."""
    SKIP = "skip"
    """Nothing is changed; the known document is named."""


KnownBy = Literal["id", "source", "name"]
"""How the document of a file was recognised."""

Change = Literal["new", "version", "retried", "unchanged"]
"""Effect of a file that is taken in: a document, a version of a known one, a failed version tried
again, or none."""


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to take in."""

    path: Path | BinaryIO
    """Path of the content, or an open file; needed until registering has returned."""
    filename: str
    source: str | None = None
    """Identity of its origin, by which the next upload finds the document; None: never found."""
    document_id: uuid.UUID | None = None
    """The known document that it is the new content of, whatever its source."""
    on_duplicate: OnDuplicate = OnDuplicate.VERSION
    title: str | None = None
    """None: the file name for a new document, unchanged for a known one."""
    collection_id: uuid.UUID | None = None
    access_level: AccessLevel | None = None
    """None: internal for a new document, unchanged for a known one."""
    metadata: dict[str, JsonValue] | None = None
    """None: empty for a new document, unchanged for a known one."""
    urgency: Urgency = Urgency.INTERACTIVE
    attached_to: uuid.UUID | None = None
    """The document that it is a file of: a new one takes over its collection, level and rules."""
    folders: tuple[str, ...] = ()
    """Folders it lay in below the one that was handed in; empty for a file handed in alone."""


GivenSource = Annotated[StorableText, StringConstraints(min_length=1, max_length=500), VISIBLE_LINE]
"""Name of a document in the software that it comes from."""


class DocumentCreate(RequestBody):
    """A document sent as text."""

    model_config = ConfigDict(str_strip_whitespace=True)

    title: Title
    content: str = Field(min_length=1, description="Markdown or plain text.")
    metadata: Metadata = Field(default_factory=dict)
    collection_id: uuid.UUID | None = None
    access_level: str | None = Field(
        default=None,
        description="public, internal, confidential or restricted; a new document is internal.",
    )
    source: GivenSource | None = Field(
        default=None,
        description=(
            "Its name where it comes from, such as `intranet/42`, which never changes: another "
            "title or text under it is a new version."
        ),
    )
    on_duplicate: OnDuplicate = Field(
        default=OnDuplicate.VERSION,
        description=(
            "For the same title and text again: the known document takes over the metadata "
            "(`version`), is left as it is (`skip`), or another one is made (`keep_both`)."
        ),
    )


class DocumentReplace(RequestBody):
    """New content of a known document, as text."""

    model_config = ConfigDict(str_strip_whitespace=True)

    content: str = Field(min_length=1, description="Markdown or plain text.")
    title: Title | None = None
    metadata: Metadata | None = Field(
        default=None, description="Replaces the metadata; without it they are kept."
    )


class DocumentUpdate(RequestBody):
    """Changes to a document that need no new version."""

    model_config = ConfigDict(str_strip_whitespace=True)

    title: Title | None = None
    metadata: Metadata | None = None
    access_level: str | None = None


FolderPath = Annotated[
    StorableText,
    StringConstraints(min_length=1, max_length=1000, pattern=r"^[^/]+(/[^/]+)*$"),
]
ShortText = Annotated[StorableText, Field(max_length=200)]


Suffix = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,10}$")]


@dataclass(frozen=True, slots=True)
class DocumentQuery:
    """Criteria for a list of documents; one that is None does not matter."""

    collection_id: uuid.UUID | None = None
    status: str | None = None
    """Of the newest version."""
    search: str | None = None
    """Part of the title."""
    attached_to: uuid.UUID | None = None
    level: AccessLevel | None = None
    folder: str | None = None
    """Folders, joined by slashes, that `path` in the metadata begins with."""
    label: str | None = None
    """One of the list `labels` in the metadata."""
    suffix: str | None = None
    """End of the file name, without its dot."""
    is_outermost: bool = False
    """Leaves out what is attached to another document."""


class FolderRead(BaseModel):
    """A folder of the paths that documents were uploaded with."""

    name: str
    path: str
    """With the folders it is in, joined by slashes: a value for the filter `folder`."""
    documents: int
    """In it and in the folders within."""


class OtherDocument(BaseModel):
    """Another document that the caller may read and that holds the same file, or seems to."""

    document_id: uuid.UUID
    title: str
    collection_id: uuid.UUID
    collection: str | None = Field(
        description="Name of its collection; null where only the document is shared with you."
    )
    same: Literal["content", "name", "text"] = Field(
        description=(
            "What both have in common: every byte (`content`), path or file `name` in another "
            "collection, or nearly the whole `text`."
        ),
    )


class AcceptedDocument(BaseModel):
    """A document that was taken in; it answers once its job has succeeded."""

    id: uuid.UUID
    version: int
    status: str
    job_id: uuid.UUID | None
    known_by: KnownBy | None = Field(
        default=None,
        description=(
            "How the document was recognised: by its id, by its `source` (the same name, path or "
            "text as before), or by a file `name` that came in another way. Null: it is a new "
            "document."
        ),
    )
    change: Change = Field(
        # Replies that are repeated may have been kept by a release that did not say.
        default_factory=lambda known: "version" if known.get("known_by") else "new",
        description=(
            "What became of the file: a `new` document, a new `version` of a known one, a failed "
            "version that is `retried`, or nothing, as its content is the newest version's or it "
            "was skipped (`unchanged`)."
        ),
    )
    resembles: list[OtherDocument] = Field(
        default=[],
        description=(
            "Of a new document: others that you may read with the same content, with its name in "
            "another collection, or of texts with its title. They go on answering beside it."
        ),
    )


class AcceptedDocuments(BaseModel):
    """Reply to an upload."""

    documents: list[AcceptedDocument]


class DocumentRead(BaseModel):
    """A document as the API shows it."""

    id: uuid.UUID
    collection_id: uuid.UUID
    title: str
    filename: str
    attached_to: uuid.UUID | None
    """The document that it was attached to, such as a mail; null for all others."""
    source: str | None
    """Origin, such as a path; null for callers who may not change the document."""
    access_level: str
    metadata: dict[str, JsonValue]
    status: str
    """Of the newest version: queued, processing, ready, failed, superseded or cancelled."""
    version: int
    """The newest version's number."""
    active_version: int | None
    """The version that answers questions; None until one is ready."""
    error: dict[str, str] | None
    warnings: list[dict[str, str]]
    """Remarks of reading the newest version, each with `code` and `message`; it answers all the
    same."""
    mime_type: str | None
    size_bytes: int
    pages: int | None
    chunks: int
    created_at: datetime
    updated_at: datetime


class ContentRead(BaseModel):
    """A stretch of a version's extracted text."""

    document_id: uuid.UUID
    version: int
    start: int
    end: int
    total: int
    text: str


@dataclass(frozen=True, slots=True)
class DocumentState:
    """A document with its newest and its active version."""

    document: Document
    newest: DocumentVersion
    active: DocumentVersion | None
    is_writable: bool
    """Whether the caller may change it."""

    def read(self) -> DocumentRead:
        """As the API shows it."""
        document, newest = self.document, self.newest
        error = None
        if newest.error_code:
            error = {"code": newest.error_code, "detail": newest.error_detail or ""}
        return DocumentRead(
            id=document.id,
            collection_id=document.collection_id,
            title=document.title,
            filename=document.filename,
            attached_to=document.attached_to,
            source=shown_source(document) if self.is_writable else None,
            access_level=AccessLevel(document.access_level).name.lower(),
            metadata=document.metadata_,  # pyright: ignore[reportArgumentType] - JSON from the database
            status=newest.status,
            version=newest.number,
            active_version=self.active.number if self.active else None,
            error=error,
            warnings=newest.warnings,
            mime_type=newest.mime_type,
            size_bytes=newest.size_bytes,
            pages=newest.page_count,
            chunks=newest.chunk_count,
            created_at=document.created_at,
            updated_at=document.updated_at,
        )


def shown_source(document: Document) -> str | None:
    """The source without the mark that keeps it apart from a hidden document's source.

    The mark would reveal that a hidden document of this name exists.
    """
    return document.source and document.source.partition(f"#{document.created_by}")[0]


@dataclass(frozen=True, slots=True)
class VersionProgress:
    """State of a version and progress of its latest job."""

    version_id: uuid.UUID
    status: str
    chunk_count: int
    page_count: int | None
    error_detail: str | None
    warnings: list[dict[str, str]]
    job_status: str | None
    stage: str | None
    done: int | None
    total: int | None

    @property
    def job(self) -> JobProgress | None:
        """Progress of its latest job; None before the first attempt."""
        return JobProgress(self.stage, self.done or 0, self.total) if self.stage else None


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file whose content is on its way into the store."""

    new: NewFile
    filename: str
    content: StagedContent


@dataclass(slots=True)
class FilingTarget:
    """The document that a file becomes a version of."""

    document: Document
    is_new: bool
    newest: DocumentVersion | None = None
    """Its newest version; None for a document that is made together with its first version."""
