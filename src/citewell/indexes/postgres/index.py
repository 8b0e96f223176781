"""The contract of `indexes.contract` kept by PostgreSQL with pgvector."""

import math
import time
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from citewell.core.database.sessions import Database
from citewell.engine.embedding.base import EmbedderSpec
from citewell.engine.lexical.base import CorpusStatistics
from citewell.indexes.contract import (
    Generation,
    HitList,
    HybridQuery,
    Index,
    SearchScope,
    UnitOfWork,
)
from citewell.indexes.events import ChunkRow
from citewell.indexes.postgres import (
    building,
    generations,
    reading,
    searching,
    statistics,
)
from citewell.indexes.postgres.doctor import PostgresDoctor
from citewell.indexes.postgres.live import MEMORY_SECONDS, LiveGenerations, remember
from citewell.indexes.postgres.work import session_of
from citewell.indexes.postgres.writing import PostgresWriter

EXACT_LIMIT = 10_000
"""Largest scope that is scanned exactly when an index exists (0.4 us a chunk, design D6)."""


def postgres_index(database: Database, *, exact_limit: int = EXACT_LIMIT) -> Index:
    """Chunks beside the documents they come from, in one database and one transaction."""
    live = LiveGenerations()
    searcher = PostgresSearcher(database, live, exact_limit)
    return Index(
        searcher,
        PostgresWriter(live),
        PostgresGenerations(database, live),
        PostgresMaintenance(database, searcher),
        PostgresDoctor(),
    )


class PostgresSearcher:
    """Searches chunks with one statement."""

    def __init__(self, database: Database, live: LiveGenerations, exact_limit: int) -> None:
        self._database = database
        self._live = live
        self._exact_limit = exact_limit
        self._scopes: dict[SearchScope, tuple[float, int, bool]] = {}

    async def current_generation(self, tenant_id: uuid.UUID) -> Generation | None:
        known = self._live.known(tenant_id)
        if known is not None:
            return known
        async with self._database.unit_of_work(tenant_id) as session:
            return await self._live.read(session)

    async def statistics(
        self, work: UnitOfWork, scope: SearchScope, term_ids: Sequence[int]
    ) -> CorpusStatistics:
        return await statistics.read(session_of(work), scope, term_ids)

    async def search(self, work: UnitOfWork, scope: SearchScope, query: HybridQuery) -> HitList:
        session = session_of(work)
        size, has_indexes = await self._scope_facts(session, scope)
        # Indexes hold what answers now.
        is_exact = size <= self._exact_limit or not has_indexes or scope.as_of is not None
        hits = await searching.rank(session, scope, query, is_exact=is_exact)
        if not is_exact and len(hits) < query.top_k:
            # The iterative scan gave up before the scope was exhausted; compare everything.
            is_exact = True
            hits = await searching.rank(session, scope, query, is_exact=True)
        return HitList(hits, size, is_exact)

    def forget_scopes(self) -> None:
        """Look up sizes and indexes again: some were built."""
        self._scopes.clear()

    async def _scope_facts(self, session: AsyncSession, scope: SearchScope) -> tuple[int, bool]:
        now = time.monotonic()
        known = self._scopes.get(scope)
        if known and now - known[0] < MEMORY_SECONDS:
            return known[1], known[2]
        size = await searching.count_scope(session, scope, self._exact_limit + 1)
        has_indexes = size > self._exact_limit and await building.has_indexes(
            session, scope.generation.id
        )
        remember(self._scopes, scope, (now, size, has_indexes))
        return size, has_indexes


class PostgresGenerations:
    """Generations as rows, their chunks told apart by a column."""

    def __init__(self, database: Database, live: LiveGenerations) -> None:
        self._database = database
        self._live = live

    async def live(self, work: UnitOfWork) -> Generation | None:
        return await self._live.read(session_of(work))

    async def ensure(self, work: UnitOfWork, spec: EmbedderSpec) -> Generation:
        session = session_of(work)
        found = await self._live.read(session)
        if found is None:
            self._live.note_change(session)
            found = await generations.ensure(session, spec)
        return found

    async def begin(self, work: UnitOfWork, spec: EmbedderSpec, *, anew: bool) -> Generation:
        return await generations.begin(session_of(work), spec, anew=anew)

    async def chunks(
        self,
        work: UnitOfWork,
        version_id: uuid.UUID,
        generation_id: int,
        *,
        first: int,
        limit: int,
    ) -> list[ChunkRow]:
        session, tenant_id = session_of(work), work.tenant_id
        return await reading.rows(
            session, tenant_id, version_id, generation_id, first=first, limit=limit
        )

    async def take_over(
        self, work: UnitOfWork, building: Generation
    ) -> list[tuple[uuid.UUID, int]] | None:
        session = session_of(work)
        self._live.note_change(session)
        return await generations.take_over(session, building)

    @asynccontextmanager
    async def removing(self, tenant_id: uuid.UUID) -> AsyncGenerator[None, None]:
        async with self._database.unit_of_work(tenant_id) as session:
            numbers = await generations.retire(session)
        yield
        await building.drop(self._database, numbers)


class PostgresMaintenance:
    """Folds statistics, builds HNSW indexes and removes generations that were replaced."""

    def __init__(self, database: Database, searcher: PostgresSearcher) -> None:
        self._database = database
        self._searcher = searcher
        self._folded: dict[uuid.UUID, float] = {}

    async def fold_statistics(self, tenant_id: uuid.UUID, *, at_most_every: float = 0.0) -> None:
        now = time.monotonic()
        if now - self._folded.get(tenant_id, -math.inf) < at_most_every:
            return
        remember(self._folded, tenant_id, now)
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

    async def build_indexes(
        self,
        tenant_id: uuid.UUID,
        *,
        at_once: bool = False,
        min_chunks: int = building.MIN_CHUNKS,
    ) -> int:
        async with self._database.unit_of_work(tenant_id) as session:
            wanted = await building.plans(
                session, tenant_id, min_chunks=min_chunks, is_patient=not at_once
            )
        built = 0
        for plan in wanted:
            built += await building.build(self._database, plan)
        self._searcher.forget_scopes()
        return built

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
