"""Grids of tables that rows alone show: shaded, or with lines below the header or between the rows.

Their columns are the gaps that all their lines share. Without such marks aligned words are as often
columns of prose, addresses or forms, so they stay text.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from citewell.engine.parsing.readers.pdf_cells import FIGURE, Letter
from citewell.engine.parsing.readers.pdf_lines import PageLine, page_lines, shared_columns
from citewell.engine.parsing.readers.pdf_rules import RuledGrid, Rules, Shade

_SAME = 3.0
"""Points by which ends of the lines and shades of one table may differ."""
_LEAST_WIDTH = 100.0
"""Points from which a line or shade may be a table's: shorter ones underline words."""
_MOST_MARKS = 400
"""Lines or shades beyond which a page is a drawing (`pdf_rules`)."""
_MOST_STACKS = 20
"""Tables of a page that are looked for: lines of more widths are a drawing's, and each costs as
much as to read the page."""
_ABOVE = 2.0
"""Distance of a header from the mark below it, as a share of the header's height."""
_LEAST_LINES = 3
"""Lines of a table, its header among them."""
_LEAST_ROWS = 2
_SEVERAL = 0.6
"""Least share of the rows with more than one cell; the others are names of groups."""
_LEADING = 1.2
"""Distance of the lines of one cell, at most, as a share of their height (1.2 of the type's size):
single spacing has 1.0, rows with the usual space within their cells 1.4 and more."""
_MARKED = 0.3
"""Least share of the lines that begin a marked row, if marks part all rows: cells have three lines
at most, on average. Fewer marks part groups of rows."""
_PROSE = 3.5
"""Words of a cell's line, on average, from which a column is prose: columns of a page have five and
more, and tables at least one column of fewer."""
_NAME = 8
"""Most words of a column's name."""
_STOPS = frozenset(".;!?")
_PAGE = re.compile(r"(?:page|trang|seite|p\.|s\.)\s*\d{1,4}\b.{0,12}", re.IGNORECASE)
"""A running header: the page with its number."""
_AMOUNT = re.compile(r"[$€£¥(+\-\u2013\u2212]?\s?\d[\d.,:/%]*\s?\S{0,12}")
"""A figure with a unit or currency."""
_STARTS = 3
"""Lines of a stack that are tried as the first of its table: a title may stand above the header."""


class _Stack(NamedTuple):
    """Marks of the same extent below each other."""

    left: float
    right: float
    edges: list[float]
    """Their places from top to bottom: of lines, and of both edges of shades."""
    is_shaded: bool


class _Table(NamedTuple):
    header: list[PageLine]
    rows: list[list[PageLine]]
    columns: list[tuple[float, float]]
    end: int
    """Number of the page's line behind it."""


def banded_grids(rules: Rules, letters: Sequence[Letter], shown: str) -> Iterator[RuledGrid]:
    """Yield a grid for each table that its rows alone show.

    Args:
        rules: The lines and shades of the page.
        letters: The letters that stand in no other grid.
        shown: PDFium's text of the page.
    """
    for stack in _stacks(rules):
        inside = [
            letter
            for letter in letters
            if stack.left - _SAME <= (letter.left + letter.right) / 2 <= stack.right + _SAME
        ]
        lines = page_lines(inside)
        start = next((n for n, line in enumerate(lines) if line.middle < stack.edges[0]), None)
        if start is None:
            continue
        if start and lines[start - 1].middle - stack.edges[0] < _ABOVE * lines[start - 1].height:
            start -= 1
        tries = 0
        while tries < _STARTS and start < len(lines):
            if table := _table(lines, start, stack, shown):
                yield _grid(table, stack)
                start, tries = table.end, 0
            else:
                start, tries = start + 1, tries + 1


def may_have_bands(rules: Rules) -> bool:
    """Whether a page has marks that may be those of a table's rows."""
    return next(_stacks(rules), None) is not None


def _stacks(rules: Rules) -> Iterator[_Stack]:
    """Yield the marks that may be those of one table, the uppermost first."""
    if max(len(rules.horizontal), len(rules.shades)) > _MOST_MARKS:
        return
    marks = [(line.start, line.end, line.at, line.at) for line in rules.horizontal]
    marks = [mark for mark in marks if not _is_crossed(mark, rules)]
    count = len(marks)
    marks += _rows_of_shades(rules)
    stacks: list[_Stack] = []
    for number, (left, right, low, high) in enumerate(marks):
        if right - left < _LEAST_WIDTH:
            continue
        own = next((s for s in stacks
                    if abs(s.left - left) <= _SAME and abs(s.right - right) <= _SAME
                    and s.is_shaded == (number >= count)), None)  # fmt: skip
        if own is None:
            own = _Stack(left, right, [], number >= count)
            stacks.append(own)
        own.edges.extend({low, high})
    if len(stacks) > _MOST_STACKS:
        return
    for stack in stacks:
        stack.edges.sort(reverse=True)
    yield from sorted(stacks, key=lambda stack: -stack.edges[0])


