from citewell.engine.answering.base import (
    Answer,
    AnswerSentence,
    Citation,
    Confidence,
    ConfidenceLevel,
)
from citewell.engine.answering.extractive import MODEL
from citewell.engine.answering.grades import grade_answer
from citewell.engine.verification.grading import Grade
from tests.engine.answering.passages import passage

FEE = "The entry fee is 25 euros."
SURE = Confidence(ConfidenceLevel.HIGH, 0.95)


def answer(
    *sentences: tuple[str, str | None], model: str = "fake:scripted", language: str = "en"
) -> Answer:
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
    return Answer(text, tuple(made), tuple(citations), SURE, is_abstained=False, model=model)


def grades(graded: Answer) -> list[Grade | None]:
    return [one.assessment.grade if one.assessment else None for one in graded.sentences]


class TestGradeAnswer:
    def test_proven_sentences_keep_the_confidence(self) -> None:
        graded = grade_answer(answer((FEE, FEE)), language="en")
        assert grades(graded) == [Grade.QUOTED]
        assert graded.confidence == SURE

    def test_contradicted_sentence_makes_it_low(self) -> None:
        graded = grade_answer(
            answer(("The entry fee is 30 euros.", FEE), (FEE, FEE)), language="en"
        )
        assert grades(graded) == [Grade.CONTRADICTED, Grade.QUOTED]
        assert graded.confidence.level is ConfidenceLevel.LOW

    def test_unproven_sentence_is_never_high(self) -> None:
        graded = grade_answer(answer(("Admission is 25 euros.", FEE), (FEE, FEE)), language="en")
        assert grades(graded) == [Grade.REWORDED, Grade.QUOTED]
        assert graded.confidence.level is ConfidenceLevel.MEDIUM

    def test_sentence_without_citation_is_unsupported(self) -> None:
        graded = grade_answer(answer((FEE, FEE), ("Dogs may enter.", None)), language="en")
        assert grades(graded) == [Grade.QUOTED, Grade.UNSUPPORTED]

    def test_extract_keeps_its_own_confidence(self) -> None:
        graded = grade_answer(answer(("Adults: 25 euros", FEE), model=MODEL), language="en")
        assert graded.confidence == SURE

    def test_quote_in_another_language_proves_and_refutes_nothing(self) -> None:
        graded = grade_answer(
            answer(("The entry fee is 30 euros.", "Vé vào cửa giá 25 euro."), language="vi"),
            language="en",
        )
        assert grades(graded) == [Grade.REWORDED]

    def test_answer_without_citations_is_not_graded(self) -> None:
        greeting = answer(("Hello! Ask me about your documents.", None), model=MODEL)
        assert grades(grade_answer(greeting, language="en")) == [None]
