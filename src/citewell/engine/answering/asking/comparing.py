"""Follow-ups that compare: they ask for the same of another thing, as the one before was just told.

`Is that longer than for power tools?` and `So với vé tháng ô tô thì sao?` get the figure of the
other thing, to be held beside the first; nothing is calculated.
"""

import re

_THAT = r"(?:it|that|this|they|those|these)"
_ENGLISH = re.compile(
    rf"^(?:(?:is|are|was|were|does|do) {_THAT} (?:\w+ )?(?:(?!better|worse|over|under|after|ever|"
    r"other|rather)\w+er|(?:more|less|fewer)(?: \w+)?|as \w+) (?:(?:than|as) |"
    rf"(?=(?:for|in|at|on|with|during)\b))|(?:how (?:does|do) {_THAT} )?compared? (?:to|with) )"
    r"(?:the one |those |that )?(?:for )?(?P<a>.+)$",
    re.I,
)
"""`for` is left out, as the thing may stand elsewhere in the question before."""

_MORE = r"(?:nhieu|it|cao|thap|dai|ngan|lau|nhanh|cham|dat|re|lon|nho|som|muon|nang|nhe|rong) hon"
_VIETNAMESE = re.compile(
    r"^(?:(?:the|vay|va|con|neu) )*so (?:sanh )?voi (?P<a>.+?)(?: thi)?(?: (?:sao|the nao|nhu the "
    rf"nao|{_MORE}(?: khong| hay (?:\w+ hon|khong))?|co (?:khac|bang nhau|{_MORE})(?: \w+)? khong|"
    r"khac (?:gi|the nao)))?$"
)
_VIETNAMESE_MORE = re.compile(
    r"^(?:(?:the|vay|va|nhu vay|nhu the|no|(?:muc|cai|dieu|so|khoan|gia|phi|thoi gian) (?:nay|do|"
    rf"ay)) )*(?:co )?{_MORE} (?:so voi )?(?P<a>.+?) (?:khong|chu|nhi)$"
)
"""`Có cao hơn phụ cấp xăng xe không?`, with nothing before it that would be compared."""


def compared_in_english(question: str) -> str | None:
    """The other thing that an English question compares with; None: it compares nothing."""
    found = _ENGLISH.match(question)
    return None if found is None else found["a"].strip()


def compared_in_vietnamese(folded: str) -> re.Match[str] | None:
    """Finds the other thing as the group `a`, in a question without accents."""
    return _VIETNAMESE.match(folded) or _VIETNAMESE_MORE.match(folded)
