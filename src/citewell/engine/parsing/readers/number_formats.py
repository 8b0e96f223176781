"""Numbers of spreadsheets as the sheet shows them.

Source: ECMA-376 part 1, 18.8.30 (number formats). Colours say nothing.
"""

import re
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from citewell.engine.text.vocabulary import MONTH_NAMES

BUILT_IN = {
    0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%",
    11: "0.00E+00",
    # 14 and 22 follow the settings of the computer; ISO 8601 is read the same everywhere.
    # 5 to 8 and 41 to 44 show the currency of the computer, which the file does not name.
    5: "#,##0;(#,##0)", 6: "#,##0;(#,##0)", 7: "#,##0.00;(#,##0.00)", 8: "#,##0.00;(#,##0.00)",
    41: '#,##0;(#,##0);"-"', 42: '#,##0;(#,##0);"-"',
    43: '#,##0.00;(#,##0.00);"-"', 44: '#,##0.00;(#,##0.00);"-"',
    14: "yyyy-mm-dd", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "yyyy-mm-dd h:mm", 37: "#,##0;(#,##0)",
    38: "#,##0;(#,##0)", 39: "#,##0.00;(#,##0.00)", 40: "#,##0.00;(#,##0.00)", 45: "mm:ss",
    46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@",
}  # fmt: skip

# Literal text, an escaped character, space of a character's width, fill, brackets, parts of dates,
# and placeholders of digits.
_PIECE = re.compile(
    r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]|AM/PM|A/P|General|[Ee][+-]|y+|m+|d+|h+|s+(?:\.0+)?|[#0?]+|.',
    re.IGNORECASE | re.DOTALL,
)
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
_CURRENCY = re.compile(r"\[\$([^\]-]*)(?:-[0-9A-Fa-f]*)?\]")
_CONDITION = re.compile(r"\[(<=|>=|<>|<|>|=)(-?\d{1,20}(?:\.\d{1,10})?)\]")
_PLACES = re.compile(r"[#0?][#0?,]*(?:\.[#0?]*,*)?|\.[#0?]+,*")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LONGEST = 255
"""Characters of a format, as Excel limits them."""

_LARGEST_DATE = 2_958_466
"""The first serial number behind 9999-12-31."""


class _Section(NamedTuple):
    """One section of a format, taken apart once."""

    pieces: tuple[str, ...]
    is_general: bool
    is_date: bool
    places: str
    """Its placeholders of digits; empty without any."""
    bare: str
    """The section without literal text."""
    condition: tuple[str, Decimal] | None
    """How a number compares that is shown by it, if the section says so."""


def shown_number(value: str, code: str, *, is_1904: bool = False) -> str:
    """A stored number as its format shows it; unchanged if the format is beyond this module."""
    if code == "General" and value.removeprefix("-").isdecimal() and len(value) < 16:
        return value
    try:
        number = Decimal(value)
        return _shown(number, code[:_LONGEST], is_1904=is_1904) if number.is_finite() else value
    except ArithmeticError:
        # No number, or one of more digits than a sheet can show.
        return value


def _shown(number: Decimal, code: str, *, is_1904: bool) -> str:
    sections = _sections(code)
    section = sections[0]
    if section.condition:
        section = _chosen(number, sections)
        # A section for negative numbers alone writes their sign itself.
        if number < 0 and section.condition and "<" in section.condition[0]:
            number = -number if section.condition[1] <= 0 else number
    elif number < 0 and len(sections) > 1:
        section, number = sections[1], -number
    elif number == 0 and len(sections) > 2:
        section = sections[2]
    if len(sections) > 1 and not section.pieces:
        return ""
    if section.is_general:
        shown = (
            general(number) if piece == "General" else _literal(piece)
            for piece in section.pieces
            if piece != "@"
        )
        return "".join(shown) or general(number)
    if section.is_date:
        return _date(number, section.pieces, is_1904=is_1904) or general(number)
    return _number(number, section)


def _chosen(number: Decimal, sections: tuple[_Section, ...]) -> _Section:
    """The section whose condition the number meets, the last one if it meets none."""
    for section in sections[:-1]:
        if section.condition is None:
            return section
        sign, other = section.condition
        if (
            ("<" in sign and number < other)
            or (">" in sign and number > other)
            or ("=" in sign and number == other)
        ):
            return section
    return sections[-1]


def general(number: Decimal) -> str:
    """A number without a format: whole ones whole, others with 11 digits as Excel shows them."""
    if number == number.to_integral_value() and abs(number) < Decimal(10) ** 15:
        return str(int(number))
    text = f"{float(number):.11g}"
    return text if "e" not in text or abs(number) < Decimal("1e-9") else f"{number:f}"


