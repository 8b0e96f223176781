from dataclasses import replace

import pytest

from citewell.engine.answering.base import (
    Answer,
    AnswerSentence,
    Citation,
    Confidence,
    ConfidenceLevel,
)
from citewell.engine.answering.grades import confidence_of, grade_extract
from citewell.engine.verification.grading import Grade
from tests.engine.answering.passages import passage

FEE = "The entry fee is 25 euros."
SURE = Confidence(ConfidenceLevel.HIGH, 0.95)


def answer(*sentences: tuple[str, str | None], language: str = "en") -> Answer:
    """Sentences with the quote each is cited from; None: from none."""
    citations: list[Citation] = []
    made: list[AnswerSentence] = []
    for text, quote in sentences:
        if quote is not None:
            source = passage(quote, language=language)
            number = len(citations) + 1
            citations.append(Citation(number, source, source.start, source.end, quote, 1.0))
            made.append(AnswerSentence(text, (number,)))
        else:
            made.append(AnswerSentence(text, ()))
    text = " ".join(sentence.text for sentence in made)
    return Answer(text, tuple(made), tuple(citations), SURE, is_abstained=False, model="m")


def grades(graded: Answer) -> list[Grade | None]:
    return [one.assessment.grade if one.assessment else None for one in graded.sentences]


class TestReadings:
    def test_what_its_quote_contradicts_or_does_not_hold_stays_so(self) -> None:
        told = {
            "The entry fee is 30 euros.": Grade.CONTRADICTED,
            "Dogs bark loudly.": Grade.UNSUPPORTED,
            "Entry fee: 25 euros": Grade.CLOSE,
        }
        for text, grade in told.items():
            made = answer((text, FEE))
            cited = replace(made.citations[0], readings=(text,))
            graded = grade_extract(replace(made, citations=(cited,)), language="en")
            assert grades(graded) == [grade], text


class TestGradeExtract:
    def test_sentence_without_citation_is_unsupported(self) -> None:
        graded = grade_extract(answer((FEE, FEE), ("Dogs may enter.", None)), language="en")
        assert grades(graded) == [Grade.QUOTED, Grade.UNSUPPORTED]

    @pytest.mark.parametrize("language", ["vi", "fr"])
    def test_quote_in_another_language_proves_and_refutes_nothing(self, language: str) -> None:
        graded = grade_extract(
            answer(("The entry fee is 30 euros.", "Vé vào cửa giá 25 euro."), language=language),
            language="en",
        )
        assert grades(graded) == [Grade.REWORDED]

    def test_quote_whose_language_does_not_show_is_compared(self) -> None:
        graded = grade_extract(answer(("Fee: 30 euros.", FEE), language="und"), language="en")
        assert grades(graded) != [Grade.REWORDED]

    def test_answer_without_citations_is_not_graded(self) -> None:
        greeting = answer(("Hello! Ask me about your documents.", None))
        assert grades(grade_extract(greeting, language="en")) == [None]


class TestConfidenceOf:
    @pytest.mark.parametrize(
        ("sentences", "level"),
        [
            ([(FEE, FEE)], ConfidenceLevel.HIGH),
            ([("Admission is 25 euros.", FEE), (FEE, FEE)], ConfidenceLevel.MEDIUM),
            ([("The entry fee is 30 euros.", FEE), (FEE, FEE)], ConfidenceLevel.LOW),
        ],
    )
    def test_it_is_what_the_worst_sentence_allows(
        self, sentences: list[tuple[str, str]], level: ConfidenceLevel
    ) -> None:
        graded = grade_extract(answer(*sentences), language="en")
        assert confidence_of(graded.sentences, SURE).level is level
