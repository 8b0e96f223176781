"""Which embedding space a tenant's chunks live in."""

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.core.index import Generation
from citewell.engine.embedding.base import EmbedderSpec
from citewell.models.index import IndexGeneration


async def live(session: AsyncSession) -> Generation | None:
    """The generation that answers the session's tenant."""
    row = await session.scalar(select(IndexGeneration).where(IndexGeneration.status == "live"))
    return Generation(row.id, row.embedding, row.dimensions) if row else None


async def ensure(session: AsyncSession, spec: EmbedderSpec) -> Generation:
    """The live generation; begun now if the tenant has none."""
    found = await live(session)
    if found is None:
        await session.execute(
            insert(IndexGeneration)
            .values(
                tenant_id=session.info["tenant_id"],
                embedding=spec.name,
                dimensions=spec.dimensions,
                status="live",
            )
            .on_conflict_do_nothing()
        )
        found = await live(session)
    assert found is not None
    return found


async def retire(session: AsyncSession) -> list[int]:
    """Mark all the tenant's generations as retired: nothing is built for them; their ids."""
    statement = update(IndexGeneration).where(
        IndexGeneration.tenant_id == session.info["tenant_id"]
    )
    retired = statement.values(status="retired").returning(IndexGeneration.id)
    return list(await session.scalars(retired))