def _is_crossed(mark: tuple[float, float, float, float], rules: Rules) -> bool:
    """Whether the line is one of a grid, which has vertical lines between its ends."""
    left, right, at, _ = mark
    return any(
        left + _SAME < line.at < right - _SAME and line.start - _SAME <= at <= line.end + _SAME
        for line in rules.vertical
    )


def _rows_of_shades(rules: Rules) -> list[tuple[float, float, float, float]]:
    """Shades as left, right, low, high; those of the cells of a row as one."""
    found: list[tuple[float, float, float, float]] = []
    for shade in sorted(rules.shades, key=_place):
        last = found[-1] if found else None
        if (
            last is not None
            and abs(last[2] - shade.low) <= _SAME
            and abs(last[3] - shade.high) <= _SAME
            and shade.left <= last[1] + _SAME
        ):
            found[-1] = (last[0], max(last[1], shade.right), last[2], last[3])
        else:
            found.append((shade.left, shade.right, shade.low, shade.high))
    return found


def _place(shade: Shade) -> tuple[int, int, float]:
    return round(shade.low), round(shade.high), shade.left


def _table(lines: list[PageLine], start: int, stack: _Stack, shown: str) -> _Table | None:
    """The table whose header begins with a line; None if there is none."""
    end, columns = shared_columns(lines, start)
    own = _within(lines[start:end], stack)
    # Below the last mark a short line at the left is a text's; others are wrapped cells.
    while own and own[-1].middle < stack.edges[-1] and own[-1].parts[-1].left <= columns[0][1]:
        own.pop()
    if len(columns) < 2 or len(own) < _LEAST_LINES:
        return None
    edge = next((at for at in stack.edges if at < own[0].middle), None)
    named = sum(edge is not None and line.middle > edge for line in own) or 1
    header = own[:named]
    # A name over several columns would join what stands below it.
    if max(len(line.parts) for line in header) > len(columns):
        return None
    names = _names(header, columns, shown)
    body = _until_next(own[named:], set(names), stack, shown)
    if not body or not _are_names(names):
        return None
    rows = _rows(body, columns, stack, shown)
    if rows is None or _is_prose(body, rows, columns, shown):
        return None
    several = sum(len(_filled(row, columns)) > 1 for row in rows)
    if several < max(_LEAST_ROWS, _SEVERAL * len(rows)):
        return None
    return _Table(header, rows, columns, start + named + len(body))


def _within(lines: list[PageLine], stack: _Stack) -> list[PageLine]:
    """The lines down to the last mark; behind rows shaded by turns one more may have none."""
    inside = sum(line.middle > stack.edges[-1] for line in lines)
    # A line below the header alone says nothing of the end, nor do two around it.
    if inside < _LEAST_LINES:
        return lines
    is_striped = stack.is_shaded and len(lines) > inside and _is_striped(lines, stack)
    return lines[: inside + is_striped]


def _is_striped(lines: list[PageLine], stack: _Stack) -> bool:
    """Whether some row between shades has none, so that the last one may have none either."""
    gaps = list(pairwise(stack.edges))[1::2]
    return any(
        low < line.middle < high for line in lines for high, low in gaps if high - low > _SAME
    )


def _names(header: list[PageLine], columns: list[tuple[float, float]], shown: str) -> list[str]:
    names = [""] * len(columns)
    for line in header:
        for part in line.parts:
            at = _column_of(part.left, columns)
            names[at] = f"{names[at]} {part.text(shown)}".strip()
    return names


def _are_names(names: list[str]) -> bool:
    """Whether texts name the columns, the first one perhaps not, and are no sentences.

    Names that begin with a figure are left to `pdf_columns`, which tells them from a first row.
    """
    told = [name for name in names if name]
    return (
        all(names[1:])
        and len(set(told)) == len(told)
        and all(len(name.split()) <= _NAME and name[-1] not in _STOPS for name in told)
        and all(any(each.isalpha() for each in name) for name in told)
        and not any(_PAGE.fullmatch(name) or _AMOUNT.match(name) for name in told)
    )


