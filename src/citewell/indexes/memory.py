"""An index in memory: exact and plain. The reference of the contract, for tests only.

It keeps the rules of `indexes.contract` in as few lines as they take, so that a reader sees them
and the conformance suite is checked by a second engine. It knows no history (`SearchScope.as_of`).
"""

import json
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import numpy as np

from citewell.access.policy import DocumentFacts
from citewell.engine.embedding.base import EmbedderSpec, Vector
from citewell.engine.lexical.base import CorpusStatistics, SparseVector
from citewell.engine.retrieval.base import ChunkView, HybridQuery, Legs, LegScores
from citewell.indexes.contract import (
    CompleteVersion,
    Generation,
    GenerationChangedError,
    IncompleteVersionError,
    LibraryFacts,
    SearchScope,
    UnitOfWork,
)
from citewell.indexes.events import (
    AccessChanged,
    ChunkRow,
    ChunksStaged,
    DocumentHidden,
    DocumentsRemoved,
    Event,
    Publication,
    VersionDiscarded,
    VersionKey,
    VersionPublished,
    VersionRebuilt,
    VersionRestored,
    VersionShelved,
)
from citewell.kit.ids import uuid7

ChunkKey = tuple[uuid.UUID, int, int]
"""Version, generation and ordinal."""


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """Fields of a document that a search filters by or shows."""

    title: str
    filename: str
    source: str
    metadata: Mapping[str, object]
    numbers: Mapping[uuid.UUID, int]
    """Version numbers by version id."""
    created_by: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class _Chunk:
    row: ChunkRow
    id: uuid.UUID
    version: VersionKey
    is_active: bool


@dataclass(slots=True)
class Library:
    """Everything of one tenant; entries are immutable, so copied tables are a snapshot."""

    documents: dict[uuid.UUID, StoredDocument] = field(
        default_factory=dict[uuid.UUID, StoredDocument]
    )
    generations: dict[int, tuple[Generation, str]] = field(
        default_factory=dict[int, tuple[Generation, str]]
    )
    """With their status: `live`, `building` or `retired`."""
    chunks: dict[ChunkKey, _Chunk] = field(default_factory=dict[ChunkKey, _Chunk])
    complete: dict[tuple[uuid.UUID, int], Publication] = field(
        default_factory=dict[tuple[uuid.UUID, int], Publication]
    )
    """Publication of each completed version, by version and generation."""

    def copy(self) -> "Library":
        """The same entries in tables of their own."""
        return Library(
            dict(self.documents), dict(self.generations), dict(self.chunks), dict(self.complete)
        )

    def of_status(self, status: str) -> Generation | None:
        """The live generation, or the one that is being built."""
        return next((each for each, has in self.generations.values() if has == status), None)

    def change(self, chosen: Callable[[_Chunk, int], bool], **facts: object) -> None:
        """Change facts of the chunks that are chosen by themselves and their generation."""
        for key, chunk in self.chunks.items():
            if chosen(chunk, key[1]):
                self.chunks[key] = replace(chunk, **facts)  # pyright: ignore[reportArgumentType]


@dataclass(slots=True)
class MemoryWork:
    """A unit of work over a snapshot."""

    tenant_id: uuid.UUID
    session: Library
    is_lost: bool = False
    """Whether its process has ended: it cannot commit any more."""


class LostWorkError(Exception):
    """A unit of work cannot be committed."""


class MemoryStore:
    """The tenants' libraries, and units of work over them."""

    def __init__(self) -> None:
        self.libraries: dict[uuid.UUID, Library] = {}

    @asynccontextmanager
    async def unit_of_work(self, tenant_id: uuid.UUID) -> AsyncGenerator[MemoryWork, None]:
        """A snapshot of the tenant that replaces it when the block ends well.

        Raises:
            LostWorkError: It is lost, or another one changed the tenant meanwhile.
        """
        before = self.libraries.setdefault(tenant_id, Library())
        work = MemoryWork(tenant_id, before.copy())
        yield work
        if work.is_lost:
            raise LostWorkError
        # Optimistic: two changes of one tenant at a time are an error here, where the database
        # would make one wait.
        if work.session != before:
            if self.libraries.get(tenant_id) is not before:
                raise LostWorkError
            self.libraries[tenant_id] = work.session


def library_of(work: UnitOfWork) -> Library:
    """The snapshot of a unit of work.

    Raises:
        TypeError: It is one of another engine.
    """
    if not isinstance(work.session, Library):
        raise TypeError(f"{type(work.session).__name__} is no library in memory")
    return work.session


