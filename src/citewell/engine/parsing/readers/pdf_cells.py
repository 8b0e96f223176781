"""Cells of tables of a PDF page, by the places of their letters."""

import ctypes
import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple, cast

import pypdfium2.raw as pdfium  # pyright: ignore[reportMissingTypeStubs] - it has none

from citewell.engine.parsing.cleaning import join_lines, scrub
from citewell.engine.parsing.marks import HYPHEN
from citewell.engine.parsing.readers.pdf_rules import RuledGrid
from citewell.engine.parsing.readers.tables import COVERED

# Whether a checker can tell the types of the bindings depends on the files it is given.
_pdfium = cast(Any, pdfium)

_LINE = 0.5
"""Share of a letter's height by which letters of one line may differ in their place."""
_SPACE = 0.12
"""Gap that is a space between words, as a share of the height of a line (`pdf_order`)."""
_EDGE_LINES = 2
"""Lines above or below a table that goes on over pages: running headers and page numbers
(`furniture.EDGE_LINES`)."""
_LONGEST_CELL = 1_500
"""Characters of a cell from which a grid is a frame around text: half a page."""
_FILLED = 0.3
"""Least share of the cells of a table that hold text; a form to be filled in has fewer, and so has
the grid of a chart."""
_CUT = 0.25
"""Words that the borders of a grid may cut, for each of its rows: more, and it is a drawing behind
a text."""
_SHORT_LINE = 0.6
"""Share of a column's width that lines of wrapped text exceed: the next word does not fit."""
_LEAST_LINES = 3
"""Lines from which a cell may hold rows that no line parts."""
_MOST_ABOVE, _MOST_BELOW = 2, 1
"""Rows of a grid before and behind one that holds the rows of a table: title and header, a sum."""
_FIGURES = 0.7
"""Least share of figures among the lines of a column of figures, as in `pdf_columns`."""

# Amounts, shares, dates, marks for none; years and numbers of pages too.
FIGURE = re.compile(r"[$€£¥(+\-–—−\s]*\d[\s\d.,:/%()xX]*|[$€£¥]?\s*[-–—−]+|n/?a", re.IGNORECASE)  # noqa: RUF001


class Letter(NamedTuple):
    """A letter that is shown, in points."""

    place: int
    """In the text that PDFium gives."""
    text: str
    left: float
    right: float
    low: float
    high: float


Cell = list[Letter]


@dataclass(frozen=True, slots=True)
class PageTable:
    """A table of a page."""

    title: str
    """The text of a first row that is one cell; empty if there is none."""
    rows: list[list[str]]
    letters: Counter[str]
    """Its letters and figures, by which it is found in the page's text."""
    borders: tuple[float, ...]
    """Left ends of its columns and the right one of the last."""
    above: tuple[str, ...] | None
    below: tuple[str, ...] | None
    """The lines before and behind it, without spaces; None if they are more than those of a
    running header or footer."""
    is_ruled: bool
    places: frozenset[int]
    """Of its letters in the page's text."""


def read_letters(raw: object, shown: str) -> list[Letter]:
    """The letters of a page in the order of PDFium's text.

    Args:
        raw: PDFium's text page.
        shown: Its text, each character in its place.
    """
    box = _pdfium.FS_RECTF()
    found: list[Letter] = []
    reference = ctypes.byref(box)
    for place, text in enumerate(shown):
        if not text.isspace() and _pdfium.FPDFText_GetLooseCharBox(raw, place, reference):
            found.append(Letter(place, text, box.left, box.right, box.bottom, box.top))
    return found


