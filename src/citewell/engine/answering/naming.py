"""Names that a document bears: the parties of a contract, which its clauses call by their roles."""

import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import NamedTuple

from citewell.engine.answering.base import Passage, Question
from citewell.engine.answering.reading.subjects import capitalised, names_of
from citewell.engine.text.normalisation import fold, normalise

OPENING = 1_200
"""Characters of a document in which it says what and whose it is: the parties of a contract stand
within its first page, most often within its first ten lines."""

# A line that says who somebody is in this document, and the words between which two parties stand.
# Behind `represented by` stands a person, who does not name the document. Folded text.
_ROLE = re.compile(
    r"^[-*•#|\s]{0,4}(?:\d{1,2}[.)]\s{0,2})?(?:the )?(?:"
    r"supplier|buyer|seller|vendor|purchaser|customer|client|contractor|"
    r"subcontractor|consultant|provider|lessor|lessee|landlord|tenant|licensor|licensee|employer|"
    r"lender|borrower|carrier|insurer|insured|distributor|partner|party [ab12]|part(?:y|ies)|"
    r"ben [ab]|ben (?:cho )?thue|ben mua|ben ban|ben giao|ben nhan|ben (?:cho )?vay|"
    r"khach hang|nha cung cap|cac ben)\b[^:|\n]{0,40}[:|]"
)
_BETWEEN = re.compile(
    r"\b(?:contract|agreement|lease|parties|made|concluded|hop dong|thoa thuan|cac ben|ky ket)\b"
    r".*\b(?:between|giua)\b"
)
"""Only of an agreement: `our shuttle runs between York and Leeds` names no parties."""

_HEAD = re.compile(r"\b(?:contract|agreement|lease|hop dong) (?:with|voi)\b")
_HEAD_WORDS = 12
"""Longest line that is a document's own name; minutes report on contracts with others at length."""

_WORD = re.compile(r"[^\W_]+")
_PERSON = re.compile(
    r"\b(?:represented|acting through|signed|dai dien|nguoi ky)\b|(?:[,-]|\bdo) ?(?:ong|ba)\b"
)


class Opening(NamedTuple):
    """A passage, as far as it tells whose document it is of."""

    document_id: str
    version: int
    start: int
    text: str


def with_names(question: Question, passages: Sequence[Passage]) -> list[Passage]:
    """Get the passages with the names of the question that their document bears.

    Args:
        question: As asked.
        passages: Of a search; a document's opening tells only where it was found too, which a
            search for a rare name mostly does.
    """
    words = (question.terms[at].text for at in sorted(names_of(question)))
    names = {fold(word.lower()): word for word in words if " " not in word}
    borne = _borne(
        names.keys(),
        (Opening(one.document_id, one.version, one.start, one.text) for one in passages),
    )
    if not borne:
        return list(passages)

    def of(one: Passage) -> str:
        held = borne.get((one.document_id, one.version), set[str]())
        return " ".join(word for name, word in names.items() if name in held)

    return [replace(one, names=of(one)) for one in passages]


def document_named(text: str, openings: Iterable[Opening]) -> str | None:
    """Get the document that bears a name of the question; None where none or several do.

    Args:
        text: The question.
        openings: Passages of a search for it.
    """
    names = {fold(word.lower()) for word in capitalised(text)}
    found = {document for document, _ in _borne(names, openings)}
    return found.pop() if len(found) == 1 else None


def _borne(names: AbstractSet[str], openings: Iterable[Opening]) -> dict[tuple[str, int], set[str]]:
    """Those of some folded names that documents bear, by document and version."""
    borne: dict[tuple[str, int], set[str]] = {}
    for one in openings if names else ():
        if one.start >= OPENING:
            continue
        for line in one.text[: OPENING - one.start].splitlines():
            if held := names & _borne_in(line):
                borne.setdefault((one.document_id, one.version), set()).update(held)
    return borne


def _borne_in(line: str) -> frozenset[str]:
    """The words of a line that names a party, up to the person who acts for it."""
    plain = fold(normalise(line))
    role = _ROLE.match(plain)
    is_head = len(plain.split()) <= _HEAD_WORDS
    between = _BETWEEN.search(plain) or (_HEAD.search(plain) if is_head else None)
    if role is None and between is None:
        return frozenset()
    begin = role.end() if role else between.end() if between else 0
    person = _PERSON.search(plain, begin)
    return frozenset(_WORD.findall(plain, begin, person.start() if person else len(plain)))
