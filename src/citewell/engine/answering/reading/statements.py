"""The best sentences of the passages, as many as the question needs: most often one."""

import re
from dataclasses import replace

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.asking.evidence import asks_for_a_type, offers
from citewell.engine.answering.asking.labels import tells_number
from citewell.engine.answering.pointing import points_back
from citewell.engine.answering.reading.base import (
    Material,
    Quote,
    Statement,
    quote_of,
    stated,
)
from citewell.engine.answering.reading.lists import expand_lead_in
from citewell.engine.answering.reading.subjects import names_of
from citewell.engine.answering.reading.tables import read_cell
from citewell.engine.answering.scoring import Scored
from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.sentences import Span

_ALONE = 0.3
"""A sentence this much better than the next, in scores, stands alone; a third must be twice as
near. On 500 SQuAD questions 0.2 gives 0.846 of the answers in 1.58 sentences, 0.27 0.854 in 1.76,
0.33 0.860 in 1.88; questions on an organisation's documents get 1.4, 1.5 and 1.65."""

_EVEN = 0.1
"""Sentences so near to the best are ordered by how many of the question's names they hold."""

_SAME = 0.8
"""Jaccard similarity of their words from which two sentences say the same."""

_MAX_PAIR_CHARS = 400
"""Longest quote that takes in the sentence before, for a pronoun's sake."""

_SOME, _NONE = 0.5, 0.3
"""More and less than a text offers (`evidence.offers`) that may be of the kind asked for."""

_SINGLE = (Kind.PERSON, Kind.TIME, Kind.PLACE, Kind.COUNT, Kind.AMOUNT, Kind.DURATION)
"""Kinds that ask for one thing."""

_WHOLE, _DECIDES = 0.5, 0.8
"""Share of a question that a statement has to cover to stand alone."""

_PAIR = re.compile(r"(?<=\S )(?=([^\W\d_])\w+ ([^\W\d_])\w)")
"""First letters of two words behind the first word of a text."""

_IS_OVER = re.compile(
    r"\b(?:withdrawn|superseded|replaced|repealed|expired|no longer|het hieu luc|bai bo|thay the)\b"
)
"""Told of what held once: what holds now stands in another sentence."""

_LESS = 0.15
"""Less that a text offers (`evidence.offers`) by which it is the worse answer of two."""

_NEXT = 4
"""Characters of white space between a sentence and the next one."""

_WORD = re.compile(r"\w+")


def best_statements(material: Material, count: int) -> list[Statement]:
    """Pick what to say: the best sentence, with those that may as well be the answer.

    Of these the one with most of the question's names comes first.
    """
    made: list[Statement] = []
    first = 0.0
    told = set[str]()
    for one in material.ranked:
        if len(made) == count or (made and one.score < first - _ALONE / len(made)):
            break
        if one.candidate.is_row and one.candidate.passage.document_id in told:
            continue  # a cell was told: the next row is of something else
        statement = _statement(material, one)
        if statement is not None and any(_continues(one, other) for other in made):
            statement = stated(one)  # what it points back to was told
        if statement is None or any(_repeats(statement, other) for other in made):
            continue
        if made and _adds_no_answer(material, made[0], statement):
            continue
        made.append(statement)
        if one.candidate.is_row and statement.text != one.candidate.text:
            told.add(one.candidate.passage.document_id)
        first = max(first, one.score)
    names = [fold(material.question.terms[at].text.lower()) for at in names_of(material.question)]

    def rank(one: Statement) -> int:
        held = sum(name in fold(one.text.lower()) for name in names)
        return -held if one.score >= first - _EVEN else 0

    found = sorted(made, key=rank)
    if not found or not _suffices(material, found[0]):
        return found
    terms = _terms(material, found[0])
    return [
        found[0],
        *(
            one
            for one in found[1:]
            if _goes_on(material, found[0], one)
            or not (_terms(material, one) < terms or _offers_less(material, found[0], one))
        ),
    ]


def _offers_less(material: Material, first: Statement, other: Statement) -> bool:
    """Whether another statement has less of the kind of thing that is asked for."""
    asked = material.asked
    if asked.kind is Kind.PERSON and _holds_name(first.text) and not _holds_name(other.text):
        return True
    return offers(asked, other.text) < offers(asked, first.text) - _LESS


def _holds_name(text: str) -> bool:
    """Whether two words with capitals stand behind the first word: a person's name, or a title."""
    return any(one.isupper() and other.isupper() for one, other in _PAIR.findall(text))


