"""Raised and lowered figures of a PDF page, which must join no number.

A glyph is raised if it stands off the line of the one before it, mostly in a smaller size. Sizes
and distances are those on the page: the same text may be set in 12 points, or in 16 by a matrix of
three quarters. Source: PDF 1.7 (ISO 32000-1), 9.4.4; PDFium's `fpdf_text.h`.
"""

import ctypes
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import pypdfium2.raw as pdfium  # pyright: ignore[reportMissingTypeStubs] - it has none

from citewell.engine.parsing.marks import lowered, raised

# Whether a checker can tell the types of the bindings depends on the files it is given.
_pdfium = cast(Any, pdfium)

_SMALLER = 0.85
"""Size of a raised or lowered glyph, as a share of the size of the one before it, at most."""
_NEARLY = 0.95
"""The same if it stands clearly off the line: browsers take five sixths to nine tenths."""
_MOVED = 0.08
"""Least distance from the line, as a share of the size: rounding moves glyphs by less."""
_CLEARLY = 0.2
"""Distance by which a glyph of any size is raised: programs raise by a third."""
_HALF = 0.6
"""Most distance of a raised glyph of the same size; a line's distance is twice as much."""
_FARTHEST = 0.9
"""A glyph farther away stands on another line."""
_SPACE = 0.12
"""Gap that is a space between words, as a share of the size (`pdf_order`)."""

_NEAR = 0.75
"""Gap up to which words are of one sentence, as a share of the size (`pdf_glyphs`)."""

_CONTEXT = 24
"""Characters before a raised glyph by which it is found again in the page's blocks."""

_MARKED = frozenset("0123456789+-\u2212")

SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Shift:
    """A raised or lowered text of a page."""

    before: str
    """The text before it on the page, without spaces."""
    text: str
    after: str
    """The character behind it, empty at a line's end."""
    is_raised: bool
    gap: str | None = None
    """The space to the next glyph of its line, where PDFium puts the end of a line."""
    is_followed: bool = False
    """Whether that glyph is near, so that it goes on the sentence."""


class Glyphs:
    """Places and sizes of a page's glyphs, in points."""

    def __init__(self, raw: object) -> None:
        """Take PDFium's text page."""
        self._raw = raw
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._box = tuple(ctypes.c_double() for _ in range(4))
        self._matrix = _pdfium.FS_MATRIX()

    def line(self, at: int) -> float:
        """The height of its base line."""
        _pdfium.FPDFText_GetCharOrigin(self._raw, at, self._x, self._y)
        return self._y.value

    def size(self, at: int) -> float:
        """Its size as it is shown; negative if it is turned."""
        _pdfium.FPDFText_GetMatrix(self._raw, at, self._matrix)
        found = _pdfium.FPDFText_GetFontSize(self._raw, at)
        found *= math.hypot(self._matrix.c, self._matrix.d)
        return -found if abs(self._matrix.b) > abs(self._matrix.a) / 10 else found

    def box(self, at: int) -> tuple[float, float]:
        """Its left and right ends."""
        _pdfium.FPDFText_GetCharBox(self._raw, at, *self._box)
        left, right, _, _ = self._box
        return left.value, right.value


def before_of(shown: str, at: int) -> int:
    """The place of the glyph before one; PDFium ends the line at a change of height."""
    before = at - 1
    while before >= at - 3 and shown[before] in "\r\n ":
        before -= 1
    return before


def after_of(shown: str, at: int) -> int:
    """The place of the glyph behind one, or the text's length."""
    while at < len(shown) and shown[at] in "\r\n ":
        at += 1
    return at


def context_of(shown: str, before: int, length: int = _CONTEXT) -> str:
    """The text up to and with a place, without spaces."""
    return SPACES.sub("", shown[max(0, before + 1 - 2 * length) : before + 1])[-length:]


def find_shifts(raw: object, shown: str) -> Iterator[Shift]:
    """Yield the raised and lowered figures of a page in their order.

    Args:
        raw: PDFium's text page.
        shown: Its text, each character in its place.
    """
    glyphs = Glyphs(raw)
    at = 0
    while at < len(shown):
        start = at
        at += 1
        if shown[start] not in _MARKED:
            continue
        before = before_of(shown, start)
        if before < 0 or not (shown[before].isalnum() or shown[before] in ")]%€$£"):
            continue
        line, height = glyphs.line(before), glyphs.line(start)
        if line == height:
            continue
        size, own = glyphs.size(before), glyphs.size(start)
        if not _is_shifted(glyphs, (before, start), abs(size), abs(own), height - line):
            continue
        while at < len(shown) and shown[at] in _MARKED and glyphs.line(at) == height:
            at += 1
        following = after_of(shown, at)
        gap, is_followed = None, False
        if "\n" in shown[at:following] and following < len(shown):
            width = glyphs.box(following)[0] - glyphs.box(at - 1)[1]
            if glyphs.line(following) == line and width > -abs(size):
                gap = " " if width > _SPACE * abs(size) else ""
                is_followed = width < _NEAR * abs(size)
        yield Shift(
            context_of(shown, before),
            shown[start:at],
            shown[at : at + 1],
            height > line,
            gap,
            is_followed,
        )


def _is_shifted(
    glyphs: Glyphs, places: tuple[int, int], size: float, own: float, moved: float
) -> bool:
    distance = abs(moved)
    if own <= 0 or not _MOVED * size < distance < _FARTHEST * size:
        return False
    if own <= _SMALLER * size:
        return True
    if distance <= _CLEARLY * size:
        return False
    if own <= _NEARLY * size:
        return True
    # Of the same size only what is raised at the side of its word: no turned text, no other line.
    before, start = places
    beside = glyphs.box(start)[0] - glyphs.box(before)[1]
    is_turned = glyphs.size(start) < 0
    return not is_turned and 0 < moved < _HALF * size and abs(beside) < 2 * _SPACE * size


def with_shifts(text: str, shifts: list[Shift]) -> str:
    """A block's text with the page's raised and lowered texts marked, which are taken off the list.

    Those of other blocks stay on the list. A place is found by the text before it, whatever spaces
    the library has put there.
    """
    parts: list[str] = []
    at = 0
    for shift in list(shifts):
        if shift.text not in text:
            continue
        # The context may begin in the block before, so shorter ones are tried; five characters are
        # the least that mean something.
        for length in (len(shift.before), 12, 5):
            if (span := _span(text, shift.before[-length:], shift.text, at)) is not None:
                start, end = span
                mark = raised if shift.is_raised else lowered
                parts += [text[at:start], mark(shift.text)]
                if shift.gap is not None and end < len(text):
                    # PDFium's line end between the two is none of the page's.
                    parts.append(shift.gap)
                    end += len(text[end:]) - len(text[end:].lstrip())
                at = end
                shifts.remove(shift)
                break
    return "".join([*parts, text[at:]])


def _span(text: str, before: str, sought: str, least: int) -> tuple[int, int] | None:
    """Where a text stands behind another one, not before a place; the other may begin before it."""
    spaced = r"\s*".join(re.escape(c) for c in before)
    pattern = re.compile(rf"{spaced}\s*({re.escape(sought)})")
    begin = max(0, least - 4 * _CONTEXT)
    while found := pattern.search(text, begin):
        if found.start(1) >= least:
            return found.span(1)
        begin = found.start() + 1
    return None
