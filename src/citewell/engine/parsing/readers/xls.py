"""Excel 97-2003 workbooks (and those of Excel 5) through xlrd, as the sheet shows them."""

import io
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import xlrd  # pyright: ignore[reportMissingTypeStubs] - it has none
from xlrd.biffh import XLRDError  # pyright: ignore[reportMissingTypeStubs] - as above
from xlrd.compdoc import CompDocError  # pyright: ignore[reportMissingTypeStubs] - as above

from citewell.engine.parsing.archives import locked_error
from citewell.engine.parsing.base import Block, ParseError, ParseFailure
from citewell.engine.parsing.compound import MAGIC
from citewell.engine.parsing.containers import open_compound
from citewell.engine.parsing.marks import lowered, raised
from citewell.engine.parsing.readers.base import ReaderInput
from citewell.engine.parsing.readers.number_formats import (
    BUILT_IN,
    is_dated,
    shown_number,
    shows_nothing,
)
from citewell.engine.parsing.readers.paper import is_unseen
from citewell.engine.parsing.readers.seen_cells import (
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
from citewell.engine.parsing.readers.xls_drawings import Drawings
from citewell.engine.parsing.vietnamese import font_decoder

_DAMAGE = (
    XLRDError,
    CompDocError,
    AssertionError,
    AttributeError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
    OverflowError,
    struct.error,
)
"""Errors of the library for a damaged file, which it trusts to be whole."""


class OldWorkbook:
    """An opened workbook; the library reads it whole."""

    metadata: dict[str, str]
    title: str | None = None

    def __init__(self, source: ReaderInput) -> None:
        """Read it.

        Raises:
            ParseError: It is damaged or protected by a password.
        """
        self.metadata = {}
        self._findings = source.findings
        # The library has no types; what comes from it is checked where it is used.
        self._book: Any = _checked(
            lambda: xlrd.open_workbook(
                str(source.path), logfile=io.StringIO(), formatting_info=True, on_demand=True
            )
        )
        states: list[int] = self._book._sheet_visibility
        names: list[str] = self._book.sheet_names()
        self.sheet_count = len(names)
        warn_of_hidden_sheets(sum(1 for state in states if state), source.findings)
        self.sheets = [
            SeenSheet(name, number, "", is_hidden=state != 0)
            for number, (name, state) in enumerate(zip(names, states, strict=False), 1)
            if state == 0 or source.findings.keeps_hidden
        ]
        self._hidden_rows: set[int] = set()
        self._hidden_columns: list[int] = []
        self._notes: dict[tuple[int, int], str] = {}
        self._drawings = Drawings(_stream(source.path))
        self._has_rules = False
        """Whether rules of the sheet that is read may colour its cells."""

    def rows(self, sheet: SeenSheet, *, as_shown: bool = True) -> Iterator[Row]:
        """Yield the rows of a sheet; without `as_shown` numbers come as they are stored."""
        found: Any = _checked(lambda: self._book.sheet_by_index(sheet.number - 1))
        self._has_rules = self._drawings.has_rules(sheet.number)
        self._hidden_columns = sorted(n + 1 for n, i in found.colinfo_map.items() if i.hidden)
        self._hidden_rows = {n + 1 for n, i in found.rowinfo_map.items() if i.hidden}
        self._notes = {(r + 1, c + 1): n.text for (r, c), n in found.cell_note_map.items()}
        merger = Merger(_merged(found))
        for number in range(found.nrows):
            # One far cell, such as a damaged number makes, gives all rows the places up to it: the
            # library would make 16 million cells.
            kinds = found.row_types(number)
            filled = [at for at, kind in enumerate(kinds) if kind] if any(kinds) else []
            texts = {
                at + 1: self._text(found, number, at, as_shown=as_shown).strip() for at in filled
            }
            row = Row(number + 1, {at: text for at, text in texts.items() if text})
            merger.fill(row)
            is_hidden = sheet.is_hidden or row.number in self._hidden_rows
            yield seen(row, self._hidden_columns, self._findings, is_hidden=is_hidden)
        self._book.unload_sheet(sheet.number - 1)

    def remarks(self, sheet: SeenSheet) -> Iterator[Block]:
        """Yield text boxes and comments of a sheet, of which the rows were read."""
        notes = seen_notes(self._notes, self._hidden_rows, self._hidden_columns)
        return remark_blocks(self._drawings.texts(sheet.number) + notes, sheet)

    def _text(self, sheet: Any, row: int, column: int, *, as_shown: bool) -> str:
        cell: Any = sheet.cell(row, column)
        text = self._stored(sheet, cell, (row, column), as_shown=as_shown)
        text = decoded(text, self._decoder(cell.xf_index))
        return self._findings.hide(text) if as_shown and self._is_unseen(cell) else text

    def _stored(self, sheet: Any, cell: Any, place: tuple[int, int], *, as_shown: bool) -> str:
        row, column = place
        match cell.ctype:
            case xlrd.XL_CELL_TEXT:
                runs: Any = sheet.rich_text_runlist_map.get((row, column))
                return self._with_shifts(cell.value, runs) if runs else str(cell.value)
            case xlrd.XL_CELL_NUMBER | xlrd.XL_CELL_DATE:
                code = self._format(cell.xf_index)
                if not as_shown and not is_dated(code):
                    code = "General"
                return shown_number(repr(cell.value), code, is_1904=bool(self._book.datemode))
            case xlrd.XL_CELL_BOOLEAN:
                return "TRUE" if cell.value else "FALSE"
            case xlrd.XL_CELL_ERROR:
                return str(xlrd.error_text_from_code.get(cell.value, "#ERROR"))
            case _:
                return ""

    def _decoder(self, style: int | None) -> Callable[[str], str] | None:
        font = self._font(style)
        return None if font is None else font_decoder(str(font.name))

    def _font(self, style: int | None) -> Any:
        styles, fonts = self._book.xf_list, self._book.font_list
        if style is None or not 0 <= style < len(styles):
            return None
        place: int = styles[style].font_index
        return fonts[place] if place < len(fonts) else None

    def _is_unseen(self, cell: Any) -> bool:
        """Whether a cell's format shows nothing, or its text is white on white."""
        is_text = cell.ctype == xlrd.XL_CELL_TEXT
        if shows_nothing(self._format(cell.xf_index), is_text=is_text):
            return True
        font = self._font(cell.xf_index)
        if font is None or self._has_rules:
            return False
        ground: Any = self._book.xf_list[cell.xf_index].background
        behind = "pattern" if ground.fill_pattern else ""
        if ground.fill_pattern == 1:
            behind = self._colour(ground.pattern_colour_index) or behind
        return is_unseen(self._colour(font.colour_index), behind)

    def _colour(self, place: int) -> str:
        """A colour of the workbook's palette as digits; empty for the usual one."""
        parts: tuple[int, int, int] | None = self._book.colour_map.get(place)
        return "" if parts is None else "".join(f"{part:02X}" for part in parts)

    def _format(self, style: int | None) -> str:
        styles: list[Any] = self._book.xf_list
        if style is None or not 0 <= style < len(styles):
            return "General"
        key: int = styles[style].format_key
        own: Any = self._book.format_map.get(key)
        return BUILT_IN.get(key) or (own.format_str if own else "General")

    def _with_shifts(self, text: str, runs: list[tuple[int, int]]) -> str:
        fonts: list[Any] = self._book.font_list
        parts = [text[: runs[0][0]]]
        ends = [start for start, _ in runs[1:]] + [len(text)]
        for (start, font), end in zip(runs, ends, strict=True):
            place = fonts[font].escapement if font < len(fonts) else 0
            part = text[start:end]
            parts.append(raised(part) if place == 1 else lowered(part) if place == 2 else part)
        return "".join(parts)


def _stream(path: Path) -> bytes:
    """The workbook's stream; nothing of one that is no container: those have no text boxes."""
    data = path.read_bytes()
    if not data.startswith(MAGIC):
        return b""
    try:
        return open_compound(data).stream("Workbook") or b""
    except ValueError:
        return b""


def _checked(call: Any) -> Any:
    try:
        return call()
    except _DAMAGE as error:
        if "encrypted" in str(error):
            raise locked_error() from error
        reason = "The workbook is damaged and cannot be read."
        raise ParseError(ParseFailure.CORRUPT, reason) from error


def _merged(sheet: Any) -> MergedCells:
    found: MergedCells = {}
    for top, bottom, left, right in sheet.merged_cells:
        note_merged(found, top + 1, left + 1, bottom, right)
    return found
