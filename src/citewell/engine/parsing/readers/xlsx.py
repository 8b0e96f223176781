"""Excel workbooks: the cells that people see, as the sheet shows them.

Source: ECMA-376 part 1, section 18 (SpreadsheetML).
"""

import re
import zipfile
from collections.abc import Iterator
from typing import IO
from xml.etree import ElementTree as ET

from citewell.engine.parsing.archives import parse_part, spared_part
from citewell.engine.parsing.base import Block, WarningCode
from citewell.engine.parsing.marks import lowered, raised
from citewell.engine.parsing.readers.base import ReaderInput
from citewell.engine.parsing.readers.charts import sheet_charts
from citewell.engine.parsing.readers.number_formats import is_dated, shown_number, shows_nothing
from citewell.engine.parsing.readers.ooxml import (
    attribute,
    child,
    is_on,
    local,
    main_part,
    properties,
    relations,
    spared_relations,
    value_of,
)
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
from citewell.engine.parsing.readers.sheet_looks import PLAIN, CellLook, cell_looks, decoded
from citewell.engine.parsing.vietnamese import font_decoder

_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
SHEET_KINDS = ("worksheet", "chartsheet")
"""Kinds of sheets that are read; the second is nothing but a chart."""

# The note that Excel puts before a comment with replies, for programs that do not know them. In
# other languages than English it stays.
THREADED = re.compile(r"\[Threaded comment\][^\0]{0,500}?\bComment:\s*")
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3}\d{1,7}):([A-Z]{1,3}\d{1,7})"')

_RULES = re.compile(rb"<(?:\w+:)?(?:conditionalFormatting|tablePart|picture)[\s>]")


class Workbook:
    """An opened workbook; its sheets are read one at a time, its rows as they come."""

    def __init__(self, source: ReaderInput) -> None:
        """Read what all sheets share.

        Raises:
            KeyError, ElementTree.ParseError: It is no workbook, or a damaged one.
        """
        self._path = source.path
        self._findings = source.findings
        self._hidden_columns: list[int] = []
        self._hidden_rows: set[int] = set()
        with zipfile.ZipFile(source.path) as archive:
            main = main_part(archive)
            root = parse_part(archive, main)
            known = relations(archive, main)
            parts = {relation.kind: relation.part for relation in known.values()}
            self.title, self.metadata = properties(archive)
            names = set(archive.namelist())
            self._strings = _strings(archive, parts.get("sharedStrings"), names)
            styles = parts.get("styles")
            self._looks = cell_looks(parse_part(archive, styles)) if styles in names else []
        self._has_rules = False
        settings = child(root, "workbookPr")
        self._is_1904 = is_on((settings.get("date1904") if settings is not None else None) or "0")
        found = child(root, "sheets")
        listed = list(found) if found is not None else []
        self.sheet_count = len(listed)
        count = sum(map(_is_hidden, listed))
        warn_of_hidden_sheets(count, self._findings)
        self.sheets = [
            SeenSheet(item.get("name", ""), number, known[key].part, _is_hidden(item))
            for number, item in enumerate(listed, 1)
            if (self._findings.keeps_hidden or not _is_hidden(item))
            and (key := attribute(item, "id") or "") in known
            and known[key].kind in SHEET_KINDS
            and known[key].part in names
        ]

    def rows(self, sheet: SeenSheet, *, as_shown: bool = True) -> Iterator[Row]:
        """Yield the rows of a sheet; without `as_shown` numbers come as they are stored."""
        with zipfile.ZipFile(self._path) as archive:
            with archive.open(sheet.part) as part:
                merged, self._has_rules = _merged(part)
            with archive.open(sheet.part) as part:
                yield from self._rows(part, merged, sheet, as_shown=as_shown)

    def remarks(self, sheet: SeenSheet) -> Iterator[Block]:
        """Yield text boxes, comments and charts of a sheet, of which the rows were read."""
        with zipfile.ZipFile(self._path) as archive:
            boxes: list[str] = []
            notes: dict[tuple[int, int], str] = {}
            for relation in spared_relations(archive, sheet.part, self._findings).values():
                if relation.kind == "drawing":
                    boxes += drawn_texts(spared_part(archive, relation.part, self._findings))
                elif relation.kind == "comments":
                    notes |= _notes(spared_part(archive, relation.part, self._findings))
            texts = boxes + seen_notes(notes, self._hidden_rows, self._hidden_columns)
            yield from remark_blocks(texts, sheet)
            yield from sheet_charts(archive, sheet, self.sheets, self._findings)

    def _rows(
        self, part: IO[bytes], merged: MergedCells, sheet: SeenSheet, *, as_shown: bool
    ) -> Iterator[Row]:
        hidden = self._hidden_columns = list[int]()
        self._hidden_rows = set[int]()
        merger = Merger(merged)
        last = 0
        # The child process bounds time and memory; expat 2.4 and later refuses entity bombs.
        for _, element in ET.iterparse(part):  # noqa: S314
            match local(element.tag):
                case "cols":
                    hidden = self._hidden_columns = sorted(_hidden_columns(element))
                case "row":
                    number = element.get("r", "")
                    last = int(number) if number.isdecimal() else last + 1
                    row = Row(last, self._cells(element, as_shown=as_shown))
                    merger.fill(row)
                    is_hidden = sheet.is_hidden or is_on(element.get("hidden", "0"))
                    if is_hidden:
                        self._hidden_rows.add(last)
                    yield seen(row, hidden, self._findings, is_hidden=is_hidden)
                    element.clear()
                case _:
                    continue

    def _cells(self, row: ET.Element, *, as_shown: bool) -> dict[int, str]:
        cells: dict[int, str] = {}
        column = 0
        for cell in row:
            if local(cell.tag) != "c":
                continue
            place = _REFERENCE.fullmatch(cell.get("r", ""))
            column = _column(place[1]) if place else column + 1
            style = cell.get("s", "0")
            place_of = int(style) if style.isdecimal() else 0
            look = self._looks[place_of] if place_of < len(self._looks) else PLAIN
            text = decoded(self._text(cell, look, as_shown=as_shown).strip(), look.decode)
            self._findings.source.add(text)
            if as_shown and text and self._is_unseen(cell, look):
                text = self._findings.hide(text)
            if text and column <= MAX_COLUMNS:
                cells[column] = text
        return cells

    def _is_unseen(self, cell: ET.Element, look: CellLook) -> bool:
        is_text = cell.get("t", "n") not in ("n", "b", "e")
        return (look.is_unseen and not self._has_rules) or shows_nothing(look.code, is_text=is_text)

    def _text(self, cell: ET.Element, look: CellLook, *, as_shown: bool) -> str:
        kind = cell.get("t", "n")
        text, formula = "", None
        for part in cell:
            name = local(part.tag)
            if name == "v":
                text = part.text or ""
            elif name == "f":
                formula = part.text or ""
            elif name == "is" and kind == "inlineStr":
                return _rich_text(part)
        if not text:
            if formula is None or kind == "str":
                return ""
            self._findings.warn(
                WarningCode.FORMULAS_WITHOUT_VALUES,
                "Formulas have no stored values; the passages say so in their place. Open the file"
                " in Excel or LibreOffice and save it.",
            )
            return f"(formula ={formula} without a stored value)"
        match kind:
            case "s":
                place = int(text) if text.isdecimal() else -1
                return self._strings[place] if 0 <= place < len(self._strings) else ""
            case "b":
                return "TRUE" if text == "1" else "FALSE"
            case "n":
                return self._number(text, look.code, as_shown=as_shown)
            case _:
                return text

    def _number(self, text: str, code: str, *, as_shown: bool) -> str:
        if not as_shown and not is_dated(code):
            code = "General"
        return shown_number(text, code, is_1904=self._is_1904)


