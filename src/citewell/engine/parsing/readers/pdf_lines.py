"""Lines of a PDF page, parted at their wide gaps, and the columns that they share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from citewell.engine.parsing.readers.pdf_cells import Letter, cell_text

GAP = 0.7
"""Gap between columns as a share of a line's height, which is 1.2 of the type's size: more than two
spaces, as justified lines seldom have."""
_LINE = 0.5
"""The same for the distance of letters of one line."""
_NEXT = 3.0
"""The same for the distance of a table's rows."""
BEFORE, BEHIND = frozenset("$€£¥("), frozenset("%)")
"""Marks that are set apart from their figure, to stand below each other."""
_MOST_ROWS, _MOST_COLUMNS = 1_000, 100
"""Bounds of a table; a page of small type has 150 lines."""


@dataclass(slots=True)
class LinePart:
    """Letters of a line without a wide gap."""

    letters: list[Letter]
    left: float
    right: float
    said: str | None = None
    """Its text, once it was asked for."""

    def text(self, shown: str) -> str:
        """Its text; `shown` is that of the page."""
        if self.said is None:
            self.said = cell_text(self.letters, shown)
        return self.said


@dataclass(slots=True)
class PageLine:
    """A line of a page."""

    middle: float
    height: float
    parts: list[LinePart]


def page_lines(letters: Sequence[Letter]) -> list[PageLine]:
    """The lines that letters make, from top to bottom."""
    lines: list[tuple[float, float, list[Letter]]] = []
    for letter in sorted(letters, key=lambda each: -(each.low + each.high)):
        middle, height = (letter.low + letter.high) / 2, letter.high - letter.low
        if lines and lines[-1][0] - middle <= _LINE * min(height, lines[-1][1]):
            lines[-1][2].append(letter)
        else:
            lines.append((middle, height, [letter]))
    return [PageLine(middle, height, list(_parts(line, height))) for middle, height, line in lines]


def _parts(line: list[Letter], height: float) -> Iterator[LinePart]:
    held: list[Letter] = []
    for letter in sorted(line, key=lambda each: each.left):
        is_wide = bool(held) and letter.left - held[-1].right > GAP * height
        is_mark = len(held) == 1 and held[0].text in BEFORE
        if is_wide and not is_mark and letter.text not in BEHIND:
            yield LinePart(held, held[0].left, held[-1].right)
            held = []
        held.append(letter)
    if held:
        yield LinePart(held, held[0].left, held[-1].right)


def shared_columns(rows: list[PageLine], start: int) -> tuple[int, list[tuple[float, float]]]:
    """The end of the lines from one on that share their columns, and the ends of these."""
    columns = [(part.left, part.right) for part in rows[start].parts]
    if len(columns) < 2:
        return start + 1, columns
    most = min(len(rows), start + _MOST_ROWS)
    for at in range(start + 1, most):
        row = rows[at]
        if rows[at - 1].middle - row.middle > _NEXT * row.height:
            return at, columns
        joined = _joined([*columns, *((part.left, part.right) for part in row.parts)], row.height)
        if len(joined) < len(columns) or len(joined) > _MOST_COLUMNS:
            return at, columns
        columns = joined
    return most, columns


def _joined(spans: list[tuple[float, float]], height: float) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for left, right in sorted(spans):
        if found and left - found[-1][1] <= GAP * height / 2:
            found[-1] = (found[-1][0], max(found[-1][1], right))
        else:
            found.append((left, right))
    return found
