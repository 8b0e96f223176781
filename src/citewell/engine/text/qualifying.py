"""Words that deny, limit or warn, a list for each language.

English words count in English only: `nợ` without its marks is `no`. Vietnamese words count with
their marks, as `chữa` and `chứa` fold to `chua` like `chưa`; in a text without any marks they count
as they are typed there.
"""

import re
from collections.abc import Iterator

from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.vietnamese import has_diacritics


class Listed:
    """Words or phrases that are looked for in a text of English or Vietnamese.

    A text in any other language, or in none that is known, is searched for both.

    Args:
        en: Pattern of lower-case English.
        vi: Pattern of lower-case Vietnamese with its marks.
    """

    def __init__(self, *, en: str, vi: str) -> None:
        self._english = re.compile(en)
        self._marked, self._bare = re.compile(vi), re.compile(fold(vi))

    def found(self, text: str, language: str) -> list[str]:
        """Get all that is found in a normalised text."""
        return [
            match.group()
            for pattern in self._patterns(text, language)
            for match in pattern.finditer(text)
        ]

    def is_in(self, text: str, language: str) -> bool:
        """Whether anything is found in a normalised text."""
        return any(pattern.search(text) for pattern in self._patterns(text, language))

    def without(self, text: str, language: str) -> str:
        """Get a normalised text with a space for all that is found."""
        for pattern in self._patterns(text, language):
            text = pattern.sub(" ", text)
        return text

    def split(self, text: str, language: str) -> list[str]:
        """Get the parts of a normalised text between all that is found."""
        parts = [text]
        for pattern in self._patterns(text, language):
            parts = [part for one in parts for part in pattern.split(one)]
        return parts

    def _patterns(self, text: str, language: str) -> Iterator[re.Pattern[str]]:
        if language != "vi":
            yield self._english
        if language != "en":
            yield self._marked if has_diacritics(text) else self._bare


_NEGATORS_EN = (
    r"not|no|never|none|neither|nobody|nothing|without|cannot|forbidden|prohibited|banned|refused|"
    r"rejected|blocked|excluded"
)
_NEGATORS_VI = r"không|chưa|chẳng|cấm"
_NOT_EN = r"n['’]t\b"  # noqa: RUF001

_CHI = r"(?<!địa )(?<!không )chỉ (?:được|khi|cấm|có|trong|ở|tại)"
"""`chỉ` says only before these; elsewhere it may show, and `địa chỉ` is an address."""

_CHI_FOR = r"(?<!địa )(?<!không )chỉ (?:dành|áp dụng|cho)"
_CHI_DOES = r"(?<!địa )(?<!không )chỉ (?:bán|nhận|mở|cần)"

_ALWAYS_EN, _ALWAYS_VI = "only|unless|if", rf"trừ khi|nếu|{_CHI}"
_CONDITIONS_EN = rf"{_ALWAYS_EN}|except|provided|depend(?:s|ing)"
_CONDITIONS_VI = rf"trừ khi|trừ trường hợp|nếu|trường hợp|{_CHI}|{_CHI_FOR}"

_DAY = (
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?|january|february|march|april|may|june|july|"
    r"august|september|october|november|december"
)
_YEAR = r"(?<!since )(?<!từ năm )(?<!tu nam )(?:19|20)\d\d"
"""A year, in which something held or will hold that need not now; `since` one it holds."""

