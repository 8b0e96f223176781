"""Puts hits in an order for readers: repetitions folded, and different passages before like ones.

Folding must not hide what differs. A passage is folded only into a better one with the same
headings that has all its sentences, in its order: punctuation, case and articles aside. A passage
of another year, version or amount has other words or numbers, and stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from citewell.engine.retrieval.base import Hit
from citewell.engine.text.normalisation import normalise, words
from citewell.engine.text.sentences import split_sentences

# Words that carry nothing of their own; negations and prepositions would.
_ARTICLES = frozenset(("the", "a", "an"))


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How hits are arranged; by default as they were ranked."""

    folds: bool = False
    """Whether passages that repeat a better one are left out, and named in its `folded`."""
    diversity: float = 0.0
    """Weight of being unlike the passages before, 0..1 (maximal marginal relevance, Carbonell and
    Goldstein 1998)."""

    @property
    def is_plain(self) -> bool:
        """Whether nothing is arranged."""
        return not self.folds and self.diversity == 0

    def pool(self, top_k: int) -> int:
        """Hits to choose from: twice as many as are wanted, and ten for few."""
        return top_k if self.is_plain else max(2 * top_k, top_k + 10)


AS_RANKED = Arrangement()


def arrange(hits: Sequence[Hit], arrangement: Arrangement, top_k: int) -> list[Hit]:
    """The best `top_k` hits, arranged."""
    kept = _folded(hits) if arrangement.folds else list(hits)
    if arrangement.diversity:
        kept = _diverse(kept, arrangement.diversity, top_k)
    return kept[:top_k]


def _folded(hits: Sequence[Hit]) -> list[Hit]:
    kept: list[Hit] = []
    texts: list[tuple[str, str]] = []
    """Words of headings and text of those kept."""
    for hit in hits:
        above, text = _plain("\n".join((*hit.heading, hit.context))), _sentences(hit)
        at = next(
            (at for at, other in enumerate(texts) if other[0] == above and text in other[1]), None
        )
        if at is None:
            kept.append(hit)
            texts.append((above, text))
        else:
            kept[at] = replace(kept[at], folded=(*kept[at].folded, hit))
    return kept


def _sentences(hit: Hit) -> str:
    """The sentences with a mark between, so that only whole ones are found in another text."""
    spans = split_sentences(hit.text, hit.language)
    return f".{'.'.join(_plain(hit.text[span.start : span.end]) for span in spans)}."


def _plain(text: str) -> str:
    return " ".join(word for word in words(normalise(text)) if word not in _ARTICLES)


def _diverse(hits: Sequence[Hit], diversity: float, top_k: int) -> list[Hit]:
    best = max((hit.score for hit in hits), default=0.0) or 1.0
    left = [(hit, frozenset(_plain(hit.text).split())) for hit in hits]
    likest = [0.0] * len(left)
    chosen: list[Hit] = []
    while left and len(chosen) < top_k:
        at = max(
            range(len(left)),
            key=lambda one: (1 - diversity) * left[one][0].score / best - diversity * likest[one],
        )
        hit, mine = left.pop(at)
        likest.pop(at)
        chosen.append(hit)
        likest = [
            max(before, len(mine & other) / (len(mine | other) or 1))
            for before, (_, other) in zip(likest, left, strict=True)
        ]
    return chosen
