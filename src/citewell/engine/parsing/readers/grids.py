"""Tables of markup, cell by cell, with spans."""

from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.parsing.readers.tables import COVERED, TABLE_CHARS, row_text, table_blocks

# `colspan` may claim any number; a table wider than this is damage or an attack.
_MAX_COLUMNS = 1_000
_MAX_ROW_SPAN = 1_000
"""HTML allows 65,534 rows (WHATWG, 4.9.11); a person reads fewer."""


_LEAST_ROWS = 2
_LONG_CELL = 100
"""Characters of a cell from which it holds text: a line and a half."""


class Grid:
    """One table while it is read.

    A cell that spans rows is repeated in each, so that every row can be read alone; one that
    spans columns stands in the first of them.
    """

    def __init__(self) -> None:
        self.is_layout = False
        """Whether it proved to be layout rather than data; its texts are ordinary blocks then."""
        self._captions: list[str] = []
        self._rows: list[list[str]] = []
        self._header: list[str] = []
        self._headers = 0
        """Rows at the beginning that hold nothing but cells of a header."""
        self._names_only = True
        """Whether the same is true of the open row."""
        self._held = 0
        self._row: list[str] | None = None
        self._cell: list[str] | None = None
        self._spans = (1, 1)
        self._hanging: dict[int, tuple[str, int]] = {}

    def begin_row(self) -> list[Block]:
        """Begin a row; returns the blocks of a long table that are complete."""
        self._end_row()
        self._row, self._names_only = [], True
        if self._held < TABLE_CHARS:
            return []
        blocks = [*self._take_captions(), *table_blocks(self._rows, headers=self._headers)]
        self._rows, self._held, self._headers = [self._header], 0, 0
        return blocks

    def begin_cell(self, columns: str, rows: str, *, is_name: bool = False) -> None:
        """Begin a cell, which may be one of a header, with its `colspan` and `rowspan`."""
        self._cell = []
        self._names_only = self._names_only and is_name
        self._spans = (_span(columns, _MAX_COLUMNS), _span(rows, _MAX_ROW_SPAN))

    def add_text(self, text: str) -> None:
        """Add text to the open cell; text outside of cells counts as caption."""
        if not text.strip():
            return
        if self._cell is not None:
            self._cell.append(text)
        elif self._row is None:
            self._captions.append(text)

    def end_cell(self) -> None:
        """End the open cell, if one is open."""
        if self._cell is None:
            return
        if self._row is None:
            self._row = []
        self._fill_hanging()
        columns, rows = self._spans
        text = " ".join(self._cell)
        if rows > 1:
            self._hanging[len(self._row)] = (text, rows - 1)
        if len(self._row) < _MAX_COLUMNS:
            self._row += [text, *[COVERED] * (columns - 1)]
        self._cell = None

    @property
    def is_data(self) -> bool:
        """Whether its rows so far are those of data: short cells, several in a row.

        A table within a cell of such a table is a part of the cell; other tables are layout then.
        """
        rows = self._rows if self._cell is not None else []
        filled = [[cell for cell in row if cell.strip()] for row in rows]
        return len(rows) >= _LEAST_ROWS and all(
            len(row) > 1 and max(map(len, row)) <= _LONG_CELL for row in filled
        )

    def in_line(self) -> str:
        """The table as a part of a cell of another one; it ends."""
        self._end_row()
        rows = [[cell.strip() for cell in row if cell.strip()] for row in self._rows]
        parts = [*self._captions, *(", ".join(row) for row in rows if row)]
        self._captions, self._rows = [], []
        return "; ".join(parts)

    def dissolve(self) -> list[Block]:
        """Turn the table into layout; returns its rows so far as paragraphs."""
        self.is_layout = True
        self._end_row()
        rows, self._rows = self._rows, []
        texts = [row_text(row) for row in rows]
        return [*self._take_captions(), *(Block(BlockKind.PARAGRAPH, text) for text in texts)]

    def close(self) -> list[Block]:
        """End the table; one of a single column comes as paragraphs."""
        if self.is_layout:
            return []
        self._end_row()
        rows = [row for row in self._rows if any(cell.strip() for cell in row)]
        if all(sum(1 for cell in row if cell.strip()) <= 1 for row in rows):
            texts = [row_text([cell for cell in row if cell.strip()]) for row in rows]
            return [*self._take_captions(), *(Block(BlockKind.PARAGRAPH, t) for t in texts)]
        return [*self._take_captions(), *table_blocks(rows, headers=self._headers)]

    def _take_captions(self) -> list[Block]:
        captions, self._captions = self._captions, []
        return [Block(BlockKind.PARAGRAPH, text) for text in captions]

    def _fill_hanging(self) -> None:
        assert self._row is not None
        while (column := len(self._row)) in self._hanging and column < _MAX_COLUMNS:
            text, left = self._hanging.pop(column)
            if left > 1:
                self._hanging[column] = (text, left - 1)
            self._row.append(text)

    def _end_row(self) -> None:
        self.end_cell()
        if self._row is None:
            return
        self._fill_hanging()
        if not self._header:
            self._header = self._row
        if self._names_only and any(self._row) and self._headers == len(self._rows):
            self._headers += 1
        self._rows.append(self._row)
        self._held += sum(len(cell) + 3 for cell in self._row)
        self._row = None


def _span(value: str, limit: int) -> int:
    return min(max(int(value), 1), limit) if value.isdecimal() and len(value) < 9 else 1
