"""The records of an export, checked as strictly as anything that comes from outside."""

import uuid
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    model_validator,
)

from citewell.access.policy import Effect, Visibility
from citewell.features.collections.schemas import ChunkOverlap, ChunkSize, Description, Name
from citewell.features.documents.schemas import Metadata
from citewell.kit.storable import StorableText
from citewell.models.documents import VersionStatus

FORMAT = 1
"""Raised when a former version could not read what a new one writes."""

MAX_CHUNKS = 64
"""Chunks of one record."""

Short = Annotated[StorableText, StringConstraints(max_length=2_000)]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
ContentHash = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2}){8,32}$")]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Size = Annotated[int, Field(ge=0, le=2**53)]
Level = Annotated[int, Field(ge=0, le=3)]
Moment = Annotated[
    AwareDatetime,
    Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(9999, 1, 1, tzinfo=UTC)),
]
"""The database takes more than can be read from it: whoever lists such a row gets an error."""


# Bounds below are those of the database's columns, or far above what an export of ours holds: a
# hostile file is refused record by record, before anything large is built of it.
class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RuleRecord(_Record):
    """A grant or denial; whom it names is called as people call them."""

    user: Short | None = None
    group: Short | None = None
    effect: Effect

    @model_validator(mode="after")
    def _one(self) -> "RuleRecord":
        if (self.user is None) == (self.group is None):
            raise ValueError("a rule names a user or a group")
        return self


class EmbeddingRecord(_Record):
    """The model the vectors are of."""

    name: Short
    dimensions: Annotated[int, Field(ge=1, le=4_000)]
    analysis: Annotated[int, Field(ge=1)] = 1
    """Version of the terms of the passages; exports without it have the first."""


class CollectionRecord(_Record):
    """The collection; the first record of an export."""

    kind: Literal["collection"] = "collection"
    format: int
    exported_at: Moment
    id: uuid.UUID
    name: Name
    description: Description
    visibility: Visibility = Visibility.OPEN
    """Left out of a file of a former version, which knew open ones only."""
    chunk_strategy: Short
    chunk_size: ChunkSize
    chunk_overlap: ChunkOverlap
    embedding: EmbeddingRecord | None
    rules: Annotated[list[RuleRecord], Field(max_length=10_000)]


class DocumentRecord(_Record):
    """A document; its versions follow."""

    kind: Literal["document"] = "document"
    id: uuid.UUID
    title: Annotated[StorableText, StringConstraints(min_length=1, max_length=500)]
    source: Annotated[StorableText, StringConstraints(max_length=8_000)] | None
    filename: Annotated[StorableText, StringConstraints(min_length=1, max_length=500)]
    access_level: Level
    metadata: Metadata
    created_at: Moment
    updated_at: Moment
    created_by: Short | None
    active_version: uuid.UUID | None
    rules: Annotated[list[RuleRecord], Field(max_length=10_000)]


class VersionRecord(_Record):
    """A version; its original (the first time it occurs), text and chunks follow."""

    kind: Literal["version"] = "version"
    id: uuid.UUID
    number: Annotated[int, Field(ge=1, le=2**31 - 1)]
    sha256: Hash
    status: VersionStatus
    error_code: Short | None
    error_detail: Annotated[StorableText, StringConstraints(max_length=20_000)] | None
    warnings: Annotated[list[dict[Short, StorableText]], Field(max_length=100)] = Field(
        default_factory=list[dict[str, str]]
    )
    """None in files of earlier versions."""
    mime_type: Short | None
    parsed_title: Annotated[StorableText, StringConstraints(max_length=20_000)] | None
    size_bytes: Size
    page_count: Count | None
    char_count: Size | None
    chunk_count: Count
    embedded_count: Count
    chunking: Short | None = None
    created_at: Moment
    published_at: Moment | None
    created_by: Short | None

    @property
    def is_complete(self) -> bool:
        """Whether it has text and chunks."""
        return self.status in (VersionStatus.READY, VersionStatus.SUPERSEDED)


class OriginalRecord(_Record):
    """An original; its bytes follow."""

    kind: Literal["original"] = "original"
    sha256: Hash
    size_bytes: Size


class TextRecord(_Record):
    """A stretch of a version's extracted text."""

    kind: Literal["text"] = "text"
    start: Size
    text: StorableText


class ChunkRecord(_Record):
    """A chunk with what search knows of it."""

    id: uuid.UUID
    ordinal: Count
    page: Count | None
    page_breaks: Annotated[list[Count], Field(max_length=10_000)] = Field(default_factory=list[int])
    start: Size
    end: Size
    language: Annotated[StorableText, StringConstraints(max_length=20)]
    content_hash: ContentHash
    heading: Annotated[list[StorableText], Field(max_length=100)]
    context: StorableText
    text: StorableText
    vector: Annotated[str, StringConstraints(max_length=12_000)]
    """Half-precision numbers, little-endian, in base64."""
    terms: Annotated[dict[Annotated[int, Field(ge=1, le=2**29)], float], Field(max_length=100_000)]
    """BM25 weights by hashed term."""


class ChunksRecord(_Record):
    """Chunks of a version, in the order of the text."""

    kind: Literal["chunks"] = "chunks"
    rows: Annotated[list[ChunkRecord], Field(min_length=1, max_length=MAX_CHUNKS)]


class EndOfVersion(_Record):
    """All of a version was there."""

    kind: Literal["end_of_version"] = "end_of_version"


class ActivationRecord(_Record):
    """A time during which a version answered."""

    version: uuid.UUID
    active_from: Moment
    active_until: Moment | None


class EndOfDocument(_Record):
    """All of a document was there; when which version answered."""

    kind: Literal["end_of_document"] = "end_of_document"
    activations: Annotated[list[ActivationRecord], Field(max_length=100_000)]


class EndOfCollection(_Record):
    """All was there."""

    kind: Literal["end_of_collection"] = "end_of_collection"
    documents: Count
    chunks: Count


Record = Annotated[
    CollectionRecord
    | DocumentRecord
    | VersionRecord
    | OriginalRecord
    | TextRecord
    | ChunksRecord
    | EndOfVersion
    | EndOfDocument
    | EndOfCollection,
    Field(discriminator="kind"),
]
AnyRecord: TypeAdapter[Record] = TypeAdapter(Record)


class ImportReport(BaseModel):
    """Result of an import, counted."""

    collection_id: uuid.UUID
    name: str
    documents: int = 0
    versions: int = 0
    chunks: int = 0
    to_embed: int = 0
    """Versions that were handed to ingestion, because they have no vectors of this model."""
    left_out: int = 0
    """Versions that could not be taken over without their vectors."""
    new_ids: int = 0
    """Documents, versions and chunks whose ids were taken here."""
    rules: int = 0
    unknown: list[str] = Field(default_factory=list)
    """Users and groups of rules that are not known here; what they were given was left out."""
    restricted: int = 0
    """Documents that were restricted, because somebody unknown was denied them."""
