"""Tables of PDFs keep their cells, and what only looks like one stays text."""

from collections.abc import Sequence

import pytest
from document_files import write_pdf_content

from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.parsing.readers.pdf_cells import Letter, PageTable, counted, ruled_table
from citewell.engine.parsing.readers.pdf_columns import column_tables
from citewell.engine.parsing.readers.pdf_glyphs import read_facts
from citewell.engine.parsing.readers.pdf_placing import with_tables
from citewell.engine.parsing.readers.pdf_rules import DrawnLine, Rules, ruled_grids
from tests.engine.parsing.drawn_pages import filled, shown, stroked, text_of, write_pdf_contents
from tests.timing import processor_seconds

HEIGHT = 14
SENSORS = [
    ["Sensor", "Check every", "Calibrate every"],
    ["pH", "4 weeks", "8 weeks"],
    ["Oxygen", "8 weeks", "6 months"],
    ["Turbidity", "4 weeks", "3 months"],
    ["Depth", "Before every\ndeployment", "Before every\ndeployment"],
]


def drawn(rows: Sequence[Sequence[str]], xs: Sequence[float], top: float, line=stroked) -> str:
    """A table whose cells all have borders; lines of a cell are parted by newlines."""
    content, y = "", top
    for row in rows:
        lines = max(cell.count("\n") + 1 for cell in row)
        bottom = y - HEIGHT * lines - 4
        for left, right, cell in zip(xs, xs[1:], row, strict=False):
            for number, text in enumerate(cell.split("\n")):
                content += shown(text, left + 4, y - HEIGHT * (number + 1) + 2)
            content += line(left, y, right, y) + line(left, bottom, right, bottom)
        content += "".join(line(x, bottom, x, y) for x in xs)
        y = bottom
    return content


