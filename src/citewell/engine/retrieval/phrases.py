"""Quoted phrases: whether a passage holds them word for word."""

from collections.abc import Sequence

from citewell.engine.text.normalisation import fold, normalise, words


def phrase_share(phrases: Sequence[str], text: str) -> float:
    """Return which share of the phrases a text holds, 0..1; 1 when there are none.

    Words must follow each other as in the phrase; case, spaces and punctuation do not matter.
    A phrase with accents must match them, one without matches any.
    """
    if not phrases:
        return 1.0
    exact = _spaced(normalise(text))
    bare = _spaced(fold(normalise(text)))
    found = 0
    for phrase in phrases:
        wanted = normalise(phrase)
        found += _spaced(wanted) in (bare if wanted.isascii() else exact)
    return found / len(phrases)


def _spaced(text: str) -> str:
    return f" {' '.join(words(text))} "
