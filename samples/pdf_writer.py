"""Writes a source as a PDF with embedded fonts, an outline and page numbers."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)
from reportlab.platypus.tableofcontents import TableOfContents
from texts import ACCENT, PUBLISHER, Node, Source, Span, escape, parse_nodes, plain


def register_fonts(folder: Path) -> None:
    """Make DejaVu Sans known to reportlab; its licence allows embedding in documents."""
    for name, file in (("Body", "DejaVuSans.ttf"), ("Body-Bold", "DejaVuSans-Bold.ttf")):
        pdfmetrics.registerFont(TTFont(name, str(folder / file)))
    pdfmetrics.registerFontFamily(
        "Body", normal="Body", bold="Body-Bold", italic="Body", boldItalic="Body-Bold"
    )


def pdf_styles() -> dict[str, ParagraphStyle]:
    body = ParagraphStyle(
        "body", fontName="Body", bulletFontName="Body", fontSize=10, leading=15, spaceAfter=6
    )
    styles = {
        "body": body,
        "title": ParagraphStyle(
            "title", body, fontName="Body-Bold", fontSize=20, leading=26, textColor=ACCENT
        ),
        "item": ParagraphStyle("item", body, leftIndent=16, bulletIndent=4, spaceAfter=3),
        "cell": ParagraphStyle("cell", body, fontSize=8.2, leading=11, spaceAfter=0),
    }
    for level, size in ((1, 15), (2, 13), (3, 11), (4, 10)):
        styles[f"h{level}"] = ParagraphStyle(
            f"h{level}",
            body,
            fontName="Body-Bold",
            fontSize=size,
            leading=size * 1.35,
            spaceBefore=size * 0.8,
            textColor=ACCENT if level < 3 else colors.black,
            keepWithNext=1,
        )
    return styles


class PdfDocument(BaseDocTemplate):
    """A4 pages with a running head, a page number and an outline made of the headings."""

    def __init__(self, source: Source, target: io.BytesIO) -> None:
        super().__init__(
            target,
            pagesize=A4,
            invariant=1,
            title=source.meta["title"],
            author=PUBLISHER,
            subject=source.meta.get("code", ""),
            lang=source.meta["language"],
        )
        self.head = " · ".join(filter(None, [source.meta["title"], source.meta.get("code")]))
        self.page_word = "Trang" if source.is_vietnamese else "Page"
        width, height = A4
        frame = Frame(22 * mm, 22 * mm, width - 44 * mm, height - 46 * mm, 0, 0, 0, 0)
        self.addPageTemplates(
            [PageTemplate("page", [frame], onPage=self.draw_head, onPageEnd=self.draw_number)]
        )

    def draw_head(self, canvas: Any, _document: BaseDocTemplate) -> None:
        if canvas.getPageNumber() > 1:
            canvas.setFont("Body", 7.5)
            canvas.setFillColor(colors.grey)
            canvas.drawString(22 * mm, A4[1] - 15 * mm, self.head)

    def draw_number(self, canvas: Any, _document: BaseDocTemplate) -> None:
        # Drawn last, so that readers of the text meet it after the page's own words.
        canvas.setFont("Body", 7.5)
        canvas.setFillColor(colors.grey)
        number = f"{self.page_word} {canvas.getPageNumber()}"
        canvas.drawRightString(A4[0] - 22 * mm, 12 * mm, number)

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802 - reportlab's hook
        name = getattr(getattr(flowable, "style", None), "name", "")
        if not (isinstance(flowable, Paragraph) and name in ("h2", "h3")):
            return
        text, level = flowable.getPlainText(), int(name[1]) - 2
        key = f"heading-{self.seq.nextf('heading')}" if level else f"section-{text}"
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(text, key, level)
        if level == 0:
            self.notify("TOCEntry", (0, text, self.page, key))


def pdf_markup(spans: tuple[Span, ...]) -> str:
    return "".join(f"<b>{escape(s.text)}</b>" if s.is_bold else escape(s.text) for s in spans)


def column_weight(cells: list[str]) -> float:
    """The share of a table's width that a column gets, in characters.

    Its longest cell counts up to 48 characters, so that a long one cannot starve the others; its
    longest word always fits (the factor covers bold capitals and the padding).
    """
    longest_word = max(len(word) for cell in cells for word in [*cell.split(), ""])
    return max(min(max(map(len, cells)), 48), 1.6 * longest_word, 9)


def pdf_table(node: Node, styles: dict[str, ParagraphStyle]) -> Table:
    width = A4[0] - 44 * mm
    columns = list(zip(*node.rows, strict=True))
    weights = [column_weight([plain(cell) for cell in column]) for column in columns]
    cells = [[Paragraph(pdf_markup(cell), styles["cell"]) for cell in row] for row in node.rows]
    head = ParagraphStyle("head", styles["cell"], fontName="Body-Bold")
    cells[0] = [Paragraph(pdf_markup(cell), head) for cell in node.rows[0]]
    return Table(
        cells,
        colWidths=[width * weight / sum(weights) for weight in weights],
        repeatRows=1,
        style=TableStyle(
            [
                ("GRID", (0, 0), (-1, -1), 0.5, colors.HexColor("#9fb4bd")),
                ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#e3eef2")),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ]
        ),
        spaceBefore=4,
        spaceAfter=10,
    )


def pdf_contents(source: Source, styles: dict[str, ParagraphStyle]) -> list[Flowable]:
    contents = TableOfContents()
    contents.levelStyles = [ParagraphStyle("toc", styles["body"], spaceAfter=2)]
    heading = ParagraphStyle("contents", styles["h2"])
    word = "Mục lục" if source.is_vietnamese else "Contents"
    return [Spacer(1, 6), Paragraph(word, heading), contents, PageBreak()]


def pdf_flowables(source: Source) -> Iterator[Flowable]:
    styles = pdf_styles()
    yield Paragraph(escape(source.meta["title"]), styles["title"])
    yield Spacer(1, 8)
    needs_contents = source.meta.get("contents") == "yes"
    for node in parse_nodes(source.body):
        if node.kind == "table":
            yield pdf_table(node, styles)
        elif node.kind == "heading":
            if needs_contents:  # what stands before the first heading is the title page's text
                yield from pdf_contents(source, styles)
                needs_contents = False
            yield Paragraph(pdf_markup(node.spans), styles[f"h{node.level}"])
        elif node.kind == "paragraph":
            yield Paragraph(pdf_markup(node.spans), styles["body"])
        else:
            yield Paragraph(pdf_markup(node.spans), styles["item"], bulletText=node.marker)


def make_pdf(source: Source) -> bytes:
    target = io.BytesIO()
    PdfDocument(source, target).multiBuild(list(pdf_flowables(source)))
    return target.getvalue()