class TestRuledTables:
    @pytest.mark.parametrize("line", [stroked, filled])
    def test_cells_between_lines_stay_cells(self, read, tmp_path, line):
        content = shown("The sensors are looked after by the yard.", 60, 760)
        content += drawn(SENSORS, [60, 180, 300, 420], 740, line)
        content += shown("Rinse the cup before each point.", 60, 600)
        _, blocks = read(write_pdf_content(tmp_path / "a.pdf", content))
        assert [(block.kind, block.text) for block in blocks] == [
            (BlockKind.PARAGRAPH, "The sensors are looked after by the yard."),
            (BlockKind.TABLE, text_of(SENSORS)),
            (BlockKind.PARAGRAPH, "Rinse the cup before each point."),
        ]

    def test_cells_over_rows_are_repeated_and_those_over_columns_are_not(self, read, tmp_path):
        xs, ys = [60, 180, 300, 420], [740, 720, 700, 680, 660]
        content = "".join(stroked(60, y, 420, y) for y in (740, 720, 700, 660))
        content += stroked(180, 680, 420, 680)
        content += "".join(stroked(x, 660, x, 740) for x in (60, 180, 420))
        content += stroked(300, 660, 300, 720)  # the header's second cell spans two columns
        places = {
            (0, 0): "Harbour", (0, 1): "Depth in metres", (1, 0): "Aldby", (1, 1): "4",
            (1, 2): "6", (2, 0): "Brixey", (2, 1): "7", (2, 2): "9", (3, 1): "8", (3, 2): "11",
        }  # fmt: skip
        for (row, column), text in places.items():
            content += shown(text, xs[column] + 4, ys[row] - 14)
        _, (table,) = read(write_pdf_content(tmp_path / "a.pdf", content))
        assert table.text == (
            "Harbour | Depth in metres\nAldby | 4 | 6\nBrixey | 7 | 9\nBrixey | 8 | 11"
        )

    def test_rows_that_no_line_parts_are_told_by_the_first_column(self, read, tmp_path):
        xs = [60, 200, 420]
        rows = [["Code", "Meaning"], ["E-01", "Sensor open"], ["E-05", "Depth below zero"],
                ["E-07", "Too deep"], ["E-10", "Reference unstable"]]  # fmt: skip
        content = "".join(stroked(60, y, 420, y) for y in (740, 720, 650))
        content += "".join(stroked(x, 650, x, 740) for x in xs)
        for number, row in enumerate(rows):
            for left, text in zip(xs, row, strict=False):
                content += shown(text, left + 4, 726 - 16 * number - (4 if number else 0))
        _, (table,) = read(write_pdf_content(tmp_path / "a.pdf", content))
        assert (table.kind, table.text) == (BlockKind.TABLE, text_of(rows))

    def test_lines_of_a_cell_between_lines_stay_one_row(self, read, tmp_path):
        contacts = [
            ["Contact", "Details", "Hours"],
            ["Anna Lee\nTreasurer\nRoom 4", "The money of the\nclub and all of its\ninsurance",
             "Mondays\nfrom nine\nto noon"],
            ["Bob Ray\nSecretary\nRoom 9", "Minutes and the\nnames of all the\nmembers",
             "Fridays\nfrom two\nto four"],
        ]  # fmt: skip
        fair = ["Monday\n9 to 12\nHall A", "Opening of the fair by\nthe mayor and a\nspeech"]
        talk = ["Tuesday\n1 to 5\nHall B", "Show of old tractors and\na talk on their engines"]
        names = ["Monday\n9 to 12\nHall A", "Opening by the Mayor\nLady Ferro, then\nA talk\nMusic"]
        tenants = [
            ["Tenant", "Rent", "Deposit"],
            ["Anna Lee\n12 High St\nLeeds", "500\n510\n520", "1000\n1010\n1020"],
            ["Bob Ray\n3 Low Rd", "600 euros", "1200 euros"],
        ]
        head = ["When", "What"]
        tables = [contacts, tenants, [head, fair, talk], [head, fair], [head, names]]
        for number, rows in enumerate(tables):
            xs = [60, 200, 340, 460] if len(rows[0]) > 2 else [60, 200, 400]
            _, (table,) = read(write_pdf_content(tmp_path / f"{number}.pdf", drawn(rows, xs, 780)))
            assert (table.kind, table.text) == (BlockKind.TABLE, text_of(rows))

    def test_bars_within_a_cell_stay(self, read, tmp_path):
        rows = [["Code", "Use"], ["a | b", "or"], ["c", "and"]]
        _, (table,) = read(write_pdf_content(tmp_path / "a.pdf", drawn(rows, [60, 200, 320], 740)))
        assert table.text == "Code | Use\na | b | or\nc | and"

    def test_frames_and_empty_grids_stay_text(self, read, tmp_path):
        frame = "60 600 400 100 re S\n" + shown("Mind the gap between the boards.", 70, 660)
        _, blocks = read(write_pdf_content(tmp_path / "a.pdf", frame))
        assert [block.kind for block in blocks] == [BlockKind.PARAGRAPH]
        chart = "".join(stroked(60, y, 460, y) for y in range(600, 720, 20))
        chart += "".join(stroked(x, 600, x, 700) for x in range(60, 480, 40))
        chart += shown("Tonnes a year", 70, 684)
        _, blocks = read(write_pdf_content(tmp_path / "b.pdf", chart))
        assert BlockKind.TABLE not in {block.kind for block in blocks}

    def test_lines_through_words_make_no_table(self, read, tmp_path):
        drawing = "".join(stroked(60, y, 300, y) for y in (740, 720, 700, 680))
        drawing += "".join(stroked(x, 680, x, 740) for x in (60, 94, 300))
        for number in range(3):
            drawing += shown(f"Harbourmaster {number} of Aldby", 64, 726 - 20 * number)
        _, blocks = read(write_pdf_content(tmp_path / "a.pdf", drawing))
        assert BlockKind.TABLE not in {block.kind for block in blocks}


