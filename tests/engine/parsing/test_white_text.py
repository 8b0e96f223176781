"""Text in the colour of the paper is hidden in every format; on a ground of its own it is read."""

import zipfile
from pathlib import Path

from document_files import write_docx, write_odf, write_xlsx, write_zip

from citewell.engine.parsing.base import Block

STYLES = (
    '<office:automatic-styles xmlns:style="s:style" xmlns:fo="s:fo">'
    '<style:style style:name="W"><style:text-properties fo:color="#ffffff"/></style:style>'
    '<style:style style:name="B"><style:text-properties fo:color="#ffffff"'
    ' fo:background-color="#003366"/></style:style></office:automatic-styles>'
)


def texts(blocks: list[Block]) -> str:
    return " / ".join(block.text for block in blocks)


def restyled(path: Path, sheet: str, styles: str) -> Path:
    """A workbook with another sheet and with styles."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    parts["xl/styles.xml"] = styles
    rels = "xl/_rels/workbook.xml.rels"
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles"
    parts[rels] = parts[rels].replace(
        "</Relationships>",
        f'<Relationship Id="st" Type="{kind}" Target="styles.xml"/></Relationships>',
    )
    parts["xl/worksheets/sheet1.xml"] = sheet
    return write_zip(path, parts)


class TestReadingWhiteText:
    def test_words_on_white_paper_are_left_out_and_others_are_read(self, read, tmp_path):
        run = "<w:r><w:rPr><w:color w:val='FFFFFF'/>{}</w:rPr><w:t>{}</w:t></w:r>"
        shade = '<w:shd w:fill="000000"/>'
        cell = f"<w:tbl><w:tr><w:tc><w:p>{run.format('', 'in a cell')}</w:p></w:tc>"
        body = (
            f"<w:p><w:r><w:t>Seen</w:t></w:r>{run.format('', 'secret')}</w:p>"
            f"<w:p>{run.format(shade, 'on black')}</w:p>"
            f"<w:p><w:pPr>{shade}</w:pPr>{run.format('', 'on a band')}</w:p>"
            f"{cell}<w:tc><w:p/></w:tc></w:tr></w:tbl>"
        )
        _, blocks = read(write_docx(tmp_path / "a.docx", body))
        assert texts(blocks) == "Seen / on black / on a band / in a cell"

        body = (
            '<text:p>Seen<text:span text:style-name="W">secret</text:span></text:p>'
            '<text:p text:style-name="B">on blue</text:p><table:table><table:table-row>'
            '<table:table-cell><text:p text:style-name="W">in a cell</text:p></table:table-cell>'
            "</table:table-row></table:table>"
        )
        _, blocks = read(write_odf(tmp_path / "a.odt", "text", body, STYLES))
        assert texts(blocks) == "Seen / on blue / in a cell"

        path = tmp_path / "a.rtf"
        path.write_text(
            r"{\rtf1{\colortbl;\red255\green255\blue255;\red0\green0\blue90;}Seen{\cf1 secret}\par"
            r" {\cf1\highlight2 on blue}\par\pard\intbl{\cf1 in a cell}\cell\row\pard End\par}"
        )
        _, blocks = read(path)
        assert texts(blocks) == "Seen / on blue / in a cell / End"

    def test_words_of_a_page_are_left_out_where_nothing_stands_behind_them(self, read, tmp_path):
        path = tmp_path / "a.html"
        path.write_text(
            "<style>.w{color:#fff} .dark{background:#123}</style><p>Seen<span class=w>secret</span>"
            "<font color=white>secret</font></p><div class=dark><p class=w>on dark</p></div>"
            "<table><tr bgcolor='#003366'><td><font color='#ffffff'>a head</font></td></tr></table>"
            "<p class=w>secret</p><p style='position:absolute; left:-9999px'>secret</p>"
            "<p style='text-indent:-5000px'>secret</p><p style='text-indent:-2em'>Hanging</p>"
        )
        _, blocks = read(path)
        assert texts(blocks) == "Seen / on dark / a head / Hanging"
        # A rule that is not followed may colour any ground.
        path.write_text("<style>div p{background:#123} .w{color:#fff}</style><p class=w>Kept</p>")
        _, blocks = read(path)
        assert texts(blocks) == "Kept"

    def test_cells_are_left_out_unless_their_sheet_may_colour_them(self, read, tmp_path):
        styles = (
            "<styleSheet><numFmts><numFmt numFmtId='200' formatCode=';;;'/></numFmts>"
            "<fonts><font/><font><color rgb='FFFFFFFF'/></font><font><color theme='0'/></font>"
            "</fonts><fills><fill><patternFill patternType='none'/></fill><fill><patternFill"
            " patternType='solid'><fgColor rgb='FF003366'/></patternFill></fill></fills><cellXfs>"
            "<xf/><xf fontId='1'/><xf fontId='1' fillId='1'/><xf numFmtId='200'/><xf fontId='2'/>"
            "</cellXfs></styleSheet>"
        )
        cells = "".join(f'<c s="{n}" t="str"><v>text {n}</v></c>' for n in range(5))
        sheet = f'<worksheet><sheetData><row r="1">{cells}</row></sheetData>{{}}</worksheet>'
        path = write_xlsx(tmp_path / "a.xlsx", {"Fees": [["x"]]})
        _, blocks = read(restyled(path, sheet.format(""), styles))
        assert blocks[-1].text == "text 0 |  | text 2"
        rules = '<conditionalFormatting sqref="A1:E1"/>'
        path = write_xlsx(tmp_path / "b.xlsx", {"Fees": [["x"]]})
        _, blocks = read(restyled(path, sheet.format(rules), styles))
        assert blocks[-1].text == "text 0 | text 1 | text 2 |  | text 4"

        row = (
            '<table:table table:name="Fees"><table:table-row>'
            "<table:table-cell><text:p>Seen</text:p>"
            '</table:table-cell><table:table-cell table:style-name="W"><text:p>secret</text:p>'
            '</table:table-cell><table:table-cell table:style-name="B"><text:p>on blue</text:p>'
            "</table:table-cell></table:table-row></table:table>"
        )
        _, blocks = read(write_odf(tmp_path / "a.ods", "spreadsheet", row, STYLES))
        assert blocks[-1].text == "Seen |  | on blue"


class TestReadingHiddenParagraphs:
    def test_words_that_are_shown_in_a_hidden_paragraph_are_read(self, read, tmp_path):
        before = (
            '<office:automatic-styles xmlns:style="s:style">'
            '<style:style style:name="H"><style:text-properties text:display="none"/></style:style>'
            '<style:style style:name="S"><style:text-properties text:display="true"/></style:style>'
            "</office:automatic-styles>"
        )
        body = (
            '<text:p text:style-name="H">secret<text:span text:style-name="S">Seen</text:span>'
            '</text:p><text:p text:style-name="H">secret</text:p>'
        )
        _, blocks = read(write_odf(tmp_path / "a.odt", "text", body, before))
        assert texts(blocks) == "Seen"
