"""Sentences whose parts hold the words of a question between them, while no one part does."""

import re

from citewell.engine.answering.asking.evidence import offers
from citewell.engine.answering.asking.synonyms import said_otherwise
from citewell.engine.answering.reading.base import Material, Statement
from citewell.engine.answering.signals import content_of
from citewell.engine.text.normalisation import fold, normalise, words
from citewell.engine.text.sentences import is_table_row
from citewell.engine.text.stemming import stem_english

_OFFERED = 0.5
"""How far a part offers what is asked for (`evidence.offers`) when it holds it."""

_NUMBER = re.compile(r"\d+")


def is_scattered(material: Material, statement: Statement) -> bool:
    """Whether no part of a sentence has both what is asked for and all it says of the question.

    `Flooded in 2015 and in 2020; the second time 43 houses were damaged` does not tell how many
    were in 2015. Parts end at semicolons; what leads them in belongs to each. So does the subject
    of the first, where it tells nothing of what is asked for: `The ward is upstairs; the nurse is
    Ann Hale`.
    """
    parts = statement.text.split(";")
    if len(parts) == 1 or is_table_row(statement.quotes[0].text):
        return False
    lead_in, colon, _ = parts[0].rpartition(":")
    held = [words_held(material, f"{lead_in} {part}" if colon else part) for part in parts]
    whole = frozenset[str]().union(*held)
    offering = [at for at, part in enumerate(parts) if offers(material.asked, part) > _OFFERED]
    asked_numbers = _numbers(material.question.text)
    for at in offering or range(len(parts)):
        lacking = whole - held[at]
        has_numbers = _numbers(parts[at]) >= _numbers(parts[0]) & asked_numbers
        is_subject = 0 not in offering and held[0] >= lacking and has_numbers
        if not lacking or is_subject:
            return False
    return True


def words_held(material: Material, text: str) -> frozenset[str]:
    """The folded content words of a question that a text holds, by a synonym or itself."""
    question = material.question
    content = {fold(question.terms[at].text.lower()) for at in content_of(material)}
    said = frozenset(words(fold(normalise(text))))
    stems = frozenset(map(stem_english, said))
    otherwise = said_otherwise(question.text, question.language, text)
    return frozenset(
        one for one in content if one in said or one in otherwise or stem_english(one) in stems
    )


def _numbers(text: str) -> frozenset[str]:
    return frozenset(_NUMBER.findall(text))