class TestTablesOverPages:
    def test_a_table_that_goes_on_gets_the_header_row(self, read, tmp_path):
        xs = [60, 180, 300, 420]
        pages = [
            shown("The yard at work", 60, 800) + drawn(SENSORS[:3], xs, 140),
            shown("The yard at work", 60, 800) + drawn(SENSORS[3:], xs, 780)
            + shown("Rinse the cup before each point.", 60, 600),
        ]  # fmt: skip
        _, blocks = read(write_pdf_contents(tmp_path / "a.pdf", pages))
        tables = [(block.page, block.text) for block in blocks if block.kind is BlockKind.TABLE]
        assert tables == [(1, text_of(SENSORS[:3])), (2, text_of([SENSORS[0], *SENSORS[3:]]))]

    def test_a_header_row_that_is_printed_again_is_not_doubled(self, read, tmp_path):
        xs = [60, 180, 300, 420]
        pages = [drawn(SENSORS[:3], xs, 140), drawn([SENSORS[0], *SENSORS[3:]], xs, 780)]
        _, blocks = read(write_pdf_contents(tmp_path / "a.pdf", pages))
        assert [block.text for block in blocks] == [
            text_of(SENSORS[:3]),
            text_of([SENSORS[0], *SENSORS[3:]]),
        ]

    def test_another_table_on_the_next_page_keeps_its_own_header(self, read, tmp_path):
        xs = [60, 250, 450]
        before = [["Staff grade", "Night rate"], ["Junior", "12 euros"], ["Senior", "15 euros"]]
        years = [["Dues", "2021", "2022"], ["Aldby", "12", "14"], ["Brixey", "15", "16"]]
        others = [
            # below a heading of its own, and with its own header at the top of the page
            (before, "5 Visitors and what they pay", [["Child", "3 euros"], ["Adult", "7 euros"]]),
            (before, "", [["Visitor kind", "Entry fee"], ["Child", "3 euros"]]),
            (before, "", [["Staff grade", "2nd night"], ["Junior", "6 euros"]]),
            (years, "", [["Fines", "2019", "2020"], ["Aldby", "1", "2"]]),
        ]
        for number, (rows, heading, after) in enumerate(others):
            own = [60, 250, 350, 450] if len(rows[0]) > 2 else xs
            pages = [
                drawn(rows, own, 160) + shown("Page 1", 280, 40),
                (shown(heading, 60, 800) if heading else "") + drawn(after, own, 780)
                + shown("The end of it.", 60, 600) + shown("Page 2", 280, 40),
            ]  # fmt: skip
            _, blocks = read(write_pdf_contents(tmp_path / f"{number}.pdf", pages))
            tables = [block.text for block in blocks if block.kind is BlockKind.TABLE]
            assert tables == [text_of(rows), text_of(after)]

    def test_a_title_below_the_first_part_ends_the_table(self, read, tmp_path):
        xs = [60, 180, 300, 420]
        pages = [
            drawn(SENSORS[:3], xs, 140) + shown("Spare parts of the boats", 60, 60),
            drawn(SENSORS[3:], xs, 780) + shown("The end of it.", 60, 600),
        ]
        _, blocks = read(write_pdf_contents(tmp_path / "a.pdf", pages))
        tables = [block.text for block in blocks if block.kind is BlockKind.TABLE]
        assert tables == [text_of(SENSORS[:3]), text_of(SENSORS[3:])]

    def test_running_headers_that_count_do_not_end_a_table(self, read, tmp_path):
        xs = [60, 180, 300, 420]
        parts = [SENSORS[:3], SENSORS[2:4], SENSORS[3:]]
        pages = [
            shown(f"Yard rules, sheet {number} of 3", 60, 800) + drawn(rows, xs, 780)
            for number, rows in enumerate(parts, 1)
        ]
        _, blocks = read(write_pdf_contents(tmp_path / "a.pdf", pages))
        tables = [block.text for block in blocks if block.kind is BlockKind.TABLE]
        assert tables == [text_of(parts[0]), *(text_of([SENSORS[0], *p]) for p in parts[1:])]


