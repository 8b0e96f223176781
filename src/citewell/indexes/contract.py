"""The contract of a search engine, split by caller: finding, writing, replacing, repairing.

No type of a database or a vendor is in it: a caller's transaction passes through as a `UnitOfWork`.
"""

import uuid
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from citewell.access.policy import Reach
from citewell.engine.embedding.base import EmbedderSpec, Vector
from citewell.engine.lexical.base import ANALYSIS, CorpusStatistics
from citewell.engine.retrieval.base import ChunkView, HybridQuery, Legs
from citewell.indexes.events import ChunkRow, Event

Handle = TypeVar("Handle")


class Handles(Protocol):
    """Holder of a process's handles; `core.platform.Platform` is one."""

    def handle(self, kind: type[Handle]) -> Handle:
        """The handle of a class."""
        ...


class UnitOfWork(Protocol):
    """The caller's transaction in one tenant, which only the engine looks into.

    Changes count when the caller commits and never if it rolls back. A later call in the same unit
    of work sees them. One task at a time uses it.
    """

    @property
    def tenant_id(self) -> uuid.UUID:
        """The tenant whose chunks are read and written; no call reaches those of another."""
        ...

    @property
    def session(self) -> object:
        """Session of the caller's records; an engine checks that it is its own."""
        ...


@dataclass(frozen=True, slots=True)
class Generation:
    """One embedding space of a tenant."""

    id: int
    embedding: str
    dimensions: int
    analysis: int = ANALYSIS
    """Version of the terms its passages have (`engine.lexical.base`)."""


class GenerationChangedError(Exception):
    """Another generation has taken over: the caller has to prepare its version for that one."""

    retry_after = 6
    """Seconds; longer than a process goes on searching the former generation."""

    def __init__(self) -> None:
        super().__init__("The index was replaced just now; another attempt follows.")


class IncompleteVersionError(Exception):
    """The index does not have the whole of a version that is to answer."""

    def __init__(self, version_id: uuid.UUID) -> None:
        super().__init__(f"The index does not have all chunks of the version {version_id}.")


@dataclass(frozen=True, slots=True)
class SearchScope:
    """The chunks a caller may find. Part of the ranking statement, never applied afterwards."""

    tenant_id: uuid.UUID
    generation: Generation
    reach: Reach
    collection_ids: tuple[uuid.UUID, ...] | None = None
    """None: all collections."""
    metadata: tuple[tuple[str, str], ...] = ()
    """Canonical JSON values by metadata key; all must match."""
    fields: tuple[tuple[str, str], ...] = ()
    """Values of document fields by name (see `FILTER_FIELDS`); all must match."""
    as_of: datetime | None = None
    """Find what answered at this time, with the access rules of now; None: what answers now."""
    writable: Reach | None = None
    """Write reach of the caller: the field `source` matches only documents the caller may change,
    since where a document came from is not shown to others. None: everything."""


FILTER_FIELDS = ("document_id", "title", "filename", "source", "language")
"""Document and chunk fields a search can filter by, besides metadata."""


@dataclass(frozen=True, slots=True)
class LibraryFacts:
    """Facts about a tenant that ranking needs."""

    generation: Generation
    """The generation that answers."""
    statistics: CorpusStatistics
    """Counts for the terms that were asked for."""
    has_dense_index: bool
    """Whether vectors can be found without comparing all of them."""
    has_lexical_index: bool
    """Whether terms can be found without comparing all of them."""


@dataclass(frozen=True, slots=True)
class GenerationFacts:
    """A generation that is not retired."""

    id: int
    dimensions: int
    is_live: bool
    """Whether it answers; another one is being built."""


@dataclass(frozen=True, slots=True)
class CompleteVersion:
    """A version that a generation has whole."""

    version_id: uuid.UUID
    chunk_count: int
    chunking: str | None
    """As `Publication.chunking` said; None in those from before it was noted."""


@dataclass(frozen=True, slots=True)
class VersionFault:
    """A fault in the index of a version."""

    version_id: uuid.UUID
    what: str
    """Description for people."""


