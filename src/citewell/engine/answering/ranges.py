"""Ranges in the cells of tables: `10 to 20 kg`, `£25,000 - £49,999`, `từ 60 tuổi trở lên`.

People ask with a number of their own, which no row of such a table holds.
"""

import re
from collections.abc import Collection, Mapping
from math import inf
from typing import NamedTuple

from citewell.engine.answering.asking.kinds import Asked
from citewell.engine.answering.candidates import cells_of
from citewell.engine.text.normalisation import fold, normalise, words
from citewell.engine.text.numerals import number_values, read_quantities
from citewell.engine.text.stemming import stem_english

_RANGE = re.compile(
    r"(?<![\d.,])(?P<low>\d[\d.,]*+)\s?(?:to|-|–|den|đến|tới)\s?[$€£¥₫]?(?P<high>\d[\d.,]*)|"  # noqa: RUF001
    r"(?P<below>less than|under|below|up to|duoi|den)\s+[$€£¥₫]?(?P<top>\d[\d.,]*)|"
    r"(?<![\d.,])(?P<from>\d[\d.,]*+)\s?(?:or more|and (?:more|above|over)|\+|tro len)|"
    r"(?P<above>above|over|more than|from|tren|tu)\s+[$€£¥₫]?(?P<least>\d[\d.,]*)"
)
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
    found = list(read_quantities(asked.text, folded=True))
    if len(found) != 1 or _COMPARED.search(asked.text) or _HANGS.search(asked.text):
        return None
    value, unit = max(found[0].values), found[0].unit
    if unit is None and _FIRST_YEAR <= value <= _LAST_YEAR:
        return None
    said = asked.text.split()
    units = {match["unit"] for match in _UNIT.finditer(asked.text)}
    if unit is not None:
        units |= {one for one in said if one.isalpha() and _unit_of(one) == unit}
    units |= {sign for sign in _SIGNS if sign in asked.text}
    saying = {one.lstrip(_SIGNS) for one in said if any(map(str.isdigit, one))}
    saying |= {one for one in said if one.isalpha() and _is_number(one, value)}
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


def _has_unit(units: frozenset[str], text: str) -> bool:
    near = fold(normalise(text))
    stems = {stem_english(word) for word in words(near)}
    return not units or any(
        one in near if one in _SIGNS else stem_english(one) in stems for one in units
    )


def _is_bare(cell: str) -> bool:
    """Whether a range has no unit, which another cell of its column may have: `from 50`."""
    left = _RANGE.sub("", fold(normalise(cell)))
    return not any(one.isalpha() or one in _SIGNS for one in left)


def is_range_row(cells: list[str]) -> bool:
    """Whether a row is named by a range."""
    return any(_RANGE.search(fold(normalise(cell))) for cell in cells[:_LABELS])


def holds_number(cell: str, number: float) -> bool:
    """Whether a cell is a range that a number falls into: `10 to 20 kg`, `less than 3`."""
    span = _span(cell)
    return span is not None and span.holds(number)


def _span(cell: str) -> _Span | None:
    """The range in a cell; None: there is none."""
    match = _RANGE.search(fold(normalise(cell)))
    if match is None:
        return None
    value = {
        name: max(number_values(told.strip(".,")))
        for name in ("low", "high", "top", "from", "least")
        if (told := match[name])
    }
    is_whole = match["below"] in (None, "up to", "den") and match["above"] in (None, "from", "tu")
    low = value.get("low", value.get("from", value.get("least", -inf)))
    return _Span(low, value.get("high", value.get("top", inf)), has_ends=is_whole)