def counted(text: str) -> Counter[str]:
    """Letters and figures; marks, dashes and bars are written in more than one way.

    Case does not count: the library writes the first letters of a table it has found small.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return Counter(each for each in folded if each.isalnum())


def ruled_table(grid: RuledGrid, letters: Sequence[Letter], shown: str) -> PageTable | None:
    """The table in a grid of lines; None if the grid holds none."""
    inside, above, below = _divided(letters, grid)
    cells: dict[tuple[int, int], Cell] = {}
    places: list[tuple[int, int]] = []
    downwards = [-y for y in grid.ys]
    for letter in inside:
        row = _between(downwards, -(letter.low + letter.high) / 2)
        column = _between(grid.xs, (letter.left + letter.right) / 2)
        places.append(grid.anchors[row, column])
        cells.setdefault(places[-1], []).append(letter)
    cut = sum(
        a[1] != b[1] and after.place == before.place + 1 and not _is_apart(before, after)
        for (a, b), (before, after) in zip(pairwise(places), pairwise(inside), strict=True)
    )
    longest = max(map(len, cells.values()), default=0)
    if longest > _LONGEST_CELL or cut > _CUT * (len(grid.ys) - 1):
        return None
    columns = range(len(grid.xs) - 1)
    rows: list[list[str]] = []
    body = _only_body(cells, len(grid.ys) - 1)
    for row in range(len(grid.ys) - 1):
        own = [cells.get((row, n), []) for n in columns]
        parts = _unruled_rows(own, grid.xs, shown) if row == body else [own]
        if len(parts) > 1:
            rows += ([cell_text(cell, shown) for cell in part] for part in parts)
        else:
            rows.append([_repeated(row, n, grid, cells, shown) for n in columns])
    used = [n for n in columns if any(row[n] for row in rows)]
    rows = [[row[n] for n in used] for row in rows if any(row)]
    title = rows.pop(0)[0] if _has_title(rows) else ""
    if not is_table(rows):
        return None
    return PageTable(
        title,
        rows,
        counted("".join(letter.text for letter in inside)),
        tuple(grid.xs),
        above=_edge(above, shown),
        below=_edge(below, shown),
        is_ruled=True,
        places=frozenset(letter.place for letter in inside),
    )


def _divided(
    letters: Sequence[Letter], grid: RuledGrid
) -> tuple[list[Letter], list[Letter], list[Letter]]:
    """The letters inside of a grid, above and below it."""
    inside: list[Letter] = []
    above: list[Letter] = []
    below: list[Letter] = []
    for letter in letters:
        x, y = (letter.left + letter.right) / 2, (letter.low + letter.high) / 2
        if y > grid.ys[0]:
            above.append(letter)
        elif y < grid.ys[-1]:
            below.append(letter)
        elif grid.xs[0] <= x <= grid.xs[-1]:
            inside.append(letter)
    return inside, above, below


def _between(borders: Sequence[float], at: float) -> int:
    return bisect_right(borders, at, 1, len(borders) - 1) - 1


def _repeated(
    row: int,
    column: int,
    grid: RuledGrid,
    cells: dict[tuple[int, int], Cell],
    shown: str,
) -> str:
    """The text of a cell; one that spans rows is repeated, one that spans columns is not."""
    anchor = grid.anchors[row, column]
    if anchor[1] != column:
        return COVERED
    return cell_text(cells.get(anchor, []), shown)


def _has_title(rows: list[list[str]]) -> bool:
    return len(rows) > 2 and bool(rows[0][0]) and not any(rows[0][1:]) and any(rows[1][1:])


def is_table(rows: list[list[str]]) -> bool:
    """Whether rows are those of a table, not the parts of a frame, a form or a chart."""
    if len(rows) < 2 or len(rows[0]) < 2:
        return False
    filled = [sum(bool(cell) for cell in row) for row in rows]
    return 2 * sum(count > 1 for count in filled) >= len(rows) and sum(filled) >= _FILLED * len(
        rows
    ) * len(rows[0])


def _only_body(cells: dict[tuple[int, int], Cell], rows: int) -> int | None:
    """The row of a grid that is the whole body of its table; None if lines part the body."""
    heights = [0] * rows
    for (row, _), cell in cells.items():
        heights[row] = max(heights[row], len(list(lines_of(cell))))
    tall = [row for row, lines in enumerate(heights) if lines >= _LEAST_LINES]
    if len(tall) != 1 or tall[0] > _MOST_ABOVE or rows - 1 - tall[0] > _MOST_BELOW:
        return None
    # A sum has one line; a row of more is one more entry.
    return tall[0] if max(heights[tall[0] + 1 :], default=0) <= 1 else None


def _unruled_rows(cells: list[Cell], xs: list[float], shown: str) -> list[list[Cell]]:
    """The rows of a row of a grid that holds several, if no lines part them.

    Lines of the first column that end well before its end, as wrapped text does not, begin rows. As
    contacts and schedules of one entry have such lines too, the other columns have to be figures or
    to have a line for each of the first. A single entry of as many lines in each column is cut.
    """
    divided = [list(lines_of(cell)) for cell in cells]
    first = divided[0]
    several = sum(len(lines) >= _LEAST_LINES for lines in divided)
    if len(first) < _LEAST_LINES or several < 2:
        return [cells]
    width = xs[1] - xs[0]
    if median(line[-1].right - line[0].left for line in first) > _SHORT_LINE * width:
        return [cells]
    texts = [[_line_text(line, shown) for line in lines] for lines in divided]
    others = [lines for lines in texts[1:] if lines]
    is_even = all(len(lines) == len(first) for lines in others)
    if any(map(_is_wrapped, texts)) or not (
        is_even or 2 * sum(map(_has_figures, others)) > len(others)
    ):
        return [cells]
    middles = [(line[0].low + line[0].high) / 2 for line in first]
    height = first[0][0].high - first[0][0].low
    beside = [(line[0].low + line[0].high) / 2 for lines in divided[1:] for line in lines]
    if any(all(abs(at - each) > _LINE * height for each in beside) for at in middles):
        return [cells]
    starts = [-(at + _LINE * height) for at in middles]
    rows: list[list[Cell]] = [[[] for _ in cells] for _ in starts]
    for column, cell in enumerate(cells):
        for letter in cell:
            at = -(letter.low + letter.high) / 2
            rows[max(bisect_right(starts, at) - 1, 0)][column].append(letter)
    return rows


def _is_wrapped(lines: list[str]) -> bool:
    """Whether lines are one text: it begins with a capital, and one of its lines does not."""
    return lines[:1] != [] and lines[0][:1].isupper() and any(x[:1].islower() for x in lines[1:])


def _has_figures(lines: list[str]) -> bool:
    return sum(bool(FIGURE.fullmatch(x)) for x in lines) >= _FIGURES * len(lines)


def lines_of(cell: Iterable[Letter]) -> Iterator[list[Letter]]:
    """Yield a cell's letters line by line."""
    line: list[Letter] = []
    for letter in cell:
        if line and not _is_beside(line[-1], letter):
            yield line
            line = []
        line.append(letter)
    if line:
        yield line