def _is_hidden(sheet: ET.Element) -> bool:
    return sheet.get("state", "visible") != "visible"


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _place(reference: str) -> tuple[int, int]:
    found = _REFERENCE.fullmatch(reference)
    return (int(found[2]), _column(found[1])) if found else (0, 0)


def _merged(part: IO[bytes]) -> tuple[MergedCells, bool]:
    """Cells of merged areas -> (row, column) of the area's first cell, which has the text.

    With it whether rules or tables of the sheet may colour its cells. Both stand behind the rows,
    so the part is looked through before it is read.
    """
    found: MergedCells = {}
    has_rules = False
    tail = b""
    while data := part.read(1 << 20):
        data = tail + data
        cut = data.rfind(b"<")
        tail = data[cut:] if cut >= 0 else b""
        has_rules = has_rules or bool(_RULES.search(data))
        for first, last in _MERGED.findall(data[: len(data) - len(tail)]):
            (top, left), (bottom, right) = _place(first.decode()), _place(last.decode())
            note_merged(found, top, left, bottom, right)
    return found, has_rules


def _hidden_columns(element: ET.Element) -> set[int]:
    hidden: set[int] = set()
    for column in element:
        first, last = column.get("min", ""), column.get("max", "")
        if is_on(column.get("hidden", "0")) and first.isdecimal() and last.isdecimal():
            hidden |= set(range(int(first), min(int(last), MAX_COLUMNS) + 1))
    return hidden


def _strings(archive: zipfile.ZipFile, name: str | None, names: set[str]) -> list[str]:
    if not name or name not in names:
        return []
    strings: list[str] = []
    with archive.open(name) as part:
        for _, element in ET.iterparse(part):  # noqa: S314 - see `Workbook.rows`
            if local(element.tag) == "si":
                strings.append(_rich_text(element))
                element.clear()
    return strings


def _rich_text(element: ET.Element | None) -> str:
    parts: list[str] = []
    for part in element if element is not None else ():
        name = local(part.tag)
        if name == "t":
            parts.append(part.text or "")
        elif name == "r":
            text = "".join(t.text or "" for t in part if local(t.tag) == "t")
            text = decoded(text, font_decoder(value_of(part, "rPr", "rFont") or ""))
            place = value_of(part, "rPr", "vertAlign")
            if place in ("superscript", "subscript"):
                text = raised(text) if place == "superscript" else lowered(text)
            parts.append(text)
    return "".join(parts)


def drawn_texts(drawing: ET.Element | None) -> list[str]:
    """The text of each text box and shape of a drawing that is not hidden."""
    texts: list[str] = []
    for shape in drawing.iter() if drawing is not None else ():
        settings = child(shape, "nvSpPr", "cNvPr")
        if local(shape.tag) != "sp" or (settings is not None and is_on(settings.get("hidden"))):
            continue
        lines = (
            "".join(part.text or "" for part in paragraph.iter() if local(part.tag) == "t")
            for paragraph in shape.iter()
            if local(paragraph.tag) == "p"
        )
        if text := "\n".join(line for line in lines if line.strip()):
            texts.append(text)
    return texts


def _notes(comments: ET.Element | None) -> dict[tuple[int, int], str]:
    """Comments by the place of their cell."""
    parts = comments.iter() if comments is not None else ()
    found = (item for item in parts if local(item.tag) == "comment")
    return {
        _place(item.get("ref", "")): THREADED.sub("", _rich_text(child(item, "text")))
        for item in found
    }
