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

    checked_share: float = 1 / 16
    """Chance of a passage that its vector is made again and compared; one of the first record's is
    in any case. With one that does not fit, those of all that follows are made here. A few forged
    ones among thousands may pass: they can show a passage where it does not belong, but not change
    a word of it."""
