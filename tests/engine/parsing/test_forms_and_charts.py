"""Values of HTML forms, hidden text of HTML mails, and charts: read as they are shown."""

import struct
import zipfile
from pathlib import Path

from document_files import R, paragraph, relations, slide_shape, write_docx, write_pptx, write_zip
from old_office_files import write_msg
from sheet_files import Sheet, write_xls_book, write_xlsb_book, write_xlsx_book

from citewell.engine.parsing.base import BlockKind
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.readers.xls_drawings import Drawings
from citewell.engine.parsing.reading import read_document
from tests.timing import processor_seconds

_CHART_SPACE = "http://schemas.openxmlformats.org/drawingml/2006/chart"
CHART = (
    f'<c:chartSpace xmlns:c="{_CHART_SPACE}"'
    ' xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><c:chart>'
    "<c:title><c:tx><c:rich><a:p><a:r><a:t>Share of </a:t></a:r><a:r><a:t>berths</a:t></a:r></a:p>"
    "</c:rich></c:tx></c:title><c:plotArea><c:barChart>{}</c:barChart></c:plotArea></c:chart>"
    "</c:chartSpace>"
)


def series(name: str, *values: str, code: str = "0.0%") -> str:
    """A series over three quarters; an empty value is a cell without one."""
    names = [f'<c:pt idx="{n}"><c:v>Q{n + 1}</c:v></c:pt>' for n in range(3)]
    points = [f'<c:pt idx="{n}"><c:v>{v}</c:v></c:pt>' for n, v in enumerate(values) if v]
    return (
        f'<c:ser><c:tx><c:strRef><c:strCache><c:pt idx="0"><c:v>{name}</c:v></c:pt></c:strCache>'
        f"</c:strRef></c:tx><c:cat><c:strRef><c:strCache>{''.join(names)}</c:strCache></c:strRef>"
        f"</c:cat><c:val><c:numRef><c:f>S!B2:B4</c:f><c:numCache><c:formatCode>{code}"
        f"</c:formatCode>{''.join(points)}</c:numCache></c:numRef></c:val></c:ser>"
    )


def point(place: int, value: str) -> str:
    return f'<c:pt idx="{place}"><c:v>{value}</c:v></c:pt>'


def plain_series(name: str, categories: str, values: str) -> str:
    """A series of a name in no cell and of points as they are handed in."""
    return (
        f"<c:ser><c:tx><c:v>{name}</c:v></c:tx>"
        f"<c:cat><c:multiLvlStrRef><c:multiLvlStrCache>{categories}</c:multiLvlStrCache>"
        f"</c:multiLvlStrRef></c:cat><c:val><c:numLit>{values}</c:numLit></c:val></c:ser>"
    )


def references(*keys: str) -> str:
    """Paragraphs of Word, each with a reference to a chart."""
    return "".join(
        f'<w:p><w:r><c:chart xmlns:c="{_CHART_SPACE}" {R} r:id="{key}"/></w:r></w:p>'
        for key in keys
    )


NEW_CHART = (
    '<x:chartSpace xmlns:x="http://schemas.microsoft.com/office/drawing/2014/chartex">'
    '<x:chartData><x:data id="0"><x:strDim type="cat"><x:f>H!A2:A3</x:f><x:lvl ptCount="2">'
    '<x:pt idx="0">Dues</x:pt><x:pt idx="1">Rent</x:pt></x:lvl></x:strDim>'
    '<x:numDim type="val"><x:f>H!B2:B3</x:f><x:lvl ptCount="2" formatCode="#,##0">'
    '<x:pt idx="0">1200</x:pt><x:pt idx="1">-300</x:pt></x:lvl></x:numDim></x:data></x:chartData>'
    "<x:chart><x:title><x:tx><x:txData><x:v>Result of 2024</x:v></x:txData></x:tx></x:title>"
    '<x:plotArea><x:plotAreaRegion><x:series layoutId="waterfall"><x:tx><x:txData><x:f>H!B1</x:f>'
    '<x:v>Euros</x:v></x:txData></x:tx><x:dataId val="0"/></x:series></x:plotAreaRegion>'
    '<x:axis id="0"><x:catScaling/><x:title><x:tx><x:txData><x:v>Kind</x:v></x:txData></x:tx>'
    "</x:title></x:axis></x:plotArea></x:chart></x:chartSpace>"
)
"""A waterfall, as Excel 2016 and later write it."""


