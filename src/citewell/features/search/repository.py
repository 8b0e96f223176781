"""Statements of search that are not the index's."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.models.library import Document


async def has_metadata_key(session: AsyncSession, key: str, max_level: int) -> bool:
    """Whether any document the caller may read has this metadata key."""
    found = await session.scalar(
        select(Document.id)
        .where(Document.access_level <= max_level, Document.metadata_.has_key(key))
        .limit(1)
    )
    return found is not None
