"""A price of nothing for some is not the price that others pay."""

from citewell.engine.answering.reading.grid import number_in
from tests.engine.answering.passages import answer, passage

CLINIC = passage(
    "Service | Price (EUR)\nBlood test | 31\nTick check | free for under 12\nTravel jab | 48\n"
    "Eye test | 25",
    title="Surgery tariff",
    heading=("Tariff",),
)
PASSES = passage(
    "Ticket | Days | Price\nDay pass | 1 | 14 euros\nWeek pass | 7 | 60 euros\n"
    "Evening pass | 1 | free for pupils",
    title="Lido tickets",
    heading=("Tickets",),
)


class TestRows:
    def test_named_row_is_told_beside_a_free_one(self) -> None:
        for question, table, told in (
            ("What does the travel jab cost?", CLINIC, "Travel jab: 48 EUR"),
            ("What does the tick check cost?", CLINIC, "Tick check: free for under 12"),
            ("What does the day pass cost?", PASSES, "Day pass, Price: 14 euros"),
            ("How much is the evening pass?", PASSES, "Evening pass, Price: free for pupils"),
        ):
            assert answer(question, table).sentences[0].text == told, question

    def test_free_row_of_another_thing_does_not_lead(self) -> None:
        table = passage(
            "Service | Price\nFlu vaccination | free for over 65\nTravel vaccination | 48\n"
            "Dressing | 12",
            title="Practice fees",
        )
        made = answer("What does the travel vaccination cost?", table)
        assert made.sentences[0].text.startswith("Travel vaccination")


class TestSentences:
    def test_free_thing_does_not_lead_where_a_price_is_of_what_is_asked(self) -> None:
        made = answer(
            "How much rent do new growers pay?",
            passage("Tools are free for senior growers; others rent one.", name="a"),
            passage("The rent of a plot is 340 a year for new growers.", name="b", score=0.8),
        )
        assert made.sentences[0].text.startswith("The rent of a plot")


class TestSums:
    def test_free_cell_is_left_out_and_said_to_be(self) -> None:
        made = answer("Total price of all services", CLINIC)
        assert made.sentences[0].text == (
            "Total of Price: 104 EUR (computed from 3 rows); left out, as free: Tick check"
        )

    def test_free_cell_is_not_the_highest(self) -> None:
        made = answer("Which service has the highest price?", CLINIC)
        assert made.sentences[0].text.startswith("Travel jab: 48 EUR")

    def test_number_among_words_is_none_of_its_own(self) -> None:
        for cell in ("free for over 65", "65 and older", "miễn phí dưới 6 tuổi", "from 20", "Q1 7"):
            assert number_in(cell) is None, cell
        for cell, value in (
            ("4.90 GBP", 4.9), ("14 euros per person", 14), ("-5 %", -5), ("khoảng 30 kg", 30),
            ("200.000 đồng một sào", 200_000), ("€ 7", 7), ("(12)", 12),
        ):  # fmt: skip
            assert number_in(cell) == value, cell
