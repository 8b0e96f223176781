"""PDF files of paragraphs, with fonts embedded, so that every reader shows the same."""

import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib import resources
from xml.sax.saxutils import escape

from reportlab.lib.colors import black, grey
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, SimpleDocTemplate
from reportlab.platypus import Paragraph as Flowing

PLAIN, BOLD = "OpenSans-Regular", "OpenSans-Bold"
"""Open Sans, of the package `ttf_opensans`, has the letters of Vietnamese."""

MARGIN = 56.0
"""Around the text of a page, in points."""

LEADING = 1.42
"""Height of a line by the size of its letters."""

FOOT_SIZE = 8.0
FOOT_AT = 30.0
"""Height of the page's number above the edge, in points."""


_BLANKS = re.compile(r"[^\S\n]")


@dataclass(frozen=True, slots=True)
class PrintedText:
    """Text that is broken into lines; its own line breaks are kept.

    Args:
        text: In any script; what the font lacks is shown as a box.
        size: Of its letters, in points.
        is_bold: In the second font.
        is_grey: Not in black.
        indent: Distance of its lines from the margin, in points.
        hang: How far the first line begins before the others.
        space: Above it, in points.
        holds_next: Whether it must not be the last one of a page.
    """

    text: str
    size: float = 10.5
    is_bold: bool = False
    is_grey: bool = False
    indent: float = 0.0
    hang: float = 0.0
    space: float = 6.0
    holds_next: bool = False


def make_pdf(title: str, texts: Iterable[PrintedText]) -> bytes:
    """A file of A4 pages that are numbered.

    Args:
        title: Name of the document, which readers show.
        texts: From top to bottom.
    """
    for name in (PLAIN, BOLD):
        file = resources.files("ttf_opensans").joinpath("ttf").joinpath(f"{name}.ttf")
        font = TTFont(name, io.BytesIO(file.read_bytes()))
        pdfmetrics.registerFont(font)  # pyright: ignore[reportUnknownMemberType] - no stub
    lines = [line for text in texts for line in _lines(text)]
    # Twice: the number of all pages stands on each.
    _, pages = _built(title, lines, 0)
    return _built(title, lines, pages)[0]


def _lines(text: PrintedText) -> Iterator[PrintedText]:
    """Each line by itself: a paragraph takes time that grows with the square of its lines."""
    first, *others = _shown(text.text).split("\n")
    following = replace(text, space=0.0, hang=0.0)
    lines = [replace(text, text=first), *(replace(following, text=each) for each in others)]
    for line in lines[:-1]:
        yield replace(line, holds_next=False)
    yield lines[-1]


def _built(title: str, texts: Iterable[PrintedText], pages: int) -> tuple[bytes, int]:
    """A file whose pages say that there are so many; and how many there are."""
    out = io.BytesIO()
    template = _Numbered(
        out,
        pagesize=A4,
        title=_shown(title),
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
    )
    template.pages = pages
    # A page at least, if only with its number.
    flowing: list[Flowable] = [_flowing(each) for each in (*texts, PrintedText("", space=0))]
    template.build(flowing)
    return out.getvalue(), template.page


class _Numbered(SimpleDocTemplate):
    """Pages that end in their number and that of all."""

    pages = 0

    def afterPage(self) -> None:  # noqa: N802 - the library's name
        self.canv.setFont(PLAIN, FOOT_SIZE)
        self.canv.setFillColor(grey)
        self.canv.drawCentredString(A4[0] / 2, FOOT_AT, f"{self.page} / {self.pages}")


def _flowing(text: PrintedText) -> Flowing:
    style = ParagraphStyle(
        "text",
        fontName=BOLD if text.is_bold else PLAIN,
        fontSize=text.size,
        leading=text.size * LEADING,
        textColor=grey if text.is_grey else black,
        leftIndent=text.indent,
        firstLineIndent=-text.hang,
        spaceBefore=text.space,
        keepWithNext=text.holds_next,
        splitLongWords=True,
    )
    return Flowing(escape(text.text), style)


def _shown(text: str) -> str:
    """Text with letters and their marks as one character each, and nothing unseen."""
    composed = _BLANKS.sub(" ", unicodedata.normalize("NFC", text))
    return "".join(
        each
        for each in composed
        if each == "\n" or unicodedata.category(each) not in ("Cc", "Cf", "Cs")
    )
