"""Taking a whole document out of what is findable, and bringing it back as it was."""

import uuid

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.indexes.contract import VersionKey

# What is findable is what the statistics count, generation by generation.
_HIDE = text("""
WITH hidden AS (
  UPDATE chunk SET active = false
  WHERE tenant_id = :tenant_id AND document_id = :document_id AND active
  RETURNING version_id, generation_id
)
INSERT INTO term_delta (tenant_id, generation_id, sign, chunk_count, terms, frequencies)
SELECT t.tenant_id, t.generation_id, -1, t.chunk_count, t.terms, t.frequencies
FROM version_terms t
WHERE t.tenant_id = :tenant_id
  AND (t.version_id, t.generation_id) IN (SELECT version_id, generation_id FROM hidden)
""")

# A generation without the version's terms does not have all of it yet.
_SHOW = text("""
WITH shown AS (
  UPDATE chunk SET active = true, access_level = :access_level, collection_id = :collection_id
  WHERE tenant_id = :tenant_id AND version_id = :version_id AND generation_id IN (
    SELECT generation_id FROM version_terms
    WHERE tenant_id = :tenant_id AND version_id = :version_id)
  RETURNING generation_id
), noted AS (
  INSERT INTO term_delta (tenant_id, generation_id, sign, chunk_count, terms, frequencies)
  SELECT t.tenant_id, t.generation_id, 1, t.chunk_count, t.terms, t.frequencies
  FROM version_terms t
  WHERE t.tenant_id = :tenant_id AND t.version_id = :version_id
    AND t.generation_id IN (SELECT generation_id FROM shown)
)
SELECT count(*) FROM shown WHERE generation_id = :generation_id
""")


async def hide(session: AsyncSession, tenant_id: uuid.UUID, document_id: uuid.UUID) -> None:
    """See `Writer.hide`."""
    await session.execute(_HIDE, {"tenant_id": tenant_id, "document_id": document_id})


async def show(session: AsyncSession, key: VersionKey, generation_id: int) -> int:
    """See `Writer.show`."""
    values = {
        "tenant_id": key.tenant_id,
        "version_id": key.version_id,
        "collection_id": key.collection_id,
        "access_level": key.access_level,
        "generation_id": generation_id,
    }
    return await session.scalar(_SHOW, values) or 0
