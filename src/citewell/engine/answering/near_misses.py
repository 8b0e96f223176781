"""Answers that have the words of a question and are about something else beside it.

The weights of `calibration` count words; these rules know which of them an answer cannot do
without. All of them look at passages under headings more strictly: headings say what a passage is
about, so what is neither there nor in the sentence is not what the passage tells.
"""

import re

from citewell.engine.answering.asking.boundaries import MONTHS
from citewell.engine.answering.asking.kinds import Kind
from citewell.engine.answering.asking.synonyms import said_otherwise
from citewell.engine.answering.base import Question
from citewell.engine.answering.reading.articles import reference_of
from citewell.engine.answering.reading.base import Material, Statement
from citewell.engine.answering.reading.subjects import is_function_word
from citewell.engine.answering.rivals import is_of_another_place, is_of_another_thing
from citewell.engine.answering.signals import (
    Signals,
    content_of,
    near_terms,
    text_near,
    unsaid_by,
)
from citewell.engine.lexical.codes import find_codes
from citewell.engine.text.normalisation import fold, normalise, words
from citewell.engine.text.stemming import stem_english
from citewell.engine.text.stopwords import LIGHT

NOTHING = 0.0
LOW = 0.59
"""The most that an answer can have whose subject is in doubt: it is given, and never trusted."""

_REWORDED = 0.92
"""The most where a word of the question is said by a synonym: given, but not as sure."""

_ENDS_FOR = re.compile(r"\bfor (?:the |an? |our |my |your )?((?:[^\W\d_]{3,} ?){1,2})$")
"""`the notice period for directors`: what is said of others is no answer."""

_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_IN_YEAR = re.compile(
    rf"\b(?:in|since|until|during|year|nam|thang \d{{1,2}}|{MONTHS}) ((?:19|20)\d\d)\b|"
    r"\b(?:of|for|by) ((?:19|20)\d\d)\W*$"
)
"""A number that is certainly a year, by what stands before it; `of 2000 pounds` has none."""

_PAST = re.compile(r"\b(?:did|was|were)\b")

_ASKS_ATTRIBUTE = re.compile(
    r"\bwhat (?P<of>[^\W\d_]{3,}) (?:is|are|was|were|do|does|did|has|have|had)\b|"
    r"\bwhat(?: is| are| was| were|'s| s) the (?P<the>[^\W\d_]{3,}) (?:of|for|on|in|at)\b"
)
"""`What colour is the meter?`, `What is the aim of the form?`. Where the answer is one of a kind
(`Which city`) texts seldom say the kind, so questions for a typed answer are left alone."""


def most_of(material: Material, statement: Statement, signals: Signals) -> float:
    """Get the most that the confidence in a statement can be, 0 to 1; 0 says to abstain."""
    if reference_of(material.question.text) is not None:
        return 1.0  # the article that was asked for, or none was found
    around = _around(statement)
    if _lacks_code(material.question, around):
        return NOTHING
    is_low = False
    if _lacks_year(material.question, around):
        if _YEAR.search(around) or _PAST.search(material.asked.text):
            return NOTHING
        is_low = True  # a rule without a year may hold in any
    held = frozenset(words(normalise(statement.text)))
    # A verb and its noun the other way round: `cửa được khóa` answers `khóa cửa`.
    unsaid = [
        word._replace(is_torn=word.is_torn and not held.issuperset(word.text.split()))
        for word in unsaid_by(material, statement)
    ]
    if signals.headed and any(word.is_torn for word in unsaid):
        return NOTHING
    is_low |= any(signals.headed or (word.is_torn and word.is_first) for word in unsaid)
    if signals.headed:
        is_low |= _lacks_attribute(material, statement) or _lacks_whom(material, statement)
    is_low |= is_of_another_thing(material, statement) or _rests_on_guess(material, statement)
    is_low |= is_of_another_place(material, statement)
    if is_low:
        return LOW
    return _REWORDED if _rests_on_synonym(material, statement) else 1.0


def _around(statement: Statement) -> str:
    """The text of a statement and of the passages it cites, with title and headings."""
    passages = [quote.passage for quote in statement.quotes]
    texts = ((one.title, *one.heading, one.names, one.context, one.text) for one in passages)
    return "\n".join([statement.text, *("\n".join(parts) for parts in texts)])


def _lacks_code(question: Question, around: str) -> bool:
    """Whether a code is asked about, and another one of its series is told: R310-8 by R310-D."""
    told = find_codes(around)
    known = {key for code in told for key in (code.key, *code.prefixes())}
    series = {prefix for code in told for prefix in code.prefixes()}
    # Dates and `24/7` look like codes, too, and are written in other ways: no series has them.
    return any(
        code.key not in known and not series.isdisjoint(code.prefixes())
        for code in find_codes(question.text)
    )


def _lacks_year(question: Question, around: str) -> bool:
    """Whether a year is asked about that no passage of the library has, nor the title of this."""
    plain = fold(normalise(question.text))
    asked = {match[1] or match[2] for match in _IN_YEAR.finditer(plain)}
    known = {term.text for term in question.terms if term.is_known}
    return any(year not in known and year not in around for year in asked)


def _rests_on_guess(material: Material, statement: Statement) -> bool:
    """Whether a short word of the question is there in another spelling only: `size` as `site`."""
    terms = material.question.terms
    return any(terms[at].is_guess for at in near_terms(material, statement))


def _rests_on_synonym(material: Material, statement: Statement) -> bool:
    """Whether what is near a statement has another word for one of the question's, not its own."""
    language, text = material.question.language, text_near(material, statement)
    plain = fold(normalise(text))
    held = frozenset(words(plain))
    stems = frozenset(map(stem_english, held)) if language == "en" else held
    return any(
        word not in held and (language != "en" or stem_english(word) not in stems)
        for word in said_otherwise(material.question.text, language, text)
        if not is_function_word(word, language)
    )


def _lacks_whom(material: Material, statement: Statement) -> bool:
    """Whether a question ends with whom or what it is asked for, and nothing near says them."""
    match = _ENDS_FOR.search(material.asked.text)
    if match is None or material.question.language != "en":
        return False
    words = frozenset(match[1].split())
    named = {
        at for at in content_of(material) if fold(material.question.terms[at].text.lower()) in words
    }
    return bool(named) and named.isdisjoint(near_terms(material, statement))


def _lacks_attribute(material: Material, statement: Statement) -> bool:
    """Whether a property is asked for by its name, and nothing near a statement says it."""
    if material.asked.kind not in (Kind.OTHER, Kind.DEFINITION):
        return False
    match = _ASKS_ATTRIBUTE.search(material.asked.text)
    if match is None or material.question.language != "en":
        return False
    name = match["of"] or match["the"]
    near = near_terms(material, statement)
    return name not in LIGHT["en"] and any(
        at not in near
        for at in content_of(material)
        if fold(material.question.terms[at].text.lower()) == name
    )
