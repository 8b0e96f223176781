"""Content words in the form in which sentence and passage are compared."""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from citewell.engine.text import vocabulary
from citewell.engine.text.normalisation import fold, is_unspaced, normalise, words
from citewell.engine.text.stemming import stem_english
from citewell.engine.text.stopwords import STOPWORDS
from citewell.engine.text.vietnamese import folded_key, syllable_key

_DIGIT = re.compile(r"\d")


class Space(NamedTuple):
    """Language of the words, and whether they are compared without diacritics."""

    language: str
    is_folded: bool = False

    def key(self, word: str) -> str:
        """Return the key of a normalised word."""
        if self.language == "vi":
            return folded_key(word) if self.is_folded else syllable_key(word)
        if self.language == "en":
            return stem_english(word)
        return word


def keys_of(text: str, space: Space) -> frozenset[str]:
    """Return the keys of the content words; numbers are facts, not words."""
    return frozenset(_keys(normalise(text), space))


_MEASURES = frozenset({"percent", "usd", "eur", "gbp", "jpy", "vnd"})
"""Units that are a matter of facts alone; `day` or `ngày` are words of the language too."""


@cache
def _amounts(folded: bool) -> frozenset[str]:
    words_of_numbers = {
        *vocabulary.MULTIPLIERS,
        *(word for word, unit in vocabulary.UNITS.items() if unit in _MEASURES),
    }
    return frozenset(fold(word) if folded else word for word in words_of_numbers)


@cache
def unit_keys(space: Space) -> frozenset[str]:
    """Return the keys of the units: words that tell nothing of what is counted."""
    return frozenset(key for unit in vocabulary.UNITS for key in keys_of(unit, space))


def _keys(text: str, space: Space) -> Iterator[str]:
    stopwords = _stopwords(space)
    for word in words(text):
        if _DIGIT.search(word):
            continue
        if is_unspaced(word):
            yield from (word[at : at + 2] for at in range(max(len(word) - 1, 1)))
        elif (
            word not in stopwords
            and word not in _amounts(space.is_folded)
            and (len(word) > 1 or space.language == "vi")
        ):
            yield space.key(word)


@cache
def _stopwords(space: Space) -> frozenset[str]:
    listed = STOPWORDS.get(space.language, frozenset[str]())
    return frozenset(fold(word) for word in listed) if space.is_folded else listed
