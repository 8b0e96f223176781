"""How sure an answer is, and when to say that the documents do not hold one."""

from collections.abc import Sequence

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.asking.evidence import offers
from citewell.engine.answering.asking.names import asks_by_name
from citewell.engine.answering.base import Confidence, ConfidenceLevel
from citewell.engine.answering.calibration import ConfidenceCalibration
from citewell.engine.answering.near_misses import LOW, most_of
from citewell.engine.answering.reading.articles import reference_of
from citewell.engine.answering.reading.base import Material, Statement
from citewell.engine.answering.reasons import reasons_of
from citewell.engine.answering.signals import Signals, content_of, judged, signals_of

UNANSWERABLE_BELOW = 0.5
"""Probability that the passages answer the question, below which nothing is answered. 0.55 saves
0.004 of an organisation's questions that nothing answers and costs 0.004 of the others, and 0.013
of Vietnamese encyclopaedic ones. See ADR 0042."""

ABSTAIN_BELOW = 0.15
"""Probability of being right below which nothing is answered. Most of these the bound above holds
back already; 0.25 loses another 0.01 of Vietnamese encyclopaedic answers and gains nothing."""

GIVEN_AGAIN_FROM = 0.33
"""Probability of being right from which an answer that the two bounds hold back is given all the
same, as low: one in three. From 0.25 to 0.4 right answers and near misses go together, see ADR
0065."""

_LESS = 0.001
_MEDIUM = 0.6
HIGH = 0.93
"""From this score on an answer is called sure: right in 0.96 of the questions on an organisation's
documents, by cross-validation over documents of five libraries."""

_VAGUE = 0.5
"""The most that an answer to `What changed?` can have: low, whatever is covered."""

_FEW_WORDS = 2
_NO_TYPE = 0.3
"""`Signals.no_type` of a text without any number, date or name where one is asked for, or with a
number that is no share or no rhythm where that is."""

_AS_MUCH = 0.75
"""Share of what the first statement covers that another one must cover to give what the first
lacks: the amount in a sentence on something else is not what was asked for."""

_HAS_TYPE = 0.499
"""`Signals.has_type` of a text that certainly holds what is asked for."""

_ALONE = 0.3
"""Lead over the next sentence, in scores, with which a sentence stands alone."""

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
    statement = judged(material, statements)
    signals = signals_of(material, statement, calibration.dense_midpoint)
    score = calibration.right.probability(signals)
    answerable = calibration.answerable.probability(signals)
    most = most_of(material, statement, signals)
    is_vague = _is_vague(material) and not _is_told(signals)
    score = min(score, most, _VAGUE if is_vague else 1.0)
    is_unlikely = answerable < UNANSWERABLE_BELOW or score < ABSTAIN_BELOW
    if is_unlikely and _holds_everything(signals):
        is_unlikely = False
    elif is_unlikely and _may_be_said_otherwise(signals):
        again = calibration.second_look.probability(
            calibration.answerable.logit(signals), calibration.right.logit(signals), signals
        )
        if again >= GIVEN_AGAIN_FROM:
            is_unlikely = False
            score = min(again, most, _VAGUE if is_vague else LOW)
    is_given = most > 0 and not (is_unlikely or lacks_the_point(material, statements, signals))
    reasons = reasons_of(material, statement, signals, is_given=is_given)
    if not is_given:
        # A refusal is no more likely than the least likely answer that is given.
        refused = min(score, answerable, ABSTAIN_BELOW - _LESS)
        return Confidence(ConfidenceLevel.NONE, round(refused, 3), tuple(reasons))
    score = max(score, ABSTAIN_BELOW)
    return Confidence(level_of(score), round(score, 3), tuple(reasons))


def _holds_everything(signals: Signals) -> bool:
    """Whether a statement has all words of the question and what it asks for: then it is given."""
    return signals.near >= _ALL and not signals.no_type and not signals.miscounted


def _may_be_said_otherwise(signals: Signals) -> bool:
    """Whether what a statement lacks of the question can be a matter of words.

    Names and numbers have no other words, nor has the thing that is asked for by its name; a word
    that other documents hold points to them. And retrieval has to put the passage first.
    """
    is_named = not (signals.names_gap or signals.numbers or signals.focus_gap)
    return is_named and not signals.elsewhere and signals.lead > 0


def lacks_the_point(material: Material, statements: Sequence[Statement], signals: Signals) -> bool:
    """Whether statements cannot be the answer, whatever else of the question they hold.

    They lack the kind of thing that is asked for, or have their amounts in another currency; or
    they stand under headings and count other things, or nothing there names what the question does:
    a year, a code, a name. Text without headings says such things pages earlier: there these two
    cost 0.02 of the answers to encyclopaedic questions, and are left to the weights.
    """
    is_elsewhere = signals.absent > 0 and reference_of(material.question.text) is None
    if signals.other_currency or (signals.headed and (is_elsewhere or signals.miscounted)):
        return True
    if material.asked.kind is Kind.PERSON and not asks_by_name(material.asked):
        return False  # `residents` are no name and may be the answer
    # A place needs no preposition: `The assembly point is the car park` tells where.
    least = 0.0 if material.asked.kind is Kind.PLACE else _AS_MUCH * statements[0].coverage
    return signals.no_type >= _NO_TYPE and not any(
        offers(material.asked, one.text) > 0.5 - _NO_TYPE
        for one in statements
        if one.coverage >= least
    )


def _is_vague(material: Material) -> bool:
    """Whether a question has too few words of its own for its answer to be told apart."""
    terms = material.question.terms
    # A date or a number of several words tells as much as they do.
    return sum(1 + terms[at].is_form for at in content_of(material)) < _FEW_WORDS


def _is_told(signals: Signals) -> bool:
    """Whether one sentence alone says all of a question and holds the kind of thing it asks for.

    In a note `The guarantee is three years` the one word of `How long is the guarantee?` is enough.
    """
    is_alone = signals.margin >= _ALONE
    return is_alone and signals.own >= _ALL and signals.has_type >= _HAS_TYPE


def level_of(score: float) -> ConfidenceLevel:
    """Get the level of an answer that is given with this score."""
    if score >= HIGH:
        return ConfidenceLevel.HIGH
    return ConfidenceLevel.MEDIUM if score >= _MEDIUM else ConfidenceLevel.LOW
