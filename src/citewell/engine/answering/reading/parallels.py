"""Sentences that say the same of one after the other: together they answer who and how many.

`Anna holds the certificate`, `Cem holds the certificate`: none of them is the answer, all are.
"""

import re

from citewell.engine.answering.reading.base import Material, Quote, Statement, quote_of
from citewell.engine.answering.reading.lists import counted
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
    if not MIN_ALIKE <= len(lines) <= MAX_ALIKE:
        return None
    text = "\n".join([counted(material, len(lines)), *(f"- {line}" for line in lines)])
    quotes: tuple[Quote, ...] = tuple(quote_of(one.candidate) for one in lines.values())
    return Statement(text, quotes, best.score, best.coverage)


def _place(one: Scored) -> int:
    return one.candidate.passage.start + one.candidate.span.start


def _words(one: Scored) -> frozenset[str]:
    return frozenset(_WORD.findall(fold(normalise(one.candidate.text))))
