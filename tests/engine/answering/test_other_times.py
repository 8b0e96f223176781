"""Lengths of time, numbers and modal verbs that look like what is asked for, and are not."""

from citewell.engine.answering.base import ConfidenceLevel
from tests.engine.answering.passages import answer, passage


class TestLengths:
    def test_extension_is_not_how_long_something_is(self) -> None:
        text = "Probation may be extended once in Bristol, by at most three months."
        made = answer(
            "How long is probation in Bristol?",
            passage(f"Six months in Bristol. {text}", title="FAQ", heading=("Probation",)),
        )
        assert made.text.startswith("Six months")
        alone = answer(
            "How long is probation in Bristol?", passage(text, title="FAQ", heading=("Hiring",))
        )
        assert alone.confidence.level is not ConfidenceLevel.HIGH

    def test_extension_is_told_where_it_is_asked_for(self) -> None:
        text = "Probation may be extended once in Bristol, by at most three months."
        made = answer(
            "By how long may probation be extended in Bristol?",
            passage(text, title="FAQ", heading=("Probation",)),
        )
        assert "three months" in made.text

    def test_length_beside_an_extension_is_told(self) -> None:
        text = "The contract runs for 12 months and is extended automatically."
        made = answer(
            "How long does the contract run?",
            passage(text, title="Contract", heading=("Term",)),
        )
        assert "12 months" in made.text
        assert made.confidence.level is not ConfidenceLevel.LOW


class TestDates:
    def test_what_staff_may_do_is_no_month_and_up_to_five_no_hour(self) -> None:
        text = "Staff in Bristol may buy up to five days of annual leave a year."
        made = answer(
            "When can staff in Bristol buy annual leave?",
            passage(text, title="Leave", heading=("Buying leave",)),
        )
        assert made.is_abstained

    def test_may_is_a_month_beside_a_day_or_after_a_preposition(self) -> None:
        for text in (
            "Staff in Bristol buy annual leave on 3 May.",
            "Staff in Bristol buy annual leave in May.",
            "Staff in Bristol buy annual leave from May 3 on.",
            "Staff in Bristol buy annual leave after May.",
        ):
            made = answer(
                "When can staff in Bristol buy annual leave?",
                passage(text, title="Leave", heading=("Buying leave",)),
            )
            assert "May" in made.text, text


class TestPrices:
    def test_parts_of_model_numbers_are_no_price(self) -> None:
        table = passage(
            "Model | Sensors | Depth\nRill 310-5 | as 310-4 | 50 m\nRill 310-4 | pH | 30 m",
            title="Models",
            heading=("Models",),
        )
        made = answer("How much does a Rill 310-5 cost?", table)
        assert made.is_abstained or made.confidence.level is ConfidenceLevel.LOW

    def test_ranges_and_rooms_may_have_prices(self) -> None:
        for text, price in (
            ("A ticket for the fair is 20-30 for members.", "20-30"),
            ("A desk is 120 a month, a room 300 a month.", "300"),
        ):
            made = answer(
                f"What is the price of a {text.split()[1]}?",
                passage(text, title="Prices", heading=("Prices",)),
            )
            assert price in made.text, text
