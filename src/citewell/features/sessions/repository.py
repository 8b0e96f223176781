"""Statements of sessions."""

import uuid
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.features.sessions.tokens import AccessClaims
from citewell.kit.clock import utc_now
from citewell.models.factors import Passkey, ProviderAccount, SecondFactor, SignInCeremony
from citewell.models.tenancy import ApiKey, RefreshToken, Tenant, User, UserStatus


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


async def lock_resetting(session: AsyncSession, email: str, digest: bytes) -> User | None:
    """The active user who may set a password with this token, locked."""
    return await session.scalar(
        select(User)
        .where(
            User.email == email,
            User.status == UserStatus.ACTIVE,
            or_(
                and_(User.reset_hash == digest, User.reset_expires_at > utc_now()),
                and_(User.mailed_reset_hash == digest, User.mailed_reset_expires_at > utc_now()),
            ),
        )
        # Of two that use one token, the second waits here and then finds none.
        .with_for_update()
    )


async def lock_forgetful(session: AsyncSession, email: str) -> User | None:
    """The active user with this address who has a password, locked."""
    return await session.scalar(
        select(User)
        .where(
            User.email == email,
            User.status == UserStatus.ACTIVE,
            User.password_hash.is_not(None),
        )
        .with_for_update()
    )


async def lock_confirming(session: AsyncSession, digest: bytes) -> User | None:
    """The active user whose new address this token confirms, locked."""
    return await session.scalar(
        select(User)
        .where(
            User.status == UserStatus.ACTIVE,
            User.new_email_hash == digest,
            User.new_email_expires_at > utc_now(),
        )
        # Of two that use one token, the second waits here and then finds none.
        .with_for_update()
    )


async def save_email(session: AsyncSession, user: User) -> bool:
    """Write a user's new address; False if the tenant has another user with it."""
    try:
        async with session.begin_nested():
            await session.flush([user])
    except IntegrityError:
        return False
    return True


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
    """Whether the tenant has a user, or a key was ever used that is not its first.

    The first key is as much the operator's alone as the set-up token, and beside it on the disk: a
    question asked with it, as the start suggests, opens nothing to anybody.
    """
    oldest = select(ApiKey.id).order_by(ApiKey.created_at, ApiKey.id).limit(1).scalar_subquery()
    used_key = select(ApiKey.id).where(ApiKey.last_used_at.is_not(None), ApiKey.id != oldest)
    found = await session.scalar(select(or_(exists(select(User.id)), exists(used_key))))
    return bool(found)


async def is_unused(session: AsyncSession, tenant_id: uuid.UUID) -> bool:
    """Whether the tenant's set-up is open: it was not closed, and nobody is there yet."""
    is_open = exists().where(
        Tenant.id == tenant_id, Tenant.status == "active", Tenant.setup_closed_at.is_(None)
    )
    return bool(await session.scalar(select(is_open))) and not await has_people(session)


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


async def second_factor(session: AsyncSession, user_id: uuid.UUID) -> SecondFactor | None:
    """The second factor of a user, also one that is not in use yet."""
    held = select(SecondFactor).where(SecondFactor.user_id == user_id)
    return await session.scalar(held, execution_options={"populate_existing": True})


async def put_second_factor(
    session: AsyncSession,
    tenant_id: uuid.UUID,
    user_id: uuid.UUID,
    sealed: bytes,
    key_id: uuid.UUID,
) -> None:
    """Keep the secret of a factor that is not in use yet; one offered before is void."""
    values: dict[str, object] = {
        "sealed_secret": sealed, "key_id": key_id, "last_step": 0, "recovery_hashes": [],
    }  # fmt: skip
    await session.execute(
        insert(SecondFactor)
        .values(tenant_id=tenant_id, user_id=user_id, **values)
        .on_conflict_do_update(index_elements=["tenant_id", "user_id"], set_=values)
    )


