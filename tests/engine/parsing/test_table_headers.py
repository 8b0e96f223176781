"""Headers of several rows, tables within tables and lists keep what belongs together."""

import zipfile

from document_files import (
    slide_shape,
    write_docx,
    write_odf,
    write_pdf_content,
    write_pptx,
    write_zip,
)

from citewell.engine.parsing.base import Block, BlockKind


def tables(blocks: list[Block]) -> list[str]:
    return [block.text for block in blocks if block.kind is BlockKind.TABLE]


FARES = "Zone | Adults Single | Adults Return | Dogs Any\nInner | 3.10 | 5.60 | 1.00"


class TestReadingHeadersOfSeveralRows:
    def test_names_of_spanned_columns_are_put_together_in_every_format(self, read, tmp_path):
        paths = []
        cell = "<w:tc><w:tcPr>{}</w:tcPr><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc>"
        spans, begin, go_on = (
            '<w:gridSpan w:val="2"/>',
            '<w:vMerge w:val="restart"/>',
            "<w:vMerge/>",
        )
        rows = [
            [(begin, "Zone"), (spans, "Adults"), ("", "Dogs")],
            [(go_on, ""), ("", "Single"), ("", "Return"), ("", "Any")],
            [("", "Inner"), ("", "3.10"), ("", "5.60"), ("", "1.00")],
        ]
        body = "".join(
            f"<w:tr>{''.join(cell.format(*each) for each in row)}</w:tr>" for row in rows
        )
        paths.append(write_docx(tmp_path / "a.docx", f"<w:tbl>{body}</w:tbl>"))

        path = tmp_path / "a.html"
        path.write_text(
            "<table><tr><th rowspan=2>Zone<th colspan=2>Adults<th>Dogs<tr><th>Single<th>Return<th>"
            "Any<tr><td>Inner<td>3.10<td>5.60<td>1.00</table>"
        )
        paths.append(path)

        path = tmp_path / "a.rtf"
        ends = r"\cellx1000\cellx2000\cellx3000\cellx4000"
        path.write_text(
            r"{\rtf1\trowd\clvmgf\cellx1000\cellx3000\cellx4000\intbl Zone\cell Adults\cell"
            r" Dogs\cell"
            rf"\row\trowd\clvmrg{ends}\intbl \cell Single\cell Return\cell Any\cell\row\trowd{ends}"
            r"\intbl Inner\cell 3.10\cell 5.60\cell 1.00\cell\row\pard\par}"
        )
        paths.append(path)

        plain = "<table:table-cell{}><text:p>{}</text:p></table:table-cell>"
        covered = "<table:covered-table-cell/>"
        down, across = ' table:number-rows-spanned="2"', ' table:number-columns-spanned="2"'
        rows = [
            plain.format(down, "Zone") + plain.format(across, "Adults") + covered,
            covered + plain.format("", "Single") + plain.format("", "Return"),
            plain.format("", "Inner") + plain.format("", "3.10") + plain.format("", "5.60"),
        ]
        lasts = ("Dogs", "Any", "1.00")
        body = "".join(
            f"<table:table-row>{row}{plain.format('', last)}</table:table-row>"
            for row, last in zip(rows, lasts, strict=True)
        )
        body = f"<table:table>{body}</table:table>"
        paths.append(write_odf(tmp_path / "a.odt", "text", body))

        tc = "<a:tc{}><a:txBody><a:p><a:r><a:t>{}</a:t></a:r></a:p></a:txBody></a:tc>"
        rows = [
            tc.format(' rowSpan="2"', "Zone") + tc.format(' gridSpan="2"', "Adults")
            + tc.format(' hMerge="1"', "") + tc.format("", "Dogs"),
            tc.format(' vMerge="1"', "")
            + "".join(tc.format("", t) for t in ("Single", "Return", "Any")),
            "".join(tc.format("", t) for t in ("Inner", "3.10", "5.60", "1.00")),
        ]  # fmt: skip
        table = "".join(f"<a:tr>{row}</a:tr>" for row in rows)
        frame = f"<p:graphicFrame><a:graphic><a:tbl>{table}</a:tbl></a:graphic></p:graphicFrame>"
        paths.append(write_pptx(tmp_path / "a.pptx", [frame]))

        for path in paths:
            _, blocks = read(path)
            assert tables(blocks) == [FARES], path.name

    def test_a_cell_over_columns_without_names_of_their_own_heads_no_body(self, read, tmp_path):
        path = tmp_path / "a.html"
        path.write_text(
            "<table><tr><th>Harbour<th colspan=2>Depth<tr><td>Aldby<td>4<td>6<tr><td>Brix<td>7<td>9"
            "</table><table><tr><th>Crew<th colspan=2>Reached at<tr><td>Ann<td>home<td>work<tr>"
            "<td>Bo<td>ship<td>yard</table>"
        )
        _, blocks = read(path)
        assert tables(blocks) == [
            "Harbour | Depth\nAldby | 4 | 6\nBrix | 7 | 9",
            "Crew | Reached at\nAnn | home | work\nBo | ship | yard",
        ]

    def test_the_first_row_of_the_body_names_no_columns(self, read, tmp_path):
        path = tmp_path / "a.html"
        bodies = [
            "<tr><td colspan=2>Contact<td>Office<tr><td>Ann<td>ann@x.org<td>Berlin"
            "<tr><td>Bob<td>bob@x.org<td>Ulm",
            "<tr><th><th colspan=2>Members<tr><td>Ann<td>Sales<td>Berlin"
            "<tr><td>Bob<td>Works<td>Ulm",
            "<tr><th>Day<th colspan=2>Opening hours<tr><td><td>closed<td>closed"
            "<tr><td>Mon<td>9:00<td>17:00",
        ]
        expected = [
            "Contact |  | Office\nAnn | ann@x.org | Berlin\nBob | bob@x.org | Ulm",
            " | Members\nAnn | Sales | Berlin\nBob | Works | Ulm",
            "Day | Opening hours\n | closed | closed\nMon | 9:00 | 17:00",
        ]
        path.write_text("".join(f"<table>{body}</table>" for body in bodies))
        assert tables(read(path)[1]) == expected

    def test_names_over_columns_of_figures_need_no_merged_first_cell(self, read, tmp_path):
        path = tmp_path / "a.html"
        path.write_text(
            "<table><tr><td>Zone<td colspan=2>Adults<tr><td><td>Single<td>Return"
            "<tr><td>Inner<td>3.10<td>5.60</table>"
        )
        assert tables(read(path)[1]) == [
            "Zone | Adults Single | Adults Return\nInner | 3.10 | 5.60"
        ]

    def test_rows_that_documents_call_headers_are_headers(self, read, tmp_path):
        row = "<w:tr><w:trPr>{}</w:trPr>{}</w:tr>".format
        cell = (
            "<w:tc><w:tcPr><w:gridSpan w:val='{}'/></w:tcPr><w:p><w:r><w:t>{}</w:t></w:r></w:p>"
            "</w:tc>"
        ).format
        mark = "<w:tblHeader/>"
        body = (
            row(mark, cell(2, "Staff") + cell(1, "Office"))
            + row(mark, cell(1, "Name") + cell(1, "Mail") + cell(1, "Town"))
            + row("", cell(1, "Ann") + cell(1, "ann@x.org") + cell(1, "Ulm"))
        )
        path = write_docx(tmp_path / "a.docx", f"<w:tbl>{body}</w:tbl>")
        expected = ["Staff Name | Staff Mail | Office Town\nAnn | ann@x.org | Ulm"]
        assert tables(read(path)[1]) == expected

        plain = "<table:table-cell{}><text:p>{}</text:p></table:table-cell>".format
        across = ' table:number-columns-spanned="2"'
        lines = [
            f"{plain(across, 'Staff')}<table:covered-table-cell/>{plain('', 'Office')}",
            plain("", "Name") + plain("", "Mail") + plain("", "Town"),
            plain("", "Ann") + plain("", "ann@x.org") + plain("", "Ulm"),
        ]
        rows = [f"<table:table-row>{line}</table:table-row>" for line in lines]
        heads = f"<table:table-header-rows>{rows[0]}{rows[1]}</table:table-header-rows>"
        body = f"<table:table><table:table-column/>{heads}{rows[2]}</table:table>"
        assert tables(read(write_odf(tmp_path / "a.odt", "text", body))[1]) == expected

    def test_the_first_column_may_be_spanned_itself(self, read, tmp_path):
        path = tmp_path / "a.html"
        path.write_text(
            "<table><tr><th colspan=2>Staff<th colspan=2>Pay<tr><th>Name<th>Age<th>Day<th>Night"
            "<tr><td>Ann<td>31<td>210<td>260</table>"
        )
        _, blocks = read(path)
        assert tables(blocks) == [
            "Staff Name | Staff Age | Pay Day | Pay Night\nAnn | 31 | 210 | 260"
        ]

    def test_a_title_over_the_table_stays_a_row(self, read, tmp_path):
        path = tmp_path / "a.html"
        path.write_text(
            "<table><tr><th colspan=2>Fees of May<tr><td>Yawl<td>12<tr><td>Ketch<td>15</table>"
        )
        _, blocks = read(path)
        assert tables(blocks) == ["Fees of May\nYawl | 12\nKetch | 15"]

    def test_cells_that_go_on_are_repeated_in_rich_text(self, read, tmp_path):
        path = tmp_path / "a.rtf"
        path.write_text(
            r"{\rtf1\trowd\clvmgf\cellx1000\cellx2000\intbl Delta\cell Ulm\cell\row"
            r"\trowd\clvmrg\cellx1000\cellx2000\intbl \cell Ems\cell\row\pard\par}"
        )
        _, blocks = read(path)
        assert tables(blocks) == ["Delta | Ulm\nDelta | Ems"]


