"""Generations of a tenant's index: the one that answers, its replacement, and their removal."""

import uuid
from collections.abc import Sequence

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.engine.embedding.base import EmbedderSpec
from citewell.engine.lexical.base import ANALYSIS
from citewell.indexes.contract import CompleteVersion, Generation, GenerationChangedError
from citewell.models.index import IndexGeneration
from citewell.models.trash import trash_shown

PURGED_VERSIONS = 50
"""Versions whose chunks are removed in one transaction."""

# In the order of ids, so that two of these cannot deadlock.
_LOCK = text("""
SELECT id, status FROM index_generation
WHERE tenant_id = :tenant_id AND status IN ('live', 'building') ORDER BY id FOR UPDATE
""")

_LACKS = text("""
SELECT EXISTS (
  SELECT FROM version_terms t
  WHERE t.tenant_id = :tenant_id AND t.generation_id = :live AND NOT EXISTS (
    SELECT FROM version_terms b WHERE b.tenant_id = :tenant_id
      AND b.version_id = t.version_id AND b.generation_id = :building))
""")

_RECUT = text("""
SELECT b.version_id, b.chunk_count
FROM version_terms b JOIN version_terms t USING (tenant_id, version_id)
WHERE b.tenant_id = :tenant_id AND b.generation_id = :building AND t.generation_id = :live
  AND b.chunk_count <> t.chunk_count
""")

_RETIRE = text("""
UPDATE index_generation SET status = 'retired', updated_at = now()
WHERE tenant_id = :tenant_id AND id = :live
""")

_ENTHRONE = text("""
UPDATE index_generation SET status = 'live', live_since = now(), updated_at = now()
WHERE tenant_id = :tenant_id AND id = :building
""")

_COMPLETE = text("""
SELECT version_id, chunk_count, chunking FROM version_terms
WHERE tenant_id = :tenant_id AND generation_id = :generation_id
  AND version_id = ANY(CAST(:version_ids AS uuid[]))
""")

# Versions that answer come first, so that a run that is stopped early has built the most useful
# part.
_LACKING = text("""
SELECT t.version_id, t.chunk_count, t.chunking
FROM version_terms t
JOIN document_version v ON v.tenant_id = t.tenant_id AND v.id = t.version_id
JOIN document d ON d.tenant_id = v.tenant_id AND d.id = v.document_id
WHERE t.tenant_id = :tenant_id AND t.generation_id = :live AND NOT EXISTS (
  SELECT FROM version_terms n WHERE n.tenant_id = t.tenant_id AND n.version_id = t.version_id
    AND n.generation_id = :building)
ORDER BY d.active_version_id IS DISTINCT FROM v.id, v.id LIMIT :limit
""")

_CHUNK_COUNT = text("""
SELECT coalesce(sum(chunk_count), 0) FROM version_terms
WHERE tenant_id = :tenant_id AND generation_id = :generation_id
""")

_RETIRED = text("""
SELECT id FROM index_generation
WHERE tenant_id = :tenant_id AND status = 'retired'
  AND updated_at < now() - make_interval(secs => :seconds)
""")

_PURGE_SOME = text("""
WITH gone AS (
  DELETE FROM version_terms WHERE tenant_id = :tenant_id AND generation_id = :id AND version_id IN (
    SELECT version_id FROM version_terms
    WHERE tenant_id = :tenant_id AND generation_id = :id
    ORDER BY version_id LIMIT :limit FOR UPDATE SKIP LOCKED)
  RETURNING version_id
), emptied AS (
  DELETE FROM chunk WHERE tenant_id = :tenant_id AND generation_id = :id
    AND version_id IN (SELECT version_id FROM gone)
)
SELECT count(*) FROM gone
""")

_PURGE_REST = tuple(
    text(f"DELETE FROM {table} WHERE tenant_id = :tenant_id AND {column} = :id")  # noqa: S608 - constants
    for table, column in (
        ("version_terms", "generation_id"),
        ("chunk", "generation_id"),  # of attempts that were never finished
        ("term_delta", "generation_id"),
        ("term_stat", "generation_id"),
        ("index_generation", "id"),
    )
)


async def live(session: AsyncSession) -> Generation | None:
    """The generation that answers the session's tenant."""
    return await _of_status(session, "live")


async def _of_status(session: AsyncSession, status: str) -> Generation | None:
    row = await session.scalar(select(IndexGeneration).where(IndexGeneration.status == status))
    return Generation(row.id, row.embedding, row.dimensions, row.analysis) if row else None


async def ensure(session: AsyncSession, spec: EmbedderSpec) -> Generation:
    """The live generation; begun now if the tenant has none."""
    return await _ensure(session, spec, "live")


