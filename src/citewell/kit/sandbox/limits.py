"""Limits of one request to a child process."""

from dataclasses import dataclass

MIB = 1024 * 1024
"""Bytes of a mebibyte."""


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """Bounds of a child process; it is killed when it goes past any of them."""

    memory_bytes: int
    """Most private data (by rlimit) and resident memory (as sampled by the parent)."""
    cpu_seconds: int
    """CPU time of one request."""
    wall_seconds: float
    """Time the parent waits for answers to one request, pauses between reads not counted."""
