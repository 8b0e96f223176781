"""What an exact search finds, by means of its own: every chunk's scores, fused by the formula."""

import uuid

import numpy as np
import psycopg
from numpy.typing import NDArray

from bench.library import Library
from citewell.engine.lexical.base import SparseVector
from citewell.engine.lexical.bm25 import best_possible_score
from citewell.indexes.postgres.literals import dense_literal, sparse_literal

CANDIDATES = 50


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
        self,
        vector: NDArray[np.float32],
        terms: SparseVector,
        dense_weight: float,
        max_level: int,
        top_k: int,
    ) -> tuple[list[uuid.UUID], list[uuid.UUID], list[uuid.UUID]]:
        """Ids, best first: fused, dense leg, lexical leg."""
        # Not written as an ORDER BY, so no index can be used.
        rows = self._connection.execute(
            "SELECT id, 1 - (embedding::halfvec(384) <=> %s::halfvec(384)), "
            "-(terms <#> %s::sparsevec) FROM chunk WHERE active AND access_level <= %s",
            (dense_literal(vector), sparse_literal(terms), max_level),
        ).fetchall()
        ids = [row[0] for row in rows]
        dense = np.array([row[1] for row in rows])
        lexical = np.array([row[2] for row in rows])
        by_dense = np.argsort(-dense, kind="stable")
        by_lexical = np.argsort(-lexical, kind="stable")
        best = best_possible_score(terms)
        share = np.clip(lexical / best, None, 1.0) if best else np.zeros(len(ids))
        fused = (1 - dense_weight) * share + dense_weight * np.clip(dense, 0.0, 1.0)
        pool = sorted(
            {*by_dense[:CANDIDATES].tolist(), *by_lexical[:CANDIDATES].tolist()},
            key=lambda place: (-fused[place], ids[place]),
        )
        return (
            [ids[place] for place in pool[:top_k]],
            [ids[place] for place in by_dense[:top_k]],
            [ids[place] for place in by_lexical[:top_k]],
        )
