import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citewell.engine.answering.alignment import CROSS_LANGUAGE_SCORE, Alignment, align
from citewell.engine.answering.base import Passage
from tests.examples import examples


def passage(text: str, number: int = 1, **fields: object) -> Passage:
    values: dict[str, object] = {
        "chunk_id": f"c{number}",
        "document_id": "d",
        "title": "Handbook",
        "version": 1,
        "page": None,
        "heading": (),
        "start": 500 * number,
        "end": 500 * number + len(text),
        "text": text,
        "score": 0.5,
        "language": "en",
    }
    return Passage(**(values | fields))  # type: ignore[arg-type]


LEAVE = passage(
    "Employees are entitled to 24 days of annual leave. It must be taken before the end of March. "
    "Sick leave needs a note from the third day on.",
    1,
)
MEALS = passage("The canteen opens at 11:30. Guests pay 8 euros for a meal.", 2)


def check(result: Alignment) -> None:
    """Rules that hold for every alignment."""
    assert [citation.number for citation in result.citations] == list(
        range(1, len(result.citations) + 1)
    )
    for citation in result.citations:
        start, end = (at - citation.passage.start for at in (citation.start, citation.end))
        assert citation.quote == citation.passage.text[start:end]
        assert 0 < citation.score <= 1
    named = [number for sentence in result.sentences for number in sentence.citations]
    assert list(dict.fromkeys(named)) == [citation.number for citation in result.citations]


def aligned(text: str, *passages: Passage, language: str = "en") -> Alignment:
    result = align(text, passages or (LEAVE, MEALS), language=language)
    check(result)
    return result


class TestMarks:
    def test_numbers_are_ours_in_order_of_appearance(self) -> None:
        result = aligned("Guests pay 8 euros for a meal [2]. Employees get 24 days of leave [1].")
        assert result.text == (
            "Guests pay 8 euros for a meal. [1] Employees get 24 days of leave. [2]"
        )
        assert [citation.passage.chunk_id for citation in result.citations] == ["c2", "c1"]

    def test_invented_numbers_are_dropped(self) -> None:
        result = aligned("Guests pay 8 euros for a meal [7][0][99].")
        assert result.text == "Guests pay 8 euros for a meal. [1]"

    def test_no_claim_still_finds_the_passage(self) -> None:
        assert aligned("A meal costs guests 8 euros.").sentences[0].is_supported

    def test_claim_that_does_not_hold_is_corrected(self) -> None:
        result = aligned("Guests pay 8 euros for a meal [1].")
        assert result.citations[0].passage is MEALS

    def test_claim_prefers_among_equals(self) -> None:
        twin = passage(MEALS.text, 3)
        result = aligned("Guests pay 8 euros for a meal [2].", MEALS, twin)
        assert result.citations[0].passage is twin

    def test_two_claims_that_hold_are_both_cited(self) -> None:
        twin = passage(MEALS.text, 3)
        result = aligned("Guests pay 8 euros for a meal [1][2].", MEALS, twin)
        assert result.text.endswith("[1][2]")

    def test_same_span_twice_has_one_number(self) -> None:
        result = aligned("Guests pay 8 euros for a meal. For a meal guests pay 8 euros.")
        assert result.text.count("[1]") == 2
        assert len(result.citations) == 1


