"""Digests of readers' rights: readers of one digest find the same."""

import hashlib
import uuid
from collections.abc import AsyncGenerator, Hashable
from contextlib import aclosing
from dataclasses import dataclass, field

from citewell.access.policy import Access, IdSet, Reach, Role
from citewell.core.caching.flights import Flights
from citewell.core.context import NOBODY, ActorKind, Caller, batched_work, full_access
from citewell.core.platform import Platform

MOST_KNOWN = 10_000
"""Readers whose scope is remembered: a few megabytes."""


class ScopeChangedError(Exception):
    """The reader's rights have changed since their scope was read."""


@dataclass(frozen=True, slots=True)
class ReaderScope:
    """All that decides what a reader finds, besides documents and question."""

    reading: bytes
    """Digest of role and reach; equal ones admit the same documents."""
    writing: bytes
    """Of the reach for writing, on which the filter `source` depends."""

    @classmethod
    def of(cls, access: Access) -> "ReaderScope":
        """The scope of a reader with this access."""
        return cls(
            _digest(access.role, access.read),
            # The reach for writing names the user: own documents count.
            _digest(access.role, access.write),
        )


_Reader = tuple[uuid.UUID, uuid.UUID, Role, bool, uuid.UUID | None, bool, ActorKind | None]


@dataclass(slots=True)
class Scopes:
    """Scopes of readers, each as of a stamp of the library: rights are stamped too."""

    _known: dict[_Reader, tuple[int, ReaderScope]] = field(
        default_factory=dict[_Reader, tuple[int, ReaderScope]]
    )

    async def scope_of(self, platform: Platform, reader: Caller, stamp: int) -> ReaderScope:
        """The scope of a reader as of the stamp, or later."""
        actor = reader.actor
        full = full_access(actor)
        if full is not None and reader.conversation_id is None and not reader.is_asking:
            return ReaderScope.of(full)
        is_alone = reader.conversation_id is None
        has_scope_of_all = full is not None and is_alone
        if actor.user_id is None and actor.kind is not ActorKind.API_KEY and not has_scope_of_all:
            return await _read(platform, reader)
        # All own keys of an organisation read the same.
        user_id = actor.user_id or NOBODY
        key = (
            reader.tenant_id,
            user_id,
            actor.role,
            actor.reads_private,
            reader.conversation_id,
            reader.is_asking,
            # The operator asks as a director; what the system does is asked by no role.
            actor.kind if has_scope_of_all else None,
        )
        known = self._known.get(key)
        if known is not None and known[0] == stamp:
            return known[1]
        scope = await _read_once(platform, reader, (*key, stamp))
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[key] = stamp, scope
        return scope


async def _read_once(platform: Platform, reader: Caller, key: Hashable) -> ReaderScope:
    """Read it together with those who ask for the same one now."""

    async def begin() -> AsyncGenerator[ReaderScope, None]:
        yield await _read(platform, reader)

    async with aclosing(platform.state_of(Flights).follow(key, begin)) as items:
        async for scope in items:
            return scope
    raise AssertionError("a computation gives an item")


async def _read(platform: Platform, reader: Caller) -> ReaderScope:
    async with batched_work(platform, reader, has_kept_plans=False) as ctx:
        return ReaderScope.of(await ctx.access())


def _digest(role: Role, reach: Reach) -> bytes:
    parts = [str(int(role)), str(reach.max_level), str(reach.owner)]
    parts += [
        IdSet.of(ids).literal
        for ids in (
            reach.collections,
            reach.documents,
            reach.private,
            reach.denied_collections,
            reach.denied_documents,
        )
    ]
    return hashlib.blake2b("|".join(parts).encode(), digest_size=16).digest()
