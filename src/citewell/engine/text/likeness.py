"""How much of their text two documents share."""

import re
from collections.abc import Sequence
from itertools import islice

SHINGLE_WORDS = 3
"""Words in a row that are compared. One changed word costs three of them, so that a page of 300
words with ten changes still shares 0.8; single words would be shared by all texts on a subject."""

FEWEST_WORDS = 20
"""Shorter texts, as of a form that is not filled in, are alike by chance."""

_WORD = re.compile(r"\w+")


def likenesses(text: str, others: Sequence[str]) -> list[float]:
    """For each of the others the share of the text that it has in common with it, 0 to 1.

    Jaccard similarity (Broder 1997) of the shingles of both; 0 where one is too short to tell.
    """
    mine = _shingles(text)
    return [_jaccard(mine, _shingles(other)) for other in others]


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = _WORD.findall(text.casefold())
    if len(words) < FEWEST_WORDS:
        return set()
    return set(zip(*(islice(words, at, None) for at in range(SHINGLE_WORDS)), strict=False))


def _jaccard(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> float:
    if not (one and other):
        return 0.0
    return len(one & other) / len(one | other)
