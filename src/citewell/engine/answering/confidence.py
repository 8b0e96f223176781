"""How sure an answer is, and when to say that the documents do not hold one."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from citewell.engine.answering.asking.evidence import asks_for_a_type, offers
from citewell.engine.answering.asking.kinds import Kind
from citewell.engine.answering.base import Confidence, ConfidenceLevel
from citewell.engine.answering.reading.base import Material, Statement
from citewell.engine.answering.reading.subjects import absent, is_function_word, names_of
from citewell.engine.text.sentences import is_table_row

ABSTAIN_BELOW = 0.2
"""Below this score the answer is that there is none. Figures in `assess`."""

_MEDIUM = 0.55
HIGH = 0.87
"""From this score on an answer is called sure."""

DENSE_MIDPOINT = 0.45
"""Cosine of the bundled embedder that speaks neither for nor against an answer: questions that
the library answers have a median of 0.59, those of another subject 0.15."""

_VAGUE = 0.5
"""The most that an answer to `What changed?` can have, or one whose number counts something else
than was asked: low, whatever is covered."""

_FEW_WORDS = 2
_COUNTS = 0.5
"""Least score of a text whose number counts the thing asked for (`quantities.offers`)."""

_MOST_WORDS = 12
"""Content words of a question beyond which more of them say no more of its answer."""

_ABSTENTIONS = {
    "en": "I could not find an answer to this in your documents.",
    "vi": "Tôi không tìm thấy câu trả lời cho câu hỏi này trong tài liệu của bạn.",
}


class Signals(NamedTuple):
    """Features of a first statement for its confidence; shares are of weight."""

    coverage: float
    """Share of the question that the statement covers, with its headings."""
    own: float
    """Share of the question's content words that its own sentences hold."""
    best: float
    """The same for the passage that holds the most of them, whichever it is."""
    missing: float
    """Weight of the heaviest content word that the cited passages lack, relative to the heaviest
    of the question."""
    absent: float
    """Names, codes and years that the cited passages lack, at most 2."""
    unknown_names: float
    """Those of them that the whole library lacks, at most 2."""
    unknown: float
    """Share of the content words that the whole library lacks."""
    no_type: float
    """0.5 where what is asked for (a date, a number of things, a name) is not in the statement."""
    dense: float
    """Cosine of the best cited passage above the midpoint; 0 where it says nothing."""
    vietnamese: float
    vietnamese_coverage: float
    words: float
    """Content words of the question, in tens."""


_WEIGHTS = Signals(3.91, 0.67, 1.21, -0.54, -1.02, -0.81, -3.21, -1.24, 3.21, -1.16, 1.77, 2.29)
_INTERCEPT = -3.74


def abstention_text(language: str) -> str:
    """Get the sentence that says there is no answer, in the question's language or English."""
    return _ABSTENTIONS.get(language, _ABSTENTIONS["en"])


def assess(
    material: Material, statements: Sequence[Statement], dense_midpoint: float | None
) -> Confidence:
    """Read the confidence of an answer from its first statement.

    Args:
        material: The question and what was found.
        statements: The answer.
        dense_midpoint: `DENSE_MIDPOINT` when the embedder covers the question's language; None
            leaves the dense scores out.

    Returns:
        A score in 0..1 and its level; level NONE says to abstain.
    """
    if not statements or sum(term.weight for term in material.question.terms) <= 0:
        return Confidence(ConfidenceLevel.NONE, 0.0)
    signals = signals_of(material, statements[0], dense_midpoint)
    logit = _INTERCEPT + sum(w * value for w, value in zip(_WEIGHTS, signals, strict=True))
    score = 1 / (1 + math.exp(-logit))
    if _is_vague(material, statements[0]):
        score = min(score, _VAGUE)
    return Confidence(level_of(score), round(score, 3))


def _is_vague(material: Material, statement: Statement) -> bool:
    """Whether the words that are covered say too little: one word, or a number of other things."""
    asked = material.asked
    content = [
        term
        for term in material.question.terms
        if " " not in term.text
        and not is_function_word(term.text, material.question.language)
        and term.text.lower() not in asked.instructions
    ]
    is_count = asked.kind is Kind.COUNT and asked.counted and "\n" not in statement.text
    is_row = is_table_row(statement.quotes[0].text)
    return len(content) < _FEW_WORDS or (
        bool(is_count) and not is_row and offers(asked, statement.text) < _COUNTS
    )


def signals_of(material: Material, statement: Statement, midpoint: float | None) -> Signals:
    """Gather what a statement's confidence is read from."""
    question = material.question
    cited = {id(quote.passage) for quote in statement.quotes}
    readings = [one for one in material.scores.readings if id(one.passage) in cited]
    held = frozenset[int]().union(*(reading.terms for reading in readings))
    own = frozenset[int]().union(
        *(
            reading.own[at]
            for reading in readings
            for at, candidate in enumerate(reading.candidates)
            if any(
                quote.passage is reading.passage
                and quote.span.start <= candidate.span.start < quote.span.end
                for quote in statement.quotes
            )
        )
    )
    content = frozenset(
        at
        for at, term in enumerate(question.terms)
        if " " not in term.text and not is_function_word(term.text, question.language)
    )
    weights = [term.weight for term in question.terms]

    def weight(terms: frozenset[int]) -> float:
        return sum(weights[at] for at in terms)

    total = weight(content) or 1.0
    unknown = frozenset(at for at in content - held if not question.terms[at].is_known)
    names = names_of(question)
    is_typed = asks_for_a_type(material.asked) and "\n" not in statement.text
    cosines = [one.passage.dense_score for one in readings if one.passage.dense_score is not None]
    is_vietnamese = float(question.language == "vi")
    return Signals(
        coverage=statement.coverage,
        own=weight(content & own) / total,
        best=max(weight(content & one.terms) for one in material.scores.readings) / total,
        missing=max((weights[at] for at in content - held), default=0.0)
        / max((weights[at] for at in content), default=1.0),
        absent=min(len(absent(question, [q.passage for q in statement.quotes], held)), 2),
        unknown_names=min(len(unknown & names), 2),
        unknown=weight(unknown) / total,
        no_type=max(0.0, 0.5 - offers(material.asked, statement.text)) if is_typed else 0.0,
        dense=max(cosines) - midpoint if midpoint is not None and cosines else 0.0,
        vietnamese=is_vietnamese,
        vietnamese_coverage=is_vietnamese * statement.coverage,
        words=min(len(content), _MOST_WORDS) / 10,
    )


def level_of(score: float) -> ConfidenceLevel:
    """Get the level of a confidence score; NONE says to abstain."""
    if score >= HIGH:
        return ConfidenceLevel.HIGH
    if score >= _MEDIUM:
        return ConfidenceLevel.MEDIUM
    return ConfidenceLevel.LOW if score >= ABSTAIN_BELOW else ConfidenceLevel.NONE
