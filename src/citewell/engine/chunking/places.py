"""Offsets of blocks in the extracted text, and the white space between pieces of them."""

from citewell.engine.chunking.base import BLOCK_SEPARATOR
from citewell.engine.chunking.packing import MAX_GAP


class Extent:
    """Places blocks in the extracted text and keeps the white space between pieces."""

    def __init__(self) -> None:
        self._next = 0
        self._is_first = True
        self._gap: str | None = ""

    def open(self, text: str) -> int:
        """The offset of the next block."""
        offset = self._next
        self._next += len(text) + len(BLOCK_SEPARATOR)
        if not self._is_first:
            self.skip(BLOCK_SEPARATOR)
        self._is_first = False
        return offset

    def skip(self, space: str) -> None:
        """Add white space that belongs to no piece."""
        if self._gap is not None:
            joined = self._gap + space
            self._gap = joined if len(joined) <= MAX_GAP else None

    def take_gap(self) -> str | None:
        """The white space since the piece before; None if it is longer than `MAX_GAP`."""
        gap, self._gap = self._gap, ""
        return gap


def space_between(text: str, start: int, end: int) -> str:
    """The white space between two offsets, cut just above `MAX_GAP`."""
    return text[start : min(end, start + MAX_GAP + 1)]
