"""Tenants, and API keys that name their tenant."""

import base64
import hashlib
import re
import secrets
import uuid
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from citewell.access.policy import Role, Scope
from citewell.core.context import (
    OPERATOR,
    TENANT_SCOPES,
    Actor,
    ActorKind,
    Caller,
    Context,
    unit_of_work,
)
from citewell.core.database.parts import RowFilter
from citewell.core.platform import Platform
from citewell.features.audit import service as audit
from citewell.features.identity import repository
from citewell.features.identity.errors import (
    ApiKeyNotFoundError,
    CredentialError,
    TenantExistsError,
    TenantNotFoundError,
)
from citewell.features.identity.schemas import NewApiKey
from citewell.indexes.contract import index_of
from citewell.kit.ids import uuid7
from citewell.models.tenancy import ApiKey, User

DEFAULT_TENANT = "default"
FIRST_KEY_NAME = "first key"

_KEY = re.compile(r"cw_([a-z2-7]{26})_([A-Za-z0-9_-]{43})")
"""Form of a key: tenant id in base32, then 256 random bits. The tenant must be known before any
row can be read, because row-level security hides all rows without one."""


async def find_tenant(platform: Platform, slug: str) -> uuid.UUID:
    """The id of an active tenant.

    Raises:
        TenantNotFoundError: There is none of that name.
    """
    async with platform.database.unit_of_work(None) as session:
        tenant_id = await repository.tenant_id_by_slug(session, slug)
    if tenant_id is None:
        raise TenantNotFoundError(slug)
    return tenant_id


async def ensure_default_tenant(platform: Platform) -> NewApiKey | None:
    """Make the first tenant and its first key on a new installation; None if they exist."""
    try:
        await find_tenant(platform, DEFAULT_TENANT)
    except TenantNotFoundError:
        # Another process may be starting on the same new installation.
        with suppress(TenantExistsError):
            return await create_tenant(platform, DEFAULT_TENANT, "Default")
    return None


async def create_tenant(platform: Platform, slug: str, name: str, **more: object) -> NewApiKey:
    """Make a tenant with a first API key, in one transaction.

    Args:
        platform: The process's platform.
        slug: Its short name.
        name: Its name.
        **more: Other columns of the tenant.

    Raises:
        TenantExistsError: The slug is taken.
    """
    tenant_id = uuid7()
    async with unit_of_work(platform, Caller(tenant_id, OPERATOR)) as ctx:
        if not await repository.add_tenant(ctx.session, tenant_id, slug, name, **more):
            raise TenantExistsError(slug)
        await audit.record(ctx, "tenant.created", object_kind="tenant", object_id=tenant_id)
        return await create_api_key(ctx, FIRST_KEY_NAME)


async def delete_tenant(platform: Platform, tenant_id: uuid.UUID) -> None:
    """Remove a tenant with everything it has."""
    async with (
        # Stops index builds of the tenant before its rows go, and drops its indexes afterwards.
        index_of(platform).generations.removing(tenant_id),
        unit_of_work(platform, Caller(tenant_id, OPERATOR)) as ctx,
    ):
        await repository.remove_tenant(ctx.session, tenant_id)
    # After the commit: if the deletion is rolled back, its documents still have their files.
    await platform.blobs.delete_all(tenant_id)


async def create_api_key(
    ctx: Context,
    name: str,
    *,
    scopes: Iterable[Scope] = TENANT_SCOPES,
    user_id: uuid.UUID | None = None,
    expires_at: datetime | None = None,
) -> NewApiKey:
    """Make a key for the caller's tenant, without checking what the caller may give.

    Args:
        ctx: The caller's unit of work.
        name: A name for people.
        scopes: Its scopes.
        user_id: User whose rights it has; None: it belongs to the organisation itself.
        expires_at: When it expires; None: never.

    Raises:
        CredentialError: There is no such user any more.
    """
    if user_id is not None and not await repository.hold_user(ctx.session, user_id):
        raise CredentialError
    tenant_part = base64.b32encode(ctx.tenant_id.bytes).decode().rstrip("=").lower()
    secret = f"cw_{tenant_part}_{secrets.token_urlsafe(32)}"
    key = ApiKey(
        tenant_id=ctx.tenant_id,
        id=uuid7(),
        name=name,
        hash=_digest(secret),
        user_id=user_id,
        scopes=[scope.value for scope in Scope if scope in set(scopes)],
        expires_at=expires_at,
    )
    await repository.add_api_key(ctx.session, key)
    await audit.record(
        ctx,
        "api_key.created",
        object_kind="api_key",
        object_id=key.id,
        details={
            "scopes": key.scopes,
            "user_id": user_id and str(user_id),
            "expires_at": expires_at and expires_at.isoformat(),
        },
    )
    return NewApiKey(key.id, name, secret)


async def authenticate(platform: Platform, secret: str) -> Caller:
    """The caller behind an API key.

    Raises:
        CredentialError: The key is not one of ours, or not valid any more.
    """
    match = _KEY.fullmatch(secret)
    if match is None:
        raise CredentialError
    tenant_id = uuid.UUID(bytes=base64.b32decode(match[1].upper() + "======"))
    # The tenant named in the key is not proved yet. It only selects the rows in which the hash is
    # looked for; another tenant's id finds nothing.
    async with unit_of_work(platform, Caller(tenant_id, OPERATOR)) as ctx:
        found = await repository.use_api_key(ctx.session, _digest(secret))
    if found is None:
        raise CredentialError
    return Caller(tenant_id, _actor_of(*found))


def _actor_of(key: ApiKey, user: User | None) -> Actor:
    """A valid key as an actor: its user's current rights, limited to its scopes."""
    scopes = frozenset(Scope(scope) for scope in key.scopes)
    if user is not None:
        # A user's key never carries the operator's scope, even if a stored row says so.
        scopes &= TENANT_SCOPES
    return Actor(
        ActorKind.API_KEY,
        id=key.id,
        user_id=key.user_id,
        role=Role.DIRECTOR if user is None else Role(user.role),
        is_admin=Scope.ADMIN in scopes and (user is None or user.is_admin),
        scopes=scopes,
        credential_id=key.id,
    )


def _digest(secret: str) -> bytes:
    """SHA-256 of a secret; 256 random bits cannot be guessed, so a slow hash adds nothing."""
    return hashlib.sha256(secret.encode()).digest()


async def list_api_keys(ctx: Context) -> list[ApiKey]:
    """The tenant's keys, oldest first."""
    return await repository.api_keys(ctx.session)


async def key_users(ctx: Context) -> dict[uuid.UUID, str]:
    """E-mail addresses of the users who have keys, by id."""
    return await repository.key_users(ctx.session)


async def usable_api_keys(_: Context) -> RowFilter:
    """Which keys of the tenant were not revoked."""
    return repository.usable_api_keys()


async def revoke_api_key(ctx: Context, key_id: uuid.UUID) -> None:
    """Revoke a key of the tenant; does nothing if it is revoked already.

    Raises:
        ApiKeyNotFoundError: There is none with this id.
    """
    if await repository.revoke_api_key(ctx.session, key_id):
        await audit.record(ctx, "api_key.revoked", object_kind="api_key", object_id=key_id)
    elif await repository.api_key(ctx.session, key_id) is None:
        raise ApiKeyNotFoundError(key_id)
