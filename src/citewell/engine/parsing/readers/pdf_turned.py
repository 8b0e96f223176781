"""Makes the sideways pages of a PDF upright, for the analysis of their layout.

A page may say by which angle it is turned, or hold turned text: a table across the page, a sheet
that was scanned the wrong way round. The library takes lines from top to bottom and words from left
to right whatever the angle, so sentences of such pages came without spaces between them and tables
as single cells. Source: PDF 1.7 (ISO 32000-1), 8.3.3 (transformations), 7.7.3.3 (`Rotate`).
"""

import io
import math
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import cast

# The bindings are generated and have no stubs.
import pypdfium2  # pyright: ignore[reportMissingTypeStubs]
import pypdfium2.raw as pdfium  # pyright: ignore[reportMissingTypeStubs]

from citewell.engine.parsing.readers.pdf_hidden import remove_hidden
from citewell.engine.parsing.readers.pdf_stream import put_in_order

_LOOKED_AT = 400
"""Characters by which a page's angle is told: a few lines."""

_MOST = 0.8
"""Share of them that must have it: the rest is a page number or an axis of a chart."""


def upright(path: Path, hide: Callable[[str], object] | None = None) -> bytes | None:
    """The file with the text of each page running from left to right; None if it does anyway.

    Args:
        path: The file.
        hide: Told the text that nobody sees, which is taken out; without it such text stays.

    A page that cannot be opened or changed stays as it is.

    Raises:
        pypdfium2.PdfiumError: The file cannot be read.
    """
    with closing(pypdfium2.PdfDocument(path)) as document:
        turned = 0
        for number in range(len(document)):
            try:
                page = document[number]
            except pypdfium2.PdfiumError:
                continue
            with closing(page):
                # First, as texts that are put in order are drawn over the bars that hide them.
                if hide is not None and (hidden := remove_hidden(page)):
                    for text in hidden:
                        hide(text)
                    turned += 1
                with closing(page.get_textpage()) as text:
                    angle = _angle(text)
                    is_turned = angle != 0 or pdfium.FPDFPage_GetRotation(page.raw) != 0
                    is_moved = not is_turned and put_in_order(page, text)
                # PDFium gives the lines of a page that is shown turned in another order.
                turned += is_moved or (is_turned and _turn(page, angle))
        if not turned:
            return None
        made = io.BytesIO()
        document.save(made)  # pyright: ignore[reportUnknownMemberType]
        return made.getvalue()


def _angle(text: "pypdfium2.PdfTextPage") -> int:
    """Degrees, counter-clockwise, by which most of a page's text is turned: 0, 90, 180, 270."""
    count = text.count_chars()
    # Spread over the page, as its head may run otherwise than its table.
    step = max(1, count // _LOOKED_AT)
    # PDFium gives it clockwise, in radians.
    angles = Counter(
        -round(math.degrees(pdfium.FPDFText_GetCharAngle(text.raw, at)) / 90) % 4 * 90
        for at in range(0, count, step)
        if not chr(pdfium.FPDFText_GetUnicode(text.raw, at)).isspace()
    )
    if not angles:
        return 0
    [(angle, times)] = angles.most_common(1)
    return angle if times >= _MOST * angles.total() else 0


def _turn(page: "pypdfium2.PdfPage", angle: int) -> bool:
    """Turn a page's content clockwise; whether that was possible."""
    if angle == 0:
        pdfium.FPDFPage_SetRotation(page.raw, 0)
        return True
    box = cast(tuple[float, float, float, float], page.get_cropbox())
    left, bottom, right, top = box
    width, height = right - left, top - bottom
    matrix = {
        90: (0, -1, 1, 0, -bottom, right),
        180: (-1, 0, 0, -1, right, top),
        270: (0, 1, -1, 0, top, -left),
    }[angle]
    if not pdfium.FPDFPage_TransFormWithClip(page.raw, pdfium.FS_MATRIX(*matrix), None):
        return False
    if angle != 180:
        width, height = height, width
    pdfium.FPDFPage_SetRotation(page.raw, 0)
    pdfium.FPDFPage_SetMediaBox(page.raw, 0, 0, width, height)
    pdfium.FPDFPage_SetCropBox(page.raw, 0, 0, width, height)
    return True
