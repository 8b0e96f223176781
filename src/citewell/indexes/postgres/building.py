"""HNSW indexes: built beside the running system once a generation is large enough to need them."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from citewell.core.database.sessions import Database

log = structlog.get_logger(__name__)

MIN_CHUNKS = 10_000
"""An exact scan takes 0.4 us a chunk (design D6): below this an index saves nothing."""

MIN_CHUNKS_WHILE_BUSY = 100_000
"""While documents are still coming in, building waits: a bulk build is many times cheaper than
inserting one by one into a finished index."""

M = 16
EF_CONSTRUCTION = 200
"""HNSW parameters measured in design D2."""

LOCK_PAUSE_SECONDS = 0.1

_CANDIDATES = text("""
SELECT g.id, g.dimensions,
  (SELECT p.tableoid::regclass::text FROM chunk p WHERE p.tenant_id = :tenant_id LIMIT 1) AS part
FROM index_generation g
WHERE g.tenant_id = :tenant_id AND g.status <> 'retired'
  AND g.chunk_count >= CASE
    WHEN EXISTS (SELECT 1 FROM job j WHERE j.tenant_id = :tenant_id
                 AND j.status IN ('queued', 'running')) THEN :busy ELSE :idle END
""")

_VALID = text("""
SELECT count(*) FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
WHERE c.relname = ANY(:names) AND i.indisvalid
""")

_WANTED = text("""
SELECT EXISTS (SELECT 1 FROM index_generation WHERE id = :generation_id AND status <> 'retired')
""")


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """The two indexes of one generation in its partition."""

    partition: str
    generation_id: int
    dimensions: int

    @property
    def names(self) -> tuple[str, str]:
        """Names of the dense and the lexical index."""
        return f"chunk_dense_{self.generation_id}", f"chunk_lexical_{self.generation_id}"

    def statements(self) -> tuple[str, str]:
        """The two CREATE INDEX statements."""
        dense, lexical = self.names
        where = f"WHERE generation_id = {self.generation_id} AND active"
        options = f"WITH (m = {M}, ef_construction = {EF_CONSTRUCTION})"
        return (
            f"CREATE INDEX CONCURRENTLY {dense} ON {self.partition} USING hnsw "
            f"((embedding::halfvec({self.dimensions})) halfvec_cosine_ops) {options} {where}",
            f"CREATE INDEX CONCURRENTLY {lexical} ON {self.partition} USING hnsw "
            f"(terms sparsevec_ip_ops) {options} {where}",
        )


async def has_indexes(session: AsyncSession, generation_id: int) -> bool:
    """Whether both indexes of the generation are there and complete."""
    names = IndexPlan("", generation_id, 0).names
    return await session.scalar(_VALID, {"names": list(names)}) == 2


async def large_tenants(session: AsyncSession, min_chunks: int) -> list[uuid.UUID]:
    """Tenants with a generation of so many chunks; needs no tenant set."""
    statement = text("SELECT citewell_tenants_to_index(:min_chunks)")
    return list(await session.scalars(statement, {"min_chunks": min_chunks}))


async def plans(
    session: AsyncSession,
    tenant_id: uuid.UUID,
    *,
    min_chunks: int = MIN_CHUNKS,
    is_patient: bool = True,
) -> list[IndexPlan]:
    """The tenant's generations that are large enough and have no indexes yet."""
    rows = await session.execute(
        _CANDIDATES,
        {
            "tenant_id": tenant_id,
            "idle": min_chunks,
            "busy": max(min_chunks, MIN_CHUNKS_WHILE_BUSY if is_patient else 0),
        },
    )
    found = [
        IndexPlan(row.part.rsplit(".", 1)[-1], row.id, row.dimensions) for row in rows if row.part
    ]
    return [plan for plan in found if not await has_indexes(session, plan.generation_id)]


async def build(database: Database, plan: IndexPlan) -> bool:
    """Build a generation's indexes without stopping reads or writes.

    Returns False if someone else is building them, or if they are not wanted any more.
    """
    async with database.owner_connection() as connection:
        if not await _lock(connection, plan.generation_id):
            return False
        if not await connection.scalar(_WANTED, {"generation_id": plan.generation_id}):
            return False
        for name, statement in zip(plan.names, plan.statements(), strict=True):
            await _build_one(connection, name, statement)
        # Without statistics the planner takes the partition for tiny and sorts it whole.
        await connection.execute(text(f"ANALYZE {plan.partition}"))
        log.info("index_built", generation=plan.generation_id, partition=plan.partition)
        return True


async def drop(database: Database, generation_ids: Sequence[int]) -> None:
    """Remove the indexes of generations that are retired; waits for whoever is building them."""
    async with database.owner_connection() as connection:
        for generation_id in generation_ids:
            # Asked again and again: a build waits for statements that wait, so both would.
            while not await _lock(connection, generation_id):  # noqa: ASYNC110 - across processes
                await asyncio.sleep(LOCK_PAUSE_SECONDS)
            for name in IndexPlan("", generation_id, 0).names:
                await connection.execute(text(f"DROP INDEX CONCURRENTLY IF EXISTS {name}"))


def lock_key(generation_id: int) -> str:
    """What is locked by whoever builds or drops a generation's indexes."""
    return f"build:{generation_id}"


async def _lock(connection: AsyncConnection, generation_id: int) -> bool:
    """Become the only one who builds or drops a generation's indexes, until disconnected."""
    statement = text("SELECT pg_try_advisory_lock(hashtextextended(:key, 0))")
    return bool(await connection.scalar(statement, {"key": lock_key(generation_id)}))


async def _build_one(connection: AsyncConnection, name: str, statement: str) -> None:
    valid = await connection.scalar(_VALID, {"names": [name]})
    if valid:
        return
    # A build that was interrupted leaves an invalid index behind.
    await connection.execute(text(f"DROP INDEX CONCURRENTLY IF EXISTS {name}"))
    await connection.execute(text(statement))
