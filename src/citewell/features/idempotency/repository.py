"""Statements on stored replies, found by the key of their request."""

import hashlib
import uuid
from datetime import datetime

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.models.records import IdempotentReply

_LOCK = text("SELECT pg_try_advisory_xact_lock(:number)")


async def try_lock(
    session: AsyncSession, tenant_id: uuid.UUID, caller_id: uuid.UUID, key_hash: bytes
) -> bool:
    """Lock a key until the transaction ends; False if another transaction holds it."""
    # Advisory locks are 64-bit numbers: two keys that collide by chance make one of them wait and
    # be sent again, nothing else.
    digest = hashlib.sha256(tenant_id.bytes + caller_id.bytes + key_hash).digest()
    number = int.from_bytes(digest[:8], signed=True)
    return bool(await session.scalar(_LOCK, {"number": number}))


async def find(
    session: AsyncSession, caller_id: uuid.UUID, key_hash: bytes
) -> IdempotentReply | None:
    """The reply that was given to the key."""
    return await session.scalar(
        select(IdempotentReply).where(
            IdempotentReply.caller_id == caller_id, IdempotentReply.key_hash == key_hash
        )
    )


async def add(session: AsyncSession, reply: IdempotentReply) -> None:
    """Store a reply in the transaction of the work it reports."""
    session.add(reply)
    await session.flush()


async def forget(session: AsyncSession, before: datetime) -> None:
    """Delete the tenant's replies older than `before`."""
    await session.execute(delete(IdempotentReply).where(IdempotentReply.created_at < before))


async def tenants_with_older(session: AsyncSession, before: datetime) -> list[uuid.UUID]:
    """Tenants with replies older than `before`; needs no tenant set."""
    statement = text("SELECT citewell_tenants_with_old_replies(:before)")
    return list(await session.scalars(statement, {"before": before}))
