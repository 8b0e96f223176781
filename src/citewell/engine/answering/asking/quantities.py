"""Numbers as answers: of the thing that is counted, of money, of time."""

import re

from citewell.engine.answering.asking.kinds import Asked, Kind
from citewell.engine.answering.asking.measures import (
    LENGTH,
    asks_often,
    dimension_of,
    tells_often,
)
from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.stemming import stem_english

_IN_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|"
    "sixteen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|"
    "thousand|million|billion|half|dozen|once|twice|mot|hai|ba|bon|nam|sau|bay|tam|chin|muoi|tram|"
    "nghin|trieu|ty"
)
_NUMBER = re.compile(rf"(?<![\w.,])[$€£¥₫]?\d[\d.,]*(?:st|nd|rd|th)?|\b(?:{_IN_WORDS})\b")
_MONEY = re.compile(
    r"[$€£¥₫]\s?\d|(?<![\d.,])\d[\d.,]*+\s?(?:[$€£¥₫%]|p\b|k\b|vnd\b|usd\b|eur\b|gbp\b|dong\b|euros?\b|"
    r"dollars?\b|pounds?\b|pence\b|cents?\b|(?:million|billion|thousand|trieu|ty|nghin)\b|"
    r"per ?cent\b|phan tram\b)"
)
_CURRENCIES = frozenset(
    ("vnd", "dong", "gbp", "usd", "eur", "euro", "euros", "pound", "pounds", "dollars", "dollar")
)
_ASKS_SHARE = re.compile(
    r"\b(?:per ?cent|percentage|share of|interest rate|phan tram|ty le|lai suat)\b"
)
_SHARE = re.compile(r"\d\s?%|\bper ?cent\b|\bphan tram\b|\bhalf\b|\b(?:one|\d+) in \w|\bmot nua\b")
_ASKS_MONEY = re.compile(
    r"\b(?:costs?|prices?|fees?|pay|paid|pays|charges?|charged|spend|spent|earn|salary|budget|fares?|"
    r"gia|phi|tien|luong|thuong|phat|chi phi|le phi)\b|[$€£¥₫]"
)
_HOW_LONG_IS = re.compile(r"\bhow long (?:is|are|was|were|must|should)\b|\bdai bao nhieu\b")
"""Asks for a length or for a time: both are taken."""

_FREE = re.compile(
    r"\b(?:is|are|come|comes) (?:\w+ )?free\b|\bfree of charge\b|\b(?:no|without) charge\b|"
    r"\bmien phi\b|\bkhong (?:mat|thu|tinh) (?:phi|tien)\b"
)
"""An amount that is none."""

_OTHER_NUMBER = 0.2
"""Of a number where a share is asked for: fifteen days are no interest rate."""

_BARE_NUMBER = 0.4
"""Of a number without the unit of what is asked for."""

_TIME_UNIT = re.compile(
    rf"(?:(?<![\d.,])\d[\d.,]*+|\b(?:{_IN_WORDS})|\ban?)[ -](?:\w+[ -]){{0,2}}"
    r"(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|decades?|centur(?:y|ies)|giay|phut|"
    r"gio|tieng|ngay|tuan|thang|nam|quy)\b"
)
_WORD = re.compile(r"[^\W_]+")
_REACH = 4
"""Words after a number among which what it counts must stand: `14 working days of paid leave`."""


def offers(asked: Asked, text: str, known: frozenset[str]) -> float:
    """How far a text offers the number that is asked for, 0 to 1.

    Args:
        asked: With what is counted.
        text: A sentence or a table row with its column names.
        known: Words of the question; a number that it states itself is no answer.
    """
    plain = fold(normalise(text))
    if asks_often(asked.text):
        return 1.0 if tells_often(plain) else _OTHER_NUMBER
    if asked.kind is Kind.DURATION:
        is_length = _HOW_LONG_IS.search(asked.text) is not None
        is_told = _has_new(_TIME_UNIT, plain, known) or (
            is_length and _has_new(LENGTH.unit, plain, known)
        )
        return 1.0 if is_told else 0.0
    if not _has_new(_NUMBER, plain, known):
        return 0.0
    if asked.kind is Kind.AMOUNT:
        return _amount(asked, plain, known)
    if not asked.counted:
        return 0.8
    return 1.0 if counts(asked, plain, known) else 0.4


def _amount(asked: Asked, plain: str, known: frozenset[str]) -> float:
    if _ASKS_SHARE.search(asked.text):
        return 1.0 if _SHARE.search(plain) else _OTHER_NUMBER
    dimension = None if _ASKS_MONEY.search(asked.text) else dimension_of(asked.text)
    if dimension is not None:  # a bare number may have its unit in the column's name
        return 1.0 if _has_new(dimension.unit, plain, known) else _BARE_NUMBER
    return 1.0 if _has_new(_MONEY, plain, known) or _FREE.search(plain) else 0.6


def counts(asked: Asked, plain: str, known: frozenset[str]) -> bool:
    """Whether a new number of a folded text stands before what the question counts."""
    wanted = {stem_english(word) for word in asked.counted}
    for match in _NUMBER.finditer(plain):
        if not _is_new(match.group(), known):
            continue
        after = _WORD.findall(plain, match.end(), match.end() + 60)[:_REACH]
        if after and after[0] in _CURRENCIES and after[0] not in asked.counted:
            continue  # `1.000.000 đồng khi đoàn viên` counts money, not members
        if any(stem_english(word) in wanted for word in after):
            return True
    return False


def _has_new(pattern: re.Pattern[str], plain: str, known: frozenset[str]) -> bool:
    return any(_is_new(match.group(), known) for match in pattern.finditer(plain))


def _is_new(matched: str, known: frozenset[str]) -> bool:
    return not known.issuperset(_WORD.findall(matched))
