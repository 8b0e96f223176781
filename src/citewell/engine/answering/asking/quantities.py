"""Numbers as answers: of the thing that is counted, of money, of time."""

import re

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.asking.boundaries import MONTHS
from citewell.engine.answering.asking.kinds import Asked
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
    r"rent|deposit|wages?|bonus|surcharge|supplement|penalty|contribution|reward|revenue|turnover|"
    r"profit|income|gia|phi|tien|luong|thuong|phat|chi phi|le phi)\b|[$€£¥₫]|"
    r"\b(?:ton|het) (?:\w+ )?bao nhieu\b"
)
_HOW_LONG_IS = re.compile(r"\bhow long (?:is|are|was|were|must|should)\b|\bdai bao nhieu\b")
"""Asks for a length or for a time: both are taken."""

_HOW_MUCH_IS = re.compile(r"\bhow much (?:is|are|was|were|for)\b")
_KEYWORD_PRICE = re.compile(
    r"\b(?:(?:hour|dai|night|week|month|quarter|year)ly|annual|day|week|month|weekend|night|hour) "
    r"(?:rates?|prices?|hire|fees?|charges?)\b|\bgia (?:ve|thue|mua|ban)?\b"
)
_FREE = re.compile(
    r"\b(?:is|are|come|comes) (?:\w+ )?free\b(?! (?:from|to)\b)|\bfree of charge\b|"
    r"\b(?:no|without) (?:charge|fee)\b|"
    # The cell of a row: `Price: free for full members`.
    r"(?:^|: |\| )(?:free|gratis|included)(?= (?:for|on|with|of|if|up|once|twice)\b|[;,.(|]|$)|"
    r"\bmien phi\b|\bkhong (?:mat|thu|tinh|ton) (?:phi|tien)\b"
)
"""An amount that is none."""

_OF_PAY = (
    r"(?: of(?: [a-z]+)?| full)? (?:rent|pay|wages?|salary|salaries)\b|"
    r" (?:tien|thu nhap|luong)\b"
)
"""Behind a time that is an amount: `2 months of rent`, `1 tháng thu nhập`."""

_NO_AMOUNT = re.compile(
    r"\b\d{1,2} gio \d\d\b|"
    rf"\b(?:{MONTHS})(?: \d+)?|\b(?:thang|ngay|nam|quy|thu|dieu|muc) "
    rf"(?:\d+(?:[/.-]\d+){{0,2}}|{_IN_WORDS}|tu)\b|"
    rf"\b(?:\d+|{_IN_WORDS}) (?:times?|lan)\b(?: (?:a|per|moi|mot) \w+)?|"
    r"\b(?:once|twice) (?:a|an|per|every) \w+|\bevery \w+ \w+|"
    r"\b(?:in|since|from|until|by|nam|[a-z]{3,}(?:ed|lt)) (?:19|20)\d\d\b|"
    r"(?<![\w.,])\d[\d.,]*+\s?(?:k?g|[ckm]?m[23²³]?|m?l|kw|kwh|litres?|met|lit|tan)\b|"
    r"(?<![\w.,])\d[\d.,]*+[ -](?:minutes?|hours?|days?|weeks?|months?|years?|phut|gio|ngay|tuan|"
    rf"thang|nam)\b(?!['’]|{_OF_PAY})|"  # noqa: RUF001 - a typographic apostrophe is meant
    r"^\W*\d{1,2}[.)] |\b(?:tang|lau|ham|phong|toa|nha|cong|kho|ban|quay|floor|level|room|gate|"
    r"building|block|desk|counter|page|chapter) \d+\b"
    r"(?! (?:a|an|per|each|for|moi|mot|nghin|ngan)\b)|"
    r"\b[a-z]{1,2}-?\d{1,4}\b|\b\d{3,}-\d\b|"
    r"\b\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}\b|"
    r"\b(?:\d{1,2} (?:den|to|-) )?\d{1,2}/\d{1,2}\b(?!/)|"
    r"\b\d{1,2}(?::\d\d| gio| ?h\d{0,2})\b"
)
"""Numbers that are no price: dates, times of day, rhythms, weights, numbers of items and rooms."""

_COUNTS_THINGS = re.compile(
    r"(?P<price>\b(?:costs?|fees?|prices?|charges?|deposit|rent|fare|phi|gia|le phi|tien)"
    r"(?: of| is| are| was| la| chi)?:? )?"
    rf"(?<![\w.,$€£¥₫])(?:\d{{1,3}}|{_IN_WORDS})(?: (?:den|to|and|or|va|hoac) \d{{1,3}})?"
    r"[ -](?!(?:per|each|moi|for|a|an|on|months?|weeks?|days?|thang|tuan|ngay|"
    r"ngan|nghin|tram|trieu|ty|xu|and|or|but|plus|va|hoac|nhung|incl|including|inclusive|includes|"
    r"included|excl|excluding|with|without|if|when|in|at|to|from|by|of|until|before|after|which|"
    r"that|is|are|was|were|applies|apply|will|must|can|"
    r"may (?:be|not|also|only|vary|change|rise)|has|payable|due|only|extra|net|gross|"
    r"khi|neu|cho|thi|la|duoc|mot|gom|ca|chua|da|tinh|o|tai|tu|den)\b)[^\W\d_]+"
)
"""A small number before a word that may be a thing: two polo shirts are no price.

Prices without a currency have a word of price right before them (`costs 45`), or behind them what
names no thing: a verb, a conjunction, a preposition, a number's word (`5 ngàn`), a time."""

_EXTENDS = re.compile(r"\b(?:extend(?:s|ed)?|extensions?|prolong(?:s|ed)?|gia han|keo dai them)\b")
_PARTS = re.compile(r"[;.] | (?:and|but|va|nhung) ")
_OTHER_LENGTH = 0.4
"""Of a sentence that tells by how much something can be extended, not how long it is."""

