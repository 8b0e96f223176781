"""Numbers as people write them, with their units, in English and Vietnamese."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice

from citewell.engine.text import vocabulary
from citewell.engine.text.normalisation import fold

# Groups of three with spaces first, so that "1 000" is one number; then digits with separators,
# whose meaning `number_values` leaves open. A time ("9:30", "9h30", "9 giờ 30") and an ordinal
# ending belong to it. The look-behind keeps it from starting inside a number.
# A minus counts where nothing but a space or a bracket stands before it; a hyphen at the beginning
# of a line is a bullet, one after a number the middle of a range.
_NUMBER = re.compile(
    r"(?P<sign>(?<![^\s(\[|:=])\u2212|(?<=[ \u00a0\u202f(\[|:=])(?<!\d\s)[-\u2013](?=[$€£¥₫]?\d)|"
    r"\b(?:minus|âm) )?(?P<symbol>[$€£¥₫])?\s?(?<![\d.,])"
    r"(?P<number>\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)|\d+(?:[.,]\d+)*)"
    r"(?:(?P<clock>[:h]|\s*gi[ờo]\s*)(?P<minutes>[0-5]\d)(?!\d)(?:\s*ph[úu]t)?)?(?:st|nd|rd|th)?"
)
# The next word or sign, with the hyphen of "30-day"; possessive, so that long runs of spaces stay
# linear.
_NEXT = re.compile(r"\s*+([-–]?)\s*+([^\W\d_](?:[\w²]|\.(?=\w))*|[%$€£¥₫])")  # noqa: RUF001
# Joins the two numbers of a range. `2 and 3` may be two amounts instead: then the first merely gets
# the unit of the second.
_RANGE = re.compile(r"\s*(?:-|–|to|and|đến|den|tới|toi|và|va)\s*(?=\d)")  # noqa: RUF001
# "3." at the begin of an item is no amount.
_LIST_MARK = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*•–])\s+")  # noqa: RUF001
_TOKEN = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number; `values` holds its readings, as 1.000 is a thousand or one."""

    values: frozenset[float]
    unit: str | None

    def matches(self, other: "Quantity") -> bool:
        """Whether both can mean the same amount; a unit left out matches any."""
        if self.values.isdisjoint(other.values):
            return False
        if self.unit is None or other.unit is None or self.unit == other.unit:
            return True
        # `9 giờ` is nine o'clock and nine hours.
        return {self.unit, other.unit} == {"clock", "hour"}


def read_quantities(text: str, *, folded: bool = False) -> Iterator[Quantity]:
    """Yield the numbers of a normalised text, in digits and in words.

    Words that may as well mean something else are left out: `one`, `một`, `năm` without a noun
    that is counted.
    """
    text = _LIST_MARK.sub("", text)
    for match in _NUMBER.finditer(text):
        yield _quantity(match, text, folded)
    yield from _in_words(text, folded)


_SCALES = "hundred|thousand|million|billion|trăm|nghìn|ngàn|triệu|tỷ|tỉ|nghin|ngan|trieu|ty"
_SCALED = re.compile(
    rf"(?<![\w.,])(?P<number>\d{{1,6}}(?:[.,]\d{{1,3}})?)\s(?P<scale>{_SCALES})(?!\w)"
)
_MOST_SCALED = 200
"""Of a text, which bounds a table of them."""


def scaled_numbers(text: str) -> Iterator[tuple[str, str]]:
    """Yield the numbers of a normalised text that a word multiplies: `60 triệu`, `2.5 million`.

    Returns:
        Each as written, and its digits in full: `60000000`. What may be two numbers (`1.500
        triệu`) or is no whole one is left out.
    """
    for match in islice(_SCALED.finditer(text), _MOST_SCALED):
        values = number_values(match["number"])
        value = round(min(values) * _scales()[match["scale"]], 6)
        if len(values) == 1 and value == int(value):
            yield match.group(), str(int(value))


@cache
def _scales() -> dict[str, float]:
    plain = {fold(word): value for word, value in vocabulary.MULTIPLIERS.items()}
    return plain | vocabulary.MULTIPLIERS


def read_likely_quantities(text: str, *, folded: bool = False) -> Iterator[Quantity]:
    """Yield the words of a normalised text that are numbers or something else."""
    for word in _TOKEN.findall(text):
        value = _vietnamese(folded).get(word) or vocabulary.ENGLISH_NUMBERS.get(word)
        if value is not None:
            yield Quantity(frozenset({float(value)}), None)


def _quantity(
    match: re.Match[str], text: str, folded: bool, *, is_range_end: bool = False
) -> Quantity:
    values = set(number_values(match["number"]))
    unit = vocabulary.UNITS.get(match["symbol"] or "")
    if match["clock"]:
        hours = int(match["number"]) if match["number"].isdigit() else 0
        values, unit = {hours + int(match["minutes"]) / 60}, "clock"
    if match["sign"]:
        values = {-value for value in values}
    at = match.end()
    # The end of a range begins none itself: `2-3-4` would otherwise recurse by its length.
    if not is_range_end and (span := _RANGE.match(text, at)):
        return _range_start(values, unit, span, text, folded)
    for word, end in _following(text, at):
        if factor := _multipliers(folded).get(word):
            values = {value * factor for value in values}
        elif word in _units(folded):
            # 12 pm is noon, so it stays 12.
            if word in ("pm", "p.m") and max(values) < 12:
                values = {value + 12 for value in values}
            unit = _units(folded)[word]
            break
        elif word not in vocabulary.UNIT_FILLERS:
            break
        at = end
    return Quantity(frozenset(values), unit)


