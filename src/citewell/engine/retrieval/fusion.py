"""How the lexical and the dense leg become one score.

    score = (1 - w) * bm25 / best + w * share(cosine)

`best` is what BM25 could give at most for the question (`best_possible_score`), and `share` says
how far a cosine lies between those that the model gives to unrelated and to answering texts of
these languages (`Calibration`; for the bundled model between 0 and 1). So both parts, and the
score, are shares of 0..1 that do not depend on which other candidates are there. With quoted
phrases the score is (score + share of the phrases held) / 2, so who holds one stands first.

The weight `w` is that of the model and the question's language where it was learned
(`tools/learn_fusion.py`), else one of the two below.

Against min-max over the pool at its own best weight (0.4 to 0.5), nDCG@10 of 600 questions:
SQuAD 0.909 to 0.907, SciFact 0.762 to 0.760, XQuAD-en 0.984 to 0.984, ViQuAD 0.883 to 0.881.
The top 20 of each leg make as good a pool as the top 200.
"""

import uuid
from collections.abc import Iterable
from typing import NamedTuple

from citewell.engine.embedding.base import Calibration, EmbedderSpec
from citewell.engine.lexical.base import CorpusStatistics, QueryTerm
from citewell.engine.lexical.bm25 import best_possible_score, inverse_document_frequency, is_covered
from citewell.engine.retrieval.analysis import QueryAnalysis
from citewell.engine.retrieval.base import HybridQuery, LegScores
from citewell.engine.text.language import UNDETERMINED

FIT_WEIGHT = 0.4
"""Dense weight for languages the embedder covers.

0.3, 0.4 and 0.5 give nDCG@10 0.908, 0.909 and 0.902 on SQuAD, 0.758, 0.762 and 0.766 on SciFact,
0.982, 0.984 and 0.983 on XQuAD-en; BM25 alone gives 0.887, 0.720 and 0.972.
"""

UNFIT_WEIGHT = 0.1
"""Dense weight for other languages: names, numbers and borrowed words still mean something.

With the bundled English embedder 0, 0.1 and 0.2 give 0.880, 0.883 and 0.878 on ViQuAD, 0.967,
0.968 and 0.966 on XQuAD-vi, 0.963, 0.963 and 0.961 on ALQAC; Vietnamese questions over English
passages gain 0.008 from 0 to 0.1.
"""


_ENOUGH_KNOWN = 0.5
"""Share of known words from which words count in full.

Of 1,190 Vietnamese questions over English passages nine in ten have less than 0.3, of questions in
the language of their passages one in fifty less than 0.7. With multilingual-e5-small the former's
nDCG@10 is 0.73 at the usual weight, 0.828 by vectors alone and 0.833 so; the latter's stays.
"""

PLAIN = Calibration()
"""Cosines taken as they are."""


class FusedCandidate(NamedTuple):
    """A candidate and its fused score in 0..1."""

    candidate: LegScores
    score: float


def dense_weight(
    analysis: QueryAnalysis, spec: EmbedderSpec, statistics: CorpusStatistics | None = None
) -> float:
    """Return the dense leg's share of the score, 0..1, by how the embedder fits the question.

    Args:
        analysis: The question.
        spec: The embedder.
        statistics: Of the question's terms. With a model that crosses languages, words count the
            less the fewer of them the library knows.
    """
    language = analysis.language
    if language == UNDETERMINED:
        # Names, codes and key words show no language; in plain letters any model reads them.
        return UNFIT_WEIGHT if analysis.has_diacritics and spec.languages else FIT_WEIGHT
    weight = FIT_WEIGHT if spec.covers(language) else UNFIT_WEIGHT
    weight = spec.calibration.weights.get(language, weight)
    if statistics is None or not (spec.calibration.crosses_languages and spec.covers(language)):
        return weight
    known = min(_known_share(analysis.terms, statistics) / _ENOUGH_KNOWN, 1.0)
    return 1 - (1 - weight) * known


def _known_share(terms: Iterable[QueryTerm], statistics: CorpusStatistics) -> float:
    """Share of the question's words, by IDF, that any passage holds under one of their ids."""
    frequency: dict[str, int] = {}
    for term in terms:
        is_word = " " not in term.text and term.namespace != "acronym"
        if is_word and not (term.is_optional or is_covered(term, statistics)):
            found = statistics.document_frequency.get(term.id, 0)
            frequency[term.text] = max(frequency.get(term.text, 0), found)
    weights = {
        text: inverse_document_frequency(count, statistics.chunk_count)
        for text, count in frequency.items()
    }
    total = sum(weights.values())
    return sum(weights[text] for text, count in frequency.items() if count) / total if total else 1


def fused_score(
    candidate: LegScores, weight: float, best_bm25: float, bounds: tuple[float, float] = (0.0, 1.0)
) -> float:
    """Return a candidate's score in 0..1, the formula at the head of this module.

    Args:
        candidate: The passage's scores.
        weight: The dense leg's share, as `dense_weight` gives it; 0 when that leg failed.
        best_bm25: What `best_possible_score` gives; 0 when the library knows no term.
        bounds: Cosines that count as no and as full likeness, as `Calibration.bounds_of` says.
    """
    # Without `min` and `max`, as it is asked a hundred times for each question: half the time.
    _, bm25, cosine, phrase_share, _ = candidate
    lexical = bm25 / best_bm25 if best_bm25 > 0 else 0.0
    score = (1 - weight) * (lexical if lexical < 1 else 1.0)
    if cosine is not None:
        floor, ceiling = bounds
        dense = (cosine - floor) / (ceiling - floor)
        if dense > 0:
            score += weight * (dense if dense < 1 else 1.0)
    return score if phrase_share is None else (score + phrase_share) / 2


def fuse(candidates: Iterable[LegScores], query: HybridQuery) -> list[FusedCandidate]:
    """Rank candidates, best first; equal scores in the order of their ids."""
    best, weight = best_possible_score(query.terms), query.dense_weight
    bounds: dict[str | None, tuple[float, float]] = {}
    fused: list[FusedCandidate] = []
    for each in candidates:
        known = bounds.get(each.language)
        if known is None:
            known = query.calibration.bounds_of(query.language, each.language)
            bounds[each.language] = known
        fused.append(FusedCandidate(each, fused_score(each, weight, best, known)))
    fused.sort(key=_by_score)
    return fused


def _by_score(fused: FusedCandidate) -> tuple[float, uuid.UUID]:
    return -fused.score, fused.candidate.chunk_id
