"""`ChunkIndex` in PostgreSQL."""

import math
import time
import uuid
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from citewell.core.database.sessions import Database
from citewell.core.index import (
    ChunkRow,
    Generation,
    GenerationChangedError,
    HitList,
    HybridQuery,
    Publication,
    Scope,
    StoredChunk,
    VersionKey,
)
from citewell.engine.embedding.base import EmbedderSpec, Vectors
from citewell.engine.lexical.base import CorpusStatistics
from citewell.indexes.postgres import (
    building,
    generations,
    hiding,
    reading,
    searching,
    statistics,
    writing,
)
from citewell.indexes.postgres.literals import dense_literal
from citewell.indexes.postgres.upkeep import PostgresUpkeep

EXACT_LIMIT = 10_000
"""Largest scope that is scanned exactly when an index exists (0.4 us a chunk, design D6)."""

MEMORY_SECONDS = 3.0
"""How long a tenant's generation and the size of a scope are remembered.

They decide how to search; what may be found is decided by the statement each time.
"""

MOST_REMEMBERED = 10_000

K = TypeVar("K")
V = TypeVar("V")


class PostgresIndex:
    """Chunks beside the documents they come from, in one database and one transaction."""

    def __init__(self, database: Database, *, exact_limit: int = EXACT_LIMIT) -> None:
        self._database = database
        self._exact_limit = exact_limit
        self._scopes: dict[Scope, tuple[float, int, bool]] = {}
        self._folded: dict[uuid.UUID, float] = {}
        self._generations: dict[uuid.UUID, tuple[float, Generation]] = {}
        self.upkeep = PostgresUpkeep()

    async def live_generation(self, session: AsyncSession) -> Generation | None:
        tenant_id: uuid.UUID = session.info["tenant_id"]
        known = self._generations.get(tenant_id)
        if known and time.monotonic() - known[0] < MEMORY_SECONDS:
            return known[1]
        found = await generations.live(session)
        if found is not None:
            _remember(self._generations, tenant_id, (time.monotonic(), found))
        return found

    async def current_generation(self, tenant_id: uuid.UUID) -> Generation | None:
        known = self._generations.get(tenant_id)
        if known and time.monotonic() - known[0] < MEMORY_SECONDS:
            return known[1]
        async with self._database.unit_of_work(tenant_id) as session:
            return await self.live_generation(session)

    async def ensure_generation(self, session: AsyncSession, spec: EmbedderSpec) -> Generation:
        return await self.live_generation(session) or await generations.ensure(session, spec)

    async def begin_generation(
        self, session: AsyncSession, spec: EmbedderSpec, *, anew: bool
    ) -> Generation:
        return await generations.begin(session, spec, anew=anew)

    async def stored_chunks(
        self,
        session: AsyncSession,
        tenant_id: uuid.UUID,
        version_id: uuid.UUID,
        generation_id: int,
        *,
        first: int,
        limit: int,
    ) -> list[StoredChunk]:
        return await generations.stored_chunks(
            session, tenant_id, version_id, generation_id, first=first, limit=limit
        )

    async def take_in(
        self,
        session: AsyncSession,
        key: VersionKey,
        generation_id: int,
        publication: Publication,
        *,
        is_active: bool,
    ) -> None:
        await writing.take_in(session, key, generation_id, publication, is_active=is_active)

    async def take_over(
        self, session: AsyncSession, building: Generation
    ) -> list[tuple[uuid.UUID, int]] | None:
        self._generations.pop(session.info["tenant_id"], None)
        return await generations.take_over(session, building)

    def encode_vectors(self, vectors: Vectors) -> list[str]:
        return [dense_literal(vector) for vector in vectors]

    async def known_embeddings(
        self, session: AsyncSession, key: VersionKey, generation_id: int, hashes: Sequence[bytes]
    ) -> dict[bytes, str]:
        return await writing.known_embeddings(session, key, generation_id, hashes)

    async def stage(
        self, session: AsyncSession, key: VersionKey, generation_id: int, rows: Sequence[ChunkRow]
    ) -> None:
        await writing.stage(session, key, generation_id, rows)

    async def discard(
        self, session: AsyncSession, tenant_id: uuid.UUID, version_id: uuid.UUID
    ) -> None:
        await writing.discard(session, tenant_id, version_id)

    async def publish(
        self, session: AsyncSession, key: VersionKey, generation_id: int, publication: Publication
    ) -> None:
        with self._watching(key.tenant_id):
            outdated = await writing.publish(session, key, generation_id, publication)
        await statistics.withdraw(session, key.tenant_id, outdated)

    async def shelve(
        self, session: AsyncSession, key: VersionKey, generation_id: int, publication: Publication
    ) -> None:
        with self._watching(key.tenant_id):
            await writing.shelve(session, key, generation_id, publication)

    @contextmanager
    def _watching(self, tenant_id: uuid.UUID) -> Generator[None, None, None]:
        """Forget which generation is live when it turns out to be another."""
        try:
            yield
        except GenerationChangedError:
            self._generations.pop(tenant_id, None)
            raise

    async def reactivate(self, session: AsyncSession, key: VersionKey, generation_id: int) -> int:
        outdated, count = await writing.reactivate(session, key, generation_id)
        await statistics.withdraw(session, key.tenant_id, outdated)
        is_counted = await statistics.restore(session, key.tenant_id, key.version_id)
        return count if is_counted else 0

    async def withdraw(
        self, session: AsyncSession, tenant_id: uuid.UUID, version_id: uuid.UUID
    ) -> None:
        await statistics.withdraw(session, tenant_id, [version_id])

    async def hide(
        self, session: AsyncSession, tenant_id: uuid.UUID, document_id: uuid.UUID
    ) -> None:
        await hiding.hide(session, tenant_id, document_id)

    async def show(self, session: AsyncSession, key: VersionKey, generation_id: int) -> int:
        return await hiding.show(session, key, generation_id)

    async def kept_chunks(
        self,
        session: AsyncSession,
        tenant_id: uuid.UUID,
        version_id: uuid.UUID,
        generation_id: int,
        *,
        first: int,
        limit: int,
    ) -> list[ChunkRow]:
        return await reading.rows(
            session, tenant_id, version_id, generation_id, first=first, limit=limit
        )

    async def taken_ids(
        self, session: AsyncSession, tenant_id: uuid.UUID, ids: list[uuid.UUID]
    ) -> set[uuid.UUID]:
        return await reading.taken(session, tenant_id, ids)

    async def set_access(
        self,
        session: AsyncSession,
        tenant_id: uuid.UUID,
        document_id: uuid.UUID,
        collection_id: uuid.UUID,
        access_level: int,
    ) -> None:
        await writing.set_access(session, tenant_id, document_id, collection_id, access_level)

    async def statistics(
        self, session: AsyncSession, scope: Scope, term_ids: Sequence[int]
    ) -> CorpusStatistics:
        return await statistics.read(session, scope, term_ids)

    async def search(self, session: AsyncSession, scope: Scope, query: HybridQuery) -> HitList:
        size, has_indexes = await self._scope_facts(session, scope)
        # Indexes hold what answers now.
        is_exact = size <= self._exact_limit or not has_indexes or scope.as_of is not None
        hits = await searching.rank(session, scope, query, is_exact=is_exact)
        if not is_exact and len(hits) < query.top_k:
            # The iterative scan gave up before the scope was exhausted; compare everything.
            is_exact = True
            hits = await searching.rank(session, scope, query, is_exact=True)
        return HitList(hits, size, is_exact)

    async def fold_statistics(self, tenant_id: uuid.UUID, *, at_most_every: float = 0.0) -> None:
        """Bring the tenant's term statistics up to date."""
        now = time.monotonic()
        if now - self._folded.get(tenant_id, -math.inf) < at_most_every:
            return
        _remember(self._folded, tenant_id, now)
        more = True
        while more:
            async with self._database.unit_of_work(tenant_id) as session:
                more = await statistics.fold(session, tenant_id)

    async def keep_statistics(self) -> None:
        async with self._database.unit_of_work(None) as session:
            tenants = await statistics.tenants_to_fold(session)
        for tenant_id in tenants:
            await self.fold_statistics(tenant_id)

    async def keep_indexes(self) -> None:
        async with self._database.unit_of_work(None) as session:
            tenants = await building.large_tenants(session, building.MIN_CHUNKS)
        for tenant_id in tenants:
            await self.build_indexes(tenant_id)

    async def purge_generations(self) -> None:
        async with self._database.unit_of_work(None) as session:
            tenants = await generations.tenants_to_purge(session)
        for tenant_id in tenants:
            async with self._database.unit_of_work(tenant_id) as session:
                numbers = await generations.replaced(session, tenant_id)
            await building.drop(self._database, numbers)
            for number in numbers:
                await self._purge(tenant_id, number)

    async def _purge(self, tenant_id: uuid.UUID, generation_id: int) -> None:
        removed = 1
        while removed:
            async with self._database.unit_of_work(tenant_id) as session:
                removed = await generations.purge_some(session, tenant_id, generation_id)
        async with self._database.unit_of_work(tenant_id) as session:
            await generations.purge_rest(session, tenant_id, generation_id)

    async def build_indexes(
        self,
        tenant_id: uuid.UUID,
        *,
        at_once: bool = False,
        min_chunks: int = building.MIN_CHUNKS,
    ) -> int:
        """Build the indexes the tenant has grown to need; returns for how many generations."""
        async with self._database.unit_of_work(tenant_id) as session:
            wanted = await building.plans(
                session, tenant_id, min_chunks=min_chunks, is_patient=not at_once
            )
        built = 0
        for plan in wanted:
            built += await building.build(self._database, plan)
        self._scopes.clear()
        return built

    @asynccontextmanager
    async def removing(self, tenant_id: uuid.UUID) -> AsyncGenerator[None, None]:
        async with self._database.unit_of_work(tenant_id) as session:
            numbers = await generations.retire(session)
        yield
        await building.drop(self._database, numbers)

    async def _scope_facts(self, session: AsyncSession, scope: Scope) -> tuple[int, bool]:
        now = time.monotonic()
        known = self._scopes.get(scope)
        if known and now - known[0] < MEMORY_SECONDS:
            return known[1], known[2]
        size = await searching.count_scope(session, scope, self._exact_limit + 1)
        has_indexes = size > self._exact_limit and await building.has_indexes(
            session, scope.generation.id
        )
        _remember(self._scopes, scope, (now, size, has_indexes))
        return size, has_indexes


def _remember(memory: dict[K, V], key: K, value: V) -> None:
    """Keep a value; a memory that is full begins anew."""
    if len(memory) >= MOST_REMEMBERED:
        memory.clear()
    memory[key] = value
