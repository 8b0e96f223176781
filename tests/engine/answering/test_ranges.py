"""Rows of a table that are named by a range, asked for by a number within it."""

from citewell.engine.answering.asking.kinds import read_question
from citewell.engine.answering.base import ConfidenceLevel
from citewell.engine.answering.ranges import holds_number, is_row_of, number_asked
from tests.engine.answering.passages import answer, passage

REBATE = passage(
    "A rebate is credited each year:\n\nAnnual purchases | Rebate\n£10,000 – £24,999 | 2 %\n"  # noqa: RUF001
    "£25,000 – £49,999 | 4 %\n£50,000 and above | 6.5 %\n\n"  # noqa: RUF001
    "Late payment attracts interest of 1.5 %.",
    title="Price list",
    heading=("Trade",),
)
ZONES = passage(
    "Zone | Area | To the room\nA | up to 20 miles | £30\nB | 21 to 75 miles | £60\n"
    "C | rest of the country | £95",
    title="Price list",
    heading=("Delivery",),
)


class TestNumberAsked:
    def test_one_number_with_its_unit_is_read(self):
        asked = read_question("How much leave do I get after five years?", "en")
        assert number_asked(asked) == (5.0, {"years"}, {"five"})
        number = number_asked(read_question("What is the rebate for £30,000?", "en"))
        assert number is not None
        assert number[:2] == (30_000.0, {"£"})

    def test_years_several_numbers_and_bounds_are_none(self):
        for question in (
            "What changed in 2024?",
            "Is it 5 or 7 days?",
            "Which orders over £700 are shipped free?",
            "What is the fee?",
        ):
            assert number_asked(read_question(question, "en")) is None, question


class TestRows:
    def test_range_holds_what_lies_in_it(self):
        assert holds_number("£25,000 – £49,999", 30_000)  # noqa: RUF001
        assert not holds_number("£10,000 – £24,999", 30_000)  # noqa: RUF001
        assert holds_number("từ 60 tuổi trở lên", 70)

    def test_another_unit_is_another_thing(self):
        cells = ["5 to 9 kg", "12"]
        assert is_row_of(7, frozenset({"kg"}), "Weight | Price", cells)
        assert not is_row_of(7, frozenset({"days"}), "Weight | Price", cells)

    def test_row_is_found_by_a_number_that_it_does_not_hold(self):
        found = answer("What is the rebate for annual purchases of £30,000?", REBATE)
        assert "4 %" in found.text
        assert found.confidence.level in (ConfidenceLevel.LOW, ConfidenceLevel.MEDIUM)

    def test_range_in_the_second_column_names_the_row(self):
        found = answer("What does delivery to the room cost at 50 miles?", ZONES)
        assert "£60" in found.text