@lru_cache(maxsize=512)
def _sections(code: str) -> tuple[_Section, ...]:
    parts = [""]
    for piece in _PIECE.findall(code):
        if piece == ";":
            parts.append("")
        else:
            parts[-1] += piece
    return tuple(map(_section, parts))


def _section(text: str) -> _Section:
    pieces = tuple(_PIECE.findall(_CURRENCY.sub(_currency, text)))
    kinds = {piece[0].lower() for piece in pieces if piece[0] not in '"\\_*['}
    is_general = "General" in pieces or not text or text == "@"
    is_date = bool(kinds & set("ydhms")) or bool(_ELAPSED.search(text))
    bare = "".join(piece for piece in pieces if piece[0] not in '"\\_*[')
    found = _PLACES.search(bare)
    asked = _CONDITION.search(text)
    condition = (asked[1], Decimal(asked[2])) if asked else None
    return _Section(pieces, is_general, is_date, found[0] if found else "", bare, condition)


def is_dated(code: str) -> bool:
    """Whether a format shows a date or a time."""
    return any(section.is_date for section in _sections(code[:_LONGEST]))


def _currency(found: re.Match[str]) -> str:
    return f'"{found[1]}"'


def _literal(piece: str) -> str:
    match piece[0]:
        case '"':
            return piece[1:-1]
        case "\\":
            return piece[1:]
        case "_":
            return " "
        case "*" | "[":
            return ""
        case _:
            return piece


def _number(number: Decimal, section: _Section) -> str:
    pieces, bare, places = section.pieces, section.bare, section.places
    if not places:
        # Nothing but literal text, as for zero: "-".
        return "".join(map(_literal, pieces)).strip()
    if found := _FRACTION.search(bare):
        if not found[3].strip("0"):
            # Noughts are no denominator, and programs differ in what they show.
            return general(number)
        return _fraction(number, pieces, found)
    if "/" in bare:
        return general(number)
    if "E+" in bare.upper() or "E-" in bare.upper():
        return f"{float(number):.{_decimals(places)}E}"
    number *= Decimal(100) ** bare.count("%")
    while places.endswith(","):
        places, number = places[:-1], number / 1000
    groups = [piece for piece in pieces if piece[0] in "#0?"]
    if len(groups) > 1 and not set(bare) & set(".,%"):
        return _grouped(number, pieces, groups)
    decimals = _decimals(places)
    rounded = abs(number).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    whole, _, fraction = f"{rounded:f}".partition(".")
    least = places.partition(".")[2].count("0")
    while len(fraction) > least and fraction.endswith("0"):
        fraction = fraction[:-1]
    head = places.partition(".")[0]
    whole = whole.zfill(head.count("0"))
    if "," in head:
        whole = f"{int(whole):,}"
    if not head.count("0") and whole == "0" and fraction:
        whole = ""
    text = whole + (f".{fraction}" if fraction else "")
    if places.endswith("."):
        text += "."
    sign = "-" if number < 0 and rounded else ""
    return sign + _placed(pieces, text)


def _grouped(number: Decimal, pieces: tuple[str, ...], groups: list[str]) -> str:
    """A number whose digits stand in several places, as in telephone numbers: "000-00-0000"."""
    rounded = abs(number).quantize(Decimal(1), ROUND_HALF_UP)
    digits = str(int(rounded)).zfill(sum(group.count("0") for group in groups))
    parts: list[str] = []
    for group in reversed(groups[1:]):
        parts.append(digits[-len(group) :])
        digits = digits[: -len(group)]
    parts.append(digits)
    shown = (parts.pop() if piece[0] in "#0?" else _literal(piece) for piece in pieces)
    return ("-" if number < 0 and rounded else "") + re.sub(r"\s+", " ", "".join(shown)).strip()


def _fraction(number: Decimal, pieces: tuple[str, ...], found: re.Match[str]) -> str:
    """A number as a fraction, whole units before it if the format has a place for them."""
    whole, top, bottom = found.groups()
    value = abs(Fraction(number))
    units = int(value) if whole else 0
    part = value - units
    if bottom.isdecimal():
        parts = int(bottom)
        count = round(part * parts)
    else:
        nearest = part.limit_denominator(10 ** min(len(bottom), _MOST_DIGITS) - 1)
        count, parts = nearest.numerator, nearest.denominator
    if whole and count == parts:
        units, count = units + 1, 0
    shown = [str(units)] if whole and (units or not count) else []
    if count or not whole:
        shown.append(f"{str(count).zfill(top.count('0'))}/{parts}")
    places = [at for at, piece in enumerate(pieces) if piece[0] in "#0?/123456789"]
    before, behind = pieces[: places[0]], pieces[places[-1] + 1 :]
    text = "".join([*map(_literal, before), " ".join(shown), *map(_literal, behind)])
    return ("-" if number < 0 and (units or count) else "") + re.sub(r"\s+", " ", text).strip()


