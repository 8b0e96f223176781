"""Grids that the drawn lines of a PDF page make.

PDFium's `fpdf_edit.h` gives the objects of a page; a path's points need the matrix of the path and
of the forms it stands in.
"""

import ctypes
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import pypdfium2.raw as pdfium  # pyright: ignore[reportMissingTypeStubs] - it has none

# Whether a checker can tell the types of the bindings depends on the files it is given.
_pdfium = cast(Any, pdfium)

_THIN = 2.5
"""Points up to which a filled rectangle is a line. Office programs fill borders instead of
stroking them; thick borders have 2.25 points."""
_SAME = 3.0
"""Points within which lines are one: double borders, and borders drawn cell by cell. Rows are four
times as high."""
_TOUCH = 2.0
"""Points by which lines that cross may miss each other: half of a thick border."""
_SHORT = 4.0
"""Points from which a stroke is a line, not a part of a letter or a symbol."""
_PAGE = 0.9
"""Share of the page's width and height from which a rectangle is its background."""
_COVERED = 0.6
"""Share of a cell's side that a line has to cover to be its border."""

_MOST_POINTS = 50_000
_MOST_OBJECTS = 20_000
_MOST_LINES = 400
"""Bounds beyond which a page is a drawing or a map; the largest tables of the samples have 200
lines, of five points each where every border of a cell is a rectangle of its own. Objects are paths
and forms, with and without points."""
MOST_CELLS = 20_000
"""Cells of a grid, merged or not; a page of the smallest type has half as many words."""
_DEEPEST = 4
"""Forms within forms that are looked into; Office programs use one."""

Matrix = tuple[float, float, float, float, float, float]
_AS_IS: Matrix = (1, 0, 0, 1, 0, 0)


class DrawnLine(NamedTuple):
    """A horizontal or vertical line."""

    at: float
    """Its y or x in points."""
    start: float
    end: float


class Shade(NamedTuple):
    """A filled rectangle behind text, in points."""

    left: float
    right: float
    low: float
    high: float


class Rules(NamedTuple):
    """The lines of a page, and the shades of its rows and cells."""

    horizontal: list[DrawnLine]
    vertical: list[DrawnLine]
    shades: list[Shade]


class RuledGrid(NamedTuple):
    """A grid of lines: borders from left to right and from top to bottom."""

    xs: list[float]
    ys: list[float]
    anchors: dict[tuple[int, int], tuple[int, int]]
    """Row and column -> row and column of the upper left one that it is merged with."""


def read_rules(page: Any) -> Rules:
    """The horizontal and vertical lines of a page of pypdfium2, none of a drawing."""
    found = Rules([], [], [])
    width, height = page.get_size()
    objects = (
        _pdfium.FPDFPage_GetObject(page.raw, at)
        for at in range(_pdfium.FPDFPage_CountObjects(page.raw))
    )
    points = 0
    for number, (path, matrix) in enumerate(_paths(objects, _AS_IS, 0)):
        # Counted before they are read: a single path can be the whole map.
        points += _pdfium.FPDFPath_CountSegments(path)
        if points > _MOST_POINTS or number > _MOST_OBJECTS:
            return Rules([], [], [])
        _add_path(path, matrix, (width, height), found)
    return Rules(_merged(found.horizontal), _merged(found.vertical), found.shades)


def _paths(objects: Iterator[Any], outer: Matrix, depth: int) -> Iterator[tuple[Any, Matrix]]:
    values = _pdfium.FS_MATRIX()
    for each in objects:
        kind = _pdfium.FPDFPageObj_GetType(each)
        if kind not in (_pdfium.FPDF_PAGEOBJ_PATH, _pdfium.FPDF_PAGEOBJ_FORM):
            continue
        own = _AS_IS
        if _pdfium.FPDFPageObj_GetMatrix(each, values):
            own = (values.a, values.b, values.c, values.d, values.e, values.f)
        matrix = _product(own, outer)
        if kind == _pdfium.FPDF_PAGEOBJ_PATH:
            yield each, matrix
        elif depth < _DEEPEST:
            inner = (
                _pdfium.FPDFFormObj_GetObject(each, at)
                for at in range(_pdfium.FPDFFormObj_CountObjects(each))
            )
            yield from _paths(inner, matrix, depth + 1)


def _product(first: Matrix, then: Matrix) -> Matrix:
    a, b, c, d, e, f = first
    p, q, r, s, t, u = then
    return (a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s,
            e * p + f * r + t, e * q + f * s + u)  # fmt: skip


def _add_path(path: Any, matrix: Matrix, size: tuple[float, float], found: Rules) -> None:
    points = list(_points(path, matrix))
    if not points:
        return
    xs, ys = [x for x, _, _ in points], [y for _, y, _ in points]
    left, right, low, high = min(xs), max(xs), min(ys), max(ys)
    if right - left >= _PAGE * size[0] and high - low >= _PAGE * size[1]:
        return
    # A thin rectangle is one line, in its middle.
    if min(right - left, high - low) <= _THIN:
        _add_line((left, low), (right, high), found)
        return
    if not _is_stroked(path):
        # Of rows and cells: their edges part no columns.
        found.shades.append(Shade(left, right, low, high))
        return
    last = start = points[0]
    for point in points:
        if point[2]:
            start = point
        else:
            _add_line(last[:2], point[:2], found)
        last = point
    if len(points) > 3:
        _add_line(last[:2], start[:2], found)


