"""Two documents that say the same with different numbers: the newer one leads, the older is named.

A document's date is the latest that its title, the passage's headings or the passage itself give;
without one on both sides nothing is known of which is newer, and both stand as they were ranked.
"""

import re
from collections.abc import Iterator

from citewell.engine.answering.base import Passage
from citewell.engine.answering.facts import read_facts
from citewell.engine.answering.reading.base import Material, Statement, stated
from citewell.engine.answering.reading.tables import read_cell
from citewell.engine.answering.scoring import Scored
from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.sentences import is_table_row

_NEAR = 0.35
"""A sentence that scores so much less than the first is of something else."""

_ALIKE = 0.6
"""Jaccard similarity of their words, numbers aside, from which two sentences state the same."""

_WORD = re.compile(r"[^\W_]+")
_YEAR = re.compile(r"(?<![\w.,])(?:19|20)\d\d(?![\w.,]\d)")

_EARLIER = {"en": "Earlier ({title}): {text}", "vi": "Trước đó ({title}): {text}"}

Day = tuple[int, int, int]


def newest_first(material: Material, statements: list[Statement]) -> list[Statement]:
    """Put the newest of contradicting sentences first, and name the one it replaces."""
    first = statements[0]
    if len(first.quotes) != 1 or "\n" in first.text:
        return statements
    rival = next(_rivals(material, first), None)
    if rival is None:
        return statements
    newer, older = first, rival
    dates = [_date_of(one.quotes[0].passage) for one in (first, rival)]
    if dates[0] is None or dates[1] is None or dates[0] == dates[1]:
        return [newer, older]
    if dates[1] > dates[0]:
        newer, older = rival, first
    said = _EARLIER.get(material.question.language, _EARLIER["en"])
    text = said.format(title=older.quotes[0].passage.title, text=older.text)
    return [newer, Statement(text, older.quotes, older.score, older.coverage)]


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
        if passage.document_id == quote.passage.document_id or one.candidate.is_row != is_row:
            continue
        said = read_cell(material, one) if is_row else stated(one)
        others, its_numbers = _parts(said.text)
        is_same = len(words & others) >= _ALIKE * len(words | others)
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


def _parts(text: str) -> tuple[set[str], set[str]]:
    found = _WORD.findall(fold(normalise(text)))
    numbers = {word for word in found if any(char.isdigit() for char in word)}
    return set(found) - numbers, numbers


def _date_of(passage: Passage) -> Day | None:
    """The latest date that a passage or its headings give; a year alone is its first day."""
    named = "\n".join((passage.title, *passage.heading))
    text = f"{named}\n{passage.text}"
    days = [
        (year, month, day or 1)
        for readings in read_facts(text, language=passage.language).dates
        for year, month, day in readings
        if year is not None
    ]
    days += [
        (int(year), 1, 1) for year in _YEAR.findall("\n".join((passage.title, *passage.heading)))
    ]
    return max(days, default=None)
