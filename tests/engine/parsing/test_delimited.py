from pathlib import Path

from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.readers.delimited import choose_delimiter
from citewell.engine.parsing.reading import read_document
from citewell.engine.parsing.sheets import read_sheets

PARAGRAPH, TABLE = BlockKind.PARAGRAPH, BlockKind.TABLE
ROWS = "Port;Fee;Share\nOslo;1,50;2,5 %\nBergen;12,00;0,5 %\nTromsø;7,25;1,0 %\n"
TABLE_TEXT = (
    "Port | Fee | Share\nOslo | 1,50 | 2,5 %\nBergen | 12,00 | 0,5 %\nTromsø | 7,25 | 1,0 %"
)


def read(folder: Path, text: str, name: str = "a.csv") -> list[tuple[BlockKind, str]]:
    path = folder / name
    path.write_text(text, "utf-8", newline="")
    _, blocks = read_document(path, name, ParseLimits())
    return [(block.kind, block.text) for block in blocks if isinstance(block, Block)]


class TestHeader:
    def test_lines_above_the_header_are_paragraphs(self, tmp_path):
        above = {
            "Harbour fees 2026\n\n": ["Harbour fees 2026"],
            "Harbour fees\nSource: port office, Oslo\n\n\n": [
                "Harbour fees", "Source: port office, Oslo",
            ],
            "Harbour fees;;\n;;\n": ["Harbour fees"],
            "Report;Fees\nDate;2026-03-01\n": ["Report | Fees", "Date | 2026-03-01"],
        }  # fmt: skip
        wide = ROWS.replace("Share\n", "Share;Unit;Note\n").replace(" %\n", " %;ton;x\n")
        for lines, expected in above.items():
            table = wide if "Report" in lines else ROWS
            found = read(tmp_path, lines + table)
            assert [text for kind, text in found if kind is PARAGRAPH] == expected
            [shown] = [text for kind, text in found if kind is TABLE]
            assert shown.startswith("Port | Fee | Share")
            sheets = read_sheets(tmp_path / "a.csv", "a.csv", "text/csv", 100)
            assert sheets[0].rows[0][:3] == ["Port", "Fee", "Share"]

    def test_plain_tables_keep_their_first_row(self, tmp_path):
        assert read(tmp_path, ROWS) == [(TABLE, TABLE_TEXT)]
        assert read(tmp_path, "a,b\n1,2\n") == [(TABLE, "a | b\n1 | 2")]
        assert read(tmp_path, ",Q1,Q2\nOslo,1,2\nBergen,3,4\n") == [
            (TABLE, " | Q1 | Q2\nOslo | 1 | 2\nBergen | 3 | 4")
        ]
        assert read(tmp_path, "Name\nAnna\nOla\n") == [(TABLE, "Name\nAnna\nOla")]
        # A ragged table, whose header is shorter than its rows.
        assert read(tmp_path, "a,b,c\n1,2,3,4\n5,6,7,8\n")[0][1].startswith("a | b | c")

    def test_headers_with_fewer_names_than_columns_stay_headers(self, tmp_path):
        for header, rows in {
            "Key,": "alpha,1\nbeta,2\n",
            "Name,": "alpha,one\nbeta,two\n",
            "name,price": "a,1,x,y,z\nb,2,x,y,z\n",
            "Stone,Price,": "Basalt,3,a,b,c,d\nMarble,4,a,b,c,d\n",
            "Port,": "Oslo,2026-03-01\nBergen,2026-04-01\n",
        }.items():
            [(kind, text)] = read(tmp_path, f"{header}\n{rows}")
            assert kind is TABLE
            assert text.splitlines()[0] == header.strip(",").replace(",", " | ")
        # Titles stay titles.
        for title in ("Prices of stones,\n", "Prices,\n,\n", "Prices 2026\n"):
            found = read(tmp_path, f"{title}Stone,Price\nBasalt,3\nMarble,4\n")
            assert found[0] == (PARAGRAPH, title.strip(",\n"))
            assert found[1][1].startswith("Stone | Price")

    def test_titles_above_years_sizes_and_names_are_no_headers(self, tmp_path):
        for title, table in {
            "Sales by region,,,": "Region,2022,2023,2024\nNorth,1,2,3\nSouth,4,5,6\n",
            "Sales,": "Region,2024\nNorth,10\nSouth,12\n",
            "Price list,,,": "Size,36,37,38\nBoot,10,20,35\nShoe,9,8,12\n",
            "Inventory,": "Item,Room\nchair,hall\ndesk,office\n",
        }.items():
            found = read(tmp_path, f"{title}\n{table}")
            assert found[0] == (PARAGRAPH, title.strip(","))
            assert found[1][1] == table.strip().replace(",", " | ")
        for header, rows in {"Founded,": "Acme,1990\nBest,1985\n", "Port,": "A,3\nB,4\n"}.items():
            [(_, text)] = read(tmp_path, f"{header}\n{rows}")
            assert text.startswith(header.strip(","))


