"""`Điều 13 khoản 2`, `clause 12.3`, `decision 2026-09`: the very part that is named, whole."""

import re
from dataclasses import dataclass

from citewell.engine.answering.candidates import Candidate
from citewell.engine.answering.reading.base import Material, Quote, Statement
from citewell.engine.lexical.codes import find_codes
from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.sentences import Span

_NUMBER = r"(?P<number>\d{1,4}(?:[.\-/]\d{1,4}){0,4}[a-z]?)(?![\w-])"
_NAMED = re.compile(
    r"\b(?P<name>dieu|chuong|muc|phu luc|article|clause|section|chapter|annex|appendix|schedule|"
    rf"decision|resolution|paragraph|quyet dinh) (?:so |no |number )?{_NUMBER}"
)
_SUB = re.compile(r"\b(?:khoan|paragraph|item) (?P<number>\d{1,3})\b")
_IS_NUMBERED = re.compile(r"\(?\d{1,3}[.)]\s")
_IS_LETTERED = re.compile(r"\(?[a-z][.)]\s")
_POINT = re.compile(r"\bdiem (?P<number>[a-z])\b")
_MARKS = re.compile(r"[?!,;:\"“”«»()]+")
_MAX_CHARS = 2_500
"""An article is cut before the sentence that exceeds it; the citation leads to the rest."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The part of a document that a question names."""

    name: str
    number: str
    sub: str | None
    """Number of the paragraph (khoản)."""
    point: str | None = None
    """Letter of the point (điểm)."""


def reference_of(text: str) -> Reference | None:
    """Read the part that a question names; None when it names none."""
    plain = _MARKS.sub(" ", fold(normalise(text)))
    plain = " ".join(plain.split())
    match = _NAMED.search(plain)
    if match is None:
        return None
    rest = plain[: match.start()] + plain[match.end() :]  # `paragraph 2` may be what is named
    sub, point = _SUB.search(rest), _POINT.search(rest)
    return Reference(
        match["name"],
        match["number"],
        sub["number"] if sub else None,
        point["number"] if point else None,
    )


def read_article(material: Material, reference: Reference) -> Statement | None:
    """Give the part that is named, whole; None when no passage is of it."""
    members = _members(material, reference)
    if not members:
        return None
    if reference.sub is not None:
        members = _item(members, reference.sub, (_IS_NUMBERED,)) or members
    if reference.point is not None:
        point = _item(members, reference.point, (_IS_LETTERED, _IS_NUMBERED))
        lead = [one for one in members[:1] if reference.sub is not None and one.is_lead_in]
        members = [*lead, *point] if point else members
    lines: list[str] = []
    spans: dict[int, Quote] = {}
    length = 0
    for candidate in members:
        length += len(candidate.text)
        if length > _MAX_CHARS and lines:
            break
        lines.append(candidate.text)
        known = spans.get(id(candidate.passage))
        start = known.span.start if known else candidate.span.start
        spans[id(candidate.passage)] = Quote(candidate.passage, Span(start, candidate.span.end))
    return Statement("\n".join(lines), tuple(spans.values()), 2.0, 1.0)


def _item(
    members: list[Candidate], number: str, marks: tuple[re.Pattern[str], ...]
) -> list[Candidate]:
    """The sentences of one item: from its own mark to the next of its kind or above."""
    own = re.compile(rf"\(?{re.escape(number)}[.)]\s")
    found: list[Candidate] = []
    for one in members:
        plain = fold(one.text).lower()
        if found and any(mark.match(plain) for mark in marks):
            break
        if found or own.match(plain):
            found.append(one)
    return found


def _members(material: Material, reference: Reference) -> list[Candidate]:
    """The sentences of the part, those of the document whose code the question names first."""
    groups: dict[tuple[str, int], list[Candidate]] = {}
    for stream in material.streams:
        is_inside = False
        for reading, at in stream:
            candidate = reading.candidates[at]
            is_begun = _begins(candidate.text, reference)
            is_inside = is_begun or (is_inside and candidate.previous is not None)
            if (is_inside or _is_headed(candidate, reference)) and candidate.worth:
                key = (candidate.passage.document_id, candidate.passage.version)
                groups.setdefault(key, []).append(candidate)
    keys = {code.key for code in find_codes(material.question.text, is_query=True)}
    keys -= {f"{reference.name}-{reference.number}"}
    named = [key for key in groups if keys & _codes_of(material, key)]
    first = named[0] if named else next(iter(_by_rank(material, groups)), None)
    return groups[first] if first is not None else []


def _by_rank(
    material: Material, groups: dict[tuple[str, int], list[Candidate]]
) -> list[tuple[str, int]]:
    order = [(passage.document_id, passage.version) for passage in material.passages]
    return sorted(groups, key=order.index)


def _codes_of(material: Material, key: tuple[str, int]) -> set[str]:
    return {
        code.key
        for passage in material.passages
        if (passage.document_id, passage.version) == key
        for code in find_codes(f"{passage.title}\n{passage.text}")
    }


def _is_headed(candidate: Candidate, reference: Reference) -> bool:
    return any(_begins(heading, reference) for heading in candidate.passage.heading)


def _begins(text: str, reference: Reference) -> bool:
    """Whether a text begins with the part's name and number, or an English one with its number."""
    plain = fold(normalise(text[:80])).lstrip("*# ")
    number = re.escape(reference.number)
    if re.match(rf"{reference.name} (?:so )?{number}(?![\w.-]*\d)", plain):
        return True
    is_numbered = reference.name in ("clause", "section", "paragraph", "chapter", "muc", "article")
    return is_numbered and re.match(rf"{number}\.?\s", plain) is not None