class TestSpans:
    def test_sentence_word_for_word_is_quoted_exactly(self) -> None:
        result = aligned("guests pay 8 euros for a meal [2].")
        assert result.citations[0].quote == "Guests pay 8 euros for a meal."
        assert result.citations[0].score == 1.0

    def test_part_of_a_sentence_word_for_word_is_quoted_exactly(self) -> None:
        assert aligned("Entitled to 24 days of annual leave.").citations[0].quote == (
            "entitled to 24 days of annual leave."
        )

    def test_line_break_in_the_source_does_not_hide_it(self) -> None:
        source = passage("Guests who come alone pay 8 euros\nfor each meal they take here.")
        result = aligned("Guests who come alone pay 8 euros for each meal they take here.", source)
        assert result.citations[0].quote == source.text

    def test_statement_over_two_sentences_quotes_both(self) -> None:
        result = aligned("The 24 days of annual leave must be taken before the end of March.")
        assert result.citations[0].quote == (
            "Employees are entitled to 24 days of annual leave. It must be taken before the end of "
            "March."
        )

    def test_statement_of_two_passages_cites_both(self) -> None:
        result = aligned("Employees get 24 days of annual leave, and guests pay 8 euros a meal.")
        assert result.sentences[0].citations == (1, 2)

    def test_half_of_it_unfounded_is_unsupported(self) -> None:
        result = aligned("Employees get 24 days of annual leave, and guests pay 9 euros a meal.")
        assert not result.sentences[0].is_supported

    def test_heading_supplies_the_subject(self) -> None:
        source = passage("They are granted 24 days per year.", heading=("Annual leave", "Trainees"))
        assert aligned("Trainees get 24 days of annual leave per year.", source).citations

    def test_heading_alone_supports_nothing(self) -> None:
        source = passage("See the portal for more.", heading=("Annual leave of trainees",))
        assert not aligned("Trainees get annual leave.", source).citations

    def test_quoted_phrase_must_stand_there(self) -> None:
        source = passage('The sign says "keep the door shut at night" in red letters.')
        assert aligned('The sign says "keep the door shut at night".', source).citations
        assert not aligned('The sign says "keep the window shut at night".', source).citations

    def test_number_of_another_table_row_is_not_this_ones(self) -> None:
        table = passage("Plan | Price\nSmall | 5 EUR\nLarge | 50 EUR")
        assert aligned("The Large plan has a price of 50 EUR.", table).citations
        assert not aligned("The Small plan has a price of 50 EUR.", table).citations

    def test_header_of_a_cut_table_counts(self) -> None:
        table = passage("Large | 50 EUR", context="Plan | Monthly price")
        assert aligned("The monthly price of the Large plan is 50 EUR.", table).citations

    @pytest.mark.parametrize(
        "sentence",
        [
            "Managers get 15 days of leave.",
            "Employees get 20 days of leave.",
        ],
    )
    def test_numbers_of_one_sentence_are_not_swapped(self, sentence: str) -> None:
        source = passage("Managers get 20 days of leave and employees get 15 days of leave.")
        assert not aligned(sentence, source).citations


class TestLanguages:
    VIETNAMESE = passage(
        "Nhân viên được nghỉ 14 ngày phép mỗi năm. Phải khóa màn hình khi rời bàn làm việc.",
        language="vi",
    )

    def test_sentence_without_diacritics_finds_its_passage(self) -> None:
        result = aligned("Phai khoa man hinh khi roi ban lam viec.", self.VIETNAMESE, language="vi")
        assert result.sentences[0].is_supported

    def test_passage_without_diacritics_is_found(self) -> None:
        source = passage("Phai khoa man hinh khi roi ban lam viec.", language="vi")
        result = aligned("Phải khóa màn hình khi rời bàn làm việc.", source, language="vi")
        assert result.sentences[0].is_supported

    def test_other_language_with_shared_facts_and_claim_is_less_sure(self) -> None:
        result = aligned("Employees have 14 days off per year [1].", self.VIETNAMESE)
        assert [citation.score for citation in result.citations] == [CROSS_LANGUAGE_SCORE]

    @pytest.mark.parametrize(
        "sentence",
        [
            "Employees have 14 days off per year.",  # no claim
            "Employees have 15 days off per year [1].",  # another number
            "Employees do not have 14 days off per year [1].",  # a negation
            "Lock your screen when you leave the desk [1].",  # nothing that can be checked
        ],
    )
    def test_other_language_unchecked_is_unsupported(self, sentence: str) -> None:
        assert not aligned(sentence, self.VIETNAMESE).citations

    def test_language_unknown_is_compared_as_the_sentences(self) -> None:
        source = passage(MEALS.text, language="und")
        assert aligned("Guests pay 8 euros for a meal.", source).citations


class TestAnyText:
    @settings(max_examples=examples(60))
    @given(st.text(max_size=200), st.text(max_size=200))
    def test_any_text_and_passage_hold_the_invariants(self, text: str, source: str) -> None:
        aligned(text, passage(source))

    @settings(max_examples=examples(30))
    @given(st.text(alphabet='Guests pay8 euros.[1]()\n|không"', max_size=150))
    def test_text_of_the_trade_holds_the_invariants(self, text: str) -> None:
        aligned(text, LEAVE, MEALS)

    @pytest.mark.parametrize(
        "text", ["", " ", "[1]", "[1][2]", "...", "\x00", "(1)" * 50, "1" * 5000, "- \n- \n", "|"]
    )
    def test_text_without_a_statement_cites_nothing(self, text: str) -> None:
        assert aligned(text).citations == ()

    def test_no_passages_nothing_is_supported(self) -> None:
        assert not align("Guests pay 8 euros [1].", [], language="en").citations

    def test_bullets_keep_their_layout(self) -> None:
        result = aligned("- Guests pay 8 euros for a meal [2]\n- 24 days of annual leave [1]")
        assert result.text == ("- Guests pay 8 euros for a meal [1]\n- 24 days of annual leave [2]")
