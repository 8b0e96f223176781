"""Shape of one word: its script, accents, and whether it can be Vietnamese."""

from functools import lru_cache
from typing import NamedTuple

from citewell.engine.text.normalisation import fold, is_unspaced
from citewell.engine.text.vietnamese import has_diacritics, is_syllable

CACHED_WORDS = 16_384
"""By Zipf's law this holds 97 % of running words; about 3 MB of shapes."""


class WordShape(NamedTuple):
    """The spelling of one normalised word."""

    text: str
    bare: str
    """Without diacritics; a word of an unspaced script as it stands."""
    is_syllable: bool = False
    """Whether it can be a Vietnamese syllable, accents or not."""
    is_accented: bool = False
    is_latin: bool = False
    """Whether it is ASCII once unaccented; numbers are."""
    is_number: bool = False
    is_unspaced: bool = False
    """Whether its script writes no spaces (or is Korean); the other fields are then unset."""


@lru_cache(maxsize=CACHED_WORDS)
def shape_of(word: str) -> WordShape:
    """Return the shape of one normalised word."""
    if is_unspaced(word):
        return WordShape(word, word, is_unspaced=True)
    bare = fold(word)
    is_latin = bare.isascii()
    return WordShape(
        text=word,
        bare=bare,
        is_syllable=is_latin and is_syllable(bare),
        is_accented=has_diacritics(word),
        is_latin=is_latin,
        is_number=word.isdigit(),
    )
