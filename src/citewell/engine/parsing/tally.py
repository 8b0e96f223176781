"""Counts characters cheaply, to compare a document's text layer with what was read of it."""

import unicodedata
from collections import Counter
from functools import lru_cache

_PIECE = 64 * 1024
"""Characters counted at once."""
_LARGE = 50_000
"""Characters from which NumPy counts: loading it takes as long as counting a million without."""

# Marks that formats and readers put in and take out: bullets, rules, leaders, bars of tables,
# and the marks of Markdown. Dashes and signs are counted: they are part of numbers.
_UNCOUNTED = frozenset("._=*#`|~>•◦▪‣●○■□·…\\\ufffd")


class Tally:
    """Characters and how often each occurs; spaces do not count."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._held: list[str] = []
        self._size = 0
        self._total = 0

    def add(self, text: str) -> None:
        """Count the characters of a text, at the latest when they are asked for."""
        self._held.append(text)
        self._size += len(text)
        if self._size >= _PIECE:
            self._count()

    def subtract(self, text: str) -> None:
        """Take the characters of a text off."""
        self._counts.subtract(text)

    def folded(self) -> Counter[str]:
        """Counts by base letter: accents, ligatures, widths and heights make no difference.

        Source and text may differ in normalisation, and raised digits come as such.
        """
        self._count()
        found: Counter[str] = Counter()
        for character, count in self._counts.items():
            for base in _bases(character):
                found[base] += count
        return found

    def _count(self) -> None:
        if not self._held:
            return
        text = "".join(self._held)
        self._total += len(text)
        self._held, self._size = [], 0
        if self._total < _LARGE:
            self._counts.update(text)
            return
        import numpy as np  # noqa: PLC0415 - a small document is counted without

        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        counts = np.bincount(codes)
        for code in counts.nonzero()[0].tolist():
            self._counts[chr(code)] += int(counts[code])


@lru_cache(maxsize=8_192)
def _bases(character: str) -> str:
    """The characters that count of one: its letters without marks, width and height."""
    return "".join(
        base
        for base in unicodedata.normalize("NFKD", character)
        if base not in _UNCOUNTED and unicodedata.category(base)[0] not in "ZCM"
    )


def share_lost(source: Tally, *read: Tally) -> tuple[int, int]:
    """Characters of the source that are in none of the others, and those of the source."""
    there = source.folded()
    found: Counter[str] = Counter()
    for tally in read:
        found.update(tally.folded())
    lost = sum(max(count - found[character], 0) for character, count in there.items())
    return lost, there.total()
