"""Of two documents that contradict each other the newer one leads."""

from tests.engine.answering.passages import answer, passage


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
