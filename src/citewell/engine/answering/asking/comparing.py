"""Follow-ups that compare: they ask for the same of another thing, as the one before was just told.

`Is that longer than for power tools?` and `So với vé tháng ô tô thì sao?` get the figure of the
other thing, to be held beside the first; nothing is calculated.
"""

import re

_THAT = r"(?:it|that|this|they|those|these)"
_NUMBER_WORD = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|"
    r"forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|half|dozen)"
)
_NO_THING = (
    r"(?:(?:about|around|at (?:least|most)|exactly|just|only|an? (?=hundred|thousand|dozen)|"
    r"half an? )?(?:\W?\d|(?:gbp|usd|eur|vnd|us\$) ?\d|"
    rf"{_NUMBER_WORD}\b(?!-| (?:for|in|at|on|of|with)\b))|"
    r"(?:i|we|you|they|he|she|it|before|ever|now|usual|usually|normal|average)\b|"
    r"(?:\w{2,}ed|stated|set|paid|said|told|given|shown|known)(?=\W*$| (?:by|in|to|at|on|here|"
    r"there|under|for)\b))"
)
"""Words behind `than` that are no other thing to ask about: a bound (`5 pounds`, `two weeks`), what
is `allowed` or was `agreed on`, and what somebody did. Then the question has a subject of its own.
`the used ones` and `two-bedroom flats` are things."""

_ENGLISH = re.compile(
    rf"^(?:(?:is|are|was|were|does|do) {_THAT} (?:\w+ )?(?:(?!better|worse|over|under|after|ever|"
    r"other|rather)\w+er|(?:more|less|fewer)(?: \w+)?|as \w+) (?:(?:than|as) "
    rf"(?!{_NO_THING})|"
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
_VIETNAMESE_BARE = re.compile(rf"^(?:co )?{_MORE} (?P<a>.+?) (?:khong|chu|nhi)$")
_VIETNAMESE_NO_THING = re.compile(
    r"(?:(?:khoang|muc|den|toi) )?(?:\W?\d|(?:mot|hai|ba|bon|nam|sau|bay|tam|chin|muoi|vai|may|nua)"
    r"(?: (?:muoi|tram))? (?:muoi|tram|nghin|ngan|trieu|ty|dong|phut|gio|tieng|ngay|tuan|thang|nam|"
    r"lan|phan tram|nguoi|met|cay|can|lit)\b)|"
    r"(?:muc |luc )?(?:quy dinh|cho phep|du kien|binh thuong|thong thuong|truoc(?: day| kia)?|"
    r"hien (?:nay|tai)|bay gio)$"
)
"""As `_NO_THING`: a figure or a number with its unit, or what is allowed or usual."""


def compared_in_english(question: str) -> str | None:
    """The other thing that an English question compares with; None: it compares nothing."""
    found = _ENGLISH.match(question)
    return None if found is None else found["a"].strip()


def compared_in_vietnamese(folded: str) -> re.Match[str] | None:
    """Finds the other thing as the group `a`, in a question without accents."""
    found = _VIETNAMESE.match(folded) or _VIETNAMESE_MORE.match(folded)
    return None if found is None or _VIETNAMESE_NO_THING.match(found["a"]) else found


def is_bound_in_vietnamese(folded: str) -> bool:
    """Whether a question begins with a comparison with no other thing, and leaves its subject out.

    `Có nhiều hơn 5.000 không?`; without accents.
    """
    found = _VIETNAMESE_BARE.match(folded)
    return found is not None and _VIETNAMESE_NO_THING.match(found["a"]) is not None