_OTHER_NUMBER = 0.2
"""Of a number where a share is asked for: fifteen days are no interest rate."""

_BARE_NUMBER = 0.4
"""Of a number without the unit of what is asked for."""

_TIME_UNIT = re.compile(
    rf"(?:(?<![\d.,])\d[\d.,]*+|\b(?:{_IN_WORDS})|\ban?)[ -](?:\w+[ -]){{0,2}}"
    r"(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|decades?|centur(?:y|ies)|giay|phut|"
    r"gio|tieng|ngay|tuan|thang|nam|quy)\b"
)
_STUFF = re.compile(
    r"(?<![\w.,])\d[\d.,]*+\s?(?:kg|g|mg|tonnes?|tan|gam|m?l|lit(?:re|er)?s?|m3|m³)\b"
)
_WORD = re.compile(r"[^\W_]+")
_AT_ONE = re.compile(r"(?:on|in|at|to|from|into|per|of|tren|trong|o|moi) (?:one|mot|1)\b")
"""`on one page`: that is where something stands, not how many there are."""

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
        if not is_told:
            return 0.0
        if _EXTENDS.search(plain) and not _EXTENDS.search(asked.text):
            parts = [one for one in _PARTS.split(plain) if not _EXTENDS.search(one)]
            return 1.0 if any(_has_new(_TIME_UNIT, one, known) for one in parts) else _OTHER_LENGTH
        return 1.0
    if is_free(plain) and asks_money(asked):
        return 1.0  # without a number: `A trial month is free`
    if not _has_new(_NUMBER, plain, known):
        return 0.0
    if asked.kind is Kind.AMOUNT:
        return _amount(asked, plain, known)
    if not asked.counted:
        return 0.8
    if counts(asked, plain, known):
        return 1.0
    return 0.8 if _measures(asked, plain, known) else 0.4


def _measures(asked: Asked, plain: str, known: frozenset[str]) -> bool:
    """Whether a text tells how much there is of what a question counts: `Natri: 10 kg`.

    Vietnamese asks `bao nhiêu` for things and for stuff.
    """
    words = frozenset(_WORD.findall(plain))
    return words.issuperset(asked.counted) and _has_new(_STUFF, plain, known)


def _amount(asked: Asked, plain: str, known: frozenset[str]) -> float:
    if _ASKS_SHARE.search(asked.text):
        return 1.0 if _SHARE.search(plain) else _OTHER_NUMBER
    is_money = _ASKS_MONEY.search(asked.text) is not None
    dimension = None if is_money else dimension_of(asked.text)
    if dimension is not None:  # a bare number may have its unit in the column's name
        return 1.0 if _has_new(dimension.unit, plain, known) else _BARE_NUMBER
    if _has_new(_MONEY, plain, known):
        return 1.0
    # `Reviewed once a year in April` has numbers, and none of them is an amount.
    left = _NO_AMOUNT.sub(" ", plain)
    if is_money and not _has_new(_NUMBER, _COUNTS_THINGS.sub(_kept_price, left), known):
        return _OTHER_NUMBER
    return 0.6


def _kept_price(match: re.Match[str]) -> str:
    return match.group() if match["price"] else " "


def asks_money(asked: Asked) -> bool:
    """Whether a question may ask for a price: `What does a locker cost?`, `How much is a pass?`."""
    if asked.kind is not Kind.AMOUNT or _ASKS_SHARE.search(asked.text):
        return asked.kind is Kind.COUNT and asked.counted[:1] == ("tien",)
    return _ASKS_MONEY.search(asked.text) is not None or _HOW_MUCH_IS.search(asked.text) is not None


def asks_price(asked: Asked) -> bool:
    """Whether a question asks for a price, if only by a keyword: `monthly rate drum sander`."""
    return asks_money(asked) or (
        asked.kind is Kind.OTHER and _KEYWORD_PRICE.search(asked.text) is not None
    )


def money_words(asked: Asked) -> frozenset[str]:
    """The stems of what a question calls the money that it asks for: `salary`, `fee`, `tien`."""
    return frozenset(stem_english(match.group()) for match in _ASKS_MONEY.finditer(asked.text))


def is_free(plain: str) -> bool:
    """Whether a folded text says that something costs nothing."""
    return _FREE.search(plain) is not None


def free_at(plain: str) -> int | None:
    """Where a folded text says that something costs nothing, None where it does not."""
    found = _FREE.search(plain)
    return None if found is None else found.start()


def counts(asked: Asked, plain: str, known: frozenset[str]) -> bool:
    """Whether a new number of a folded text stands before what the question counts."""
    wanted = {stem_english(word) for word in asked.counted}
    for match in _NUMBER.finditer(plain):
        if not _is_new(match.group(), known) or _is_place(plain, match):
            continue
        after = _WORD.findall(plain, match.end(), match.end() + 60)[:_REACH]
        if after and after[0] in _CURRENCIES and after[0] not in asked.counted:
            continue  # `1.000.000 đồng khi đoàn viên` counts money, not members
        if any(stem_english(word) in wanted for word in after):
            return True
    return False


def _is_place(plain: str, number: re.Match[str]) -> bool:
    """Whether a number is `one` behind a preposition."""
    start = plain.rfind(" ", 0, max(number.start() - 1, 0)) + 1
    return _AT_ONE.match(plain, start, number.end()) is not None


def _has_new(pattern: re.Pattern[str], plain: str, known: frozenset[str]) -> bool:
    return any(_is_new(match.group(), known) for match in pattern.finditer(plain))


def _is_new(matched: str, known: frozenset[str]) -> bool:
    return not known.issuperset(_WORD.findall(matched))
