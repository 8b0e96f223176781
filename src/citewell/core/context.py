"""Who acts, for which tenant, in which unit of work: the same object in every way in."""

import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from citewell.core.platform import Platform

HIGHEST_LEVEL = 3


class ActorKind(StrEnum):
    """What stands behind a call."""

    OPERATOR = "operator"
    API_KEY = "api_key"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and the highest access level they may read (0 public to 3 restricted)."""

    kind: ActorKind
    id: uuid.UUID | None = None
    max_level: int = HIGHEST_LEVEL


OPERATOR = Actor(ActorKind.OPERATOR)
SYSTEM = Actor(ActorKind.SYSTEM)


@dataclass(frozen=True, slots=True)
class Caller:
    """An actor in their tenant, before any unit of work is open."""

    tenant_id: uuid.UUID
    actor: Actor


@dataclass(frozen=True, slots=True)
class Context:
    """One unit of work of one caller."""

    session: AsyncSession
    tenant_id: uuid.UUID
    actor: Actor
    platform: Platform
    after_commit: list[Callable[[], Awaitable[None]]] = field(
        default_factory=list[Callable[[], Awaitable[None]]]
    )
    """What is to be done once the unit of work is committed, and only then."""


@asynccontextmanager
async def unit_of_work(platform: Platform, caller: Caller) -> AsyncGenerator[Context, None]:
    """Open a transaction for the caller; it commits when the block ends well."""
    async with platform.database.unit_of_work(caller.tenant_id) as session:
        ctx = Context(session, caller.tenant_id, caller.actor, platform)
        yield ctx
    for action in ctx.after_commit:
        await action()
