# ruff: noqa: RUF001 - the marks of other scripts are meant
import unicodedata

import pytest

from citewell.engine.answering.prompting import harmless
from citewell.engine.answering.quoting import QuoteFinder, WrittenQuote
from tests.engine.answering.passages import passage

LEAVE = "Annual leave\n\nStaff get 24 days’ leave – not 20. It is false that unused days lapse. "
LEAVE += "The co-ordi-\nnator signs <form A> [3]."


def found(quote: str, *texts: str, number: int | None = 1) -> list[str]:
    """The texts of the passages at the places of a quote."""
    passages = [passage(text, name=str(at)) for at, text in enumerate(texts)]
    places = QuoteFinder(passages).find(WrittenQuote(quote, number))
    return [texts[place.passage][place.start : place.end] for place in places]


class TestFind:
    @pytest.mark.parametrize(
        "quote",
        [
            "Staff get 24 days’ leave – not 20.",
            "staff  get\n24 days' leave - not 20",
            '"Staff get 24 days leave — not 20"',
            "**Staff get 24 days’ leave** – not 20.",
            "Staff get 24 [...] leave – not 20",
        ],
    )
    def test_spelling_of_marks_and_space_is_tolerated(self, quote: str) -> None:
        assert found(quote, LEAVE) == ["Staff get 24 days’ leave – not 20."]

    def test_hyphen_at_a_line_end_and_what_the_prompt_replaced_are_tolerated(self) -> None:
        for quote in (
            "The coordinator signs <form A>",
            harmless("The co-ordinator signs <form A> [3]."),
        ):
            assert found(quote, LEAVE) == ["The co-ordi-\nnator signs <form A> [3]."]

    def test_normal_forms_are_the_same(self) -> None:
        text = "Phí vào cửa là 25 nghìn đồng."
        for form in ("NFC", "NFD", "NFKC"):
            for other in ("NFC", "NFD"):
                stored = unicodedata.normalize(other, text)
                assert found(unicodedata.normalize(form, text), stored) == [stored]

    def test_fragment_is_widened_to_its_sentence(self) -> None:
        assert found("unused days lapse", LEAVE) == ["It is false that unused days lapse."]

    def test_other_passage_than_named_is_found(self) -> None:
        assert found("Staff get 24 days", "Nothing here at all.", LEAVE) != []

    @pytest.mark.parametrize(
        "quote",
        [
            "Staff get 25 days’ leave",
            "taff get 24 days",
            "24",
            "",
            "...",
            "Staff lapse",
            "not 20 ... Staff get 24",
        ],
    )
    def test_what_stands_nowhere_is_no_evidence(self, quote: str) -> None:
        assert found(quote, LEAVE) == []

    def test_headings_questions_and_header_rows_are_no_evidence(self) -> None:
        table = "Fees\n\n| Weight | Price |\n| 10 to 20 kg | 4.90 euros |\n\nWho pays the fee?"
        for quote in ("Annual leave", "Weight | Price", "Who pays the fee?"):
            assert found(quote, LEAVE, table) == []
        assert found("10 to 20 kg 4.90 euros", LEAVE, table) == ["| 10 to 20 kg | 4.90 euros |"]

    def test_row_is_read_with_its_columns(self) -> None:
        table = passage("| Weight | Price |\n| 10 to 20 kg | 4.90 euros |")
        (place,) = QuoteFinder([table]).find(WrittenQuote("10 to 20 kg | 4.90 euros", 1))
        assert place.readings == ("Weight: 10 to 20 kg; Price: 4.90 euros",)
