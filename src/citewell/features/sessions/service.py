"""Sessions: begun by signing in, renewed by refresh tokens, ended with immediate effect."""

import uuid
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from citewell.access.policy import Role
from citewell.core.context import SYSTEM, Actor, ActorKind, Caller, Context, Origin, unit_of_work
from citewell.core.platform import Platform
from citewell.features.audit import service as audit
from citewell.features.identity.errors import CredentialError
from citewell.features.notices import service as notices
from citewell.features.sessions import repository
from citewell.features.sessions.errors import NoSessionError, RefreshError
from citewell.features.sessions.schemas import MeRead, MyselfRead, SessionTokens, TenantRead
from citewell.features.sessions.second_factor import Method, is_password_enough, is_required
from citewell.features.sessions.tokens import (
    ACCESS_SECONDS,
    SESSION_SECONDS,
    AccessClaims,
    digest_of,
    new_refresh_token,
    read_access_token,
    sign_access_token,
    tenant_of_refresh_token,
)
from citewell.features.users import service as users
from citewell.kit.clock import utc_now
from citewell.kit.ids import uuid7
from citewell.models.tenancy import RefreshToken, Tenant, User, UserStatus


async def authenticate(platform: Platform, token: str) -> Caller:
    """The caller behind an access token, checked against the database.

    Raises:
        CredentialError: It is none of ours, expired, or its session has ended.
    """
    claims = _claims(platform, token)
    async with unit_of_work(platform, Caller(claims.tenant_id, SYSTEM)) as ctx:
        user = await repository.user_of_session(ctx.session, claims)
        if user is None:
            raise CredentialError
        return Caller(claims.tenant_id, actor_of(user, claims.session_id))


def _claims(platform: Platform, token: str) -> AccessClaims:
    """The claims of a token signed with the current key, or with a former one still accepted."""
    # Former keys stay accepted after a change of the key, so that nobody is signed out by it.
    for key in (platform.token_key, *platform.former_token_keys):
        with suppress(CredentialError):
            return read_access_token(key, token)
    raise CredentialError


def actor_of(user: User, session_id: uuid.UUID | None) -> Actor:
    """A signed-in user as an actor."""
    return replace(users.caller_of(user).actor, credential_id=session_id)


async def begin(
    ctx: Context,
    user: User,
    action: str = "session.started",
    *,
    method: Method = Method.PASSWORD,
    provider: str | None = None,
) -> SessionTokens:
    """Sign a user in; the caller holds their lock or has just made them.

    Raises:
        CredentialError: Their tenant is not active.
    """
    how = f"{method}:{provider}" if provider else method.value
    now = utc_now()
    # Signing in is the one moment that every user has: no job has to visit all tenants for it.
    await repository.remove_expired(ctx.session, user.id, now)
    user.last_login_at = now
    family_id = uuid7()
    expires_at = now + timedelta(seconds=SESSION_SECONDS)
    tokens = await _issue(
        ctx,
        user,
        RefreshToken(id=family_id, family_id=family_id, expires_at=expires_at, method=how),
    )
    if tokens is None:
        raise CredentialError
    details = {} if method is Method.PASSWORD else {"method": how}
    await note(ctx, user, family_id, action, **details)
    return tokens


async def begin_by_password(ctx: Context, user: User, action: str) -> SessionTokens | None:
    """Sign in a user who has just set their password; None if they need more than that.

    Raises:
        CredentialError: Their tenant is not active.
    """
    if await is_password_enough(ctx, user):
        return await begin(ctx, user, action, method=Method.PASSWORD)
    await note(ctx, user, None, action)
    return None


async def refresh(platform: Platform, token: str, origin: Origin) -> SessionTokens:
    """New tokens for a refresh token, which is spent by it.

    A token used twice means that it or its successor was stolen, so the session ends.

    Raises:
        RefreshError: It is none of ours, spent, ended or expired.
    """
    tenant_id = tenant_of_refresh_token(token)
    if tenant_id is None:
        raise RefreshError
    async with unit_of_work(platform, Caller(tenant_id, SYSTEM, origin)) as ctx:
        tokens = await _rotate(ctx, digest_of(token))
    # Raised outside of the unit of work, so that the end of the session is committed.
    if tokens is None:
        raise RefreshError
    return tokens


async def _rotate(ctx: Context, digest: bytes) -> SessionTokens | None:
    user_id = await repository.owner_of_refresh_token(ctx.session, digest)
    # The user's lock before the token is read: of two uses of one token, the second sees the first.
    user = await repository.lock_user(ctx.session, user_id) if user_id else None
    token = await repository.refresh_token(ctx.session, digest) if user else None
    now = utc_now()
    if user is None or token is None or token.revoked_at is not None or token.expires_at <= now:
        return None
    if token.used_at is not None:
        await repository.end_family(ctx.session, token.family_id)
        await note(ctx, user, token.family_id, "session.reuse_detected")
        return None
    if user.status != UserStatus.ACTIVE:
        return None
    token.used_at = now
    # The end is inherited: renewing does not prolong a session beyond its longest life.
    successor = RefreshToken(
        id=uuid7(),
        family_id=token.family_id,
        expires_at=token.expires_at,
        method=token.method,
    )
    return await _issue(ctx, user, successor)


