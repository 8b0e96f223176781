"""What a chunker gives: passages with their exact place in the extracted text."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from citewell.engine.parsing.base import Block

BLOCK_SEPARATOR = "\n\n"
"""The extracted text of a version is its blocks' texts joined by this."""

TokenCounter = Callable[[Sequence[str]], list[int]]
"""Counts each text's tokens as the embedder will, without special tokens."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One passage. `text` equals `extracted_text[start:end]` exactly."""

    ordinal: int
    text: str
    start: int
    end: int
    heading: tuple[str, ...]
    """Headings above the passage, outermost first."""
    page: int | None
    """Page on which the passage begins."""
    token_count: int


@dataclass(frozen=True, slots=True)
class ChunkSizes:
    """Sizes in tokens of the embedder."""

    target: int = 200
    maximum: int = 256
    overlap: int = 0


class Chunker(Protocol):
    """Cuts one document; holds the state of one pass, so make a new one per document."""

    def feed(self, block: Block) -> Iterator[Chunk]:
        """Take the next block; yield the chunks that are complete."""
        ...

    def finish(self) -> Iterator[Chunk]:
        """Yield what is left."""
        ...