async def begin(session: AsyncSession, spec: EmbedderSpec, *, anew: bool) -> Generation:
    """See `Generations.begin`."""
    found = await _of_status(session, "building")
    wanted = (spec.name, spec.dimensions, ANALYSIS)
    has = found and (found.embedding, found.dimensions, found.analysis)
    if found is not None and (anew or has != wanted):
        await session.execute(_RETIRE, {"tenant_id": session.info["tenant_id"], "live": found.id})
    return await _ensure(session, spec, "building")


async def _ensure(session: AsyncSession, spec: EmbedderSpec, status: str) -> Generation:
    found = await _of_status(session, status)
    if found is None:
        await session.execute(
            insert(IndexGeneration)
            .values(
                tenant_id=session.info["tenant_id"],
                embedding=spec.name,
                dimensions=spec.dimensions,
                analysis=ANALYSIS,
                status=status,
            )
            .on_conflict_do_nothing()
        )
        found = await _of_status(session, status)
    assert found is not None
    return found


async def retire(session: AsyncSession) -> list[int]:
    """Mark all the tenant's generations as retired: nothing is built for them; their ids."""
    statement = update(IndexGeneration).where(
        IndexGeneration.tenant_id == session.info["tenant_id"]
    )
    retired = statement.values(status="retired").returning(IndexGeneration.id)
    return list(await session.scalars(retired))


async def complete(
    session: AsyncSession, generation_id: int, version_ids: Sequence[uuid.UUID]
) -> list[CompleteVersion]:
    """See `Generations.complete`."""
    values = {"generation_id": generation_id, "version_ids": list(version_ids)}
    rows = await session.execute(_COMPLETE, values | {"tenant_id": session.info["tenant_id"]})
    return [CompleteVersion(row.version_id, row.chunk_count, row.chunking) for row in rows]


async def lacking(
    session: AsyncSession, live: int, building: int, limit: int
) -> list[CompleteVersion]:
    """See `Generations.lacking`."""
    values = {"live": live, "building": building, "limit": limit}
    async with trash_shown(session):  # what is in it may come back
        rows = await session.execute(_LACKING, values | {"tenant_id": session.info["tenant_id"]})
    return [CompleteVersion(row.version_id, row.chunk_count, row.chunking) for row in rows]


async def chunk_count(session: AsyncSession, generation_id: int) -> int:
    """See `Generations.chunk_count`."""
    values = {"tenant_id": session.info["tenant_id"], "generation_id": generation_id}
    return int(await session.scalar(_CHUNK_COUNT, values) or 0)


async def take_over(
    session: AsyncSession, building: Generation
) -> list[tuple[uuid.UUID, int]] | None:
    """See `Generations.take_over`.

    The lock is stronger than that of publishing, which holds its generation by its key; what was
    published before it was got is seen by the statements after it.
    """
    tenant_id = session.info["tenant_id"]
    found = {row.status: row.id for row in await session.execute(_LOCK, {"tenant_id": tenant_id})}
    if found.get("building") != building.id or "live" not in found:
        raise GenerationChangedError  # somebody gave it up, or removes the tenant
    values = {"tenant_id": tenant_id, "live": found["live"], "building": building.id}
    if await session.scalar(_LACKS, values):
        return None
    recut = [(row.version_id, row.chunk_count) for row in await session.execute(_RECUT, values)]
    await session.execute(_RETIRE, values)
    await session.execute(_ENTHRONE, values)
    return recut


async def tenants_to_purge(session: AsyncSession, retained_seconds: int) -> list[uuid.UUID]:
    """Tenants with a generation that nobody searches any more; needs no tenant set."""
    statement = text("SELECT citewell_tenants_to_purge(:seconds)")
    return list(await session.scalars(statement, {"seconds": retained_seconds}))


async def replaced(session: AsyncSession, tenant_id: uuid.UUID, retained_seconds: int) -> list[int]:
    """Ids of the tenant's generations that nobody searches any more."""
    values = {"tenant_id": tenant_id, "seconds": retained_seconds}
    return list(await session.scalars(_RETIRED, values))


async def purge_some(session: AsyncSession, tenant_id: uuid.UUID, generation_id: int) -> int:
    """Remove some versions of a generation; returns how many, 0 when only remains are left."""
    values = {"tenant_id": tenant_id, "id": generation_id, "limit": PURGED_VERSIONS}
    return await session.scalar(_PURGE_SOME, values) or 0


async def purge_rest(session: AsyncSession, tenant_id: uuid.UUID, generation_id: int) -> None:
    """Remove the remains of a generation, and itself."""
    for statement in _PURGE_REST:
        await session.execute(statement, {"tenant_id": tenant_id, "id": generation_id})
