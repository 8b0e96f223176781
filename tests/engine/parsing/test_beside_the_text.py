"""Hidden text that is kept, by setting, stands between marks in every format alike."""

import zipfile

import sheet_files
from document_files import (
    W,
    slide_shape,
    write_docx,
    write_epub,
    write_odf,
    write_pptx,
    write_zip,
)
from old_office_files import Shown, write_shown_ppt

from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.readers.html import HtmlBlockParser, markup_blocks
from citewell.engine.parsing.readers.word_styles import counted
from citewell.engine.parsing.reading import read_document
from tests.timing import processor_seconds


def kept(path) -> tuple[str, list[str]]:
    """The text with what is hidden, and the codes of the warnings."""
    findings = Findings(keeps_hidden=True)
    _, blocks = read_document(path, path.name, ParseLimits(keeps_hidden=True), findings)
    return " / ".join(b.text for b in blocks), [each.code for each in findings.warnings]


class TestKeepingHiddenText:
    def test_texts_are_marked_where_they_stand(self, tmp_path):
        hidden = "<w:r><w:rPr><w:vanish/></w:rPr><w:t>{}</w:t></w:r>"
        row = "<w:tr>{}<w:tc><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc></w:tr>"
        body = (
            f"<w:p><w:r><w:t>Seen</w:t></w:r>{hidden.format(' sec')}{hidden.format('ret')}</w:p>"
            f"<w:tbl>{row.format('', 'one')}{row.format('<w:trPr><w:hidden/></w:trPr>', 'two')}"
            "</w:tbl>"
        )
        styles = (
            '<office:automatic-styles xmlns:style="s:style">'
            '<style:style style:name="H"><style:text-properties text:display="none"/></style:style>'
            "</office:automatic-styles>"
        )
        office = '<text:p>Seen<text:span text:style-name="H"> secret</text:span></text:p>'
        shape = slide_shape("two").replace("<p:nvSpPr>", '<p:nvSpPr><p:cNvPr hidden="1"/>')
        page = tmp_path / "a.html"
        page.write_text("<!doctype html><p>Seen <span hidden>sec<b>ret</b></span>.</p>")
        rich = tmp_path / "a.rtf"
        rich.write_text(r"{\rtf1 Seen{\v  secret}.\par}")
        for path, text in (
            (write_docx(tmp_path / "a.docx", body), "Seen [hidden: secret] / one\n[hidden: two]"),
            (
                write_odf(tmp_path / "a.odt", "text", office, before=styles),
                "Seen [hidden: secret]",
            ),
            (write_pptx(tmp_path / "a.pptx", [slide_shape("one") + shape]), "one / [hidden: two]"),
            (page, "Seen [hidden: secret]."),
            (rich, "Seen [hidden: secret]."),
        ):
            assert kept(path) == (text, ["hidden_kept"]), path.name

    def test_hidden_parts_of_pages_hold_no_scripts_and_need_no_end(self, tmp_path):
        page = tmp_path / "a.html"
        page.write_text(
            "<!doctype html><p>Seen</p><div hidden>one<script>var x</script><style>.no {display:"
            "none}</style> two</div><p class=no>three</p><p>Seen</p><div hidden>four <b>five"
        )
        assert kept(page)[0] == (
            "Seen / [hidden: one two] [hidden: three] / Seen / [hidden: four five]"
        )

    def test_hidden_parts_of_hidden_slides_are_marked_once(self, tmp_path):
        slide = Shown("Offer", [("It is 9.", 0)], is_hidden=True, hidden_shape="secret")
        path = write_shown_ppt(tmp_path / "a.ppt", [slide])
        assert kept(path)[0] == "[hidden: Offer] / [hidden: It is 9.] / [hidden: secret]"

    def test_slides_are_marked_and_keep_their_numbers(self, tmp_path):
        path = write_pptx(tmp_path / "a.pptx", [slide_shape("one"), slide_shape("two")])
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        name = "ppt/slides/slide1.xml"
        parts[name] = parts[name].replace(b"<p:sld ", b'<p:sld show="0" ')
        write_zip(path, parts)
        assert kept(path) == ("one / [hidden: two]", ["hidden_kept"])

    def test_sheets_rows_and_columns_are_marked(self, tmp_path):
        rows = [["Name", "Cost", "Price"], ["Pump", "61", "90"], ["Valve", "7", "9"]]
        book = {
            "S": sheet_files.Sheet(rows, hidden_rows=frozenset({3}), hidden_columns=frozenset({2})),
            "H": sheet_files.Sheet([["a", "b"]], is_hidden=True),
        }
        expected = (
            "S / Name | [hidden: Cost] | Price\nPump | [hidden: 61] | 90\n"
            "[hidden: Valve] | [hidden: 7] | [hidden: 9] / H / [hidden: a] | [hidden: b]"
        )
        for kind, write in sheet_files.WRITERS.items():
            assert kept(write(tmp_path / f"a.{kind}", book)) == (expected, ["hidden_kept"]), kind


