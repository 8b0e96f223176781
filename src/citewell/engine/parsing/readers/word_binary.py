"""A Word 97-2003 file: its text by places, and the formats of paragraphs and runs.

Source: [MS-DOC] sections 2.5 (FIB), 2.8.35 (pieces), 2.9.175 and 2.9.33 (pages of formats).
Properties that a fast save keeps with a piece alone are not followed.
"""

import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple, TypeVar

from citewell.engine.parsing.containers import Compound
from citewell.engine.parsing.readers.word_styles import Numbering
from citewell.engine.parsing.readers.word_tables import (
    Properties,
    Style,
    properties_of,
    read_fonts,
    read_lists,
    read_overrides,
    read_styles,
)

_PAGE = 512
"""Bytes of a page of formats."""

# Of the pairs (place, size) in the file's information block.
_STYLES, _RUNS, _PARAGRAPHS, _FONTS, _PIECES, _LISTS, _OVERRIDES = 1, 12, 13, 15, 33, 73, 74

DAMAGE = (ValueError, struct.error, IndexError, OverflowError)
"""Raised by what is read of a damaged file."""

MAX_BASES = 20
"""Styles may be based on each other in a circle; longer chains do not occur."""


_T = TypeVar("_T")


class WordPiece(NamedTuple):
    """Characters that lie in one place of the file."""

    start: int
    end: int
    """Places of characters in the document."""
    offset: int
    """Of its first byte in the stream."""
    width: int
    """Bytes of a character."""


Stretch = tuple[int, int, bytes]
"""First and last byte of characters of one format, and the format."""


@dataclass(slots=True)
class _Runs:
    """Stretches of bytes with their formats, in order."""

    starts: list[int] = field(default_factory=list[int])
    ends: list[int] = field(default_factory=list[int])
    formats: list[bytes] = field(default_factory=list[bytes])

    def at(self, place: int) -> tuple[bytes, int]:
        """The format of a byte, and where its stretch ends; empty where none is told."""
        found = bisect_right(self.starts, place) - 1
        if found < 0 or place >= self.ends[found]:
            following = self.starts[found + 1] if found + 1 < len(self.starts) else 1 << 40
            return b"", following
        return self.formats[found], self.ends[found]


