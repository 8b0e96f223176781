"""Identifiers that sort by time of creation."""

import os
import threading
import time
import uuid
from datetime import UTC, datetime

_lock = threading.Lock()
_last_ms = 0
_sequence = 0


def uuid7() -> uuid.UUID:
    """Make a UUIDv7 (RFC 9562, 5.7), increasing within one process.

    The 12 bits of `rand_a` count ids of the same millisecond (method 1 of section 6.2), so a batch
    of rows keeps its order in the index.
    """
    global _last_ms, _sequence
    with _lock:
        now = time.time_ns() // 1_000_000
        if now > _last_ms:
            # A random start in the lower half: 3,900 ids fit into the millisecond, and two
            # processes differ.
            _last_ms, _sequence = now, int.from_bytes(os.urandom(1)) & 0x7F
        else:
            _sequence += 1
            if _sequence > 0xFFF:
                # Ahead of the clock, so that ids still increase; also while a clock is set back.
                _last_ms, _sequence = _last_ms + 1, 0
        milliseconds, sequence = _last_ms, _sequence
    random_bits = int.from_bytes(os.urandom(8)) & ((1 << 62) - 1)
    value = milliseconds << 80 | 0x7 << 76 | sequence << 64 | 0b10 << 62 | random_bits
    return uuid.UUID(int=value)


def created_at(made: uuid.UUID) -> datetime:
    """The time at which an id of `uuid7` was made, to the millisecond."""
    return datetime.fromtimestamp((made.int >> 80) / 1000, UTC)