class TestLeavingOutHiddenText:
    def test_frames_and_groups_of_slides_are_left_out_with_all_they_hold(self, read, tmp_path):
        table = (
            '<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id="9" name="t" hidden="1"/>'
            "</p:nvGraphicFramePr><a:graphic><a:tbl><a:tr><a:tc><a:txBody><a:p><a:r><a:t>secret"
            "</a:t></a:r></a:p></a:txBody></a:tc></a:tr></a:tbl></a:graphic></p:graphicFrame>"
        )
        group = (
            '<p:grpSp><p:nvGrpSpPr><p:cNvPr id="8" name="g" hidden="1"/></p:nvGrpSpPr>'
            f"{slide_shape('secret')}</p:grpSp>"
        )
        path = write_pptx(tmp_path / "a.pptx", [slide_shape("Seen") + table + group])
        assert [block.text for block in read(path)[1]] == ["Seen"]

    def test_sheet_that_a_chapter_links_again_and_again_is_read_once(self):
        asked: list[str] = []

        def sheet_of(target: str) -> str:
            asked.append(target)
            return ".no {display: none}" if target == "a.css" else ""

        links = '<link rel="stylesheet" href="a.css"/><link rel="stylesheet" href="b.css"/>'
        parser = HtmlBlockParser(sheet_of=sheet_of)
        blocks = markup_blocks([20 * links + '<p>Seen<b class="no">secret</b></p>'], parser)
        assert [block.text for block in blocks] == ["Seen"]
        assert asked == ["a.css", "b.css"]

    def test_lengths_of_many_digits_cost_little(self):
        page = f'<p>a<span style="vertical-align: {30_000 * "1"}">b</span></p>'
        assert processor_seconds(lambda: list(markup_blocks([page])), rounds=1) < 2

    def test_style_sheets_of_a_book_hide_and_raise(self, read, tmp_path):
        path = write_epub(
            tmp_path / "a.epub",
            {
                "one": '<link rel="stylesheet" href="s/a.css"/><p>It costs 42<span class="up">7'
                '</span> euros<span class="no"> secret</span> of H<span class="down">2</span>O.</p>'
            },
        )
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(
                "book/s/a.css",
                ".up {position: relative; top: -0.33em} .down {vertical-align: -25%}"
                " .no {display: none}",
            )
        assert [block.text for block in read(path)[1]] == ["It costs 42⁷ euros of H₂O."]


