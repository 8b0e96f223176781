"""API keys as users and software make, list and revoke them, within their own rights."""

import uuid
from contextlib import suppress
from datetime import datetime

from citewell.access.policy import Role, Scope
from citewell.core.context import ActorKind, Context
from citewell.core.errors import ForbiddenError
from citewell.features.identity import repository, service
from citewell.features.identity.errors import ApiKeyNotFoundError, ApiKeyOwnerError
from citewell.features.identity.schemas import ApiKeyCreate, ApiKeyMade
from citewell.kit.pagination import Page, PageRequest
from citewell.models.tenancy import ApiKey


async def create(ctx: Context, data: ApiKeyCreate) -> ApiKeyMade:
    """Make a key that acts as the caller, or for the organisation itself.

    Raises:
        ForbiddenError: The caller does not have one of the scopes, is a key without the scope
            `admin`, or asks for the organisation's own without being administrator and director.
        ApiKeyOwnerError: The caller acts for no user and did not ask for the organisation's own.
    """
    scopes = [Scope(scope) for scope in data.scopes]
    for scope in scopes:
        ctx.actor.require(scope)
    if ctx.actor.kind is ActorKind.API_KEY and not ctx.actor.administers:
        # Otherwise someone with a stolen key could make another one that outlives its revocation.
        raise ForbiddenError("A key makes other keys only with the scope `admin`; sign in instead.")
    if data.service:
        ctx.actor.require(Scope.ADMIN)
        ctx.actor.require_role(Role.DIRECTOR)  # it reads everything
    elif ctx.actor.user_id is None:
        raise ApiKeyOwnerError
    made = await service.create_api_key(
        ctx,
        data.name,
        scopes=scopes,
        user_id=None if data.service else ctx.actor.user_id,
        expires_at=data.end(),
    )
    key = await repository.api_key(ctx.session, made.id)
    if key is None:
        raise ApiKeyNotFoundError(made.id)
    return ApiKeyMade.of(made, key)


async def confirm(
    ctx: Context, key_id: uuid.UUID, pending_until: datetime, expires_at: datetime
) -> bool:
    """Let a key live on that was made to end soon; false if it was confirmed before, or is over.

    Args:
        ctx: Any unit of work of the tenant.
        key_id: The key.
        pending_until: The end that it was made with.
        expires_at: Its end from now on.
    """
    return await repository.move_expiry(ctx.session, key_id, pending_until, expires_at)


async def revoke_if_there(ctx: Context, key_id: uuid.UUID) -> None:
    """Make a key useless whose secret somebody else may have; nothing happens without one."""
    with suppress(ApiKeyNotFoundError):
        await service.revoke_api_key(ctx, key_id)


async def page(ctx: Context, request: PageRequest) -> Page[ApiKey]:
    """Keys, newest first, the revoked ones too; for others than administrators their own."""
    if ctx.actor.administers:
        return await repository.api_key_page(ctx.session, request)
    if ctx.actor.user_id is not None:
        return await repository.api_key_page(ctx.session, request, user_id=ctx.actor.user_id)
    return await repository.api_key_page(ctx.session, request, key_id=ctx.actor.id)


async def revoke(ctx: Context, key_id: uuid.UUID) -> None:
    """Make a key useless; nothing happens if it is.

    Raises:
        ApiKeyNotFoundError: There is none, or it is somebody else's and the caller is no
            administrator.
    """
    key = await repository.api_key(ctx.session, key_id)
    if key is None or not _is_theirs(ctx, key):
        raise ApiKeyNotFoundError(key_id)
    await service.revoke_api_key(ctx, key_id)


def _is_theirs(ctx: Context, key: ApiKey) -> bool:
    if ctx.actor.administers or key.id == ctx.actor.id:
        return True
    return key.user_id is not None and key.user_id == ctx.actor.user_id
