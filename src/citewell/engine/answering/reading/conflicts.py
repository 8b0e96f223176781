"""Two documents that say the same with different numbers: the newer one leads, the older is named.

A document's date is the latest that its title, the passage's headings or the passage itself give;
without one on both sides nothing is known of which is newer, and both stand as they were ranked.
Without dates their versions tell (`v1.2`, `v2.0`). What says that it holds only from a later day
on, or that it is over or superseded, never leads what holds.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from enum import IntEnum

from citewell.engine.answering.base import Passage
from citewell.engine.answering.facts import read_facts
from citewell.engine.answering.reading.base import Material, Statement, stated
from citewell.engine.answering.reading.tables import read_cell
from citewell.engine.answering.reading.validity import begins_after, has_ended
from citewell.engine.answering.scoring import Scored
from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.sentences import is_table_row

_NEAR = 0.35
"""A sentence that scores so much less than the first is of something else."""

_ALIKE = 0.6
"""Jaccard similarity of their words, numbers aside, from which two sentences state the same."""

_WORD = re.compile(r"[^\W_]+")
_YEAR = re.compile(r"(?<![\w.,])(?:19|20)\d\d(?![\w.,]\d)")

# As titles give it; `bản 2` is also `copy 2`, which a document's title seldom counts.
_VERSION = re.compile(
    r"\b(?:v|ver\.?|version|rev\.?|revision|edition|issue|phien ban|ban|lan) ?"
    r"(?!\d{1,2}\.\d{1,2}\.(?:19|20)\d\d)"
    r"(\d{1,4}(?:\.\d{1,4}){0,3})(?![\d/]|-\d)"
)

_EARLIER = {"en": "Earlier ({title}): {text}", "vi": "Trước đó ({title}): {text}"}
_COMING = {"en": "Not yet valid ({title}): {text}", "vi": "Chưa có hiệu lực ({title}): {text}"}

Day = tuple[int, int, int]


def newest_first(material: Material, statements: list[Statement]) -> list[Statement]:
    """Put the newest of contradicting sentences first, and name the one it replaces."""
    first = statements[0]
    if len(first.quotes) != 1 or "\n" in first.text:
        return statements
    # Those that hold now before those that are over and those to come, each the newest first.
    rivals = sorted(_rivals(material, first), key=lambda one: _standing(material, one))
    if not rivals:
        return statements
    rival = rivals[0]
    standings = [_standing(material, one) for one in (first, rival)]
    if standings[0] != standings[1]:
        holding, other = sorted((first, rival), key=lambda one: _standing(material, one))
        is_coming = _standing(material, other) is _Standing.COMING
        return [holding, _named(material, other, _COMING if is_coming else _EARLIER)]
    ages = [
        _age_of(one.quotes[0].passage, other.quotes[0].passage)
        for one, other in ((first, rival), (rival, first))
    ]
    if ages[0] is None or ages[1] is None or ages[0] == ages[1]:
        return [first, rival]
    newer, older = (rival, first) if ages[1] > ages[0] else (first, rival)
    return [newer, _named(material, older, _EARLIER)]


class _Standing(IntEnum):
    """Whether what a passage says holds."""

    HOLDING = 0
    ENDED = 1
    COMING = 2


def _named(material: Material, one: Statement, sayings: dict[str, str]) -> Statement:
    said = sayings.get(material.question.language, sayings["en"])
    passage = one.quotes[0].passage
    # Minutes of many days are told apart by their headings.
    text = said.format(title=(passage.heading or (passage.title,))[-1], text=one.text)
    return replace(one, text=text)


def _standing(material: Material, one: Statement) -> _Standing:
    day, passage = material.question.day, one.quotes[0].passage
    if day is None:
        return _Standing.HOLDING
    if begins_after(passage, day):
        return _Standing.COMING
    return _Standing.ENDED if has_ended(passage, day) else _Standing.HOLDING


def _rivals(material: Material, first: Statement) -> Iterator[Statement]:
    """Sentences of other documents that say the same with other numbers, the newest first."""
    quote = first.quotes[0]
    is_row = is_table_row(quote.text)
    words, numbers = _parts(first.text if is_row else quote.text)
    if not numbers:
        return
    found: list[tuple[Scored, Statement]] = []
    for one in material.ranked:
        if one.score < first.score - _NEAR:
            break
        passage = one.candidate.passage
        if passage is quote.passage or one.candidate.is_row != is_row:
            continue
        is_own = passage.document_id == quote.passage.document_id
        if is_own and _heading_date(passage) in (None, _heading_date(quote.passage)):
            continue  # the parts of one document hold together, unless each has its day
        said = read_cell(material, one) if is_row else stated(one)
        others, its_numbers = _parts(said.text)
        is_same = len(words & others) >= _ALIKE * len(words | others)
        if not _is_named_as_well(one, first):
            continue  # the question names the first one's document: Berlin's, not Munich's
        if is_same and its_numbers and its_numbers != numbers and _asks_both(one, first):
            found.append((one, said))
    found.sort(key=lambda pair: _date_of(pair[0].candidate.passage) or (0, 0, 0), reverse=True)
    yield from (said for _, said in found)


def _asks_both(one: Scored, first: Statement) -> bool:
    """Whether both hold the same words of the question."""
    quote = first.quotes[0]
    held = one.reading.finder.find(quote.text, quote.passage.language)
    if one.candidate.is_row:
        return one.reading.in_cells(one.at) == held
    return one.reading.find(one.candidate.text) == held


def _is_named_as_well(one: Scored, first: Statement) -> bool:
    """Whether title and headings hold what those of the first hold of the question."""
    mine, its = (
        one.reading.finder.find("\n".join((each.title, *each.heading)), each.language)
        for each in (first.quotes[0].passage, one.candidate.passage)
    )
    return mine <= its


def _parts(text: str) -> tuple[set[str], set[str]]:
    found = _WORD.findall(fold(normalise(text)))
    numbers = {word for word in found if any(char.isdigit() for char in word)}
    return set(found) - numbers, numbers


def _age_of(passage: Passage, other: Passage) -> tuple[int, ...] | None:
    """Date that tells the newer of two passages; the version where one has none."""
    day, its_day = _date_of(passage), _date_of(other)
    if day is not None and its_day is not None and day != its_day:
        return day
    return _version_of(passage)


def _version_of(passage: Passage) -> tuple[int, ...] | None:
    """The version that a title or the headings give: `v2.1`, `Version 3`, `rev. 4`."""
    found = _VERSION.findall(fold(normalise("\n".join((passage.title, *passage.heading)))))
    return max((tuple(map(int, one.split("."))) for one in found), default=None)


def _heading_date(passage: Passage) -> Day | None:
    return _latest("\n".join(passage.heading), passage.language)


def _date_of(passage: Passage) -> Day | None:
    """The latest date that a passage or its headings give; a year alone is its first day."""
    named = "\n".join((passage.title, *passage.heading))
    text = f"{named}\n{passage.text}"
    day, years = _latest(text, passage.language), _YEAR.findall(named)
    return max(filter(None, (day, *((int(year), 1, 1) for year in years))), default=None)


def _latest(text: str, language: str) -> Day | None:
    days = [
        (year, month, day or 1)
        for readings in read_facts(text, language=language).dates
        for year, month, day in readings
        if year is not None
    ]
    return max(days, default=None)