_FRACTION = re.compile(r"(?:([#0?]+)\s+)?([#0?]+)\s*/\s*([#0?]+|[1-9]\d{0,3})")
_MOST_DIGITS = 5
"""Digits of a denominator; Excel offers three."""


def shows_nothing(code: str, *, is_text: bool) -> bool:
    """Whether a format hides whatever a cell holds: ";;;"."""
    sections = code.split(";")
    return len(sections) >= (4 if is_text else 3) and not code.strip("; ")


def _decimals(places: str) -> int:
    return len(places.partition(".")[2].replace(",", ""))


def _placed(pieces: tuple[str, ...], text: str) -> str:
    """The literals of a format around its number."""
    parts: list[str] = []
    is_placed = False
    for piece in pieces:
        if piece[0] in "#0?.,":
            if not is_placed:
                parts.append(text)
            is_placed = True
        else:
            parts.append(_literal(piece))
    return re.sub(r"\s+", " ", "".join(parts)).strip()


def _date(number: Decimal, pieces: tuple[str, ...], *, is_1904: bool) -> str:
    if not 0 <= number < _LARGEST_DATE:
        return ""
    seconds = (number * 86_400).quantize(Decimal("0.001"), ROUND_HALF_UP)
    # Day 60 is 29 February 1900, which was none; Excel counts it all the same.
    first = datetime(1904, 1, 1) if is_1904 else datetime(1899, 12, 30)  # noqa: DTZ001 - no zone
    if not is_1904 and number < 60:
        first += timedelta(days=1)
    shows_fraction = any("." in piece for piece in pieces if piece[0] in "sS")
    if not shows_fraction:
        seconds = seconds.quantize(Decimal(1), ROUND_HALF_UP)
    moment = first + timedelta(seconds=float(seconds))
    is_twelve = any(piece.upper() in ("AM/PM", "A/P") for piece in pieces)
    parts: list[str] = []
    last = ""
    for at, piece in enumerate(pieces):
        kind = piece[0].lower()
        if found := _ELAPSED.fullmatch(piece):
            unit = found[1][0].lower()
            amount = int(seconds) // {"h": 3600, "m": 60, "s": 1}[unit]
            parts.append(str(amount).zfill(len(found[1])))
            last = unit
        elif kind == "m" and (last == "h" or _next_part(pieces, at) == "s"):
            parts.append(f"{moment.minute:0{min(len(piece), 2)}}")
            last = "minute"
        elif kind in "ymdhs" or piece.upper() in ("AM/PM", "A/P"):
            parts.append(_part(piece, moment, is_twelve=is_twelve))
            last = kind
        else:
            parts.append(_literal(piece))
    return re.sub(r"\s+", " ", "".join(parts)).strip()


def _next_part(pieces: tuple[str, ...], at: int) -> str:
    return next((t[0].lower() for t in pieces[at + 1 :] if t[0].lower() in "ymdhs"), "")


def _part(piece: str, moment: datetime, *, is_twelve: bool) -> str:
    size = len(piece)
    match piece[0].lower():
        case "y":
            return str(moment.year) if size > 2 else f"{moment.year % 100:02}"
        case "m" if size > 2:
            name = MONTH_NAMES[moment.month - 1].capitalize()
            return name if size == 4 else name[: 1 if size == 5 else 3]
        case "m":
            return f"{moment.month:0{size}}"
        case "d" if size > 2:
            return _DAYS[moment.weekday()][: 3 if size == 3 else None]
        case "d":
            return f"{moment.day:0{size}}"
        case "h":
            hour = (moment.hour % 12 or 12) if is_twelve else moment.hour
            return f"{hour:0{min(size, 2)}}"
        case "s":
            whole, _, fraction = piece.partition(".")
            text = f"{moment.second:0{min(len(whole), 2)}}"
            return f"{text}.{moment.microsecond:06}"[: len(text) + 1 + len(fraction)] \
                if fraction else text  # fmt: skip
        case _:
            return "AM" if moment.hour < 12 else "PM"
