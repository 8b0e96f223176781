"""Vectors in pgvector's text form."""

import numpy as np

from citewell.engine.embedding.base import Vector
from citewell.engine.lexical.base import TERM_SPACE, SparseVector


def dense_literal(vector: Vector) -> str:
    """`[0.1,...]`; five decimals are more than half precision keeps."""
    return "[" + ",".join(map(str, np.round(vector.astype(np.float64), 5).tolist())) + "]"


def sparse_literal(terms: SparseVector) -> str:
    """`{1:0.5,...}/dimensions`."""
    parts = ",".join(f"{term}:{weight:.5g}" for term, weight in sorted(terms.items()))
    return f"{{{parts}}}/{TERM_SPACE}"
