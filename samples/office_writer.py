"""Writes a source as a Word document or an Excel workbook."""

import io
import re
import zipfile
from datetime import datetime
from typing import Any

import docx
import openpyxl
from docx.oxml.ns import qn
from docx.shared import Pt
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from texts import PUBLISHER, Node, Source, Span, parse_nodes, plain

NUMBER = re.compile(r"-?\d{1,3}(,\d{3})*(\.\d+)?|-?\d+(\.\d+)?")


def fixed_zip(data: bytes, date: datetime) -> bytes:
    """Rewrite an Office file so that no time of building is left in it."""
    stamp = date.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"(W3CDTF\">)[^<]*", rb"\g<1>" + stamp, content)
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, content)
    return target.getvalue()


def add_runs(paragraph: Any, spans: tuple[Span, ...]) -> None:
    for span in spans:
        paragraph.add_run(span.text).bold = span.is_bold or None


def docx_table(document: Any, node: Node) -> None:
    table = document.add_table(len(node.rows), len(node.rows[0]), style="Table Grid")
    for row, cells in zip(table.rows, node.rows, strict=True):
        for cell, spans in zip(row.cells, cells, strict=True):
            add_runs(cell.paragraphs[0], spans)
    for cell in table.rows[0].cells:
        for run in cell.paragraphs[0].runs:
            run.bold = True
    header = table.rows[0]._tr.get_or_add_trPr()  # python-docx has no call for "repeat header row"
    header.append(header.makeelement(qn("w:tblHeader"), {qn("w:val"): "true"}))
    document.add_paragraph()


def make_docx(source: Source) -> bytes:
    document = docx.Document()
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "Calibri", Pt(11)
    properties = document.core_properties
    properties.title, properties.author = source.meta["title"], PUBLISHER
    properties.subject, properties.comments = source.meta.get("code", ""), ""
    properties.language = source.meta["language"]
    document.add_heading(source.meta["title"], level=0)
    for node in parse_nodes(source.body):
        if node.kind == "table":
            docx_table(document, node)
        elif node.kind == "heading":
            # The title took level 0, so the body's "##" is Heading 1.
            add_runs(document.add_heading(level=max(node.level - 1, 1)), node.spans)
        elif node.kind == "bullet":
            add_runs(document.add_paragraph(style="List Bullet"), node.spans)
        else:
            spans = (Span(f"{node.marker} "), *node.spans) if node.marker else node.spans
            add_runs(document.add_paragraph(), spans)
    target = io.BytesIO()
    document.save(target)
    return fixed_zip(target.getvalue(), source.date)


def cell_value(text: str) -> str | int | float:
    if not NUMBER.fullmatch(text):
        return text
    digits = text.replace(",", "")
    return float(digits) if "." in digits else int(digits)


def fill_table(sheet: Any, node: Node) -> None:
    for index, row in enumerate(node.rows):
        sheet.append([cell_value(plain(cell)) for cell in row])
        for cell in sheet[sheet.max_row]:
            cell.alignment = Alignment(vertical="top", wrap_text=True)
            if index == 0:
                cell.font = Font(bold=True)
                cell.fill = PatternFill("solid", fgColor="E3EEF2")
            elif isinstance(cell.value, (int, float)):
                cell.number_format = "#,##0.00" if isinstance(cell.value, float) else "#,##0"
    for number, column in enumerate(zip(*node.rows, strict=True), start=1):
        longest = max(len(plain(cell)) for cell in column)
        sheet.column_dimensions[get_column_letter(number)].width = min(max(longest + 2, 10), 60)


def make_xlsx(source: Source) -> bytes:
    """Each `##` heading opens a sheet; paragraphs and tables follow each other in its rows."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    book.properties.title, book.properties.creator = source.meta["title"], PUBLISHER
    sheet: Any = None
    for node in parse_nodes(source.body):
        if node.kind == "heading":
            sheet = book.create_sheet(plain(node.spans))
        elif node.kind == "table":
            fill_table(sheet, node)
        else:
            sheet.append([plain(node.spans)])
    target = io.BytesIO()
    book.save(target)
    return fixed_zip(target.getvalue(), source.date)
