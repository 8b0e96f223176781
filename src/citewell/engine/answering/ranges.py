"""Ranges in the cells of tables: `10 to 20 kg`, `£25,000 - £49,999`, `từ 60 tuổi trở lên`.

People ask with a number of their own, which no row of such a table holds.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from math import inf
from typing import NamedTuple

from citewell.engine.answering.asking.kinds import Asked
from citewell.engine.answering.candidates import cells_of
from citewell.engine.text.normalisation import fold, normalise, words
from citewell.engine.text.numerals import number_values, read_quantities
from citewell.engine.text.stemming import stem_english
from citewell.engine.text.vocabulary import ENGLISH_NUMBERS

_RANGE = re.compile(
    r"(?<![\d.,])(?P<low>\d[\d.,]*+)\s?(?:to|-|–|den|đến|tới)\s?[$€£¥₫]?(?P<high>\d[\d.,]*)|"  # noqa: RUF001
    r"(?P<below>less than|fewer than|younger than|under|below|up to|at most|no more than|duoi|den|"
    r"toi da|khong qua)\s+[$€£¥₫]?(?P<top>\d[\d.,]*)|"
    r"(?<![\d.,])(?P<from>\d[\d.,]*+)\s?(?:or more|and (?:more|above|over)|\+|tro len)|"
    r"(?P<above>above|over|(?:more|longer|older|greater) than|beyond|exceeding|from|at least|after|"
    r"tren|hon|qua|tu|it nhat|toi thieu|sau)\s+[$€£¥₫]?(?P<least>\d[\d.,]*+)(?![:h]\d)"
)
_WITH_END = (None, "up to", "at most", "no more than", "den", "toi da", "khong qua")
_WITH_BEGIN = (None, "from", "at least", "after", "tu", "it nhat", "toi thieu", "sau")
"""Words whose range has its end or begin in it; whoever has served `after 5 years` has five."""

_COUNTED_WORDS = (
    "one two three four five six seven eight nine ten twelve fifteen twenty thirty forty fifty"
)  # fmt: skip
_COUNTED_SYLLABLES = "một hai ba bốn năm sáu bảy tám chín mười"
_IN_WORDS = {word: ENGLISH_NUMBERS[word] for word in _COUNTED_WORDS.split()} | {
    word: at for at, word in enumerate(_COUNTED_SYLLABLES.split(), 1)
}
_WRITTEN = re.compile(
    rf"\b(?:{'|'.join(_IN_WORDS)})(?=(?: (?:to|or|and|đến|tới|hoặc) \w+)? "
    r"(?:years?|months?|weeks?|days?|hours?|nights?|people|persons?|"
    r"năm|tháng|tuần|ngày|đêm|giờ|tiếng|người)\b)"
)
"""A number in a word before what it counts: `More than five years`, `trên năm năm`."""

_SQUARE = re.compile(r"(?<=\d) ?(?:m[2²]|sq\.? ?m|square met(?:re|er)s?|met vuong)(?!\w)")
"""A unit of two words or with a figure of its own, which would be read as another number."""
_SQUARE_WORDS = frozenset(("square", "sq", "m2", "metres", "meters", "met", "vuong"))
_UNIT = re.compile(r"\d[ -](?P<unit>[^\W\d_]{2,})")
_HANGS = re.compile(r"[^\W\d_]-\d|\d-(?![^\W\d_]{2})")
"""A number that a hyphen ties to what is no unit is a part of a name: `form B-7`."""

_SIGNS = "$€£¥₫"
_COMPARED = re.compile(
    r"\b(?:above|over|than|under|below|least|most|up to|from|exceed(?:s|ing)?|tren|duoi|hon|nhat|"
    rf"tu|qua) [{_SIGNS}]?\d"
)
"""`orders over £700` ask for a bound: the range that ends with it is the wrong one."""

_FIRST_YEAR, _LAST_YEAR = 1900, 2100
"""A bare number between is taken for a year, which is no amount."""

_LABELS = 2
"""Cells at the begin of a row that may name it; those behind tell of what it names."""

_MARK = re.compile(r"\W{0,2}\w{1,2}\W{0,2}")
"""A first cell that numbers its row and names nothing: `A`, `2.`; three letters are an acronym."""


class _Span(NamedTuple):
    """A range of numbers, infinite where it has no end."""

    low: float
    high: float
    has_ends: bool
    """Whether its ends belong to it: not those of `under 3` and `above 3`."""

    def holds(self, number: float) -> bool:
        if self.has_ends:
            return self.low <= number <= self.high
        return self.low < number < self.high


class _Held(NamedTuple):
    """A cell whose range holds the number of a question."""

    place: int
    column: int
    span: _Span

    def is_within(self, other: "_Held") -> bool:
        mine, theirs = self.span, other.span
        is_same = (self.column, mine) == (other.column, theirs)
        is_open = other.column == self.column and inf in (theirs.high, -theirs.low)
        return is_same or (is_open and theirs.low <= mine.low and mine.high <= theirs.high)


def number_asked(asked: Asked) -> tuple[float, frozenset[str], frozenset[str]] | None:
    """Get the one number of a question that a range may hold.

    Returns:
        The number, folded words for its unit (none: it has none) and the words that say it; None
        where the question has no number, or more than one.
    """
    text = _SQUARE.sub(" sqm", asked.text)
    found = list(read_quantities(text, folded=True))
    if len(found) != 1 or _COMPARED.search(text) or _HANGS.search(text):
        return None
    value, unit = max(found[0].values), found[0].unit
    if unit is None and _FIRST_YEAR <= value <= _LAST_YEAR:
        return None
    said = text.split()
    units = {match["unit"] for match in _UNIT.finditer(text)}
    if unit is not None:
        units |= {one for one in said if one.isalpha() and _unit_of(one) == unit}
    units |= {sign for sign in _SIGNS if sign in text}
    saying = {one.lstrip(_SIGNS) for one in said if any(map(str.isdigit, one))}
    saying |= {one for one in said if one.isalpha() and _is_number(one, value)}
    if text != asked.text:
        saying |= _SQUARE_WORDS & asked.words
    return value, frozenset(units), frozenset(saying)


def _unit_of(word: str) -> str | None:
    return next((one.unit for one in read_quantities(f"2 {word}", folded=True)), None)


def _is_number(word: str, value: float) -> bool:
    return any(value in one.values for one in read_quantities(f"{word} days", folded=True))


def rows_of(
    number: float,
    units: frozenset[str],
    header: str,
    rows: Mapping[int, list[str]],
    named: Collection[int] = (),
) -> frozenset[int]:
    """Get the rows of a table that are named by the range that holds a number.

    Of ranges without an end (`from 10`, `from 50`) the tightest one counts. Where several others
    hold the number, none does: nothing tells which is meant.

    Args:
        number: Of the question.
        units: Words for its unit; one of them must stand in the range or its column.
        header: Of the table.
        rows: The cells of each row, by its place.
        named: Places of the rows whose first cell has words of the question. Where these tell rows
            apart, a range in the second cell only describes its row.

    Returns:
        Places.
    """
    heads = cells_of(header)
    is_told_apart = 0 < len(named) < len(rows)
    found = list[_Held]()
    for column in range(_LABELS):
        cells = {place: row[column] for place, row in rows.items() if column < len(row)}
        head = heads[column] if column < len(heads) else ""
        is_bare_known = _has_unit(units, "\n".join((head, *cells.values())))
        for place, cell in cells.items():
            if column and is_told_apart and not _MARK.fullmatch(rows[place][0]):
                continue
            span = _span(cell)
            if span is None or not span.holds(number):
                continue
            if _has_unit(units, f"{head} {cell}") or (_is_bare(cell) and is_bare_known):
                found.append(_Held(place, column, span))
    tightest = [one for one in found if all(one.is_within(other) for other in found)]
    return frozenset(one.place for one in tightest)


def column_of(number: float, units: frozenset[str], cells: Sequence[str]) -> int | None:
    """Get the cell behind the first one whose range holds a number: `up to 70 m²` does 60.

    Of a table whose columns are the things to choose from. The number needs a unit, and all cells
    must be ranges in it; of several that hold the number the tightest one counts.

    Returns:
        Its place; None where no cell holds the number, or none is tighter than all others.
    """
    spans = [(place, span) for place, cell in enumerate(cells) if place and (span := _span(cell))]
    if not units or len(spans) < _LABELS or len(spans) < len(cells) - 1:
        return None
    if not all(_has_unit(units, cells[place]) for place, _ in spans):
        return None
    held = [_Held(place, 0, span) for place, span in spans if span.holds(number)]
    tightest = [one for one in held if all(one.is_within(other) for other in held)]
    return tightest[0].place if len(tightest) == 1 else None


def _has_unit(units: frozenset[str], text: str) -> bool:
    near = _plain(text)
    stems = {stem_english(word) for word in words(near)}
    return not units or any(
        one in near if one in _SIGNS else stem_english(one) in stems for one in units
    )


def _is_bare(cell: str) -> bool:
    """Whether a range has no unit, which another cell of its column may have: `from 50`."""
    left = _RANGE.sub("", _plain(cell))
    return not any(one.isalpha() or one in _SIGNS for one in left)


def is_range_row(cells: list[str]) -> bool:
    """Whether a row is named by a range."""
    return any(_RANGE.search(_plain(cell)) for cell in cells[:_LABELS])


def holds_number(cell: str, number: float) -> bool:
    """Whether a cell is a range that a number falls into: `10 to 20 kg`, `less than 3`."""
    span = _span(cell)
    return span is not None and span.holds(number)


def _plain(text: str) -> str:
    """A text folded, with its numbers in digits and units in one word."""
    written = _WRITTEN.sub(lambda match: str(_IN_WORDS[match.group()]), normalise(text))
    return _SQUARE.sub(" sqm", fold(written))


def _span(cell: str) -> _Span | None:
    """The range in a cell; None: there is none."""
    match = _RANGE.search(_plain(cell))
    if match is None:
        return None
    value = {
        name: max(number_values(told.strip(".,")))
        for name in ("low", "high", "top", "from", "least")
        if (told := match[name])
    }
    is_whole = match["below"] in _WITH_END and match["above"] in _WITH_BEGIN
    low = value.get("low", value.get("from", value.get("least", -inf)))
    return _Span(low, value.get("high", value.get("top", inf)), has_ends=is_whole)
