"""A corpus of random chunks, known to the test as well as to the index."""

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.random import Generator as Chance
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.access.policy import Reach
from citewell.core.database.sessions import Database
from citewell.core.settings import Settings
from citewell.engine.embedding.base import EmbedderSpec
from citewell.indexes.contract import Generation, HybridQuery, Index, SearchScope
from citewell.indexes.events import ChunkRow, Publication, VersionKey, VersionPublished
from citewell.indexes.postgres.index import postgres_index
from citewell.indexes.postgres.work import SessionWork
from citewell.kit.ids import uuid7
from citewell.models.documents import Blob, Collection, Document, DocumentVersion
from citewell.models.tenancy import Tenant
from tests.conftest import Servers, new_caller
from tests.quiet import Shelf, quiet_database, quiet_platform

DIMENSIONS = 32
VOCABULARY = 3_000
SPEC = EmbedderSpec("testing:random", DIMENSIONS, max_tokens=256, languages=None)


RandomRow = tuple[ChunkRow, NDArray[np.float32], NDArray[np.float32]]
"""A chunk, its vector and its weight for each term of the vocabulary."""


@dataclass(frozen=True)
class Part:
    """Documents that are alike: how many, of how many chunks, and what tells them apart."""

    documents: int
    chunks: int
    collection: str = "main"
    level: int = 1
    facts: dict[str, object] = field(default_factory=dict)
    language: str = "en"


@dataclass
class Corpus:
    """The content put into the index for one tenant."""

    tenant_id: uuid.UUID
    generation: Generation
    collections: dict[str, uuid.UUID] = field(default_factory=dict)
    documents: list[uuid.UUID] = field(default_factory=list)
    versions: list[VersionKey] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    vectors: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, DIMENSIONS), "f4"))
    weights: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, VOCABULARY), "f4"))
    owner: list[int] = field(default_factory=list)
    """For each chunk the number of its document."""
    texts: list[str] = field(default_factory=list)
    _counted: NDArray[np.float32] | None = None
    _frequencies: NDArray[np.int64] = field(default_factory=lambda: np.zeros(VOCABULARY, "i8"))

    def scope(self, **narrower: object) -> SearchScope:
        reach = narrower.pop("reach", None) or Reach(int(narrower.pop("max_level", 3)))  # pyright: ignore[reportArgumentType]
        return SearchScope(self.tenant_id, self.generation, reach, **narrower)  # pyright: ignore[reportArgumentType]

    def allowed(self, wanted: Part) -> set[str]:
        """Texts of the chunks of one part."""
        return {
            content
            for content, number in zip(self.texts, self.owner, strict=True)
            if self.parts[number] is wanted
        }

    def query(
        self, chance: Chance, *, weight: float, top_k: int = 10, near: int | None = None
    ) -> HybridQuery:
        """A question near some chunk; a weight of 1 or 0 leaves the other leg out."""
        if near is None:
            near = int(chance.integers(len(self.texts)))
        vector = self.vectors[near] + chance.normal(0, 0.12, DIMENSIONS).astype(np.float32)
        terms = np.flatnonzero(self.weights[near])
        chosen = chance.choice(terms, size=min(4, len(terms)), replace=False)
        asked = {int(term) + 1: float(chance.uniform(1, 6)) for term in chosen}
        return HybridQuery(
            vector=None if weight == 0 else (vector / np.linalg.norm(vector)).astype(np.float32),
            terms={} if weight == 1 else asked,
            dense_weight=weight,
            top_k=top_k,
            frequencies={term: int(self.frequencies[term - 1]) for term in asked},
        )

    @property
    def frequencies(self) -> NDArray[np.int64]:
        """In how many chunks each term occurs; counted when the corpus has grown."""
        if self._counted is not self.weights:
            self._counted = self.weights
            self._frequencies = np.count_nonzero(self.weights, axis=0)
        return self._frequencies


def random_rows(
    chance: Chance, count: int, language: str
) -> list[tuple[ChunkRow, NDArray, NDArray]]:
    """Chunks with a unit vector and some twenty terms, frequent ones more often."""
    made: list[tuple[ChunkRow, NDArray, NDArray]] = []
    for ordinal in range(count):
        vector = chance.normal(size=DIMENSIONS).astype(np.float32)
        vector /= np.linalg.norm(vector)
        weights = np.zeros(VOCABULARY, "f4")
        terms = np.unique((VOCABULARY * chance.random(24) ** 2.5).astype(int))
        weights[terms] = np.round(chance.uniform(0.3, 2.2, len(terms)), 3)
        content = f"chunk {uuid.UUID(bytes=chance.bytes(16))}"
        row = ChunkRow(
            ordinal=ordinal, text=content, context="", heading=(), page=None,
            start=ordinal * 100, end=ordinal * 100 + len(content), language=language,
            content_hash=hashlib.blake2b(content.encode(), digest_size=16).digest(),
            embedding=vector,
            terms={int(term) + 1: float(weights[term]) for term in terms},
        )  # fmt: skip
        made.append((row, vector, weights))
    return made


def publication_of(rows: list[RandomRow], **facts: bool) -> Publication:
    """All rows at once."""
    frequencies = np.count_nonzero([weights for _, _, weights in rows], axis=0)
    return Publication(
        last_rows=[row for row, _, _ in rows],
        chunk_count=len(rows),
        term_frequencies={
            int(term) + 1: int(frequencies[term]) for term in np.flatnonzero(frequencies)
        },
        chunking="structure/200/0",
        **{"has_predecessor": False, "is_retry": False, **facts},
    )


