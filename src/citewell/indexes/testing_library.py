"""A tenant of an engine under test, random chunks, and what is to be found by plain arithmetic."""

import hashlib
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from citewell.access.policy import Reach
from citewell.engine.embedding.base import EmbedderSpec
from citewell.engine.lexical.base import CorpusStatistics
from citewell.engine.lexical.bm25 import best_possible_score
from citewell.engine.retrieval.base import ChunkView, HitList, HybridQuery, Legs
from citewell.engine.retrieval.pipeline import Held, rank
from citewell.indexes.contract import (
    Generation,
    Generations,
    LibraryFacts,
    Searcher,
    SearchScope,
    UnitOfWork,
    Writer,
)
from citewell.indexes.events import ChunkRow, Event, Publication, VersionKey, VersionPublished

DIMENSIONS = 16
# Few, so that chunks share terms and their weights decide.
VOCABULARY = 60
SPEC = EmbedderSpec("testing:random", DIMENSIONS, max_tokens=256, languages=None)
TOP_K = 10


class Engine(Protocol):
    """An engine with records of documents around it, as the fixture `engine` gives it."""

    searcher: Searcher
    writer: Writer
    generations: Generations

    async def new_tenant(self) -> uuid.UUID:
        """A tenant without documents."""
        ...

    async def new_document(
        self,
        tenant_id: uuid.UUID,
        *,
        level: int = 1,
        collection_id: uuid.UUID | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> tuple[VersionKey, VersionKey]:
        """The records of a document with two versions, in a new collection if none is named.

        Its title is `title` and the number of documents the tenant has had before.
        """
        ...

    def unit_of_work(self, tenant_id: uuid.UUID) -> AbstractAsyncContextManager[UnitOfWork]:
        """Opens a unit of work, committed when the block ends well."""
        ...

    async def settle(self, tenant_id: uuid.UUID) -> None:
        """Brings the tenant's statistics and indexes up to date, as background jobs do."""
        ...

    async def kill(self, work: UnitOfWork) -> None:
        """Ends the connection behind a unit of work, as the death of its process does."""
        ...


def random_rows(
    chance: np.random.Generator, count: int, *, language: str = "en", dimensions: int = DIMENSIONS
) -> list[ChunkRow]:
    """Chunks with a unit vector and some ten terms, frequent ones more often."""
    rows: list[ChunkRow] = []
    for ordinal in range(count):
        vector = chance.normal(size=dimensions).astype(np.float32)
        # Squared, so that low numbers are frequent, as words are in texts.
        terms = np.unique((VOCABULARY * chance.random(12) ** 2).astype(int)) + 1
        content = f"chunk {uuid.UUID(bytes=chance.bytes(16))}"
        rows.append(
            ChunkRow(
                ordinal=ordinal,
                text=content,
                context="",
                heading=("part", str(ordinal)),
                page=ordinal + 1,
                page_breaks=(1,) * (1 + ordinal % 2),
                start=ordinal * 100,
                end=ordinal * 100 + len(content),
                language=language,
                content_hash=hashlib.blake2b(content.encode(), digest_size=16).digest(),
                embedding=vector / np.float32(np.linalg.norm(vector)),
                # Three digits, which every engine has to give back exactly.
                terms={int(term): round(float(chance.uniform(0.3, 2.2)), 3) for term in terms},
            )
        )
    return rows


def publication_of(
    rows: Sequence[ChunkRow],
    *,
    staged: int = 0,
    has_predecessor: bool = True,
    is_retry: bool = True,
) -> Publication:
    """The publication of a version whose first `staged` rows are staged."""
    counted = Counter(term for row in rows for term in row.terms)
    return Publication(
        last_rows=rows[staged:],
        chunk_count=len(rows),
        term_frequencies=dict(counted),
        has_predecessor=has_predecessor,
        is_retry=is_retry,
        chunking="structure/200/0",
    )


def exact_scores(rows: Sequence[ChunkRow], query: HybridQuery) -> dict[str, float]:
    """The score of each row's text."""
    scores: dict[str, float] = {}
    best = best_possible_score(query.terms)
    for row in rows:
        lexical = sum(weight * query.terms.get(term, 0.0) for term, weight in row.terms.items())
        score = min(lexical / best, 1.0) if best else 0.0
        if query.vector is not None:
            cosine = float(row.embedding @ query.vector / np.linalg.norm(query.vector))
            score = (1 - query.dense_weight) * score + query.dense_weight * max(cosine, 0.0)
        scores[row.text] = score
    return scores


@dataclass
class TenantLibrary:
    """A tenant of an engine, with calls by which a test fills and searches it."""

    engine: Engine
    tenant_id: uuid.UUID
    generation: Generation
    # The same rows in every run, so that a failure can be repeated.
    chance: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))

    @classmethod
    async def of(cls, engine: Engine) -> "TenantLibrary":
        """A new tenant with a live generation."""
        tenant_id = await engine.new_tenant()
        async with engine.unit_of_work(tenant_id) as work:
            generation = await engine.generations.ensure(work, SPEC)
        return cls(engine, tenant_id, generation)

    def rows(self, count: int, *, language: str = "en") -> list[ChunkRow]:
        """Random rows of the live generation's dimensions."""
        dimensions = self.generation.dimensions
        return random_rows(self.chance, count, language=language, dimensions=dimensions)

    async def apply(self, *events: Event) -> None:
        """Apply events in a unit of work of their own."""
        async with self.engine.unit_of_work(self.tenant_id) as work:
            await self.engine.writer.apply(work, *events)

    def published(self, key: VersionKey, rows: Sequence[ChunkRow]) -> VersionPublished:
        """The event that publishes all rows at once."""
        return VersionPublished(key, self.generation.id, publication_of(rows))

    async def add(
        self,
        count: int = 5,
        *,
        level: int = 1,
        language: str = "en",
        collection_id: uuid.UUID | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> tuple[VersionKey, list[ChunkRow]]:
        """A document whose first version is published."""
        key, _ = await self.engine.new_document(
            self.tenant_id, level=level, collection_id=collection_id, metadata=metadata
        )
        rows = self.rows(count, language=language)
        await self.apply(self.published(key, rows))
        return key, rows

    def scope(self, reach: Reach | None = None) -> SearchScope:
        """The scope of a reach; without a reach, of the whole tenant."""
        return SearchScope(self.tenant_id, self.generation, reach or Reach(3))

    async def search(
        self, scope: SearchScope | None = None, query: HybridQuery | None = None
    ) -> HitList:
        """Hits of a query; by default the whole tenant is searched."""
        query = query or HybridQuery(
            np.ones(self.generation.dimensions, np.float32), {1: 1.0}, 0.5, 10_000
        )
        async with self.engine.unit_of_work(self.tenant_id) as work:
            return await search(self.engine.searcher, work, scope or self.scope(), query)

    async def texts(self, scope: SearchScope | None = None) -> list[str]:
        """Sorted texts of all that can be found."""
        return sorted(hit.text for hit in (await self.search(scope)).hits)

    async def counts(self) -> tuple[int, dict[int, int]]:
        """The statistics of all terms, once they are up to date."""
        await self.engine.settle(self.tenant_id)
        async with self.engine.unit_of_work(self.tenant_id) as work:
            facts = await self.engine.searcher.facts(work, range(1, VOCABULARY + 1))
        assert facts is not None
        read = facts.statistics
        frequencies = {term: n for term, n in read.document_frequency.items() if n}
        return read.chunk_count, frequencies

    async def answers_with(self, *rows: ChunkRow) -> None:
        """Assert that exactly these rows can be found and are counted in the statistics."""
        assert await self.texts() == sorted(row.text for row in rows)
        counted = Counter(term for row in rows for term in row.terms)
        assert await self.counts() == (len(rows), dict(counted))


@dataclass(frozen=True, slots=True)
class ScopedReader:
    """A scope as `retrieval.pipeline` reads it."""

    searcher: Searcher
    work: UnitOfWork
    facts: LibraryFacts
    scope: SearchScope

    @property
    def embedding(self) -> str | None:
        return self.facts.generation.embedding

    @property
    def statistics(self) -> CorpusStatistics:
        return self.facts.statistics

    @property
    def reads_all(self) -> bool:
        return self.scope.reach.is_all

    @property
    def knows_words(self) -> bool:
        return self.scope.as_of is None

    async def held(self, term_ids: Sequence[int], *, at_most: int | None = None) -> Held:
        return await self.searcher.held(self.work, self.scope, term_ids, at_most=at_most)

    async def legs(self, query: HybridQuery) -> Legs:
        return await self.searcher.legs(self.work, self.facts, self.scope, query)

    async def passages(
        self, ids: Sequence[uuid.UUID], neighbours: int = 0
    ) -> Mapping[uuid.UUID, ChunkView]:
        return await self.searcher.passages(self.work, self.scope, ids, neighbours=neighbours)


async def search(
    searcher: Searcher, work: UnitOfWork, scope: SearchScope, query: HybridQuery
) -> HitList:
    """The hits the pipeline ranks from an engine's legs."""
    facts = await searcher.facts(work, list(query.terms))
    if facts is None:
        return HitList([], 0, True)
    return await rank(ScopedReader(searcher, work, facts, scope), query)


def random_query(
    chance: np.random.Generator, rows: Sequence[ChunkRow], weight: float
) -> HybridQuery:
    """A question near some row; a weight of 1 or 0 leaves the other leg out."""
    near = rows[int(chance.integers(len(rows)))]
    vector = near.embedding + chance.normal(0, 0.2, len(near.embedding)).astype(np.float32)
    terms = {term: float(chance.uniform(1, 6)) for term in list(near.terms)[:4]}
    return HybridQuery(
        vector=None if weight == 0 else (vector / np.linalg.norm(vector)).astype(np.float32),
        terms={} if weight == 1 else terms,
        dense_weight=weight,
        top_k=TOP_K,
    )
