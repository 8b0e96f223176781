"""The hits of an exact search, by means of its own: every chunk's scores, fused by the formula."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import psycopg
from numpy.typing import NDArray

from bench.indexed import Library
from citewell.engine.lexical.base import SparseVector
from citewell.engine.lexical.bm25 import best_possible_score
from citewell.indexes.postgres.literals import dense_literal, sparse_literal

CANDIDATES = 50
TOLERANCE = 1e-6


class ExactSearch:
    """Scores all chunks a level may see and ranks them in memory."""

    def __init__(self, library: Library) -> None:
        self._connection = psycopg.connect(
            library.url,
            options=f"-c citewell.tenant_id={library.tenant_id} -c jit=off",
            autocommit=True,
        )
        self._connection.execute("SET max_parallel_workers_per_gather = 0")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def rank(
        self, vector: NDArray[np.float32], terms: SparseVector, dense_weight: float, max_level: int
    ) -> "Exact":
        """Score everything the level may see."""
        # Not written as an ORDER BY, so no index can be used.
        rows = self._connection.execute(
            "SELECT id, 1 - (embedding::halfvec(384) <=> %s::halfvec(384)), "
            "-(terms <#> %s::sparsevec) FROM chunk WHERE active AND access_level <= %s",
            (dense_literal(vector), sparse_literal(terms), max_level),
        ).fetchall()
        dense = np.array([row[1] for row in rows])
        lexical = np.array([row[2] for row in rows])
        best = best_possible_score(terms)
        share = np.clip(lexical / best, None, 1.0) if best else np.zeros(len(rows))
        fused = (1 - dense_weight) * share + dense_weight * np.clip(dense, 0.0, 1.0)
        pool = {*np.argsort(-dense)[:CANDIDATES], *np.argsort(-lexical)[:CANDIDATES]}
        ids = [row[0] for row in rows]
        return Exact(
            dict(zip(ids, dense, strict=True)),
            dict(zip(ids, lexical, strict=True)),
            dict(zip(ids, fused, strict=True)),
            sorted((float(fused[place]) for place in pool), reverse=True),
        )


@dataclass(frozen=True, slots=True)
class Exact:
    """Every chunk's scores for one question."""

    dense: dict[uuid.UUID, float]
    lexical: dict[uuid.UUID, float]
    fused: dict[uuid.UUID, float]
    best_fused: list[float]
    """Fused scores of the exact legs' candidates, best first."""


def recall(found: Iterable[uuid.UUID], scores: dict[uuid.UUID, float], best: list[float]) -> float:
    """Share of the best k that was found; who scores as much as the last of them counts too.

    Args:
        found: At most k ids.
        scores: Every chunk's score.
        best: The exact best k scores, best first.
    """
    return sum(scores[each] >= best[-1] - TOLERANCE for each in found) / len(best)