FIGURES = " | North | 2024\nQ1 | 12.5% | 0.3\nQ2 |  | 7\nQ3 | 40.0%"
DRAWN = CHART.format(
    series("North", "0.125", "", "0.4") + series("2024", "0.30000000000000004", "7", code="General")
)


class TestHtmlForms:
    def test_filled_fields_are_read_as_shown(self, read, tmp_path):
        page = tmp_path / "a.html"
        page.write_text(
            "<!doctype html><form><p>Name: <input name=n value='Ana Berg'></p>"
            "<p>Note: <textarea>Call at nine.</textarea></p>"
            "<p>Port: <select><option>Oslo<option selected>Bergen<option>Moss</select> today</p>"
            "<p>Speaks: <select multiple><option selected>no</option><option>de</option>"
            "<optgroup label=far><option selected>vi</option></optgroup></select></p>"
            "<p><input type=checkbox checked> Insured <input type=radio> Leased</p></form>"
        )
        assert [block.text for block in read(page)[1]] == [
            "Name: Ana Berg", "Note: Call at nine.", "Port: Bergen today", "Speaks: no, vi",
            "☒ Insured ☐ Leased",
        ]  # fmt: skip

    def test_what_a_form_does_not_show_is_not_read(self, tmp_path):
        page = tmp_path / "a.html"
        page.write_text(
            "<!doctype html><p>Seen.</p><form><input type=hidden value=TOKEN>"
            "<input type=password value=WORD><input type=submit value=Send>"
            "<input type=range value=5><input style='display:none' value=UNSEEN>"
            "<select hidden><option selected>GONE</select><select><option>Choose</select>"
            "<nav><select><option selected>Home</select></nav></form>"
        )
        findings = Findings()
        _, blocks = read_document(page, page.name, ParseLimits(), findings)
        assert [block.text for block in blocks] == ["Seen."]
        assert findings.warnings == []


class TestHiddenTextOfMails:
    def test_it_is_kept_and_marked_by_setting_as_of_pages(self, tmp_path):
        body = "<p>Seen <span style='display:none'>secret</span>.</p>"
        mail = tmp_path / "a.eml"
        mail.write_text(f"Subject: Crane\nMIME-Version: 1.0\nContent-Type: text/html\n\n{body}")
        message = write_msg(tmp_path / "a.msg", {"0037001F": "Crane", "1013001F": body}, [], [])
        for path in (mail, message):
            for keeps in (False, True):
                findings = Findings(keeps_hidden=keeps)
                limits = ParseLimits(keeps_hidden=keeps)
                _, blocks = read_document(path, path.name, limits, findings)
                expected = "Seen [hidden: secret]." if keeps else "Seen ."
                assert [block.text for block in blocks] == ["Crane", expected], path.name
                codes = [each.code for each in findings.warnings]
                assert codes == (["hidden_kept"] if keeps else []), path.name


