"""Vietnamese question words as people say them: `nhiêu`, `mấy bữa`, `hông`.

They are read as the written ones before the patterns of kinds run, which know those only.
"""

import re
from collections.abc import Iterator, Sequence

_DENIALS = frozenset(("hông", "hổng", "hong"))
"""Spellings of `không`, by their tone marks: `hỏng` (broken) folds to `hong`, too. Only where a
question ends with one, as `hông` is a hip and `hong` dries."""

_COUNTERS = (
    # The next word tells a meal from a day, and a language or a sound from an hour.
    (
        re.compile(
            r"\b(?P<how>bao nhieu|may) (?:bua|hom)\b(?! (?:an|com|sang|trua|chieu|toi|phu)\b)"
        ),
        r"\g<how> ngay",
    ),
    (
        re.compile(
            r"\b(?:bao nhieu|may) tieng\b(?: dong ho\b)?"
            r"(?! (?:anh|viet|phap|duc|trung|nhat|han|nga|nuoc|me|noi|keu|on|dong)\b)"
        ),
        "bao nhieu gio",  # `mấy giờ` asks for a time of day
    ),
    (re.compile(r"\b(?P<how>bao nhieu|may) (?:dua|mang|nhan khau)\b"), r"\g<how> nguoi"),
)
"""Words of speech behind `bao nhiêu` and `mấy`, and those that documents count by."""

_SEVERAL = re.compile(
    r"\bmay (?=(?!gio\b|ngay\b|thang\b|nam\b|tuan\b|phut\b|lan\b)(?:\w+ ){1,5}(?:nao|gi)\b)"
)
"""`mấy món nào`, `mấy giấy tờ gì` mean several of them and ask for no number."""

_WHICH_DAY = re.compile(r"\b(?:hom|chung) nao\b|\bbua nao\b(?!.*\b(?:an|com|mon|suat)\b)")
"""Asks for a day; of meals `bữa nào` asks which of them."""


def as_written(words: Sequence[str], plain: Sequence[str]) -> str:
    """Get a folded Vietnamese question with its words of speech as they are written.

    Args:
        words: The question in lower case with its tone marks, if it has any.
        plain: The same folded, as many words.
    """
    said = " ".join(_spelt(words, plain))
    for pattern, counter in _COUNTERS:
        said = pattern.sub(counter, said)
    return _SEVERAL.sub("vai ", _WHICH_DAY.sub("ngay nao", said))


def _spelt(words: Sequence[str], plain: Sequence[str]) -> Iterator[str]:
    for at, (word, folded) in enumerate(zip(words, plain, strict=True)):
        if word == "nhiêu" and list(plain[max(at - 1, 0) : at]) != ["bao"]:
            yield "bao nhieu"
        elif word in _DENIALS and at + 1 == len(words):
            yield "khong"
        else:
            yield folded
