# ruff: noqa: RUF001 - the sign of a product is meant
"""A price for each, times how many a question names: 32 pupils at £3.50 per pupil."""

import re

from citewell.engine.answering.asking.quantities import asks_money
from citewell.engine.answering.reading.base import Material, Statement, quote_of
from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.numerals import number_values
from citewell.engine.text.stemming import stem_english
from citewell.engine.text.vocabulary import ENGLISH_NUMBERS

_EACH = re.compile(
    r"(?P<sign>[$€£¥₫])? ?(?<![\d.,])(?P<price>\d(?:[\d.,]{0,15}\d)?) ?"
    r"(?P<unit>euros?|pounds?|dollars?|eur|gbp|usd|vnd|vnđ|đồng|đ)?"
    r"(?: (?:per|an?|for each|for every|for an?|cho mỗi|cho một|mỗi|một)|(?: ?/ ?)) ?"
    r"(?P<each>[^\W\d_]+)",
    re.IGNORECASE,
)
"""An amount of money and what it is for one of."""

_COUNTED = re.compile(
    rf"(?<![\w.,-])(?P<count>\d{{1,4}}|{'|'.join(ENGLISH_NUMBERS)}) "
    r"(?:[^\W\d_]{1,30} )?[^\W\d_]{1,30}"
)
_PERSONS = frozenset(
    map(stem_english, ("person", "people", "head", "adult", "guest", "visitor", "participant"))
)
"""Stems that stand for one another: `per person` holds for eight people."""

_VIETNAMESE_PERSONS = frozenset(("nguoi", "khach"))
_GROUPED = re.compile(
    r"\b(?:discount|reduction|from \d+|up to \d+|the first|giam|tu \d+|dau tien)\b"
)
"""Of a sentence whose price changes with the number: nothing is multiplied."""

_FROM = 2
"""Of one thing nothing is multiplied."""
_TEXT = {
    "en": "{count} × {price} = {total} (computed): {said}",
    "vi": "{count} × {price} = {total} (tính ra): {said}",
}


def read_product(material: Material) -> Statement | None:
    """Multiply the price of the best sentence; None where it has none for each, or several.

    The question must name one number of what the price is for one of.
    """
    if not material.ranked or not asks_money(material.asked):
        return None
    best = material.ranked[0]
    candidate = best.candidate
    if candidate.is_row or _GROUPED.search(fold(normalise(candidate.text))):
        return None
    prices = [
        match
        for match in _EACH.finditer(candidate.text)
        if (match["sign"] or match["unit"]) and _counts(material, match["each"]) is not None
    ]
    values = number_values(prices[0]["price"]) if len(prices) == 1 else frozenset[float]()
    if not values:
        return None
    count = _counts(material, prices[0]["each"]) or 0
    if count < _FROM:
        return None
    written = prices[0]["price"]
    is_grouped = max(values) == int(max(values)) and len(values) > 1
    total = count * (max(values) if is_grouped else min(values))
    shown = _written(total, written, is_grouped=is_grouped)
    words = _TEXT.get(material.question.language, _TEXT["en"])
    sign, unit = prices[0]["sign"] or "", f" {prices[0]['unit']}" if prices[0]["unit"] else ""
    price, whole = (f"{sign}{one}{unit}" for one in (written, shown))
    text = words.format(count=count, price=price, total=whole, said=candidate.text)
    return Statement(text, (quote_of(candidate),), best.score, best.coverage, (written,))


def _counts(material: Material, each: str) -> int | None:
    """How many of a thing the question names; None where it does not, or twice."""
    unit = fold(normalise(each))
    found: list[int] = []
    for match in _COUNTED.finditer(material.asked.text):
        counted = match.group().split()[1:]
        stems = {stem_english(fold(one)) for one in counted}
        is_same = stem_english(unit) in stems
        are_people = stem_english(unit) in _PERSONS and not stems.isdisjoint(_PERSONS)
        are_people |= {counted[0], unit} <= _VIETNAMESE_PERSONS
        if is_same or are_people:
            count = match["count"]
            found.append(int(count) if count.isdigit() else int(ENGLISH_NUMBERS[count]))
    return found[0] if len(found) == 1 else None


def _written(total: float, price: str, *, is_grouped: bool) -> str:
    """A total as its price is written: `112.00` of `3.50`, `960.000` of `30.000`."""
    if is_grouped:
        mark = "." if "." in price else ","
        return f"{total:,.0f}".replace(",", mark)
    if "," in price and "." not in price:
        return f"{total:.2f}".replace(".", ",")
    return f"{total:,.2f}" if "." in price else f"{total:,.0f}"
