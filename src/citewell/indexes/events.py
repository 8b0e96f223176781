"""Events of documents for an index: plain values, no handle in them.

An event names all it takes to apply it, so that an engine outside the database can get the same
events later, from an outbox: for that they are idempotent and ordered by document (see `Writer`).
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from citewell.engine.embedding.base import Vector
from citewell.engine.lexical.base import SparseVector


@dataclass(frozen=True, slots=True)
class VersionKey:
    """The document version a chunk belongs to, and the facts that decide access."""

    document_id: uuid.UUID
    version_id: uuid.UUID
    collection_id: uuid.UUID
    access_level: int


@dataclass(frozen=True, slots=True, eq=False)
class ChunkRow:
    """One chunk to keep."""

    ordinal: int
    text: str
    context: str
    heading: tuple[str, ...]
    page: int | None
    start: int
    end: int
    language: str
    content_hash: bytes
    embedding: Vector
    """(dimensions,); an engine may keep it in half precision."""
    terms: SparseVector
    """BM25 weights by term id (`engine.lexical.bm25.passage_terms`)."""
    id: uuid.UUID | None = None
    """None: a new one."""
    page_breaks: tuple[int, ...] = ()
    """Offsets in the text at which a page ends."""


@dataclass(frozen=True, slots=True)
class Publication:
    """The last chunks and counts that complete a version whose other chunks are staged."""

    last_rows: Sequence[ChunkRow]
    """Chunks that are not staged yet; a short document has no others."""
    chunk_count: int
    """All of them; staged leftovers of an earlier attempt beyond are removed."""
    term_frequencies: Mapping[int, int]
    """Number of the version's chunks in which a term occurs, by term id."""
    has_predecessor: bool
    """Whether another version of the document may be findable now; False saves looking."""
    is_retry: bool
    """Whether an earlier attempt may have staged or published chunks; False saves looking."""
    chunking: str
    """Name of the chunking the collection asked for (`chunking_name`)."""
    is_answering: bool = False
    """Whether the version answers already and is made again, perhaps because chunks were lost."""


@dataclass(frozen=True, slots=True)
class ChunksStaged:
    """Some chunks of a version are stored; none of them is findable yet.

    The same ordinal again replaces the chunk. What answers already goes on answering.
    """

    version: VersionKey
    generation_id: int
    rows: Sequence[ChunkRow]


@dataclass(frozen=True, slots=True)
class VersionDiscarded:
    """A version will not be published: its staged chunks go, chunks that answer stay."""

    version_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class VersionPublished:
    """A version is complete and answers instead of the document's other versions."""

    version: VersionKey
    generation_id: int
    """In which its chunks were staged; must be live."""
    publication: Publication


@dataclass(frozen=True, slots=True)
class VersionShelved:
    """A version is complete, and a later one goes on answering; `VersionRestored` may follow."""

    version: VersionKey
    generation_id: int
    """In which its chunks were staged; must be live."""
    publication: Publication


@dataclass(frozen=True, slots=True)
class VersionRebuilt:
    """A version is complete in a generation that is being built; nothing answers from it yet."""

    version: VersionKey
    generation_id: int
    """In which its chunks were staged; must be the one that is being built."""
    publication: Publication
    is_active: bool
    """Whether the version is the one that answers."""


@dataclass(frozen=True, slots=True)
class VersionRestored:
    """A complete version answers again: after a rollback, or out of the trash.

    The document's other versions stop answering. Holds in all generations that have the version;
    nothing is embedded.
    """

    version: VersionKey
    generation_id: int
    """The live one, which must have all of the version."""
    chunk_count: int
    """Number of chunks of the whole version."""


@dataclass(frozen=True, slots=True)
class DocumentHidden:
    """Nothing of a document is findable, in all generations; its chunks are kept."""

    document_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class DocumentsRemoved:
    """Documents are gone for good; they were hidden before."""

    document_ids: Sequence[uuid.UUID]


@dataclass(frozen=True, slots=True)
class AccessChanged:
    """The access of a document changed, for all its versions; nothing is embedded."""

    document_id: uuid.UUID
    collection_id: uuid.UUID
    access_level: int


Event: TypeAlias = (
    ChunksStaged
    | VersionDiscarded
    | VersionPublished
    | VersionShelved
    | VersionRebuilt
    | VersionRestored
    | DocumentHidden
    | DocumentsRemoved
    | AccessChanged
)
