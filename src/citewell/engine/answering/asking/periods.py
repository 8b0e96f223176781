"""Periods that a price is for: a monthly rate is told by no column of days and weeks."""

import re

from citewell.engine.text.normalisation import normalise

_ENGLISH = {
    "hour": r"hours?|hourly",
    "day": r"days?|daily",
    "night": r"nights?|nightly",
    "weekend": r"weekends?",
    "week": r"weeks?|weekly",
    "month": r"months?|monthly",
    "quarter": r"quarters?|quarterly",
    "term": r"terms?|termly|semesters?",
    "year": r"years?|yearly|annual|annually|annum",
}
_VIETNAMESE = {
    "hour": "giờ|tiếng",
    "day": "ngày",
    "night": "đêm",
    "weekend": "cuối tuần",
    "week": "(?<!cuối )tuần",
    "month": "tháng",
    "quarter": "quý",
    "term": "học kỳ|kỳ học",
    "year": "năm",
}
_PRICE = (
    r"rates?|prices?|fees?|costs?|charges?|hire|rent|rental|subscription|pass|ticket|membership"
)
_BEFORE = r"per|by the|for (?:a|an|one|1|the)|each|every|a|an"
_NAMED = {
    name: re.compile(rf"\b(?:{one}|{two})\b")
    for (name, one), two in zip(_ENGLISH.items(), _VIETNAMESE.values(), strict=True)
}
_ASKED = {
    name: re.compile(
        rf"\b(?:{one}) (?:{_PRICE})\b|\b(?:{_BEFORE}) (?:{one})$|"
        rf"\b(?:giá|phí|tiền|thuê|thẻ|vé|gói|theo|mỗi|một|1|hằng|hàng) (?:{two})\b"
    )
    for (name, one), two in zip(_ENGLISH.items(), _VIETNAMESE.values(), strict=True)
}
"""A period before a word for a price, or at the end of a question: elsewhere (`2 days late`) it may
be of something else."""

_LEAST = 2
"""Columns for different periods that make a table one of prices by period."""


def lacks_period(question: str, header: list[str], row: str) -> bool:
    """Whether a price for one period is asked for, and a table has its prices for others.

    Args:
        question: As asked.
        header: Names of the columns.
        row: The row that is told; its cells may name the period themselves.
    """
    plain = " ".join(normalise(question).rstrip(" ?!.").split())
    asked = {name for name, pattern in _ASKED.items() if pattern.search(plain)}
    if len(asked) != 1:
        return False
    columns = [
        {name for name, pattern in _NAMED.items() if pattern.search(normalise(column))}
        for column in header
    ]
    told = set[str]().union(*columns)
    if len(told) < _LEAST or asked & told:
        return False
    return _NAMED[asked.pop()].search(normalise(row)) is None
