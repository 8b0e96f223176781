"""Normalised text and words: the form in which passages and questions are compared."""

import re
import unicodedata
from functools import cache

_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
)
"""Soft hyphens, zero-width characters and direction marks: never part of a word."""

# NFKC makes plain digits of raised ones: "30¹" would become 301, and 10⁻³ 10-3. After a letter they
# belong to the word, as in m² and H₂O.
_RAISED = re.compile("(?<=[0-9])(?=[⁰¹²³⁴-⁹⁺⁻])")

_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u064b-\u065f\u0670]")
"""Latin, Greek and Cyrillic diacritics, Hebrew and Arabic vowel points (people leave them out).

Vowel signs of Indic scripts and Thai are letters to their readers and stay.
"""

_UNDECOMPOSED = str.maketrans(
    {"đ": "d", "ø": "o", "ł": "l", "ħ": "h", "\u0131": "i", "æ": "ae", "œ": "oe"}
)
"""Letters that Unicode does not decompose though people type them without their stroke."""

# Scripts whose words are not divided by spaces: terms are made of their characters and pairs.
# Hangul has spaces, but its particles cling to nouns, so pairs find more than whole words.
UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Myanmar, Khmer
    "\u3005\u3040-\u30ff"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"  # han
    "\uac00-\ud7af"  # hangul: spaced, but particles cling to the words
)
# Combining marks that continue a word (Latin, Cyrillic, Hebrew, Arabic, Indic): without them
# Python's \w would break a word at each vowel sign.
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06ed\u0900-\u0963\u0980-\u0dff"
)
_LETTERS = rf"[^\W_{UNSPACED}]+"
_WORD = re.compile(rf"[{UNSPACED}]+|{_LETTERS}(?:[{_MARKS}]+(?:{_LETTERS})?)*")
"""A run of an unspaced script, or of letters and digits with their combining marks."""

_ASCII_WORD = re.compile(r"[0-9A-Za-z]+")
"""The same for ASCII, in half of the time."""

_IS_UNSPACED = re.compile(f"[{UNSPACED}]")


def normalise(text: str) -> str:
    """Return the text in NFKC, without invisible characters, case folded.

    NFKC rather than NFC because PDF text carries ligatures and full-width forms.
    """
    # ASCII is in normal form and has no invisible characters.
    if text.isascii():
        return text.lower()
    if _RAISED.search(text):
        text = _RAISED.sub(" ", text)
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).casefold()
    # Again, because case folding takes some composed letters apart.
    return unicodedata.normalize("NFC", text)


def words(text: str) -> list[str]:
    """Split normalised text into words; a run of an unspaced script stays one word."""
    return (_ASCII_WORD if text.isascii() else _WORD).findall(text)


def is_unspaced(word: str) -> bool:
    """Whether the word is of a script that writes no spaces (or Korean)."""
    return _IS_UNSPACED.match(word) is not None


def fold(text: str) -> str:
    """Return normalised text without diacritics: `nghị định` becomes `nghi dinh`."""
    if text.isascii():
        return text
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", bare).translate(_UNDECOMPOSED)


@cache
def _marked_letters() -> dict[str, str]:
    """The letters that fold to a plain one, both cases, by that letter."""
    found: dict[str, str] = {}
    for letter in map(chr, range(0xC0, 0x1F00)):
        plain = fold(letter.lower())
        if len(plain) == 1 and plain.isascii() and plain.isalpha():
            found[plain] = found.get(plain, "") + letter
    return found


def unmarked_pattern(text: str) -> str | None:
    """A regular expression for the text with any diacritics; None where it has some of its own.

    Of the kind that PostgreSQL and Python read alike: `so` becomes `[sSśŚ…][oOóÓ…]`, each followed
    by any combining marks.
    """
    if not text.isascii():
        return None
    marked = _marked_letters()
    return "".join(
        f"[{each.lower()}{each.upper()}{marked.get(each.lower(), '')}][\u0300-\u036f]*"
        if each.isalpha()
        else re.escape(each)
        for each in text
    )
