"""The rows of a table that a question for a list picks: `all equipment in poor condition`."""

from citewell.engine.answering.reading.base import Material, Quote, Statement, quote_of
from citewell.engine.answering.reading.grid import TableRows, grids_of, label_column, rows_named
from citewell.engine.answering.scoring import Scored

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
    for stream in material.streams:
        for grid in grids_of(stream):
            if any(grid.candidate(row) is ranked[0].candidate for row in range(len(grid.rows))):
                return _listed(material, grid, ranked[0])
    return None


def _listed(material: Material, grid: TableRows, best: Scored) -> Statement | None:
    rows = rows_named(material.question.text, grid)
    if not 1 < len(rows) <= min(MAX_ROWS, len(grid.rows) - 1):
        return None
    said = _FOUND.get(material.question.language, _FOUND["en"])
    lines = [said.format(count=len(rows), all=len(grid.rows))]
    lines += [f"- {_name(grid, row)}" for row in rows]
    quotes: tuple[Quote, ...] = tuple(quote_of(grid.candidate(row)) for row in rows)
    return Statement("\n".join(lines), quotes, best.score, best.coverage, operands=())


def _name(grid: TableRows, row: int) -> str:
    """The first cells of a row: its number and its name."""
    cells = grid.cells(row)
    named = [*cells[:_NAMING], cells[label_column(grid)]]
    return ", ".join(dict.fromkeys(cell for cell in named if cell))
