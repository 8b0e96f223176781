"""Of two documents that contradict each other the newer one leads."""

from dataclasses import replace
from datetime import date

from citewell.engine.answering.extractive import extract_answer
from citewell.engine.answering.reading.validity import begins_after
from tests.engine.answering.passages import answer, asked, passage


class TestNewestFirst:
    def test_newer_price_leads_and_the_older_is_named(self):
        made = answer(
            "How much does the entry ticket cost?",
            passage("The entry ticket costs 9 euros.", name="a", score=0.9,
                    title="Price list, valid from 1 January 2024"),
            passage("The entry ticket costs 14 euros.", name="b", score=0.85,
                    title="Price list, valid from 1 January 2026"),
        )  # fmt: skip
        assert [one.text for one in made.sentences] == [
            "The entry ticket costs 14 euros.",
            "Earlier (Price list, valid from 1 January 2024): The entry ticket costs 9 euros.",
        ]

    def test_price_of_something_else_is_no_conflict(self):
        made = answer(
            "How much does the entry ticket cost?",
            passage("The entry ticket costs 9 euros.", name="a", title="Prices 2024"),
            passage("The ferry ticket costs 14 euros.", name="b", title="Prices 2026", score=0.9),
        )
        assert made.text.startswith("The entry ticket costs 9 euros. [1]")
        assert "Earlier" not in made.text

    def test_cells_of_two_tables_contradict_each_other_too(self):
        rows = "Ticket | Price\nEntry | {} euros\nFerry | 5 euros"
        made = answer(
            "What is the price of the entry ticket?",
            passage(rows.format(9), name="a", title="Prices 2024"),
            passage(rows.format(14), name="b", score=0.9, title="Prices 2026"),
        )
        assert [one.text for one in made.sentences] == [
            "Entry: 14 euros",
            "Earlier (Prices 2024): Entry: 9 euros",
        ]


class TestValidity:
    def test_what_holds_only_later_does_not_lead(self):
        old = passage("The entry ticket costs 9 euros.", name="a", score=0.85,
                      title="Price list, valid from 1 January 2024")  # fmt: skip
        new = passage("The entry ticket costs 14 euros.", name="b", score=0.9,
                      title="Price list, effective as of 1 January 2027")  # fmt: skip
        question = asked("How much does the entry ticket cost?", [old, new])

        def said(day: date) -> list[str]:
            made = extract_answer(replace(question, day=day), [new, old])
            return [one.text for one in made.sentences]

        assert said(date(2026, 12, 31)) == [
            "The entry ticket costs 9 euros.",
            "Not yet valid (Price list, effective as of 1 January 2027): "
            "The entry ticket costs 14 euros.",
        ]
        assert said(date(2027, 1, 1))[0] == "The entry ticket costs 14 euros."

    def test_beginning_is_read_as_laws_say_it(self):
        day = date(2026, 11, 29)
        for text, is_later in (
            ("Thông tư này có hiệu lực thi hành kể từ ngày 01 tháng 01 năm 2027.", True),
            ("Quyết định có hiệu lực từ ngày 15/3/2027.", True),
            ("Thông tư này có hiệu lực từ ngày 01/7/2024.", False),
            ("Mức mới áp dụng từ tháng 7/2027.", True),
            ("This order comes into force on 1 February 2027.", True),
            ("Effective 2027-02-01, the fee is 5 euros.", True),
            (
                "The list applies to all sites from 1 May 2026; the fee changes on 1 May 2028.",
                False,
            ),
            ("The building opened in 2027.", False),
        ):
            assert begins_after(passage(text), day) is is_later, text
