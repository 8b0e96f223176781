"""Units of a table's figures that stand above it: `Đơn vị tính: đồng`, `All prices in GBP`."""

import re
from collections.abc import Sequence

from citewell.engine.text.normalisation import fold, normalise

_CURRENCY = (
    r"(?:nghìn |ngàn |triệu |tỷ |tỉ )?(?:đồng|vnđ|vnd)\b|"
    r"(?:(?:thousands?|millions?) (?:of )?|nghìn |ngàn |triệu )?"
    r"(?:gbp|usd|eur|euros?|pounds(?: sterling)?|pounds?|(?:us )?dollars?|đô la(?: mỹ)?)\b"
)
_STATED = re.compile(
    r"(?:\b(?:đơn vị(?: tính)?|đvt|đv|units?|currency|tiền tệ)\b(?: is| are| là)?\s?[:=]?\s?|"
    r"\b(?:amounts?|prices?|figures?|sums?|rates?|fees?|costs?|values?) (?:are |is )?"
    r"(?:given |stated |shown |quoted |expressed )?in )"
    rf"(?P<unit>{_CURRENCY})",
    re.IGNORECASE,
)
"""A line that says of which currency the figures below it are."""

_MONEY = re.compile(
    r"\b(?:tien|gia|don gia|chi phi|phi|le phi|luong|thuong|muc tien|so tien|thanh tien|han muc|"
    r"price|cost|fee|amount|charge|rate|pay|salary|budget|total)\b"
)
_GROUPED = re.compile(r"\d{1,3}(?:[.,\u00a0\u202f ]\d{3})+")
_PLAIN = re.compile(r"-?\d[\d.,\u00a0\u202f ]*")


def stated_unit(text: str) -> str | None:
    """Get the currency that a line says the figures below it are in, as it is written there."""
    match = _STATED.search(normalise(text))
    if match is None:
        return None
    written = re.search(re.escape(match["unit"]), text, re.IGNORECASE)
    return written.group() if written else match["unit"]


def amount(header: str, cell: str, above: Sequence[str]) -> str:
    """A cell with the currency that a line above its table states.

    Args:
        header: Name of its column.
        cell: As written; its figures stay so.
        above: Lines above the table, nearest first.

    Returns:
        The cell as it is where it is no bare amount: figures without groups of three are one only
        in a column for money.
    """
    if _PLAIN.fullmatch(cell.strip()) is None:
        return cell
    is_money = _MONEY.search(fold(normalise(header))) is not None
    if not is_money and _GROUPED.fullmatch(cell.strip()) is None:
        return cell
    unit = next((unit for line in above if (unit := stated_unit(line))), None)
    return f"{cell} {unit}" if unit else cell
