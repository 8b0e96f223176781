"""BM25 as sparse vectors: passages carry term weights, questions carry IDF weights."""

from dataclasses import dataclass
from typing import Literal

TERM_SPACE = 2**29
"""Hashed term ids are 1..TERM_SPACE: wide enough that two of a library's terms rarely meet."""

SparseVector = dict[int, float]
"""Hashed term id -> weight."""

Namespace = Literal["en", "vi", "folded", "other", "code", "acronym", "form"]
"""A term's field: English stems, exact Vietnamese, unaccented Vietnamese, other words, codes,
acronyms of what is named in words, forms whose words say less than what is written."""

ANALYSIS = 2
"""The version of what passages are indexed by; a generation of the index holds one of them.

1 has no forms (`forms`). Questions ask for the terms of all versions, of which an older generation
holds some, until `citewell reindex` makes it anew.
"""


@dataclass(frozen=True, slots=True)
class PassageTerms:
    """The lexical side of a chunk."""

    weights: SparseVector
    """BM25 weight of each term, all but its IDF; at most 1,000 terms."""


@dataclass(frozen=True, slots=True)
class QueryTerm:
    """One term of a question."""

    id: int
    text: str
    """For `explain`."""
    namespace: Namespace
    count: int
    boost: float = 1.0
    covered_by: tuple[int, ...] = ()
    """Terms of a form that says more than this word does; where the library has one of them, this
    one counts little."""
    fallback_for: tuple[int, ...] = ()
    """Terms that say the same more exactly; where the library has one of them, this one counts
    little in the ranking."""
    is_optional: bool = False
    """Whether it is another way to say what other terms say: where the library does not have it,
    nothing is missing."""


@dataclass(frozen=True, slots=True)
class CorpusStatistics:
    """Statistics of a tenant's generation that the IDF of a question's terms needs."""

    chunk_count: int
    document_frequency: dict[int, int]
    """Term id -> number of active chunks with it; absent means 0."""
