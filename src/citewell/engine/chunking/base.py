"""The chunker protocol: passages with their exact place in the extracted text."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from citewell.engine.parsing.base import Block

BLOCK_SEPARATOR = "\n\n"
"""The extracted text of a version is its blocks' texts joined by this."""

TokenCounter = Callable[[Sequence[str]], list[int]]
"""Counts each text's tokens as the embedder will, without special tokens."""

PREFIX_CHARS = 160
"""Longest prefix `embedding_text` adds, in characters: about 36 tokens of English."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One passage. `text` equals `extracted_text[start:end]` exactly."""

    ordinal: int
    text: str
    start: int
    end: int
    heading: tuple[str, ...]
    """Headings above the passage, outermost first; of several sections, what they share."""
    page: int | None
    """Page on which the passage begins."""
    token_count: int
    """Tokens of `text`, without special tokens."""
    context: str = ""
    """Text needed to understand a passage from the middle: a table's header row, or the sentence
    that introduces a list. Embedded and indexed with the text, but not part of it."""
    page_breaks: tuple[int, ...] = ()
    """Offsets in `text` at which a page ends, in order (`pages.pages_of`)."""


@dataclass(frozen=True, slots=True)
class ChunkSizes:
    """Sizes in tokens of the embedder."""

    target: int = 200
    maximum: int = 256
    """Longest input of the embedder, special tokens and prefix included."""
    overlap: int = 0
    """Tokens of whole sentences repeated from the chunk before; counted inside the target."""
    reserved: int = 40
    """Part of the maximum kept for special tokens and the prefix of `embedding_text`."""

    def __post_init__(self) -> None:
        if self.target < 1 or self.limit < 1:
            raise ValueError("A chunk needs room for at least one token.")
        if not 0 <= self.overlap <= self.target // 2:
            raise ValueError("The overlap must be between 0 and half the target.")

    @property
    def limit(self) -> int:
        """Most tokens a chunk's own text may have."""
        return self.maximum - self.reserved


def chunking_name(strategy: str, size: int, overlap: int) -> str:
    """Name of a chunking, as stored with the chunks: `structure/200/0`."""
    return f"{strategy}/{size}/{overlap}"


class Chunker(Protocol):
    """Cuts one document; holds the state of one pass, so make a new one per document."""

    def feed(self, block: Block) -> Iterator[Chunk]:
        """Take the next block; yield the chunks that are complete.

        The block counts as taken only when the iterator is exhausted.
        """
        ...

    def finish(self) -> Iterator[Chunk]:
        """Yield what is left."""
        ...


def embedding_text(chunk: Chunk, title: str | None) -> str:
    """The text embedded for a chunk: its title, headings and context, then its own text.

    Headings that open the text are not repeated. The innermost heading is kept first when
    `PREFIX_CHARS` is not enough for all.
    """
    opening = chunk.text[: 2 * PREFIX_CHARS]
    path = [title, *chunk.heading] if title else list(chunk.heading)
    kept: list[str] = []
    room = PREFIX_CHARS
    for name in reversed(path):
        if name in kept or name in opening or len(name) > room:
            continue
        kept.insert(0, name)
        room -= len(name) + 3
    lines = [" > ".join(kept), chunk.context[: max(room, 0)], chunk.text]
    return "\n".join(line for line in lines if line)


def content_hash(text: str) -> bytes:
    """Hash of a text, by which vectors of unchanged passages are reused."""
    # 128 bits: two texts of one library share a hash with a chance far below that of a disk error.
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