class MemorySearcher:
    """Compares every chunk of the scope."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def current_generation(self, tenant_id: uuid.UUID) -> Generation | None:
        return self._store.libraries.get(tenant_id, Library()).of_status("live")

    def expected_embedding(self, tenant_id: uuid.UUID) -> str | None:
        live = self._store.libraries.get(tenant_id, Library()).of_status("live")
        return live.embedding if live else None

    async def facts(self, work: UnitOfWork, term_ids: Sequence[int]) -> LibraryFacts | None:
        library = library_of(work)
        live = library.of_status("live")
        if live is None:
            return None
        # Statistics are those of what answers: versions in the trash or rolled back do not count.
        answering = {key[:2] for key, chunk in library.chunks.items() if chunk.is_active}
        chunk_count, counted = 0, Counter[int]()
        for key, publication in library.complete.items():
            if key in answering and key[1] == live.id:
                chunk_count += publication.chunk_count
                counted.update(publication.term_frequencies)
        return LibraryFacts(
            live,
            CorpusStatistics(chunk_count, {term: counted[term] for term in term_ids}),
            has_dense_index=False,
            has_lexical_index=False,
        )

    async def held(
        self,
        work: UnitOfWork,
        scope: SearchScope,
        term_ids: Sequence[int],
        *,
        at_most: int | None = None,
    ) -> Mapping[int, int]:
        facts = await self.facts(work, term_ids)
        if facts is None:
            return {}
        within = {term for chunk in _within(work, scope) for term in chunk.row.terms}
        return {
            term: count
            for term, count in facts.statistics.document_frequency.items()
            if count and (term in within or (at_most is not None and count > at_most))
        }

    async def legs(
        self,
        work: UnitOfWork,
        facts: LibraryFacts,  # noqa: ARG002 - every chunk is compared
        scope: SearchScope,
        query: HybridQuery,
    ) -> Legs:
        found = _within(work, scope)
        legs = Legs(scope_size=len(found))
        candidates = [
            LegScores(
                chunk.id,
                _dot(chunk.row.terms, query.terms),
                None if query.vector is None else _cosine(chunk.row.embedding, query.vector),
            )
            for chunk in found
        ]
        if query.vector is not None:
            legs.dense = sorted(candidates, key=lambda each: -(each.cosine or 0.0))
        if query.terms or query.vector is None:
            legs.lexical = sorted(candidates, key=lambda each: -each.bm25)
        return legs

    async def passages(
        self,
        work: UnitOfWork,
        scope: SearchScope,
        ids: Sequence[uuid.UUID],
        *,
        neighbours: int = 0,
    ) -> Mapping[uuid.UUID, ChunkView]:
        library, within = library_of(work), _within(work, scope)
        places = {(chunk.version.version_id, chunk.row.ordinal): chunk for chunk in within}

        def views(chunk: _Chunk, *distances: int) -> tuple[ChunkView, ...]:
            version, at = chunk.version.version_id, chunk.row.ordinal
            found = (places.get((version, at + each)) for each in distances)
            return tuple(_view(library, each) for each in found if each is not None)

        return {
            chunk.id: replace(
                _view(library, chunk),
                before=views(chunk, *range(-neighbours, 0)),
                after=views(chunk, *range(1, neighbours + 1)),
            )
            for chunk in within
            if chunk.id in ids
        }


def _within(work: UnitOfWork, scope: SearchScope) -> list[_Chunk]:
    """The chunks of a scope."""
    if scope.as_of is not None:
        raise NotImplementedError("an index in memory keeps no history")
    library = library_of(work)
    return [
        chunk
        for (_, generation_id, _), chunk in library.chunks.items()
        if work.tenant_id == scope.tenant_id
        and generation_id == scope.generation.id
        and chunk.is_active
        and _is_within(scope, chunk, library.documents[chunk.version.document_id])
    ]


def _is_within(scope: SearchScope, chunk: _Chunk, document: StoredDocument) -> bool:
    version = chunk.version
    facts = DocumentFacts(
        version.document_id, version.collection_id, version.access_level, document.created_by
    )
    values = {
        "document_id": str(version.document_id),
        "title": document.title,
        "filename": document.filename,
        "source": document.source,
        "language": chunk.row.language,
    }
    # A source is shown only to callers who may change the document; a filter by it would tell
    # others whether their guess is right.
    hides_source = scope.writable is not None and not scope.writable.admits(facts)
    return (
        scope.reach.admits(facts)
        and (scope.collection_ids is None or version.collection_id in scope.collection_ids)
        and all(values[name] == value for name, value in scope.fields)
        and not (hides_source and "source" in dict(scope.fields))
        and all(
            name in document.metadata and document.metadata[name] == json.loads(value)
            for name, value in scope.metadata
        )
    )


def _view(library: Library, chunk: _Chunk) -> ChunkView:
    row, version = chunk.row, chunk.version
    document = library.documents[version.document_id]
    return ChunkView(
        chunk_id=chunk.id,
        document_id=version.document_id,
        title=document.title,
        version=document.numbers[version.version_id],
        page=row.page,
        heading=row.heading,
        context=row.context,
        start=row.start,
        end=row.end,
        language=row.language,
        text=row.text,
        page_breaks=row.page_breaks,
    )


def _dot(terms: SparseVector, others: SparseVector) -> float:
    return sum(weight * others[term] for term, weight in terms.items() if term in others)


def _cosine(one: Vector, other: Vector) -> float:
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


class MemoryWriter:
    """Applies events to the snapshot of the unit of work."""

    async def apply(self, work: UnitOfWork, *events: Event) -> None:
        for event in events:
            _apply(library_of(work), event)

    async def known_vectors(
        self,
        work: UnitOfWork,
        document_id: uuid.UUID,
        generation_id: int,
        hashes: Sequence[bytes],
    ) -> dict[bytes, Vector]:
        return {
            chunk.row.content_hash: chunk.row.embedding
            for (_, number, _), chunk in library_of(work).chunks.items()
            if chunk.version.document_id == document_id
            and number == generation_id
            and chunk.row.content_hash in hashes
        }

    async def taken_ids(self, work: UnitOfWork, ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
        return {chunk.id for chunk in library_of(work).chunks.values()} & set(ids)


def _apply(library: Library, event: Event) -> None:
    match event:
        case ChunksStaged(version, generation_id, rows):
            _require(library, generation_id, "live", "building")
            _keep(library, version, generation_id, rows)
        case VersionPublished(version):
            _require(library, event.generation_id, "live")
            _complete(library, event)
            _answer_with(library, version)
        case VersionShelved(version):
            _require(library, event.generation_id, "live")
            _complete(library, event)
            _set_access(library, version.document_id, version.collection_id, version.access_level)
        case VersionRebuilt(version):
            _require(library, event.generation_id, "building")
            _complete(library, event)
            library.change(
                lambda chunk, number: (
                    number == event.generation_id and chunk.version.version_id == version.version_id
                ),
                version=version,
                is_active=event.is_active,
            )
        case VersionRestored(version, generation_id, chunk_count):
            # Counted, not only looked up: chunks may have been lost since the version was
            # completed.
            has = [key for key in library.chunks if key[:2] == (version.version_id, generation_id)]
            is_complete = (version.version_id, generation_id) in library.complete
            if not is_complete or len(has) != chunk_count:
                raise IncompleteVersionError(version.version_id)
            _answer_with(library, version)
        case VersionDiscarded(version_id):
            _drop(library, lambda key, chunk: key[0] == version_id and not chunk.is_active)
        case DocumentHidden(document_id):
            library.change(
                lambda chunk, _: chunk.version.document_id == document_id, is_active=False
            )
        case DocumentsRemoved(document_ids):
            _drop(library, lambda _, chunk: chunk.version.document_id in document_ids)
        case AccessChanged(document_id, collection_id, access_level):
            _set_access(library, document_id, collection_id, access_level)


def _require(library: Library, generation_id: int, *allowed: str) -> None:
    if library.generations.get(generation_id, (None, ""))[1] not in allowed:
        raise GenerationChangedError


def _keep(
    library: Library, version: VersionKey, generation_id: int, rows: Iterable[ChunkRow]
) -> None:
    """Store chunks; one that answers keeps its access while its content is replaced."""
    for row in rows:
        key = (version.version_id, generation_id, row.ordinal)
        old = library.chunks.get(key)
        if old is None:
            library.chunks[key] = _Chunk(row, row.id or uuid7(), version, is_active=False)
        else:
            # A version that is made again while it answers must not change who finds it before the
            # end.
            kept = old.version if old.is_active else version
            library.chunks[key] = replace(old, row=row, version=kept)


def _complete(library: Library, event: VersionPublished | VersionShelved | VersionRebuilt) -> None:
    version_id, generation_id = event.version.version_id, event.generation_id
    publication = event.publication
    _keep(library, event.version, generation_id, publication.last_rows)
    _drop(
        library,
        lambda key, _: key[:2] == (version_id, generation_id) and key[2] >= publication.chunk_count,
    )
    if publication.is_retry and not isinstance(event, VersionRebuilt):
        # A generation that is being built has to make it again, too.
        for key in [key for key in library.complete if key[0] == version_id]:
            del library.complete[key]
    library.complete[version_id, generation_id] = publication


def _answer_with(library: Library, version: VersionKey) -> None:
    """The version answers wherever it is complete, and nothing else of its document does."""
    library.change(
        lambda chunk, _: (
            chunk.version.document_id == version.document_id
            and chunk.version.version_id != version.version_id
        ),
        is_active=False,
    )
    library.change(
        lambda chunk, number: (
            chunk.version.version_id == version.version_id
            and (version.version_id, number) in library.complete
        ),
        version=version,
        is_active=True,
    )


def _set_access(
    library: Library, document_id: uuid.UUID, collection_id: uuid.UUID, access_level: int
) -> None:
    for key, chunk in library.chunks.items():
        if chunk.version.document_id == document_id:
            version = replace(chunk.version, collection_id=collection_id, access_level=access_level)
            library.chunks[key] = replace(chunk, version=version)


def _drop(library: Library, chosen: Callable[[ChunkKey, _Chunk], bool]) -> None:
    for key in [key for key, chunk in library.chunks.items() if chosen(key, chunk)]:
        del library.chunks[key]


class MemoryGenerations:
    """Generations by number."""

    async def live(self, work: UnitOfWork) -> Generation | None:
        return library_of(work).of_status("live")

    async def ensure(self, work: UnitOfWork, spec: EmbedderSpec) -> Generation:
        return library_of(work).of_status("live") or _begin(library_of(work), spec, "live")

    async def begin(self, work: UnitOfWork, spec: EmbedderSpec, *, anew: bool) -> Generation:
        library = library_of(work)
        found = library.of_status("building")
        if found is None:
            return _begin(library, spec, "building")
        if not anew and (found.embedding, found.dimensions) == (spec.name, spec.dimensions):
            return found
        library.generations[found.id] = (found, "retired")
        return _begin(library, spec, "building")

    async def chunks(
        self,
        work: UnitOfWork,
        version_id: uuid.UUID,
        generation_id: int,
        *,
        first: int,
        limit: int,
    ) -> list[ChunkRow]:
        found = {
            key[2]: replace(chunk.row, id=chunk.id)
            for key, chunk in library_of(work).chunks.items()
            if key[:2] == (version_id, generation_id) and key[2] >= first
        }
        return [found[ordinal] for ordinal in sorted(found)[:limit]]

    async def complete(
        self, work: UnitOfWork, generation_id: int, version_ids: Sequence[uuid.UUID]
    ) -> list[CompleteVersion]:
        return [
            CompleteVersion(version_id, publication.chunk_count, publication.chunking)
            for (version_id, number), publication in library_of(work).complete.items()
            if number == generation_id and version_id in version_ids
        ]

    async def lacking(
        self, work: UnitOfWork, live: Generation, building: Generation, *, limit: int
    ) -> list[CompleteVersion]:
        library = library_of(work)
        answering = {key[0] for key, chunk in library.chunks.items() if chunk.is_active}
        has = [version_id for version_id, number in library.complete if number == live.id]
        lacks = [each for each in has if (each, building.id) not in library.complete]
        lacks.sort(key=lambda version_id: (version_id not in answering, version_id))
        found = {each.version_id: each for each in await self.complete(work, live.id, lacks)}
        return [found[version_id] for version_id in lacks[:limit]]

    async def chunk_count(self, work: UnitOfWork, generation_id: int) -> int:
        complete = library_of(work).complete.items()
        return sum(each.chunk_count for (_, number), each in complete if number == generation_id)

    async def take_over(
        self, work: UnitOfWork, building: Generation
    ) -> list[tuple[uuid.UUID, int]] | None:
        library = library_of(work)
        live = library.of_status("live")
        if live is None or library.of_status("building") != building:
            raise GenerationChangedError
        has = {version for version, number in library.complete if number == live.id}
        counts = {
            version: (was.chunk_count, now.chunk_count)
            for version in has
            if (was := library.complete[version, live.id])
            and (now := library.complete.get((version, building.id)))
        }
        if counts.keys() < has:
            return None
        library.generations[live.id] = (live, "retired")
        library.generations[building.id] = (building, "live")
        return [(version, now) for version, (was, now) in counts.items() if was != now]


def _begin(library: Library, spec: EmbedderSpec, status: str) -> Generation:
    generation = Generation(len(library.generations) + 1, spec.name, spec.dimensions)
    library.generations[generation.id] = (generation, status)
    return generation
