"""One workbook in every format of sheets gives the same text."""

import random
import zipfile

from document_files import write_odf, write_zip
from sheet_files import WRITERS, Cell, Sheet

from citewell.engine.parsing.base import BlockKind, ParseError
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.readers.number_formats import shown_number
from citewell.engine.parsing.reading import read_document
from citewell.engine.parsing.sheets import SHEET_FORMATS, read_sheets

MIME = {kind.value: mime for mime, kind in SHEET_FORMATS.items()}

BOOK = {
    "Margins": Sheet([["secret", "of all"]], is_hidden=True),
    "Tiers": Sheet(
        [
            ["Prices of 2026"],
            ["Tier", "Terms", "", "Code", "Cost price"],
            ["", "Discount", "Opens", "", ""],
            [
                "Gold",
                Cell(0.15, "0.0%", "15.0%"),
                Cell(0.3125, "hh:mm", "07:30"),
                Cell(1067, "00000", "01067"),
                Cell(7),
            ],
            ["Đồng", Cell(-0.025, "0.0%", "-2.5%"), Cell(0.8125, "hh:mm", "19:30"), "007", Cell(8)],
            ["Silver", Cell(0.1, "0.0%", "10.0%"), "", "9", Cell(9)],
            [],
            ["Fee", Cell(1200.5, '"€"#,##0.00', "€1,200.50"), Cell(46112, "dd/mm/yy", "31/03/26")],
            ["Call", Cell(2065551234, r"\(000\)\ 000\-0000", "(206) 555-1234"), Cell(2024), ""],
        ],
        hidden_rows=frozenset({6}),
        hidden_columns=frozenset({5}),
        merged=[(1, 1, 1, 4), (2, 1, 3, 1), (2, 2, 2, 3), (2, 4, 3, 4)],
        box="Valid until June",
    ),
}  # fmt: skip


def _damaged(data: bytes, draw: random.Random, start: int = 0) -> bytes:
    out = bytearray(data)
    for _ in range(draw.choice((1, 3, 10))):
        out[draw.randrange(start, len(out))] = draw.randrange(256)
    return bytes(out[: draw.randrange(len(out))] if draw.random() < 0.3 else out)


