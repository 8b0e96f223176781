"""Statements of identity."""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.kit.clock import utc_now
from citewell.kit.pagination import Page, PageRequest
from citewell.models.tenancy import ApiKey, RefreshToken, Tenant, User, UserStatus

LAST_USE_SECONDS = 60
"""Precision of a key's last use; recording each use would make every request a write."""


async def tenant_id_by_slug(session: AsyncSession, slug: str) -> uuid.UUID | None:
    """The active tenant of that name; needs no tenant set."""
    return await session.scalar(text("SELECT citewell_tenant_by_slug(:slug)"), {"slug": slug})


async def tenant_id_named(session: AsyncSession, slug: str) -> uuid.UUID | None:
    """The tenant of that name, active or not; needs no tenant set."""
    return await session.scalar(text("SELECT citewell_tenant_named(:slug)"), {"slug": slug})


async def tenant_ids(session: AsyncSession, request: PageRequest) -> Page[uuid.UUID]:
    """Ids of all tenants, oldest first; needs no tenant set."""
    total = await session.scalar(text("SELECT count(*) FROM citewell_all_tenants()")) or 0
    ids = await session.scalars(
        text("SELECT id FROM citewell_all_tenants() AS id ORDER BY id OFFSET :start LIMIT :limit"),
        {"start": request.offset, "limit": request.limit},
    )
    return Page(list(ids), request, total)


async def tenant(session: AsyncSession, tenant_id: uuid.UUID) -> Tenant | None:
    """The tenant the session acts for, active or not."""
    return await session.scalar(select(Tenant).where(Tenant.id == tenant_id))


async def lock_tenant(session: AsyncSession, tenant_id: uuid.UUID) -> Tenant | None:
    """The tenant, locked against other changes until the transaction ends."""
    # Weaker than FOR UPDATE: rows that refer to it are still made meanwhile.
    # `populate_existing` below: an object that the session read before the lock is stale.
    statement = select(Tenant).where(Tenant.id == tenant_id).with_for_update(key_share=True)
    return await session.scalar(statement, execution_options={"populate_existing": True})


async def save_tenant(session: AsyncSession, tenant: Tenant) -> None:
    """Write the changes of the tenant."""
    await session.flush([tenant])
    await session.refresh(tenant)


async def end_sessions(session: AsyncSession) -> None:
    """Make all refresh tokens of the tenant useless."""
    await session.execute(
        update(RefreshToken).where(RefreshToken.revoked_at.is_(None)).values(revoked_at=utc_now())
    )


async def add_tenant(
    session: AsyncSession, tenant_id: uuid.UUID, slug: str, name: str, **more: object
) -> bool:
    """Insert a tenant; False if its slug is taken. The session must act for it."""
    statement = insert(Tenant).values(id=tenant_id, slug=slug, name=name, **more)
    # DO NOTHING rather than catching the error, which would end the transaction.
    made = await session.scalar(statement.on_conflict_do_nothing().returning(Tenant.id))
    return made is not None


async def remove_tenant(session: AsyncSession, tenant_id: uuid.UUID) -> None:
    """Delete a tenant, its waiting jobs and all its rows; the session must act for it."""
    await session.execute(text("SET LOCAL statement_timeout = 0"))  # a large one takes minutes
    await session.execute(text("SELECT citewell_remove_tenant(:id)"), {"id": tenant_id})


async def hold_user(session: AsyncSession, user_id: uuid.UUID) -> bool:
    """Lock a user against removal until the transaction ends; False if there is none."""
    held = select(User.id).where(User.id == user_id).with_for_update(read=True, key_share=True)
    return await session.scalar(held) is not None


async def add_api_key(session: AsyncSession, key: ApiKey) -> None:
    """Insert a key."""
    session.add(key)
    await session.flush()


async def use_api_key(session: AsyncSession, digest: bytes) -> tuple[ApiKey, User | None] | None:
    """The valid key with this hash and its user; the last use is noted at most once a minute.

    None if it has expired, was revoked, or its user or tenant is not active.
    """
    # Key, user and tenant are checked in one statement on every request, so that a revocation,
    # deactivation or suspension holds from the next request on.
    now = utc_now()
    found = await session.execute(
        select(ApiKey, User)
        .join(Tenant, Tenant.id == ApiKey.tenant_id)
        .outerjoin(User, (User.tenant_id == ApiKey.tenant_id) & (User.id == ApiKey.user_id))
        .where(
            ApiKey.hash == digest,
            ApiKey.revoked_at.is_(None),
            or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now),
            or_(ApiKey.user_id.is_(None), User.status == UserStatus.ACTIVE),
            Tenant.status == "active",
        )
    )
    row = found.one_or_none()
    if row is None:
        return None
    key, user = row
    before = now - timedelta(seconds=LAST_USE_SECONDS)
    if key.last_used_at is None or key.last_used_at < before:
        is_old = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < before)
        # The age is asked for again: of many requests that saw the old time at once, one writes.
        noted = update(ApiKey).where(ApiKey.id == key.id, is_old).values(last_used_at=now)
        await session.execute(noted)
    return key, user


async def move_expiry(
    session: AsyncSession, key_id: uuid.UUID, before: datetime, after: datetime
) -> bool:
    """Move the expiry of a key that has not expired and has this one; whether there was one."""
    moved = (
        update(ApiKey)
        .where(
            ApiKey.id == key_id,
            ApiKey.expires_at == before,
            ApiKey.expires_at > utc_now(),
            ApiKey.revoked_at.is_(None),
        )
        .values(expires_at=after)
        .returning(ApiKey.id)
    )
    return await session.scalar(moved) is not None


async def api_key(session: AsyncSession, key_id: uuid.UUID) -> ApiKey | None:
    """The key with this id, revoked or not."""
    return await session.scalar(select(ApiKey).where(ApiKey.id == key_id))


def usable_api_keys() -> ColumnElement[bool]:
    """Keys that were not revoked."""
    return ApiKey.revoked_at.is_(None)


async def api_keys(session: AsyncSession) -> list[ApiKey]:
    """All keys, oldest first."""
    return list(await session.scalars(select(ApiKey).order_by(ApiKey.id)))


async def key_users(session: AsyncSession) -> dict[uuid.UUID, str]:
    """E-mail addresses of the users who have keys, by id."""
    having = select(ApiKey.user_id).where(ApiKey.user_id.is_not(None))
    rows = await session.execute(select(User.id, User.email).where(User.id.in_(having)))
    return {row[0]: row[1] for row in rows}


async def api_key_page(
    session: AsyncSession,
    request: PageRequest,
    *,
    user_id: uuid.UUID | None = None,
    key_id: uuid.UUID | None = None,
) -> Page[ApiKey]:
    """Keys, newest first; only those of a user, or only the one with this id, where given."""
    statement = select(ApiKey)
    if user_id is not None:
        statement = statement.where(ApiKey.user_id == user_id)
    if key_id is not None:
        statement = statement.where(ApiKey.id == key_id)
    total = await session.scalar(statement.with_only_columns(func.count(ApiKey.id))) or 0
    part = statement.order_by(ApiKey.id.desc()).offset(request.offset).limit(request.limit)
    return Page(list(await session.scalars(part)), request, total)


async def revoke_api_key(session: AsyncSession, key_id: uuid.UUID) -> bool:
    """Mark a key as revoked; False if there is none, or it was revoked before."""
    revoked = await session.scalars(
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=utc_now())
        .returning(ApiKey.id)
    )
    return revoked.one_or_none() is not None
