"""Making, changing, trying and removing a tenant's connections to model providers."""

import uuid
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from citewell.access.policy import Role
from citewell.core.blobs.encryption import Purpose
from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.errors import ForbiddenError
from citewell.core.platform import Platform
from citewell.core.sealing import seal
from citewell.engine.errors import ProviderConfigurationError
from citewell.engine.llm.hosted import HostedModel
from citewell.engine.llm.registry import PROVIDERS
from citewell.features.audit import service as audit
from citewell.features.connections import choosing, repository, testing
from citewell.features.connections.choosing import discreet, equipped, model_for, redacted
from citewell.features.connections.errors import (
    ConnectionExistsError,
    ConnectionNotFoundError,
    InvalidConnectionError,
    KeyNeededError,
)
from citewell.features.connections.schemas import (
    ConnectionCreate,
    ConnectionRead,
    ConnectionTest,
    ConnectionUpdate,
    OpenableConnection,
    RoleName,
    Use,
)
from citewell.features.usage import service as usage
from citewell.features.usage.service import Metric
from citewell.kit.addresses import PrivateAddressError, ReachableHosts
from citewell.kit.clock import utc_now
from citewell.kit.ids import uuid7
from citewell.kit.pagination import Page, PageRequest
from citewell.models.connections import ModelConnection

__all__ = ["Use", "discreet", "equipped", "model_for", "redacted"]

KEEPS_FROM = Role.MANAGER
"""Lowest role that keeps connections; administrators do too."""

MAX_CONNECTIONS = 50

HINT_CHARS = 4
_MIN_HINTED = 12
"""Of a shorter key four characters would tell too much."""


async def page(ctx: Context, request: PageRequest) -> Page[ConnectionRead]:
    """Connections by name.

    Raises:
        ForbiddenError: The caller keeps no connections.
    """
    _require_keeper(ctx)
    found = await repository.page(ctx.session, request)
    return Page([shown(row) for row in found.items], request, found.total)


async def get(ctx: Context, connection_id: uuid.UUID) -> ConnectionRead:
    """A connection, without its key.

    Raises:
        ForbiddenError: The caller keeps no connections.
        ConnectionNotFoundError: There is none.
    """
    _require_keeper(ctx)
    row = await repository.by_id(ctx.session, connection_id)
    if row is None:
        raise ConnectionNotFoundError(connection_id)
    return shown(row)


async def create(platform: Platform, caller: Caller, data: ConnectionCreate) -> ConnectionRead:
    """Make a connection.

    Raises:
        ForbiddenError: The caller keeps no connections.
        InvalidConnectionError: Provider, address and key do not go together, the address is one
            of a private network, or there are too many connections.
        ConnectionExistsError: The name is taken.
    """
    _require_keeper(caller)
    secret = _text(data.api_key)
    await _check(platform, data.provider, data.model, data.base_url, secret)
    async with unit_of_work(platform, caller) as ctx:
        if await repository.count(ctx.session) >= MAX_CONNECTIONS:
            raise InvalidConnectionError(f"There are {MAX_CONNECTIONS} connections already.")
        new_id = uuid7()
        values: dict[str, Any] = {
            "tenant_id": ctx.tenant_id,
            "id": new_id,
            "name": data.name,
            "provider": data.provider,
            "model": data.model,
            "base_url": data.base_url,
            "uses": [str(each) for each in Use if each in data.uses],
            "priority": data.priority,
            "min_role": int(Role[data.min_role.upper()]),
            "is_active": data.is_active,
            "created_by": ctx.actor.user_id,
        }
        row = await repository.add(ctx.session, values)
        if row is None:
            raise ConnectionExistsError(data.name)
        await _seal(ctx, row, secret)
        await repository.save(ctx.session, row)
        await _record(ctx, row, "created", ["provider", "model", "base_url"])
        return shown(row)


async def update(
    platform: Platform, caller: Caller, connection_id: uuid.UUID, data: ConnectionUpdate
) -> ConnectionRead:
    """Change a connection; questions from now on go the new way.

    Raises:
        ForbiddenError: The caller keeps no connections.
        ConnectionNotFoundError: There is none.
        KeyNeededError: The key would be sent to another place than it was given for.
        InvalidConnectionError, ConnectionExistsError: As `create` says.
    """
    _require_keeper(caller)
    changes: dict[str, Any] = {
        name: value
        for name, value in data.model_dump(exclude_unset=True, exclude={"api_key"}).items()
        # Null clears the address; no other column can be null, so there it means unchanged.
        if value is not None or name == "base_url"
    }
    async with unit_of_work(platform, caller) as ctx:
        before = await repository.by_id(ctx.session, connection_id)
        if before is None:
            raise ConnectionNotFoundError(connection_id)
        provider: str = changes.get("provider", before.provider)
        model: str = changes.get("model", before.model)
        base_url: str | None = changes.get("base_url", before.base_url)
        revision, has_key = before.revision, before.sealed_key is not None
        is_moved = (provider, base_url) != (before.provider, before.base_url)
    is_rekeyed = "api_key" in data.model_fields_set
    if is_moved and has_key and not is_rekeyed:
        raise KeyNeededError
    secret = _text(data.api_key)
    known = secret if is_rekeyed else ("kept" if has_key else None)
    await _check(platform, provider, model, base_url, known)
    async with unit_of_work(platform, caller) as ctx:
        row = await repository.lock(ctx.session, connection_id)
        if row is None or row.revision != revision:
            # Changed or removed since it was checked: begin anew with what it is now.
            raise ConnectionNotFoundError(connection_id) if row is None else _changed(row)
        changed = _apply(row, changes)
        if is_rekeyed:
            await _seal(ctx, row, secret)
            changed.append("api_key")
        if changed:
            row.revision += 1
            if not await repository.save(ctx.session, row):
                raise ConnectionExistsError(str(changes.get("name")))
            await _record(ctx, row, "updated", changed)
        return shown(row)


