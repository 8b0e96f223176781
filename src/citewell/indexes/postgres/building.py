"""Indexes of large generations, made beside the running system: HNSW, and lists of terms."""

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

# A build takes minutes; one query in a tenth of a second does not weigh beside it.
LOCK_PAUSE_SECONDS = 0.1

FILL_BATCH = 2_000
"""Chunks whose terms are entered in one transaction: 0.1 ms each, and they are locked meanwhile."""

MOST_PASSES = 5
"""A pass leaves out chunks that are being changed; what is left then waits for the next upkeep."""

_FIRST = uuid.UUID(int=0)

_CANDIDATES = text("""
SELECT * FROM (
  SELECT g.id, g.dimensions, NOT g.has_lexical AS lacks_lexical,
    (SELECT p.tableoid::regclass::text FROM chunk p WHERE p.tenant_id = :tenant_id LIMIT 1) AS part,
    g.chunk_count >= CASE
      WHEN EXISTS (SELECT 1 FROM job j WHERE j.tenant_id = :tenant_id
                   AND j.status IN ('queued', 'running')) THEN :busy ELSE :idle END AS is_large
  FROM index_generation g
  WHERE g.tenant_id = :tenant_id AND g.status <> 'retired'
) AS g WHERE part IS NOT NULL AND (is_large OR lacks_lexical)
""")

# `CREATE INDEX CONCURRENTLY` that is interrupted leaves an index that is never used; only
# `indisvalid` tells it from a finished one.
_VALID = text("""
SELECT EXISTS (SELECT FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
  WHERE c.relname = :name AND i.indisvalid)
""")

_THERE = text("SELECT to_regclass(:name) IS NOT NULL")

# Asked under the lock: the generation may have been retired between planning and building.
_WANTED = text("""
SELECT EXISTS (SELECT 1 FROM index_generation WHERE id = :generation_id AND status <> 'retired')
""")


_FILL = text("SELECT citewell_fill_lexical(:generation_id, :after, :most)")

_IS_FILLED = text("SELECT citewell_is_lexical_filled(:generation_id)")

_NOTE_FILLED = text("""
UPDATE index_generation SET has_lexical = true
WHERE tenant_id = :tenant_id AND id = :generation_id
""")

# A minute back: what was counted in a transaction that was under way is not seen yet, and has the
# time at which that began.
_NOTE_LOOKED_AT = text("""
UPDATE index_generation SET looked_at = now() - interval '1 minute'
WHERE tenant_id = :tenant_id AND status <> 'retired'
""")


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """Indexes that a generation lacks in its partition."""

    partition: str
    generation_id: int
    dimensions: int
    is_large: bool = True
    """Whether it needs the HNSW index."""
    lacks_lexical: bool = False
    """Whether its chunks were there before the inverted index, and are not all entered."""

    @property
    def dense(self) -> str:
        """Name of the HNSW index."""
        return f"chunk_dense_{self.generation_id}"

    @property
    def former(self) -> str:
        """Name of the HNSW index over term weights that earlier versions built."""
        return f"chunk_lexical_{self.generation_id}"

    def statement(self) -> str:
        """The CREATE INDEX statement."""
        return (
            f"CREATE INDEX CONCURRENTLY {self.dense} ON {self.partition} USING hnsw "
            f"((embedding::halfvec({self.dimensions})) halfvec_cosine_ops) "
            f"WITH (m = {M}, ef_construction = {EF_CONSTRUCTION}) "
            # Partial: superseded versions and other generations would make each search step over
            # their vectors.
            f"WHERE generation_id = {self.generation_id} AND active"
        )


async def tenants_to_look_at(session: AsyncSession, min_chunks: int) -> list[uuid.UUID]:
    """Tenants with a generation that has changed since it was looked at; needs no tenant set.

    Small ones, of fewer chunks, are looked at once.
    """
    statement = text("SELECT citewell_tenants_to_build(:min_chunks)")
    return list(await session.scalars(statement, {"min_chunks": min_chunks}))


async def note_looked_at(session: AsyncSession, tenant_id: uuid.UUID) -> None:
    """Note that the tenant's generations lack nothing now."""
    await session.execute(_NOTE_LOOKED_AT, {"tenant_id": tenant_id})


