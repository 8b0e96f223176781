"""How sure an answer is, and when to say that the documents do not hold one."""

from collections.abc import Sequence

from citewell.engine.answering.base import Confidence, ConfidenceLevel
from citewell.engine.answering.calibration import ConfidenceCalibration
from citewell.engine.answering.reading.base import Material, Statement
from citewell.engine.answering.reasons import reasons_of
from citewell.engine.answering.signals import Signals, content_of, signals_of

UNANSWERABLE_BELOW = {"vi": 0.55}
_UNANSWERABLE_BELOW = 0.5
"""Probability that the passages answer the question, below which nothing is answered, by language:
Vietnamese near misses share more syllables with what is known. Each 0.05 costs 0.01 of the answers
to encyclopaedic questions, and saves 0.03 of an organisation's questions that nothing answers. See
ADR 0036."""

ABSTAIN_BELOW = 0.15
"""Probability of being right below which nothing is answered. Most of these the bound above holds
back already; 0.25 loses another 0.01 of Vietnamese encyclopaedic answers and gains nothing."""

_MEDIUM = 0.6
HIGH = 0.93
"""From this score on an answer is called sure: right in 0.96 of the questions on an organisation's
documents, by cross-validation over documents of five libraries."""

_VAGUE = 0.5
"""The most that an answer to `What changed?` can have: low, whatever is covered."""

_FEW_WORDS = 2
_ALL = 0.999
"""Share of the question's words that are all of them, rounding aside."""


_ABSTENTIONS = {
    "en": "I could not find an answer to this in your documents.",
    "vi": "Tôi không tìm thấy câu trả lời cho câu hỏi này trong tài liệu của bạn.",
}


def abstention_text(language: str) -> str:
    """Get the sentence that says there is no answer, in the question's language or English."""
    return _ABSTENTIONS.get(language, _ABSTENTIONS["en"])


def assess(
    material: Material, statements: Sequence[Statement], calibration: ConfidenceCalibration
) -> Confidence:
    """Read the confidence of an answer from its first statement.

    Args:
        material: The question and what was found.
        statements: The answer.
        calibration: Of the embedding that gave the passages their cosines.

    Returns:
        The probability that the answer is right, its level, and the reasons in words; level NONE
        says to abstain.
    """
    if not statements or sum(term.weight for term in material.question.terms) <= 0:
        return Confidence(ConfidenceLevel.NONE, 0.0)
    signals = signals_of(material, statements[0], calibration.dense_midpoint)
    score = calibration.right.probability(signals)
    answerable = calibration.answerable.probability(signals)
    if _is_vague(material):
        score = min(score, _VAGUE)
    level = level_of(score)
    bound = UNANSWERABLE_BELOW.get(material.question.language, _UNANSWERABLE_BELOW)
    is_unlikely = answerable < bound or score < ABSTAIN_BELOW
    if is_unlikely and not _holds_everything(signals):
        level = ConfidenceLevel.NONE
    reasons = reasons_of(
        material, statements[0], signals, is_given=level is not ConfidenceLevel.NONE
    )
    return Confidence(level, round(score, 3), tuple(reasons))


def _holds_everything(signals: Signals) -> bool:
    """Whether a statement has all words of the question and what it asks for: then it is given."""
    return signals.near >= _ALL and not signals.no_type and not signals.miscounted


def _is_vague(material: Material) -> bool:
    """Whether a question has too few words of its own for its answer to be told apart."""
    return len(content_of(material)) < _FEW_WORDS


def level_of(score: float) -> ConfidenceLevel:
    """Get the level of an answer that is given with this score."""
    if score >= HIGH:
        return ConfidenceLevel.HIGH
    return ConfidenceLevel.MEDIUM if score >= _MEDIUM else ConfidenceLevel.LOW