def _range_start(
    values: set[float], unit: str | None, span: re.Match[str], text: str, folded: bool
) -> Quantity:
    """The first number of a range, `20 to 40 million euros`: in euros, perhaps in millions."""
    number = _NUMBER.match(text, span.end())
    if number is None:
        return Quantity(frozenset(values), unit)
    last = _quantity(number, text, folded, is_range_end=True)
    plain = max(number_values(number["number"]))
    factor = max(map(abs, last.values)) / plain if plain and not number["clock"] else 1.0
    # `20 to 40 million` begins at 20 or at 20 million: both readings are kept.
    return Quantity(frozenset({*values, *(v * factor for v in values)}), unit or last.unit)


def number_values(digits: str) -> frozenset[float]:
    """Return the readings of a number: `1.000` is 1000 in Vietnamese and 1 in English."""
    plain = re.sub(r"[ \u00a0\u202f]", "", digits)
    separators = [char for char in plain if char in ".,"]
    bare = plain.replace(",", "").replace(".", "")
    if not separators:
        return frozenset({float(bare)})
    whole, _, fraction = plain.rpartition(separators[-1])
    decimal = float(whole.replace(",", "").replace(".", "") + "." + fraction)
    # Of two kinds the last is the decimal one: `1.234,5` and `1,234.5`.
    if len(set(separators)) == 2:
        return frozenset({decimal})
    groups = re.split(r"[.,]", plain)
    is_grouped = len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])
    # One kind that is repeated can only divide thousands. A version number (`1.2.3`) is read as one
    # number, too.
    if len(separators) > 1:
        return frozenset({float(bare)})
    return frozenset({decimal, float(bare)} if is_grouped else {decimal})


def _following(text: str, at: int) -> Iterator[tuple[str, int]]:
    """The next words and where they end, three at most."""
    # `30 consecutive working days` needs three; after one filler more the unit is not found.
    for _ in range(3):
        match = _NEXT.match(text, at)
        if match is None:
            return
        at = match.end()
        yield match.group(2), at


@cache
def _units(folded: bool) -> dict[str, str]:
    return {_key(word, folded): unit for word, unit in vocabulary.UNITS.items()}


@cache
def _multipliers(folded: bool) -> dict[str, float]:
    return {_key(word, folded): factor for word, factor in vocabulary.MULTIPLIERS.items()}


@cache
def _vietnamese(folded: bool) -> dict[str, int]:
    return {_key(word, folded): digit for word, digit in vocabulary.VIETNAMESE_DIGITS.items()}


def _key(word: str, folded: bool) -> str:
    return fold(word) if folded else word


def _in_words(text: str, folded: bool) -> Iterator[Quantity]:
    tokens = list(_TOKEN.finditer(text))
    words = [token.group() for token in tokens]
    at = 0
    while at < len(words):
        if words[at] in vocabulary.ORDINALS:
            yield Quantity(frozenset({float(vocabulary.ORDINALS[words[at]])}), None)
        value, end = _english(words, at) or _vietnamese_number(words, at, folded) or (0, at)
        if end > at:
            unit = next(
                (_units(folded)[w] for w, _ in _units_after(text, tokens[end - 1].end(), folded)),
                None,
            )
            yield Quantity(frozenset({float(value)}), unit)
        at = max(end, at + 1)


def _units_after(text: str, at: int, folded: bool) -> Iterator[tuple[str, int]]:
    for word, end in _following(text, at):
        if word in _units(folded):
            yield word, end
            return
        if word not in vocabulary.UNIT_FILLERS:
            return


def _english(words: list[str], at: int) -> tuple[float, int] | None:
    total = current = 0.0
    end = at
    for word in words[at:]:
        if word in vocabulary.ENGLISH_NUMBERS:
            current += vocabulary.ENGLISH_NUMBERS[word]
        elif word in ("hundred", "thousand", "million", "billion") and end > at:
            factor = vocabulary.MULTIPLIERS[word]
            current = max(current, 1) * factor
            if factor > 100:
                total, current = total + current, 0.0
        # `two hundred and five`; below a hundred `and` joins two amounts.
        elif not (word == "and" and end > at and current >= 100):
            break
        end += 1
    while end > at and words[end - 1] == "and":
        end -= 1
    if end == at or words[at:end] in (["one"], ["zero"]):
        return None
    return total + current, end


def _vietnamese_number(words: list[str], at: int, folded: bool) -> tuple[float, int] | None:
    """A number in Vietnamese words, such as `hai mươi lăm`, `ba trăm` or `ba ngày`, and its end."""
    digits = _vietnamese(folded)
    ten, tens = _key("mười", folded), _key("mươi", folded)
    end, value, is_sure = at, 0.0, False
    while end < len(words):
        word = words[end]
        follower = words[end + 1] if end + 1 < len(words) else ""
        if word == ten and (not folded or end == at):
            value, is_sure = value + 10, True
        elif word in digits and follower in (tens, _key("trăm", folded)):
            value += digits[word] * (10 if follower == tens else 100)
            end, is_sure = end + 1, True
        elif word in digits and (end > at or follower in _counted(folded)):
            # `hai mươi năm` is twenty years as well as an ill-spelt 25
            if word == _key("năm", folded) and end > at:
                break
            value, is_sure = value + digits[word], True
            end += 1
            break
        elif word in _multipliers(folded) and is_sure and word.isalpha() and len(word) > 1:
            value *= _multipliers(folded)[word]
        else:
            break
        end += 1
    if is_sure and end < len(words) and words[end] in _multipliers(folded):
        value *= _multipliers(folded)[words[end]]
        end += 1
    if not is_sure or (value == 1 and end == at + 1):
        return None
    return value, end


@cache
def _counted(folded: bool) -> frozenset[str]:
    return frozenset(_key(word, folded) for word in vocabulary.COUNTED)
