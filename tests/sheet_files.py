"""Writes one workbook as XLSX, XLSB, XLS and ODS, with nothing but the standard library."""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from document_files import CONTENT_TYPES, R, relations, write_compound, write_odf, write_zip

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


@dataclass(frozen=True)
class Cell:
    """A number with its format and the text that a program shows for it, or a text."""

    value: float | str
    code: str = "General"
    shown: str = ""


@dataclass(frozen=True)
class Sheet:
    """Rows of cells; numbers of hidden rows and columns and merged areas count from 1."""

    rows: Sequence[Sequence[Cell | str]]
    is_hidden: bool = False
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    merged: Sequence[tuple[int, int, int, int]] = field(default_factory=tuple)
    """Top, left, bottom, right."""
    box: str = ""
    """Text of a text box."""
    remark: tuple[int, int, str] | None = None
    """Row, column and text of a comment; in XLSB and XLS."""
    charts: Mapping[str, str] = field(default_factory=dict[str, str])
    """Kind of relation and content of charts; in XLSX and XLSB."""
    kind: str = "worksheet"

    def cells(self) -> list[tuple[int, list[tuple[int, Cell]]]]:
        """Rows with their number, and filled cells with that of their column, from 0."""
        return [
            (r, [(c, Cell(x) if isinstance(x, str) else x) for c, x in enumerate(row) if x != ""])
            for r, row in enumerate(self.rows)
        ]


Book = Mapping[str, Sheet]


def _codes(book: Book) -> dict[str, int]:
    found: dict[str, int] = {}
    for sheet in book.values():
        for _, cells in sheet.cells():
            for _, cell in cells:
                found.setdefault(cell.code, len(found))
    return found


def _letters(column: int) -> str:
    return chr(65 + column)


