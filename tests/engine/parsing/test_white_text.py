"""Text in the colour of the paper is hidden in every format; on a ground of its own it is read."""

import struct
import zipfile
from pathlib import Path

import pytest
from document_files import write_docx, write_odf, write_xlsx, write_zip
from sheet_files import Sheet, write_xls_book

from citewell.engine.parsing.base import Block, ParseError

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
        dark = styles.replace(
            "</cellXfs>", "</cellXfs><colors><indexedColors>{}</indexedColors></colors>"
        )
        dark = dark.replace("rgb='FFFFFFFF'", "indexed='1'").replace(
            "theme='0'", "theme='0' tint='?'"
        )
        path = write_xlsx(tmp_path / "c.xlsx", {"Fees": [["x"]]})
        blue = "<rgbColor rgb='FF003366'/>"
        _, blocks = read(restyled(path, sheet.format(""), dark.format(2 * blue)))
        assert blocks[-1].text == "text 0 | text 1"
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


class TestReadingWhiteTextOnGrounds:
    """Grounds that may lie behind white text keep it."""

    def test_shades_of_rich_text_are_patterns_of_two_colours(self, read, tmp_path):
        path = tmp_path / "a.rtf"
        head = r"{\rtf1{\colortbl;\red0\green0\blue0;\red255\green255\blue255;}Seen"
        kept = [
            r"\par\pard\shading10000\cfpat1\cbpat2{\cf2 kept}",
            r"{\cf2\chshdng10000\chcfpat1\chcbpat2 kept}",
            r"\par\pard\bgdkhoriz{\cf2 kept}",
            r"{\cf2 kept}{\shp{\*\shpinst\shpfblwtxt1}}",
        ]
        for body in kept:
            path.write_text(f"{head}{body}\\par}}")
            assert "kept" in texts(read(path)[1]), body
        hidden = [
            r"{\cf2 secret}", r"\par\pard\shading0\cbpat2{\cf2 secret}",
            r"{\cf2\chshdng0\chcbpat2 secret}",
        ]  # fmt: skip
        for body in hidden:
            path.write_text(f"{head}{body}\\par}}")
            assert texts(read(path)[1]) == "Seen", body

    def test_shades_and_drawings_behind_text_of_word_keep_it(self, read, tmp_path):
        run = "<w:r><w:rPr><w:color w:val='FFFFFF'/>{}</w:rPr><w:t>kept</w:t></w:r>".format
        shade = "<w:shd w:val='{}' w:fill='{}'/>".format
        solid = "<w:shd w:val='solid' w:color='000000' w:fill='FFFFFF'/>"
        kept = [
            f"<w:p><w:pPr>{solid}</w:pPr>{run('')}</w:p>",
            f"<w:p>{run(solid)}</w:p>",
            f"<w:p>{run(shade('solid', 'auto'))}</w:p>",
            f"<w:p>{run(shade('pct75', 'FFFFFF'))}</w:p>",
            f"<w:p>{run('')}</w:p><w:p><w:r><w:drawing><w:anchor behindDoc='1'/></w:drawing></w:r>"
            "</w:p>",
        ]
        for body in kept:
            assert texts(read(write_docx(tmp_path / "a.docx", body))[1]) == "kept", body
        body = f"<w:p><w:r><w:t>Seen</w:t></w:r>{run(shade('clear', 'auto'))}</w:p>"
        assert texts(read(write_docx(tmp_path / "a.docx", body))[1]) == "Seen"

    def test_grounds_of_pages_sections_and_pictures_of_opendocument_keep_it(self, read, tmp_path):
        white = '<style:style style:name="W"><style:text-properties fo:color="#ffffff"/>'
        grounds = [
            '<style:page-layout style:name="P"><style:page-layout-properties'
            ' fo:background-color="#003366"/></style:page-layout>',
            '<style:style style:name="S" style:family="section"><style:section-properties'
            ' fo:background-color="#003366"/></style:style>',
            '<style:style style:name="G"><style:graphic-properties'
            ' style:run-through="background"/></style:style>',
        ]
        body = '<text:section text:style-name="S"><text:p text:style-name="W">white</text:p>'
        body = f"<text:p>Seen</text:p>{body}</text:section>"
        for ground in ["", *grounds]:
            styles = (
                '<office:automatic-styles xmlns:style="s:style" xmlns:fo="s:fo">'
                f"{white}</style:style>{ground}</office:automatic-styles>"
            )
            _, blocks = read(write_odf(tmp_path / "a.odt", "text", body, styles))
            assert texts(blocks) == ("Seen / white" if ground else "Seen")

    def test_what_a_page_lays_behind_text_from_elsewhere_keeps_it(self, read, tmp_path):
        path = tmp_path / "a.html"
        white = "<p style='color:#fff'>kept</p>"
        kept = [
            f"<img style='position:absolute' src=a.png>{white}",
            f"{white}<div style='position:fixed; background:#123'></div>",
            "<style>.a{color:#fff}</style><div class=d><p class=a>kept</p></div>"
            "<style>.d{background:#123}</style>",
            "<p style='position:absolute; right:-2000px'>kept</p>",
            "<p style='position:absolute; bottom:-2000px'>kept</p>",
        ]
        for body in kept:
            path.write_text(f"<p>Seen</p>{body}")
            assert texts(read(path)[1]) == "Seen / kept", body
        hidden = [
            "<p style='color:#fff'>secret</p><img src=a.png>",
            "<div><p style='background:#eee'>Seen</div><p style='color:#fff'>secret</p>",
        ]
        for body in hidden:
            path.write_text(f"<p>Seen</p>{body}")
            assert "secret" not in texts(read(path)[1]), body

    def test_palettes_and_rules_of_old_workbooks_keep_it(self, read, tmp_path):
        path = write_xls_book(tmp_path / "a.xls", {"S": Sheet([["Fee", "12"]])})
        plain = path.read_bytes()
        font = struct.pack("<HHHHHHHBBBB", 0x31, 26, 200, 0, 0, 400, 0, 0, 0, 0, 0)
        rest = struct.pack("<BB", 5, 1) + "Arial".encode("utf-16-le")
        white = plain.replace(font, font[:8] + b"\x09\0" + font[10:])
        with pytest.raises(ParseError, match="no text"):
            read(_written(path, white))
        # Merged areas, of which there are none, become a rule.
        rules = white.replace(struct.pack("<HHH", 0xE5, 2, 0), struct.pack("<HHH", 0x879, 2, 0))
        assert "Fee" in texts(read(_written(path, rules))[1])
        # One of the fonts becomes a palette of blue.
        palette = struct.pack("<HHH", 0x92, 26, 6) + b"\x10\x20\x60\0" * 6
        used = font[:8] + b"\x09\0" + font[10:] + rest
        assert white.count(used) == 5
        dark = white[::-1].replace(used[::-1], palette[::-1], 1)[::-1]
        assert "Fee" in texts(read(_written(path, dark))[1])


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


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