async def _issue(ctx: Context, user: User, token: RefreshToken) -> SessionTokens | None:
    """Store the next refresh token of a session.

    None if the tenant is not active, or has come to ask for more than the session was begun with.
    """
    tenant = await repository.tenant(ctx.session, ctx.tenant_id)
    if tenant is None or (token.method == Method.PASSWORD and is_required(tenant, user)):
        return None
    secret = new_refresh_token(ctx.tenant_id)
    token.tenant_id, token.user_id, token.hash = ctx.tenant_id, user.id, digest_of(secret)
    await repository.add_refresh_token(ctx.session, token)
    left = token.expires_at - utc_now()
    return SessionTokens(
        access_token=_access_token(ctx, tenant, user, token.family_id),
        expires_in=ACCESS_SECONDS,
        refresh_token=secret,
        refresh_expires_in=int(left.total_seconds()),
    )


def _access_token(ctx: Context, tenant: Tenant, user: User, family_id: uuid.UUID) -> str:
    claims = AccessClaims(
        tenant_id=ctx.tenant_id,
        user_id=user.id,
        session_id=family_id,
        tenant_version=tenant.session_version,
        user_version=user.session_version,
    )
    return sign_access_token(ctx.platform.token_key, claims)


async def renew_access(ctx: Context, user: User, family_id: uuid.UUID) -> str:
    """An access token for a session that goes on although the user's version was raised.

    Raises:
        CredentialError: The tenant is not active.
    """
    tenant = await repository.tenant(ctx.session, ctx.tenant_id)
    if tenant is None:
        raise CredentialError
    return _access_token(ctx, tenant, user, family_id)


async def end(ctx: Context, *, everywhere: bool) -> None:
    """Sign the caller out of their session, or of all they have.

    Raises:
        NoSessionError: The caller is no signed-in user.
        CredentialError: The user was removed a moment ago.
    """
    user_id, family_id = session_of(ctx.caller)
    user = await repository.lock_user(ctx.session, user_id)
    if user is None:
        raise CredentialError
    await _end(ctx, user, family_id, everywhere=everywhere)


async def end_by_refresh_token(
    platform: Platform, token: str, origin: Origin, *, everywhere: bool
) -> None:
    """Sign out of the session of a refresh token.

    A spent one still ends its session, but not the others of its user.

    Raises:
        RefreshError: It is none of ours, or its session has ended.
    """
    tenant_id = tenant_of_refresh_token(token)
    if tenant_id is None:
        raise RefreshError
    digest = digest_of(token)
    async with unit_of_work(platform, Caller(tenant_id, SYSTEM, origin)) as ctx:
        user_id = await repository.owner_of_refresh_token(ctx.session, digest)
        user = await repository.lock_user(ctx.session, user_id) if user_id else None
        known = await repository.refresh_token(ctx.session, digest) if user else None
        if user is None or known is None or known.revoked_at is not None:
            raise RefreshError
        # A spent token may be in a thief's hands: it must not sign its owner out everywhere.
        is_live = known.used_at is None and known.expires_at > utc_now()
        await _end(ctx, user, known.family_id, everywhere=everywhere and is_live)


async def _end(ctx: Context, user: User, family_id: uuid.UUID, *, everywhere: bool) -> None:
    if everywhere:
        user.session_version += 1
        await repository.end_families(ctx.session, user.id)
    else:
        await repository.end_family(ctx.session, family_id)
    await note(ctx, user, family_id, "session.ended", everywhere=everywhere)


async def note(
    ctx: Context, user: User, family_id: uuid.UUID | None, action: str, **details: object
) -> None:
    """Record an action as done by the user, and tell them by mail if it is one of that kind.

    The unit of work need not have a signed-in caller yet.
    """
    acting = replace(ctx, actor=actor_of(user, family_id))
    kind = action.partition(".")[0]
    object_id = user.id if kind == "user" else family_id
    await audit.record(acting, action, object_kind=kind, object_id=object_id, details=details)
    await notices.tell_of(ctx, user, action)


def session_of(caller: Caller) -> tuple[uuid.UUID, uuid.UUID]:
    """Ids of the user and of the session of a signed-in caller.

    Raises:
        NoSessionError: The caller is no signed-in user.
    """
    actor = caller.actor
    if actor.kind is not ActorKind.USER or actor.user_id is None or actor.credential_id is None:
        raise NoSessionError
    return actor.user_id, actor.credential_id


async def me(ctx: Context) -> MeRead:
    """The caller as `/auth/me` shows them.

    Raises:
        CredentialError: The caller's tenant or user has gone.
    """
    tenant = await repository.tenant(ctx.session, ctx.tenant_id)
    user_id = ctx.actor.user_id
    user = await repository.user_by_id(ctx.session, user_id) if user_id else None
    if tenant is None or (user_id is not None and user is None):
        raise CredentialError
    session_id = ctx.actor.credential_id if ctx.actor.kind is ActorKind.USER else None
    method = await repository.method_of(ctx.session, session_id) if session_id else None
    return MeRead(
        kind=ctx.actor.kind,
        signed_in_by=method,
        scopes=sorted(ctx.actor.scopes),
        tenant=TenantRead.model_validate(tenant),
        user=user
        and MyselfRead(
            id=user.id,
            email=user.email,
            name=user.name,
            role=Role(user.role).name.lower(),
            is_admin=user.is_admin,
        ),
    )
