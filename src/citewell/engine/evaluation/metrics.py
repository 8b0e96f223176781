"""Retrieval metrics for one question; average them over a set's questions.

A judgement maps document ids to grades; 0 and absent mean not relevant. A ranking is document
ids, best first; of an id that comes twice only the first place counts, as when several passages
of one document are found. Without any relevant document each metric is 0.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

Judgement = Mapping[str, int]

_WORD = re.compile(r"\w+")


def ndcg(ranking: Sequence[str], judgement: Judgement, k: int) -> float:
    """Return nDCG@k with the grade as gain and log2 discount, as trec_eval's ndcg_cut.

    Source: Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques, 2002.
    """
    ideal = sorted((grade for grade in judgement.values() if grade > 0), reverse=True)[:k]
    if not ideal:
        return 0.0
    gains = [max(judgement.get(document, 0), 0) for document in _first_places(ranking, k)]
    return _discounted(gains) / _discounted(ideal)


def recall(ranking: Sequence[str], judgement: Judgement, k: int) -> float:
    """Return the share of the relevant documents that are among the first k."""
    relevant = {document for document, grade in judgement.items() if grade > 0}
    if not relevant:
        return 0.0
    return len(relevant.intersection(_first_places(ranking, k))) / len(relevant)


def precision(ranking: Sequence[str], judgement: Judgement, k: int) -> float:
    """Return the share of relevant documents among the first k that were found, at most k."""
    places = _first_places(ranking, k)
    found = sum(judgement.get(document, 0) > 0 for document in places)
    return found / len(places) if places else 0.0


def f1(ranking: Sequence[str], judgement: Judgement, k: int) -> float:
    """Return the harmonic mean of precision and recall of the first k."""
    shares = precision(ranking, judgement, k), recall(ranking, judgement, k)
    return 2 * shares[0] * shares[1] / sum(shares) if sum(shares) else 0.0


def word_overlap(text: str, reference: str) -> float:
    """Return the F1 of the words that a text shares with a reference, counted with repeats.

    Source: Rajpurkar et al., SQuAD: 100,000+ questions for machine comprehension of text, 2016.
    """
    words, wanted = (Counter(_WORD.findall(each.casefold())) for each in (text, reference))
    shared = (words & wanted).total()
    return 2 * shared / (words.total() + wanted.total()) if shared else 0.0


def reciprocal_rank(ranking: Sequence[str], judgement: Judgement, k: int) -> float:
    """Return 1 / rank of the first relevant document among the first k, else 0; its mean is MRR."""
    for rank, document in enumerate(_first_places(ranking, k), start=1):
        if judgement.get(document, 0) > 0:
            return 1 / rank
    return 0.0


def _first_places(ranking: Sequence[str], k: int) -> list[str]:
    return list(dict.fromkeys(ranking))[:k]


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))
