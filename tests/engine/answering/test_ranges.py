"""Rows of a table that are named by a range, asked for by a number within it."""

import pytest

from citewell.engine.answering.asking.kinds import read_question
from citewell.engine.answering.base import ConfidenceLevel
from citewell.engine.answering.ranges import holds_number, number_asked, rows_of
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

    def test_unit_behind_a_hyphen_is_read(self):
        number = number_asked(read_question("What is the fee for a 7-day course?", "en"))
        assert number is not None
        assert number[:2] == (7.0, {"day"})

    def test_years_several_numbers_and_bounds_are_none(self):
        for question in (
            "What changed in 2024?",
            "Is it 5 or 7 days?",
            "Which orders over £700 are shipped free?",
            "What is the fee?",
            "What is the fee for form B-7?",
        ):
            assert number_asked(read_question(question, "en")) is None, question


class TestRows:
    def test_range_holds_what_lies_in_it(self):
        assert holds_number("£25,000 – £49,999", 30_000)  # noqa: RUF001
        assert not holds_number("£10,000 – £24,999", 30_000)  # noqa: RUF001
        assert holds_number("từ 60 tuổi trở lên", 70)

    def test_another_unit_is_another_thing(self):
        rows = {0: ["5 to 9 kg", "12"]}
        assert rows_of(7, frozenset({"kg"}), "Weight | Price", rows) == {0}
        assert not rows_of(7, frozenset({"days"}), "Weight | Price", rows)

    def test_unit_of_another_column_is_another_thing(self):
        header = "Weight (kg) | Distance (km) | Price"
        rows = {0: ["0 to 5", "1 to 10", "£11"], 1: ["6 to 9", "11 to 20", "£22"]}
        assert rows_of(7, frozenset({"kg"}), header, rows) == {1}
        assert rows_of(7, frozenset({"km"}), header, rows) == {0}
        assert not rows_of(7, frozenset(), header, rows)  # either may be meant

    def test_tightest_of_the_ranges_without_an_end_counts(self):
        least = {0: ["From 10 pieces"], 1: ["From 50"], 2: ["From 100"]}
        assert rows_of(150, frozenset({"pieces"}), "Order", least) == {2}
        assert rows_of(60, frozenset({"pieces"}), "Order", least) == {1}
        most = {0: ["up to 2 kg"], 1: ["up to 5 kg"], 2: ["up to 10 kg"]}
        assert rows_of(3, frozenset({"kg"}), "Weight", most) == {1}

    def test_ranges_that_overlap_tell_no_row(self):
        assert not rows_of(20, frozenset(), "Age", {0: ["10 to 20"], 1: ["20 to 30"]})

    def test_range_that_several_rows_have_counts_in_each(self):
        rows = {0: ["0 to 5 kg", "A"], 1: ["0 to 5 kg", "B"], 2: ["6 to 9 kg", "A"]}
        assert rows_of(3, frozenset({"kg"}), "Weight | Zone", rows) == {0, 1}

    def test_row_is_found_by_a_number_that_it_does_not_hold(self):
        found = answer("What is the rebate for annual purchases of £30,000?", REBATE)
        assert "4 %" in found.text
        assert found.confidence.level in (ConfidenceLevel.LOW, ConfidenceLevel.MEDIUM)

    def test_range_in_the_second_column_names_the_row(self):
        found = answer("What does delivery to the room cost at 50 miles?", ZONES)
        assert "£60" in found.text

    def test_range_in_the_second_column_describes_a_row_that_is_named(self):
        table = passage(
            "Item | Delivery time | Price\nSofa | 5 to 10 days | £400\nChair | 2 to 4 days | £90"
        )
        found = answer("What does the chair cost if it is delivered in 7 days?", table)
        assert "£400" not in found.text

    def test_number_of_another_unit_finds_no_row(self):
        table = passage("Guests | Fee\n1 to 4 | £50\n5 to 9 | £80")
        assert answer("What is the fee for a 7-day course?", table).is_abstained
        assert "£80" in answer("What is the fee for 7 guests?", table).text

    def test_largest_discount_that_is_reached_is_told(self):
        table = passage("Order | Discount\nFrom 10 pieces | 3 %\nFrom 50 | 6 %\nFrom 100 | 9 %")
        found = answer("What is the discount for 150 pieces?", table)
        assert "9 %" in found.text
        assert "3 %" not in found.text
        table = passage(
            "Số lượng | Giảm\nTrên 10 cái | 3 %\nTrên 50 cái | 6 %\nTrên 100 cái | 9 %",
            language="vi",
        )
        found = answer("Mua 150 cái được giảm bao nhiêu?", table, language="vi")
        assert "9 %" in found.text

    def test_row_is_found_by_the_column_of_the_unit(self):
        table = passage(
            "Weight (kg) | Distance (km) | Price\n0 to 5 | 1 to 10 | £11\n6 to 9 | 11 to 20 | £22"
        )
        assert "£22" in answer("What is the price for 7 kg?", table).text
        assert "£11" in answer("What is the price for 7 km?", table).text


class TestEverydayBrackets:
    SERVICE = (
        "Service | Notice\nOn joining | 1 week\nAfter two years | 4 weeks\nAfter 6 years | 8 weeks"
    )
    FANS = (
        "Property | Breeze S | Breeze M | Breeze L\nRoom size | up to 12 m² | up to 28 m² | "
        "up to 50 m²\nPower | 20 W | 35 W | 60 W"
    )

    @pytest.mark.parametrize(
        ("question", "told"),
        [
            ("How long is the notice for somebody with three years' service?", "4 weeks"),
            ("what notice do i get with 11 years service", "8 weeks"),
        ],
    )
    def test_after_a_time_holds_for_whoever_has_more(self, question: str, told: str) -> None:
        assert told in answer(question, passage(self.SERVICE)).sentences[0].text

    @pytest.mark.parametrize(
        ("question", "told"),
        [
            ("Which fan for a room of 20 m2?", "Room size, Breeze M: up to 28 m²"),
            ("Which fan is right for a room of 40 square metres?", "Breeze L: up to 50 m²"),
        ],
    )
    def test_column_whose_range_holds_the_number_is_chosen(self, question: str, told: str) -> None:
        assert told in answer(question, passage(self.FANS)).sentences[0].text

    def test_room_greater_than_all_columns_chooses_none(self):
        assert (
            "up to 50 m²" not in answer("Which fan for a room of 80 m2?", passage(self.FANS)).text
            or "Breeze S" in answer("Which fan for a room of 80 m2?", passage(self.FANS)).text
        )
