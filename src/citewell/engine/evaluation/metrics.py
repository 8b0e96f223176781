"""Retrieval metrics for one question; average them over a set's questions.

A judgement maps document ids to grades; 0 and absent mean not relevant. A ranking is document
ids, best first; of an id that comes twice only the first place counts, as when several passages
of one document are found. Without any relevant document each metric is 0.
"""

import math
from collections.abc import Mapping, Sequence

Judgement = Mapping[str, int]


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
