"""Vietnamese syllables: a spelling-independent key, and which letter strings can be one."""

import re
import unicodedata

from citewell.engine.text.normalisation import fold

_TONES = {"\u0300": "2", "\u0301": "5", "\u0303": "4", "\u0309": "3", "\u0323": "6"}
"""Combining tone mark -> the tone's usual number (huyền, sắc, ngã, hỏi, nặng); level has none."""

# The five combining tone marks in NFD. The horn, breve and circumflex are no tones: they make other
# letters and stay.
_TONE_MARK = re.compile("[\u0300\u0301\u0303\u0309\u0323]")

_FINAL_Y = re.compile("(?<=[hklmstv])y(?=[2-6]?$)|(?<=^qu)y(?=[2-6]?$)")
"""`y` that may as well be written `i`: kỹ/kĩ, lý/lí, sỹ/sĩ, quy/qui; not the y of `thủy`."""

_SYLLABLE = re.compile(
    "(?:ngh?|nh|kh|gh|gi|ph|qu|th|tr|ch|[bcdghklmnprstvx])?"
    "(?:"
    "(?:a|e|i|ie|o|oa|oe|oo|u|ua|ue|uo|uy|uye|y|ye)(?:ch|ng|nh|[cmnpt])"
    "|a[iouy]?|e[ou]?|i(?:a|u|eu)?|o(?:a[ioy]?|eo?|i)?|u(?:a|ay|e|i|o[iu]?|u|y|ya|yu)?|y(?:eu)?"
    ")"
)
"""Onset, rhyme and coda without diacritics, after the sound table of the quốc ngữ script."""

# Letters with Vietnamese accents. French and Portuguese share many, so a hit alone does not tell
# the language; `language.py` weighs the rarer ones.
_ACCENTED = re.compile("[àáâãèéêìíòóôõùúýăđĩũơưạ-ỹ]")


def syllable_key(word: str) -> str:
    """Return a key that does not depend on where the tone mark sits: hòa and hoà give `hoa2`.

    Args:
        word: One normalised word.
    """
    if word.isascii():
        return _FINAL_Y.sub("i", word)
    parts = unicodedata.normalize("NFD", word)
    tone = "".join(_TONES[mark] for mark in _TONE_MARK.findall(parts))
    bare = unicodedata.normalize("NFC", _TONE_MARK.sub("", parts))
    return _FINAL_Y.sub("i", bare + tone)


def folded_key(word: str) -> str:
    """Return the key of a syllable typed without any diacritics: hòa, hoà and hoa give `hoa`."""
    return _FINAL_Y.sub("i", fold(word))


def is_syllable(folded: str) -> bool:
    """Whether a word, its diacritics taken off, is spelled as a Vietnamese syllable can be."""
    # The longest syllable, nghiêng, has seven letters.
    return len(folded) <= 7 and _SYLLABLE.fullmatch(folded) is not None


def has_diacritics(text: str) -> bool:
    """Whether normalised text carries a letter that only an accented keyboard types."""
    return _ACCENTED.search(text) is not None
