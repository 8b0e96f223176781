"""Reads stored chunks back in full, for exports and for building another generation."""

import uuid
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.engine.lexical.base import SparseVector
from citewell.indexes.events import ChunkRow
from citewell.indexes.postgres.literals import dense_vector

_ROWS = text("""
SELECT id, ordinal, text, context, heading, page, page_breaks, start_offset, end_offset, language,
  content_hash,
  halfvec_send(embedding) AS embedding, terms::text AS terms
FROM chunk
WHERE tenant_id = :tenant_id AND version_id = :version_id AND generation_id = :generation_id
  AND ordinal >= :first
ORDER BY ordinal LIMIT :limit
""")

_TAKEN = text("""
SELECT id FROM chunk WHERE tenant_id = :tenant_id AND id = ANY(CAST(:ids AS uuid[]))
""")


async def rows(
    session: AsyncSession,
    tenant_id: uuid.UUID,
    version_id: uuid.UUID,
    generation_id: int,
    *,
    first: int,
    limit: int,
) -> list[ChunkRow]:
    """See `Generations.chunks`."""
    values = {
        "tenant_id": tenant_id,
        "version_id": version_id,
        "generation_id": generation_id,
        "first": first,
        "limit": limit,
    }
    return [
        ChunkRow(
            ordinal=row.ordinal,
            text=row.text,
            context=row.context,
            heading=tuple(row.heading),
            page=row.page,
            page_breaks=tuple(row.page_breaks),
            start=row.start_offset,
            end=row.end_offset,
            language=row.language,
            content_hash=bytes(row.content_hash),
            embedding=dense_vector(row.embedding),
            terms=_sparse(row.terms),
            id=row.id,
        )
        for row in await session.execute(_ROWS, values)
    ]


async def taken(
    session: AsyncSession, tenant_id: uuid.UUID, ids: Sequence[uuid.UUID]
) -> set[uuid.UUID]:
    """See `Writer.taken_ids`."""
    return set(await session.scalars(_TAKEN, {"tenant_id": tenant_id, "ids": list(ids)}))


def _sparse(literal: str) -> SparseVector:
    """Term weights from the form `{1:0.5,...}/dimensions`."""
    inside = literal[1 : literal.index("}")]
    pairs = (part.split(":") for part in inside.split(",") if part)
    return {int(term): float(weight) for term, weight in pairs}
