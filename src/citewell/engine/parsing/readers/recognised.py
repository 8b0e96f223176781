"""The text of scanned pages of a PDF, and what people are told about recognised text."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pypdfium2  # pyright: ignore[reportMissingTypeStubs] - it has none

from citewell.engine.parsing.base import WarningCode
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.readers.base import ReaderInput
from citewell.engine.parsing.recognition import (
    UNSURE_CONFIDENCE,
    RecognisedPage,
    Recogniser,
    RecognitionError,
    open_recogniser,
)

_DPI = 300
"""Resolution at which Tesseract's models were trained."""
_MOST_PIXELS = 25_000_000
"""Pixels of a page: A3 at 300 dpi has 17 million. A larger one is made smaller."""

_MOST_NAMED = 20


def recognise_pages(
    source: ReaderInput, numbers: Sequence[int]
) -> dict[int, RecognisedPage] | None:
    """The pages of a PDF that could be recognised; None where there is no Tesseract.

    Pages beyond the bounds of pages and time are left out.
    """
    recogniser = open_recogniser(source.limits.ocr_languages, source.limits.ocr_seconds)
    if recogniser is None:
        return None
    found: dict[int, RecognisedPage] = {}
    document = pypdfium2.PdfDocument(source.path)
    try:
        for number in numbers[: source.limits.ocr_pages]:
            if recogniser.is_over:
                break
            try:
                found[number] = _recognised(recogniser, *_picture(document, number))
            except (RecognitionError, pypdfium2.PdfiumError, ValueError):
                continue
    finally:
        document.close()
    return found


def _recognised(recogniser: Recogniser, head: bytes, dots: bytes) -> RecognisedPage:
    [page] = recogniser.read(head + dots)
    if page.confidence >= UNSURE_CONFIDENCE or recogniser.is_over:
        return page
    # Tesseract tells a page on its side by little text, one upside down only by much. The dots
    # backwards are the page turned by half.
    [turned] = recogniser.read(head + dots[::-1])
    return max(page, turned, key=lambda each: each.confidence)


def _picture(document: "pypdfium2.PdfDocument", number: int) -> tuple[bytes, bytes]:
    """Head and dots of a page as a grey picture (Netpbm's PGM)."""
    page = document[number - 1]
    try:
        width, height = page.get_size()
        scale = min(_DPI / 72, (_MOST_PIXELS / max(width * height, 1.0)) ** 0.5)
        # The stub allows whole scales only.
        bitmap = cast(Any, page).render(scale=scale, grayscale=True)
        stride, across, down = int(bitmap.stride), int(bitmap.width), int(bitmap.height)
        raw = bytes(bitmap.buffer)
    finally:
        page.close()
    rows = raw if stride == across else b"".join(
        raw[at : at + across] for at in range(0, stride * down, stride)
    )  # fmt: skip
    return b"P5 %d %d 255\n" % (across, down), rows


def note_recognised(findings: Findings, pages: Mapping[int, RecognisedPage]) -> None:
    """Tell that text was recognised, and how surely."""
    read = {number: page for number, page in pages.items() if page.paragraphs}
    if not read:
        return
    mean = sum(page.confidence for page in read.values()) / len(read)
    where = f" on {len(read)} pages" if len(read) > 1 else ""
    findings.warn(
        WarningCode.TEXT_RECOGNISED,
        f"The text{where} was recognised from a picture, with a mean confidence of {mean:.0f} %.",
    )
    unsure = [number for number, page in read.items() if page.confidence < UNSURE_CONFIDENCE]
    if unsure:
        findings.warn(
            WarningCode.RECOGNITION_UNSURE,
            f"Recognition was unsure on page {named(unsure)}: words and figures may be wrong.",
        )


def named(numbers: Sequence[int]) -> str:
    """Numbers of pages for people."""
    shown = ", ".join(str(number) for number in numbers[:_MOST_NAMED])
    return shown + (", ..." if len(numbers) > _MOST_NAMED else "")
