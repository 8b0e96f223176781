"""OpenDocument sheets: the cells that people see, with the texts that the program showed.

Source: OpenDocument 1.3 part 3, sections 9 (tables) and 19.385 (office:value). A cell stores the
text that was shown beside its value, so no number format is followed. Files of programs that
leave the text out show their values.
"""

import re
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from xml.etree import ElementTree as ET

from citewell.engine.parsing.archives import parse_part
from citewell.engine.parsing.base import Block
from citewell.engine.parsing.readers.base import ReaderInput
from citewell.engine.parsing.readers.number_formats import general
from citewell.engine.parsing.readers.ooxml import attribute, local
from citewell.engine.parsing.readers.opendocument import Content, metadata_of, objects_of
from citewell.engine.parsing.readers.opendocument_charts import chart_of, chart_titles
from citewell.engine.parsing.readers.opendocument_styles import TextStyles
from citewell.engine.parsing.readers.paper import is_unseen
from citewell.engine.parsing.readers.seen_cells import (
    MAX_COLUMNS,
    MOST_MERGED,
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
from citewell.engine.parsing.readers.sheet_looks import decoded
from citewell.engine.parsing.vietnamese import font_decoder

_MOST_ROWS = 1_000
"""Equal filled rows in a row that are repeated; sheets filled to their end have a million."""

_MOST_CELLS = 256
"""The same for equal filled cells side by side."""

# ISO 8601 durations, as sheets write a time of day; days and longer do not occur in them.
_TIME = re.compile(r"PT(?:(\d{1,6})H)?(?:(\d{1,2})M)?(?:(\d{1,2})(?:[.,]\d{1,9})?S)?")

_HIDDEN = ("collapse", "filter")


class _Sheet:
    """One sheet while it is read."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, dict[int, tuple[str, str]]]] = []
        """Numbers of seen rows with their cells: as shown, as stored."""
        self.hidden_rows: set[int] = set()
        self.hidden_columns: list[int] = []
        self.merged: MergedCells = {}
        self.notes: dict[tuple[int, int], str] = {}
        self.boxes: list[str] = []
        self.columns = 0
        self.styles: dict[int, str] = {}
        """Columns -> the style of their cells that have none of their own."""
        self.last = 0


class OpenWorkbook:
    """An opened OpenDocument workbook; its content is one part, so it is read whole."""

    def __init__(self, source: ReaderInput) -> None:
        """Read it.

        Raises:
            KeyError, ElementTree.ParseError: It is no workbook, or a damaged one.
        """
        self.sheets: list[SeenSheet] = []
        self.sheet_count = 0
        self._found: dict[int, _Sheet] = {}
        self._findings = source.findings
        self._charts: set[str] = set()
        """Names of the objects that were read as charts."""
        with zipfile.ZipFile(source.path) as archive:
            self.metadata = metadata_of(archive)
            self.title = self.metadata.pop("title", None)
            self._styles = TextStyles()
            if "styles.xml" in archive.namelist():
                self._styles.add(parse_part(archive, "styles.xml").iter())
            self._content = Content(None, self._styles, source.findings)
            self._object_of = objects_of(archive, source.findings)
            with archive.open("content.xml") as part:
                # The child process bounds time and memory; expat 2.4 and later refuses bombs.
                self._read(ET.iterparse(part, ("start", "end")))  # noqa: S314
        warn_of_hidden_sheets(self.sheet_count - len(self.sheets), source.findings)

    def rows(self, sheet: SeenSheet, *, as_shown: bool = True) -> Iterator[Row]:
        """Yield the rows of a sheet; without `as_shown` numbers come as they are stored."""
        found = self._found[sheet.number]
        merger = Merger(found.merged)
        for number, cells in found.rows:
            texts = {c: shown if as_shown else stored for c, (shown, stored) in cells.items()}
            row = Row(number, {column: text for column, text in texts.items() if text})
            merger.fill(row)
            is_hidden = sheet.is_hidden or number in found.hidden_rows
            yield seen(row, found.hidden_columns, self._findings, is_hidden=is_hidden)

    def remarks(self, sheet: SeenSheet) -> Iterator[Block]:
        """Yield text boxes and comments of a sheet."""
        found = self._found[sheet.number]
        notes = seen_notes(found.notes, found.hidden_rows, found.hidden_columns)
        return remark_blocks(found.boxes + notes, sheet)

    def _read(self, events: Iterator[tuple[str, ET.Element]]) -> None:
        sheet: _Sheet | None = None
        depth = 0
        groups: list[bool] = []
        for event, element in events:
            name = local(element.tag)
            if event == "start":
                if name == "table":
                    depth += 1
                    sheet = self._begin(element) if depth == 1 else sheet
                elif name in ("table-row-group", "table-column-group"):
                    groups.append(attribute(element, "display") == "false")
                continue
            if name == "automatic-styles":
                self._styles.add(element)
            elif name in ("table-row-group", "table-column-group"):
                groups.pop()
            elif name == "table":
                depth -= 1
                # A table inside of a cell is part of the cell.
                if depth == 0:
                    element.clear()
            elif sheet is not None and depth == 1:
                self._part(sheet, name, element, is_hidden=any(groups))

    def _begin(self, element: ET.Element) -> _Sheet:
        self.sheet_count += 1
        sheet = self._found[self.sheet_count] = _Sheet()
        is_hidden = self._styles.is_hidden(element)
        if not is_hidden or self._findings.keeps_hidden:
            name = attribute(element, "name") or ""
            self.sheets.append(SeenSheet(name, self.sheet_count, "", is_hidden))
        return sheet

    def _part(self, sheet: _Sheet, name: str, element: ET.Element, *, is_hidden: bool) -> None:
        is_hidden = is_hidden or attribute(element, "visibility") in _HIDDEN
        match name:
            case "table-column":
                count = _count(element, "number-columns-repeated", MAX_COLUMNS)
                if is_hidden:
                    sheet.hidden_columns += range(sheet.columns + 1, sheet.columns + count + 1)
                if style := attribute(element, "default-cell-style-name"):
                    for column in range(sheet.columns + 1, sheet.columns + 1 + count):
                        sheet.styles[column] = style
                sheet.columns += count
            case "table-row":
                self._row(sheet, element, is_hidden=is_hidden)
                element.clear()
            case "shapes":
                sheet.boxes += self._boxes(element)
                element.clear()
            case _:
                return

    def _row(self, sheet: _Sheet, element: ET.Element, *, is_hidden: bool) -> None:
        first = sheet.last + 1
        count = _count(element, "number-rows-repeated", 1 << 20)
        sheet.last += count
        cells = self._cells(sheet, element, first)
        if not cells:
            return
        for number in range(first, first + min(count, _MOST_ROWS)):
            if is_hidden:
                sheet.hidden_rows.add(number)
            sheet.rows.append((number, cells))

    def _cells(self, sheet: _Sheet, row: ET.Element, number: int) -> dict[int, tuple[str, str]]:
        cells: dict[int, tuple[str, str]] = {}
        column = 1
        for cell in row:
            name = local(cell.tag)
            if name not in ("table-cell", "covered-table-cell"):
                continue
            count = _count(cell, "number-columns-repeated", MAX_COLUMNS)
            texts = self._texts(cell) if name == "table-cell" else ("", "")
            if any(texts):
                style = attribute(cell, "style-name") or sheet.styles.get(column)
                texts = self._as_seen(texts, style)
                for at in range(column, column + min(count, _MOST_CELLS)):
                    cells[at] = texts
            self._note(sheet, cell, number, column)
            column += count
        return cells

    def _as_seen(self, texts: tuple[str, str], style: str | None) -> tuple[str, str]:
        """The texts of a cell in its font, without what is white on white."""
        shown, stored = (decoded(text, font_decoder(self._styles.font(style))) for text in texts)
        colour, ground = self._styles.colours(style)
        if is_unseen(colour, ground):
            shown = self._findings.hide(shown)
        return shown, stored

    def _note(self, sheet: _Sheet, cell: ET.Element, row: int, column: int) -> None:
        across = _count(cell, "number-columns-spanned", MAX_COLUMNS)
        down = _count(cell, "number-rows-spanned", MOST_MERGED)
        if across > 1 or down > 1:
            note_merged(sheet.merged, row, column, row + down - 1, column + across - 1)
        for part in cell:
            if local(part.tag) == "annotation":
                sheet.notes[(row, column)] = self._paragraphs(part)
            elif local(part.tag) != "p":
                sheet.boxes += self._boxes(part)

    def _boxes(self, element: ET.Element) -> list[str]:
        """The text of each shape; a shape without text has none."""
        shapes = [element] if local(element.tag) != "shapes" else list(element)
        found = [text for shape in shapes if (text := self._paragraphs(shape, deep=True))]
        # The figures of a chart stand in the cells.
        names = (
            name
            for part in element.iter()
            if local(part.tag) == "object" and (name := attribute(part, "href"))
        )
        for name in names:
            if name not in self._charts:
                self._charts.add(name)
                chart = chart_of(self._object_of(name))
                found += chart_titles(chart) if chart is not None else []
        return found

    def _paragraphs(self, element: ET.Element, *, deep: bool = False) -> str:
        parts = element.iter() if deep else iter(element)
        texts = (self._content.text(part) for part in parts if local(part.tag) == "p")
        return "\n".join(text for text in texts if text.strip())

    def _texts(self, cell: ET.Element) -> tuple[str, str]:
        """A cell as shown, and as stored."""
        shown = self._paragraphs(cell).strip()
        kind = attribute(cell, "value-type") or ""
        stored = _stored(cell, kind)
        formula = attribute(cell, "formula")
        if formula and not shown and not stored and kind != "string":
            text = formula.partition(":")[2] or formula
            missing = f"(formula {text} without a stored value)"
            return missing, missing
        plain = _plain(stored, kind)
        if not shown and plain and kind == "float" and _shows_nothing(cell):
            return self._findings.hide(plain), stored
        return shown or plain, stored or shown


def _shows_nothing(cell: ET.Element) -> bool:
    """Whether a number's format shows nothing: its text is there, and empty."""
    texts = [part for part in cell if local(part.tag) == "p"]
    return bool(texts) and not any("".join(part.itertext()) for part in texts)


def _stored(cell: ET.Element, kind: str) -> str:
    match kind:
        case "float" | "percentage" | "currency":
            return attribute(cell, "value") or ""
        case "date":
            return (attribute(cell, "date-value") or "").removesuffix("T00:00:00")
        case "time":
            found = _TIME.fullmatch(attribute(cell, "time-value") or "")
            return ":".join((part or "0").zfill(2) for part in found.groups()) if found else ""
        case "boolean":
            return (attribute(cell, "boolean-value") or "").upper()
        case "string":
            return attribute(cell, "string-value") or ""
        case _:
            return ""


def _plain(stored: str, kind: str) -> str:
    """A value whose text was not stored, in the plainest form of its kind."""
    if kind not in ("float", "percentage", "currency") or not stored:
        return stored
    try:
        number = Decimal(stored)
        return f"{general(number * 100)}%" if kind == "percentage" else general(number)
    except (ArithmeticError, ValueError, OverflowError):
        return stored


def _count(element: ET.Element, name: str, limit: int) -> int:
    value = attribute(element, name) or ""
    return min(max(int(value), 1), limit) if value.isdecimal() and len(value) < 9 else 1