class Searcher(Protocol):
    """Finds chunks; used by search, answers and evaluations."""

    async def current_generation(self, tenant_id: uuid.UUID) -> Generation | None:
        """The generation that answers the tenant; None before its first document.

        Opens a unit of work of its own if it is not remembered. What was current can be searched a
        minute longer.
        """
        ...

    def expected_embedding(self, tenant_id: uuid.UUID) -> str | None:
        """The embedding of the generation that answered last, as far as it is remembered."""
        ...

    def facts(self, work: UnitOfWork, term_ids: Sequence[int]) -> Awaitable[LibraryFacts | None]:
        """Facts about the live generation of the tenant; None before its first document.

        The statistics count the versions that answer, as they were completed. What was published
        lately may be missing until `Maintenance.fold_statistics`. What is asked before the result
        is awaited may travel with it.
        """
        ...

    def held(
        self,
        work: UnitOfWork,
        scope: SearchScope,
        term_ids: Sequence[int],
        *,
        at_most: int | None = None,
    ) -> Awaitable[Mapping[int, int]]:
        """Those of the terms that a chunk of the scope holds, with their counts as of `facts`.

        Of what answers now (no `as_of`), with `LibraryFacts.has_lexical_index` or a scope that is
        the whole library. A term in more than `at_most` chunks counts as held, without a look. May
        travel with what is asked before the result is awaited.
        """
        ...

    async def legs(
        self, work: UnitOfWork, facts: LibraryFacts, scope: SearchScope, query: HybridQuery
    ) -> Legs:
        """The best candidates of the scope; together at least min(top_k, scope size)."""
        ...

    def passages(
        self,
        work: UnitOfWork,
        scope: SearchScope,
        ids: Sequence[uuid.UUID],
        *,
        neighbours: int = 0,
    ) -> Awaitable[Mapping[uuid.UUID, ChunkView]]:
        """Passages to show, by id; ids outside the scope are left out.

        Each with as many passages of its version before and after it as `neighbours` says; those
        outside the scope are left out, too.
        """
        ...


