"""Tables of a PDF page that no lines part: columns of figures beside their names.

Only tables whose columns are mostly figures are told: aligned texts are as often columns of prose,
contents, forms or addresses.
"""

import re
from collections.abc import Iterator, Sequence

from citewell.engine.parsing.readers.pdf_cells import FIGURE, Letter, PageTable, counted
from citewell.engine.parsing.readers.pdf_lines import (
    BEHIND,
    PageLine,
    page_lines,
    shared_columns,
)

_LEAST_ROWS = 3
_SEVERAL = 0.6
"""Least share of the rows that have more than one cell; the others are names of groups."""
_FIGURES = 0.7
"""Least share of figures among the cells of a column of figures; its heading is none."""

_YEAR = re.compile(r"(?:19|20)\d\d")
_PAGE = re.compile(r"\d{1,4}|[ivxl]{1,6}")
_STARTS = 16
"""Rows that are tried as the first of one table: a heading above it may share its columns."""
_LOOKS = 20
"""Times that a row is looked at, on average of a page: what is left then stays text."""


def may_have_columns(shown: str) -> bool:
    """Whether enough lines of a page end in figures; to look for columns costs as much as to read.

    Args:
        shown: PDFium's text of the page.
    """
    lines = (line.rstrip().rpartition(" ")[2] for line in shown.splitlines())
    return sum(bool(FIGURE.fullmatch(word)) or word in BEHIND for word in lines) >= _LEAST_ROWS


def column_tables(letters: Sequence[Letter], shown: str) -> Iterator[PageTable]:
    """Yield the tables that aligned figures make, from top to bottom."""
    rows = page_lines(letters)
    start = starts = looks = 0
    while start < len(rows) and looks <= _LOOKS * len(rows):
        end, columns = shared_columns(rows, start)
        looks += end - start
        starts += 1
        if (table := _table(rows[start:end], columns, shown)) is not None:
            yield table
        elif starts < _STARTS and end > start + 1:
            start += 1
            continue
        start, starts = end, 0


def _table(
    rows: list[PageLine], columns: list[tuple[float, float]], shown: str
) -> PageTable | None:
    while rows and len(rows[-1].parts) < 2:
        rows = rows[:-1]
    several = sum(len(row.parts) > 1 for row in rows)
    if several < _LEAST_ROWS or several < _SEVERAL * len(rows):
        return None
    texts: list[list[str]] = []
    for row in rows:
        cells = [""] * len(columns)
        for part in row.parts:
            at = next(n for n, span in enumerate(columns) if part.left <= span[1])
            cells[at] = f"{cells[at]} {part.text(shown)}".strip()
        texts.append(cells)
    number = _header_rows(texts)
    names = {cell for row in texts[:number] for cell in row if cell}
    end = next(
        (n for n in range(number + 1, len(texts)) if _is_header(texts[n], names)), len(texts)
    )
    while end and not any(texts[end - 1][1:]):
        end -= 1
    # Without names of its columns a table says no more than its lines.
    if not number or end - number < _LEAST_ROWS or not _has_figures(texts[number:end]):
        return None
    header = [" ".join(filter(None, cells)) for cells in zip(*texts[:number], strict=True)]
    body = _unwrapped(texts[number:end])
    used = [n for n in range(len(columns)) if any(row[n] for row in body)]
    if sum(bool(header[n]) for n in used[1:]) < len(used) - 1 or _stand_side_by_side(body, used):
        return None
    letters = [each for row in rows[:end] for part in row.parts for each in part.letters]
    return PageTable(
        "",
        [[row[n] for n in used] for row in (header, *body)],
        counted("".join(each.text for each in letters)),
        (),
        above=None,
        below=None,
        is_ruled=False,
        places=frozenset(each.place for each in letters),
    )


def _header_rows(rows: list[list[str]]) -> int:
    """Count the first rows that name columns: in words or years, the first column mostly not."""
    for number, row in enumerate(rows):
        figures = [cell for cell in row[1:] if FIGURE.fullmatch(cell)]
        if (figures and not _is_years(row)) or (row[0] and not any(row[1:])):
            return number
    return 0


def _is_header(row: list[str], names: set[str]) -> bool:
    """Whether a row within a table is the header of the next one."""
    cells = {cell for cell in row if cell}
    return _is_years(row) or (len(cells) > 1 and cells <= names)


def _is_years(row: list[str]) -> bool:
    cells = [cell for cell in row[1:] if cell]
    years = sum(bool(_YEAR.fullmatch(cell)) for cell in cells)
    return bool(cells) and not row[0] and 2 * years >= len(cells)


def _has_figures(rows: list[list[str]]) -> bool:
    """Whether most columns but the first are figures, and are no numbers of pages."""
    columns = [[cell for cell in column if cell] for column in list(zip(*rows, strict=True))[1:]]
    good = 0
    for cells in columns:
        figures = [cell for cell in cells if FIGURE.fullmatch(cell)]
        good += len(figures) >= max(_LEAST_ROWS - 1, _FIGURES * len(cells))
    names = [row[0] for row in rows if row[0]]
    letters = sum(any(each.isalpha() for each in name) for name in names)
    is_contents = len(columns) == 1 and all(_PAGE.fullmatch(cell) for cell in columns[0])
    return 2 * good > len(columns) and 2 * letters >= len(names) > 1 and not is_contents


def _stand_side_by_side(rows: list[list[str]], used: list[int]) -> bool:
    """Whether the rows are those of several tables: names stand between columns of figures too.

    Units and kinds stand there as well, but mostly more than once; those that do not leave the
    lines of a table as text, as their letters cannot be told apart from the other table's.
    """
    columns = [[cell for row in rows if (cell := row[n])] for n in used]
    are_figures = [
        sum(bool(FIGURE.fullmatch(cell)) for cell in cells) >= _FIGURES * len(cells)
        for cells in columns
    ]
    return any(
        True in are_figures[1:at]
        and True in are_figures[at + 1 :]
        and len(set(cells)) == len(cells) > 1
        and 2 * sum(any(each.isalpha() for each in cell) for cell in cells) >= len(rows)
        for at, cells in enumerate(columns)
        if at and not are_figures[at]
    )


def _unwrapped(rows: list[list[str]]) -> list[list[str]]:
    """The rows with names that are wrapped in one."""
    found: list[list[str]] = []
    for row in rows:
        if found and row[0][:1].islower() and found[-1][0]:
            if not any(row[1:]):
                found[-1][0] += f" {row[0]}"
                continue
            if not any(found[-1][1:]):
                row = [f"{found.pop()[0]} {row[0]}", *row[1:]]
        found.append(row)
    return found
