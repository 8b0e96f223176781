"""Spreadsheets: each sheet a page, each run of filled rows a table."""

import importlib
from collections.abc import Iterator, Sequence
from typing import cast

from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo
from citewell.engine.parsing.formats import DocumentFormat
from citewell.engine.parsing.readers.base import ReaderInput, Reading
from citewell.engine.parsing.readers.seen_cells import Book, Row
from citewell.engine.parsing.readers.tables import is_figure, table_blocks

_BOOKS = {
    DocumentFormat.XLSX: ("xlsx", "Workbook"),
    DocumentFormat.XLSB: ("xlsb", "BinaryWorkbook"),
    DocumentFormat.XLS: ("xls", "OldWorkbook"),
    DocumentFormat.XML_SHEETS: ("sheet_xml", "XmlWorkbook"),
    DocumentFormat.ODS: ("ods", "OpenWorkbook"),
}
"""Format -> module of `readers` and its class, which is a `Book`."""

_MOST_HEADERS = 4
"""Rows of a header that are put together; a table with more is a form."""


def read(source: ReaderInput) -> Reading:
    """Read a workbook."""
    book = _open(source)
    listed = ", ".join(sheet.name for sheet in book.sheets)
    facts = {**book.metadata, "sheets": listed}
    info = DocumentInfo(source.mime_type, book.title, book.sheet_count or None, facts)
    return Reading(info, _book_blocks(book))


def sheets(source: ReaderInput) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield each sheet of a workbook by its name, with its rows to compute with."""
    book = _open(source)
    for sheet in book.sheets:
        yield (
            sheet.name,
            [_line(row) for row in book.rows(sheet, as_shown=False) if not row.is_hidden],
        )


def _open(source: ReaderInput) -> Book:
    # Imported when needed, as readers are: each knows one format.
    name, opener = _BOOKS[source.format]
    module = importlib.import_module(f"citewell.engine.parsing.readers.{name}")
    return cast(Book, getattr(module, opener)(source))


def _book_blocks(book: Book) -> Iterator[Block]:
    for sheet in book.sheets:
        is_named = False
        for part in _tables(book.rows(sheet)):
            if not is_named:
                yield _name(sheet.name, sheet.number)
                is_named = True
            lines: list[Sequence[str]] = [_line(row) for row in part]
            yield from _part_blocks(_flush_left(lines), sheet.number)
        for remark in book.remarks(sheet):
            if not is_named:
                yield _name(sheet.name, sheet.number)
                is_named = True
            yield remark


def _name(name: str, number: int) -> Block:
    return Block(BlockKind.HEADING, name, number, level=1, starts_sheet=True)


def _tables(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Divide a sheet at its empty rows, and put the rows of a header together."""
    part: list[Row] = []
    last = 0
    for row in rows:
        if row.is_hidden:
            last = row.number if row.number == last + 1 else last
            continue
        if not row.cells or (part and row.number > last + 1):
            if part:
                yield _with_one_header(part)
            part = []
        if row.cells:
            part.append(row)
        last = row.number
    if part:
        yield _with_one_header(part)


def _with_one_header(rows: list[Row]) -> list[Row]:
    """The rows with one header: "2025" over "Q1" and "Q2" becomes "2025 Q1" and "2025 Q2"."""
    start = 0
    # A cell over the whole width is a title.
    while start < len(rows) and rows[start].spans and len(set(rows[start].cells.values())) == 1:
        title = next(iter(rows[start].cells.items()))
        rows[start] = Row(rows[start].number, dict([title]))
        start += 1
    end = start
    while end < min(len(rows) - 1, start + _MOST_HEADERS - 1) and rows[end].spans:
        end += 1
    named = rows[start : end + 1]
    if end == start or not _are_headers(named):
        return [_without_repeats(row) for row in rows]
    header: dict[int, str] = {}
    for column in sorted({column for row in rows[start : end + 1] for column in row.cells}):
        texts = [row.cells.get(column, "") for row in rows[start : end + 1]]
        header[column] = " ".join(dict.fromkeys(text for text in texts if text))
    body = [_without_repeats(row) for row in rows[end + 1 :]]
    return [*rows[:start], Row(rows[end].number, header), *body]


def _are_headers(rows: list[Row]) -> bool:
    """Whether the last of some rows names what those above it span, or begins the body."""
    leftmost = min((min(row.cells) for row in rows if row.cells), default=1)
    first = [row.cells.get(leftmost, "") for row in rows if leftmost + 1 not in row.spans]
    if len({*first} - {""}) > 1:
        return False
    if len(first) == len(rows) and first[0]:
        # A name over the whole header, or over empty cells of it.
        return True
    return not any(is_figure(rows[-1].cells.get(column, "")) for column in rows[0].spans)


def _without_repeats(row: Row) -> Row:
    """A row with the text of a cell over several columns in the first of them only."""
    return Row(row.number, {c: t for c, t in row.cells.items() if c not in row.spans})


def _line(row: Row) -> list[str]:
    return [row.cells.get(column, "") for column in range(1, max(row.cells, default=0) + 1)]


def _part_blocks(part: list[Sequence[str]], page: int) -> Iterator[Block]:
    while len(part) > 1 and _filled(part[0]) == 1 < max(map(_filled, part[1:4])):
        # A note above the table; its header row is below.
        yield Block(BlockKind.PARAGRAPH, " ".join(part.pop(0)), page)
    yield from table_blocks(part, page)


def _flush_left(rows: list[Sequence[str]]) -> list[Sequence[str]]:
    first = min(next(i for i, cell in enumerate(row) if cell) for row in rows)
    return [row[first:] for row in rows] if first else rows


def _filled(row: Sequence[str]) -> int:
    return sum(1 for cell in row if cell)
