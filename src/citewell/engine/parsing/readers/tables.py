"""Rows of cells to table blocks."""

from collections.abc import Iterable, Iterator, Sequence

from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.parsing.cleaning import clean_line
from citewell.engine.parsing.marks import HYPHEN, TURN

CELL_SEPARATOR = " | "

TABLE_CHARS = 16_384
"""Characters from which a table is split into several blocks, each with the header row first."""


def row_text(cells: Sequence[str]) -> str:
    """A row as one line; empty cells at its end are left out."""
    cleaned = [clean_line(cell.replace("\u00ad", HYPHEN)) for cell in cells]
    while cleaned and not cleaned[-1]:
        cleaned.pop()
    return CELL_SEPARATOR.join(cleaned)


def table_blocks(rows: Iterable[Sequence[str]], page: int | None = None) -> Iterator[Block]:
    """Yield a table's rows as blocks; rows without text are left out.

    Args:
        rows: The header row first.
        page: Page, slide or sheet it stands on.
    """
    header = ""
    lines: list[str] = []
    held = 0
    for cells in rows:
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
