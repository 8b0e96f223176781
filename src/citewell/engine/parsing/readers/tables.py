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


def _with_one_header(rows: Iterator[Sequence[str]], headers: int) -> Iterator[Sequence[str]]:
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
    while end < len(first) - 1 and any(cell is COVERED for cell in first[end]):
        end += 1
    named, body = first[start : end + 1], first[end + 1 :]
    # The lowest row names what the others span, and the body below it spans nothing.
    if end == start or not body or not _names_all(named, body, is_known=headers > end):
        return chain(first, rows)
    header: list[str] = []
    for column in range(max(map(len, named))):
        texts = [_spanning(row, column) for row in named]
        header.append(" ".join(dict.fromkeys(text for text in texts if text)))
    return chain(first[:start], [header], body, rows)


def _names_all(rows: list[Sequence[str]], body: list[Sequence[str]], *, is_known: bool) -> bool:
    """Whether the lowest row names the columns that those above it span.

    It is the first row of the body as often, so it must be told: by the file, by a first cell that
    goes on through all rows, or by names of their own over columns of figures.

    Args:
        rows: The rows down to that one.
        body: Rows below them.
        is_known: Whether the file says that all rows are a header.
    """
    spans = [span for row in rows[:-1] for span in _spans(row)]
    below = [[_cell(rows[-1], column) for column in span] for span in spans]
    if not all(map(all, below)):
        return False
    if is_known:
        return True
    first = [_cell(row, 0) for row in rows]
    if any(len(row) > 1 and row[1] is COVERED for row in rows) or len({*first} - {""}) > 1:
        return False
    if all(first):
        return True
    held = [_cell(row, column) for row in body for span in spans for column in span]
    return (
        all(len({*names}) == len(names) for names in below)
        and not any(is_figure(name) for names in below for name in names)
        and all(map(is_figure, held))
    )


def _spans(row: Sequence[str]) -> list[list[int]]:
    """The columns of each cell of a row that is over several."""
    found: list[list[int]] = []
    for column, cell in enumerate(row):
        if cell is COVERED and found:
            found[-1].append(column)
        else:
            found.append([column])
    return [columns for columns in found if len(columns) > 1]


def _cell(row: Sequence[str], column: int) -> str:
    return clean_line(row[column].replace(TURN, "")) if column < len(row) else ""


_FIGURE = re.compile(r"(?!(?:19|20)\d\d\Z)[\d.,:/%€$£()\s+\-\u2212\u2013]*\d[\d.,:/%€$£()\s]*")
_LONGEST_FIGURE = 40
"""Characters; the pattern takes the square of their number."""


def is_figure(cell: str) -> bool:
    """Whether a cell holds an amount, a share or a time; a year is the name of a column."""
    return len(cell) <= _LONGEST_FIGURE and _FIGURE.fullmatch(cell) is not None


def _spanning(row: Sequence[str], column: int) -> str:
    """The text of the cell that spans a column of a row."""
    if column >= len(row):
        return ""
    while column and row[column] is COVERED:
        column -= 1
    return _cell(row, column)


def table_blocks(
    rows: Iterable[Sequence[str]], page: int | None = None, *, headers: int = 0
) -> Iterator[Block]:
    """Yield a table's rows as blocks; rows without text are left out.

    Args:
        rows: The header row first.
        page: Page, slide or sheet it stands on.
        headers: Rows at the beginning that the file says are a header; 0 if it does not say.
    """
    header = ""
    lines: list[str] = []
    held = 0
    for cells in _with_one_header(iter(rows), headers):
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