def _until_next(body: list[PageLine], names: set[str], stack: _Stack, shown: str) -> list[PageLine]:
    """The lines before the header of another table of the same width."""
    is_lined = 2 * sum(_edges_between(a, b, stack) > 0 for a, b in pairwise(body)) >= len(body)
    for at, line in enumerate(body):
        texts = {part.text(shown) for part in line.parts}
        above = at and _edges_between(body[at - 1], line, stack)
        below = _edges_between(line, body[at + 1], stack) if at + 1 < len(body) else 0
        is_title = len(line.parts) == 1 and above and below and not (is_lined or stack.is_shaded)
        if above > 1 and not stack.is_shaded:
            return body[:at]
        if is_title or (len(texts) > 1 and texts <= names):
            before = body[:at]
            if before and len(before[-1].parts) == 1 and not is_title:
                before.pop()
            return before
    return body


def _edges_between(above: PageLine, below: PageLine, stack: _Stack) -> int:
    return sum(above.middle > edge > below.middle for edge in stack.edges)


def _is_prose(
    body: list[PageLine],
    rows: list[list[PageLine]],
    columns: list[tuple[float, float]],
    shown: str,
) -> bool:
    """Whether all columns are of long lines, each a row: a table has short cells in one of them."""
    words: list[list[int]] = [[] for _ in columns]
    for line in body:
        for part in line.parts:
            words[_column_of(part.left, columns)].append(len(part.text(shown).split()))
    least = min(sum(each) / len(each) for each in words if each)
    return least >= _PROSE and len(rows) > _SEVERAL * len(body)


def _filled(row: list[PageLine], columns: list[tuple[float, float]]) -> set[int]:
    return {_column_of(part.left, columns) for line in row for part in line.parts}


def _column_of(left: float, columns: list[tuple[float, float]]) -> int:
    return next(n for n, span in enumerate(columns) if left <= span[1])


def _rows(
    body: list[PageLine], columns: list[tuple[float, float]], stack: _Stack, shown: str
) -> list[list[PageLine]] | None:
    """The lines of each row; None where neither marks nor distances tell which lines are one.

    Lines of a wrapped cell stand closer than rows do. Where all lines are as close, each is a row
    if all have their first cell and another one; a line that lacks one may belong to either side.
    """
    marked = [_edges_between(a, b, stack) > 0 for a, b in pairwise(body)]
    far = [a.middle - b.middle > _LEADING * max(a.height, b.height) for a, b in pairwise(body)]
    ways = [[a or b for a, b in zip(marked, far, strict=True)]] if any(far) else []
    # Rows that are all marked may have wide lines.
    ways += [marked] if any(marked) and sum(marked) + 1 >= _MARKED * len(body) else []
    if not any(far):
        ways.insert(0, [True] * len(marked))
    for way in ways:
        rows = [[body[0]]]
        for line, is_next in zip(body[1:], way, strict=True):
            if is_next:
                rows.append([line])
            else:
                rows[-1].append(line)
        if all(_is_row(row, columns, shown) for row in rows) and any(way):
            return rows
    return None


def _is_row(row: list[PageLine], columns: list[tuple[float, float]], shown: str) -> bool:
    """Whether lines may be one row: a name is there or all else is, and no figure goes on."""
    filled = _filled(row, columns)
    figures = [_figures([line], columns, shown) for line in row]
    are_apart = sum(map(len, figures)) == len({each for found in figures for each in found})
    return are_apart and (0 in filled or len(filled) == len(columns) - 1 > 1)


def _figures(lines: list[PageLine], columns: list[tuple[float, float]], shown: str) -> set[int]:
    """The columns in which lines have a figure, with its unit perhaps."""
    return {
        _column_of(part.left, columns)
        for line in lines
        for part in line.parts
        if FIGURE.fullmatch(part.text(shown)) or _AMOUNT.match(part.text(shown))
    }


def _grid(table: _Table, stack: _Stack) -> RuledGrid:
    """Borders in the middle of the gaps between columns and rows."""
    xs = [min(stack.left, table.columns[0][0]) - _SAME]
    xs += [(a[1] + b[0]) / 2 for a, b in pairwise(table.columns)]
    xs.append(max(stack.right, table.columns[-1][1]) + _SAME)
    groups = [table.header, *table.rows]
    ys = [groups[0][0].middle + groups[0][0].height]
    for above, below in pairwise(groups):
        ys.append((above[-1].middle + below[0].middle) / 2)
    last = groups[-1][-1]
    ys.append(last.middle - last.height)
    places = [(row, column) for row in range(len(ys) - 1) for column in range(len(xs) - 1)]
    return RuledGrid(xs, ys, {place: place for place in places})
