"""Rows of a sheet as people see them: merged cells repeated, hidden columns left out."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from citewell.engine.parsing.base import Block, BlockKind, WarningCode
from citewell.engine.parsing.findings import Findings

MAX_COLUMNS = 16_384
"""Columns of a sheet, as Excel and LibreOffice limit them."""

MOST_MERGED = 10_000
"""Cells of a merged area that is followed: a larger one is decoration."""
_MOST_MERGED_IN_ALL = 10 * MOST_MERGED
"""Cells of all merged areas of a sheet: a file of a few kilobytes can declare millions."""

MergedCells = dict[tuple[int, int], tuple[int, int]]
"""(row, column) of cells of merged areas -> those of the area's first cell, which has the text."""


@dataclass(slots=True)
class Row:
    """One row of a sheet."""

    number: int
    cells: dict[int, str]
    """Texts by their columns, from 1; empty cells are left out."""
    spans: set[int] = field(default_factory=set[int])
    """Columns whose text is that of a cell merged over several columns."""
    is_hidden: bool = False
    """Whether it is left out; then it has no cells, and divides no table as an empty row does."""


@dataclass(slots=True)
class SeenSheet:
    """A sheet that is read."""

    name: str
    number: int
    """Place in the workbook, from 1, hidden sheets counted."""
    part: str
    is_hidden: bool = False
    """Whether it is there because hidden text is kept."""


class Book(Protocol):
    """An opened workbook."""

    title: str | None
    metadata: dict[str, str]
    sheet_count: int
    """Hidden sheets counted."""
    sheets: list[SeenSheet]

    def rows(self, sheet: SeenSheet, *, as_shown: bool = True) -> Iterator[Row]:
        """Yield the rows of a sheet; without `as_shown` numbers come as they are stored."""
        ...

    def remarks(self, sheet: SeenSheet) -> Iterator[Block]:
        """Yield text boxes, comments and charts of a sheet; asked for after its rows."""
        ...


def note_merged(found: MergedCells, top: int, left: int, bottom: int, right: int) -> None:
    """Note a merged area; one of very many cells is left out, and so are those after very many."""
    cells = (bottom - top + 1) * (right - left + 1)
    if cells > min(MOST_MERGED, _MOST_MERGED_IN_ALL - len(found)):
        return
    for row in range(top, bottom + 1):
        for column in range(left, right + 1):
            found[(row, column)] = (top, left)


class Merger:
    """Repeats the texts of merged cells, row after row."""

    def __init__(self, merged: MergedCells) -> None:
        self._merged = merged
        self._columns: dict[int, list[int]] = {}
        for number, column in sorted(merged):
            self._columns.setdefault(number, []).append(column)
        self._held: dict[tuple[int, int], str] = {}

    def fill(self, row: Row) -> None:
        """Repeat the text of merged cells in the row and note where it spans columns."""
        for column in self._columns.get(row.number, ()):
            top, left = self._merged[(row.number, column)]
            if (row.number, column) == (top, left):
                self._held[(top, left)] = row.cells.get(column, "")
            elif text := self._held.get((top, left), ""):
                row.cells[column] = text
                if column != left:
                    row.spans.add(column)


def seen(row: Row, columns: list[int], findings: Findings, *, is_hidden: bool) -> Row:
    """The row as people see it; what is left out is noted.

    Args:
        row: A row with all its cells.
        columns: Hidden columns, in order.
        findings: Takes the hidden texts.
        is_hidden: Whether the whole row is hidden.
    """
    if findings.keeps_hidden:
        unseen = set(row.cells) if is_hidden else set(columns)
        cells = {c: findings.hide(t) if c in unseen else t for c, t in row.cells.items()}
        return Row(row.number, cells, row.spans)
    shown = Row(row.number, {}, is_hidden=True) if is_hidden else without_columns(row, columns)
    if is_hidden or columns:
        kept = Counter(shown.cells.values())
        for text in (Counter(row.cells.values()) - kept).elements():
            findings.hide(text)
    return shown


def warn_of_hidden_sheets(count: int, findings: Findings) -> None:
    """Say how many sheets were left out, if any were."""
    if count and not findings.keeps_hidden:
        message = f"Hidden sheets were left out ({count})."
        findings.warn(WarningCode.HIDDEN_LEFT_OUT, message)


def without_columns(row: Row, hidden: list[int]) -> Row:
    """The row without hidden columns, which are in order; those behind them move up."""
    if not hidden:
        return row
    unseen = set(hidden)
    kept = {c: c - bisect_left(hidden, c) for c in row.cells if c not in unseen}
    cells = {new: row.cells[old] for old, new in kept.items()}
    return Row(row.number, cells, {kept[c] for c in row.spans if c in kept})


def seen_notes(
    notes: Mapping[tuple[int, int], str], rows: Collection[int], columns: Collection[int]
) -> list[str]:
    """Comments by (row, column) with the name of their cell, without those of hidden ones."""
    return [
        f"{column_name(column)}{row}: {text}"
        for (row, column), text in sorted(notes.items())
        if text.strip() and row not in rows and column not in columns
    ]


def remark_blocks(texts: Iterable[str], sheet: SeenSheet) -> Iterator[Block]:
    """Yield texts that lie on a sheet, each as an item of its own."""
    return (Block(BlockKind.LIST_ITEM, text, sheet.number) for text in texts)


def column_name(number: int) -> str:
    """The letters of a column: 1 is A, 27 is AA."""
    letters = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
