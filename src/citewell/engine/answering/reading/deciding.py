"""The clause of a statement that decides a question for yes or no, if any does.

`Vehicles are charged in row C, not overnight` denies `Are vehicles charged overnight?` though its
main clause affirms. A `Yes` needs the whole question in what is said; see `verification.leads`.
"""

import re

from citewell.engine.answering.asking.predicates import is_listed
from citewell.engine.answering.asking.synonyms import said_otherwise
from citewell.engine.answering.base import Question
from citewell.engine.answering.reading.base import Statement
from citewell.engine.answering.reading.subjects import is_function_word
from citewell.engine.text.normalisation import fold, normalise, words
from citewell.engine.text.stemming import stem_english
from citewell.engine.verification.leads import affirms

_LIGHT = {
    "en": frozenset(
        ("allowed", "permitted", "able", "used", "use", "get", "got", "take", "need", "possible",
         "there", "anyone", "anybody", "i", "we", "you", "me", "us", "please", "also", "still",
         "ever", "really")
    ),
    "vi": frozenset(
        ("thể", "cần", "nên", "phép", "bạn", "tôi", "mình", "em", "anh", "chị", "ạ", "vậy", "thế")
    ),
}  # fmt: skip
"""Words that ask and are told in many ways, so that a statement need not repeat them."""

_CLAUSES = re.compile(r"[,;:.!?] |\b(?:but|and|va|nhung|con)\b")
_MOST = 0.5
"""Share of the question's words that the sentence itself has to hold for a yes; its headings may
hold the others, but never the last one, which is what most questions turn on."""

_LEAST_DENIED = 2
"""Words of the question in a clause behind the main one that denies it; one is said by chance."""


def affirmed(question: Question, statement: Statement) -> bool:
    """Whether a statement says all of a question and qualifies none of it.

    Args:
        question: As asked.
        statement: The first of the answer.
    """
    wanted = _content(question.text, question.language)
    if not wanted or not affirms(statement.text, question.text):
        return False
    own = _held(wanted, question, statement.text)
    passage = statement.quotes[0].passage
    above = _held(wanted, question, "\n".join((passage.title, *passage.heading)))
    is_told = wanted[-1] in own and len(own) >= _MOST * len(set(wanted))
    return is_told and own | above >= set(wanted)


def denied_behind(question: Question, text: str, negation: re.Pattern[str]) -> bool:
    """Whether a clause behind the main one denies what a question turns on.

    Args:
        question: As asked.
        text: A statement whose main clause denies nothing.
        negation: Pattern of folded words that deny.
    """
    wanted = _content(question.text, question.language)
    if not wanted or not _held(wanted, question, text) >= set(wanted):
        return False
    plain = normalise(text)
    for clause in _clauses(plain)[1:]:
        if negation.search(fold(clause)) is None:
            continue
        held = _held(wanted, question, clause)
        if wanted[-1] in held and len(held) >= _LEAST_DENIED:
            return True
    return False


def _clauses(plain: str) -> list[str]:
    folded = fold(plain)
    if len(folded) != len(plain):
        plain = folded
    parts: list[str] = []
    start = 0
    for end in _CLAUSES.finditer(folded):
        parts.append(plain[start : end.start()])
        start = end.end()
    return [part for part in (*parts, plain[start:]) if part.strip()]


def _content(text: str, language: str) -> list[str]:
    """The words of a question that a statement must hold, in their order."""
    light = _LIGHT.get(language, frozenset[str]())
    return [
        word
        for word in words(normalise(text))
        if word not in light and not is_function_word(word, language) and not is_listed(fold(word))
    ]


def _held(wanted: list[str], question: Question, text: str) -> set[str]:
    """Those of the words that a text holds, or says otherwise."""
    told = words(normalise(text))
    is_english = question.language == "en"
    known = {*map(stem_english, told)} if is_english else {*told, *map(fold, told)}
    otherwise = said_otherwise(question.text, question.language, text)
    return {
        word
        for word in wanted
        if (stem_english(word) if is_english else word) in known or fold(word) in otherwise
    }
