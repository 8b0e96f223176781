"""Grades the sentences of an answer by what they are cited from."""

from dataclasses import replace

from citewell.engine.answering.base import (
    Answer,
    AnswerSentence,
    Citation,
    Confidence,
    ConfidenceLevel,
)
from citewell.engine.answering.extractive import MODEL
from citewell.engine.verification.grading import Assessment, Grade, grade_sentence

_PROVEN = frozenset({Grade.QUOTED, Grade.CLOSE, Grade.CONFIRMED})
_ORDER = (
    ConfidenceLevel.NONE,
    ConfidenceLevel.LOW,
    ConfidenceLevel.MEDIUM,
    ConfidenceLevel.HIGH,
)
_CEILINGS = {ConfidenceLevel.LOW: 0.4, ConfidenceLevel.MEDIUM: 0.8}
"""Highest score that goes with a level that was lowered; inside the bands of `confidence`."""


def grade_answer(answer: Answer, *, language: str) -> Answer:
    """Return the answer with a assessment for each sentence.

    What a model wrote cannot be of high confidence unless every sentence is proven, and is of low
    confidence when a quote contradicts one: the confidence of the search knows nothing of what was
    made of the passages.

    Args:
        answer: With the numbers of its citations.
        language: ISO 639-1 code of the answer.
    """
    if not answer.citations:
        return answer
    quoted = {citation.number: citation for citation in answer.citations}
    sentences = tuple(
        replace(sentence, assessment=_assess(sentence, quoted, language))
        for sentence in answer.sentences
    )
    graded = replace(answer, sentences=sentences)
    if answer.model == MODEL:
        return graded
    grades = {
        sentence.assessment.grade for sentence in sentences if sentence.assessment is not None
    }
    if Grade.CONTRADICTED in grades:
        return replace(graded, confidence=_at_most(answer.confidence, ConfidenceLevel.LOW))
    if not grades <= _PROVEN:
        return replace(graded, confidence=_at_most(answer.confidence, ConfidenceLevel.MEDIUM))
    return graded


def _assess(sentence: AnswerSentence, quoted: dict[int, Citation], language: str) -> Assessment:
    cited = [quoted[number] for number in sentence.citations]
    own = [citation for citation in cited if citation.passage.language == language]
    assessment = grade_sentence(
        sentence.text,
        [citation.quote for citation in own or cited],
        language=language if own else cited[0].passage.language if cited else language,
    )
    if cited and not own and assessment.grade is not Grade.QUOTED:
        # Words of two languages cannot be compared: nothing was proven, and nothing refuted.
        return Assessment(Grade.REWORDED, assessment.unsupported_terms)
    return assessment


def _at_most(confidence: Confidence, level: ConfidenceLevel) -> Confidence:
    if _ORDER.index(confidence.level) <= _ORDER.index(level):
        return confidence
    return Confidence(level, min(confidence.score, _CEILINGS[level]))
