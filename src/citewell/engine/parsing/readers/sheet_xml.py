"""Workbooks as one file of XML, as Excel 2003 and many programs' exports write them.

Source: Microsoft, "XML Spreadsheet Reference" (SpreadsheetML of Office 2003).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from xml.etree import ElementTree as ET

from citewell.engine.parsing.base import Block
from citewell.engine.parsing.marks import lowered, raised
from citewell.engine.parsing.readers.base import ReaderInput
from citewell.engine.parsing.readers.number_formats import is_dated, shown_number, shows_nothing
from citewell.engine.parsing.readers.ooxml import attribute, child, local
from citewell.engine.parsing.readers.paper import is_unseen
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

# Formats that the files call by their names in Excel; dates that follow the settings of the
# computer come in ISO 8601, as in other workbooks (`number_formats`).
_NAMED = {
    "General Number": "General", "Currency": "#,##0.00;(#,##0.00)", "Euro Currency": '"€"#,##0.00',
    "Fixed": "0.00", "Standard": "#,##0.00", "Percent": "0.00%", "Scientific": "0.00E+00",
    "General Date": "yyyy-mm-dd h:mm", "Long Date": "yyyy-mm-dd", "Medium Date": "d-mmm-yy",
    "Short Date": "yyyy-mm-dd", "Long Time": "h:mm:ss AM/PM", "Medium Time": "h:mm AM/PM",
    "Short Time": "h:mm", "Yes/No": '"Yes";"Yes";"No"', "True/False": '"True";"True";"False"',
    "On/Off": '"On";"On";"Off"',
}  # fmt: skip
_FIRST_DAY = datetime(1899, 12, 30)  # noqa: DTZ001 - a sheet's dates are of no zone
_SHIFTS = {"Superscript": 1, "Sup": 1, "Subscript": -1, "Sub": -1}
_MOST_SPAN = 10_000
"""Columns or rows that one setting is for; more are the rest of the sheet, without a cell."""


@dataclass(frozen=True, slots=True)
class _Look:
    code: str = "General"
    is_unseen: bool = False
    shift: int = 0


class XmlWorkbook:
    """An opened workbook, held whole: its settings stand behind the rows that they are for."""

    metadata: dict[str, str]
    title: str | None = None

    def __init__(self, source: ReaderInput) -> None:
        """Read it."""
        self.metadata = {}
        self._findings = source.findings
        # Expat 2.4 and later refuses entity bombs; the child's limits bound the rest.
        root = ET.parse(source.path).getroot()  # noqa: S314
        self._looks = _looks(child(root, "Styles"))
        self._parts = [part for part in root if local(part.tag) == "Worksheet"]
        self.sheet_count = len(self._parts)
        hidden = [(_said(part, "WorksheetOptions", "Visible") or "") for part in self._parts]
        self.sheets = [
            SeenSheet(attribute(part, "Name") or "", number, "", is_hidden=bool(state))
            for number, (part, state) in enumerate(zip(self._parts, hidden, strict=True), 1)
            if not state or source.findings.keeps_hidden
        ]
        warn_of_hidden_sheets(sum(map(bool, hidden)), source.findings)
        self._notes: dict[tuple[int, int], str] = {}
        self._hidden_rows: set[int] = set()
        self._hidden_columns: list[int] = []

    def rows(self, sheet: SeenSheet, *, as_shown: bool = True) -> Iterator[Row]:
        """Yield the rows of a sheet; without `as_shown` numbers come as they are stored."""
        table = child(self._parts[sheet.number - 1], "Table")
        self._notes, self._hidden_rows, self._hidden_columns = {}, set(), []
        if table is None:
            return
        self._hidden_columns = _hidden_columns(table)
        merged: MergedCells = {}
        for number, row in _placed(table, "Row"):
            for column, cell in _placed(row, "Cell"):
                across, down = _count(cell, "MergeAcross"), _count(cell, "MergeDown")
                if across or down:
                    note_merged(merged, number, column, number + down, column + across)
        merger = Merger(merged)
        for number, row in _placed(table, "Row"):
            own = attribute(row, "StyleID") or attribute(table, "StyleID")
            found: dict[int, str] = {}
            for column, cell in _placed(row, "Cell"):
                self._notes[(number, column)] = _comment(cell)
                if column <= MAX_COLUMNS and (text := self._text(cell, own, as_shown=as_shown)):
                    found[column] = text
            shown = Row(number, found)
            merger.fill(shown)
            is_hidden = sheet.is_hidden or attribute(row, "Hidden") == "1"
            if is_hidden:
                self._hidden_rows.add(number)
            yield seen(shown, self._hidden_columns, self._findings, is_hidden=is_hidden)

    def remarks(self, sheet: SeenSheet) -> Iterator[Block]:
        """Yield the comments of a sheet, of which the rows were read."""
        notes = seen_notes(self._notes, self._hidden_rows, self._hidden_columns)
        return remark_blocks(notes, sheet)

    def _text(self, cell: ET.Element, style: str | None, *, as_shown: bool) -> str:
        data = child(cell, "Data")
        if data is None:
            return ""
        look = self._looks.get(attribute(cell, "StyleID") or style or "Default", _Look())
        code = look.code if as_shown or is_dated(look.code) else "General"
        kind, value = attribute(data, "Type"), "".join(data.itertext())
        is_text = kind not in ("Number", "DateTime")
        match kind:
            case "Number":
                text = shown_number(value.strip(), code)
            case "DateTime":
                text = _moment(value.strip(), code)
            case "Boolean":
                text = "TRUE" if value.strip() == "1" else "FALSE"
            case _:
                text = "".join(_pieces(data, look.shift)).strip()
        if as_shown and (look.is_unseen or shows_nothing(look.code, is_text=is_text)):
            return self._findings.hide(text)
        return text


def _looks(styles: ET.Element | None) -> dict[str, _Look]:
    """Look of each style by its id; a style takes over what its parent says."""
    found: dict[str, _Look] = {}
    for style in () if styles is None else styles:
        outer = found.get(attribute(style, "Parent") or "Default", _Look())
        number, font = child(style, "NumberFormat"), child(style, "Font")
        ground = child(style, "Interior")
        code = outer.code
        if number is not None:
            said = attribute(number, "Format") or "General"
            code = _NAMED.get(said, said)
        colour = None if font is None else attribute(font, "Color")
        behind = "" if ground is None else attribute(ground, "Color") or ""
        is_hidden = bool(colour) and is_unseen((colour or "")[1:].upper(), behind[1:].upper())
        shift = 0 if font is None else _SHIFTS.get(attribute(font, "VerticalAlign") or "", 0)
        found[attribute(style, "ID") or ""] = _Look(code, is_hidden, shift)
    return found


def _placed(parent: ET.Element, name: str) -> Iterator[tuple[int, ET.Element]]:
    """Yield rows or cells with their places, of which a file may leave out the empty ones."""
    place = 0
    for part in parent:
        if local(part.tag) == name:
            place = max(_count(part, "Index"), place + 1)
            yield place, part
            place += _count(part, "MergeAcross") if name == "Cell" else _count(part, "Span")


def _hidden_columns(table: ET.Element) -> list[int]:
    found: set[int] = set()
    for place, column in _placed(table, "Column"):
        if attribute(column, "Hidden") == "1":
            found.update(range(place, place + min(_count(column, "Span"), _MOST_SPAN) + 1))
    return sorted(found)


def _count(element: ET.Element, name: str) -> int:
    value = attribute(element, name) or ""
    return int(value) if value.isdecimal() and len(value) < 8 else 0


def _said(element: ET.Element, *path: str) -> str | None:
    found = child(element, *path)
    text = None if found is None else (found.text or "").strip()
    return text if text in ("SheetHidden", "SheetVeryHidden") else None


def _moment(value: str, code: str) -> str:
    try:
        moment = datetime.fromisoformat(value.rstrip("Z"))
    except ValueError:
        return value
    passed = (moment.replace(tzinfo=None) - _FIRST_DAY) / timedelta(days=1)
    if not is_dated(code):
        code = "yyyy-mm-dd h:mm" if passed % 1 else "yyyy-mm-dd"
    return shown_number(repr(round(passed, 9)), code)


def _pieces(element: ET.Element, shift: int) -> Iterator[str]:
    """Yield the text of a cell, whose parts may have looks of their own."""
    shift = _SHIFTS.get(local(element.tag), shift)

    def said(text: str | None) -> str:
        if not text or not shift or not text.strip():
            return text or ""
        return raised(text) if shift > 0 else lowered(text)

    yield said(element.text)
    for part in element:
        yield from _pieces(part, shift)
        yield said(part.tail)


def _comment(cell: ET.Element) -> str:
    data = child(cell, "Comment", "Data")
    return "" if data is None else " ".join("".join(data.itertext()).split())