def aligned(rows: Sequence[Sequence[str]], xs: Sequence[float], top: float) -> str:
    return "".join(
        shown(cell, x, top - 16 * number)
        for number, row in enumerate(rows)
        for x, cell in zip(xs, row, strict=False)
        if cell
    )


PROSE = [
    "The yard keeps a record of its work and of all that was paid for it in the year of 2021.",
    "The owners are told of it every two weeks, and the inspector has a copy of each of them.",
]


class TestAlignedFigures:
    def test_aligned_figures_are_a_table_with_its_header(self, read, tmp_path):
        rows = [
            ["", "Berths", "Dues"],
            ["", "in use", "paid"],
            ["Aldby", "1,204", "$"],
            ["Brixey", "938", "61"],
            ["Corran and the", "", ""],
            ["islands", "77", "(5)"],
            ["Total", "2,219", "$"],
        ]
        content = shown(PROSE[0], 60, 760) + shown(PROSE[1], 60, 744)
        content += aligned(rows, [60, 260, 400], 700)
        content += shown("40", 420, 668) + shown("96", 420, 604)  # the dollar stands apart
        content += shown(PROSE[0], 60, 560) + shown(PROSE[1], 60, 544)
        _, blocks = read(write_pdf_content(tmp_path / "a.pdf", content))
        assert [block.kind for block in blocks] == [
            BlockKind.PARAGRAPH, BlockKind.TABLE, BlockKind.PARAGRAPH,
        ]  # fmt: skip
        assert blocks[1].text == (
            " | Berths in use | Dues paid\nAldby | 1,204 | $ 40\nBrixey | 938 | 61\n"
            "Corran and the islands | 77 | (5)\nTotal | 2,219 | $ 96"
        )

    def test_contents_columns_of_prose_lists_and_addresses_stay_text(self, read, tmp_path):
        contents = [
            ["Part", "Page"],
            ["Harbour", "3"],
            ["Sluice", "7"],
            ["Quay", "12"],
            ["Dues", "15"],
        ]
        prose = [["The yard keeps a record of its", "owners are told of it every two"],
                 ["work and of all that was paid", "weeks, and the inspector has a"],
                 ["for it in the year of 2021. The", "copy of each of the 40 records"]]  # fmt: skip
        addresses = [["Seller", "Buyer"], ["Aldby Yard", "Brixey Quarry"],
                     ["4 Quay Road", "17 Mill Lane"], ["BS1 4QA", "LN6 7DL"]]  # fmt: skip
        steps = [["1.", "Close the valve."], ["2.", "Open the sluice."], ["3.", "Wait 20 minutes."],
                 ["4.", "Note the depth."]]  # fmt: skip
        for number, rows in enumerate((contents, prose, addresses, steps)):
            path = write_pdf_content(tmp_path / f"{number}.pdf", aligned(rows, [60, 320], 740))
            _, blocks = read(path)
            letters = "".join("".join(block.text for block in blocks).split()).replace("|", "")
            assert (
                len(letters) >= sum(len(cell.replace(" ", "")) for row in rows for cell in row) - 8
            )
            assert not any(
                " | " in b.text and b.text.count("\n") == len(rows) - 1 for b in blocks
            ), rows

    def test_tables_side_by_side_are_not_one(self):
        rows = [["City", "Hotel", "Course", "Fee"], ["Leeds", "130", "Welding", "45"],
                ["York", "120", "Pottery", "60"], ["Hull", "110", "Dance", "70"]]  # fmt: skip
        assert not list(column_tables(*letters_of(rows)))

    def test_units_between_figures_are_a_column(self, read, tmp_path):
        rows = [["Part", "Stock", "Unit", "Price"], ["Rope", "130", "m", "45"],
                ["Chain", "120", "m", "60"], ["Paint", "110", "l", "70"]]  # fmt: skip
        content = aligned(rows, [60, 130, 300, 400], 740)
        _, (table,) = read(write_pdf_content(tmp_path / "a.pdf", content))
        assert (table.kind, table.text) == (BlockKind.TABLE, text_of(rows))

    def test_header_below_a_line_of_its_columns_is_found(self, read, tmp_path):
        rows = [["Part", "Stock", "Price"], ["Rope", "130", "45"],
                ["Chain", "120", "60"], ["Paint", "110", "70"]]  # fmt: skip
        content = aligned([["40", "12", "7"], ["Yard", "", ""], *rows], [60, 230, 400], 740)
        _, blocks = read(write_pdf_content(tmp_path / "a.pdf", content))
        assert text_of(rows) in [block.text for block in blocks]


