"""Lines of a PDF whose letters are drawn in another order than they are read.

Programs take letters that a font lacks from another one and draw them behind the rest of their
line: "Nhân viên đ c" and, far behind, "ượ". PDFium gives letters in the order they are drawn, with
gaps where others belong. Such lines hold letters beyond ASCII, so that others cost nothing.
"""

import ctypes
import math
import re
from itertools import pairwise
from typing import Any, cast

import pypdfium2.raw as pdfium  # pyright: ignore[reportMissingTypeStubs] - it has none

# Whether a checker can tell the types of the bindings depends on the files it is given.
_pdfium = cast(Any, pdfium)

RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_BACK = 0.5
"""Way back to a letter's place, as a share of its size, from which it belongs before others; marks
on letters and kerning go back by less."""
_LINE = 0.5
"""The same for its distance from the line: what is farther stands on another one."""
_SPACE = 0.15
"""Gap that is a space between words; spaces have a quarter to a third of the size."""


_UPRIGHT = math.cos(0.1)
"""Cosine of the angle from which letters are turned."""


def in_reading_order(raw: object, shown: str) -> dict[str, str]:
    """The lines of a page whose letters are drawn out of order, as they are read.

    Args:
        raw: PDFium's text page.
        shown: Its text, each character in its place.

    Returns:
        Line without its spaces -> the line.
    """
    found: dict[str, str] = {}
    at = 0
    for line in shown.splitlines(keepends=True):
        if not line.isascii() and not RIGHT_TO_LEFT.search(line):
            places = [at + n for n, letter in enumerate(line) if not letter.isspace()]
            if text := _sorted(raw, shown, places):
                found["".join(line.split())] = text
        at += len(line)
    return found


def _sorted(raw: object, shown: str, places: list[int]) -> str:
    """The letters by their places on the line; empty if they are in order, or on several lines."""
    x, y = ctypes.c_double(), ctypes.c_double()
    points: list[tuple[float, float]] = []
    for place in places:
        _pdfium.FPDFText_GetCharOrigin(raw, place, x, y)
        points.append((x.value, y.value))
    back = sum(b[0] < a[0] for a, b in pairwise(points))
    # Of a line that stands upside down or aslant the library's order is kept.
    angle: float = _pdfium.FPDFText_GetCharAngle(raw, places[0]) if back else 0
    if not back or 2 * back > len(points) or math.cos(angle) < _UPRIGHT:
        return ""
    sizes: list[float] = [_pdfium.FPDFText_GetFontSize(raw, place) for place in places]
    size = max(sizes, default=0)
    goes_back = any(b[0] < a[0] - _BACK * size for a, b in pairwise(points))
    heights = [point[1] for point in points]
    if size <= 0 or not goes_back or max(heights) - min(heights) > _LINE * size:
        return ""
    box = _pdfium.FS_RECTF()
    parts: list[str] = []
    end = 0.0
    for number in sorted(range(len(places)), key=lambda n: points[n][0]):
        _pdfium.FPDFText_GetLooseCharBox(raw, places[number], box)
        if parts and box.left - end > _SPACE * size:
            parts.append(" ")
        parts.append(shown[places[number]])
        end = max(box.right, end)
    return "".join(parts)
