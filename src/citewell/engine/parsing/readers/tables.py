"""Rows of cells to table blocks."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.parsing.cleaning import clean_line
from citewell.engine.parsing.marks import HYPHEN, TURN

CELL_SEPARATOR = " | "

TABLE_CHARS = 16_384
"""Characters from which a table is split into several blocks, each with the header row first."""


class _Covered(str):
    """A kind of empty text, told apart by its identity."""

    __slots__ = ()


COVERED = _Covered()
"""The place of a cell that the one to its left spans; empty like others, and a mark of headers."""

_MOST_HEADERS = 4
"""Rows of a header that are put together; a table with more is a form."""


def row_text(cells: Sequence[str]) -> str:
    """A row as one line; empty cells at its end are left out."""
    cleaned = [clean_line(cell.replace("\u00ad", HYPHEN)) for cell in cells]
    while cleaned and not cleaned[-1]:
        cleaned.pop()
    return CELL_SEPARATOR.join(cleaned)


def _with_one_header(rows: Iterator[Sequence[str]]) -> Iterator[Sequence[str]]:
    """The rows with one header: "2025" over "Q1" and "Q2" becomes "2025 Q1" and "2025 Q2"."""
    first = list(islice(rows, _MOST_HEADERS + 1))
    start = 0
    # A cell over the whole width is a title.
    while (
        start < len(first)
        and len(first[start]) > 1
        and all(cell is COVERED for cell in first[start][1:])
    ):
        start += 1
    end = start
    while end < len(first) - 1 and COVERED in map(_identity, first[end]):
        end += 1
    named = first[start : end + 1]
    # The lowest row names what the others span, and the body below it spans nothing.
    if end == start or end > len(first) - 2 or not _names_all(named):
        return chain(first, rows)
    header: list[str] = []
    for column in range(max(map(len, named))):
        texts = [_spanning(row, column) for row in named]
        header.append(" ".join(dict.fromkeys(text for text in texts if text)))
    return chain(first[:start], [header], first[end + 1 :], rows)


def _identity(cell: str) -> object:
    return COVERED if cell is COVERED else None


def _names_all(rows: list[Sequence[str]]) -> bool:
    lowest = rows[-1]
    below = [
        lowest[column].strip() if column < len(lowest) else ""
        for row in rows[:-1]
        for column, cell in enumerate(row)
        if cell is COVERED
    ]
    first = [row[0] for row in rows if len(row) < 2 or row[1] is not COVERED]
    return all(below) and are_headers(first, below)


_FIGURE = re.compile(r"(?!(?:19|20)\d\d\Z)[\d.,:/%€$£()\s+\-\u2212\u2013]*\d[\d.,:/%€$£()\s]*")
"""Amounts, shares and times; years are names of columns."""


def are_headers(first: Sequence[str], below: Sequence[str]) -> bool:
    """Whether the row below a cell over several columns names them, rather than begins the body.

    Args:
        first: The cells of the first column that span no others: one name, as it spans the rows.
        below: The cells of the lowest row below those over several columns.
    """
    names = {clean_line(cell.replace(TURN, "")) for cell in first} - {""}
    return len(names) <= 1 and not any(map(_FIGURE.fullmatch, below))


def _spanning(row: Sequence[str], column: int) -> str:
    """The text of the cell that spans a column of a row."""
    if column >= len(row):
        return ""
    while column and row[column] is COVERED:
        column -= 1
    return clean_line(row[column].replace(TURN, ""))


def table_blocks(rows: Iterable[Sequence[str]], page: int | None = None) -> Iterator[Block]:
    """Yield a table's rows as blocks; rows without text are left out.

    Args:
        rows: The header row first.
        page: Page, slide or sheet it stands on.
    """
    header = ""
    lines: list[str] = []
    held = 0
    for cells in _with_one_header(iter(rows)):
        line = row_text(cells)
        if not line:
            continue
        if not header:
            header = line.replace(TURN, "")
        lines.append(line)
        held += len(line) + 1
        if held >= TABLE_CHARS:
            yield Block(BlockKind.TABLE, text := "\n".join(lines), page)
            page = page if page is None else page + text.count(TURN)
            lines, held = [header], len(header)
    if len(lines) > 1 or (lines and lines[0] != header) or (lines and held == len(header) + 1):
        yield Block(BlockKind.TABLE, "\n".join(lines), page)