class TestReadingTablesWithinTables:
    def test_a_table_in_a_cell_of_data_is_part_of_the_cell(self, read, tmp_path):
        path = tmp_path / "a.html"
        inner = "<table><tr><th>Stop<th>Minutes<tr><td>Quarry<td>44</table>"
        path.write_text(
            "<table><tr><th>Zone<th>Fee<tr><td>Inner<td>3.10"
            f"<tr><td>Outer {inner}<td>7.40<tr><td>Total<td>10.50</table>"
        )
        expected = "Zone | Fee\nInner | 3.10\nOuter Stop, Minutes; Quarry, 44 | 7.40\nTotal | 10.50"
        _, blocks = read(path)
        assert tables(blocks) == [expected]

        def row(*texts: str) -> str:
            cells = (
                t if t.startswith("<") else f"<w:p><w:r><w:t>{t}</w:t></w:r></w:p>" for t in texts
            )
            return f"<w:tr>{''.join(f'<w:tc>{each}</w:tc>' for each in cells)}</w:tr>"

        within = f"<w:tbl>{row('Stop', 'Minutes')}{row('Quarry', '44')}</w:tbl><w:p/>"
        outer = f"<w:p><w:r><w:t>Outer</w:t></w:r></w:p>{within}"
        body = (
            row("Zone", "Fee") + row("Inner", "3.10") + row(outer, "7.40") + row("Total", "10.50")
        )
        _, blocks = read(write_docx(tmp_path / "a.docx", f"<w:tbl>{body}</w:tbl>"))
        assert tables(blocks) == [expected]


