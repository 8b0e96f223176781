"""Lists and procedures: the lead-in with all its items, in their order and with their numbers."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.asking.series import is_series
from citewell.engine.answering.candidates import Candidate
from citewell.engine.answering.reading.base import Material, Quote, Statement
from citewell.engine.answering.reading.conditions import asks_for_rows, pick_rows
from citewell.engine.answering.reading.counting import counts_items
from citewell.engine.answering.reading.grid import grids_of
from citewell.engine.answering.reading.rows import grid_of, rows_told
from citewell.engine.answering.scoring import ReadPassage
from citewell.engine.chunking.legal_units import above_clauses
from citewell.engine.text.sentences import Span

Member = tuple[ReadPassage, int]
"""A sentence: the passage it stands in, and its place in `candidates`."""

MAX_ITEMS = 20
"""Longer lists are cut, which is said: more is read in the document."""

_MAX_CHARS = 2_500
"""A list is cut before the item that exceeds it, so that one list is no whole chapter."""

_IN_HEADING = 0.9
_IN_TITLE = 0.5
_IN_ITEMS = 0.45
"""Shares of a term's weight by where a list holds it; an item is what is asked for, so it need not
repeat the question. Set with `_PREFERENCE` on 60 questions over the sample library."""

_PREFERENCE = 0.05
"""A list may cover so much less than the best sentence and still be the better answer to a
question that asks for one."""

_MAX_PAIR = 400
"""Longest lead-in with the one line it announces, in characters."""

_MIN_LINES = 3
_MOST_SENTENCES = 2
"""Sentences of an item on average, beyond which a list is the sections of a document."""

_LINE_WORDS = 25
"""So many paragraphs of one sentence each, none longer, are a list though nothing marks them."""

_NUMBERED = re.compile(r"\(?(?:\d{1,3}|[a-zđA-ZĐ]|[ivx]{1,5})[.)]\s|(?:Step|Bước) \d{1,2}[.:]\s")
_BULLET = re.compile(r"[-*•‣◦▪–—+·]\s")  # noqa: RUF001 - the marks themselves are meant
_ENDS = (".", "!", "?", "。", ":")

_DIGIT = re.compile(r"\d")
_COUNTED = {
    "en": "{} found (the documents may hold more):",
    "vi": "Tìm thấy {} (tài liệu có thể còn nữa):",
}
_MORE = {"en": "(and {} more in the document)", "vi": "(và {} mục nữa trong tài liệu)"}


@dataclass(slots=True)
class ItemList:
    """A list: its lead-in if it has one, and its items, each one sentence or more."""

    lead: Member | None
    items: list[list[Member]] = field(default_factory=list[list[Member]])
    is_numbered: bool = False

    @property
    def members(self) -> list[Member]:
        """All its sentences in order."""
        lead = [] if self.lead is None else [self.lead]
        return lead + [member for item in self.items for member in item]


def blocks_of(stream: Sequence[Member]) -> Iterator[ItemList]:
    """Yield the lists of a stream of sentences, of at least two items each."""
    block: ItemList | None = None
    for member in stream:
        reading, at = member
        candidate = reading.candidates[at]
        if block is not None and _belongs(block, candidate):
            _add(block, member)
            continue
        if block is not None and len(block.items) > 1:
            yield block
        block = None
        if candidate.is_row:
            continue
        if candidate.is_lead_in:
            block = ItemList(member)
        elif _is_item(candidate.text):
            block = ItemList(None, is_numbered=_NUMBERED.match(candidate.text) is not None)
            block.items.append([member])
    if block is not None and len(block.items) > 1:
        yield block
    yield from _inner_lists(stream)
    for grid in grids_of(stream):
        if len(grid.rows) > 1:
            yield ItemList(None, [[row] for row in grid.rows])
    for _, section in groupby(stream, key=_section_of):
        if items := _lines_under_heading(list(section)):
            yield ItemList(None, [[item] for item in items])


def _inner_lists(stream: Sequence[Member]) -> Iterator[ItemList]:
    """Yield the lists that a numbered lead-in announces: `6. The tenant agrees:`."""
    block: ItemList | None = None
    for member in stream:
        candidate = member[0].candidates[member[1]]
        # Formats that lose the bullets leave paragraphs in the middle of a sentence.
        is_item = _BULLET.match(candidate.text) is not None or (
            candidate.previous is None and candidate.text[:1].islower() and not candidate.is_row
        )
        if block is not None and (is_item or (block.items and candidate.previous is not None)):
            _add(block, member)
            continue
        if block is not None and len(block.items) > 1:
            yield block
        is_lead = candidate.is_lead_in and _NUMBERED.match(candidate.text) is not None
        block = ItemList(member) if is_lead else None
    if block is not None and len(block.items) > 1:
        yield block


def _is_chapters(block: ItemList) -> bool:
    """Whether the items of a list without a lead-in are whole sections with their numbers."""
    return block.lead is None and len(block.members) > _MOST_SENTENCES * len(block.items)


def _section_of(member: Member) -> tuple[str, ...]:
    """The headings of a sentence; a procedure goes on from clause to clause."""
    return above_clauses(member[0].passage.heading)


def _lines_under_heading(
    section: Sequence[Member],
) -> list[Member]:
    """The lines of a section that is a bare list, as formats that lose bullets leave it."""
    lines = [member for member in section if not _is_heading(member[0].candidates[member[1]])]
    if len(lines) < _MIN_LINES:
        return []
    for member in lines:
        candidate = member[0].candidates[member[1]]
        is_one_line = candidate.previous is None and len(candidate.text.split()) <= _LINE_WORDS
        if not is_one_line or candidate.is_row or candidate.is_lead_in or _is_item(candidate.text):
            return []
    return lines


def _is_heading(candidate: Candidate) -> bool:
    return not candidate.worth or candidate.text in candidate.passage.heading


def _is_item(text: str) -> bool:
    return _NUMBERED.match(text) is not None or _BULLET.match(text) is not None


def _belongs(block: ItemList, candidate: Candidate) -> bool:
    """Whether a sentence goes on with a list."""
    text = candidate.text
    if candidate.is_row or text in candidate.passage.heading:
        return False
    if not block.items:
        return True
    if not candidate.worth or _is_next_heading(block, candidate):
        return False
    is_marked = _is_item(_text(block.items[0][0]))
    if _is_item(text):
        return is_marked
    if is_marked:  # what stands behind an item in the same paragraph is part of it
        return candidate.previous is not None
    # Formats that lose the bullets leave paragraphs; they end as the first of them does.
    return candidate.previous is not None or not (
        text.endswith(_ENDS) and not _text(block.items[0][-1]).endswith(_ENDS)
    )


def _is_next_heading(block: ItemList, candidate: Candidate) -> bool:
    """Whether a line like a heading has another form than all items: `Ann Lee, cook`, `Sites`."""
    is_like = candidate.worth < 1 and "," not in candidate.text
    return is_like and len(block.items) > 1 and all("," in _text(item[0]) for item in block.items)


def _add(block: ItemList, member: Member) -> None:
    candidate = member[0].candidates[member[1]]
    if not block.items:
        block.is_numbered = _NUMBERED.match(candidate.text) is not None
    if block.items and not _is_item(candidate.text) and candidate.previous is not None:
        block.items[-1].append(member)
    else:
        block.items.append([member])


def _text(member: Member) -> str:
    return member[0].candidates[member[1]].text


def find_list(material: Material) -> Statement | None:
    """Find the list that answers a question for a list or a procedure; None if no list does."""
    best = max(
        ((score(material, block), block) for block in _blocks(material)),
        key=lambda scored: scored[0][0],
        default=None,
    )
    ranked = material.ranked
    if best is None or not ranked:
        return None
    (value, coverage), block = best
    if is_series(ranked[0].candidate.text) and value < ranked[0].score:
        return None
    holder = _holder(block, ranked[0].candidate)
    if value < ranked[0].score - _PREFERENCE and not (holder and material.asked.kind is Kind.LIST):
        return None
    first, at = block.items[0][0]
    grid = grid_of(material, first.candidates[at]) if material.asked.kind is Kind.LIST else None
    is_asked = grid is not None and asks_for_rows(material, grid)
    picked = pick_rows(material, grid) if grid is not None and is_asked else None
    if grid is None or picked is None or len(picked.rows) == len(grid.rows):
        return make_statement(material, block, value, coverage)
    # A whole table is no answer to a condition that its cells do not meet.
    return rows_told(material, grid, picked, value, coverage) if picked.rows else None


def expand_lead_in(material: Material, lead: Candidate) -> Statement | None:
    """The list, or the single line, that a lead-in announces; None if none follows."""
    for block in _blocks(material):
        if block.lead is not None and block.lead[0].candidates[block.lead[1]] is lead:
            value, coverage = score(material, block)
            return make_statement(material, block, value, coverage)
    return _with_next_line(material, lead)


def _with_next_line(material: Material, lead: Candidate) -> Statement | None:
    """A lead-in with the command, address or sentence right behind it."""
    for one in material.ranked:
        if one.candidate is not lead or one.at + 1 >= len(one.reading.candidates):
            continue
        following = one.reading.candidates[one.at + 1]
        span = Span(lead.span.start, following.span.end)
        is_near = span.end - span.start <= _MAX_PAIR
        if following.worth and not following.is_row and not following.is_lead_in and is_near:
            text = " ".join(lead.passage.text[span.start : span.end].split())
            return Statement(text, (Quote(lead.passage, span),), one.score, one.coverage)
    return None


def _holder(block: ItemList, candidate: Candidate) -> bool:
    return any(reading.candidates[at] is candidate for reading, at in block.members)


def _blocks(material: Material) -> Iterator[ItemList]:
    for stream in material.streams:
        for block in blocks_of(stream):
            if not _is_chapters(block):
                yield block


def score(material: Material, block: ItemList) -> tuple[float, float]:
    """Get the score of a list, comparable to a sentence's, and its coverage."""
    first = block.members[0][0]
    names = above_clauses(first.passage.heading)
    heading = first.find(names[-1]) if names else frozenset[int]()
    if block.lead is not None:
        lead = block.lead[0].own[block.lead[1]]
    else:
        lead = first.find(first.candidates[block.items[0][0][1]].lead)
    items = frozenset[int]().union(*(r.own[at] for item in block.items for r, at in item))
    coverage = 0.0
    for term in lead | heading | first.above | items:
        if term in lead:
            share = 1.0
        elif term in heading:
            share = _IN_HEADING
        else:
            share = _IN_TITLE if term in first.above else _IN_ITEMS
        coverage += share * first.finder.weights[term]
    coverage /= first.finder.total
    best = max((passage.score for passage in material.passages), default=0.0)
    share = max(reading.passage.score for reading, _ in block.members) / best if best > 0 else 0.0
    return coverage + 0.7 * share, coverage