def _is_beside(before: Letter, letter: Letter) -> bool:
    """Whether two letters stand on one line; raised ones do, and letters of turned words."""
    if letter.place == before.place + 1:
        return True
    height = max(before.high - before.low, letter.high - letter.low)
    apart = abs(before.low + before.high - letter.low - letter.high) / 2
    return apart <= _LINE * height and letter.left > before.left - 2 * height


def cell_text(cell: Cell, shown: str) -> str:
    """A cell's text in one line."""
    drawn = list(lines_of(cell))
    if any(_is_above(after, before) for before, after in pairwise(drawn)):
        # PDFium gives the lines of a page that says it is turned from the bottom.
        drawn.sort(key=lambda line: -line[0].low)
    lines = [_line_text(line, shown) for line in drawn]
    text = join_lines([scrub(line) for line in lines])
    # A bar of the cell's own stays, as in all formats: a quote has to be what stands in the file.
    return " ".join(text.split())


def _is_above(line: list[Letter], other: list[Letter]) -> bool:
    return line[0].low >= other[0].high


def _line_text(line: list[Letter], shown: str) -> str:
    # Letters that are drawn out of order, as in `pdf_order`.
    if any(b.left < a.left - _LINE * (a.high - a.low) for a, b in pairwise(line)):
        line = sorted(line, key=lambda each: each.left)
    text = ""
    for before, letter in pairwise([line[0], *line]):
        between = shown[before.place + 1 : letter.place]
        is_apart = (bool(between) and between.isspace()) or _is_apart(before, letter)
        text += (" " if text and is_apart else "") + letter.text
    # PDFium's hyphens at the end of a line.
    return text.replace("\x02", "-").replace("\ufffe", "-").replace("\u00ad", HYPHEN)


def _is_apart(before: Letter, letter: Letter) -> bool:
    return letter.left - before.right > _SPACE * (letter.high - letter.low)


def _edge(letters: list[Letter], shown: str) -> tuple[str, ...] | None:
    """The lines of PDFium's text that letters stand in; None if there are too many of them."""
    if sum(1 for _ in lines_of(letters)) > _EDGE_LINES:
        return None
    parts: list[str] = []
    for before, letter in pairwise([*letters[:1], *letters]):
        if not parts or "\n" in shown[before.place : letter.place]:
            parts.append("")
        parts[-1] += letter.text
    return tuple(parts)
