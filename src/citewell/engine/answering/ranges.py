"""Ranges in the cells of tables: `10 to 20 kg`, `£25,000 - £49,999`, `từ 60 tuổi trở lên`.

People ask with a number of their own, which no row of such a table holds.
"""

import re

from citewell.engine.answering.asking.kinds import Asked
from citewell.engine.text.normalisation import fold, normalise, words
from citewell.engine.text.numerals import number_values, read_quantities
from citewell.engine.text.stemming import stem_english

_RANGE = re.compile(
    r"(?<![\d.,])(?P<low>\d[\d.,]*+)\s?(?:to|-|–|den|đến|tới)\s?[$€£¥₫]?(?P<high>\d[\d.,]*)|"  # noqa: RUF001
    r"(?P<below>less than|under|below|up to|duoi|den)\s+[$€£¥₫]?(?P<top>\d[\d.,]*)|"
    r"(?<![\d.,])(?P<from>\d[\d.,]*+)\s?(?:or more|and (?:more|above|over)|\+|tro len)|"
    r"(?P<above>above|over|more than|from|tren|tu)\s+[$€£¥₫]?(?P<least>\d[\d.,]*)"
)
_UNIT = re.compile(r"\d (?P<unit>[^\W\d_]{2,})")
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


def number_asked(asked: Asked) -> tuple[float, frozenset[str], frozenset[str]] | None:
    """Get the one number of a question that a range may hold.

    Returns:
        The number, folded words for its unit (none: it has none) and the words that say it; None
        where the question has no number, or more than one.
    """
    found = list(read_quantities(asked.text, folded=True))
    if len(found) != 1 or _COMPARED.search(asked.text):
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


def is_row_of(number: float, units: frozenset[str], header: str, cells: list[str]) -> bool:
    """Whether a row is named by a range that holds a number, in the unit that it is asked in.

    Args:
        number: Of the question.
        units: Words for its unit; one of them must stand in the range or the header.
        header: Of the table.
        cells: Of the row.
    """
    labels = [cell for cell in cells[:_LABELS] if holds_number(cell, number)]
    if not labels or not units:
        return bool(labels)
    near = fold(normalise(" ".join((header, *labels))))
    stems = {stem_english(word) for word in words(near)}
    return any(one in near if one in _SIGNS else stem_english(one) in stems for one in units)


def is_range_row(cells: list[str]) -> bool:
    """Whether a row is named by a range."""
    return any(_RANGE.search(fold(normalise(cell))) for cell in cells[:_LABELS])


def holds_number(cell: str, number: float) -> bool:
    """Whether a cell is a range that a number falls into: `10 to 20 kg`, `less than 3`."""
    match = _RANGE.search(fold(normalise(cell)))
    if match is None:
        return False
    parts = match.groupdict()

    def value(name: str) -> float:
        return max(number_values(str(parts[name]).strip(".,")))

    if parts["low"]:
        return value("low") <= number <= value("high")
    if parts["below"]:
        is_up_to = parts["below"] in ("up to", "den")
        return number <= value("top") if is_up_to else number < value("top")
    if parts["from"]:
        return number >= value("from")
    is_from = parts["above"] in ("from", "tu")
    return number >= value("least") if is_from else number > value("least")
