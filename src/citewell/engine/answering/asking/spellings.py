"""Small numbers in their other spellings: `bốn` and `4`, `3` and `03`."""

from collections.abc import Iterator

_ENGLISH = {
    "2": "two", "3": "three", "4": "four", "5": "five", "6": "six", "7": "seven", "8": "eight",
    "9": "nine", "10": "ten",
}  # fmt: skip
_VIETNAMESE = {
    "2": "hai", "3": "ba", "4": "bốn", "6": "sáu", "7": "bảy", "8": "tám", "9": "chín",
    "10": "mười",
}  # fmt: skip
"""Without `một`, an article, and `năm`, a year."""

_DIGITS = {word: digits for words in (_ENGLISH, _VIETNAMESE) for digits, word in words.items()}
_LONGEST = 2
"""Digits of a number that rules pad (`01 ngày`) or spell."""


def other_spellings(word: str) -> Iterator[str]:
    """Yield how a text may spell a small number, in both languages; nothing for other words.

    Args:
        word: Of a question, normalised.
    """
    digits = _DIGITS.get(word, word)
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST):
        return
    digits = digits.lstrip("0")
    for one in (digits, digits.zfill(_LONGEST), _ENGLISH.get(digits), _VIETNAMESE.get(digits)):
        if one and one != word:
            yield one