_LIMITS_EN = (
    rf"{_CONDITIONS_EN}|nor|instead|until|till|once|twice|before|after|within|up to|at most|"
    r"at least|maximum|minimum|limited|subject to|but|however|although|though|"
    rf"from (?:\d|the \d|age|{_DAY})|consent|permission|approval|approved|agreed|"
    r"some|certain|selected|half|partly|other than|others|the rest|"
    r"rarely|hardly|seldom|barely|scarcely|unclear|uncertain|undecided|whether|expected|planned|"
    # `is used to clean` is a purpose; `used to be` is over.
    rf"(?<!is )(?<!are )(?<!be )(?<!been )(?<!was )(?<!were )used to|formerly|previously|{_YEAR}"
)
_LIMITS_VI = (
    rf"{_CONDITIONS_VI}|{_CHI_DOES}|ngoại trừ|(?<!khấu )trừ|sau khi|trong vòng|tối đa|"
    r"tối thiểu|ít nhất|cho đến|đến hết|một lần|hai lần|điều kiện|đồng ý|phê duyệt|"
    # In front of something is a place; before something is a limit.
    r"trước(?! (?:cổng|cửa|nhà|mặt|sân|tòa|toà)\b)|"
    # A room of one's own is no exception; `riêng khách` begins one.
    r"dành riêng|riêng (?:đối với|với|cho)|(?:^|(?<=[,;.:] ))riêng|"
    r"nhưng|tuy nhiên|còn lại|từ (?:ngày|tháng|năm|\d)|hiếm khi|ít khi|dự kiến|chưa rõ|"
    rf"từng(?! (?:ngày|tuần|tháng|quý|năm|người|phòng|bước|lần|loại)\b)|{_YEAR}"
)
_HARMS_EN = (
    r"ruin(?:s|ed)?|damag(?:es?|ed|ing)|destroy(?:s|ed)?|harm(?:s|ed|ful)?|spoil(?:s|t|ed)?|"
    r"breaks?|voids?|voided|corrod\w+|dangerous|hazardous|contaminat\w+|kills?|injur\w+|"
    r"prevents?|avoid(?:ed|s)?|loses?|lost|forfeit\w*|invalid\w*"
)
_HARMS_VI = r"(?:làm|bị|gây) (?:hỏng|hư|hại|cháy|mất)|hư hại|nguy hiểm|tránh|vô hiệu"

NEGATORS = Listed(en=rf"\b(?:{_NEGATORS_EN})\b|{_NOT_EN}", vi=rf"\b(?:{_NEGATORS_VI})\b")
"""Words that turn a clause into its contrary; two of them in one take each other back."""

VERB_NEGATORS = Listed(
    en=r"\b(?:not|never|cannot)\b|n['’]t\b",  # noqa: RUF001
    vi=r"\b(?:không|chưa|chẳng|cấm)\b",
)
"""Negators of a verb or a phrase. `No receipt` and `without a charge` deny that there is one."""

NEEDS = Listed(
    en=r"\b(?:need\w*|hav(?:e|ing) to|necessar\w+|always|usually|only|just)\b",
    vi=r"\b(?:cần|phải|nhất thiết|hẳn|luôn|chỉ|lúc nào)\b",
)
"""Behind a negator, where something may be all the same: `need not be booked`, `không cần`."""

HARMLESS = Listed(
    en=r"\b(?:no (?:more|less|later|fewer|earlier) than|not (?:more|less|later|only|exceed\w*))\b",
    vi=r"\b(?:không (?:quá|vượt quá|muộn hơn|dưới|chỉ|khí|gian|thấp hơn|ít hơn)|"
    # The last ones hold a negator only where they are typed without marks.
    r"(?:hãng|ngành|đường) hàng không|(?:hay|có hay) không|sửa chữa|chữa cháy|cam kết)\b",
)
"""Bounds and other phrases that hold a negator and deny nothing."""

NOT_ALWAYS = Listed(en=rf"\b(?:{_ALWAYS_EN})\b", vi=rf"\b(?:{_ALWAYS_VI})\b")
"""Conditions of a denial, wherever they stand; with `except` it is a no and says so."""

CONDITIONS = Listed(en=rf"\b(?:{_CONDITIONS_EN})\b", vi=rf"\b(?:{_CONDITIONS_VI})\b")
"""Conditions of what is affirmed: neither yes nor no is the whole truth."""

QUALIFIERS = Listed(
    en=rf"\b(?:{_NEGATORS_EN}|{_LIMITS_EN}|{_HARMS_EN})\b|{_NOT_EN}",
    vi=rf"\b(?:{_NEGATORS_VI}|{_LIMITS_VI}|{_HARMS_VI})\b",
)
"""All that denies, limits or warns: wide on purpose, as what is missing behind `Yes` misleads."""

_ASKS = Listed(
    en=r"(?!)",
    vi=r"\b(?:(?:có )?hay )?(?:không|chưa)(?: (?:ạ|à|vậy|nhỉ|thế|hả))?[?!. ]*$",
)
"""Ending of a Vietnamese question, whose `không` denies nothing."""


def denials(text: str, language: str) -> int:
    """Count the words of a normalised text that deny."""
    return len(NEGATORS.found(HARMLESS.without(text, language), language))


def without_ending(question: str, language: str) -> str:
    """Get a question, normalised, without the `không` or `chưa` that makes it one."""
    return _ASKS.without(normalise(question), language)