class TestReadingSheets:
    def test_every_format_shows_the_same(self, read, tmp_path):
        for name, write in WRITERS.items():
            path = write(tmp_path / f"a.{name}", BOOK)
            info, blocks = read(path)
            expected = [
                (BlockKind.HEADING, "Tiers"),
                (BlockKind.PARAGRAPH, "Prices of 2026"),
                (
                    BlockKind.TABLE,
                    "Tier | Terms Discount | Terms Opens | Code\nGold | 15.0% | 07:30 | 01067\n"
                    "Đồng | -2.5% | 19:30 | 007",
                ),
                (
                    BlockKind.TABLE,
                    "Fee | €1,200.50 | 31/03/26\nCall | (206) 555-1234 | 2024",
                ),
                (BlockKind.LIST_ITEM, "Valid until June"),
            ]
            assert [(block.kind, block.text) for block in blocks] == expected, name
            assert {block.page for block in blocks} == {2}, name
            assert (info.page_count, info.metadata["sheets"]) == (2, "Tiers"), name
            (computed,) = read_sheets(path, path.name, MIME[name], 20)
            assert list(computed.rows[3][:4]) == ["Gold", "0.15", "0.3125", "1067"] or (
                list(computed.rows[3][:4]) == ["Gold", "0.15", "07:30", "1067"]
            ), name

    def test_comments_of_binary_workbooks_stand_behind_the_rows(self, read, tmp_path):
        for name in ("xlsb", "xls"):
            for row, told in ((2, ["B2: Ask for “less”"]), (3, [])):
                remark = (row, 2, "Ask for “less”")
                rows = [["Tier", "Cost"], ["Gold", Cell(7)], ["Silver", Cell(9)]]
                sheet = Sheet(rows, hidden_rows=frozenset({3}), remark=remark)
                _, blocks = read(WRITERS[name](tmp_path / f"a.{name}", {"S": sheet}))
                assert [b.text for b in blocks if b.kind is BlockKind.LIST_ITEM] == told, name

    def test_every_format_says_what_is_hidden_and_left_out(self, tmp_path):
        rows = [["Tier", "Cost"], ["Gold", Cell(7)], ["Silver", Cell(99)]]
        books = {
            "Hidden sheets were left out (1).": BOOK,
            # Of two cells, and of a column of a heading and two cells.
            "Hidden text was left out (8 characters).": {
                "A": Sheet(rows, hidden_rows=frozenset({3}))
            },
            "Hidden text was left out (7 characters).": {
                "A": Sheet(rows, hidden_columns=frozenset({2}))
            },
            "": {"A": Sheet(rows)},
        }
        for name, write in WRITERS.items():
            for expected, book in books.items():
                path = write(tmp_path / f"a.{name}", book)
                findings = Findings()
                _, blocks = read_document(path, path.name, ParseLimits(), findings)
                assert list(blocks)
                told = [expected] if expected else []
                assert [each.message for each in findings.warnings] == told, name

    def test_damaged_workbooks_are_said_to_be_damaged(self, read, tmp_path):
        draw = random.Random(14)
        whole = WRITERS["xls"](tmp_path / "a.xls", BOOK).read_bytes()
        binary = WRITERS["xlsb"](tmp_path / "a.xlsb", BOOK)
        with zipfile.ZipFile(binary) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        refused = 0
        for number in range(120):
            path = tmp_path / f"{number}"
            if number % 2:
                path.write_bytes(_damaged(whole, draw, 512))
            else:
                write_zip(path, parts | {n: _damaged(parts[n], draw) for n in ("xl/sheet2.bin",)})
            try:
                read(path)
            except ParseError:
                refused += 1
        assert refused > 10

    def test_open_sheets_without_stored_texts_show_values(self, read, tmp_path):
        def cell(kind: str, more: str) -> str:
            return f'<table:table-cell office:value-type="{kind}" {more}/>'

        cells = [
            cell("percentage", 'office:value="0.075"'),
            cell("float", 'office:value="12.50"'),
            cell("date", 'office:date-value="2026-03-31T00:00:00"'),
            cell("time", 'office:time-value="PT07H30M00S"'),
            cell("boolean", 'office:boolean-value="true"'),
            '<table:table-cell table:formula="of:=SUM([.A1])"/>',
        ]
        name = "<table:table-cell><text:p>{}</text:p><office:annotation><text:p>ask {}</text:p>"
        name += "</office:annotation></table:table-cell>"
        rows = "".join(name.format(letter, letter) for letter in "abcdef")
        repeated = '<table:table-row table:number-rows-repeated="1000000"/>'
        body = (
            f'<table:table table:name="S"><table:table-row>{rows}</table:table-row>'
            f'<table:table-row table:number-rows-repeated="2">{"".join(cells)}</table:table-row>'
            f"{repeated}</table:table>"
        )
        _, blocks = read(write_odf(tmp_path / "a.ods", "spreadsheet", body))
        line = "7.5% | 12.5 | 2026-03-31 | 07:30:00 | TRUE | (formula =SUM([.A1]) without a stored "
        assert blocks[1].text == "\n".join(["a | b | c | d | e | f", *[line + "value)"] * 2])
        assert blocks[2].text == "A1: ask a"


class TestShownNumbers:
    def test_digits_in_several_places_and_conditions_are_followed(self):
        for value, code, shown in [
            ("5551234", r"[<=9999999]###\-####;\(###\)\ ###\-####", "555-1234"),
            ("2065551234", r"[<=9999999]###\-####;\(###\)\ ###\-####", "(206) 555-1234"),
            ("12345678", "000-00-0000", "012-34-5678"),
            ("1234.5", '[>=1000]#,##0," k";0', "1 k"),
            ("12", '[>=1000]#,##0," k";0', "12"),
            ("-3", "[Red][<0]-0.0;0.0", "-3.0"),
            ("1234567", "# ##0", "1234 567"),
        ]:
            assert shown_number(value, code) == shown, (value, code)