class TestReadingWhatStandsBeside:
    def test_comments_are_told_with_their_author(self, read, tmp_path):
        comments = (
            f'<w:comments {W}><w:comment w:id="3" w:author="Otto Weiss"><w:p><w:r><w:t>Limit is 73.'
            "</w:t></w:r></w:p></w:comment></w:comments>"
        )
        body = '<w:p><w:r><w:t>It costs more.</w:t><w:commentReference w:id="3"/></w:r></w:p>'
        word = write_docx(tmp_path / "a.docx", body, comments=comments)
        office = (
            "<text:p>It costs more.<office:annotation><creator>Otto Weiss</creator>"
            "<text:p>Limit is 73.</text:p></office:annotation></text:p>"
        )
        for path in (word, write_odf(tmp_path / "a.odt", "text", office)):
            assert [block.text for block in read(path)[1]] == [
                "It costs more.", "Comment by Otto Weiss: Limit is 73.",
            ], path.name  # fmt: skip

    def test_comments_in_cells_and_boxes_are_told_once_and_labelled(self, read, tmp_path):
        remark = (
            "<office:annotation><creator>Otto</creator><text:p>Limit is 73.</text:p>"
            "</office:annotation>"
        )
        cell = f"<table:table-cell><text:p>It costs 9.{remark}</text:p></table:table-cell>"
        row = f"<table:table-row>{cell}{cell.replace(remark, '')}</table:table-row>"
        box = "<draw:frame><draw:text-box><text:p>{}</text:p></draw:text-box></draw:frame>"
        body = f"<table:table>{row}</table:table><text:p>Text{box.format('Box' + remark)}</text:p>"
        path = write_odf(tmp_path / "a.odt", "text", body)
        assert [block.text for block in read(path)[1]] == [
            "It costs 9. Comment by Otto: Limit is 73. | It costs 9.",
            "Text", "Box", "Comment by Otto: Limit is 73.",
        ]  # fmt: skip
        inner = ""
        for level in range(30):
            inner = f"Level {level}.{box.format(inner)}"
        path = write_odf(tmp_path / "b.odt", "text", f"<text:p>{inner}</text:p>")
        assert [block.text for block in read(path)[1]] == [
            f"Level {level}." for level in reversed(range(30))
        ]

    def test_comment_without_author_does_not_take_that_of_the_last(self, read, tmp_path):
        path = tmp_path / "a.rtf"
        path.write_text(
            r"{\rtf1 One.{\*\atnauthor Otto}\chatn{\*\annotation Limit is 73.}\par "
            r"Two.\chatn{\*\annotation Limit is 74.}\par}"
        )
        assert [block.text for block in read(path)[1]] == [
            "One.", "Comment by Otto: Limit is 73.", "Two.", "Comment: Limit is 74.",
        ]  # fmt: skip

    def test_choices_of_old_form_fields_are_read(self, read, tmp_path):
        fields = (
            '<w:ddList><w:result w:val="1"/><w:listEntry w:val="road"/><w:listEntry w:val="rail"/>'
            "</w:ddList>",
            '<w:checkBox><w:default w:val="0"/><w:checked/></w:checkBox>',
            '<w:checkBox><w:default w:val="0"/></w:checkBox>',
        )
        body = "".join(
            '<w:p><w:r><w:t xml:space="preserve">By: </w:t></w:r><w:r><w:fldChar '
            f'w:fldCharType="begin"><w:ffData>{each}</w:ffData></w:fldChar></w:r></w:p>'
            for each in fields
        )
        path = write_docx(tmp_path / "a.docx", body)
        assert [block.text for block in read(path)[1]] == ["By: rail", "By: ☒", "By: ☐"]

    def test_results_of_fields_in_the_code_of_another_are_no_text(self, read, tmp_path):
        def mark(kind: str) -> str:
            return f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'

        def text(said: str) -> str:
            return f'<w:r><w:t xml:space="preserve">{said}</w:t></w:r>'

        inner = f"{mark('begin')}{mark('separate')}{text('731')}{mark('end')}"
        outer = f"{mark('begin')}{inner}{mark('separate')}{text('many')}{mark('end')}"
        open_ended = f"{mark('begin')}{text(' and lifts.')}"
        body = f"<w:p>{text('There are ')}{outer}{text(' cranes')}{open_ended}</w:p>"
        path = write_docx(tmp_path / "a.docx", body)
        assert [block.text for block in read(path)[1]] == ["There are many cranes and lifts."]


