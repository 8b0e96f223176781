"""Binary Excel workbooks, as the sheet shows them.

Source: [MS-XLSB] sections 2.1.4 (records), 2.4 (records by name) and 2.5 (structures). Libraries of
a permissive licence read no number formats, hidden rows or columns of this format.
"""

import struct
import zipfile
from collections.abc import Iterator
from typing import NamedTuple

from citewell.engine.parsing.archives import PART_ERRORS, spared_part, warn_of_damage
from citewell.engine.parsing.base import Block
from citewell.engine.parsing.marks import lowered, raised
from citewell.engine.parsing.readers.base import ReaderInput
from citewell.engine.parsing.readers.charts import sheet_charts
from citewell.engine.parsing.readers.number_formats import BUILT_IN, is_dated, shown_number
from citewell.engine.parsing.readers.ooxml import main_part, properties, relations, spared_relations
from citewell.engine.parsing.readers.seen_cells import (
    MAX_COLUMNS,
    MergedCells,
    Merger,
    Row,
    SeenSheet,
    note_merged,
    remark_blocks,
    seen,
    seen_notes,
    warn_of_hidden_sheets,
)
from citewell.engine.parsing.readers.xlsx import SHEET_KINDS, THREADED, drawn_texts

_ROW, _SST_ITEM, _FONT, _FMT, _XF, _COL = 0, 19, 43, 44, 47, 60
_COMMENT, _COMMENT_TEXT = 635, 637
_BOOK, _SHEET, _MERGE, _CELL_XFS, _CELL_XFS_END = 153, 156, 176, 617, 618

# Kinds of values by records of cells; formulas store their results the same way. Short records
# (12 to 18) have no column: it is the next one.
_RK, _ERROR, _BOOL, _REAL, _STRING, _SHARED, _RICH = range(7)
_CELLS = {
    2: _RK, 3: _ERROR, 4: _BOOL, 5: _REAL, 6: _STRING, 7: _SHARED, 8: _STRING, 9: _REAL,
    10: _BOOL, 11: _ERROR, 13: _RK, 14: _ERROR, 15: _BOOL, 16: _REAL, 17: _STRING, 18: _SHARED,
    62: _RICH,
}  # fmt: skip
_SHORT = range(12, 19)

_ERRORS = {
    0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A",
}  # fmt: skip


class _Record(NamedTuple):
    kind: int
    data: bytes


