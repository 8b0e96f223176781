"""Units of a table's figures that stand above it: `Đơn vị tính: đồng`, `All prices in GBP`."""

import re
from collections.abc import Sequence

from citewell.engine.answering.candidates import Candidate
from citewell.engine.answering.reading.grid import TableRows
from citewell.engine.answering.scoring import ReadPassage
from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.sentences import is_table_row
from citewell.engine.text.vietnamese import has_diacritics

_SCALE = (
    r"(?:hundreds?|thousands?|millions?|billions?|bn|mn|trăm|nghìn|ngàn|triệu|tỷ|tỉ|"
    r"tram|nghin|ngan|trieu|ty)"
)
_CURRENCY = (
    r"(?:đồng|dong|vnđ|vnd|gbp|usd|eur|euros?|pounds(?: sterling)?|(?:us )?dollars?|"
    r"đô la(?: mỹ)?)"
)
_TAX = (
    r"[,;]? ?\(?(?:excluding|including|excl\.?|incl\.?|before|after|net of|"
    r"(?:chưa|đã) (?:bao )?gồm) (?:vat|tax(?:es)?|thuế(?: gtgt| vat)?|vat)\)?"
)
_STATED = re.compile(
    r"(?:^|[(:;,.–-]) ?(?:(?:all|the|note|lưu ý|ghi chú):? ){0,2}"  # noqa: RUF001
    r"(?:(?:đơn vị(?: tính)?|don vi(?: tinh)?|đvt|đv|units?|currency|tiền tệ)"
    r"(?: is| are| là)? ?[:=]? ?|"
    r"(?:amounts?|prices?|figures?|sums?|rates?|fees?|costs?|values?) (?:are |is )?"
    r"(?:given |stated |shown |quoted |expressed )?in )"
    rf"(?P<unit>(?:{_SCALE} (?:of )?){{0,2}}{_CURRENCY}(?: {_SCALE}){{0,2}})"
    rf"(?:{_TAX})? ?[).:;]* ?$",
)
"""A line that ends with the currency that the figures below it are in; with a word more it may say
something else: `Fees in dollars are paid at the bank`, `All prices in GBP unless stated`."""

_PERIOD = re.compile(r"\b(?:19|20)\d\d\b|\bq[1-4]\b|\b(?:tháng|thang) \d{1,2}\b")
_PER = re.compile(r"\s(?:(?:per|for each|an?|mỗi|một|theo) \w+|/ ?\w+)$|/ ?\w+$")
"""The end of a header for which an amount is: `Price per person`."""

_MONEY = re.compile(
    r"(?:\b(?:prices?|costs?|fees?|salar(?:y|ies)|wages?|pay|payments?|budgets?|revenues?|"
    r"sales|turnover|income|profits?|expenses?|spending|rents?|fares?|deposits?|bonus(?:es)?|"
    r"amount of money)|"
    r"^(?:(?:total|net|gross|invoiced?|maximum|minimum|claim|loan|grant|payment) )?amounts?|"
    r"^(?:hourly|daily|nightly|weekly) rate|"
    r"^(?:(?:meal|travel|housing|hotel|hourly|daily|nightly|weekly|monthly|subsistence) )?"
    r"allowance)"
    r"(?= ?$| ?[,;:(/–-]| (?:for|in|to|from|before|after|excl|incl|excluding|including|paid|due|"  # noqa: RUF001
    r"charged|approved|planned|payable|received|each|with|without)\b|"
    r"(?<!amount)(?<!amounts) of\b)"
)
"""A word for money that ends a header, but for what it is of; `Sales staff` are people."""

