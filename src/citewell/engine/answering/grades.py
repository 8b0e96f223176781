"""Grades the sentences of an answer by what they are cited from."""

from collections.abc import Sequence
from dataclasses import replace

from citewell.engine.answering.base import (
    Answer,
    AnswerSentence,
    Citation,
    Confidence,
    ConfidenceLevel,
)
from citewell.engine.answering.evidence import UNKNOWN
from citewell.engine.verification.grading import (
    Assessment,
    Grade,
    grade_computed,
    grade_sentence,
)

_PROVEN = frozenset({Grade.QUOTED, Grade.CLOSE, Grade.CONFIRMED})
_SETTLED = frozenset({Grade.QUOTED, Grade.CONTRADICTED, Grade.UNSUPPORTED})
"""Grades by the quotes themselves that no reading of a table changes."""

_ORDER = (
    ConfidenceLevel.NONE,
    ConfidenceLevel.LOW,
    ConfidenceLevel.MEDIUM,
    ConfidenceLevel.HIGH,
)
_CEILINGS = {ConfidenceLevel.LOW: 0.4, ConfidenceLevel.MEDIUM: 0.8}
"""Highest score that goes with a level that was lowered; inside the bands of `confidence`."""


def grade_extract(answer: Answer, *, language: str, question: str = "") -> Answer:
    """Return an extracted answer with an assessment for each sentence.

    Args:
        answer: With the numbers of its citations.
        language: ISO 639-1 code of the answer.
        question: As asked, where it is known.
    """
    if not answer.citations:
        return answer
    cited = {citation.number: citation for citation in answer.citations}
    sentences = tuple(
        grade_cited(
            sentence,
            [cited[number] for number in sentence.citations],
            language=language,
            question=question,
        )
        for sentence in answer.sentences
    )
    return replace(answer, sentences=sentences)


def grade_cited(
    sentence: AnswerSentence, cited: Sequence[Citation], *, language: str, question: str = ""
) -> AnswerSentence:
    """Return a sentence with its assessment by rules.

    Args:
        sentence: Without marks.
        cited: Its citations.
        language: ISO 639-1 code of the sentence.
        question: As asked, where it is known.
    """
    if sentence.operands is not None:
        quotes = [citation.quote for citation in cited]
        computed = grade_computed(sentence.text, sentence.operands, quotes, language=language)
        return replace(sentence, assessment=computed)
    return replace(sentence, assessment=_assess(sentence.text, cited, language, question))


def confidence_of(sentences: Sequence[AnswerSentence], confidence: Confidence) -> Confidence:
    """Lower the confidence of what a model wrote to what its sentences' grades allow.

    It cannot be high unless every sentence is proven, and is low when a quote contradicts one: the
    confidence of the search knows nothing of what was made of the passages.
    """
    grades = {one.assessment.grade for one in sentences if one.assessment is not None}
    if Grade.CONTRADICTED in grades:
        return _at_most(confidence, ConfidenceLevel.LOW)
    if not grades <= _PROVEN:
        return _at_most(confidence, ConfidenceLevel.MEDIUM)
    return confidence


def _assess(text: str, cited: Sequence[Citation], language: str, question: str = "") -> Assessment:
    own = [one for one in cited if one.passage.language in (language, UNKNOWN)]
    language = language if own else cited[0].passage.language if cited else language
    quotes = [citation.quote for citation in own or cited]
    readings = [said for citation in own or cited for said in citation.readings]
    assessment = grade_sentence(text, [*quotes, *readings], language=language, question=question)
    if assessment.grade is Grade.QUOTED and text in readings:
        # Cells with the names of their columns stand in no quote as they are told.
        told = grade_sentence(text, quotes, language=language)
        return told if told.grade in _SETTLED else replace(assessment, grade=Grade.CLOSE)
    if cited and not own and assessment.grade is not Grade.QUOTED:
        # Words of two languages cannot be compared: nothing was proven, and nothing refuted.
        return Assessment(Grade.REWORDED, assessment.unsupported_terms)
    return assessment


def _at_most(confidence: Confidence, level: ConfidenceLevel) -> Confidence:
    if _ORDER.index(confidence.level) <= _ORDER.index(level):
        return confidence
    score = min(confidence.score, _CEILINGS[level])
    return replace(confidence, level=level, score=score)