def letters_of(rows: Sequence[Sequence[str]]) -> tuple[list[Letter], str]:
    """Letters of a page that is as high as its rows need."""
    found, shown = list[Letter](), ""
    for number, row in enumerate(rows):
        low = HEIGHT * (len(rows) - number)
        for column, word in enumerate(row):
            for at, each in enumerate(word):
                left = 60 + 140 * column + 6 * at
                found.append(Letter(len(shown), each, left, left + 6, low, low + 12))
                shown += each
            shown += " "
        shown += "\r\n"
    return found, shown


class TestCost:
    """Pages that no program makes cost no more than others of their size."""

    def test_figures_without_a_header_are_looked_at_a_few_times(self):
        page = letters_of([[f"{700 + n % 90}", f"{1200 + n % 77}"] for n in range(2_000)])
        assert processor_seconds(lambda: list(column_tables(*page)), rounds=1) < 2

    def test_a_table_behind_many_figures_is_found(self):
        figures = [[f"{700 + n % 90}", f"{1200 + n % 77}"] for n in range(400)]
        table = [["Part", "Stock"], ["Rope", "1,130"], ["Chain", "120"], ["Paint", "110"]]
        page = letters_of([*figures, *[["", ""]] * 6, *table])
        assert [found.rows for found in column_tables(*page)] == [table]

    def test_rules_are_compared_with_those_at_their_border(self):
        def rules(count: int) -> Rules:
            lines = [DrawnLine(1 + 7 * n, 1, 7 * count) for n in range(count)]
            return Rules(lines, lines, [])

        assert processor_seconds(lambda: list(ruled_grids(rules(140))), rounds=1) < 0.2
        assert not list(ruled_grids(rules(300)))

    def test_letters_of_a_grid_are_placed_at_once(self):
        xs, ys = [1.0, 301.0, 601.0], [1.0 + 7 * n for n in range(391)]
        across = [DrawnLine(y, xs[0], xs[-1]) for y in ys]
        (grid,) = ruled_grids(Rules(across, [DrawnLine(x, ys[0], ys[-1]) for x in xs], []))
        letters = [
            Letter(101 * row + at, "1", 6 * at + 2, 6 * at + 7, y + 1, y + 6)
            for row, y in enumerate(reversed(ys[:-1]))
            for at in range(100)
        ]
        shown = "1" * 101 * 390
        assert processor_seconds(lambda: ruled_table(grid, letters, shown), rounds=1) < 0.3

    def test_lines_of_a_table_are_looked_for_once(self):
        text = "\n".join(f"Name{n % 10} 12{n % 7}" for n in range(4_000))
        rows = [["Name", "12"], ["q", "1"]]
        table = PageTable(
            "", rows, counted(text + "q"), (), None, None, is_ruled=False, places=frozenset()
        )
        blocks = [Block(BlockKind.PARAGRAPH, text, 1)]
        assert processor_seconds(lambda: with_tables(blocks, [table], 1), rounds=1) < 1

    def test_drawings_of_many_curves_are_given_up(self, tmp_path):
        curves = "".join(
            f"{60 + n % 400} {100 + n % 300} m {70 + n % 400} 130 90 140 100 {180 + n % 300} c S\n"
            for n in range(60_000)
        )
        table = drawn(SENSORS, [60, 180, 300, 420], 740)
        path = write_pdf_contents(tmp_path / "a.pdf", [table, table + curves])
        facts = list(read_facts(path))
        assert [len(page.tables) for page in facts] == [1, 0]