class BinaryWorkbook:
    """An opened workbook; its sheets are read one at a time."""

    def __init__(self, source: ReaderInput) -> None:
        """Read what all sheets share.

        Raises:
            KeyError, struct.error, ValueError: It is no workbook, or a damaged one.
        """
        self._path = source.path
        self._findings = source.findings
        hidden_sheets = 0
        self._is_1904 = False
        self._hidden_columns: list[int] = []
        self._hidden_rows: set[int] = set()
        self.sheets: list[SeenSheet] = []
        self.sheet_count = 0
        with zipfile.ZipFile(source.path) as archive:
            main = main_part(archive)
            known = relations(archive, main)
            parts = {relation.kind: relation.part for relation in known.values()}
            self.title, self.metadata = properties(archive)
            self._names = set(archive.namelist())
            self._shifts: list[int] = []
            self._formats: list[str] = []
            if styles := self._part(archive, parts.get("styles")):
                self._read_styles(styles)
            strings = self._part(archive, parts.get("sharedStrings"))
            self._strings = [
                self._rich(data) for kind, data in _records(strings) if kind == _SST_ITEM
            ]
            for kind, data in _records(archive.read(main)):
                if kind == _BOOK:
                    self._is_1904 = bool(data[0] & 1)
                elif kind == _SHEET:
                    self.sheet_count += 1
                    (state,) = struct.unpack_from("<I", data)
                    hidden_sheets += bool(state)
                    key, end = _wide(data, 8)
                    relation = known.get(key)
                    is_read = state == 0 or self._findings.keeps_hidden
                    if is_read and relation and relation.kind in SHEET_KINDS:
                        name, part = _wide(data, end)[0], relation.part
                        self.sheets.append(SeenSheet(name, self.sheet_count, part, state != 0))
        warn_of_hidden_sheets(hidden_sheets, source.findings)

    def rows(self, sheet: SeenSheet, *, as_shown: bool = True) -> Iterator[Row]:
        """Yield the rows of a sheet; without `as_shown` numbers come as they are stored."""
        with zipfile.ZipFile(self._path) as archive:
            content = archive.read(sheet.part)
        # Merged areas stand behind the rows.
        merger = Merger(_merged(content))
        hidden = self._hidden_columns = list[int]()
        self._hidden_rows = set[int]()
        row: Row | None = None
        is_hidden = sheet.is_hidden
        column = 0
        for kind, data in _records(content):
            if kind == _ROW:
                if row:
                    merger.fill(row)
                    yield seen(row, hidden, self._findings, is_hidden=is_hidden)
                row = Row(struct.unpack_from("<I", data)[0] + 1, {})
                is_hidden, column = sheet.is_hidden or bool(data[11] & 0x10), 0
                if is_hidden:
                    self._hidden_rows.add(row.number)
            elif kind == _COL and data[16] & 1:
                first, last = struct.unpack_from("<II", data)
                hidden = self._hidden_columns = sorted(
                    {*hidden, *range(first + 1, min(last + 2, MAX_COLUMNS + 1))}
                )
            elif row and (kind in _CELLS or kind in _SHORT or kind == 1):
                at = 0
                if kind not in _SHORT:
                    column, at = struct.unpack_from("<I", data)[0], 4
                column += 1
                if kind in _CELLS and column <= MAX_COLUMNS:
                    style = int.from_bytes(data[at : at + 3], "little")
                    value = data[at + 4 :]
                    text = self._text(_CELLS[kind], value, style, as_shown=as_shown).strip()
                    if text:
                        row.cells[column] = text
        if row:
            merger.fill(row)
            yield seen(row, hidden, self._findings, is_hidden=is_hidden)

    def remarks(self, sheet: SeenSheet) -> Iterator[Block]:
        """Yield text boxes, comments and charts of a sheet, of which the rows were read."""
        boxes: list[str] = []
        notes: dict[tuple[int, int], str] = {}
        with zipfile.ZipFile(self._path) as archive:
            for relation in spared_relations(archive, sheet.part, self._findings).values():
                if relation.part not in self._names:
                    continue
                if relation.kind == "drawing":  # XML in this format too
                    boxes += drawn_texts(spared_part(archive, relation.part, self._findings))
                elif relation.kind == "comments":
                    try:
                        notes |= self._comments(archive.read(relation.part))
                    except (*PART_ERRORS, struct.error):
                        warn_of_damage(relation.part, self._findings)
            texts = boxes + seen_notes(notes, self._hidden_rows, self._hidden_columns)
            yield from remark_blocks(texts, sheet)
            yield from sheet_charts(archive, sheet, self.sheets, self._findings)

    def _comments(self, part: bytes) -> dict[tuple[int, int], str]:
        """Comments by the place of their cell."""
        found: dict[tuple[int, int], str] = {}
        place = (0, 0)
        for kind, data in _records(part):
            if kind == _COMMENT:
                row, _, column, _ = struct.unpack_from("<IIII", data, 4)
                place = (row + 1, column + 1)
            elif kind == _COMMENT_TEXT:
                found[place] = THREADED.sub("", self._rich(data))
        return found

    def _part(self, archive: zipfile.ZipFile, name: str | None) -> bytes:
        return archive.read(name) if name and name in self._names else b""

    def _read_styles(self, styles: bytes) -> None:
        codes = dict(BUILT_IN)
        is_cells = False
        for kind, data in _records(styles):
            if kind == _FONT:
                self._shifts.append(struct.unpack_from("<H", data, 6)[0])
            elif kind == _FMT:
                codes[struct.unpack_from("<H", data)[0]] = _wide(data, 2)[0]
            elif kind in (_CELL_XFS, _CELL_XFS_END):
                is_cells = kind == _CELL_XFS
            elif kind == _XF and is_cells:
                self._formats.append(codes.get(struct.unpack_from("<H", data, 2)[0], "General"))

    def _text(self, kind: int, value: bytes, style: int, *, as_shown: bool) -> str:
        match kind:
            case 0:
                return self._number(_of_rk(value), style, as_shown=as_shown)
            case 1:
                return _ERRORS.get(value[0], "#ERROR")
            case 2:
                return "TRUE" if value[0] else "FALSE"
            case 3:
                number = struct.unpack_from("<d", value)[0]
                return self._number(number, style, as_shown=as_shown)
            case 4:
                return _wide(value, 0)[0]
            case 5:
                place = struct.unpack_from("<I", value)[0]
                return self._strings[place] if place < len(self._strings) else ""
            case _:
                return self._rich(value)

    def _number(self, number: float, style: int, *, as_shown: bool) -> str:
        code = self._formats[style] if style < len(self._formats) else "General"
        if not as_shown and not is_dated(code):
            code = "General"
        return shown_number(repr(number), code, is_1904=self._is_1904)

    def _rich(self, data: bytes) -> str:
        text, end = _wide(data, 1)
        if not data[0] & 1:
            return text
        (count,) = struct.unpack_from("<I", data, end)
        # A string has at most 32,767 characters, and so many runs.
        runs = [struct.unpack_from("<HH", data, end + 4 + 4 * n) for n in range(min(count, 32_767))]
        starts = [start for start, _ in runs]
        parts = [text[: starts[0]] if starts else text]
        for (start, font), stop in zip(runs, [*starts[1:], len(text)], strict=True):
            shift = self._shifts[font] if font < len(self._shifts) else 0
            part = text[start:stop]
            parts.append(raised(part) if shift == 1 else lowered(part) if shift == 2 else part)
        return "".join(parts)


def _records(data: bytes) -> Iterator[_Record]:
    """Yield the records of a part; a record that is cut off ends it."""
    at, end = 0, len(data)
    while at < end:
        kind = data[at]
        at += 1
        if kind & 0x80 and at < end:
            kind = (kind & 0x7F) | ((data[at] & 0x7F) << 7)
            at += 1
        size = shift = 0
        while at < end and shift < 28:
            byte = data[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        if at + size > end:
            raise ValueError("A record is cut off.")
        yield _Record(kind, data[at : at + size])
        at += size


def _wide(data: bytes, at: int) -> tuple[str, int]:
    """A string of UTF-16 behind its length, and where it ends; a missing one is empty."""
    (count,) = struct.unpack_from("<I", data, at)
    if count == 0xFFFFFFFF:
        return "", at + 4
    end = at + 4 + 2 * count
    return data[at + 4 : end].decode("utf-16-le", "replace"), end


def _of_rk(data: bytes) -> float:
    """The number of an RkNumber: 30 bits of a double or a whole number, perhaps a hundredth."""
    (raw,) = struct.unpack_from("<i", data)
    if raw & 2:
        number: float = raw >> 2
    else:
        number = struct.unpack("<d", struct.pack("<Q", (raw & 0xFFFFFFFC) << 32))[0]
    return number / 100 if raw & 1 else number


def _merged(content: bytes) -> MergedCells:
    found: MergedCells = {}
    for kind, data in _records(content):
        if kind == _MERGE:
            top, bottom, left, right = struct.unpack_from("<IIII", data)
            note_merged(found, top + 1, left + 1, bottom + 1, right + 1)
    return found
