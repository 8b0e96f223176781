"""The contract of `indexes.contract` kept by PostgreSQL with pgvector."""

import math
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from citewell.core.database.sessions import Database
from citewell.engine.embedding.base import EmbedderSpec
from citewell.engine.retrieval.base import ChunkView, HybridQuery, Legs
from citewell.indexes.contract import (
    CompleteVersion,
    Generation,
    Index,
    LibraryFacts,
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
from citewell.indexes.postgres.asking import Asking, is_whole_library
from citewell.indexes.postgres.doctor import PostgresDoctor
from citewell.indexes.postgres.inverted import MOST_POSTINGS, POSTINGS
from citewell.indexes.postgres.live import LiveGenerations, remember
from citewell.indexes.postgres.pace import TakeoverPace
from citewell.indexes.postgres.work import batch_in, session_of
from citewell.indexes.postgres.writing import PostgresWriter

EXACT_LIMIT = 10_000
"""Largest scope whose vectors are all compared when an index exists (0.4 us a chunk)."""

LEXICAL_EXACT_LIMIT = 1_000
"""Largest scope whose terms are all compared: 3 us a chunk, where a reading of the inverted index
takes 2 to 4 ms."""

SIZE_SECONDS = 30.0
"""How long the size of a scope is remembered. It decides how to search; what may be found is
decided by the statement each time."""


def postgres_index(
    database: Database,
    *,
    exact_limit: int | None = None,
    budgets: tuple[int, int] = (POSTINGS, MOST_POSTINGS),
    pace: TakeoverPace | None = None,
) -> Index:
    """Chunks beside the documents they come from, in one database and one transaction.

    Args:
        database: Holds both.
        exact_limit: Replaces the largest scopes that are compared chunk by chunk, of both legs.
        budgets: Entries of posting lists that are read at first, and at most.
        pace: Replaces the pauses around the takeover by a new generation.
    """
    pace = pace or TakeoverPace()
    live = LiveGenerations()
    searcher = PostgresSearcher(database, live, exact_limit, budgets)
    return Index(
        searcher,
        PostgresWriter(live, pace.settling_seconds),
        PostgresGenerations(database, live),
        PostgresMaintenance(database, pace.retained_seconds),
        PostgresDoctor(),
    )


class PostgresSearcher:
    """Searches chunks with one statement."""

    def __init__(
        self,
        database: Database,
        live: LiveGenerations,
        exact_limit: int | None,
        budgets: tuple[int, int],
    ) -> None:
        self._database = database
        self._live = live
        self._exact_limit = EXACT_LIMIT if exact_limit is None else exact_limit
        self._lexical_exact_limit = LEXICAL_EXACT_LIMIT if exact_limit is None else exact_limit
        self._budgets = budgets
        self._sizes: dict[SearchScope, tuple[float, int]] = {}
        self._embeddings: dict[uuid.UUID, str] = {}

    async def current_generation(self, tenant_id: uuid.UUID) -> Generation | None:
        known = self._live.known(tenant_id)
        if known is not None:
            return known
        async with self._database.unit_of_work(tenant_id) as session:
            return await self._live.read(session)

    def expected_embedding(self, tenant_id: uuid.UUID) -> str | None:
        return self._embeddings.get(tenant_id)

    def facts(self, work: UnitOfWork, term_ids: Sequence[int]) -> Awaitable[LibraryFacts | None]:
        return statistics.ask_facts(batch_in(work), work.tenant_id, term_ids)

    def held(
        self,
        work: UnitOfWork,
        scope: SearchScope,
        term_ids: Sequence[int],
        *,
        at_most: int | None = None,
    ) -> Awaitable[Mapping[int, int]]:
        return statistics.ask_held(batch_in(work), scope, term_ids, at_most)

    def passages(
        self,
        work: UnitOfWork,
        scope: SearchScope,
        ids: Sequence[uuid.UUID],
        *,
        neighbours: int = 0,
    ) -> Awaitable[Mapping[uuid.UUID, ChunkView]]:
        return searching.ask_passages(batch_in(work), scope, ids, neighbours)

    async def legs(
        self, work: UnitOfWork, facts: LibraryFacts, scope: SearchScope, query: HybridQuery
    ) -> Legs:
        batch = batch_in(work)
        remember(self._embeddings, work.tenant_id, facts.generation.embedding)
        # The indexes are partial: they hold the chunks that answer now, in the live generation.
        is_now = scope.as_of is None and scope.generation == facts.generation
        has_dense = facts.has_dense_index and is_now
        has_lexical = facts.has_lexical_index and is_now
        size = self._known_size(facts, scope)
        asked = searching.ask_size(batch, scope, self._exact_limit + 1) if size is None else None
        # In a small library no scope is large: its size is sent for together with the legs.
        is_small = facts.statistics.chunk_count <= self._lexical_exact_limit
        is_exact = is_small or not (has_dense or has_lexical)
        if asked is not None and not is_exact:
            size = await asked
        compared = 0 if is_exact else size or 0
        is_dense_exact = compared <= self._exact_limit or not has_dense
        is_inverted = compared > self._lexical_exact_limit and has_lexical
        asking = Asking(batch, scope, query, is_dense_exact, self._budgets if is_inverted else ())
        found = await asking.run()
        # Both legs compared everything: fewer candidates than asked for are then all there are.
        is_complete = is_dense_exact and found.terms is None
        if not is_complete and not found.has(query.top_k):
            # The iterative scan gave up before the scope was exhausted; compare everything.
            found = await replace(asking, is_dense_exact=True, budgets=()).run()
        if asked is not None:
            size = await asked
            remember(self._sizes, scope, (time.monotonic(), size))
        found.scope_size = min(size or 0, self._exact_limit + 1)
        return found

    def _known_size(self, facts: LibraryFacts, scope: SearchScope) -> int | None:
        """Chunks in the scope, as far as it matters: it decides how they are compared."""
        if is_whole_library(scope) and scope.generation == facts.generation:
            return facts.statistics.chunk_count
        known = self._sizes.get(scope)
        is_known = known is not None and time.monotonic() - known[0] <= SIZE_SECONDS
        return known[1] if known is not None and is_known else None


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

    async def complete(
        self, work: UnitOfWork, generation_id: int, version_ids: Sequence[uuid.UUID]
    ) -> list[CompleteVersion]:
        return await generations.complete(session_of(work), generation_id, version_ids)

    async def lacking(
        self, work: UnitOfWork, live: Generation, building: Generation, *, limit: int
    ) -> list[CompleteVersion]:
        return await generations.lacking(session_of(work), live.id, building.id, limit)

    async def chunk_count(self, work: UnitOfWork, generation_id: int) -> int:
        return await generations.chunk_count(session_of(work), generation_id)

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
        # Retired and committed before the caller deletes, so that no build begins meanwhile; `drop`
        # waits for one that runs.
        yield
        await building.drop(self._database, numbers)


class PostgresMaintenance:
    """Folds statistics, builds indexes and removes generations that were replaced."""

    def __init__(self, database: Database, retained_seconds: int) -> None:
        self._database = database
        self._retained_seconds = retained_seconds
        self._folded: dict[uuid.UUID, float] = {}

    async def fold_statistics(self, tenant_id: uuid.UUID, *, at_most_every: float = 0.0) -> None:
        now = time.monotonic()
        if now - self._folded.get(tenant_id, -math.inf) < at_most_every:
            return
        # Noted before the work: calls that come meanwhile with a limit return at once.
        remember(self._folded, tenant_id, now)
        more = True
        # A transaction for each batch; the lock on the statistics is free between them.
        while more:
            async with self._database.unit_of_work(tenant_id) as session:
                more = await statistics.fold(session, tenant_id)

    async def keep_statistics(self) -> None:
        async with self._database.lookup() as session:
            tenants = await statistics.tenants_to_fold(session)
        for tenant_id in tenants:
            await self.fold_statistics(tenant_id)

    async def keep_indexes(self) -> None:
        async with self._database.lookup() as session:
            tenants = await building.tenants_to_look_at(session, building.MIN_CHUNKS)
        for tenant_id in tenants:
            await self.build_indexes(tenant_id)
            async with self._database.unit_of_work(tenant_id) as session:
                # An index that waits for incoming documents keeps its tenant on the list.
                if not await building.plans(session, tenant_id, is_patient=False):
                    await building.note_looked_at(session, tenant_id)

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
            built += await building.build(self._database, tenant_id, plan)
        return built

    async def purge_generations(self) -> None:
        async with self._database.lookup() as session:
            tenants = await generations.tenants_to_purge(session, self._retained_seconds)
        for tenant_id in tenants:
            async with self._database.unit_of_work(tenant_id) as session:
                numbers = await generations.replaced(session, tenant_id, self._retained_seconds)
            # First the index: deleting chunks under an HNSW index leaves dead entries for vacuum to
            # repair one by one.
            await building.drop(self._database, numbers)
            for number in numbers:
                await self._purge(tenant_id, number)

    async def _purge(self, tenant_id: uuid.UUID, generation_id: int) -> None:
        removed = 1
        # In small transactions, as a generation may have millions of chunks.
        while removed:
            async with self._database.unit_of_work(tenant_id) as session:
                removed = await generations.purge_some(session, tenant_id, generation_id)
        async with self._database.unit_of_work(tenant_id) as session:
            await generations.purge_rest(session, tenant_id, generation_id)
