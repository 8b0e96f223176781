"""The sizes and pauses of ingestion, one object per process (`platform.state_of(IngestPace)`)."""

from dataclasses import dataclass


@dataclass(slots=True)
class IngestPace:
    """Batch sizes, intervals and attempts of ingestion."""

    feed_chars: int = 16_384
    """Characters of blocks handed to a thread at once; a hop to a thread costs as much time as
    cutting 1,000 characters, so this keeps its share small."""

    feed_blocks: int = 256

    batch_chunks: int = 128
    """Chunks embedded and stored together: large enough to sort by length, 2 s of embedding."""

    recent_vectors: int = 4_096
    """Vectors of different passages of a document that are held while it is made ready: 6 MB of the
    bundled model's. Generated and damaged files repeat themselves within a few batches."""

    segment_chars: int = 32_768
    """Approximate length of a stored stretch of extracted text: some ten pages, so that reading the
    passage of a citation loads one or two rows."""

    note_seconds: float = 1.0
    """Interval between two writes of progress: often enough for people, and small files finish
    before the first one, so that they cost no statement."""

    max_attempts: int = 20
    """Attempts after failures that may heal; with the queue's backoff about an hour and a half."""

    longest_pause_seconds: float = 60.0
    """Longest pause between two attempts to build a version anew."""

    fold_seconds: float = 1.0
    """Shortest interval between two folds of new terms into the statistics while many documents
    arrive; one per document would be most of the work of a small file."""