def make_statement(material: Material, block: ItemList, value: float, coverage: float) -> Statement:
    """Write a list with its lead-in and the numbers it has."""
    lines = [] if block.lead is None else [_text(block.lead)]
    is_counted = bool(lines) and not _DIGIT.search(lines[0]) and _is_counted(material, block)
    if is_counted:
        lines.insert(0, counted(material, len(block.items)))
    members = [] if block.lead is None else [block.lead]
    length = sum(map(len, lines))
    shown = 0
    for item in block.items[:MAX_ITEMS]:
        line = " ".join(_text(member) for member in item)
        length += len(line)
        if length > _MAX_CHARS and shown:
            break
        lines.append(line if _is_item(line) else f"- {line}")
        members += item
        shown += 1
    if shown < len(block.items):
        more = _MORE.get(material.question.language, _MORE["en"])
        lines.append(more.format(len(block.items) - shown))
    operands = () if is_counted else None
    return Statement("\n".join(lines), tuple(_quotes(members)), value, coverage, operands)


def _is_counted(material: Material, block: ItemList) -> bool:
    """Whether a question asks how many there are of what the items are."""
    if material.asked.kind is not Kind.COUNT or block.lead is None:
        return False
    names = [_text(block.lead), *above_clauses(block.lead[0].passage.heading)[-1:]]
    items = [_text(item[0]) for item in block.items]
    return counts_items(material.asked, material.question.language, names, items)


def counted(material: Material, count: int) -> str:
    """The line that tells how many were found."""
    return _COUNTED.get(material.question.language, _COUNTED["en"]).format(count)


def _quotes(members: Sequence[Member]) -> Iterator[Quote]:
    """One quote for each passage the sentences stand in, from the first to the last of them."""
    spans: dict[int, Quote] = {}
    for reading, at in members:
        span = reading.candidates[at].span
        known = spans.get(id(reading))
        start = known.span.start if known else span.start
        spans[id(reading)] = Quote(reading.passage, Span(start, span.end))
    yield from spans.values()
