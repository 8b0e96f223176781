"""Vectors in pgvector's forms; written a thousand times a document, so for speed."""

from collections.abc import Iterable
from itertools import chain

from citewell.engine.embedding.base import Vector
from citewell.engine.lexical.base import TERM_SPACE, SparseVector


def dense_literal(vector: Vector) -> str:
    """`[10000e-5,...]`; five decimals are more than half precision keeps."""
    # Integers are written several times faster than floats, hence the exponent in each number. The
    # product needs float64: float32 has too few digits for it.
    digits = (vector.astype("float64") * 1e5).round().astype("int64").tolist()
    return "[" + "e-5,".join(map(str, digits)) + "e-5]"


def dense_vector(sent: bytes) -> Vector:
    """Binary form of `halfvec_send`: a count and a zero of 16 bits each, then the numbers."""
    import numpy as np  # noqa: PLC0415 - see `engine.embedding.base`

    return np.frombuffer(sent, dtype=">f2", offset=4).astype(np.float32)


def sparse_literal(terms: SparseVector) -> str:
    """`{1:0.5,...}/dimensions`."""
    ordered = sorted(terms.items())
    # One formatting call for all terms instead of one for each.
    parts = ",".join(["%d:%.5g"] * len(ordered)) % tuple(chain.from_iterable(ordered))
    return f"{{{parts}}}/{TERM_SPACE}"


def int_array(numbers: Iterable[int]) -> str:
    """`{1,2,...}`: a tenth of the time the driver takes for a list."""
    return f"{{{','.join(map(str, numbers))}}}"
