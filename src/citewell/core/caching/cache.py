"""The cache of a process: kinds of values, where they are kept, and how often they are found."""

import asyncio
import hashlib
import json
import secrets
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from citewell.core.caching.memory import MemoryCache, Read
from citewell.core.database.sessions import Database
from citewell.core.database.stamps import LibraryStamps

if TYPE_CHECKING:
    from citewell.core.caching.shared import SharedStore

MIB = 1024**2

SWEEP_SECONDS = 1.0
"""Interval at which memory is cleared of what has changed; one statement for all tenants of whom
something is there, none if there is nothing."""


class ValueKind(StrEnum):
    """ValueKind of a value."""

    EMBEDDINGS = "embeddings"
    """Vectors of texts, which change with the model only."""
    SEARCHES = "searches"
    ANSWERS = "answers"

    @property
    def is_of_library(self) -> bool:
        """Whether it was made from a tenant's documents, and goes with their next change."""
        return self is not ValueKind.EMBEDDINGS


LIFETIMES: Mapping[ValueKind, float] = {
    ValueKind.EMBEDDINGS: 86_400,
    ValueKind.SEARCHES: 300,
    ValueKind.ANSWERS: 3_600,
}
"""Seconds. A change ends a search or an answer at once; the time bounds how long texts of
documents stay in memory, and for an answer of a model how long one wording is repeated."""


@dataclass(frozen=True, slots=True)
class Key:
    """Key of a value: all that it depends on, hashed."""

    tenant_id: uuid.UUID
    digest: bytes
    stamp: int = 0
    """Of the library it is made from."""


OUTCOMES = ("memory", "shared", "joined", "computed")
"""Found in this process or in Redis, given with another who was having it computed, computed."""


@dataclass(slots=True)
class Counts:
    """Outcomes of the lookups of one kind of value, since the process began."""

    asked: int = 0
    outcomes: Counter[str] = field(default_factory=Counter[str])
    """By the names in `OUTCOMES`."""


class Cache:
    """Values in memory, and in a Redis if there is one.

    Args:
        memory_bytes: Most memory; 0: nothing is kept anywhere.
        lifetimes: Seconds by kind; 0: values of that kind are not kept.
        shared: What several processes share.
        secret: Hashes keys, so that nobody who sees a key can try out what was asked.
    """

    def __init__(
        self,
        memory_bytes: int = 64 * MIB,
        *,
        lifetimes: Mapping[ValueKind, float] = LIFETIMES,
        shared: "SharedStore | None" = None,
        secret: bytes | None = None,
    ) -> None:
        self.memory = MemoryCache(memory_bytes)
        self.shared = shared if memory_bytes else None
        self.stamps = LibraryStamps()
        self.counts = {kind: Counts() for kind in ValueKind}
        self._lifetimes = lifetimes
        self._secret = secret or secrets.token_bytes(32)
        self._is_on = memory_bytes > 0
        self._known: dict[uuid.UUID, int] = {}

    def keeps(self, kind: ValueKind) -> bool:
        """Whether values of a kind are kept."""
        return self._is_on and self._lifetimes[kind] > 0

    def key(self, kind: ValueKind, tenant_id: uuid.UUID, *parts: object, stamp: int = 0) -> Key:
        """Make the key of a value.

        Args:
            kind: Its kind.
            tenant_id: Whose it is.
            parts: All that it depends on, as JSON has it.
            stamp: Of the tenant's library, if it is made from it.
        """
        whole = json.dumps(
            [kind, tenant_id.hex, stamp, *parts], sort_keys=True, separators=(",", ":")
        )
        digest = hashlib.blake2b(whole.encode(errors="surrogatepass"), key=self._secret)
        return Key(tenant_id, digest.digest()[:32], stamp)

    def note_stamp(self, tenant_id: uuid.UUID, stamp: int) -> None:
        """Let go of what was made from a tenant's library before it changed."""
        known = self._known.get(tenant_id, 0)
        # Readings of two statements may come in either order; stamps grow.
        if stamp > known:
            self._known[tenant_id] = stamp
            self.memory.drop_library(tenant_id)

    async def sweep(self, database: Database) -> None:
        """Let go of what is too old, or made from libraries that have changed since.

        It could not be given to anybody any more; but texts that were deleted should not stay.
        """
        self.memory.drop_expired()
        tenants = self.memory.libraries
        current = await asyncio.gather(
            *(self.stamps.current(database, tenant_id) for tenant_id in tenants)
        )
        for tenant_id, stamp in zip(tenants, current, strict=True):
            self.note_stamp(tenant_id, stamp.value)

    def near(self, kind: ValueKind, key: Key) -> bytes | None:
        """The value, if this process has it."""
        value = self.memory.get(key.digest)
        if value is not None:
            self.counts[kind].outcomes["memory"] += 1
        return value

    def near_read(self, kind: ValueKind, key: Key, read: Callable[[bytes], Read]) -> Read | None:
        """The same as objects; see `MemoryCache.get_read`."""
        found = self.memory.get_read(key.digest, read)
        if found is not None:
            self.counts[kind].outcomes["memory"] += 1
        return found

    async def far(self, kind: ValueKind, key: Key) -> bytes | None:
        """The value, if Redis has it; then this process has it too."""
        if self.shared is None:
            return None
        value = await self.shared.get(key.digest)
        if value is not None:
            self.counts[kind].outcomes["shared"] += 1
            self._remember(kind, key, value)
        return value

    async def put(self, kind: ValueKind, key: Key, value: bytes) -> None:
        """Keep a value."""
        self._remember(kind, key, value)
        if self.shared is not None:
            await self.shared.put(key.digest, value, seconds=self._lifetimes[kind])

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self.shared is not None:
            await self.shared.close()

    def _remember(self, kind: ValueKind, key: Key, value: bytes) -> None:
        # Of a library that has changed meanwhile nobody asks for it.
        if kind.is_of_library and self._known.get(key.tenant_id, key.stamp) != key.stamp:
            return
        self.memory.put(
            key.digest,
            value,
            key.tenant_id,
            seconds=self._lifetimes[kind],
            is_of_library=kind.is_of_library,
        )
