"""Beginning and end of what runs for a time: a contract, a course, a permit.

`When does the contract end?` is answered by `This agreement runs until 31 March 2027`, which has
none of its words, and not by `If the contract ends early`, which has them all.
"""

import re
from typing import NamedTuple

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.asking.kinds import Asked
from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.vocabulary import MONTH_NAMES

_BEFORE_MAY = (
    r"\d ", r"\dst ", r"\dnd ", r"\drd ", r"\dth ", *(
        rf"\b{word} " for word in (
            "after", "before", "between", "by", "during", "early", "every", "from", "in", "last",
            "late", "mid", "next", "of", "on", "since", "this", "through", "to", "until",
        )
    ),
)  # fmt: skip
MONTHS = "|".join(
    (
        *(name for name in MONTH_NAMES if name != "may"),
        rf"(?:{'|'.join(f'(?<={one})' for one in _BEFORE_MAY)})may|may(?= \d)",
    )
)
"""The names of months in lower case; what staff `may` do is no month."""
_DAYS = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
_DATE = (
    r"(?:\b\d{1,2}(?:[/.-]\d{1,2}[/.-]\d{2,4}|/\d{1,2}\b)|"
    rf"\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{MONTHS})|"
    rf"\b(?:{MONTHS})\b|\b{_DAYS}|\b\d{{1,2}}(?::\d\d| ?h\b| ?[ap]\.?m\b| gio\b)|"
    r"\b(?:noon|midnight)\b|"
    r"\b(?:at|luc) (?:\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|"
    r"eleven|twelve|mot|hai|ba|bon|nam|sau|bay|tam|chin|muoi)\b|"
    r"\b(?:ngay|thang|thu|gio) (?:\d|hai|ba|tu|nam|sau|bay)|\bchu nhat\b|\b(?:19|20)\d\d\b|"
    r"\b(?:end|close|last|first) (?:\w+ )?of\b|\b(?:cuoi|dau) (?:thang|nam|quy|tuan)\b)"
)
_OF_A_YEAR = rf"(?=[^.;\n]{{0,30}}(?:\b(?:{MONTHS})\b|\b(?:19|20)\d\d\b|\d/\d))"
"""Before a date that is no weekday and no hour: `from Monday to Friday` begins nothing."""

_GAP = r"(?:(?!\b(?:before|earlier|truoc)\b)[^.;\n]){0,40}?"
"""Text between the verb and its date; `ends earlier than` another day tells no end."""

_MAY = r"(?<!may )(?<!can )(?<!to )(?<!not )(?<!quyen )(?<!the )"
"""A clause that a party `may end` it does not say when it ends; nor does `the end of a quarter`."""

# Words that ask for the end or the beginning, and those that say it with a date. Folded text in
# two languages. `by 3 May` is a deadline within the time, not its end, and is no sign of it.
_ASKS_END = (
    r"\b(?:ends?|ended|ending|expires?|expired|expiry|expiration|terminates?|lapses?|runs? out|"
    r"finish(?:es)?|clos(?:es?|ing)|shuts?)\b|"
    r"\b(?:dong cua|tan (?:hoc|lam|ca|so)|het han|ket thuc|cham dut|het hieu luc|dao han|man han)\b"
)
_ASKS_START = (
    r"\b(?:starts?|started|begins?|began|commences?|commencement|takes? effect|"
    r"com(?:es?|ing) into (?:force|effect)|effective|opens?)\b|"
    r"\b(?:mo cua|vao (?:hoc|lop|lam|ca)|bat dau|co hieu luc|khoi dau)\b"
)
_HOURS = (
    r"\b\d{1,2}(?::\d\d| ?h ?\d{0,2}| gio(?: \d\d)?)?(?: ?[ap]\.?m\.?)?(?: \w+)?"
    r" ?(?:to|until|till|-|–|den) ?\d{1,2}(?::\d\d| ?h\b| gio\b| ?[ap]\.?m\b)"  # noqa: RUF001
)
"""A span of hours tells when something begins and when it ends: `06:30 to 18:30`."""

_TELLS_END = re.compile(
    rf"{_MAY}(?:{_ASKS_END}){_GAP}{_DATE}|"
    rf"\b(?:until|till|through|up to|to|den(?: het)?) (?:\w+ )?{_OF_A_YEAR}{_DATE}|{_HOURS}"
)
_TELLS_START = re.compile(
    rf"{_MAY}(?:{_ASKS_START}){_GAP}{_DATE}|"
    rf"\b(?:from|since|as of|with effect from|(?:ke )?tu) (?:\w+ )?{_OF_A_YEAR}{_DATE}|{_HOURS}"
)
_BOUNDARIES = (
    (re.compile(_ASKS_END), _TELLS_END),
    (re.compile(_ASKS_START), _TELLS_START),
)
_AGREEMENTS = re.compile(
    r"\b(?:contracts?|agreements?|leases?|licen[cs]es?|term|hop dong|thoa thuan|giay phep)\b"
)
"""Words for a document that runs for a time; a contract calls itself by any of them."""

_ANY_AGREEMENT = re.compile(r"\b(?:contracts?|agreements?|hop dong|thoa thuan)\b")
"""Words for any of them; who asks for the lease means no supply contract."""


def asks_boundary(asked: Asked) -> bool:
    """Whether a question asks when something begins or ends."""
    return asked.kind is Kind.TIME and _sign(asked) is not None


def tells_asked_boundary(asked: Asked, plain: str) -> bool:
    """Whether a folded text tells when something begins or ends, where that is asked."""
    found = _sign(asked)
    return found is None or found[1].search(plain) is not None


class Boundary(NamedTuple):
    """Words of a question that a text says by telling the date it asks for."""

    words: frozenset[str]
    """Folded: the verb (`end`, `hết`, `hạn`), and the word for the agreement where the text has
    another one."""
    is_of_agreement: bool
    """Whether the text tells of an agreement, as the question does."""


def tells_boundary(asked: Asked, text: str, above: str) -> Boundary | None:
    """Get the words of the question that a text says by telling the date it asks for.

    Args:
        asked: The question.
        text: A sentence.
        above: Title and headings of its passage, which may say what it is a clause of.

    Returns:
        None where the text tells no date of that kind.
    """
    found = _sign(asked) if asked.kind is Kind.TIME else None
    if found is None:
        return None
    said, telling = found
    plain = fold(normalise(text))
    if not telling.search(plain):
        return None
    words = frozenset((said, *said.split()))
    named = _ANY_AGREEMENT.search(asked.text)
    if named and _AGREEMENTS.search(f"{plain}\n{fold(normalise(above))}"):
        return Boundary(words | {named.group(), *named.group().split()}, is_of_agreement=True)
    return Boundary(words, is_of_agreement=False)


def _sign(asked: Asked) -> tuple[str, re.Pattern[str]] | None:
    """The words that ask for the end or the beginning, and the pattern of what tells it."""
    for asks, telling in _BOUNDARIES:
        if match := asks.search(asked.text):
            return match.group(), telling
    return None