class TestReadingListsOfMarkup:
    def test_numbers_of_slides_are_counted_as_the_program_does(self, read, tmp_path):
        item = '<a:p><a:pPr lvl="{}">{}</a:pPr><a:r><a:t>{}</a:t></a:r></a:p>'
        auto = '<a:buAutoNum type="{}"{}/>'
        first, deep = auto.format("arabicPeriod", ' startAt="4"'), auto.format("alphaLcParenR", "")
        lines = [
            item.format(0, first, "Unhook"), item.format(1, deep, "Left"),
            item.format(1, deep, "Right"), item.format(0, first, "Lower"),
            item.format(0, "", "Wait"), item.format(0, first, "Stow"),
        ]  # fmt: skip
        shape = slide_shape("x").replace("<a:p><a:r><a:t>x</a:t></a:r></a:p>", "".join(lines))
        _, blocks = read(write_pptx(tmp_path / "a.pptx", [shape]))
        assert [block.text for block in blocks] == [
            "4. Unhook", "a) Left", "b) Right", "5. Lower", "Wait", "4. Stow",
        ]  # fmt: skip

    def test_lists_that_count_down_and_terms_without_end_tags(self, read, tmp_path):
        path = tmp_path / "a.html"
        path.write_text(
            "<ol reversed start=3><li>Third<li>Second</ol><ol reversed><li>Last</ol>"
            "<dl><dt>Draught<dd>3.2 m<dt>Beam<dd>5.8 m</dl><p>After"
        )
        _, blocks = read(path)
        assert [(block.text, block.kind is BlockKind.LIST_ITEM) for block in blocks] == [
            ("3. Third", True), ("2. Second", True), ("Last", True), ("Draught", False),
            ("3.2 m", True), ("Beam", False), ("5.8 m", True), ("After", False),
        ]  # fmt: skip