async def add_document(
    session: AsyncSession, corpus: Corpus, part: Part, blob_id: uuid.UUID
) -> VersionKey:
    """Rows of a document with one ready version."""
    collection_id = corpus.collections[part.collection]
    key = VersionKey(uuid7(), uuid7(), collection_id, part.level)
    number = len(corpus.documents)
    document = Document(
        tenant_id=corpus.tenant_id,
        id=key.document_id,
        collection_id=collection_id,
        title=f"title {number}",
        source=f"source {number}",
        filename=f"{number}.txt",
        access_level=part.level,
        metadata_=part.facts,
    )
    version = DocumentVersion(
        tenant_id=corpus.tenant_id,
        id=key.version_id,
        document_id=key.document_id,
        number=1,
        blob_id=blob_id,
        status="ready",
        size_bytes=1,
    )
    session.add(document)
    await session.flush()
    session.add(version)
    await session.flush()
    corpus.documents.append(key.document_id)
    corpus.versions.append(key)
    corpus.parts.append(part)
    return key


async def grow(database: Database, index: Index, corpus: Corpus, *parts: Part) -> None:
    """Publish the parts' documents in one transaction and bring the statistics up to date."""
    chance = np.random.default_rng(len(corpus.texts) + 1)
    vectors, weights = [corpus.vectors], [corpus.weights]
    async with database.unit_of_work(corpus.tenant_id) as session:
        work = SessionWork(session)
        blob = Blob(tenant_id=corpus.tenant_id, id=uuid7(), sha256=chance.bytes(32), size_bytes=1)
        session.add(blob)
        for part in parts:
            if part.collection not in corpus.collections:
                corpus.collections[part.collection] = uuid7()
                session.add(
                    Collection(
                        tenant_id=corpus.tenant_id,
                        id=corpus.collections[part.collection],
                        name=part.collection,
                    )
                )
            await session.flush()
            for _ in range(part.documents):
                key = await add_document(session, corpus, part, blob.id)
                rows = random_rows(chance, part.chunks, part.language)
                for row, vector, weight in rows:
                    vectors.append(vector[None])
                    weights.append(weight[None])
                    corpus.texts.append(row.text)
                    corpus.owner.append(len(corpus.documents) - 1)
                publication = publication_of(rows)
                published = VersionPublished(key, corpus.generation.id, publication)
                await index.writer.apply(work, published)
    corpus.vectors, corpus.weights = np.concatenate(vectors), np.concatenate(weights)
    await index.maintenance.fold_statistics(corpus.tenant_id)


async def new_corpus(
    database: Database, index: Index, *parts: Part, tenant_id: uuid.UUID | None = None
) -> Corpus:
    """A new tenant's corpus."""
    tenant = Tenant(id=tenant_id or uuid7(), slug=f"t-{uuid.uuid4().hex}", name="Test")
    async with database.unit_of_work(tenant.id) as session:
        session.add(tenant)
        await session.flush()
        generation = await index.generations.ensure(SessionWork(session), SPEC)
    corpus = Corpus(tenant.id, generation)
    await grow(database, index, corpus, *parts)
    return corpus


async def neighbour(database: Database, tenant_id: uuid.UUID) -> uuid.UUID:
    """Id of a tenant whose chunks go into the same partition."""
    statement = text("""
        SELECT id FROM unnest(CAST(:ids AS uuid[])) AS id, generate_series(0, 7) AS remainder
        WHERE satisfies_hash_partition('chunk'::regclass, 8, remainder, id)
          AND satisfies_hash_partition('chunk'::regclass, 8, remainder, CAST(:mine AS uuid))
        LIMIT 1
    """)
    async with database.owner_connection() as connection:
        values = {"ids": [uuid7() for _ in range(200)], "mine": tenant_id}
        return (await connection.scalars(statement, values)).one()


@pytest.fixture(scope="module")
def own_url(servers: Servers, template: str) -> Iterator[str]:
    """A migrated database for one module."""
    with quiet_database(servers, template) as url:
        yield url


@pytest.fixture
async def database(own_url: str) -> AsyncIterator[Database]:
    """The application's connections to it."""
    database = Database(own_url)
    yield database
    await database.close()


@pytest.fixture
async def shelf(own_url: str, settings: Settings, tmp_path: Path) -> AsyncIterator[Shelf]:
    """Documents of a tenant of this test's own."""
    async with quiet_platform(settings, own_url) as platform:
        yield Shelf(platform, await new_caller(platform), tmp_path)


EVERYBODY = Part(360, 10)
PERCENT = Part(4, 10, collection="percent", level=0, facts={"part": "percent", "year": 2024})
PERMILLE = Part(1, 4, collection="permille", level=0, facts={"part": "permille"}, language="vi")
OTHERS = Part(20, 10)


@dataclass(frozen=True)
class Libraries:
    """A large tenant with indexes, and another one in the same partition."""

    url: str
    large: Corpus
    other: Corpus


@pytest.fixture(scope="module")
def libraries(own_url: str) -> Libraries:
    """4,000 chunks with HNSW indexes; 1 % and 0.1 % of them are set apart."""

    async def build() -> Libraries:
        database = Database(own_url)
        index = postgres_index(database)
        large = await new_corpus(database, index, EVERYBODY, PERCENT, PERMILLE)
        other = await new_corpus(
            database, index, OTHERS, tenant_id=await neighbour(database, large.tenant_id)
        )
        assert await index.maintenance.build_indexes(large.tenant_id, min_chunks=1_000) == 1
        await database.close()
        return Libraries(own_url, large, other)

    return asyncio.run(build())
