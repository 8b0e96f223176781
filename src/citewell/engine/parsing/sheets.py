"""The cells of CSV files and workbooks, sheet by sheet, for those who compute with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from citewell.engine.parsing.base import ParseError, ParseFailure
from citewell.engine.parsing.formats import FORMATS, WORKBOOK_FORMATS, DocumentFormat
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.readers import delimited
from citewell.engine.parsing.readers.base import ReaderInput

SHEET_FORMATS = {FORMATS[kind].mime_type: kind for kind in (DocumentFormat.CSV, *WORKBOOK_FORMATS)}
"""Formats with sheets, by MIME type."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The filled rows of one sheet."""

    name: str
    rows: Sequence[Sequence[str]]


def read_sheets(path: Path, filename: str, mime_type: str, max_rows: int) -> list[Sheet]:
    """The sheets of a file, each up to `max_rows` rows.

    Raises:
        ParseError: It is damaged, encrypted, or no such file.
    """
    kind = SHEET_FORMATS.get(mime_type)
    if kind is None:
        raise ParseError(ParseFailure.UNSUPPORTED, "The file holds no table.")
    source = ReaderInput(path, filename, kind, ParseLimits())
    if kind is DocumentFormat.CSV:
        _, table = delimited.without_notes(delimited.rows(source))
        rows = islice(filter(any, table), max_rows)
        return [Sheet("data", list(rows))]
    # Imported here: CSV files need none of it, and it takes a second.
    from citewell.engine.parsing.readers import spreadsheets  # noqa: PLC0415

    return [
        Sheet(name, [row for row in rows if any(row)][:max_rows])
        for name, rows in spreadsheets.sheets(source)
    ]
