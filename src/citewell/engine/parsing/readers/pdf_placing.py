"""Puts the tables of a PDF page in the place of the text that they hold."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.parsing.readers.pdf_cells import PageTable, counted
from citewell.engine.parsing.readers.tables import CELL_SEPARATOR, row_text, table_blocks

_SAME = 4.0
"""Points by which columns of a table that goes on over pages may differ."""

_Lines = list[tuple[int, int, Counter[str]]]


def with_tables(blocks: list[Block], tables: list[PageTable], number: int) -> list[Block]:
    """A page's blocks with its tables.

    A table whose letters are not those of some consecutive lines is left as it was read: the
    library has read its lines together with others.
    """
    for table in tables:
        lines = [
            (at, line, counted(text))
            for at, block in enumerate(blocks)
            for line, text in enumerate(block.text.split("\n"))
        ]
        if (found := _found(lines, table)) is not None:
            first, last = lines[found[0]][:2], lines[found[1]][:2]
            blocks = list(_replaced(blocks, first, last, table, number))
    return blocks


def _found(lines: _Lines, table: PageTable) -> tuple[int, int] | None:
    """First and last of the consecutive lines that hold exactly a table's letters."""
    total = table.letters.total()
    for start, (_, _, letters) in enumerate(lines):
        if not letters:
            continue
        rest, left = table.letters.copy(), total
        for end in range(start, len(lines)):
            own = lines[end][2]
            if not own <= rest:
                break
            rest.subtract(own)
            left -= own.total()
            if not left:
                return start, end
    return None


def _replaced(
    blocks: list[Block],
    first: tuple[int, int],
    last: tuple[int, int],
    table: PageTable,
    number: int,
) -> Iterator[Block]:
    yield from blocks[: first[0]]
    yield from _rest(blocks[first[0]], blocks[first[0]].text.split("\n")[: first[1]])
    if table.title:
        yield Block(BlockKind.PARAGRAPH, table.title, number)
    yield from table_blocks(table.rows, number)
    yield from _rest(blocks[last[0]], blocks[last[0]].text.split("\n")[last[1] + 1 :])
    yield from blocks[last[0] + 1 :]


def _rest(block: Block, lines: list[str]) -> Iterator[Block]:
    """Yield the lines of a block that are not the table's."""
    lines = [line for line in lines if line.strip()]
    if block.kind is BlockKind.TABLE and len(lines) == 1:
        # A line above the table that the library has taken for its first row.
        yield Block(BlockKind.PARAGRAPH, lines[0].replace(CELL_SEPARATOR, " "), block.page)
    elif lines:
        yield replace(block, text="\n".join(lines))


def with_headers(pages: list[list[PageTable]]) -> Iterator[list[PageTable]]:
    """Yield the pages' tables; one that goes on from the page before gets its header row."""
    before: PageTable | None = None
    for tables in pages:
        if tables and before is not None and _goes_on(before, tables[0]):
            header = before.rows[0]
            if row_text(tables[0].rows[0]) != row_text(header):
                tables = [replace(tables[0], rows=[header, *tables[0].rows]), *tables[1:]]
        yield tables
        before = tables[-1] if tables and tables[-1].is_at_bottom else None


def _goes_on(before: PageTable, table: PageTable) -> bool:
    return (
        table.is_at_top
        and not table.title
        and len(before.borders) == len(table.borders)
        and len(before.rows[0]) == len(table.rows[0])
        and all(abs(a - b) <= _SAME for a, b in zip(before.borders, table.borders, strict=True))
    )
