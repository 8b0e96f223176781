"""Values in the memory of a process, bounded by their size."""

import time
import uuid
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

ENTRY_BYTES = 400
"""Memory of an entry besides its value: key, dictionaries, objects (measured with tracemalloc)."""


OBJECTS_PER_BYTE = 6
"""Memory of the objects of a value per byte of its JSON: 5.4 for answers of 4 kB (tracemalloc)."""

Read = TypeVar("Read")


@dataclass(slots=True)
class _Entry:
    value: bytes
    expires: float
    tenant_id: uuid.UUID
    is_of_library: bool
    size: int
    read: object | None = None
    """The value as objects, once it was asked for as such."""


class MemoryCache:
    """The values used last, of all tenants together; it belongs to one event loop.

    Args:
        most_bytes: Most memory; 0: nothing is kept.
        clock: Seconds, as `time.monotonic`.
    """

    def __init__(self, most_bytes: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most_bytes = most_bytes
        self._clock = clock
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._of_libraries: defaultdict[uuid.UUID, set[bytes]] = defaultdict(set)
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: bytes) -> bytes | None:
        """The value; None if there is none, or it is too old."""
        entry = self._live(key)
        return None if entry is None else entry.value

    def get_read(self, key: bytes, read: Callable[[bytes], Read]) -> Read | None:
        """The value as `read` makes it of the bytes, once for all who ask; None as of `get`.

        Reading an answer takes as much processor time as the rest of giving it again. All get the
        same objects, so nobody may change them.
        """
        entry = self._live(key)
        if entry is None:
            return None
        if entry.read is None:
            entry.read = read(entry.value)
            more = OBJECTS_PER_BYTE * len(entry.value)
            entry.size += more
            self.bytes += more
            self._make_room()
        return cast(Read, entry.read)

    def put(
        self, key: bytes, value: bytes, tenant_id: uuid.UUID, *, seconds: float, is_of_library: bool
    ) -> None:
        """Keep a value, and let go of those used longest ago.

        Args:
            key: Its key.
            value: What is kept.
            tenant_id: Whose it is.
            seconds: How long.
            is_of_library: Whether it goes with the next change of the tenant's library.
        """
        self._drop(key)
        size = len(value) + ENTRY_BYTES
        # One value that takes a tenth would cost more others than it is worth.
        if size > self._most_bytes / 10 or seconds <= 0:
            return
        expires = self._clock() + seconds
        self._entries[key] = _Entry(value, expires, tenant_id, is_of_library, size)
        if is_of_library:
            self._of_libraries[tenant_id].add(key)
        self.bytes += size
        self._make_room()

    def drop_library(self, tenant_id: uuid.UUID) -> None:
        """Let go of all that was made from a tenant's library."""
        for key in list(self._of_libraries.pop(tenant_id, ())):
            self._drop(key)

    def drop_expired(self) -> None:
        """Let go of what is too old, also where nobody asks for it again."""
        now = self._clock()
        for key in [key for key, entry in self._entries.items() if entry.expires <= now]:
            self._drop(key)

    @property
    def libraries(self) -> list[uuid.UUID]:
        """The tenants of whose libraries something is here."""
        return list(self._of_libraries)

    def _live(self, key: bytes) -> _Entry | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.expires <= self._clock():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry

    def _make_room(self) -> None:
        while self.bytes > self._most_bytes:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: bytes) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        self.bytes -= entry.size
        keys = self._of_libraries.get(entry.tenant_id)
        if keys is not None:
            keys.discard(key)
            if not keys:
                del self._of_libraries[entry.tenant_id]
