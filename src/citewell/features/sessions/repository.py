"""Statements of sessions."""

import uuid
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.features.sessions.tokens import AccessClaims
from citewell.kit.clock import utc_now
from citewell.models.documents import Document
from citewell.models.tenancy import ApiKey, RefreshToken, Tenant, User, UserStatus
from citewell.models.trash import trash_shown


async def tenants_of_email(session: AsyncSession, email: str) -> list[uuid.UUID]:
    """The active tenants with a user of that address; needs no tenant set."""
    statement = text("SELECT citewell_tenants_of_email(:email)")
    return list(await session.scalars(statement, {"email": email}))


async def user_by_email(session: AsyncSession, email: str) -> User | None:
    """The tenant's user with this address, whatever their status."""
    return await session.scalar(select(User).where(User.email == email))


async def user_by_id(session: AsyncSession, user_id: uuid.UUID) -> User | None:
    """The user, whatever their status."""
    return await session.scalar(select(User).where(User.id == user_id))


async def lock_user(session: AsyncSession, user_id: uuid.UUID) -> User | None:
    """The user, locked: nobody else changes their sessions until the transaction ends."""
    statement = select(User).where(User.id == user_id).with_for_update()
    return await session.scalar(statement, execution_options={"populate_existing": True})


async def lock_invited(session: AsyncSession, email: str, digest: bytes) -> User | None:
    """The user invited with this token who has not registered yet, locked."""
    return await session.scalar(
        select(User)
        .where(
            User.email == email,
            User.status == UserStatus.INVITED,
            User.invitation_hash == digest,
            User.invitation_expires_at > utc_now(),
        )
        # Of two registrations with one invitation, the second waits here and then finds none.
        .with_for_update()
    )


async def tenant(session: AsyncSession, tenant_id: uuid.UUID) -> Tenant | None:
    """The active tenant the session acts for."""
    return await session.scalar(
        select(Tenant).where(Tenant.id == tenant_id, Tenant.status == "active")
    )


async def lock_tenant(session: AsyncSession, tenant_id: uuid.UUID) -> Tenant | None:
    """The active tenant as of now; one transaction at a time decides on its set-up."""
    # Weaker than FOR UPDATE: rows that refer to the tenant are still made meanwhile.
    held = (
        select(Tenant)
        .where(Tenant.id == tenant_id, Tenant.status == "active")
        .with_for_update(key_share=True)
    )
    return await session.scalar(held, execution_options={"populate_existing": True})


async def has_people(session: AsyncSession) -> bool:
    """Whether the tenant has a user, or one of its keys was ever used."""
    used_key = select(ApiKey.id).where(ApiKey.last_used_at.is_not(None))
    found = await session.scalar(select(or_(exists(select(User.id)), exists(used_key))))
    return bool(found)


async def count_documents(session: AsyncSession) -> int:
    """Number of documents in the tenant, including those in the trash."""
    async with trash_shown(session):
        return await session.scalar(select(func.count()).select_from(Document)) or 0


async def add_user(session: AsyncSession, **values: object) -> User | None:
    """The user just inserted; None if the tenant has one with this address."""
    statement = insert(User).values(**values).on_conflict_do_nothing().returning(User)
    return await session.scalar(statement)


async def user_of_session(session: AsyncSession, claims: AccessClaims) -> User | None:
    """The user of an access token; None once its session, user or tenant has changed."""
    # Session, user and tenant in one statement: whatever ended any of them holds from the next
    # request on.
    is_alive = exists().where(
        RefreshToken.tenant_id == User.tenant_id,
        RefreshToken.user_id == User.id,
        RefreshToken.family_id == claims.session_id,
        _is_live(),
    )
    has_tenant = exists().where(
        Tenant.id == User.tenant_id,
        Tenant.status == "active",
        Tenant.session_version == claims.tenant_version,
    )
    return await session.scalar(
        select(User).where(
            User.id == claims.user_id,
            User.status == UserStatus.ACTIVE,
            User.session_version == claims.user_version,
            has_tenant,
            is_alive,
        )
    )


async def add_refresh_token(session: AsyncSession, token: RefreshToken) -> None:
    """Insert a token."""
    session.add(token)
    await session.flush()


async def owner_of_refresh_token(session: AsyncSession, digest: bytes) -> uuid.UUID | None:
    """The id of the user whose token has this hash, spent or not."""
    return await session.scalar(select(RefreshToken.user_id).where(RefreshToken.hash == digest))


async def refresh_token(session: AsyncSession, digest: bytes) -> RefreshToken | None:
    """The token with this hash as of now; to be read under the lock of its user."""
    return await session.scalar(select(RefreshToken).where(RefreshToken.hash == digest))


async def end_family(session: AsyncSession, family_id: uuid.UUID) -> bool:
    """Make all tokens of a session useless; False if it had ended before.

    Call it under the lock of its user; otherwise a token made at the same time would survive.
    """
    ended = await session.scalars(
        update(RefreshToken)
        .where(RefreshToken.family_id == family_id, RefreshToken.revoked_at.is_(None))
        .values(revoked_at=utc_now())
        .returning(RefreshToken.id)
    )
    return len(ended.all()) > 0


async def end_families(
    session: AsyncSession, user_id: uuid.UUID, *, but: uuid.UUID | None = None
) -> None:
    """Make all tokens of a user useless, those of the session `but` excepted; under their lock."""
    statement = update(RefreshToken).where(
        RefreshToken.user_id == user_id, RefreshToken.revoked_at.is_(None)
    )
    if but is not None:
        statement = statement.where(RefreshToken.family_id != but)
    await session.execute(statement.values(revoked_at=utc_now()))


async def remove_expired(session: AsyncSession, user_id: uuid.UUID, now: datetime) -> None:
    """Delete the tokens of a user's sessions that have passed their longest lifetime."""
    await session.execute(
        delete(RefreshToken).where(RefreshToken.user_id == user_id, RefreshToken.expires_at < now)
    )


def _is_live() -> ColumnElement[bool]:
    return and_(
        RefreshToken.used_at.is_(None),
        RefreshToken.revoked_at.is_(None),
        RefreshToken.expires_at > utc_now(),
    )
