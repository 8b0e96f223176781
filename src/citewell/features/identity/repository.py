"""Statements of identity."""

import uuid

from sqlalchemy import exists, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.kit.clock import utc_now
from citewell.models.tenancy import ApiKey, Tenant


async def tenant_id_by_slug(session: AsyncSession, slug: str) -> uuid.UUID | None:
    """The active tenant of that name; needs no tenant set."""
    return await session.scalar(text("SELECT citewell_tenant_by_slug(:slug)"), {"slug": slug})


async def add_tenant(session: AsyncSession, tenant_id: uuid.UUID, slug: str, name: str) -> bool:
    """Insert a tenant; False if its slug is taken. The session must act for it."""
    statement = insert(Tenant).values(id=tenant_id, slug=slug, name=name)
    made = await session.scalar(statement.on_conflict_do_nothing().returning(Tenant.id))
    return made is not None


async def remove_tenant(session: AsyncSession, tenant_id: uuid.UUID) -> None:
    """Delete a tenant, its waiting jobs and all its rows; the session must act for it."""
    await session.execute(text("SET LOCAL statement_timeout = 0"))  # a large one takes minutes
    await session.execute(text("SELECT citewell_remove_tenant(:id)"), {"id": tenant_id})


async def add_api_key(session: AsyncSession, key: ApiKey) -> None:
    """Insert a key."""
    session.add(key)
    await session.flush()


async def use_api_key(session: AsyncSession, digest: bytes) -> ApiKey | None:
    """The valid key with this hash; its last use is noted at most once a minute."""
    now = utc_now()
    key = await session.scalar(
        select(ApiKey).where(
            ApiKey.hash == digest,
            ApiKey.revoked_at.is_(None),
            exists().where(Tenant.id == ApiKey.tenant_id, Tenant.status == "active"),
            or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now),
        )
    )
    if key and (key.last_used_at is None or (now - key.last_used_at).total_seconds() > 60):
        await session.execute(update(ApiKey).where(ApiKey.id == key.id).values(last_used_at=now))
    return key


async def api_keys(session: AsyncSession) -> list[ApiKey]:
    """All keys, oldest first."""
    return list(await session.scalars(select(ApiKey).order_by(ApiKey.id)))


async def revoke_api_key(session: AsyncSession, key_id: uuid.UUID) -> bool:
    """Mark a key as revoked; False if there is none."""
    revoked = await session.scalars(
        update(ApiKey).where(ApiKey.id == key_id).values(revoked_at=utc_now()).returning(ApiKey.id)
    )
    return revoked.one_or_none() is not None
