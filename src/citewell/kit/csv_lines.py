"""Rows as CSV that spreadsheets open without running what people typed."""

import csv
import io
from collections.abc import Iterable, Sequence

# Spreadsheets take a cell that begins so for a formula, which may send the sheet elsewhere (OWASP,
# CSV injection). An apostrophe before it makes it text; numbers are written as numbers and keep
# their sign.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(rows: Iterable[Sequence[object]]) -> bytes:
    """The rows as lines of CSV in UTF-8; None is an empty cell."""
    written = io.StringIO()
    csv.writer(written).writerows([_cell(value) for value in row] for row in rows)
    return written.getvalue().encode()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
