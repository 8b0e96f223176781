"""Units by what they measure: `how heavy` is answered in kilograms, not in euros.

Closed lists in two languages, on text without accents. They miss rare units, which then count as
any other number, and take a unit's letter for the unit (`5 m` may be five million).
"""

import re
from dataclasses import dataclass

_NUMBER = r"(?<![\w.,])[-−]?\d[\d.,]*(?:st|nd|rd|th)?"  # noqa: RUF001 - a true minus is meant


@dataclass(frozen=True, slots=True)
class Dimension:
    """Quantity that a question asks for, and the units that measure it."""

    asked: re.Pattern[str]
    unit: re.Pattern[str]


def _dimension(asked: str, units: str) -> Dimension:
    return Dimension(
        re.compile(rf"\b(?:{asked})\b"),
        re.compile(rf"{_NUMBER}[\s-]?(?:{units})(?![\w])"),
    )


LENGTH = _dimension(
    r"how (?:tall|high|deep|wide|far|thick)|height|depth|width|distance|diameter|"
    r"(?:cao|sau|rong|xa|day) bao nhieu|bao xa|chieu (?:cao|sau|rong|dai)|khoang cach|"
    r"duong kinh|do (?:cao|sau|day)",
    r"[mckd]?m|metres?|meters?|kilomet(?:re|er)s?|feet|foot|ft|inch(?:es)?|miles?|yards?|met|"
    r"cay so|hai ly",
)

_DIMENSIONS = (
    LENGTH,
    _dimension(
        r"weighs?|weighed|weight|how heavy|mass|nang bao nhieu|nang may|can nang|trong luong|"
        r"khoi luong",
        r"kg|g|mg|t|tonnes?|tons?|lbs?|pounds?|ounces?|oz|grams?|kilograms?|kilos?|ta|yen|tan|gam|"
        r"ky|can",
    ),
    _dimension(
        r"how (?:hot|cold|warm)|temperature|nhiet do",
        r"°\s?[cf]?|º\s?[cf]?|degrees?(?: \w+)?|do(?: c)?|c",
    ),
    _dimension(
        r"how fast|speeds?|toc do|van toc",
        r"km/h|kph|mph|m/s|knots?|(?:km|kilomet(?:re|er)s?|miles?|m|met)(?:/| (?:per|an|moi|mot) )"
        r"\w+",
    ),
    _dimension(
        r"capacity|volume|dung tich|the tich",
        r"m?l|lit(?:re|er)?s?|m3|m³|cubic \w+|gallons?|pints?|lit|khoi",
    ),
    _dimension(
        r"area|dien tich",
        r"[ck]?m2|[ck]?m²|square \w+|sq\.? ?\w+|ha|hectares?|acres?|met vuong|hec-?ta|sao|mau",
    ),
    _dimension(r"how old|bao nhieu tuoi|may tuoi", r"years?(?: old)?|tuoi|months?(?: old)?"),
)

_OFTEN = re.compile(r"\bhow often\b|\bbao lau (?:mot|1) lan\b")
_FREQUENCY = re.compile(
    r"\b(?:every|each|once|twice|daily|weekly|fortnightly|monthly|quarterly|yearly|annual(?:ly)?|"
    r"hourly|nightly|times|always|never|per (?:day|week|month|year|quarter|hour)|"
    r"an? (?:day|week|month|year|quarter|hour)|moi|hang|lan|dinh ky)\b"
)


def asks_often(asked: str) -> bool:
    """Whether a folded question asks how often something is done."""
    return _OFTEN.search(asked) is not None


def tells_often(plain: str) -> bool:
    """Whether a folded text says how often something is done."""
    return _FREQUENCY.search(plain) is not None


def dimension_of(asked: str) -> Dimension | None:
    """Get what a folded question asks to be measured; None where it does not say."""
    return next((one for one in _DIMENSIONS if one.asked.search(asked)), None)
