"""Spreadsheets: each sheet a page, each run of filled rows a table."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.parsing.readers.base import ReaderInput, Reading
from citewell.engine.parsing.readers.kreuzberg_nodes import document_info, extract
from citewell.engine.parsing.readers.tables import table_blocks

# Excel stores dates as times at midnight; people see the date alone.
_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})[ T]00:00:00(?:\.0+)?")
# Excel stores all numbers as floating point; "12.0" is shown as 12. Beyond 15 digits they are not
# exact, and stay as they are.
_WHOLE = re.compile(r"(-?\d{1,15})\.0")


def read(source: ReaderInput) -> Reading:
    """Read a workbook."""
    result = extract(source, structure=False)
    found: dict[str, Any] = dict(result.metadata)
    names: list[str] = list(found.get("sheet_names") or [])
    info = document_info(source, result)
    sheets = [(table.page_number, table.cells) for table in result.tables]
    del result
    metadata = {**info.metadata, "sheets": ", ".join(names)}
    info = type(info)(info.mime_type, info.title, len(names) or None, metadata)
    return Reading(info, _blocks(sheets, names))


def _blocks(sheets: list[tuple[int, list[list[str]]]], names: list[str]) -> Iterator[Block]:
    last = 0
    for page, rows in sheets:
        if page != last and 0 < page <= len(names):
            yield Block(BlockKind.HEADING, names[page - 1], page, level=1)
            last = page
        for part in _parts(rows):
            while len(part) > 1 and _filled(part[0]) == 1 < _filled(part[1]):
                # A note above the table; its header row is the next one.
                yield Block(BlockKind.PARAGRAPH, " ".join(part.pop(0)), page)
            yield from table_blocks(part, page)


def _parts(rows: list[list[str]]) -> Iterator[list[Sequence[str]]]:
    """Divide a sheet at its empty rows and drop empty columns at its left."""
    part: list[Sequence[str]] = []
    for row in rows:
        cells = [_shown(cell) for cell in row]
        if any(cells):
            part.append(cells)
        elif part:
            yield _flush_left(part)
            part = []
    if part:
        yield _flush_left(part)


def _flush_left(rows: list[Sequence[str]]) -> list[Sequence[str]]:
    first = min(next(i for i, cell in enumerate(row) if cell) for row in rows)
    return [row[first:] for row in rows] if first else rows


def _filled(row: Sequence[str]) -> int:
    return sum(1 for cell in row if cell)


def _shown(cell: str) -> str:
    """A cell as shown to people: a date without its midnight, a whole number without `.0`."""
    cell = cell.strip()
    found = _MIDNIGHT.fullmatch(cell) or _WHOLE.fullmatch(cell)
    return found[1] if found else cell
