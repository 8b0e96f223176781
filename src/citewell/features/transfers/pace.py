"""The sizes and times of imports, one object per process (`platform.state_of(ImportPace)`)."""

from dataclasses import dataclass


@dataclass(slots=True)
class ImportPace:
    """In what steps a collection is filled, and when upkeep takes an import for dead."""

    batch_bytes: int = 4 * 1024 * 1024
    """Plain bytes of an export that are read before they are written in one transaction. About 500
    passages, whose transaction takes about a second."""

    lease_seconds: float = 600.0
    """How long an import may pause between two batches. A pause is the time to go past one original
    (at most `max_upload_bytes`), and to wait for a connection."""

    shown_chunks: int = 1_000
    """Passages that one statement makes findable: far from a request's time-out for statements,
    also where each of them enters the index of vectors (about 3 ms)."""
