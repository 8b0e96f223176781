"""Cells of workbooks as the sheet shows them, and nothing that the sheet hides."""

from pathlib import Path

from document_files import CONTENT_TYPES, R, relations, write_zip

from citewell.engine.parsing.base import BlockKind
from citewell.engine.parsing.readers.number_formats import shown_number
from citewell.engine.parsing.sheets import read_sheets

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

SHOWN = [
    ("0.15", "0.0%", "15.0%"),
    ("12345678", '0.0,,"M"', "12.3M"),
    ("12345678", "#,##0.0,", "12,345.7"),
    ("-0.025", "0.0%", "-2.5%"),
    ("0.9", "0%", "90%"),
    ("1200.5", '"€"#,##0.00', "€1,200.50"),
    ("1599.99", "[$$-409]#,##0.00", "$1,599.99"),
    ("-1234.5", '#,##0.00" EUR";[Red]-#,##0.00" EUR"', "-1,234.50 EUR"),
    ("-1234.5", "#,##0.00_);(#,##0.00)", "(1,234.50)"),
    ("0", '#,##0;-#,##0;"-"', "-"),
    ("1067", "00000", "01067"),
    ("1234567", "#,##0,", "1,235"),
    ("0.5", "#.##", ".5"),
    ("2.50", "0.##", "2.5"),
    ("12345.678", "0.00E+00", "1.23E+04"),
    ("0.30000000000000004", "General", "0.3"),
    ("12.0", "General", "12"),
    ("123456789012", "General", "123456789012"),
    ("5", 'General" kg"', "5 kg"),
    ("46112", "dd/mm/yyyy", "31/03/2026"),
    ("46112", "yyyy-mm-dd", "2026-03-31"),
    ("46112", "[$-409]d mmmm yyyy", "31 March 2026"),
    ("46112.75", "dd.mm.yy hh:mm", "31.03.26 18:00"),
    ("0.3125", "hh:mm", "07:30"),
    ("0.8125", "h:mm AM/PM", "7:30 PM"),
    ("1.5", "[h]:mm", "36:00"),
    ("0.000694444", "mm:ss", "01:00"),
    ("1", "yyyy-mm-dd", "1900-01-01"),
    ("not a number", "0.00", "not a number"),
    ("0.25", "# ?/?", "1/4"),
    ("-2.75", "# ?/?", "-2 3/4"),
    ("3", "# ?/?", "3"),
    ("2.999", "# ?/?", "3"),
    ("5.1875", '# ??/16"in"', "5 3/16in"),
    ("1.5", "?/?", "3/2"),
    ("2.75", "# 0/0", "2.75"),
    ("2.75", "# ?/00", "2.75"),
    ("2.75", "# ?/20", "2 15/20"),
    ("0", "0;-0;;@", ""),
    ("-7", "0;;0", ""),
    ("1e40", "0.00", "1e40"),
    ("1e999999", "0%", "1e999999"),
    ("nan", "0", "nan"),
]


