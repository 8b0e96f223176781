"""Tables of plain text, whose columns are set apart by spaces or tabs alone."""

import csv
import operator
import re
from collections.abc import Sequence

_SPACES = re.compile(r" {2,}")
_TABS = re.compile(r"(?<! ) *\t[\t ]*")
_MARKER = re.compile(r"\(?\w{1,4}[.)]|[-*•◦▪‣·–]")  # noqa: RUF001 - bullets
_LINE = re.compile(r"[-=+|_ ]+")
"""A line that is drawn below a header."""

_FIGURE = re.compile(
    r"\d{1,4}(?:[-./]\d{1,4}){2}|\d\d?:\d\d"
    r"|[-+(]?[€£$]? ?\d[\d.,]*\)?(?: ?(?:[%€£$₫]|[^\W\d_]{1,5}))?|[-–—]"  # noqa: RUF001 - dashes
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_LEAST_COLUMNS = 3
_LEAST_LINES = 3
"""A header and two rows; fewer lines that agree may do so by chance."""


def aligned_rows(lines: Sequence[str]) -> list[list[str]] | None:
    """Get the rows of lines that are a table, its header first; None where they are none.

    All lines have as many cells, and no cell reaches below or above the next column. The header
    has names where the rows have figures, or a line is drawn below it: without either (`Tea  2.00`,
    names and places) lines stay as they are. Columns of words without such a line are missed.
    """
    if (exported := _exported(lines)) is not None:
        return exported
    kept = [line for line in lines if not _LINE.fullmatch(line)]
    is_tabbed = all("\t" in line.strip() for line in kept)
    spans = [_cells(line, _TABS if is_tabbed else _SPACES) for line in kept]
    width = len(spans[0]) if spans else 0
    if len(kept) < _LEAST_LINES or width < 2 or any(len(one) != width for one in spans):
        return None
    columns = list(zip(*spans, strict=True))
    ends = [max(end for _, end, _ in column) for column in columns]
    starts = [min(start for start, _, _ in column) for column in columns]
    if not is_tabbed and any(map(operator.gt, ends[:-1], starts[1:])):
        return None
    texts = [[text for _, _, text in column] for column in columns]
    first = texts[0][1:]
    is_list = any(map(_MARKER.fullmatch, first)) or all(one.endswith((":", ".")) for one in first)
    is_drawn = len(lines) > 1 and _LINE.fullmatch(lines[1]) is not None
    if is_list or not (_has_header(texts) or (is_drawn and not _figures(texts))):
        return None
    return [list(row) for row in zip(*texts, strict=True)]


def _exported(lines: Sequence[str]) -> list[list[str]] | None:
    """Get the rows of a sheet that was saved as text: as many single tabs in each line.

    Three columns at least, all of which have names of their own: of two, the first may be marks of
    a list, and texts that are set with tabs have several in a row. Cells may be empty or quoted.
    """
    width = lines[0].count("\t") + 1 if lines else 0
    if width < _LEAST_COLUMNS or len(lines) < _LEAST_LINES:
        return None
    if any(line.count("\t") + 1 != width for line in lines):
        return None
    rows = [row for line in lines for row in csv.reader([line], delimiter="\t")]
    if len(rows) != len(lines) or any(len(row) != width for row in rows):
        return None
    names = [cell.strip() for cell in rows[0]]
    filled = sum(1 for row in rows for cell in row if cell.strip())
    if not all(names) or len({*names}) < width or 2 * filled < width * len(rows):
        return None
    # Programs quote; texts of words alone may be rows without a header.
    is_quoted = any(line.startswith('"') or '\t"' in line for line in lines)
    columns = [[cell.strip() for cell in column] for column in zip(*rows, strict=True)]
    return rows if _has_header(columns) or (is_quoted and not _figures(columns)) else None


def _cells(line: str, gaps: re.Pattern[str]) -> list[tuple[int, int, str]]:
    """Begin, end and text of what stands between gaps."""
    found: list[tuple[int, int, str]] = []
    at = 0
    for gap in gaps.finditer(line):
        if gap.start() > at:
            found.append((at, gap.start(), line[at : gap.start()].strip()))
        at = gap.end()
    if line[at:].strip():
        found.append((at, len(line.rstrip()), line[at:].strip()))
    return found


def _has_header(columns: Sequence[Sequence[str]]) -> bool:
    """Whether a column of figures has a name, and none has a figure in the place of one."""
    figures = _figures(columns)
    return bool(figures) and all(
        _YEAR.fullmatch(one[0]) or not _FIGURE.fullmatch(one[0]) for one in figures
    )


def _figures(columns: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """The columns but the first in which all rows have figures."""
    return [column for column in columns[1:] if all(map(_FIGURE.fullmatch, column[1:]))]