class TestCharts:
    def test_chart_in_word_stands_where_it_was_drawn(self, read, tmp_path):
        reference = f'<c:chart xmlns:c="{_CHART_SPACE}" {R} r:id="chart"/>'
        drawn = f"<w:p><w:r><w:drawing>{reference}</w:drawing></w:r></w:p>"
        body = paragraph("Before.") + drawn + paragraph("After.")
        path = write_docx(tmp_path / "a.docx", body, chart=DRAWN)
        assert [(block.kind, block.text) for block in read(path)[1]] == [
            (BlockKind.PARAGRAPH, "Before."), (BlockKind.PARAGRAPH, "Share of berths"),
            (BlockKind.TABLE, FIGURES), (BlockKind.PARAGRAPH, "After."),
        ]  # fmt: skip

    def test_chart_on_a_slide_is_the_same(self, read, tmp_path):
        frame = f'<p:graphicFrame><c:chart xmlns:c="{_CHART_SPACE}" {R} r:id="c"/></p:graphicFrame>'
        path = write_pptx(tmp_path / "a.pptx", [frame])
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        slide = next(name for name in parts if name.endswith("slide0.xml"))
        folder, _, name = slide.rpartition("/")
        parts[f"{folder}/_rels/{name}.rels"] = relations([("c", "chart", "chart.xml")]).encode()
        parts[f"{folder}/chart.xml"] = DRAWN.encode()
        blocks = read(write_zip(path, parts))[1]
        assert [(b.text, b.page) for b in blocks] == [("Share of berths", 1), (FIGURES, 1)]

    def test_slide_that_refers_to_a_chart_twice_has_it_once(self, read, tmp_path):
        chart = f'<c:chart xmlns:c="{_CHART_SPACE}" {R} r:id="c"/>'
        frame = f"<p:graphicFrame>{chart}{chart}</p:graphicFrame>"
        path = write_pptx(tmp_path / "a.pptx", [frame])
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        parts["ppt/slides/_rels/slide0.xml.rels"] = relations([("c", "chart", "c.xml")]).encode()
        parts["ppt/slides/c.xml"] = DRAWN.encode()
        texts = [block.text for block in read(write_zip(path, parts))[1]]
        assert texts == ["Share of berths", FIGURES]

    def test_document_that_refers_to_a_chart_twice_has_it_once(self, read, tmp_path):
        body = references("chart", "chart") + paragraph("After.")
        path = write_docx(tmp_path / "a.docx", body, chart=DRAWN)
        assert [b.text for b in read(path)[1]] == ["Share of berths", FIGURES, "After."]

    def test_damaged_chart_leaves_the_document(self, read, tmp_path):
        body = paragraph("Before.") + references("chart") + paragraph("After.")
        path = write_docx(tmp_path / "a.docx", body, chart=DRAWN[: len(DRAWN) // 2])
        assert [b.text for b in read(path)[1]] == ["Before.", "After."]

    def test_missing_chart_leaves_the_document(self, read, tmp_path):
        body = (
            f'<w:p><w:r><w:t>Text.</w:t></w:r><w:r><c:chart xmlns:c="x" {R} r:id="no"/></w:r></w:p>'
        )
        assert [b.text for b in read(write_docx(tmp_path / "a.docx", body))[1]] == ["Text."]


class TestChartsOnSheets:
    CELLS = (("Kind", "Euros"), ("Dues", "1200"))

    def test_chart_of_cells_that_are_read_has_its_titles_only(self, read, tmp_path):
        axis = "<c:valAx><c:title><c:tx><c:v>Tonnes</c:v></c:tx></c:title></c:valAx>"
        category = "<c:catAx><c:title><c:tx><c:v>Quarter</c:v></c:tx></c:title></c:catAx>"
        chart = DRAWN.replace("</c:barChart>", f"</c:barChart>{category}{axis}")
        book = {"S": Sheet(self.CELLS, charts={"chart": chart})}
        for write, end in ((write_xlsx_book, "xlsx"), (write_xlsb_book, "xlsb")):
            texts = [b.text for b in read(write(tmp_path / f"a.{end}", book))[1]]
            assert texts == ["S", "Kind | Euros\nDues | 1200", "Share of berths", "Tonnes"], end

    def test_chart_of_cells_that_are_not_read_has_its_figures(self, read, tmp_path):
        book = {
            "H": Sheet(self.CELLS, is_hidden=True),
            "Shown": Sheet((), charts={"chart": DRAWN, "chartEx": NEW_CHART}, kind="chartsheet"),
        }
        new = "Kind | Euros\nDues | 1,200\nRent | -300"
        for write, end in ((write_xlsx_book, "xlsx"), (write_xlsb_book, "xlsb")):
            blocks = read(write(tmp_path / f"a.{end}", book))[1]
            texts = ["Shown", "Share of berths", FIGURES, "Result of 2024", new]
            assert [(b.text, b.page) for b in blocks] == [(text, 2) for text in texts], end

    def test_damaged_chart_leaves_the_sheet(self, read, tmp_path):
        path = write_xlsx_book(
            tmp_path / "a.xlsx", {"S": Sheet(self.CELLS, charts={"chart": "<c"})}
        )
        assert [b.text for b in read(path)[1]] == ["S", "Kind | Euros\nDues | 1200"]

    def test_damaged_relations_leave_the_sheet_and_the_slide(self, read, tmp_path):
        book = {"S": Sheet(self.CELLS, box="Box", charts={"chart": DRAWN})}
        for write, end in ((write_xlsx_book, "xlsx"), (write_xlsb_book, "xlsb")):
            sheet_end = "xml" if end == "xlsx" else "bin"
            for name in ("d1.xml", f"sheet1.{sheet_end}"):
                path = with_part(
                    write(tmp_path / f"a.{end}", book), f"xl/_rels/{name}.rels", "<Rel"
                )
                texts = [block.text for block in read(path)[1]]
                assert texts[:2] == ["S", "Kind | Euros\nDues | 1200"], (end, name)
        frame = f'<p:graphicFrame><c:chart xmlns:c="{_CHART_SPACE}" {R} r:id="c"/></p:graphicFrame>'
        path = write_pptx(tmp_path / "a.pptx", [frame + slide_shape("Still here")])
        path = with_part(path, "ppt/slides/_rels/slide0.xml.rels", "<Rel")
        assert "Still here" in [block.text for block in read(path)[1]]


def with_part(path: Path, name: str, text: str) -> Path:
    """The file with another text of a part."""
    with zipfile.ZipFile(path) as archive:
        parts = {each: archive.read(each) for each in archive.namelist()}
    return write_zip(path, {**parts, name: text.encode()})


class TestChartsOnOldSheets:
    def test_titles_of_a_chart_are_read_and_names_of_series_are_not(self):
        def record(kind: int, data: bytes = b"") -> bytes:
            return struct.pack("<HH", kind, len(data)) + data

        def said(text: str) -> bytes:
            return record(0x100D, b"\0\0" + bytes([len(text), 1]) + text.encode("utf-16-le"))

        begin, end = record(0x809, b"\0\x06\x10\0"), record(0x0A)
        chart = (
            begin + record(0x1003) + said("Herring") + record(0x1025) + said("Catch of May") + end
        )
        place = len(begin) + 4 + 8 + len(end)
        sheet = record(0x85, struct.pack("<IBBBB", place, 0, 0, 0, 0))
        drawings = Drawings(begin + sheet + end + begin + chart + end)
        assert drawings.texts(1) == ["Catch of May"]


class TestBoundsOfCharts:
    """Figures of charts that no program draws, which shall cost no time and memory to speak of."""

    def rows(self, read, tmp_path, drawn: str) -> list[list[str]]:
        path = write_docx(tmp_path / "a.docx", references("chart"), chart=CHART.format(drawn))
        texts = [block.text for block in read(path)[1]]
        return [row.split(" | ") for row in "\n".join(texts[1:]).splitlines()]

    def test_place_takes_eight_names_of_groups(self, read, tmp_path):
        names = "".join(point(0, f"g{number}") for number in range(12))
        rows = self.rows(read, tmp_path, plain_series("North", names, point(0, "5")))
        assert rows == [["", "North"], ["g7 g6 g5 g4 g3 g2 g1 g0", "5"]]

    def test_value_of_a_point_out_of_range_is_left_out(self, read, tmp_path):
        far = point(10_000, "77") + point(99_999, "88")
        drawn = plain_series("North", point(0, "Q1"), far)
        drawn += plain_series("South", point(0, "Q1"), point(0, "6"))
        rows = self.rows(read, tmp_path, drawn)
        assert rows == [["", "North", "South"], ["Q1", "", "6"]]

    def test_chart_has_255_series(self, read, tmp_path):
        drawn = plain_series("s", point(0, "Q1"), point(0, "5")) * 300
        assert {len(row) for row in self.rows(read, tmp_path, drawn)} == {256}

    def test_chart_has_a_million_cells(self, read, tmp_path):
        drawn = plain_series("s", point(0, "Q1"), point(9_999, "5")) * 200
        assert self.rows(read, tmp_path, drawn)[0] == ["", *["s"] * 99]


class TestFarCells:
    def test_empty_places_before_a_far_cell_cost_little(self, read, tmp_path):
        rows = [["Crane", "Berth"], *([[]] * 20_000), [""] * 255 + ["far"]]
        path = write_xls_book(tmp_path / "a.xls", {"S": Sheet(rows)})
        texts: list[str] = []

        def run() -> None:
            texts[:] = [block.text for block in read(path)[1]]

        # To make a cell of each of five million places takes 20 s.
        assert processor_seconds(run, rounds=1) < 8
        assert texts[0] == "S"
        assert "far" in texts[-1]