def _terms(material: Material, one: Statement) -> frozenset[int]:
    """Positions of the question's terms that a statement holds itself."""
    quote = one.quotes[0]
    reading = next(each for each in material.scores.readings if each.passage is quote.passage)
    return reading.find(one.text) & reading.finder.telling


def _goes_on(material: Material, first: Statement, other: Statement) -> bool:
    """Whether a statement goes on with the first by pointing back: `It is serviced again`."""
    before, behind = first.quotes[-1], other.quotes[0]
    is_next = 0 <= behind.span.start - before.span.end <= _NEXT
    is_beside = behind.passage is before.passage and is_next
    return is_beside and points_back(other.text) and offers(material.asked, other.text) > _SOME


def _suffices(material: Material, first: Statement) -> bool:
    """Whether a statement has what is asked for, so that one with less adds nothing.

    The mileage beside the owner of a policy is of something else.
    """
    if _IS_OVER.search(fold(normalise(first.text))):
        return False
    if material.asked.kind is Kind.YES_NO:
        return first.coverage >= _DECIDES
    if material.asked.kind not in _SINGLE:
        return False
    return offers(material.asked, first.text) > _SOME and first.coverage >= _WHOLE


def _adds_no_answer(material: Material, first: Statement, other: Statement) -> bool:
    """Whether the first statement has what is asked for and another one has nothing of the kind.

    `Parking is free for guests` adds nothing to where they park.
    """
    if not asks_for_a_type(material.asked):
        return False
    return offers(material.asked, first.text) > _SOME and offers(material.asked, other.text) < _NONE


def _statement(material: Material, one: Scored) -> Statement | None:
    candidate = one.candidate
    if candidate.is_row:
        return read_cell(material, one)
    if candidate.is_lead_in:
        return expand_lead_in(material, candidate)
    if under := _under(material, one):
        candidate = under.candidate
        if candidate.is_lead_in:
            return expand_lead_in(material, candidate)
        one = replace(under, score=one.score, coverage=one.coverage)
    quote, text = _readable(one)
    return Statement(text, (quote,), one.score, one.coverage)


def _under(material: Material, one: Scored) -> Scored | None:
    """The first sentence under a line that looks like a heading; None of other sentences.

    `Version 2.1.30` says nothing by itself; where a number is asked for, the line may be it.
    """
    candidates = one.reading.candidates
    if one.candidate.worth == 1 or one.at + 1 >= len(candidates):
        return None
    following = candidates[one.at + 1]
    if following.is_row or not following.worth or following.lead != one.candidate.text:
        return None
    if tells_number(material.asked, one.candidate.text, material.question.language):
        return None
    if asks_for_a_type(material.asked) and (
        offers(material.asked, one.candidate.text) > offers(material.asked, following.text)
    ):
        return None
    return replace(one, candidate=following, at=one.at + 1)


def _readable(one: Scored) -> tuple[Quote, str]:
    """Take in the sentence before when this one points back to it."""
    candidate = one.candidate
    before = candidate.previous
    if before is None or not points_back(candidate.text):
        return quote_of(candidate), candidate.text
    span = Span(before.start, candidate.span.end)
    if span.end - span.start > _MAX_PAIR_CHARS:
        return quote_of(candidate), candidate.text
    if candidate.is_aside:
        return quote_of(candidate), candidate.text  # with its label, alone
    text = " ".join(candidate.passage.text[span.start : span.end].split())
    return Quote(candidate.passage, span), text


def _continues(one: Scored, told: Statement) -> bool:
    """Whether a sentence points back to the one before it, which a statement ends in."""
    candidate, quote = one.candidate, told.quotes[-1]
    before = candidate.previous
    return (
        before is not None
        and points_back(candidate.text)
        and quote.passage is candidate.passage
        and quote.span.end == before.end
    )


def _repeats(one: Statement, other: Statement) -> bool:
    """Whether a statement is one already made: the same place, or nearly the same words."""
    if any(_overlap(mine, its) for mine in one.quotes for its in other.quotes):
        return True
    words, known = _words(one.text), _words(other.text)
    if {w for w in words if w.isdigit()} != {w for w in known if w.isdigit()}:
        return False
    return len(words & known) >= _SAME * len(words | known)


def _overlap(one: Quote, other: Quote) -> bool:
    mine, its = one.passage, other.passage
    if (mine.document_id, mine.version) != (its.document_id, its.version):
        return False
    start, end = mine.start + one.span.start, mine.start + one.span.end
    return start < its.start + other.span.end and its.start + other.span.start < end


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
