"""Repeated requests with an `Idempotency-Key`: they get the first one's reply and change nothing.

After https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ : the reply is
stored in the transaction that does the work, so a crash leaves both or neither. Refusals are not
stored, because they have changed nothing.
"""

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pydantic import JsonValue

from citewell.core.context import SYSTEM, Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.features.idempotency import repository
from citewell.features.idempotency.errors import (
    IdempotencyKeyInUseError,
    IdempotencyKeyReusedError,
    InvalidIdempotencyKeyError,
)
from citewell.kit.clock import utc_now
from citewell.models.records import IdempotentReply

# Long after any client has stopped repeating its request.
KEPT_FOR = timedelta(hours=24)
MAX_KEY = 255

_NOBODY = uuid.UUID(int=0)
"""Caller id of the operator, who has none."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that must run only once."""

    key_hash: bytes
    request_hash: bytes


def checked_key(given: Sequence[str]) -> str | None:
    """The key of the headers `Idempotency-Key`; None if there is none.

    Quotes around it, with which the draft writes keys, are not part of it.

    Raises:
        InvalidIdempotencyKeyError: There are several, or it is empty, too long or not visible.
    """
    if not given:
        return None
    key = given[0]
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    is_visible = key.isascii() and key.isprintable() and not key.isspace()
    if len(given) > 1 or not 0 < len(key) <= MAX_KEY or not is_visible:
        raise InvalidIdempotencyKeyError
    return key


def request_of(key: str, asked: JsonValue) -> Request:
    """A request with this key and content; only hashes of both are stored."""
    # Canonical, so that a client that orders its fields differently still repeats the same request.
    said = json.dumps(asked, sort_keys=True, separators=(",", ":"))
    return Request(hashlib.sha256(key.encode()).digest(), hashlib.sha256(said.encode()).digest())


async def begin(ctx: Context, request: Request) -> JsonValue | None:
    """The stored reply of an earlier run; None: the request is to run in this unit of work.

    Raises:
        IdempotencyKeyInUseError: It is being carried out by another unit of work.
        IdempotencyKeyReusedError: The key belongs to another request.
    """
    caller_id = _caller_id(ctx)
    if not await repository.try_lock(ctx.session, ctx.tenant_id, caller_id, request.key_hash):
        raise IdempotencyKeyInUseError
    known = await repository.find(ctx.session, caller_id, request.key_hash)
    if known is None:
        return None
    # The clean-up runs once a minute; an expired reply must not answer, nor block its key.
    if known.created_at < utc_now() - KEPT_FOR:
        await repository.forget(ctx.session, utc_now() - KEPT_FOR)
        return None
    if known.request_hash != request.request_hash:
        raise IdempotencyKeyReusedError
    return known.reply


async def finish(ctx: Context, request: Request, reply: JsonValue) -> None:
    """Store the reply, in the unit of work in which `begin` returned None."""
    await repository.add(
        ctx.session,
        IdempotentReply(
            tenant_id=ctx.tenant_id,
            caller_id=_caller_id(ctx),
            key_hash=request.key_hash,
            request_hash=request.request_hash,
            reply=reply,
        ),
    )


async def begin_once(ctx: Context, key: str | None, asked: JsonValue) -> JsonValue | None:
    """`begin` for a request that may have a key; None without one."""
    return None if key is None else await begin(ctx, request_of(key, asked))


async def finish_once(ctx: Context, key: str | None, asked: JsonValue, reply: JsonValue) -> None:
    """`finish` for a request that may have a key; nothing without one."""
    if key is not None:
        await finish(ctx, request_of(key, asked), reply)


async def forget_old(platform: Platform) -> None:
    """Delete the expired replies of all tenants."""
    before = utc_now() - KEPT_FOR
    async with platform.database.lookup() as session:
        tenants = await repository.tenants_with_older(session, before)
    for tenant_id in tenants:
        async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
            await repository.forget(ctx.session, before)


def _caller_id(ctx: Context) -> uuid.UUID:
    """Of the user, or of the API key: each is a caller of its own."""
    return ctx.actor.id or _NOBODY
