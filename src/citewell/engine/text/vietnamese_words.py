"""Vietnamese words of several syllables: a lexicon of those whose parts do not tell what they mean.

`Tài chính` is no kind of `tài`, while `tấn chè` is tons of tea: a text without the first tells of
something else, one without the second may say the same in other words. The list is written by hand
(`vietnamese_words.txt`); what it lacks counts as a free combination.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files

from citewell.engine.text.vietnamese import folded_key, syllable_key

_MOST_SYLLABLES = 4
"""Of a word in the list."""


def words_in(syllables: Sequence[str], *, is_folded: bool) -> Iterator[range]:
    """Yield where words of the lexicon stand in a text, the longest at each place.

    Args:
        syllables: Normalised syllables of the text, in order.
        is_folded: Whether they are without tone marks; then words are known by their letters.
    """
    known = _lexicon(is_folded=is_folded)
    key = folded_key if is_folded else syllable_key
    keys = tuple(map(key, syllables))
    for at in range(len(keys) - 1):
        for size in range(min(_MOST_SYLLABLES, len(keys) - at), 1, -1):
            if keys[at : at + size] in known:
                yield range(at, at + size)
                break


@cache
def _lexicon(*, is_folded: bool) -> frozenset[tuple[str, ...]]:
    """Read the list: words set apart by commas, `#` before the name of a field."""
    text = files("citewell.engine.text").joinpath("vietnamese_words.txt").read_text("utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    listed = (word.split() for line in lines for word in line.split(",") if word.strip())
    key = cache(folded_key if is_folded else syllable_key)  # 12,000 words of few syllables
    return frozenset(tuple(map(key, word)) for word in listed)