class TestNumberingLists:
    def test_letters_go_on_as_their_format_says(self, read, tmp_path):
        path = tmp_path / "a.html"
        path.write_text(
            "<!doctype html><ol type=a start=26><li>One<li>Two<li>Three</ol>"
            "<ol type=A start=999999><li>Four</ol>"
        )
        assert [block.text for block in read(path)[1]] == [
            "z. One", "aa. Two", "ab. Three", "BDWGM. Four",
        ]  # fmt: skip
        for sync, letters in (("", "ab"), ('style:num-letter-sync="true"', "bb")):
            styles = (
                '<office:automatic-styles xmlns:style="s:style"><text:list-style style:name="L">'
                f'<text:list-level-style-number text:level="1" style:num-format="a" {sync}'
                ' text:start-value="28"/></text:list-style></office:automatic-styles>'
            )
            body = (
                '<text:list text:style-name="L"><text:list-item><text:p>One</text:p>'
                "</text:list-item></text:list>"
            )
            path = write_odf(tmp_path / "a.odt", "text", body, before=styles)
            assert [block.text for block in read(path)[1]] == [f"{letters} One"]
        assert (counted(28, "lowerLetter"), counted(9_999, "upperLetter")) == ("bb", "9999")

    def test_open_document_lists_and_headings_have_their_numbers(self, read, tmp_path):
        level = '<text:list-level-style-number text:level="{}" style:num-format="{}" {}/>'
        styles = (
            '<office:automatic-styles xmlns:style="s:style"><text:list-style style:name="L">'
            + level.format(1, "1", 'style:num-suffix=")"')
            + level.format(2, "a", 'text:display-levels="2"')
            + '</text:list-style><text:list-style style:name="A">'
            + level.format(1, "I", 'style:num-prefix="Article " text:start-value="3"')
            + '</text:list-style><text:list-style style:name="B">'
            '<text:list-level-style-bullet text:level="1"/></text:list-style>'
            "<text:outline-style>"
            '<text:outline-level-style text:level="1" style:num-format="1" style:num-suffix="."/>'
            '<text:outline-level-style text:level="2" style:num-format="1"'
            ' text:display-levels="2"/></text:outline-style></office:automatic-styles>'
        )

        def items(*texts: str, style: str = "", goes_on: bool = False) -> str:
            name = f'text:style-name="{style}" ' if style else ""
            more = 'text:continue-numbering="true"' if goes_on else ""
            inner = (f"<text:list-item><text:p>{each}</text:p></text:list-item>" for each in texts)
            return f"<text:list {name}{more}>{''.join(inner)}</text:list>"

        body = (
            '<text:h text:outline-level="1">Rules</text:h>'
            '<text:h text:outline-level="2">Fees</text:h>'
            '<text:list text:style-name="L"><text:list-item><text:p>One</text:p>'
            f"<text:p>more</text:p>{items('Two', 'Three')}</text:list-item></text:list>"
            f"<text:p>Between.</text:p>{items('Four', style='L', goes_on=True)}"
            f"{items('Anew', style='L')}{items('Pays', 'Repairs', style='A')}"
            f"{items('Dot', style='B')}"
        )
        path = write_odf(tmp_path / "a.odt", "text", body, before=styles)
        assert [block.text for block in read(path)[1]] == [
            "1. Rules", "1.1 Fees", "1) One", "more", "1.a Two", "1.b Three", "Between.", "2) Four",
            "1) Anew", "Article III Pays", "Article IV Repairs", "Dot",
        ]  # fmt: skip

    def test_pages_count_as_their_lists_say(self, read, tmp_path):
        path = tmp_path / "a.html"
        path.write_text(
            "<!doctype html><ol type=a><li>One<li value=4>Two</ol><ol type=I start=3><li>Three</ol>"
        )
        assert [block.text for block in read(path)[1]] == ["a. One", "d. Two", "III. Three"]