class TestDialect:
    def test_decimal_commas_divide_nothing(self, tmp_path):
        for delimiter in (";", "\t", "|"):
            assert read(tmp_path, ROWS.replace(";", delimiter)) == [(TABLE, TABLE_TEXT)]
        assert choose_delimiter(["1,5;2,5", "3,5;4,5"]) == ";"
        assert choose_delimiter(["1,2,3", "4,5,6"]) == ","

    def test_texts_with_commas_are_one_column(self, tmp_path):
        lines = ["Remark", "Closed", "Open, but late", "Closed", "Ends today", "Begins at ten"]
        assert read(tmp_path, "\n".join(lines)) == [(TABLE, "\n".join(lines))]

    def test_first_line_names_the_delimiter(self, tmp_path):
        for first in ("sep=;", '"sep=;"', "SEP=;"):
            assert read(tmp_path, f"{first}\r\n{ROWS}") == [(TABLE, TABLE_TEXT)]
        assert read(tmp_path, "sep=\t\nA\tB\n1\t2\n") == [(TABLE, "A | B\n1 | 2")]

    def test_quotes_of_three_kinds_hold_delimiters(self, tmp_path):
        expected = [(TABLE, "No | Text\n1 | late, by day\n2 | on time, here")]
        assert read(tmp_path, 'No,Text\n1,"late, by day"\n2,"on time, here"\n') == expected
        assert read(tmp_path, "'No','Text'\n'1','late, by day'\n'2','on time, here'\n") == expected
        assert read(tmp_path, 'No,Text\n1,"say \\"yes\\", please"\n2,"no"\n') == [
            (TABLE, 'No | Text\n1 | say "yes", please\n2 | no')
        ]
        # An apostrophe is no quote.
        assert read(tmp_path, "No,Text\n1,the crew's\n2,Anna's\n") == [
            (TABLE, "No | Text\n1 | the crew's\n2 | Anna's")
        ]

    def test_columns_of_several_values_divide_no_row(self, tmp_path):
        for tags in ("red;blue", "red|blue"):
            rows = "".join(f"10{n},2{n},3{n},{tags}\n" for n in range(5))
            [(kind, text)] = read(tmp_path, f"id,price,qty,tags\n{rows}")
            assert kind is TABLE
            assert text.startswith(f"id | price | qty | tags\n100 | 20 | 30 | {tags}")

    def test_folders_at_the_end_of_a_field_escape_nothing(self, tmp_path):
        rows = 'name,folder,note\nA,"C:\\temp\\new\\",x\nB,"C:\\data\\old\\",y\n'
        [(_, text)] = read(tmp_path, rows)
        assert text.splitlines()[1:] == ["A | C:\\temp\\new\\ | x", "B | C:\\data\\old\\ | y"]

    def test_numbered_rows_keep_the_header_without_a_first_name(self, tmp_path):
        [(kind, text)] = read(tmp_path, ",price\n0,5\n1,7\n2,9\n")
        assert kind is TABLE
        assert text.splitlines()[1] == "0 | 5"
