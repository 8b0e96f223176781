"""Statements of search that are not the index's."""

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.access.policy import Reach
from citewell.access.statements import reach_sql
from citewell.models.documents import Document


async def has_metadata_key(session: AsyncSession, key: str, reach: Reach) -> bool:
    """Whether any document the caller may read has this metadata key."""
    predicate, values = reach_sql(reach, table="document", document_column="id")
    found = await session.scalar(
        select(Document.id)
        .where(text(predicate).bindparams(**values), Document.metadata_.has_key(key))
        .limit(1)
    )
    return found is not None
