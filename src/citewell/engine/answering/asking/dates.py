"""Points in time as answers: dates, years, weekdays, times of day."""

import re

from citewell.engine.answering.asking.boundaries import MONTHS, tells_asked_boundary
from citewell.engine.answering.asking.kinds import Asked
from citewell.engine.text.normalisation import fold, normalise

_HOURS = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_COUNTED = (
    r"[- ](?:\w+ )?(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|times?|people|persons?|"
    r"members|guests|items|books|pieces|copies|pages|per|of)\b"
)
"""Behind a number that is no hour: `up to five days`."""

_GIO = "mot|hai|ba|bon|nam|sau|bay|tam|chin|muoi"
_CLOCK = (
    r"\b\d{1,2}(?::\d\d| ?h ?\d{0,2}\b| gio\b| ?[ap]\.?m\b)|\bnoon\b|\bmidnight\b|"
    rf"\b(?:at|from|until|till|by|past|to) (?:{_HOURS})\b(?!{_COUNTED})|"
    rf"\b(?:{_HOURS}) o['’]?clock\b|"  # noqa: RUF001
    rf"\b(?:{_GIO}) gio\b"
)
_TIME_OF_DAY = re.compile(_CLOCK)
_POINT = re.compile(
    rf"{_CLOCK}|\d{{1,2}}[/.-]\d{{1,2}}|\b(?:1\d|20)\d\ds?\b|"
    r"\b\d{1,2}(?:st|nd|rd|th)\b|\d{1,2}(?:st|nd|rd|th)? century\b|"
    rf"\b(?:{MONTHS}|(?:mon|tues|wednes|thurs|fri|satur|sun)days?)\b|"
    r"\b(?:ngay|thang|nam|thu|quy|the ky) (?:\d|hai|ba|tu|nam|sau|bay|[ivx]+\b)|\bchu nhat\b|"
    r"\b\d+ (?:\w+ )?(?:hours?|days?|weeks?|months?|years?|ngay|tuan|thang|nam|gio) "
    r"(?:after|before|later|earlier|of|from|truoc|sau|ke tu)\b|"
    r"\b(?:spring|summer|autumn|winter|morning|evening|night|daily|weekly|monthly|yearly|annually|"
    r"(?:every|each) (?:day|week|month|quarter|year)|hang (?:ngay|tuan|thang|quy|nam))\b|"
    r"\b(?:once|twice) an? (?:day|week|month|year)\b"
)
_VAGUE = re.compile(r"\bwithin\b|\bimmediately\b|\bat once\b|\bngay (?:lap tuc|khi)\b")
_EVENT = re.compile(
    r"\b(?:after|before|until|once|upon|when|while|during|as soon as|"
    r"on (?:arrival|request|receipt)|at the (?:end|start|beginning) of|christmas|easter|new year|"
    r"always|never|(?<!nhu )(?<!phia )(?<!mat )(?<!cua )sau(?! (?:day|cung)\b)|"
    r"(?<!phia )(?<!mat )(?<!cua )truoc(?! mat\b)|khi|"
    r"trong (?:vong|thoi|khi|luc|ky|suot|dip|qua|ngay|tuan|thang|nam|quy|gio|mua|\d+|mot|hai|ba)|"
    r"cuoi|dau (?:thang|nam|quy|tuan)|tet)\b"
)
"""Tells a time by what happens then; it neither speaks for an answer nor against it. `Như sau:`,
`phía trước` and `trong phòng` tell none."""

_HOW_LATE = re.compile(r"\bhow (?:late|early) (?:may|can|could|must|should) .*\bbe\b")
"""Asks for a time of day or for a delay: `at most 14 days late` answers it as well."""

_DELAY = re.compile(
    r"\b(?:\d+|one|two|three|four|five|six|seven|ten|fourteen|thirty) (?:\w+ )?"
    r"(?:minutes?|hours?|days?|weeks?|months?|years?)\b"
)
_EVENT_WORTH = 0.5
_VAGUE_WORTH = 0.6
"""Of a text that tells a time only by another: `at once if the other is insolvent`."""

_WORD = re.compile(r"[^\W_]+")


def offers(asked: Asked, text: str, known: frozenset[str]) -> float:
    """How far a text offers a point in time that the question does not name, 0 to 1."""
    plain = fold(normalise(text))
    pattern = _TIME_OF_DAY if asked.is_clock else _POINT
    is_there = any(
        not known.issuperset(_WORD.findall(match.group())) for match in pattern.finditer(plain)
    )
    if is_there:
        # Of a contract's end `within 30 days of the end` tells nothing, though it is a time.
        return 1.0 if tells_asked_boundary(asked, plain) else _VAGUE_WORTH
    if asked.is_clock:
        return 0.0
    if _HOW_LATE.search(asked.text) and any(
        not known.issuperset(_WORD.findall(match.group())) for match in _DELAY.finditer(plain)
    ):
        return 1.0
    if _VAGUE.search(plain):
        return _VAGUE_WORTH
    return _EVENT_WORTH if _EVENT.search(plain) else 0.0
