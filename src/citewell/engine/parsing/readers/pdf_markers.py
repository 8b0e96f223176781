"""Numbers and bullets of lists that a PDF page draws away from their items.

Some programs draw the text of a page first and the marks of its lists behind it: "1." and "2."
came as paragraphs of their own at the page's end, and the items ran together.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.parsing.readers.pdf_shifts import Glyphs
from citewell.engine.parsing.readers.pdf_tables import squeezed

_MARK = re.compile(r"\(?(?:\d{1,3}|[A-Za-z]|[ivxlc]{2,6})[.)]|[•◦▪‣●○■□]")
_SAME = 0.2
"""Distance of base lines of one line, as a share of the size."""
_FARTHEST = 4.0
"""The same for the distance of a mark from its item: two steps of a tabulator."""
_MOST_LINES = 400
"""Lines of a page that are looked at."""


class Marker(NamedTuple):
    """A mark of a list that is drawn away from its item."""

    mark: str
    item: str
    """The first line of the item, without its spaces."""


def find_markers(raw: object, shown: str) -> Iterator[Marker]:
    """Yield the marks of a page's lists that do not stand before their items in PDFium's text.

    Args:
        raw: PDFium's text page.
        shown: Its text, each character in its place.
    """
    lines: list[tuple[int, str]] = []
    at = 0
    for line in shown.splitlines(keepends=True)[:_MOST_LINES]:
        if text := line.strip():
            lines.append((at + line.index(text[0]), text))
        at += len(line)
    marks = [number for number, (_, text) in enumerate(lines) if _MARK.fullmatch(text)]
    if not marks:
        return
    glyphs = Glyphs(raw)
    items = [
        (glyphs.line(start), glyphs.box(start)[0], number)
        for number, (start, _) in enumerate(lines)
        if number not in marks
    ]
    for number in marks:
        start, text = lines[number]
        size, line = abs(glyphs.size(start)), glyphs.line(start)
        end = glyphs.box(start + len(text) - 1)[1]
        beside = [
            (left, item)
            for height, left, item in items
            if abs(height - line) <= _SAME * size and 0 <= left - end <= _FARTHEST * size
        ]
        if beside and (item := min(beside)[1]) != number + 1:
            yield Marker(text, squeezed(lines[item][1]))


def with_markers(blocks: list[Block], markers: list[Marker]) -> list[Block]:
    """The blocks of a page with the marks of its lists before their items."""
    blocks, moved = list(blocks), list[str]()
    for marker in markers:
        for number, block in enumerate(blocks):
            if block.kind in (BlockKind.TABLE, BlockKind.CODE):
                continue
            lines = block.text.split("\n")
            at = next((n for n, line in enumerate(lines) if squeezed(line) == marker.item), None)
            if at is not None:
                lines[at] = f"{marker.mark} {lines[at].lstrip()}"
                blocks[number] = replace(block, text="\n".join(lines))
                moved.append(marker.mark)
                break
    return list(_without(blocks, moved))


def _without(blocks: list[Block], marks: list[str]) -> Iterator[Block]:
    """Yield the blocks without the lines that are nothing but marks, from the page's end."""
    kept: list[Block] = []
    for block in reversed(blocks):
        lines: list[str] = []
        for line in reversed(block.text.split("\n")):
            words = line.split()
            if words and all(word in marks for word in words):
                for word in words:
                    if word in marks:
                        marks.remove(word)
            else:
                lines.append(line)
        if lines:
            kept.append(replace(block, text="\n".join(reversed(lines))))
    yield from reversed(kept)