async def remove(ctx: Context, connection_id: uuid.UUID) -> None:
    """Remove a connection with its key.

    Raises:
        ForbiddenError: The caller keeps no connections.
        ConnectionNotFoundError: There is none.
    """
    _require_keeper(ctx)
    row = await repository.lock(ctx.session, connection_id)
    if row is None:
        raise ConnectionNotFoundError(connection_id)
    await _record(ctx, row, "deleted", [])
    await repository.remove(ctx.session, connection_id)


async def test(platform: Platform, caller: Caller, connection_id: uuid.UUID) -> ConnectionTest:
    """Try a connection out; it may be inactive.

    Raises:
        ForbiddenError: The caller keeps no connections.
        ConnectionNotFoundError: There is none.
        QuotaReachedError: The model tokens of the month are used up.
    """
    _require_keeper(caller)
    at = utc_now()
    async with unit_of_work(platform, caller) as ctx:
        row = await repository.by_id(ctx.session, connection_id)
        if row is None:
            raise ConnectionNotFoundError(connection_id)
        connection = repository.openable_of(row)
        await usage.consume(ctx, Metric.MODEL_TOKENS, testing.TOKENS)
    tested = await try_connection(platform, connection)
    if not tested.ok:
        # Nothing was written, so hardly anything was read.
        async with unit_of_work(platform, caller) as ctx:
            await usage.settle(ctx, Metric.MODEL_TOKENS, reserved=testing.TOKENS, spent=0, at=at)
    return tested


async def try_connection(platform: Platform, connection: OpenableConnection) -> ConnectionTest:
    """Try a connection out, past the pool and its rests."""
    model = await choosing.open_connection(platform, connection)
    assert isinstance(model, HostedModel)
    try:
        return await testing.try_out(model, model.offered)
    finally:
        await model.close()


async def active(ctx: Context) -> tuple[OpenableConnection, ...]:
    """The active connections of the tenant, in the order they are asked."""
    return await repository.openable(ctx.session)


def shown(row: ModelConnection) -> ConnectionRead:
    """A connection without its key."""
    role: RoleName = Role(row.min_role).name.lower()  # pyright: ignore[reportAssignmentType] - names of roles
    return ConnectionRead(
        id=row.id,
        name=row.name,
        provider=row.provider,
        model=row.model,
        base_url=row.base_url,
        has_key=row.sealed_key is not None,
        key_hint=row.key_hint,
        uses=[Use(each) for each in row.uses],
        priority=row.priority,
        min_role=role,
        is_active=row.is_active,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _require_keeper(who: Context | Caller) -> None:
    if who.actor.role < KEEPS_FROM and not who.actor.administers:
        raise ForbiddenError("Only managers and administrators keep connections.")


async def _check(
    platform: Platform, provider: str, model: str, base_url: str | None, key: str | None
) -> None:
    """Refuse what cannot work, before anything is written."""
    known = PROVIDERS[provider]
    if known.needs_key and not key:
        raise InvalidConnectionError(f"`{provider}` needs `api_key`.")
    try:
        endpoint = known.endpoint(model, base_url=base_url, api_key=key)
    except ProviderConfigurationError:
        raise InvalidConnectionError(
            f"`{provider}` needs `base_url`, an http or https address."
        ) from None
    parts = urlsplit(endpoint.base_url)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InvalidConnectionError("`base_url` holds no user, query or fragment.")
    hosts = ReachableHosts(platform.settings.private_hosts)
    try:
        await hosts.address_of(parts.hostname or "", parts.port or 443)
    except PrivateAddressError as error:
        raise InvalidConnectionError(
            f"{error}: the operator can allow it by CITEWELL_PRIVATE_HOSTS."
        ) from None
    except (OSError, ValueError):
        raise InvalidConnectionError(
            "No address is known for the host of `base_url`: check its name, and DNS here."
        ) from None


def _apply(row: ModelConnection, changes: dict[str, Any]) -> list[str]:
    """Set what is new; returns the names of the fields."""
    values = dict(changes)
    if "min_role" in values:
        values["min_role"] = int(Role[values["min_role"].upper()])
    if "uses" in values:
        values["uses"] = [str(each) for each in Use if each in values["uses"]]
    changed = sorted(name for name, value in values.items() if getattr(row, name) != value)
    for name in changed:
        setattr(row, name, values[name])
    return changed


async def _seal(ctx: Context, row: ModelConnection, secret: str | None) -> None:
    """Set the key of a connection, or take it away."""
    if secret is None:
        row.sealed_key = row.key_id = row.key_hint = None
        return
    key = await ctx.platform.keys.active_in(ctx.session, ctx.tenant_id, Purpose.SECRETS)
    row.sealed_key = seal(key, secret, repository.openable_of(row).place)
    row.key_id = key.id
    row.key_hint = secret[-HINT_CHARS:] if len(secret) >= _MIN_HINTED else None


def _text(key: SecretStr | None) -> str | None:
    return None if key is None else key.get_secret_value()


def _changed(row: ModelConnection) -> Exception:
    return InvalidConnectionError(f"`{row.name}` was changed at the same time: send it again.")


async def _record(ctx: Context, row: ModelConnection, verb: str, fields: list[str]) -> None:
    details: dict[str, object] = {"provider": row.provider, "model": row.model}
    if fields:
        details["fields"] = fields
    await audit.record(
        ctx,
        f"connection.{verb}",
        object_kind="connection",
        object_id=row.id,
        details=details,
    )
