"""Tables of PDFs whose rows are shaded or parted by lines, and whose columns are gaps alone."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from document_files import write_pdf_content

from citewell.engine.parsing.base import BlockKind
from citewell.engine.parsing.readers.pdf_bands import banded_grids
from citewell.engine.parsing.readers.pdf_cells import Letter
from citewell.engine.parsing.readers.pdf_glyphs import read_facts
from citewell.engine.parsing.readers.pdf_rules import DrawnLine, Rules
from tests.engine.parsing.drawn_pages import shaded, shown, stroked, text_of
from tests.timing import processor_seconds

LEFT, RIGHT, TOP = 60, 480, 700
XS = (64, 220, 400)
ROW = 12
PADDING = 6
PEOPLE = [
    ["Role", "Person", "Place"],
    ["Safety officer", "Helen Astbury", "Bristol"],
    ["First aider", "Omar Diaz", "Leeds"],
    ["Key holder", "Ina Krog", "Oslo"],
    ["Fire warden", "Tom Reed", "Bristol"],
]
TASKS = [
    ["Task", "By", "When"],
    ["Clean the filter", "The operator on duty,\nwho notes it in the log", "Every week"],
    ["Replace the seal", "The maintenance team,\nin pairs", "Every year"],
]
BEFORE = shown("The people below are asked first.", LEFT, TOP + 40)
AFTER = shown("Call the desk if none of them is there.", LEFT, 520)


def lines(rows: Sequence[Sequence[str]], is_centred: bool = False) -> tuple[str, list[float]]:
    """The texts of rows, and the places of their lower ends."""
    content, y = "", float(TOP)
    ends: list[float] = []
    for row in rows:
        most = max(cell.count("\n") + 1 for cell in row)
        for left, cell in zip(XS, row, strict=False):
            parts = cell.split("\n")
            lower = (most - len(parts)) * ROW / 2 if is_centred else 0
            for number, text in enumerate(parts):
                content += shown(text, left, y - ROW * number - 12 - lower)
        y -= ROW * most + PADDING
        ends.append(y)
    return content, ends


def across(*places: float) -> str:
    return "".join(stroked(LEFT, y, RIGHT, y) for y in places)


@pytest.fixture
def tables(read, tmp_path):
    """The texts of the tables of a page; what stands around them is checked to be there."""

    def read_page(content: str) -> list[str]:
        _, blocks = read(write_pdf_content(tmp_path / "a.pdf", BEFORE + content + AFTER))
        assert blocks[0].text == "The people below are asked first."
        assert blocks[-1].text.endswith("Call the desk if none of them is there.")
        return [block.text for block in blocks if block.kind is BlockKind.TABLE]

    return read_page


class TestMarks:
    def test_line_below_the_header(self, tables):
        content, ends = lines(PEOPLE)
        assert tables(content + across(ends[0])) == [text_of(PEOPLE)]
        assert tables(content) == []

    def test_lines_around_and_below_the_header(self, tables):
        content, ends = lines(TASKS)
        assert tables(content + across(TOP, ends[0], ends[-1])) == [text_of(TASKS)]

    def test_lines_between_rows_of_cells_in_their_middle(self, tables):
        content, ends = lines(TASKS, is_centred=True)
        assert tables(content + across(*ends)) == [text_of(TASKS)]

    @pytest.mark.parametrize("first", [0, 1])
    def test_every_second_row_shaded(self, tables, first: int):
        content, ends = lines(PEOPLE)
        starts = [TOP, *ends]
        shades = "".join(
            shaded(LEFT, end, RIGHT, start)
            for start, end in list(zip(starts, ends, strict=False))[first::2]
        )
        assert tables(shades + content) == [text_of(PEOPLE)]

    def test_header_shaded_cell_by_cell(self, tables):
        content, ends = lines(PEOPLE)
        borders = (LEFT, 200, 380, RIGHT)
        shades = "".join(shaded(a, ends[0], b, TOP) for a, b in pairwise(borders))
        assert tables(shades + content) == [text_of(PEOPLE)]

    def test_sum_behind_the_last_mark_is_a_row_of_its_own(self, tables):
        rows = [["Grant", "Plan", "Shares"], ["A-1", "Plan of 2018", "120"],
                ["A-2", "Plan of 2019", "325"], ["", "Totals", "445"]]  # fmt: skip
        content, ends = lines(rows)
        assert tables(content + across(TOP, *ends[:2])) == [text_of(rows)]


class TestOtherTexts:
    def test_two_columns_of_prose_below_a_running_header(self, tables):
        content = shown("Harbour office", LEFT, TOP + 4) + shown("Page 3", 300, TOP + 4)
        for number in range(8):
            y = TOP - 16 - 14 * number
            content += shown("the office opens at eight and boats are moored", LEFT, y)
            content += shown("by length as the master of the harbour says", 300, y)
        assert tables(content + across(TOP, 560)) == []

    def test_three_columns_of_a_newsletter(self, tables):
        content = "".join(
            shown(text, x, TOP + 4)
            for x, text in zip(XS, ("Club news", "Spring edition", "Our town"), strict=True)
        )
        texts = ("the boats are moored by", "members may bring a guest", "our library lends out")
        for number in range(8):
            y = TOP - 16 - 14 * number
            content += "".join(shown(text, x, y) for x, text in zip(XS, texts, strict=True))
        assert tables(content + across(TOP)) == []

    def test_frame_around_a_text(self, tables):
        content = "".join(
            shown("Boats are moored by length, and the fee is due at noon.", LEFT + 4, y)
            for y in (680, 664, 648)
        )
        assert tables(shaded(LEFT, 640, RIGHT, TOP) + content) == []

    def test_first_row_of_figures_names_no_columns(self, tmp_path):
        content, ends = lines([["Oak", "12", "yes"], ["Elm", "8", "no"], ["Birch", "20", "yes"]])
        path = write_pdf_content(tmp_path / "a.pdf", content + across(TOP, *ends))
        assert [facts.tables for facts in read_facts(path)] == [[]]

    def test_short_line_behind_the_last_row_is_no_row(self, tables):
        content, ends = lines(PEOPLE)
        note = shown("As of May.", XS[0], ends[-1] - 20)
        assert tables(content + across(ends[0]) + note) == [text_of(PEOPLE)]


class TestRows:
    """Which lines are one row, where only the header has a line below it."""

    @pytest.fixture
    def rows(self, tables):
        def read_rows(given: Sequence[Sequence[str]], is_centred: bool = False) -> list[str]:
            content, ends = lines(given, is_centred)
            return tables(content + across(ends[0]))

        return read_rows

    def test_cells_in_their_middle_stay_in_their_row(self, rows):
        assert rows(TASKS, is_centred=True) == [text_of(TASKS)]

    def test_names_in_small_letters_begin_rows(self, rows):
        given = [["Item", "Fee"], ["Laptop", "5 EUR"], ["iPad", "9 EUR"], ["eBike", "12 EUR"]]
        assert rows(given) == [text_of(given)]

    def test_rows_below_one_name_stay_rows(self, rows):
        given = [["Site", "Group", "Fee"], ["Aldby", "Adults", "5 EUR"],
                 ["", "Children", "3 EUR"], ["Leeds", "Adults", "6 EUR"]]  # fmt: skip
        assert rows(given) == [text_of(given)]

    def test_lines_as_close_as_those_of_a_cell_are_left_where_one_lacks_its_name(self, tables):
        given = [
            ("Safety officer", "Helen", "Bristol"),
            ("", "Omar", ""),
            ("Warden", "Tom", "Leeds"),
        ]
        content = "".join(shown(text, x, TOP - 12) for x, text in zip(XS, PEOPLE[0], strict=True))
        for number, row in enumerate(given):
            y = TOP - 30 - 12 * number
            content += "".join(shown(text, x, y) for x, text in zip(XS, row, strict=True) if text)
        assert tables(content + across(TOP - 16)) == []

    @pytest.mark.parametrize("unit", [" EUR", ""])
    def test_second_table_of_the_same_width_has_its_own_header(self, tmp_path, unit: str):
        first = [["Item", "Price 2024", "Price 2023"], ["Oak", f"17{unit}", f"15{unit}"],
                 ["Elm", f"9{unit}", f"8{unit}"], ["Birch", f"5{unit}", f"4{unit}"]]  # fmt: skip
        second = [["Item", "Price 2023", "Price 2024"], ["Oak", f"21{unit}", f"22{unit}"],
                  ["Elm", f"11{unit}", f"12{unit}"], ["Birch", f"6{unit}", f"7{unit}"]]  # fmt: skip
        content, ends = lines([*first, ["Export", "", ""], *second])
        for marks in ((TOP, ends[0], ends[3], ends[4], ends[5], ends[8]), (ends[0], ends[5])):
            path = write_pdf_content(tmp_path / "a.pdf", content + across(*marks))
            found = [table.rows for facts in read_facts(path) for table in facts.tables]
            assert found == [first, second]

    def test_names_over_several_columns_join_none(self, tmp_path):
        rows = (("Day", "Night") * 2, ("Ann", "Bob", "Ina", "Tom"), ("Zoe", "Max", "Leo", "Kim"))
        content = shown("Weekday", 150, 690) + shown("Weekend", 350, 690)
        for number, row in enumerate(rows):
            content += "".join(
                shown(text, 110 + 100 * at, 672 - 18 * number) for at, text in enumerate(row)
            )
        path = write_pdf_content(tmp_path / "a.pdf", content + across(TOP, 666, 625))
        assert [facts.tables for facts in read_facts(path)] == [[]]


@pytest.mark.parametrize("are_equal", [True, False])
def test_cost_of_a_page_of_many_lines_is_bounded(are_equal: bool):
    rules = Rules(
        [DrawnLine(2.0 * n, 0, 500 if are_equal else 100 + 4 * n) for n in range(400)], [], []
    )
    letters = [
        Letter(100 * row + at, "x", 6 * at, 6 * at + 5, 8 * row + 1, 8 * row + 7)
        for row in range(100)
        for at in range(80)
        if at % 8
    ]
    assert processor_seconds(lambda: list(banded_grids(rules, letters, "x" * 10_000)), rounds=1) < 1
