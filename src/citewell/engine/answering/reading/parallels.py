"""Sentences that say the same of one after the other: together they answer who and how many.

`Anna holds the certificate`, `Cem holds the certificate`: none of them is the answer, all are.
"""

import re
from collections.abc import Sequence

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.reading.base import Material, Quote, Statement, quote_of
from citewell.engine.answering.reading.counting import counts_items, counts_people
from citewell.engine.answering.reading.lists import counted
from citewell.engine.answering.reading.subjects import is_function_word
from citewell.engine.answering.scoring import Scored
from citewell.engine.text.normalisation import fold, normalise

MIN_ALIKE = 3
"""Two sentences that say the same may be an accident."""

MAX_ALIKE = 20

_ALIKE = 0.5
"""Jaccard similarity of their words from which two sentences say the same of two subjects."""

_WORD = re.compile(r"[^\W_]+")


def read_parallels(material: Material) -> Statement | None:
    """Gather the sentences that say of others what the best one says; None where few do."""
    best = material.ranked[0]
    terms, words = best.reading.own[best.at], _words(best)
    if best.candidate.is_row or not terms:
        return None
    alike = [
        one
        for one in material.ranked
        if one.reading.own[one.at] == terms
        and not one.candidate.is_row
        and one.candidate.passage.document_id == best.candidate.passage.document_id
        and len(words & _words(one)) >= _ALIKE * len(words | _words(one))
    ]
    lines = {one.candidate.text: one for one in sorted(alike, key=_place)}
    if not MIN_ALIKE <= len(lines) <= MAX_ALIKE or _counts_others(material, list(lines)):
        return None
    text = "\n".join([counted(material, len(lines)), *(f"- {line}" for line in lines)])
    quotes: tuple[Quote, ...] = tuple(quote_of(one.candidate) for one in lines.values())
    return Statement(text, quotes, best.score, best.coverage, operands=())


def _counts_others(material: Material, lines: Sequence[str]) -> bool:
    """Whether a number of things is asked for, and the sentences are not about one each."""
    asked, language = material.asked, material.question.language
    if asked.kind is not Kind.COUNT or counts_items(asked, language, (), lines):
        return False
    is_named = all(_is_about_somebody(line, language) for line in lines)
    return not (is_named and counts_people(asked, language))


def _is_about_somebody(line: str, language: str) -> bool:
    """Whether a sentence begins with a name of two words; `The sales team` is none."""
    words = line.split()[:2]
    return all(word[0].isupper() for word in words) and not any(
        is_function_word(word.lower(), language) for word in words
    )


def _place(one: Scored) -> int:
    return one.candidate.passage.start + one.candidate.span.start


def _words(one: Scored) -> frozenset[str]:
    return frozenset(_WORD.findall(fold(normalise(one.candidate.text))))