def workbook(path: Path, sheets: dict[str, tuple[str, str]], styles: str = "", more: str = ""):
    """Sheets by name, each a state and the inside of its `worksheet`."""
    listed = "".join(
        f'<sheet name="{name}" sheetId="{n}" state="{state}" r:id="s{n}"/>'
        for n, (name, (state, _)) in enumerate(sheets.items(), 1)
    )
    parts = {
        "[Content_Types].xml": CONTENT_TYPES,
        "_rels/.rels": relations([("m", "officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f"<workbook {MAIN} {R}><sheets>{listed}</sheets></workbook>",
        "xl/styles.xml": f"<styleSheet {MAIN}>{styles}</styleSheet>",
        "xl/sharedStrings.xml": f"<sst {MAIN}>{more}</sst>",
        "xl/_rels/workbook.xml.rels": relations(
            [
                *((f"s{n}", "worksheet", f"sheet{n}.xml") for n in range(1, len(sheets) + 1)),
                ("st", "styles", "styles.xml"),
                ("ss", "sharedStrings", "sharedStrings.xml"),
            ]
        ),
    }
    for n, (_, inside) in enumerate(sheets.values(), 1):
        parts[f"xl/sheet{n}.xml"] = f"<worksheet {MAIN}>{inside}</worksheet>"
    return write_zip(path, parts)


def row(number: int, *cells: str, more: str = "") -> str:
    inside = "".join(
        f'<c r="{chr(65 + at)}{number}" t="inlineStr"><is><t>{cell}</t></is></c>' if cell else ""
        for at, cell in enumerate(cells)
    )
    return f'<row r="{number}" {more}>{inside}</row>'


class TestShownNumbers:
    def test_formats_are_followed(self):
        for value, code, shown in SHOWN:
            assert shown_number(value, code) == shown, (value, code)
        assert shown_number("44650", "yyyy-mm-dd", is_1904=True) == "2026-03-31"


class TestReadingWorkbooks:
    def test_cells_come_with_their_formats_and_kinds(self, read, tmp_path):
        codes = ["0.0%", "00000"]
        styles = (
            "<numFmts>"
            + "".join(
                f'<numFmt numFmtId="{170 + n}" formatCode="{c}"/>' for n, c in enumerate(codes)
            )
            + '</numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="170"/><xf numFmtId="171"/>'
            '<xf numFmtId="20"/></cellXfs>'
        )
        strings = "<si><t>007</t></si><si><r><t>30</t></r><r><rPr><vertAlign val="
        strings += '"superscript"/></rPr><t>1</t></r><rPh><t>reading</t></rPh></si>'
        cells = (
            '<c r="A2" s="1"><v>0.15</v></c><c s="2"><v>1067</v></c>'
            '<c r="C2" s="3"><v>0.3125</v></c>'
            '<c r="D2" t="s"><v>0</v></c><c r="E2" t="s"><v>1</v></c><c r="F2" t="b"><v>1</v></c>'
            '<c r="G2"><f>SUM(A1:A2)</f></c><c r="H2" t="e"><v>#DIV/0!</v></c>'
        )
        sheet = f"<sheetData>{row(1, *'abcdefgh')}<row r='2'>{cells}</row></sheetData>"
        path = workbook(tmp_path / "a.xlsx", {"S": ("visible", sheet)}, styles, strings)
        _, blocks = read(path)
        assert blocks[-1].text.split("\n")[1].split(" | ") == [
            "15.0%", "01067", "7:30", "007", "30¹", "TRUE",
            "(formula =SUM(A1:A2) without a stored value)", "#DIV/0!",
        ]  # fmt: skip
        (computed,) = read_sheets(path, "a.xlsx", XLSX, 10)
        assert computed.rows[1][:4] == ["0.15", "1067", "7:30", "007"]

    def test_hidden_sheets_rows_and_columns_are_left_out(self, read, tmp_path):
        columns = '<cols><col min="2" max="2" hidden="1"/></cols>'
        rows = row(1, "Name", "Salary", "Role") + row(2, "Ola", "41000", "Welder")
        rows += row(3, "Pia", "39000", "Fitter", more='hidden="1"')
        sheets = {
            "Margins": ("hidden", f"<sheetData>{row(1, 'secret')}</sheetData>"),
            "Crew": ("visible", f"{columns}<sheetData>{rows}</sheetData>"),
            "Deep": ("veryHidden", f"<sheetData>{row(1, 'secret')}</sheetData>"),
        }
        path = workbook(tmp_path / "a.xlsx", sheets)
        info, blocks = read(path)
        assert [(block.text, block.page) for block in blocks] == [
            ("Crew", 2), ("Name | Role\nOla | Welder", 2)
        ]  # fmt: skip
        assert info.metadata["sheets"] == "Crew"
        (computed,) = read_sheets(path, "a.xlsx", XLSX, 10)
        assert "41000" not in str(computed.rows)

    def test_merged_headers_name_every_column(self, read, tmp_path):
        rows = row(1, "Prices of 2026") + row(2, "Product", "2025", "", "2026")
        rows += row(3, "", "Q1", "Q2", "Q1", "Q2") + row(4, "Pump", "1", "2", "3", "4")
        rows += row(5, "", "5", "6", "7", "8") + row(9, "A note below.")
        merged = "".join(
            f'<mergeCell ref="{ref}"/>' for ref in ("A1:E1", "A2:A3", "B2:C2", "D2:E2", "A4:A5")
        )
        sheet = f"<sheetData>{rows}</sheetData><mergeCells>{merged}</mergeCells>"
        _, blocks = read(workbook(tmp_path / "a.xlsx", {"S": ("visible", sheet)}))
        assert [(block.kind, block.text) for block in blocks[1:]] == [
            (BlockKind.PARAGRAPH, "Prices of 2026"),
            (
                BlockKind.TABLE,
                "Product | 2025 Q1 | 2025 Q2 | 2026 Q1 | 2026 Q2\nPump | 1 | 2 | 3 | 4\n"
                "Pump | 5 | 6 | 7 | 8",
            ),
            (BlockKind.TABLE, "A note below."),
        ]

    def test_figures_name_columns_below_a_cell_beside_a_merged_one(self, read, tmp_path):
        merges = {"merged": '<mergeCell ref="A1:A2"/>', "apart": ""}
        for name, merge in merges.items():
            rows = row(1, "Zone", "Weight (kg)") + row(2, "", "0-5", "6-10", "11-20")
            rows += row(3, "Inner", "4", "6", "9")
            merged = f'<mergeCells>{merge}<mergeCell ref="B1:D1"/></mergeCells>'
            sheet = f"<sheetData>{rows}</sheetData>{merged}"
            _, blocks = read(workbook(tmp_path / f"{name}.xlsx", {"S": ("visible", sheet)}))
            expected = "Zone | Weight (kg) 0-5 | Weight (kg) 6-10 | Weight (kg) 11-20"
            assert blocks[1].text == f"{expected}\nInner | 4 | 6 | 9"
        rows = row(1, "Harbour", "Depth") + row(2, "Aldby", "4", "6") + row(3, "Brix", "7", "9")
        sheet = f'<sheetData>{rows}</sheetData><mergeCells><mergeCell ref="B1:C1"/></mergeCells>'
        _, blocks = read(workbook(tmp_path / "b.xlsx", {"S": ("visible", sheet)}))
        assert blocks[1].text == "Harbour | Depth\nAldby | 4 | 6\nBrix | 7 | 9"
