"""The rows of a table that a question for a list picks: `all equipment in poor condition`."""

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.candidates import Candidate
from citewell.engine.answering.reading.base import Material, Quote, Statement, quote_of
from citewell.engine.answering.reading.conditions import (
    Picked,
    asks_for_rows,
    is_denied,
    pick_rows,
)
from citewell.engine.answering.reading.grid import TableRows, grids_of, label_column, rows_named

MAX_ROWS = 20
"""Longer lists are read in the document."""

_NAMING = 2
"""Cells at the beginning of a row that tell which it is."""

_FOUND = {
    "en": "{count} of {all} rows:",
    "vi": "{count} trong {all} dòng:",
}


def read_rows(material: Material) -> Statement | None:
    """List the rows whose cells a question names; None where the best row is in no such table."""
    ranked = material.ranked
    if not ranked or not ranked[0].candidate.is_row:
        return None
    best = ranked[0]
    grid = grid_of(material, best.candidate)
    if grid is None:
        return None
    # A name may be denied: `not held by Jon Berg`.
    is_named = material.asked.kind is Kind.LIST and not is_denied(material.asked.text)
    named = rows_named(material.question.text, grid) if is_named else []
    if 1 < len(named) <= min(MAX_ROWS, len(grid.rows) - 1):
        return rows_told(material, grid, Picked(named), best.score, best.coverage)
    picked = pick_rows(material, grid) if asks_for_rows(material, grid) else None
    if picked is None or not 0 < len(picked.rows) <= min(MAX_ROWS, len(grid.rows) - 1):
        return None
    return rows_told(material, grid, picked, best.score, best.coverage)


def grid_of(material: Material, candidate: Candidate) -> TableRows | None:
    """Get the table that a row stands in."""
    for stream in material.streams:
        for grid in grids_of(stream):
            if any(grid.candidate(row) is candidate for row in range(len(grid.rows))):
                return grid
    return None


def rows_told(
    material: Material, grid: TableRows, picked: Picked, score: float, coverage: float
) -> Statement:
    """Tell the rows that were picked, and of how many; a single one with all its cells."""
    rows = picked.rows
    quotes: tuple[Quote, ...] = tuple(quote_of(grid.candidate(row)) for row in rows)
    if len(rows) == 1:
        return Statement(grid.candidate(rows[0]).text, quotes, score, coverage)
    said = _FOUND.get(material.question.language, _FOUND["en"])
    lines = [said.format(count=len(rows), all=len(grid.rows))]
    lines += [f"- {_name(grid, row, picked.column)}" for row in rows]
    return Statement("\n".join(lines), quotes, score, coverage, operands=())


def _name(grid: TableRows, row: int, decides: int | None) -> str:
    """The first cells of a row, its number and its name, and the one that the question is about."""
    cells = grid.cells(row)
    named = [*cells[:_NAMING], cells[label_column(grid)]]
    if decides is not None and cells[decides]:
        named.append(f"{grid.header[decides]}: {cells[decides]}")
        named = [cell for cell in named if cell != cells[decides]]
    return ", ".join(dict.fromkeys(cell for cell in named if cell))
