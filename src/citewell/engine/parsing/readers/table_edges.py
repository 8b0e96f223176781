"""Tables of formats that give the ends of each row's cells, not how many columns a cell spans."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from citewell.engine.parsing.readers.tables import COVERED

_SAME = 60
"""Twentieths of a point within which ends are those of one column: programs round them."""
_MOST_COLUMNS = 64
"""Columns that Word's tables have at most; more ends are those of a table drawn by hand."""


@dataclass(slots=True)
class EdgedRow:
    """A row with what its format says of its cells; empty where it says nothing."""

    cells: list[str]
    ends: list[int] = field(default_factory=list[int])
    """Right ends of the cells, in twentieths of a point."""
    is_continued: list[bool] = field(default_factory=list[bool])
    """Whether a cell goes on from the one above it."""
    is_covered: list[bool] = field(default_factory=list[bool])
    """Whether a cell goes on from the one to its left."""


def aligned(rows: Sequence[EdgedRow]) -> list[list[str]]:
    """The cells of rows in the columns they share; what goes on from above is repeated."""
    shared = _shared([row.ends for row in rows if len(row.ends) == len(row.cells)])
    found: list[list[str]] = []
    above: list[str] = []
    for row in rows:
        texts: list[str] = []
        is_known = len(row.ends) == len(row.cells) and len(shared) <= _MOST_COLUMNS
        for at, text in enumerate(row.cells):
            column = bisect_left(shared, row.ends[at] - _SAME) if is_known else len(texts)
            if _says(row.is_covered, at):
                text = COVERED
            elif _says(row.is_continued, at) and len(texts) < len(above) and not text.strip():
                text = above[len(texts)]
            texts += [text, *[COVERED] * (column - len(texts))]
        found.append(texts)
        above = texts
    return found


def _says(flags: list[bool], at: int) -> bool:
    return at < len(flags) and flags[at]


def _shared(rows: Sequence[list[int]]) -> list[int]:
    """The ends of columns, from left to right."""
    found: list[int] = []
    for end in sorted({end for ends in rows for end in ends}):
        if not found or end - found[-1] > _SAME:
            found.append(end)
    return found