async def remove_second_factor(session: AsyncSession, user_id: uuid.UUID) -> None:
    """Delete the second factor of a user."""
    await session.execute(delete(SecondFactor).where(SecondFactor.user_id == user_id))


async def put_ceremony(session: AsyncSession, **values: object) -> None:
    """Keep a sign-in that is under way; those of the tenant that took too long go."""
    await session.execute(delete(SignInCeremony).where(SignInCeremony.expires_at < utc_now()))
    await session.execute(insert(SignInCeremony).values(**values))


async def take_ceremony(session: AsyncSession, digest: bytes, kind: str) -> dict[str, str] | None:
    """The data of a sign-in that is under way, which is over by that; None if there is none."""
    taken = delete(SignInCeremony).where(
        SignInCeremony.hash == digest,
        SignInCeremony.kind == kind,
        SignInCeremony.expires_at > utc_now(),
    )
    return await session.scalar(taken.returning(SignInCeremony.data))


async def use_up(
    session: AsyncSession, tenant_id: uuid.UUID, digest: bytes, until: datetime
) -> bool:
    """Remember that a signed ceremony was used, until it ends by itself; False if it was before."""
    await session.execute(delete(SignInCeremony).where(SignInCeremony.expires_at < utc_now()))
    values: dict[str, object] = {
        "tenant_id": tenant_id, "hash": digest, "kind": "used", "data": {},
    }  # fmt: skip
    made = insert(SignInCeremony).values(**values, expires_at=until).on_conflict_do_nothing()
    return await session.scalar(made.returning(SignInCeremony.hash)) is not None


async def user_of_account(session: AsyncSession, issuer: str, subject: str) -> uuid.UUID | None:
    """The id of the user with this account at a provider."""
    return await session.scalar(
        select(ProviderAccount.user_id).where(
            ProviderAccount.issuer == issuer, ProviderAccount.subject == subject
        )
    )


async def add_account(
    session: AsyncSession, tenant_id: uuid.UUID, issuer: str, subject: str, user_id: uuid.UUID
) -> None:
    """Keep the account of a user at a provider."""
    values = {"tenant_id": tenant_id, "issuer": issuer, "subject": subject, "user_id": user_id}
    await session.execute(insert(ProviderAccount).values(values).on_conflict_do_nothing())


async def passkeys(session: AsyncSession, user_id: uuid.UUID) -> list[Passkey]:
    """The passkeys of a user, oldest first."""
    found = select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id)
    return list(await session.scalars(found))


async def passkey(
    session: AsyncSession, user_id: uuid.UUID, credential_id: bytes
) -> Passkey | None:
    """The passkey of a user by the authenticator's name for it."""
    return await session.scalar(
        select(Passkey).where(Passkey.user_id == user_id, Passkey.credential_id == credential_id)
    )


async def add_passkey(session: AsyncSession, made: Passkey) -> bool:
    """Insert a passkey; False if the tenant has it already."""
    try:
        async with session.begin_nested():
            session.add(made)
            await session.flush()
    except IntegrityError:
        return False
    return True


async def remove_passkey(session: AsyncSession, user_id: uuid.UUID, passkey_id: uuid.UUID) -> bool:
    """Delete a passkey of a user; False if there is none."""
    wanted = delete(Passkey).where(Passkey.user_id == user_id, Passkey.id == passkey_id)
    return (await session.scalars(wanted.returning(Passkey.id))).one_or_none() is not None


async def method_of(session: AsyncSession, family_id: uuid.UUID) -> str | None:
    """How a session was begun."""
    found = select(RefreshToken.method).where(RefreshToken.family_id == family_id).limit(1)
    return await session.scalar(found)


async def set_method(session: AsyncSession, family_id: uuid.UUID, method: str) -> None:
    """Note that a session that goes on has shown more than it was begun with."""
    await session.execute(
        update(RefreshToken).where(RefreshToken.family_id == family_id).values(method=method)
    )


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
