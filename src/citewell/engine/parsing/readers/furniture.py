"""Removes running headers, footers and page numbers from the edges of pages."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise, takewhile

from citewell.engine.parsing.base import Block, BlockKind

EDGE_LINES = 2
"""Lines at the top and at the bottom of a page that may be furniture. A third line of a header is
kept as text."""

MIN_PAGES = 3
"""Pages on which a line must occur, apart from numbers in it, to count as furniture; two in a short
file."""

# A line longer than this is text of the page: running headers are short.
_LONGEST = 140

_DIGITS = re.compile(r"\d{1,9}")
# "12", "- 12 -", "Page 3 of 10", "Trang 3/10" and roman numerals; the whole line must be nothing
# else. A chapter number that stands alone at a page's edge is lost with them.
_PAGE_NUMBER = re.compile(
    r"[-–—\s]*(?:page|trang|p\.)?\s*(?:\d{1,4}|[ivxl]{1,6})(?:\s*(?:/|of|trên)\s*\d{1,4})?[-–—\s]*",  # noqa: RUF001
    re.IGNORECASE,
)


def is_page_number(line: str) -> bool:
    """Whether a line is nothing but the number of its page."""
    return _PAGE_NUMBER.fullmatch(line) is not None


def without_furniture(pages: dict[int | None, list[Block]]) -> Iterator[list[Block]]:
    """Yield the pages' blocks without what repeats at their edges.

    A line is furniture when it stands unchanged at the edge of `MIN_PAGES` pages, or when all
    that changes is a number that counts with the pages. One that never changes is kept where it
    stands first: it may be the title. Tables with rows of their own stay whole: their header row
    may be printed on each page. A bare page number always goes; a page of nothing else is left as
    it is.
    """
    edges = _Edges(pages)
    for page in pages.values():
        yield _strip(page, edges) if len(pages) > 1 else page


class _Edges:
    """Lines that repeat at the edges of pages."""

    def __init__(self, pages: dict[int | None, list[Block]]) -> None:
        places: dict[str, list[tuple[int, str]]] = {}
        for number, page in pages.items():
            for line in {line.strip() for line in _edge_lines(page)}:
                places.setdefault(_shape(line), []).append((number or 0, line))
        places.pop("", None)
        least = 2 if len(pages) <= MIN_PAGES + 1 else MIN_PAGES
        found = {shape: lines for shape, lines in places.items() if len(lines) >= least}
        fixed = {shape for shape, lines in found.items() if len({text for _, text in lines}) == 1}
        ends = Counter(_last_row(block) for page in pages.values() for block in page)
        self._rows = {row for row, count in ends.items() if row and count == 1}
        self._counted = {shape for shape in found.keys() - fixed if _counts_pages(found[shape])}
        self._fixed = fixed
        self._seen: set[str] = set()

    def furniture(self, lines: list[str]) -> int:
        """Count the lines, from the first on, that are furniture."""
        for count, line in enumerate(lines[:EDGE_LINES]):
            shape = _shape(line)
            is_repeated = shape in self._counted or (shape in self._fixed and shape in self._seen)
            if not (is_repeated or _PAGE_NUMBER.fullmatch(line)):
                return count
        return min(EDGE_LINES, len(lines))

    def is_own(self, block: Block) -> bool:
        """Whether a block is a table of its page: a running header of cells ends alike on all."""
        return _last_row(block) in self._rows

    def note(self, page: list[Block]) -> None:
        """Remember that a page has been passed."""
        self._seen |= {_shape(line) for line in _edge_lines(page)}


def _counts_pages(lines: list[tuple[int, str]]) -> bool:
    """Whether one of the numbers in like lines mostly grows as the page does."""
    rows = [(page, [int(found) for found in _DIGITS.findall(line)]) for page, line in lines]
    # 0.7: chapters restart a numbering, and pages without a header leave gaps.
    return any(
        sum(b[1][at] - a[1][at] == b[0] - a[0] for a, b in pairwise(rows)) > 0.7 * (len(rows) - 1)
        for at in range(min(len(numbers) for _, numbers in rows))
    )


def _shape(line: str) -> str:
    line = line.strip()
    return _DIGITS.sub("#", line).casefold() if len(line) <= _LONGEST else ""


def _last_row(block: Block) -> str:
    return _shape(block.text.rpartition("\n")[2]) if block.kind is BlockKind.TABLE else ""


def _edge_lines(page: list[Block]) -> list[str]:
    lines = [line for block in page[:EDGE_LINES] for line in block.text.split("\n")[:EDGE_LINES]]
    ends = [line for block in page[-EDGE_LINES:] for line in block.text.split("\n")[-EDGE_LINES:]]
    return lines[:EDGE_LINES] + ends[-EDGE_LINES:]


def _strip(page: list[Block], edges: _Edges) -> list[Block]:
    lines = [(number, line) for number, b in enumerate(page) for line in b.text.split("\n")]
    own = {number for number, block in enumerate(page) if edges.is_own(block)}
    top = edges.furniture([line for _, line in takewhile(lambda at: at[0] not in own, lines)])
    ends = takewhile(lambda at: at[0] not in own, reversed(lines[top:]))
    bottom = edges.furniture([line for _, line in ends])
    edges.note(page)
    kept = lines[top : len(lines) - bottom]
    if not kept or len(kept) == len(lines):
        return page
    texts: dict[int, list[str]] = {}
    for number, line in kept:
        texts.setdefault(number, []).append(line)
    return [replace(page[number], text="\n".join(part)) for number, part in texts.items()]