def _is_stroked(path: Any) -> bool:
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    return bool(_pdfium.FPDFPath_GetDrawMode(path, fill, stroke) and stroke.value)


def _points(path: Any, matrix: Matrix) -> Iterator[tuple[float, float, bool]]:
    """The ends of a path's straight lines and curves, and whether a new figure begins there."""
    x, y = ctypes.c_float(), ctypes.c_float()
    a, b, c, d, e, f = matrix
    for at in range(_pdfium.FPDFPath_CountSegments(path)):
        segment = _pdfium.FPDFPath_GetPathSegment(path, at)
        if not _pdfium.FPDFPathSegment_GetPoint(segment, x, y):
            continue
        begins = _pdfium.FPDFPathSegment_GetType(segment) == _pdfium.FPDF_SEGMENT_MOVETO
        u, v = x.value, y.value
        yield a * u + c * v + e, b * u + d * v + f, begins


def _add_line(a: tuple[float, float], b: tuple[float, float], found: Rules) -> None:
    wide, high = abs(a[0] - b[0]), abs(a[1] - b[1])
    if high <= _THIN and wide >= _SHORT and wide > high:
        found.horizontal.append(DrawnLine((a[1] + b[1]) / 2, min(a[0], b[0]), max(a[0], b[0])))
    elif wide <= _THIN and high >= _SHORT:
        found.vertical.append(DrawnLine((a[0] + b[0]) / 2, min(a[1], b[1]), max(a[1], b[1])))


def _merged(rules: list[DrawnLine]) -> list[DrawnLine]:
    """Lines in one place as one; what is drawn cell by cell goes on."""
    groups: list[list[DrawnLine]] = []
    for rule in sorted(rules):
        if groups and rule.at - groups[-1][0].at <= _SAME:
            groups[-1].append(rule)
        else:
            groups.append([rule])
    found: list[DrawnLine] = []
    for group in groups:
        at = sum(rule.at for rule in group) / len(group)
        for rule in sorted(group, key=lambda each: each.start):
            if found and found[-1].at == at and rule.start <= found[-1].end + _SAME:
                last = found.pop()
                found.append(DrawnLine(at, last.start, max(last.end, rule.end)))
            else:
                found.append(DrawnLine(at, rule.start, rule.end))
    return found


def ruled_grids(rules: Rules) -> Iterator[RuledGrid]:
    """Yield the grids of at least two rows and two columns that lines make."""
    if max(len(rules.horizontal), len(rules.vertical)) > _MOST_LINES:
        return
    for horizontal, vertical in _connected(rules):
        xs = _borders([rule.at for rule in vertical], horizontal)
        ys = _borders([rule.at for rule in horizontal], vertical)
        ys.reverse()
        if len(xs) > 2 and len(ys) > 2 and (len(xs) - 1) * (len(ys) - 1) <= MOST_CELLS:
            yield RuledGrid(xs, ys, _anchors(xs, ys, horizontal, vertical))


def _connected(rules: Rules) -> Iterator[tuple[list[DrawnLine], list[DrawnLine]]]:
    """Yield the lines that cross each other, group by group."""
    left = set(range(len(rules.vertical)))
    todo = set(range(len(rules.horizontal)))
    while todo:
        across, down = [todo.pop()], list[int]()
        for number in across:
            rule = rules.horizontal[number]
            new = [at for at in left if _crosses(rule, rules.vertical[at])]
            left.difference_update(new)
            down += new
            more = {at for at in todo for n in new
                    if _crosses(rules.horizontal[at], rules.vertical[n])}  # fmt: skip
            todo -= more
            across += more
        if down:
            yield [rules.horizontal[n] for n in across], [rules.vertical[n] for n in down]


def _crosses(across: DrawnLine, down: DrawnLine) -> bool:
    return (
        across.start - _TOUCH <= down.at <= across.end + _TOUCH
        and down.start - _TOUCH <= across.at <= down.end + _TOUCH
    )


def _borders(own: list[float], others: list[DrawnLine]) -> list[float]:
    """Places of the lines of one direction; those of the other may go on beyond the outer ones."""
    ends = [rule.start for rule in others] + [rule.end for rule in others]
    found: list[float] = []
    for at in sorted([*own, min(ends), max(ends)]):
        if not found or at - found[-1] > 2 * _SAME:
            found.append(at)
    return found


def _anchors(
    xs: list[float], ys: list[float], horizontal: list[DrawnLine], vertical: list[DrawnLine]
) -> dict[tuple[int, int], tuple[int, int]]:
    found: dict[tuple[int, int], tuple[int, int]] = {}
    across, down = _beside(horizontal, ys), _beside(vertical, xs)
    for row in range(len(ys) - 1):
        for column in range(len(xs) - 1):
            place = (row, column)
            found[place] = place
            if row and not _covers(across[row], xs[column], xs[column + 1]):
                found[place] = found[row - 1, column]
            elif column and not _covers(down[column], ys[row + 1], ys[row]):
                found[place] = found[row, column - 1]
    return found


def _beside(rules: list[DrawnLine], borders: list[float]) -> list[list[DrawnLine]]:
    """The lines at each border."""
    rules = sorted(rules)
    places = [rule.at for rule in rules]
    return [
        rules[bisect_left(places, at - 2 * _SAME) : bisect_right(places, at + 2 * _SAME)]
        for at in borders
    ]


def _covers(rules: list[DrawnLine], start: float, end: float) -> bool:
    length = sum(max(0.0, min(rule.end, end) - max(rule.start, start)) for rule in rules)
    return length >= _COVERED * (end - start)
