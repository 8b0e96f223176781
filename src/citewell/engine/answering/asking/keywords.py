"""Questions of a few keywords, whose head tells what is asked for: `parking fee`, `giá vé bể bơi`.

In English the head stands last, or before what it is of; in Vietnamese first.
"""

import re
from collections.abc import Iterable

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.text.normalisation import fold
from citewell.engine.text.vietnamese import has_diacritics

_MOST_WORDS = 8
"""More words than that are a sentence that asks in another way."""

_OF = r"(?: (?:of|for|in|at|on|to|from|per|when|if|after|before|by|with) .+)?"
_WHEN = r"(?: (?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|weekends?|today|tomorrow))?"
_VERB = re.compile(
    r"\b(?:is|are|was|were|do|does|did|can|could|may|must|should|will|would|has|have|had|la)\b"
)
_ENGLISH: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(rf"^(?:[\w&'-]+ ){{0,4}}(?:{head}){_WHEN}{_OF}$"))
    for kind, head in (
        (
            Kind.AMOUNT,
            "fees?|prices?|costs?|charges?|fares?|fines?|rent|deposit|salary|wages?|surcharge|"
            "tuition|penalty|premium",
        ),
        (
            Kind.TIME,
            "deadline|(?:opening|closing|visiting|office|business|reception|working|delivery|quiet)"
            " (?:hours|times?)|(?:due|closing|start|starting|end|expiry|renewal|meeting) date",
        ),
        (
            Kind.DURATION,
            "duration|(?:notice|probation|probationary|trial|retention|warranty|guarantee|waiting|"
            "cooling-off|loan|lending|repayment) period",
        ),
        (Kind.CONTACT, "(?:phone|telephone|fax|contact|extension) number|hotline|e-?mail"),
    )
)

_VIETNAMESE: tuple[tuple[Kind, str], ...] = (
    (
        Kind.AMOUNT,
        "(?:đơn|mức) giá|giá vé|(?:lệ|học|viện|mức) phí|mức (?:phạt|lương|thưởng|đóng|thu)|"
        "tiền (?:phạt|cọc|đặt cọc|thuê|lương|thưởng|điện|nước|phòng|ăn|công)|"
        "tổng (?:chi|thu|chi phí|kinh phí|doanh thu|lợi nhuận|vốn)|doanh thu|kinh phí|ngân sách",
    ),
    (
        Kind.COUNT,
        "số (?:lượt|người|lượng|khách|hộ|bàn|phòng|ghế|xe|học sinh|sinh viên|nhân viên)|sức chứa",
    ),
    (
        Kind.TIME,
        "giờ (?:mở|đóng|làm việc|hoạt động|khám|tiếp|bắt đầu|kết thúc|họp|bay|chạy|vào|tan)|"
        "hạn (?:chót|nộp|cuối|đăng ký|trả)|"
        "ngày (?:họp|khai|bắt đầu|kết thúc|thành lập|hết hạn|nộp|trả|có hiệu lực|phát)",
    ),
    (Kind.CONTACT, "số điện thoại|sđt|đường dây nóng|hotline|e-?mail"),
)
_WITH_MARKS = (
    (Kind.AMOUNT, "giá(?! (?:trị|sách|đỡ|thể))|phí(?! phạm)|lương(?! (?:thực|tâm|thiện|y|duyên))"),
)
"""Heads of one syllable: without its mark `giá` is `gia` (`gia hạn`) and `lương` `lượng`, too."""


def _begins(heads: Iterable[tuple[Kind, str]]) -> tuple[tuple[Kind, re.Pattern[str]], ...]:
    return tuple((kind, re.compile(rf"^(?:{head})\b")) for kind, head in heads)


_MARKED = _begins((*_VIETNAMESE, *_WITH_MARKS))
_UNMARKED = _begins((kind, fold(head)) for kind, head in _VIETNAMESE)


def kind_of_keywords(written: str, plain: str, language: str) -> Kind | None:
    """Get the kind of answer that a few keywords ask for; None where their head does not tell.

    Args:
        written: The question in lower case with its accents.
        plain: The same without them.
        language: ISO 639-1 code.
    """
    if len(plain.split()) > _MOST_WORDS or _VERB.search(plain):
        return None
    if language != "vi":
        table, asked = _ENGLISH, plain
    else:
        table, asked = (_MARKED, written) if has_diacritics(written) else (_UNMARKED, plain)
    return next((kind for kind, pattern in table if pattern.search(asked.rstrip(" ?!."))), None)
