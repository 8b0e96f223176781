"""Yes or no by a list: `Zagreb` stands among the branches, a seat upgrade under `Not repaid`."""

import re

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.candidates import Candidate
from citewell.engine.answering.reading.base import Material, Quote, Statement, quote_of
from citewell.engine.answering.reading.lists import ItemList, blocks_of
from citewell.engine.answering.reading.polarity import LEADS, is_denied
from citewell.engine.answering.reading.subjects import is_function_word, names_of
from citewell.engine.chunking.legal_units import above_clauses
from citewell.engine.text.sentences import Span

_NUMBER = re.compile(r"^(?:(?:\d{1,3}\.)+|\(?\w{1,3}[.)]|[-*•+])\s+")
_LONGEST_ITEM = 25
"""Words of an item; a longer one speaks for itself."""


def read_membership(material: Material) -> Statement | None:
    """Answer a yes-or-no question by the list in which the thing asked about stands.

    The lead-in or heading of the list says what its items have in common, so it decides.
    """
    if material.asked.kind is not Kind.YES_NO or not material.ranked:
        return None
    best = material.ranked[0].candidate
    for stream in material.streams:
        for block in blocks_of(stream):
            if not any(reading.candidates[at] is best for reading, at in block.members):
                continue
            return _member(material, block)
    return None


def _member(material: Material, block: ItemList) -> Statement | None:
    first, at = block.items[0][0]
    if first.candidates[at].is_row:
        return None
    lead = block.lead[0].candidates[block.lead[1]] if block.lead else None
    said = lead.text if lead else "".join(above_clauses(first.passage.heading)[-1:])
    if not said or (lead is None and not is_denied(material, said)):
        return None  # items below a heading are often sentences that decide for themselves
    wanted = _wanted(material, first.find(said))
    for item in block.items:
        held = frozenset[int]().union(*(reading.own[at] for reading, at in item))
        if wanted and wanted <= held:
            member = item[0][0].candidates[item[0][1]]
            if len(member.text.split()) > _LONGEST_ITEM:
                return None
            return _decided(material, said, lead, member)
    return None


def _wanted(material: Material, led: frozenset[int]) -> frozenset[int]:
    """The words that the item must hold: the names, or what the lead-in does not say."""
    terms = material.question.terms
    content = frozenset(
        at
        for at, term in enumerate(terms)
        if " " not in term.text
        and not is_function_word(term.text, material.question.language)
        and term.text.lower() not in material.asked.instructions
    )
    return (names_of(material.question) & content) - led or content - led


def _decided(material: Material, said: str, lead: Candidate | None, member: Candidate) -> Statement:
    yes, no = LEADS.get(material.question.language, LEADS["en"])
    said = _NUMBER.sub("", said).rstrip(":. ")
    text = f"{no if is_denied(material, said) else yes}: {said}: {_NUMBER.sub('', member.text)}"
    quotes = [quote_of(member)]
    if lead is not None and lead.passage is member.passage:
        quotes = [Quote(member.passage, Span(lead.span.start, member.span.end))]
    elif lead is not None:
        quotes.insert(0, quote_of(lead))
    best = material.ranked[0]
    return Statement(text, tuple(quotes), best.score, best.coverage)
