"""Statements that rest on the words a follow-up put in the place of others.

After `What does the radio cost?` the question `What about the satellite phone?` is not answered by
the radio's price again, however much of the question that holds.
"""

from collections.abc import Sequence
from itertools import pairwise

from citewell.engine.answering.asking.carrying import words_and_codes
from citewell.engine.answering.ranges import holds_number
from citewell.engine.answering.reading.base import Material, Statement
from citewell.engine.answering.reading.subjects import is_function_word
from citewell.engine.answering.signals import content_of, near_terms, text_near
from citewell.engine.text.normalisation import fold, normalise, words
from citewell.engine.text.numerals import number_values

_ENOUGH = 0.5
"""Share of their weight that must be near a statement: `part-time staff` is there where
`part-time employees` are. A number must be there in any case, or a range that holds it."""


def mentioning(material: Material, statements: Sequence[Statement]) -> list[Statement]:
    """Leave out the statements without the words that the question says they must rest on."""
    question = material.question
    wanted = frozenset(words_and_codes(question.must_mention))
    if not wanted:
        return list(statements)
    terms = {
        at
        for at in content_of(material)
        if fold(question.terms[at].text.lower()) in wanted
        and not is_function_word(question.terms[at].text, question.language)
    }
    numbers = {at for at in terms if question.terms[at].text.isdigit()}
    weights = {at: question.terms[at].weight for at in terms - numbers}

    pairs = (
        _pairs(question.must_mention) if question.language == "vi" else frozenset[tuple[str, str]]()
    )

    def rests(statement: Statement) -> bool:
        near = near_terms(material, statement)
        # `tiền đi lại` is not there where `tiền` alone is.
        if pairs and pairs.isdisjoint(_pairs(text_near(material, statement))):
            return False
        if any(
            at not in near and not _in_range(question.terms[at].text, statement) for at in numbers
        ):
            return False
        held = sum(weight for at, weight in weights.items() if at in near)
        return held >= _ENOUGH * sum(weights.values())

    return [one for one in statements if rests(one)]


def _pairs(text: str) -> frozenset[tuple[str, str]]:
    """The syllables that follow one another, without tone marks."""
    return frozenset(pairwise(words(fold(normalise(text)))))


def _in_range(number: str, statement: Statement) -> bool:
    """Whether a range of the statement holds a number: `5 to 10 years` does seven."""
    value = max(number_values(number))
    cells = [cell for quote in statement.quotes for cell in quote.text.split("|")]
    return any(holds_number(cell, value) for cell in cells)
