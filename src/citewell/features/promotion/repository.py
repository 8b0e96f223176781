"""Tenants and the names in their documents, to ask two installations the same questions."""

import uuid

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_NAMES = text("""
SELECT name FROM (
  SELECT left(title, 200) AS name FROM document
  WHERE tenant_id = :tenant_id AND active_version_id IS NOT NULL
  UNION
  SELECT left(c.heading[array_upper(c.heading, 1)], 200) FROM chunk c
  WHERE c.tenant_id = :tenant_id AND c.active AND cardinality(c.heading) > 0
) AS named WHERE trim(name) <> '' ORDER BY md5(name) LIMIT :most
""")


async def all_tenants(session: AsyncSession) -> list[uuid.UUID]:
    """All tenants; needs no tenant set."""
    return list(await session.scalars(text("SELECT citewell_all_tenants()")))


async def names_in_documents(session: AsyncSession, most: int) -> list[str]:
    """Titles and headings from all over the tenant's library, the same ones each time."""
    values = {"tenant_id": session.info["tenant_id"], "most": most}
    return list(await session.scalars(_NAMES, values))