class TestReadingFormulas:
    FORMULA = (
        "<math><semantics><mrow><mi>V</mi><mo>=</mo><msup><mn>10</mn><mn>3</mn></msup><mo>+</mo>"
        "<mfrac><mrow><mi>a</mi><mo>+</mo><mn>1</mn></mrow>"
        "<msub><mi>H</mi><mn>2</mn></msub></mfrac>"
        "</mrow><annotation>V = 10^3</annotation></semantics></math>"
    )

    def test_pages_books_and_open_documents_show_them_in_a_line(self, read, tmp_path):
        page = tmp_path / "a.html"
        page.write_text(
            f"<!doctype html><p>It is {self.FORMULA} litres.</p>"
            "<p>Open: <math><mi>x</mi></p><p>End."
        )
        assert [block.text for block in read(page)[1]] == [
            "It is V=10^3+(a+1)/(H_2) litres.", "Open: x", "End.",
        ]  # fmt: skip
        book = write_epub(tmp_path / "a.epub", {"one": f"<p>It is {self.FORMULA} litres.</p>"})
        assert [block.text for block in read(book)[1]] == ["It is V=10^3+(a+1)/(H_2) litres."]
        frame = '<draw:frame><draw:object href="./Object 1"/></draw:frame>'
        office = write_odf(tmp_path / "a.odt", "text", f"<text:p>It is {frame} litres.</text:p>")
        with zipfile.ZipFile(office, "a") as archive:
            archive.writestr("Object 1/content.xml", self.FORMULA)
        assert [block.text for block in read(office)[1]] == ["It is V=10^3+(a+1)/(H_2) litres."]

    def test_fractions_bases_and_hidden_parts_are_apart(self, read, tmp_path):
        half = "<mfrac><mn>1</mn><mn>2</mn></mfrac>"
        total = "<mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow>"
        fenced = f"<mrow><mo>(</mo>{total}<mo>)</mo></mrow>"
        page = tmp_path / "a.html"
        for formula, shown in (
            (f"<mn>1</mn>{half}<mi>x</mi>", "1 1/2 x"),
            (f"<mn>1</mn><mrow>{half}</mrow>", "1 1/2"),
            (f"<msup>{total}<mn>2</mn></msup>", "(a+b)^2"),
            (f"<msup>{fenced}<mn>2</mn></msup>", "(a+b)^2"),
            (f"<msup>{half}<mn>3</mn></msup>", "(1/2)^3"),
            ("<msup><mn>1.5</mn><mn>2</mn></msup>", "1.5^2"),
            ('<mi>x</mi><mtext style="display:none">secret</mtext>', "x"),
        ):
            page.write_text(f"<!doctype html><p>It is <math>{formula}</math> here.</p>")
            assert [block.text for block in read(page)[1]] == [f"It is {shown} here."], formula
        assert kept(page)[0] == "It is x[hidden: secret] here."

    def test_cells_over_rows_of_open_documents_are_repeated(self, read, tmp_path):
        cell = "<table:table-cell{}><text:p>{}</text:p></table:table-cell>"
        rows = (
            cell.format(' table:number-rows-spanned="2"', "Basalt") + cell.format("", "5"),
            "<table:covered-table-cell/>" + cell.format("", "6"),
            cell.format("", "Marble") + cell.format("", "7"),
        )
        table = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
        path = write_odf(tmp_path / "a.odt", "text", f"<table:table>{table}</table:table>")
        assert [block.text for block in read(path)[1]] == ["Basalt | 5\nBasalt | 6\nMarble | 7"]

    def test_comments_of_rich_text_are_told_with_their_author(self, read, tmp_path):
        path = tmp_path / "a.rtf"
        path.write_text(
            r"{\rtf1 It costs more.{\*\atnid OW}{\*\atnauthor Otto Weiss}\chatn{\*\annotation "
            r"{\*\atndate 1}\pard Limit is 73.}\par Next.\par}"
        )
        assert [block.text for block in read(path)[1]] == [
            "It costs more.", "Comment by Otto Weiss: Limit is 73.", "Next.",
        ]  # fmt: skip