class TestReadingChartsOfOpenDocument:
    def test_titles_and_figures_are_read_once(self, read, tmp_path):
        spaces = (
            'xmlns:office="o:office" xmlns:chart="o:chart" xmlns:table="o:table" xmlns:text="o:t"'
        )
        cells = "<table:table-row>{}</table:table-row>".format
        cell = "<table:table-cell><text:p>{}</text:p></table:table-cell>".format
        chart = (
            f"<office:document-content {spaces}><office:body><office:chart><chart:chart>"
            "<chart:title><text:p>Catch of herring</text:p></chart:title><table:table>"
            f"{cells(cell('') + cell('Tons'))}{cells(cell('Spring') + cell('125'))}</table:table>"
            "</chart:chart></office:chart></office:body></office:document-content>"
        )
        frame = '<draw:frame><draw:object xlink:href="./Object 1"/></draw:frame>'
        body = f'<text:p xmlns:xlink="x">See below. {frame}{frame}</text:p>'
        path = write_odf(tmp_path / "a.odt", "text", body)
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        write_zip(path, {**parts, "Object 1/content.xml": chart})
        _, blocks = read(path)
        assert [b.text for b in blocks] == [
            "See below.",
            "Catch of herring",
            " | Tons\nSpring | 125",
        ]


class TestReadingHeadersOfPdf:
    def test_names_of_spanned_columns_are_put_together_between_lines(self, read, tmp_path):
        xs, ys = (60, 160, 260, 360, 460), (700, 680, 660, 640)
        rules = [f"{xs[0]} {y} m {xs[-1]} {y} l S" for y in (ys[0], ys[2], ys[3])]
        rules += [f"{xs[1]} {ys[1]} m {xs[-1]} {ys[1]} l S", f"{xs[2]} {ys[1]} m {xs[2]} 640 l S"]
        rules += [f"{x} {ys[0]} m {x} {ys[-1]} l S" for x in (60, 160, 360, 460)]
        words = [
            ("Zone", 0, 0), ("Adults", 1, 0), ("Dogs", 3, 0), ("Single", 1, 1), ("Return", 2, 1),
            ("Any", 3, 1), ("Inner", 0, 2), ("3.10", 1, 2), ("5.60", 2, 2), ("1.00", 3, 2),
        ]  # fmt: skip
        shown = [
            f"BT /F1 10 Tf {xs[column] + 5} {ys[row] - 14} Td ({text}) Tj ET"
            for text, column, row in words
        ]
        path = write_pdf_content(tmp_path / "a.pdf", " ".join([*rules, *shown]))
        assert tables(read(path)[1]) == [FARES]
