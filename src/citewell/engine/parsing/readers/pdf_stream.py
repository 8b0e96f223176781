"""Puts the text of a PDF page into the order it is read in, where it is stored from below upwards.

Some programs for letters and forms write a page's lines last to first. PDFium and the library give
text in the order it is stored, so sentences came backwards. Source: PDFium's `fpdf_edit.h`.
"""

import ctypes
from itertools import pairwise
from typing import Any, cast

import pypdfium2.raw as pdfium  # pyright: ignore[reportMissingTypeStubs] - it has none

from citewell.engine.parsing.readers.pdf_hidden import bounds, page_objects

# Whether a checker can tell the types of the bindings depends on the files it is given.
_pdfium = cast(Any, pdfium)

_LEAST_LINES = 4
"""Lines of a page from which their order says something."""
_UPWARDS = 0.6
"""Share of the steps from line to line that lead upwards: pages of columns go up once for each
column, the worst of 60 public ones in a third of their steps."""
_STEP = 2.0
"""Points; raised figures and accents stand a little higher than their line."""
_BESIDE = 0.1
"""Share of the lines that may stand at the height of another: more are columns, whose lines would
be mixed."""
_LINE = 0.5
"""Share of its height by which the parts of a line may differ in their place."""


def put_in_order(page: Any, text: Any) -> bool:
    """Move the texts of a page so that upper ones come first; whether any had to be moved.

    Args:
        page: A page of pypdfium2, which is not turned.
        text: Its text page.
    """
    heights = _heights(text)
    steps = list(pairwise(heights))
    if len(heights) < _LEAST_LINES or (
        sum(after > before + _STEP for before, after in steps) < _UPWARDS * len(steps)
    ):
        return False
    if len({round(each / _STEP) for each in heights}) < (1 - _BESIDE) * len(heights):
        return False
    kinds = (_pdfium.FPDF_PAGEOBJ_TEXT, _pdfium.FPDF_PAGEOBJ_FORM)
    found = [(box, each) for each, kind in page_objects(page) if kind in kinds
             and (box := bounds(each)) is not None]  # fmt: skip
    ordered: list[tuple[float, float, Any]] = []
    for box, each in sorted(found, key=lambda one: -(one[0][1] + one[0][3])):
        middle, height = (box[1] + box[3]) / 2, box[3] - box[1]
        line = ordered[-1][0] if ordered and ordered[-1][0] - middle < _LINE * height else middle
        ordered.append((line, box[0], each))
    ordered.sort(key=lambda one: (-one[0], one[1]))
    for _, _, each in ordered:
        if not _pdfium.FPDFPage_RemoveObject(page.raw, each):
            return False
        _pdfium.FPDFPage_InsertObject(page.raw, each)
    return bool(_pdfium.FPDFPage_GenerateContent(page.raw))


def _heights(text: Any) -> list[float]:
    """The height of each line in the order they are stored."""
    count = int(text.count_chars())
    shown = cast(str, text.get_text_range()) if count else ""
    if len(shown) != count:
        return []
    x, y = ctypes.c_double(), ctypes.c_double()
    found: list[float] = []
    at = 0
    for line in shown.splitlines(keepends=True):
        start = at + len(line) - len(line.lstrip())
        if line.strip() and _pdfium.FPDFText_GetCharOrigin(text.raw, start, x, y):
            found.append(y.value)
        at += len(line)
    return found
