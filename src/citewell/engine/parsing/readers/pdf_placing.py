"""Puts the tables of a PDF page in the place of the text that they hold."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.parsing.readers.furniture import EDGE_LINES, MIN_PAGES, is_page_number
from citewell.engine.parsing.readers.pdf_cells import PageTable, counted
from citewell.engine.parsing.readers.pdf_tables import squeezed
from citewell.engine.parsing.readers.tables import CELL_SEPARATOR, row_text, table_blocks

_SAME = 4.0
"""Points by which columns of a table that goes on over pages may differ."""

_NEAR = 4
"""Pages before and behind one that its running header is compared with."""

_NUMBER = re.compile(r"\d{1,4}")
_YEAR = re.compile(r"(?:19|20)\d\d")

_Lines = list[tuple[int, int, Counter[str]]]


def with_tables(blocks: list[Block], tables: list[PageTable], number: int) -> list[Block]:
    """A page's blocks with its tables.

    A table whose letters are not those of some consecutive lines is left as it was read: the
    library has read its lines together with others.
    """
    counts = [_counted_lines(block) for block in blocks]
    for table in tables:
        lines = [
            (at, line, letters) for at, own in enumerate(counts) for line, letters in enumerate(own)
        ]
        if (found := _found(lines, table)) is None:
            continue
        first, last = lines[found[0]][:2], lines[found[1]][:2]
        new = list(_replaced(blocks[first[0]], blocks[last[0]], first[1], last[1], table, number))
        blocks = [*blocks[: first[0]], *new, *blocks[last[0] + 1 :]]
        counts[first[0] : last[0] + 1] = map(_counted_lines, new)
    return blocks


def _counted_lines(block: Block) -> list[Counter[str]]:
    return [counted(line) for line in block.text.split("\n")]


def _found(lines: _Lines, table: PageTable) -> tuple[int, int] | None:
    """First and last of the consecutive lines that hold exactly a table's letters.

    The lines from `start` on hold what `rest` lacks of the table.
    """
    rest, left, start = table.letters.copy(), table.letters.total(), 0
    for end, (_, _, letters) in enumerate(lines):
        while start < end and not _holds(rest, letters):
            rest.update(lines[start][2])
            left += lines[start][2].total()
            start += 1
        if not _holds(rest, letters):
            start = end + 1
            continue
        rest.subtract(letters)
        left -= letters.total()
        if not left:
            return next(at for at in range(start, end + 1) if lines[at][2]), end
    return None


def _holds(counts: Counter[str], part: Counter[str]) -> bool:
    return all(counts[each] >= count for each, count in part.items())


def _replaced(
    first: Block, last: Block, above: int, end: int, table: PageTable, number: int
) -> Iterator[Block]:
    """Yield a table, and the lines of its blocks that stand above it and behind line `end`."""
    yield from _rest(first, first.text.split("\n")[:above])
    if table.title:
        yield Block(BlockKind.PARAGRAPH, table.title, number)
    yield from table_blocks(table.rows, number)
    yield from _rest(last, last.text.split("\n")[end + 1 :])


def _rest(block: Block, lines: list[str]) -> Iterator[Block]:
    """Yield the lines of a block that are not the table's."""
    lines = [line for line in lines if line.strip()]
    if block.kind is BlockKind.TABLE and len(lines) == 1:
        # A line above the table that the library has taken for its first row.
        yield Block(BlockKind.PARAGRAPH, lines[0].replace(CELL_SEPARATOR, " "), block.page)
    elif lines:
        yield replace(block, text="\n".join(lines))


def with_headers(pages: list[list[PageTable]], texts: list[str]) -> Iterator[list[PageTable]]:
    """Yield the pages' tables; one that goes on from the page before gets its header row.

    Args:
        pages: Tables page by page.
        texts: PDFium's text of each page.
    """
    lines = [_edge_lines(text) for text in texts]
    edges = _Edges(lines, Counter(line for own in lines for line in own))
    before: PageTable | None = None
    for page, tables in enumerate(pages):
        if tables and before is not None and _goes_on(before, tables[0], page, edges):
            header = before.rows[0]
            if row_text(tables[0].rows[0]) != row_text(header):
                tables = [replace(tables[0], rows=[header, *tables[0].rows]), *tables[1:]]
        yield tables
        before = tables[-1] if tables else None


def _goes_on(before: PageTable, table: PageTable, page: int, edges: "_Edges") -> bool:
    return (
        before.below is not None
        and table.above is not None
        and not table.title
        and len(before.borders) == len(table.borders)
        and len(before.rows[0]) == len(table.rows[0])
        and all(abs(a - b) <= _SAME for a, b in zip(before.borders, table.borders, strict=True))
        and all(_is_furniture(line, page - 1, edges) for line in before.below)
        and all(_is_furniture(line, page, edges) for line in table.above)
        and (table.rows[0] == before.rows[0] or not _is_header(table.rows[0], before.rows))
    )


class _Edges(NamedTuple):
    """The first and last lines of pages."""

    pages: list[frozenset[str]]
    counts: Counter[str]
    """Pages that have a line."""


def _edge_lines(text: str) -> frozenset[str]:
    """First and last lines of a page without spaces.

    Twice as many as furniture has, as a file may hold them in any order.
    """
    lines = [line for line in map(squeezed, text.splitlines()) if line]
    return frozenset(lines[: 2 * EDGE_LINES] + lines[-2 * EDGE_LINES :])


def _is_furniture(line: str, page: int, edges: _Edges) -> bool:
    """Whether a line at a page's edge is no heading of what follows.

    It is a page number, stands on another page too, or on two others with a number that counts.
    """
    if is_page_number(line) or edges.counts[line] > (line in edges.pages[page]):
        return True
    # The nearest pages will do: a page of a long file is not compared with all the others.
    near = range(max(0, page - _NEAR), min(len(edges.pages), page + _NEAR + 1))
    counted_on = (_counted_on(line, n - page) & edges.pages[n] for n in near if n != page)
    return sum(map(bool, counted_on)) >= MIN_PAGES - 1


def _counted_on(line: str, pages: int) -> set[str]:
    """A line with one of its numbers greater by some pages."""
    return {
        f"{line[: found.start()]}{int(found[0]) + pages}{line[found.end() :]}"
        for found in _NUMBER.finditer(line)
    }


def _is_header(row: list[str], rows: list[list[str]]) -> bool:
    """Whether a row looks like the header of a table of its own, not like one of the rows before.

    Errs on the side of a header: a row of words in a table of figures is left without one, which
    says less and nothing wrong.
    """
    header = rows[0]
    if row[0] and row[0].casefold() == header[0].casefold():
        return True
    if all(_YEAR.fullmatch(cell) for cells in (row, header) for cell in cells[1:]):
        return True
    return not _has_digits(row) and not _has_digits(header) and any(map(_has_digits, rows[1:]))


def _has_digits(row: list[str]) -> bool:
    return any(each.isdecimal() for cell in row for each in cell)
