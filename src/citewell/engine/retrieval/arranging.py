"""Puts hits in an order for readers: repetitions folded, and different passages before like ones.

Folding must not hide what differs. A passage is folded only into a better one with the same
headings that has all its sentences, in its order: punctuation, case and articles aside. A passage
of another year, version or amount has other words or numbers, and stays.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

from citewell.engine.retrieval.base import ChunkView, Hit
from citewell.engine.text.normalisation import normalise, words
from citewell.engine.text.sentences import split_sentences

# Words that carry nothing of their own; negations and prepositions would.
_ARTICLES = frozenset(("the", "a", "an"))

# Two long words near the beginning, in letters that no form of Unicode changes: a text without them
# does not repeat the passage, which spares nearly all of them the whole comparison.
_PROBED = re.compile(r"[a-z0-9]{3,}")
_PROBED_CHARACTERS = 300

NEIGHBOUR_SHARE = 0.5
"""Score of a neighbour, as a share of the score of the passage that was found."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How hits are arranged; by default as they were ranked."""

    folds: bool = False
    """Whether passages that repeat a better one are left out, and named in its `folded`."""
    diversity: float = 0.0
    """Weight of being unlike the passages before, 0..1 (maximal marginal relevance, Carbonell and
    Goldstein 1998)."""
    neighbours: int = 0
    """Passages to give before and after each one that is found; they take no place of others."""

    @property
    def is_plain(self) -> bool:
        """Whether nothing is arranged."""
        return not self.folds and self.diversity == 0

    def pool(self, top_k: int) -> int:
        """Hits to choose from: twice as many as are wanted, and ten for few.

        Folding takes more: a text may lie in fifty folders.
        """
        if self.folds:
            return max(4 * top_k, top_k + 50)
        return top_k if self.is_plain else max(2 * top_k, top_k + 10)


AS_RANKED = Arrangement()


def arrange(hits: Sequence[Hit], arrangement: Arrangement, top_k: int) -> list[Hit]:
    """The best `top_k` hits, arranged."""
    kept = _folded(hits) if arrangement.folds else list(hits)
    if arrangement.diversity:
        kept = _diverse(kept, arrangement.diversity, top_k)
    return kept[:top_k]


def neighbours_of(hits: Sequence[Hit], most: int) -> list[Hit]:
    """The neighbours of the hits as hits of their own, those of the best first.

    They score a share of what brought them, since no leg found them.

    Args:
        hits: Best first.
        most: How many at most.
    """
    known = {hit.chunk_id for hit in hits}
    found: list[Hit] = []
    for hit in hits:
        for each in (*reversed(hit.before), *hit.after):
            if each.chunk_id not in known and len(found) < most:
                known.add(each.chunk_id)
                found.append(_beside(hit, each))
    return found


def _beside(hit: Hit, passage: ChunkView) -> Hit:
    return Hit(
        **{each.name: getattr(passage, each.name) for each in fields(ChunkView)},
        score=NEIGHBOUR_SHARE * hit.score,
        dense_score=None,
        lexical_score=0.0,
        dense_rank=None,
        lexical_rank=None,
        has_phrases=False,
    )


def _folded(hits: Sequence[Hit]) -> list[Hit]:
    kept: list[Hit] = []
    texts: list[_Words] = []
    """Words of those kept."""
    for hit in hits:
        text = _Words(hit)
        at = next((at for at, other in enumerate(texts) if text.is_in(other)), None)
        if at is None:
            kept.append(hit)
            texts.append(text)
        else:
            kept[at] = replace(kept[at], folded=(*kept[at].folded, hit))
    return kept


class _Words:
    """A hit's words, taken apart only where another one may repeat them: it takes 0.2 ms."""

    def __init__(self, hit: Hit) -> None:
        self._hit = hit
        self._lower = hit.text.lower()
        self._probes = sorted(_PROBED.findall(self._lower[:_PROBED_CHARACTERS]), key=len)[-2:]

    @cached_property
    def above(self) -> str:
        """Those of the headings."""
        return _plain("\n".join((*self._hit.heading, self._hit.context)))

    @cached_property
    def sentences(self) -> str:
        """Those of the text, by sentences."""
        return _sentences(self._hit)

    def is_in(self, other: "_Words") -> bool:
        """Whether the other one says all that this one says, under the same headings."""
        if not all(probe in other._lower for probe in self._probes):
            return False
        return self.above == other.above and self.sentences in other.sentences


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
