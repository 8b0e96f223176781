"""Words of a question that the library spells otherwise."""

from collections import Counter

import pytest

from citewell.engine.lexical.bm25 import passage_terms
from citewell.engine.retrieval.analysis import analyse
from citewell.engine.retrieval.spelling import (
    MOST_FAR,
    SURE_CHUNKS,
    Respelling,
    content_terms,
    far_spellings,
    respell,
    seen,
    spellings_of,
    unknown_words,
)
from citewell.engine.text.language import detect_language

LIBRARY = (
    "The vacation policy grants 25 days to every employee.",
    "The wifi password of the office hangs at the door.",
    "A complaint goes to the works council.",
    "Nhân viên được nghỉ phép năm tại Hà Nội.",
)


def respelt(question: str, *, chunk_count: int = len(LIBRARY)) -> Respelling:
    frequency = Counter[int]()
    for text in LIBRARY:
        frequency.update(passage_terms(text, detect_language(text)).weights.keys())
    analysis = analyse(question)
    unknown = unknown_words(content_terms(analysis), frequency)
    return respell(analysis, spellings_of(analysis, unknown), frequency, chunk_count)


class TestRespell:
    @pytest.mark.parametrize(
        ("question", "word", "written"),
        [
            ("How many vacaton days are there?", "vacaton", "vacation"),
            ("Where does a compalint go?", "compalint", "complaint"),
            ("What is the wi-fi password?", "wi fi", "wifi"),
            ("wi fi", "wi fi", "wifi"),
            ("the pass word of the office", "pass word", "password"),
            ("The hanoi employees' vacation", "hanoi", "ha noi"),
            ("nhân viên đươc ngih phép năm", "ngih", "nghi"),
        ],
    )
    def test_unknown_word_is_taken_for_one_of_the_library(
        self, question: str, word: str, written: str
    ) -> None:
        (found,) = respelt(question).spellings
        assert (found.word, found.written) == (word, written)

    @pytest.mark.parametrize(
        "question",
        [
            "How many vacation days are there?",
            "Which prophylaxis quadrant zygote is there?",
            "Was ist der Unterschied zwischen Vacatoin und Urlaub?",
            "Which kay opens the office?",
            "Is 2O26 or HR-POL-077 the office?",
        ],
    )
    def test_known_foreign_and_short_words_stay(self, question: str) -> None:
        assert respelt(question).terms == ()

    def test_large_library_must_have_a_word_more_than_once(self) -> None:
        assert respelt("vacaton", chunk_count=SURE_CHUNKS + 1).terms == ()

    def test_other_spelling_weighs_less_than_the_word_itself(self) -> None:
        (term,) = respelt("How many vacaton days are there?").terms
        own = next(each for each in analyse("vacaton days are there").terms if each.text == "days")
        assert 0.5 * own.boost < term.boost < own.boost

    def test_word_in_another_language_is_found_by_its_terms(self) -> None:
        text = "Die Kündigungsfrist für die Wohnung beträgt drei Monate."
        frequency = Counter(passage_terms(text, "de").weights.keys())
        analysis = analyse("Wie lang ist die Kündigungsfirst der Wohnung?")
        unknown = unknown_words(content_terms(analysis), frequency)
        found = respell(analysis, spellings_of(analysis, unknown), frequency, 1)
        assert "kundigungsfrist" in {each.written for each in found.spellings}


class TestTwoSlips:
    def test_long_words_are_found_two_likely_slips_away(self) -> None:
        for typed, meant in (
            ("maintainance", "maintenance"), ("accomodaton", "accommodation"),
            ("certifcatoin", "certification"), ("waranrty", "warranty"),
        ):  # fmt: skip
            far = far_spellings(analyse(f"the {typed} of it"), [typed])
            assert meant in {each.written for each in far}, typed
            assert all(each.is_far and each.written[0] == typed[0] for each in far)

    def test_word_of_its_own_is_not_taken_for_its_opposite(self) -> None:
        for asked, other in (
            ("hypertension", "hypotension"), ("intranet", "internet"), ("australia", "austria"),
            ("prosecution", "persecution"), ("intrastate", "interstate"),
            ("prosecutions", "persecutions"), ("mortgagor", "mortgagee"),
            ("prednisolone", "prednisone"), ("trainers", "trainees"),
        ):  # fmt: skip
            far = far_spellings(analyse(f"the {asked} of it"), [asked])
            assert other not in {each.written for each in far}, asked

    def test_name_is_no_slip_but_a_word_of_a_title_may_be(self) -> None:
        for question, is_far in (
            ("Who met Accomodaton there?", False),
            ("who paid the accomodaton?", True),
            ("Accomodaton for guests", True),
            ("THE ACCOMODATON OF IT", True),
        ):
            assert bool(far_spellings(analyse(question), ["accomodaton"])) == is_far, question

    def test_spellings_of_a_question_are_bounded(self) -> None:
        words = ["certifcatoin", "accomodaton", "misrepresentatoins", "waranrty"]
        far = far_spellings(analyse(" ".join(words)), words)
        assert len({each.written for each in far}) <= MOST_FAR
        assert {each.word for each in far} == {"certifcatoin", "waranrty"}

    def test_short_words_and_vietnamese_ones_have_none(self) -> None:
        assert far_spellings(analyse("the vacatns of it"), ["vacatns"]) == []
        assert far_spellings(analyse("nhân viên được khuynhhuong"), ["khuynhhuong"]) == []

    def test_spelling_is_seen_in_texts_that_hold_a_form_of_it(self) -> None:
        far = far_spellings(analyse("the maintainance"), ["maintainance"])
        one = next(each for each in far if each.written == "maintenance")
        assert seen(one, ["It says nothing.", "Maintenance is due."])
        assert not seen(one, ["The crane is mended."])
