"""Which terms of a question the inverted index is asked for, and whether the rest can matter.

Reading the posting lists of all terms costs 18 ms at 67,000 chunks; the rarest terms nearly always
hold the best chunks. What a chunk without them could score at most is known (MaxScore, Turtle and
Flood 1995): each term weighs less than `K1 + 1` in a chunk. If the k-th chunk found scores as much,
the k best are certainly the right ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from citewell.engine.lexical.base import SparseVector
from citewell.engine.lexical.bm25 import best_possible_score

POSTINGS = 4_000
"""Entries of posting lists that are read at first; each costs about 1 us.

200 questions to 20,005 chunks of kernel documentation: 2,000 give recall@10 0.992 and proof for
66 %, 4,000 give 1.000 and 91 %, 8,000 give 1.000 and 99 %.
"""

MOST_POSTINGS = 16_000
"""How far is read on when the first result is not certain."""

ROUNDING = 1.0001
"""Stored weights have five digits, so one may be a little above what it was."""


@dataclass(frozen=True, slots=True)
class TermReading:
    """The terms whose posting lists are read, and what the others could add."""

    read: tuple[int, ...]
    skipped: tuple[int, ...]
    postings: int
    """Entries of the lists that are read."""
    bound: float
    """No chunk that is not read can score more than this."""

    @property
    def is_whole(self) -> bool:
        """Whether every chunk with any term of the question is read."""
        return not self.skipped

    def after(self, before: "TermReading") -> "TermReading":
        """The part of it that was not read before."""
        return replace(self, read=self.read[len(before.read) :])

    def proves(self, scores: list[float], wanted: int) -> bool:
        """Whether the best of `scores`, in falling order, are certainly those of the library."""
        if self.is_whole:
            return True
        return len(scores) >= wanted and scores[wanted - 1] >= self.bound * ROUNDING


def choose_terms(
    weights: SparseVector,
    frequencies: Mapping[int, int],
    postings: int,
    *,
    enough: float = 0.0,
) -> TermReading:
    """The rarest terms, as many as have at most `postings` chunks together; at least one.

    Args:
        weights: Of the question, as `query_weights` gives them.
        frequencies: In how many chunks each term occurs.
        postings: Entries of posting lists to be read at most.
        enough: Score that proves the result; no more terms are taken than it takes for that.
    """
    ranked = sorted(weights, key=lambda term: (frequencies.get(term, 0), term))
    taken, total = 0, 0
    rest = best_possible_score(weights)
    for term in ranked:
        total += frequencies.get(term, 0)
        if taken and (total > postings or rest * ROUNDING <= enough):
            break
        taken += 1
        rest -= best_possible_score({term: weights[term]})
    read, skipped = tuple(ranked[:taken]), tuple(ranked[taken:])
    return TermReading(
        read=read,
        skipped=skipped,
        postings=sum(frequencies.get(term, 0) for term in read),
        bound=best_possible_score({term: weights[term] for term in skipped}),
    )