class WordFile:
    """An opened file."""

    def __init__(self, container: Compound) -> None:
        """Read what all paragraphs share.

        Raises:
            ValueError, struct.error, IndexError: It is damaged.
        """
        self.damaged: set[str] = set()
        """Parts that could not be read and are done without: `styles`, `fonts`, `lists`."""
        self._main = container.stream("WordDocument") or b""
        (flags,) = struct.unpack_from("<H", self._main, 10)
        self._table = container.stream("1Table" if flags & 0x200 else "0Table") or b""
        self.counts = struct.unpack_from("<7i", self._main, 0x4C)
        """Characters of the text, notes, headers, macros, comments, end notes and boxes."""
        (self._pairs,) = struct.unpack_from("<H", self._main, 0x98)
        self.pieces = list(pieces_of(self.part(_PIECES)))
        self._starts = [piece.start for piece in self.pieces]
        self._paragraphs = self._formats(_PARAGRAPHS, _paragraph_page)
        self._runs = self._formats(_RUNS, _run_page)
        self.styles = self._optional("styles", lambda: read_styles(self.part(_STYLES)), {})
        self.fonts = self._optional("fonts", lambda: read_fonts(self.part(_FONTS)), [])
        self.numbering = self._optional("lists", self._numbering, Numbering(None))

    def _optional(self, name: str, read: Callable[[], _T], missing: _T) -> _T:
        try:
            return read()
        except DAMAGE:
            self.damaged.add(name)
            return missing

    def part(self, number: int) -> bytes:
        """A part of the table stream by the number of its pair; empty without one."""
        place, size = self._pair(number)
        return self._table[place : place + size]

    def _pair(self, number: int) -> tuple[int, int]:
        if number >= self._pairs:
            return 0, 0
        place, size = struct.unpack_from("<II", self._main, 0x9A + 8 * number)
        return place, size

    def width_at(self, place: int) -> int:
        """Bytes of a character at a place of the document."""
        return self.pieces[max(bisect_right(self._starts, place) - 1, 0)].width

    def text(self, start: int, end: int) -> Iterator[tuple[str, int, int]]:
        """Yield stretches of equal format: text, place in the document, place in the stream."""
        number = max(bisect_right(self._starts, start) - 1, 0)
        for piece in self.pieces[number:]:
            if piece.start >= end:
                return
            at, until = max(start, piece.start), min(end, piece.end)
            while at < until:
                offset = piece.offset + (at - piece.start) * piece.width
                _, stretch = self._runs.at(offset)
                count = max(-(-(stretch - offset) // piece.width), 1)
                stop = min(at + count, until)
                raw = self._main[offset : offset + (stop - at) * piece.width]
                yield (
                    raw.decode("cp1252" if piece.width == 1 else "utf-16-le", "replace"),
                    at,
                    offset,
                )
                at = stop

    def paragraph(self, offset: int) -> tuple[int, Properties]:
        """Style and properties of the paragraph whose mark lies at a place of the stream."""
        data, _ = self._paragraphs.at(offset)
        if len(data) < 2:
            return 0, {}
        return struct.unpack_from("<H", data)[0], properties_of(data[2:])

    def run(self, offset: int) -> Properties:
        """Properties of the run at a place of the stream."""
        return properties_of(self._runs.at(offset)[0])

    def chain(self, style: int) -> list[Style]:
        """A style and those it is based on, nearest first."""
        found: list[Style] = []
        while (known := self.styles.get(style)) is not None and len(found) < MAX_BASES:
            found.append(known)
            style = known.base
        return found

    def _formats(self, pair: int, read: Callable[[bytes], Iterator[Stretch]]) -> _Runs:
        data = self.part(pair)
        count = max((len(data) - 4) // 8, 0)
        found = _Runs()
        stretches: dict[int, tuple[int, bytes]] = {}
        for (number,) in struct.iter_unpack(
            "<I", data[4 * (count + 1) : 4 * (count + 1) + 4 * count]
        ):
            place = (number & 0x3FFFFF) * _PAGE
            page = self._main[place : place + _PAGE]
            if len(page) == _PAGE:
                for start, end, form in read(page):
                    stretches[start] = (end, form)
        for start, (end, form) in sorted(stretches.items()):
            found.starts.append(start)
            found.ends.append(end)
            found.formats.append(form)
        return found

    def _numbering(self) -> Numbering:
        place, size = self._pair(_LISTS)
        by_list = read_lists(self._table, place) if size else {}
        numbers, levels, restarts = read_overrides(self.part(_OVERRIDES), by_list)
        return Numbering.of_lists(numbers, levels, restarts)


def pieces_of(table: bytes) -> Iterator[WordPiece]:
    """Yield the pieces of the text; their places must rise.

    Raises:
        ValueError, struct.error, IndexError: The table is damaged.
    """
    at = 0
    while at < len(table) and table[at] == 1:  # settings of paragraphs
        at += 3 + struct.unpack_from("<H", table, at + 1)[0]
    if at >= len(table) or table[at] != 2:
        raise ValueError("The table of pieces is missing.")
    (size,) = struct.unpack_from("<I", table, at + 1)
    count = min((size - 4) // 12, len(table) // 12)
    places = struct.unpack_from(f"<{count + 1}I", table, at + 5)
    if any(after < before for before, after in pairwise(places)):
        raise ValueError("The pieces are out of order.")
    for number in range(count):
        (place,) = struct.unpack_from("<I", table, at + 5 + 4 * (count + 1) + 8 * number + 2)
        if places[number + 1] <= places[number]:
            continue
        if place & 0x40000000:
            yield WordPiece(places[number], places[number + 1], (place & 0x3FFFFFFF) // 2, 1)
        else:
            yield WordPiece(places[number], places[number + 1], place, 2)


def _bounds(page: bytes, width: int) -> tuple[tuple[int, ...], int]:
    count = page[_PAGE - 1]
    count = min(count, (_PAGE - 5) // (4 + width))
    return struct.unpack_from(f"<{count + 1}I", page), count


def _paragraph_page(page: bytes) -> Iterator[Stretch]:
    places, count = _bounds(page, 13)
    for number in range(count):
        at = 2 * page[4 * (count + 1) + 13 * number]
        form = b""
        if at:
            size = page[at]
            form = (
                page[at + 1 : at + 2 * size] if size else page[at + 2 : at + 2 + 2 * page[at + 1]]
            )
        yield places[number], places[number + 1], form


def _run_page(page: bytes) -> Iterator[Stretch]:
    places, count = _bounds(page, 1)
    for number in range(count):
        at = 2 * page[4 * (count + 1) + number]
        yield places[number], places[number + 1], page[at + 1 : at + 1 + page[at]] if at else b""
