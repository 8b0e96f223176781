"""Hashed terms of words, for passages and for questions.

A term's namespace follows from the word and from the passage's language, never from the
question's, so that a question only has to name every namespace its words may be stored in:

- `en`: English stem of the unaccented word. Every number, every word of an English passage, and
  the words of a Vietnamese passage that cannot be Vietnamese (VPN, laptop).
- `vi`, `folded`: syllables and adjacent pairs of a Vietnamese passage, and the accented
  syllables (names, mostly) of any other.
- `other`: unaccented word of a passage in another language; words of other scripts; single
  characters and adjacent pairs of scripts without spaces.
- `code`: document codes, see `codes.py`.
- `acronym`: acronyms of what a passage names in words, see `acronyms.py`.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from citewell.engine.lexical.base import TERM_SPACE, Namespace
from citewell.engine.text.shapes import CACHED_WORDS, shape_of
from citewell.engine.text.stemming import stem_english
from citewell.engine.text.vietnamese import folded_key, syllable_key

# Keeps products within 64 bits, as Python's integers grow without bound.
_MASK = 2**64 - 1
_MIX = 0x9E3779B97F4A7C15
"""2**64 / golden ratio, the usual odd multiplier of Fibonacci hashing."""

MAX_WORD = 64
"""Longer runs are encodings, not words; their head tells them apart well enough."""


@dataclass(frozen=True, slots=True)
class Word:
    """The hashes of one word, 64 bits wide, in each namespace it may be stored in."""

    text: str
    stem: int
    exact: int
    folded: int
    plain: int
    is_syllable: bool
    """Whether it can be a Vietnamese syllable, accents or not."""
    is_accented: bool
    is_latin: bool
    """Whether it is ASCII once unaccented; numbers are."""
    is_number: bool
    characters: tuple[int, ...] = ()
    """Of an unspaced script: the hash of each character; else empty."""


def hash64(namespace: Namespace, text: str) -> int:
    """Return a hash of 64 bits, the same on every machine and for ever (BLAKE2b)."""
    data = text.encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(data, digest_size=8, person=namespace.encode()).digest()
    return int.from_bytes(digest, "little")


def term_id(value: int) -> int:
    """Return the term id, 1..TERM_SPACE, of a 64-bit hash."""
    return value % TERM_SPACE + 1


def pair(first: int, second: int) -> int:
    """Return the 64-bit hash of two adjacent terms, much cheaper than hashing their text."""
    mixed = (first * _MIX + second) & _MASK
    mixed = ((mixed ^ (mixed >> 32)) * _MIX) & _MASK
    return mixed ^ (mixed >> 29)


@lru_cache(maxsize=CACHED_WORDS)
def look_up(text: str) -> Word:
    """Return the hashes of one normalised word."""
    shape = shape_of(text[:MAX_WORD])
    if shape.is_unspaced:
        characters = tuple(hash64("other", character) for character in shape.text)
        return Word(shape.text, 0, 0, 0, 0, False, False, False, False, characters)
    return Word(
        text=shape.text,
        stem=hash64("en", stem_english(shape.bare)) if shape.is_latin else 0,
        exact=hash64("vi", syllable_key(shape.text)),
        folded=hash64("folded", folded_key(shape.text)),
        plain=hash64("other", shape.bare),
        is_syllable=shape.is_syllable,
        is_accented=shape.is_accented,
        is_latin=shape.is_latin,
        is_number=shape.is_number,
    )


def passage_hashes(words: list[Word], language: str) -> tuple[list[int], list[int]]:
    """Return the hashes of a passage's single terms and of its pairs, with repetitions.

    Args:
        words: The passage's words in order.
        language: ISO 639-1 code of the passage, or "und".
    """
    singles: list[int] = []
    pairs: list[int] = []
    is_english = language in {"en", "und"}
    for word in words:
        if word.characters:
            singles.extend(word.characters)
            pairs.extend(pair(a, b) for a, b in pairwise(word.characters))
        elif not word.is_latin:
            singles.append(word.plain)
        elif language == "vi":
            if word.is_syllable:
                singles += (word.exact, word.folded)
            else:
                singles.append(word.stem)
        else:
            singles.append(word.stem if is_english or word.is_number else word.plain)
            if word.is_syllable and (word.is_accented or language == "und"):
                singles += (word.exact, word.folded)
    if language == "vi":
        pairs += [pair(a.exact, b.exact) for a, b in pairwise(words)]
        pairs += [pair(a.folded, b.folded) for a, b in pairwise(words)]
    return singles, pairs


def unspaced_pairs(word: Word) -> Iterator[tuple[str, int]]:
    """Yield text and hash of what to look for in an unspaced script: its pairs of characters."""
    if len(word.characters) == 1:
        yield word.text, word.characters[0]
    for (a, b), (first, second) in zip(pairwise(word.text), pairwise(word.characters), strict=True):
        yield a + b, pair(first, second)
