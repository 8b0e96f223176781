# ruff: noqa: RUF001 - the sign of a product is meant
"""Rows that are named one after the other are added up; a price for each is multiplied."""

import pytest

from tests.engine.answering.passages import answer, passage

BOATS = (
    "Code | Boat | Hour EUR | Day EUR | Deposit EUR | Notes\n"
    "B-1 | Rowing boat small | 8.00 | 30.00 | 40.00 | Two oars; lost oars EUR 25\n"
    "B-2 | Rowing boat large | 11.00 | 42.00 | 40.00 | Two oars; lost oars EUR 25\n"
    "B-3 | Pedal boat | 9.00 | 35.00 | 50.00 | Not for under 12\n"
    "B-4 | Electric boat | 25.00 | 110.00 | 200.00 | Sails 5 hours on one charge\n"
    "B-5 | Electric raft | 30.00 | 120.00 | 200.00 | Sails 9 hours on one charge"
)


class TestSum:
    def test_two_named_rows_are_added_in_the_column_that_is_named(self):
        found = answer(
            "What do the large rowing boat and the pedal boat cost together for a day?",
            passage(BOATS),
        )
        assert found.text.startswith("Total of Day: 77 EUR (computed from 2 rows)")
        assert "42.00; " in found.text
        assert len(found.sentences[0].citations) >= 1

    def test_part_that_names_several_rows_gives_no_sum(self):
        found = answer(
            "What do the rowing boat and the pedal boat cost together for a day?", passage(BOATS)
        )
        assert "65" not in found.text
        assert "72" not in found.text

    def test_vietnamese_rows_are_added(self):
        text = "Dịch vụ | Giá (đồng)\nGiặt áo | 30.000\nỦi áo | 15.000\nGiặt chăn | 90.000"
        found = answer(
            "ủi áo và giặt chăn cộng lại hết bao nhiêu tiền",
            passage(text, language="vi"),
            language="vi",
        )
        assert "105.000 đồng" in found.text


class TestMost:
    @pytest.mark.parametrize(
        ("question", "start"),
        [
            ("what's the dearest boat to hire for one hour", "B-5, Electric raft: 30.00 EUR"),
            ("cheapest boat for a day", "B-1, Rowing boat small: 30.00 EUR"),
            ("which electric one keeps sailing longest", "B-5, Electric raft: Sails 9 hours"),
        ],
    )
    def test_row_with_most_or_least_is_told(self, question: str, start: str) -> None:
        assert answer(question, passage(BOATS, title="Boats for hire")).text.startswith(start)


class TestPrices:
    def test_row_whose_column_is_open_gives_its_prices_alone(self):
        found = answer("How much is the pedal boat?", passage(BOATS))
        assert found.sentences[0].text == (
            "Code: B-3; Boat: Pedal boat; Hour EUR: 9.00; Day EUR: 35.00; Deposit EUR: 50.00"
        )

    def test_price_that_the_notes_tell_by_its_name_is_told(self):
        found = answer("How much is a lost oar of the small rowing boat?", passage(BOATS))
        assert "Notes: Two oars; lost oars EUR 25" in found.text

    @pytest.mark.parametrize(
        "question",
        [
            "monthly rate pedal boat",
            "How much is the electric boat per week?",
            "How much is one cushion for the pedal boat?",
        ],
    )
    def test_price_that_no_column_tells_is_refused(self, question: str) -> None:
        assert answer(question, passage(BOATS)).is_abstained


class TestEach:
    @pytest.mark.parametrize(
        ("question", "text", "start"),
        [
            (
                "What would 14 walkers pay altogether?",
                "The guided tour costs £6.50 per walker.",
                "14 × £6.50 = £91.00",
            ),
            (
                "What do eight people pay for the sauna in total?",
                "The sauna costs 12 euros per person.",
                "8 × 12 euros = 96 euros",
            ),
        ],
    )
    def test_price_is_multiplied_by_how_many_are_named(self, question: str, text: str, start: str):
        assert answer(question, passage(text)).text.startswith(start)

    def test_vietnamese_price_keeps_its_groups(self):
        found = answer(
            "6 người đi thuyền hết tất cả bao nhiêu tiền",
            passage("Vé đi thuyền 45.000 đồng/người.", language="vi"),
            language="vi",
        )
        assert found.text.startswith("6 × 45.000 đồng = 270.000 đồng")

    def test_price_that_changes_with_the_number_is_not_multiplied(self):
        found = answer(
            "What would 14 walkers pay altogether?",
            passage("The tour costs £6.50 per walker, with a discount from 10 walkers."),
        )
        assert "×" not in found.text


class TestPartialTable:
    def test_greatest_of_some_rows_alone_is_not_told(self):
        head, *rows = BOATS.split("\n")
        begin = passage("\n".join([head, *rows[:2]]), title="Boats for hire")
        rest = passage("\n".join(rows[3:]), title="Boats for hire", start=900, context=head)
        asked = "what's the dearest boat to hire for one hour"
        whole = answer(asked, passage(BOATS, title="Boats for hire"))
        assert "the highest" in whole.text
        found = answer(asked, begin, rest)
        assert "the highest" not in found.text


def test_row_with_several_times_keeps_the_longest_from_being_told():
    text = (
        "Pump | Note\nAda | Runs 11 hours\nBea | Starts in 5 hours, runs 20 hours\n"
        "Cleo | Runs 8 hours"
    )
    assert "longest of" not in answer("Which pump runs longest?", passage(text)).text
