"""From when to when a passage says that it holds: `effective from 1 January 2027`, `superseded`."""

import re
from datetime import date

from citewell.engine.answering.base import Passage
from citewell.engine.answering.facts import read_facts
from citewell.engine.text.normalisation import fold, normalise

# Words that say it, without accents. Up to thirty characters may stand between
# (`valid for all sites from`, `có hiệu lực thi hành kể từ ngày`). A sentence about something else
# (`a visa is valid from its issue`) is taken for it where a date follows.
_BEGINS = re.compile(
    r"\b(?:effective|valid|in force|applicable|applies|apply|takes? effect|with effect|"
    r"(?:comes?|enters?) into (?:force|effect))\b[^.;\n]{0,30}?\b(?:from|on|as of|since|after)\b|"
    r"\b(?:effective|valid|in force)(?= \d)|"
    r"\b(?:hieu luc|ap dung|thi hanh)\b[^.;\n]{0,30}?\b(?:tu|vao|sau)\b(?: ngay\b)?"
)
# Words that say that it is over, and such as say until when. A sentence about something else
# (`this filter was replaced`) is kept out by what must stand before, where that is a document.
_KIND = (
    r"(?:document|policy|version|edition|revision|list|rule|rules|note|notice|page|guide|guideline|"
    r"regulation|procedure|agreement|contract|tariff|plan|text|instruction|order|circular)"
)
_ENDS = re.compile(
    rf"\bthis (?:\w+ )?{_KIND} (?:is|was|has been) (?:now )?"
    r"(?:superseded|replaced|withdrawn|repealed|revoked|cancelled|obsolete|outdated|archived)\b|"
    # Alone only where a sentence begins with it: a new text says so of what it replaces.
    r"(?:^|[\n.;:(\[] ?)superseded\b|"
    rf"\b(?:this (?:\w+ )?{_KIND}|it) (?:is )?no longer "
    r"(?:valid|in force|applies|applicable|current)\b|"
    r"\b(?:het hieu luc|khong con hieu luc|(?:da )?bi (?:thay the|bai bo|huy bo) boi)\b|"
    r"\b(?P<until>(?:valid|effective|in force|applies|apply|expires?|expired) "
    r"(?:until|till|through|up to|on)|hieu luc den)\b"
)
_REACH = 40
"""Characters after it in which its date stands: `từ ngày 01 tháng 01 năm 2027`."""


def begins_after(passage: Passage, day: date) -> bool:
    """Whether a passage, its headings or its title say that it holds only from a later day on."""
    text = "\n".join((passage.title, *passage.heading, passage.context, passage.text))
    plain = fold(normalise(text))
    beginnings = [
        min(readings)
        for match in _BEGINS.finditer(plain)
        if (readings := _first_date(plain[match.end() : match.end() + _REACH]))
    ]
    # Of several the first counts: a list that holds already may announce a change of a line.
    return bool(beginnings) and min(beginnings) > (day.year, day.month, day.day)


def has_ended(passage: Passage, day: date) -> bool:
    """Whether a passage, its headings or its title say that it holds no more.

    A day behind it counts: what is withdrawn from next year on holds still.
    """
    text = "\n".join((passage.title, *passage.heading, passage.context, passage.text))
    plain = fold(normalise(text))
    for match in _ENDS.finditer(plain):
        readings = _first_date(plain[match.end() : match.end() + _REACH])
        if (readings and min(readings) < (day.year, day.month, day.day)) or (
            not readings and match["until"] is None
        ):
            return True
    return False


def _first_date(text: str) -> list[tuple[int, int, int]]:
    """The readings of the first date in a text; none without a year."""
    for readings in read_facts(text, folded=True).dates:
        full = [(year, month, day or 1) for year, month, day in readings if year is not None]
        if full:
            return full
    return []