async def plans(
    session: AsyncSession,
    tenant_id: uuid.UUID,
    *,
    min_chunks: int = MIN_CHUNKS,
    is_patient: bool = True,
) -> list[IndexPlan]:
    """Indexes that the tenant's generations lack for their size."""
    rows = await session.execute(
        _CANDIDATES,
        {
            "tenant_id": tenant_id,
            "idle": min_chunks,
            "busy": max(min_chunks, MIN_CHUNKS_WHILE_BUSY if is_patient else 0),
        },
    )
    found = [
        IndexPlan(
            partition=row.part.rsplit(".", 1)[-1],
            generation_id=row.id,
            dimensions=row.dimensions,
            is_large=row.is_large,
            lacks_lexical=row.lacks_lexical,
        )
        for row in rows
    ]
    return [plan for plan in found if await _is_due(session, plan)]


async def _is_due(session: AsyncSession, plan: IndexPlan) -> bool:
    if plan.lacks_lexical or not await session.scalar(_VALID, {"name": plan.dense}):
        return True
    return bool(await session.scalar(_THERE, {"name": plan.former}))


async def build(database: Database, tenant_id: uuid.UUID, plan: IndexPlan) -> bool:
    """Build the indexes a generation lacks without stopping reads or writes.

    Returns False if another process builds them, or if the generation is not wanted any more.
    """
    # `CONCURRENTLY` cannot run in a transaction, and the application's role owns no table.
    async with database.owner_connection() as connection:
        if not await _lock(connection, plan.generation_id):
            return False
        if not await connection.scalar(_WANTED, {"generation_id": plan.generation_id}):
            return False
        if plan.lacks_lexical and not await fill(database, tenant_id, plan.generation_id):
            return False
        # Only after the inverted index is filled: until then searches by terms may use the former
        # one.
        await connection.execute(text(f"DROP INDEX CONCURRENTLY IF EXISTS {plan.former}"))
        if plan.is_large:
            await _build_dense(connection, plan)
        # Without statistics the planner takes the partition for tiny and sorts it whole.
        await connection.execute(text(f"ANALYZE {plan.partition}"))
        log.info("index_built", generation=plan.generation_id, partition=plan.partition)
        return True


async def fill(database: Database, tenant_id: uuid.UUID, generation_id: int) -> bool:
    """Enter the terms of chunks that were there before the inverted index was.

    Searches go on as before until all are entered; whatever is published meanwhile is entered by
    the database itself. Returns whether all are.
    """
    values: dict[str, object] = {"generation_id": generation_id, "most": FILL_BATCH}
    for _ in range(MOST_PASSES):
        after: uuid.UUID | None = _FIRST
        while after is not None:
            async with database.unit_of_work(tenant_id) as session:
                after = await session.scalar(_FILL, values | {"after": after})
        async with database.unit_of_work(tenant_id) as session:
            if await session.scalar(_IS_FILLED, values):
                await session.execute(_NOTE_FILLED, values | {"tenant_id": tenant_id})
                return True
    return False


async def drop(database: Database, generation_ids: Sequence[int]) -> None:
    """Remove the indexes of generations that are retired; waits for whoever is building them."""
    async with database.owner_connection() as connection:
        for generation_id in generation_ids:
            # Asked again and again: a build waits for statements that wait, so both would.
            while not await _lock(connection, generation_id):  # noqa: ASYNC110 - across processes
                await asyncio.sleep(LOCK_PAUSE_SECONDS)
            plan = IndexPlan("", generation_id, 0)
            for name in (plan.dense, plan.former):
                await connection.execute(text(f"DROP INDEX CONCURRENTLY IF EXISTS {name}"))


def lock_key(generation_id: int) -> str:
    """Key of the advisory lock under which a generation's indexes are built or dropped."""
    return f"build:{generation_id}"


async def _lock(connection: AsyncConnection, generation_id: int) -> bool:
    """Take the lock on building and dropping a generation's indexes, until disconnected."""
    # Of the session, not of a transaction: it has to outlast `CREATE INDEX CONCURRENTLY`, which
    # takes several.
    statement = text("SELECT pg_try_advisory_lock(hashtextextended(:key, 0))")
    return bool(await connection.scalar(statement, {"key": lock_key(generation_id)}))


async def _build_dense(connection: AsyncConnection, plan: IndexPlan) -> None:
    if await connection.scalar(_VALID, {"name": plan.dense}):
        return
    # A build that was interrupted leaves an invalid index behind.
    await connection.execute(text(f"DROP INDEX CONCURRENTLY IF EXISTS {plan.dense}"))
    await connection.execute(text(plan.statement()))