def _xml(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def _drawing(text: str) -> str:
    space = "http://schemas.openxmlformats.org/drawingml/2006/"
    return (
        f'<x:wsDr xmlns:x="{space}spreadsheetDrawing" xmlns:a="{space}main"><x:sp><x:nvSpPr>'
        f'<x:cNvPr id="1" name="t"/></x:nvSpPr><x:txBody><a:p><a:r><a:t>{_xml(text)}</a:t></a:r>'
        "</a:p></x:txBody></x:sp></x:wsDr>"
    )


def _package(path: Path, book: Book, end: str, parts: dict[str, str | bytes]) -> Path:
    """The parts that XLSX and XLSB have alike."""
    sheets = [(f"s{n}", s.kind, f"sheet{n}.{end}") for n, s in enumerate(book.values(), 1)]
    parts["[Content_Types].xml"] = CONTENT_TYPES
    parts["_rels/.rels"] = relations([("m", "officeDocument", f"xl/workbook.{end}")])
    listed = [*sheets, ("st", "styles", f"styles.{end}")]
    parts[f"xl/_rels/workbook.{end}.rels"] = relations(listed)
    for n, sheet in enumerate(book.values(), 1):
        beside: list[tuple[str, str, str]] = []
        if sheet.box or sheet.charts:
            beside.append(("d", "drawing", f"d{n}.xml"))
            parts[f"xl/d{n}.xml"] = _drawing(sheet.box)
        if sheet.charts:
            charts = [(kind, kind, f"{kind}{n}.xml") for kind in sheet.charts]
            parts[f"xl/_rels/d{n}.xml.rels"] = relations(charts)
            parts |= {f"xl/{kind}{n}.xml": text for kind, text in sheet.charts.items()}
        if sheet.remark and end == "bin":
            beside.append(("c", "comments", f"c{n}.bin"))
            parts[f"xl/c{n}.bin"] = _xlsb_comment(*sheet.remark)
        if beside:
            parts[f"xl/_rels/sheet{n}.{end}.rels"] = relations(beside)
    return write_zip(path, parts)


def write_xlsx_book(path: Path, book: Book) -> Path:
    codes = _codes(book)
    listed = "".join(
        f'<sheet name="{name}" sheetId="{n}" r:id="s{n}"'
        f' state="{"hidden" if sheet.is_hidden else "visible"}"/>'
        for n, (name, sheet) in enumerate(book.items(), 1)
    )
    formats = "".join(
        f'<numFmt numFmtId="{200 + n}" formatCode="{_xml(code)}"/>' for code, n in codes.items()
    )
    xfs = "".join(f'<xf numFmtId="{200 + n}"/>' for n in codes.values())
    parts: dict[str, str | bytes] = {
        "xl/workbook.xml": f"<workbook {MAIN} {R}><sheets>{listed}</sheets></workbook>",
        "xl/styles.xml": f"<styleSheet {MAIN}><numFmts>{formats}</numFmts>"
        f"<cellXfs>{xfs}</cellXfs></styleSheet>",
    }
    for n, sheet in enumerate(book.values(), 1):
        parts[f"xl/sheet{n}.xml"] = _xlsx_sheet(sheet, codes)
    return _package(path, book, "xml", parts)


def _xlsx_sheet(sheet: Sheet, codes: Mapping[str, int]) -> str:
    columns = "".join(f'<col min="{c}" max="{c}" hidden="1"/>' for c in sheet.hidden_columns)
    rows = ""
    for r, cells in sheet.cells():
        inside = "".join(
            f'<c r="{_letters(c)}{r + 1}" t="inlineStr"><is><t>{_xml(cell.value)}</t></is></c>'
            if isinstance(cell.value, str)
            else f'<c r="{_letters(c)}{r + 1}" s="{codes[cell.code]}"><v>{cell.value!r}</v></c>'
            for c, cell in cells
        )
        rows += f'<row r="{r + 1}" hidden="{int(r + 1 in sheet.hidden_rows)}">{inside}</row>'
    merged = "".join(
        f'<mergeCell ref="{_letters(left - 1)}{top}:{_letters(right - 1)}{bottom}"/>'
        for top, left, bottom, right in sheet.merged
    )
    return (
        f"<worksheet {MAIN}>{f'<cols>{columns}</cols>' if columns else ''}"
        f"<sheetData>{rows}</sheetData><mergeCells>{merged}</mergeCells></worksheet>"
    )


# Excel binary ([MS-XLSB])


def _record(kind: int, data: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size = b""
    length = len(data)
    while True:
        size += bytes([length & 0x7F | (0x80 if length > 0x7F else 0)])
        length >>= 7
        if not length:
            return head + size + data


def _wide(text: str) -> bytes:
    raw = text.encode("utf-16-le")
    return struct.pack("<I", len(raw) // 2) + raw


def write_xlsb_book(path: Path, book: Book) -> Path:
    codes = _codes(book)
    listed = b"".join(
        _record(156, struct.pack("<II", sheet.is_hidden, n) + _wide(f"s{n}") + _wide(name))
        for n, (name, sheet) in enumerate(book.items(), 1)
    )
    styles = b"".join(
        _record(44, struct.pack("<H", 200 + n) + _wide(code)) for code, n in codes.items()
    )
    # A style of the sheet's own list comes first, to be told from those of cells.
    styles += _record(626) + _record(47, bytes(16)) + _record(627)
    xfs = (_record(47, struct.pack("<HH12x", 0, 200 + n)) for n in codes.values())
    styles += _record(617, struct.pack("<I", len(codes))) + b"".join(xfs) + _record(618)
    parts: dict[str, str | bytes] = {
        "xl/workbook.bin": _record(131) + _record(153, bytes(8)) + listed + _record(132),
        "xl/styles.bin": styles,
    }
    for n, sheet in enumerate(book.values(), 1):
        parts[f"xl/sheet{n}.bin"] = _xlsb_sheet(sheet, codes)
    return _package(path, book, "bin", parts)


def _xlsb_sheet(sheet: Sheet, codes: Mapping[str, int]) -> bytes:
    out = _record(129)
    for column in sorted(sheet.hidden_columns):
        out += _record(60, struct.pack("<IIIIH", column - 1, column - 1, 2000, 0, 1))
    out += _record(145)
    for r, cells in sheet.cells():
        flags = 0x10 if r + 1 in sheet.hidden_rows else 0
        out += _record(0, struct.pack("<IIHBBBI", r, 0, 300, 0, flags, 0, 0))
        for c, cell in cells:
            head = struct.pack("<II", c, codes[cell.code])
            if isinstance(cell.value, str):
                out += _record(6, head + _wide(cell.value))
            elif cell.value == int(cell.value) and abs(cell.value) < 1 << 28:
                out += _record(2, head + struct.pack("<i", int(cell.value) << 2 | 2))
            else:
                out += _record(5, head + struct.pack("<d", cell.value))
    out += _record(146)
    for top, left, bottom, right in sheet.merged:
        out += _record(176, struct.pack("<IIII", top - 1, bottom - 1, left - 1, right - 1))
    return out + _record(130)


def _xlsb_comment(row: int, column: int, text: str) -> bytes:
    place = struct.pack("<IIII", row - 1, row - 1, column - 1, column - 1)
    comment = _record(635, struct.pack("<I", 0) + place + bytes(16))
    comment += _record(637, b"\0" + _wide(text)) + _record(636)
    authors = _record(630) + _record(632, _wide("Otto")) + _record(631)
    return _record(628) + authors + _record(633) + comment + _record(634) + _record(629)


# Excel 97-2003 ([MS-XLS])


def _biff(kind: int, data: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _string(text: str, size: str = "<HB") -> bytes:
    return struct.pack(size, len(text), 1) + text.encode("utf-16-le")


def write_xls_book(path: Path, book: Book) -> Path:
    codes = _codes(book)
    start = _biff(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0)) + _biff(0x42, b"\xb0\x04")
    font = struct.pack("<HHHHHBBBB", 200, 0, 0, 400, 0, 0, 0, 0, 0) + _string("Arial", "<BB")
    start += _biff(0x31, font) * 5
    for code, n in codes.items():
        start += _biff(0x41E, struct.pack("<H", 200 + n) + _string(code))
    for n in codes.values():
        start += _biff(0xE0, struct.pack("<HH16x", 0, 200 + n))
    size = sum(12 + 2 * len(name) for name in book) + 4
    sheets: list[bytes] = []
    listed = b""
    for name, sheet in book.items():
        place = len(start) + size + sum(map(len, sheets))
        listed += _biff(0x85, struct.pack("<IBB", place, sheet.is_hidden, 0) + _string(name, "<BB"))
        sheets.append(_xls_sheet(sheet, codes))
    content = start + listed + _biff(0x0A) + b"".join(sheets)
    return write_compound(path, {"Workbook": content})


def _xls_sheet(sheet: Sheet, codes: Mapping[str, int]) -> bytes:
    out = _biff(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
    for column in sorted(sheet.hidden_columns):
        out += _biff(0x7D, struct.pack("<HHHHHH", column - 1, column - 1, 2000, 0, 1, 0))
    for r, cells in sheet.cells():
        flags = 0x20 if r + 1 in sheet.hidden_rows else 0
        out += _biff(0x208, struct.pack("<HHHHHHI", r, 0, 9, 300, 0, 0, flags | 0x100))
        for c, cell in cells:
            head = struct.pack("<HHH", r, c, codes[cell.code])
            if isinstance(cell.value, str):
                out += _biff(0x204, head + _string(cell.value))
            else:
                out += _biff(0x203, head + struct.pack("<d", cell.value))
    areas = [struct.pack("<HHHH", t - 1, b - 1, le - 1, r - 1) for t, le, b, r in sheet.merged]
    out += _biff(0xE5, struct.pack("<H", len(areas)) + b"".join(areas))
    if sheet.box:
        # A hidden shape, a chart with a text of its own, and the box.
        out += _shape(1, 6, "A hidden box", is_hidden=True) + _shape(2, 5)
        out += _biff(0x809, struct.pack("<HHHHII", 0x600, 0x20, 0, 0, 0, 0))
        out += _shape(9, 6, "A chart's own") + _biff(0x0A) + _shape(3, 6, sheet.box)
    if sheet.remark:
        row, column, text = sheet.remark
        out += _shape(4, 0x19, text)
        place = struct.pack("<HHHH", row - 1, column - 1, 0, 4)
        out += _biff(0x1C, place + _string("Otto") + b"\0")
    return out + _biff(0x0A)


def _shape(number: int, kind: int, text: str = "", *, is_hidden: bool = False) -> bytes:
    """A drawn object with its text, the first half of which is written in bytes."""
    flags = struct.pack("<HI", 0x3BF, 0x20002 if is_hidden else 0x20000)
    options = struct.pack("<HHI", 0x13, 0xF00B, len(flags)) + flags
    drawing = struct.pack("<HHI", 0xF, 0xF004, len(options)) + options
    out = _biff(0xEC, drawing)
    out += _biff(0x5D, struct.pack("<HHHHH12xHH", 0x15, 0x12, kind, number, 0, 0, 0))
    if text:
        half = len(text) // 2
        out += _biff(0xEC, struct.pack("<HHI", 0, 0xF00D, 0))
        out += _biff(0x1B6, struct.pack("<HH6xHHI", 0x12, 0, len(text), 16, 0))
        out += _biff(0x3C, b"\0" + text[:half].encode("latin-1"))
        out += _biff(0x3C, b"\1" + text[half:].encode("utf-16-le")) + _biff(0x3C, bytes(16))
    return out


# OpenDocument


def write_ods_book(path: Path, book: Book) -> Path:
    styles = (
        '<office:automatic-styles><style:style xmlns:style="urn:oasis:names:tc:opendocument:xmlns:'
        'style:1.0" style:name="hid" style:family="table"><style:table-properties '
        'table:display="false"/></style:style></office:automatic-styles>'
    )
    body = "".join(
        f'<table:table table:name="{name}" table:style-name="{"hid" * sheet.is_hidden}">'
        f"{_ods_sheet(sheet)}</table:table>"
        for name, sheet in book.items()
    )
    return write_odf(path, "spreadsheet", body, styles)


def _ods_sheet(sheet: Sheet) -> str:
    spans = {(top, left): (b - top + 1, r - left + 1) for top, left, b, r in sheet.merged}
    width = max(map(len, sheet.rows))
    out = "".join(
        f"<table:table-column{_folded(c, sheet.hidden_columns)}/>" for c in range(1, width + 1)
    )
    if sheet.box:
        out = (
            "<table:shapes><draw:custom-shape><text:p>"
            f"{_xml(sheet.box)}</text:p></draw:custom-shape></table:shapes>{out}"
        )
    for r, cells in sheet.cells():
        inside = ""
        known = dict(cells)
        for c in range(width):
            down, across = spans.get((r + 1, c + 1), (1, 1))
            more = f' table:number-rows-spanned="{down}" table:number-columns-spanned="{across}"'
            inside += _ods_cell(known.get(c), more if (down, across) != (1, 1) else "")
        out += f"<table:table-row{_folded(r + 1, sheet.hidden_rows)}>{inside}</table:table-row>"
    return out


def _folded(number: int, hidden: frozenset[int]) -> str:
    return ' table:visibility="collapse"' if number in hidden else ""


def _ods_cell(cell: Cell | None, more: str) -> str:
    if cell is None:
        return f"<table:table-cell{more}/>"
    if isinstance(cell.value, str):
        text, kind = cell.value, 'office:value-type="string"'
    else:
        text = cell.shown or f"{cell.value:g}"
        kind = f'office:value-type="float" office:value="{cell.value!r}"'
    return f"<table:table-cell {kind}{more}><text:p>{_xml(text)}</text:p></table:table-cell>"


WRITERS: dict[str, Callable[[Path, Book], Path]] = {
    "xlsx": write_xlsx_book,
    "xlsb": write_xlsb_book,
    "xls": write_xls_book,
    "ods": write_ods_book,
}
