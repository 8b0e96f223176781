"""Other spellings of a question's words, looked for in the passages where nothing else matches.

An acronym and what it stands for, a name written with or without a space, a slip of the finger.
The words compared are those of the passages at hand, so nothing is guessed that is not there.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from citewell.engine.answering.asking.synonyms import synonyms_in
from citewell.engine.answering.base import Passage, Question, QuestionTerm
from citewell.engine.answering.question import text_terms
from citewell.engine.answering.reading.subjects import is_function_word
from citewell.engine.text.normalisation import fold
from citewell.engine.text.vietnamese import is_syllable
from citewell.engine.verification.lexicon import forms_of

_WORD = re.compile(r"[^\W_]+")
_MIN_TYPO = 4
"""Shorter words have too many neighbours: `pay`, `day`, `way`."""

_LONG = 8
"""From this length two slips are forgiven."""

_ASCII = re.compile(r"[a-z]{3,}")
_ACRONYM = re.compile(r"[a-z]{2,6}")
_MAX_WORDS = 6_000
"""Words of the passages that are looked at: eight passages have about a thousand."""


def with_variants(
    question: Question, passages: Sequence[Passage], matched: frozenset[int]
) -> Question | None:
    """Get the question with its unmatched words taken for words of the passages.

    Args:
        question: With the ids of its terms.
        passages: Where to look.
        matched: Positions in `question.terms` of those that some passage holds.

    Returns:
        None when no word was found in another spelling.
    """
    missing = [
        at
        for at, term in enumerate(question.terms)
        if at not in matched
        and _WORD.fullmatch(term.text)
        and not is_function_word(term.text, question.language)
    ]
    if not missing or not passages:
        return None
    known = _Words(passages)
    found: dict[int, QuestionTerm] = {}
    for at in missing:
        term = question.terms[at]
        spellings = known.spellings(fold(term.text.lower()))
        ids = {one for text in spellings for one in known.ids(text)}
        if ids:
            # A slip in so short a word makes another word as often; an acronym or a space does not.
            # Of five letters another one in the place of one does (`lease`, `leave`).
            size = len(term.text)
            is_short = size <= _MIN_TYPO or (
                size == _MIN_TYPO + 1 and any(len(text) == size for text in spellings)
            )
            is_guess = is_short and not any(" " in text for text in spellings)
            found[at] = replace(term, ids=term.ids | ids, is_guess=is_guess)
    if not found:
        return None
    terms = tuple(found.get(at, term) for at, term in enumerate(question.terms))
    return replace(question, terms=terms)


_NOUNS = frozenset(
    ("bear", "fall", "felt", "found", "ground", "lead", "leave", "light", "rose", "saw", "spring")
)
"""Forms of irregular verbs that are nouns as well: annual `leave` is nothing that is `left`."""


def with_forms(question: Question) -> Question:
    """Get an English question with its irregular verbs standing for all their forms.

    `How long does the buyer have to pay?` is answered by `Invoices are paid within 45 days`.
    """
    terms: list[QuestionTerm] = []
    for term in question.terms:
        word = term.text.lower()
        forms = frozenset[str]() if word in _NOUNS else forms_of(word)
        if forms and not is_function_word(term.text, question.language):
            term = replace(term, ids=term.ids | text_terms(" ".join(forms), "en"))
        terms.append(term)
    return replace(question, terms=tuple(terms))


_AGENT = re.compile(r"(?:ies|ed|es|s|e)?$")


def with_agents(question: Question) -> Question:
    """Get a question for a person with its verbs standing for who does them too.

    `Who owns the policy?` is answered by `Owner: Daniel Prosser`.
    """
    terms: list[QuestionTerm] = []
    for term in question.terms:
        word = term.text.lower()
        if _ASCII.fullmatch(word) and not is_function_word(word, question.language):
            root = _AGENT.sub("", word)
            ids = text_terms(f"{root}er {root}or {word}r", "en")
            term = replace(term, ids=term.ids | ids)
        terms.append(term)
    return replace(question, terms=tuple(terms))


def with_synonyms(question: Question) -> Question:
    """Get a question with its words standing for those that documents have for the same.

    `Who fixes the lift?` is answered by `The lift is repaired by the caretaker`.
    """
    granted: dict[int, frozenset[int]] = {}
    for asked, told in synonyms_in(question.text, question.language):
        ids = frozenset[int]().union(*(_whole(one, question.language) for one in told))
        for at, term in enumerate(question.terms):
            parts = term.text.lower().split()
            if asked.issuperset(parts) and not is_function_word(term.text, question.language):
                granted[at] = granted.get(at, frozenset()) | ids
    if not granted:
        return question
    terms = tuple(
        replace(term, ids=term.ids | granted[at]) if at in granted else term
        for at, term in enumerate(question.terms)
    )
    return replace(question, terms=terms)


@lru_cache(maxsize=10_000)  # more than the thesaurus of a language has phrases
def _whole(phrase: str, language: str) -> frozenset[int]:
    """The ids of a phrase as a whole: of Vietnamese those of its pairs, not of its syllables."""
    ids = text_terms(phrase, language)
    parts = phrase.split()
    if len(parts) > 1:
        ids -= frozenset[int]().union(*(text_terms(part, language) for part in parts))
    return ids


class _Words:
    """The words of some passages in order, folded, and as written."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._language = passages[0].language
        text = "\n".join(
            "\n".join((one.title, *one.heading, one.context, one.text)) for one in passages
        )
        self._written = _WORD.findall(text)[:_MAX_WORDS]
        self._folded = [fold(word.lower()) for word in self._written]
        self._line = f" {' '.join(self._folded)} "
        self._distinct = dict(zip(self._folded, self._written, strict=True))

    def ids(self, text: str) -> frozenset[int]:
        """Get the term ids of a text of the passages, in both languages it may be stored in."""
        return text_terms(text, self._language) | text_terms(text, "en")

    def spellings(self, word: str) -> list[str]:
        """Get what a word may stand for in the passages; the surest way that finds something."""
        for way in (self._expanded, self._spaced, self._mistyped):
            if found := list(dict.fromkeys(way(word)))[:2]:
                return found
        return []

    def _expanded(self, word: str) -> Iterator[str]:
        """Words in a row whose initials spell an acronym: `data protection officer` for `dpo`."""
        size = len(word)
        if size < 3 or _ACRONYM.fullmatch(word) is None:
            return
        initials = "".join(one[0] for one in self._folded)
        at = initials.find(word)
        while at >= 0:
            if all(len(one) > 1 for one in self._folded[at : at + size]):
                yield " ".join(self._written[at : at + size])
            at = initials.find(word, at + 1)

    def _spaced(self, word: str) -> Iterator[str]:
        """Two words that are written as one: `Ha Noi` for `hanoi`."""
        places: list[int] = []
        # Looked for in the text, as a loop over its words takes thirty times as long.
        for cut in range(1, len(word)):
            two = f" {word[:cut]} {word[cut:]} "
            at = self._line.find(two)
            while at >= 0:
                places.append(at)
                at = self._line.find(two, at + 1)
        for at in sorted(places):
            number = self._line.count(" ", 0, at)
            yield f"{self._written[number]} {self._written[number + 1]}"

    def _mistyped(self, word: str) -> Iterator[str]:
        if len(word) < _MIN_TYPO or not word.isalpha():
            return
        if self._language == "vi" and is_syllable(word):  # every syllable has many neighbours
            return
        limit = 2 if len(word) >= _LONG else 1
        for other, written in self._distinct.items():
            is_near = other[0] == word[0] and abs(len(other) - len(word)) <= limit
            if is_near and len(other) >= _MIN_TYPO and _distance(word, other, limit) <= limit:
                yield written


def _distance(one: str, other: str, limit: int) -> int:
    """Edits between two words, a swap of neighbours being one; more than `limit` is not told.

    Source: Damerau 1964, as optimal string alignment.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(other, 1):
            cost = min(row[-1] + 1, before[j] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return row[-1]