_TIEN = re.compile(
    r"^(?:(?:tổng|mức|đơn|chi|lệ|học|viện|kinh|cước|thành|số(?= tiền)) ){0,3}"
    r"(?:giá(?! (?:trị|đỡ|sách|kệ))|phí|tiền(?! (?:sử|đề))|lương(?! thực)|thưởng(?! thức)|"
    r"phụ cấp|trợ cấp|doanh thu|ngân sách|lợi nhuận|thu nhập|hạn mức)\b|"
    r"^mức(?: (?:thu|chi|phạt|hưởng|đóng|hỗ trợ|bồi thường)\b.*)?$"
)
_FOLDED = re.compile(
    r"^(?:tong )?(?:don gia|chi phi|le phi|hoc phi|kinh phi|(?:so |muc |thanh )?tien|muc luong|"
    r"muc phi|phu cap|tro cap|doanh thu|ngan sach|loi nhuan|thu nhap)\b|^(?:gia|phi|luong|muc)$"
)
"""Words for money that a Vietnamese header begins with; the last without marks."""

_COUNTS = re.compile(
    r"\b(?:numbers?|counts?|qty|quantity|people|persons|staff|employees|households|percent|"
    r"percentage|per cent|growth|change|days|hours|weeks|months|years|nights|units|"
    r"hệ số|tỷ lệ|tỉ lệ|phần trăm|bậc|số (?!tiền\b)\w+|so (?!tien\b)\w+)\b|[%#]"
)
"""Words of a header that count or measure something else: `Sick pay in days`."""

_OWN = re.compile(rf"\b(?:{_CURRENCY}|{_SCALE})\b|[$€£¥₫]|\d")
"""A unit or a multiplier that a text states itself."""

_PLAIN = re.compile(r"-?\d[\d.,\u00a0\u202f ]*")
_SPACES = re.compile(r"\s+")


def stated_unit(text: str) -> str | None:
    """Get the unit that a line says the figures below it are in, as it is written there.

    Returns:
        A currency with its multiplier, `USD million`; None where the line says anything behind it.
    """
    match = _STATED.search(_SPACES.sub(" ", normalise(text)).strip())
    if match is None:
        return None
    pattern = r"\s+".join(re.escape(word) for word in match["unit"].split())
    written = re.search(pattern, text, re.IGNORECASE)
    return " ".join(written.group().split()) if written else match["unit"]


def line_above(
    stream: Sequence[tuple[ReadPassage, int]], first: tuple[ReadPassage, int]
) -> Candidate | None:
    """The line right above the table that a row is the first of; None behind another table.

    Args:
        stream: Sentences of a document in order.
        first: The place of the row.
    """
    header = first[0].candidates[first[1]].header
    for reading, at in reversed(stream[: stream.index(first)]):
        one = reading.candidates[at]
        written = one.passage.text[one.span.start : one.span.end]
        if not one.is_row and written == header:
            continue
        return None if one.is_row or one.is_aside or is_table_row(written) else one
    return None


def is_money(header: str, text: str) -> bool:
    """Whether a column holds amounts of money, by its name.

    Args:
        header: The name.
        text: Of the table and what stands above it. Where it is written with Vietnamese marks a
            name without them is read as it is: `Tham gia` is no price.
    """
    plain = _PER.sub("", _PERIOD.sub("", _SPACES.sub(" ", normalise(header))).strip()).strip()
    if _COUNTS.search(plain) or _OWN.search(plain):
        return False
    if _MONEY.search(plain) or _TIEN.search(plain):
        return True
    return not has_diacritics(normalise(text)) and _FOLDED.search(fold(plain)) is not None


def amount(grid: TableRows, column: int, cell: str, above: Sequence[str]) -> str:
    """A cell with the currency that a line above its table states.

    Args:
        grid: Its table.
        column: Its column.
        cell: As written; its figures stay so.
        above: The line right above the table and the heading it stands under.

    Returns:
        The cell as it is where it is no bare number or its column is not one of money.
    """
    if _PLAIN.fullmatch(cell.strip()) is None:
        return cell
    if not is_money(grid.header[column], "\n".join((*grid.header, *above))):
        return cell
    for line in above:
        if unit := stated_unit(line):
            return f"{cell} {unit}"
        if _OWN.search(_PERIOD.sub("", normalise(line))):
            return cell  # `Unit: 1,000 USD`: whatever stands further above is no longer said
    return cell