class Writer(Protocol):
    """Keeps chunks and decides what is findable; used by whatever changes documents."""

    async def apply(self, work: UnitOfWork, *events: Event) -> None:
        """Take in what happened to documents, in this order, as a part of the unit of work.

        - All counts with the caller's commit, nothing of it without: an engine outside the
          database writes the events down with the caller's records and applies them afterwards.
        - An event that is applied again changes nothing, neither what is findable nor statistics.
        - Callers hold the document (its row is locked), so events of one document come in the
          order of their commits; those of different documents come in any order.

        Raises:
            GenerationChangedError: The generation that is named does not answer any more, or only
                just, or is not being built any more. Roll back, and make the version for the one
                that answers now.
            IncompleteVersionError: Of `VersionRestored`; nothing of that event is applied.
        """
        ...

    async def known_vectors(
        self,
        work: UnitOfWork,
        document_id: uuid.UUID,
        generation_id: int,
        hashes: Sequence[bytes],
    ) -> dict[bytes, Vector]:
        """Vectors the document's chunks already have in the generation, by content hash."""
        ...

    async def taken_ids(self, work: UnitOfWork, ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
        """Those of the ids that chunks of the tenant have."""
        ...


class Generations(Protocol):
    """The embedding spaces of a tenant; used by ingestion, rebuilds and exports."""

    async def live(self, work: UnitOfWork) -> Generation | None:
        """The generation that answers; None before the tenant's first document."""
        ...

    async def ensure(self, work: UnitOfWork, spec: EmbedderSpec) -> Generation:
        """The live generation, begun with this embedder if there is none."""
        ...

    async def begin(self, work: UnitOfWork, spec: EmbedderSpec, *, anew: bool) -> Generation:
        """The generation that is built beside the live one.

        Args:
            work: A transaction of the tenant.
            spec: Of the embedder. A generation of another that was being built is given up; one of
                the same is continued.
            anew: Whether to give that up, too.
        """
        ...

    async def chunks(
        self,
        work: UnitOfWork,
        version_id: uuid.UUID,
        generation_id: int,
        *,
        first: int,
        limit: int,
    ) -> list[ChunkRow]:
        """Chunks of a complete version from the ordinal `first` on, with what search knows."""
        ...

    async def complete(
        self, work: UnitOfWork, generation_id: int, version_ids: Sequence[uuid.UUID]
    ) -> list[CompleteVersion]:
        """Those of the versions that the generation has whole."""
        ...

    async def lacking(
        self, work: UnitOfWork, live: Generation, building: Generation, *, limit: int
    ) -> list[CompleteVersion]:
        """Versions of the live generation that the other lacks; those that answer first."""
        ...

    async def chunk_count(self, work: UnitOfWork, generation_id: int) -> int:
        """Chunks of the versions that the generation has whole."""
        ...

    async def take_over(
        self, work: UnitOfWork, building: Generation
    ) -> list[tuple[uuid.UUID, int]] | None:
        """Let a generation that was built answer instead of the live one, if it is complete.

        Publishing waits for the transaction. Returns the versions that have another number of
        chunks in it, with that number; None if it lacks one.

        Raises:
            GenerationChangedError: It is not the one that is being built any more.
        """
        ...

    def removing(self, tenant_id: uuid.UUID) -> AbstractAsyncContextManager[None]:
        """Context in which the caller deletes the tenant: no index is built, none is left over."""
        ...


class Maintenance(Protocol):
    """Work an engine does for itself, in units of work of its own; used by background jobs.

    Nothing of it changes what can be found, only how fast and how it is weighted.
    """

    async def fold_statistics(self, tenant_id: uuid.UUID, *, at_most_every: float = 0.0) -> None:
        """Bring what was published lately into the tenant's statistics.

        Args:
            tenant_id: The tenant.
            at_most_every: Seconds; nothing is done if this process did so less than that ago.
                What is left is folded by `keep_statistics` soon.
        """
        ...

    async def build_indexes(self, tenant_id: uuid.UUID, *, at_once: bool = False) -> int:
        """Build the indexes the tenant's size calls for; returns the number of generations served.

        Args:
            tenant_id: The tenant.
            at_once: Whether to build even while many documents come in, which costs more.
        """
        ...

    async def keep_statistics(self) -> None:
        """Bring the statistics of all tenants up to date that need it."""
        ...

    async def keep_indexes(self) -> None:
        """Build the indexes all tenants have grown to need; takes minutes for a large one."""
        ...

    async def purge_generations(self) -> None:
        """Remove what is left of generations that were replaced, once nobody searches them."""
        ...


class Doctor(Protocol):
    """Compares the tenant's index with its documents and repairs it; used by `citewell doctor`.

    What is looked for in versions is looked for in those given, at one moment: something that is
    published meanwhile is seen whole or not at all.
    """

    async def generations(self, work: UnitOfWork) -> list[GenerationFacts]:
        """The generations that are not retired."""
        ...

    async def misplaced(
        self, work: UnitOfWork, generation: GenerationFacts, version_ids: Sequence[uuid.UUID]
    ) -> list[VersionFault]:
        """Versions with chunks that the wrong callers find, or that nobody finds and should."""
        ...

    async def put_in_place(
        self, work: UnitOfWork, generation: GenerationFacts, version_ids: Sequence[uuid.UUID]
    ) -> None:
        """Copy access and activity from the documents to the chunks of misplaced versions."""
        ...

    async def incomplete(
        self, work: UnitOfWork, generation: GenerationFacts, version_ids: Sequence[uuid.UUID]
    ) -> list[VersionFault]:
        """Finished versions that have fewer or more chunks than they had, or gaps in them."""
        ...

    async def broken(
        self, work: UnitOfWork, generation: GenerationFacts, version_ids: Sequence[uuid.UUID]
    ) -> list[VersionFault]:
        """Finished versions with chunks whose vector or place in the text cannot be right."""
        ...

    async def remove_broken(
        self, work: UnitOfWork, generation: GenerationFacts, version_ids: Sequence[uuid.UUID]
    ) -> None:
        """Delete broken chunks, so that no later attempt takes vectors over from them."""
        ...

    async def strays(
        self, work: UnitOfWork, version_ids: Sequence[uuid.UUID]
    ) -> list[VersionFault]:
        """Cancelled versions that have chunks; see `VersionDiscarded`."""
        ...

    async def miscounted(
        self, work: UnitOfWork, generation: GenerationFacts, version_ids: Sequence[uuid.UUID]
    ) -> list[VersionFault]:
        """Complete versions whose terms are not those of their chunks."""
        ...

    async def recount(
        self, work: UnitOfWork, generation: GenerationFacts, version_ids: Sequence[uuid.UUID]
    ) -> None:
        """Count the terms of miscounted versions anew; rebuild the statistics afterwards."""
        ...

    async def wrong_statistics(
        self, work: UnitOfWork, generation: GenerationFacts
    ) -> tuple[int, int]:
        """Number of terms with a wrong frequency, and of chunks that the statistics lack."""
        ...

    async def rebuild_statistics(self, work: UnitOfWork, generation: GenerationFacts) -> None:
        """Correct the statistics of a generation while documents go on being published."""
        ...

    async def missing_indexes(self, work: UnitOfWork) -> list[str]:
        """Names of indexes that the tenant's size calls for and that nobody is building."""
        ...


@dataclass(frozen=True, slots=True)
class Index:
    """One search engine in five parts, one for each kind of caller."""

    searcher: Searcher
    writer: Writer
    generations: Generations
    maintenance: Maintenance
    doctor: Doctor


def index_of(platform: Handles) -> Index:
    """The search engine that the entrypoint chose."""
    return platform.handle(Index)
