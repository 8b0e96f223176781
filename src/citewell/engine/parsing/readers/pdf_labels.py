"""Lines of a PDF page that are a label and its value, set at one place each: forms, key facts.

No line is as long as the page is wide, so that by their lengths they run together as a paragraph.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from citewell.engine.parsing.readers.pdf_shifts import SPACES, Glyphs

_LEAST_GAP = 0.75
"""Gap between a label and its value, as a share of the size, in at least two lines of a run: wider
than a word's (`pdf_glyphs`)."""
_SAME = 0.3
"""Distance within which words stand at one place, as a share of the size."""
_LEAST_LINES = 2
_LONGEST = 160
"""Characters of a line; longer ones are those of a text."""
_MOST_LINES = 400
"""Lines of a page that are looked at."""


class _Line(NamedTuple):
    number: int
    start: int
    text: str


def labelled_lines(raw: object, shown: str) -> frozenset[str]:
    """The lines of a page that are a label and its value, without their spaces.

    Args:
        raw: PDFium's text page.
        shown: Its text, each character in its place.
    """
    glyphs = Glyphs(raw)
    found: set[str] = set()
    for run in _runs(shown):
        found |= _aligned(glyphs, run)
    return frozenset(found)


def _runs(shown: str) -> Iterator[list[_Line]]:
    """Yield lines that follow each other and begin with a capital, as lines of a text seldom do."""
    lines: list[_Line] = []
    at = 0
    for number, line in enumerate(shown.splitlines(keepends=True)[:_MOST_LINES]):
        text = line.rstrip()
        if text[:1].isupper() and " " in text and len(text) <= _LONGEST:
            lines.append(_Line(number, at, text))
        at += len(line)
    for _, group in groupby(enumerate(lines), lambda each: each[1].number - each[0]):
        run = [line for _, line in group]
        if len(run) >= _LEAST_LINES:
            yield run


def _aligned(glyphs: Glyphs, run: list[_Line]) -> set[str]:
    """The lines of a run whose second part stands where that of others does, behind a gap."""
    size = abs(glyphs.size(run[0].start))
    if size <= 0:
        return set()
    starts = [glyphs.box(line.start)[0] for line in run]
    words = [list(_words(glyphs, line)) for line in run]
    wide = Counter(
        _place(left, size) for line in words for gap, left in line if gap > _LEAST_GAP * size
    )
    if not wide:
        return set()
    place, count = wide.most_common(1)[0]
    if count < _LEAST_LINES:
        return set()
    left = min(starts)
    return {
        SPACES.sub("", line.text)
        for line, start, gaps in zip(run, starts, words, strict=True)
        if start - left < _SAME * size and any(_place(at, size) == place for _, at in gaps)
    }


def _place(left: float, size: float) -> int:
    return round(left / (2 * _SAME * size))


def _words(glyphs: Glyphs, line: _Line) -> Iterator[tuple[float, float]]:
    """Yield the gap before each word but the first, and the word's left end."""
    last = 0
    for at in range(1, len(line.text)):
        if line.text[at] == " ":
            continue
        if line.text[at - 1] == " ":
            left, _ = glyphs.box(line.start + at)
            yield left - glyphs.box(line.start + last)[1], left
        last = at
