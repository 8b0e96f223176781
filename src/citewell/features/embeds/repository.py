"""Statements of boxes on other sites."""

import uuid

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.kit.pagination import Page, PageRequest
from citewell.models.embeds import Embed
from citewell.models.tenancy import Tenant


async def page(session: AsyncSession, request: PageRequest) -> Page[Embed]:
    """Boxes by name."""
    total = await session.scalar(select(func.count(Embed.id))) or 0
    rows = await session.scalars(
        select(Embed)
        .order_by(func.lower(Embed.name), Embed.id)
        .offset(request.offset)
        .limit(request.limit)
    )
    return Page(list(rows), request, total)


async def count(session: AsyncSession) -> int:
    """How many there are."""
    return await session.scalar(select(func.count(Embed.id))) or 0


async def find(session: AsyncSession, embed_id: uuid.UUID) -> Embed | None:
    """A box."""
    return await session.scalar(select(Embed).where(Embed.id == embed_id))


async def lock(session: AsyncSession, embed_id: uuid.UUID) -> Embed | None:
    """The same, locked against other changes until the transaction ends."""
    return await session.scalar(select(Embed).where(Embed.id == embed_id).with_for_update())


async def open_one(session: AsyncSession, embed_id: uuid.UUID) -> Embed | None:
    """A box that answers: it and its tenant are active."""
    return await session.scalar(
        select(Embed)
        .join(Tenant, Tenant.id == Embed.tenant_id)
        .where(Embed.id == embed_id, Embed.is_active, Tenant.status == "active")
    )


async def save(session: AsyncSession, embed: Embed) -> None:
    """Insert a box, or write its changes, and read what the database filled in."""
    session.add(embed)
    await session.flush()
    await session.refresh(embed)


async def remove(session: AsyncSession, embed_id: uuid.UUID) -> None:
    """Delete a box."""
    await session.execute(delete(Embed).where(Embed.id == embed_id))
