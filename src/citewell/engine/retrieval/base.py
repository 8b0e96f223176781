"""Types of a retrieval: the query to an index, the candidates of its legs, and the hits."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from citewell.engine.embedding.base import Calibration, Vector
from citewell.engine.lexical.base import SparseVector
from citewell.engine.text.language import UNDETERMINED

Technique = Literal["rewrite", "variations", "decomposition", "hyde"]
"""How a model makes other questions of one (`rewriting`)."""


@dataclass(frozen=True, slots=True)
class OtherQuestion:
    """A question, or a passage that might answer one, that a model wrote for another question."""

    technique: Technique
    text: str


@dataclass(frozen=True, slots=True)
class HybridQuery:
    """Ranking input. Without a vector or without terms that leg is left out."""

    vector: "Vector | None"
    terms: SparseVector
    dense_weight: float
    top_k: int
    phrases: tuple[str, ...] = ()
    """Chunks that contain these, word for word, come first."""
    frequencies: Mapping[int, int] = field(default_factory=dict[int, int])
    """In how many chunks each term occurs; decides which are read first."""
    calibration: Calibration = field(default_factory=Calibration)
    """Meaning of the cosines of the vector's model."""
    language: str = UNDETERMINED
    """Of the question."""
    neighbours: int = 0
    """Passages to read before and after each one that is found."""


class LegScores(NamedTuple):
    """A chunk that one of the legs found, with the exact scores of both.

    A tuple, because each question makes a hundred: it takes a third of a frozen dataclass's time.
    """

    chunk_id: uuid.UUID
    bm25: float
    """Inner product of the chunk's term weights and the question's."""
    cosine: float | None
    """None where the chunk or the question has no vector."""
    phrase_share: float | None = None
    """Share of the question's quoted phrases it holds; None when there are none."""
    language: str | None = None
    """Of its text, where it matters and was read."""


@dataclass(frozen=True, slots=True)
class LexicalFacts:
    """How far the terms of a question were looked up in an inverted index."""

    budget: int
    """Entries of posting lists that were to be read at most."""
    postings: int
    """Entries that were read."""
    skipped: tuple[int, ...]
    """Terms that were not looked up, the most frequent ones."""
    is_proven: bool
    """Whether no other chunk of the scope can be among the best by its terms."""


@dataclass(slots=True)
class Legs:
    """Candidates of an index for a question, leg by leg, best first."""

    dense: list[LegScores] = field(default_factory=list[LegScores])
    lexical: list[LegScores] = field(default_factory=list[LegScores])
    phrase: list[LegScores] = field(default_factory=list[LegScores])
    """Chunks that contain the question's phrases; other legs may hold more."""
    filler: list[LegScores] = field(default_factory=list[LegScores])
    """Any chunks of the scope, where words alone are compared and too few chunks have them."""
    scope_size: int = 0
    """Chunks in the scope; counted up to one more than the exact limit."""
    is_exact: bool = True
    """Whether the dense and the lexical leg certainly gave the best chunks of the scope."""
    terms: LexicalFacts | None = None
    """None: the terms of all chunks of the scope were compared."""

    def candidates(self) -> dict[int, LegScores]:
        """All of them, each once, by the number of its id; the legs agree on scores.

        Not by the id itself, as a UUID is hashed in Python: a tenth of all that a search does here.
        """
        return {
            each.chunk_id.int: each
            for leg in (self.dense, self.lexical, self.phrase, self.filler)
            for each in leg
        }

    def has(self, count: int) -> bool:
        """Whether there are as many candidates."""
        legs = (self.dense, self.lexical, self.phrase, self.filler)
        # One leg has them nearly always; only else is it counted who is in several.
        return max(map(len, legs)) >= count or len(self.candidates()) >= count


@dataclass(frozen=True, slots=True)
class ChunkView:
    """A chunk as it is shown."""

    chunk_id: uuid.UUID
    document_id: uuid.UUID
    title: str
    version: int
    page: int | None
    heading: tuple[str, ...]
    context: str
    start: int
    end: int
    language: str
    text: str
    page_breaks: tuple[int, ...] = field(default=(), kw_only=True)
    """Offsets in the text at which a page ends."""
    sheet: str | None = field(default=None, kw_only=True)
    """Name of the sheet of a workbook, of which `page` is the number; None elsewhere."""
    before: tuple["ChunkView", ...] = field(default=(), kw_only=True)
    """Passages before it in its version, in order, as far as they were asked for."""
    after: tuple["ChunkView", ...] = field(default=(), kw_only=True)


@dataclass(frozen=True, slots=True)
class Hit(ChunkView):
    """A passage that was found, with what each leg said of it."""

    score: float
    """Fused, in 0..1."""
    dense_score: float | None
    """Cosine similarity, None without a vector."""
    lexical_score: float
    """BM25."""
    dense_rank: int | None
    """Rank in the dense leg from 1; None where that leg did not bring the chunk up."""
    lexical_rank: int | None
    has_phrases: bool
    folded: tuple["Hit", ...] = ()
    """Hits that say the same, left out for this one."""


@dataclass(frozen=True, slots=True)
class HitList:
    """Hits, best first, and how they were found."""

    hits: list[Hit]
    scope_size: int
    """As `Legs.scope_size`."""
    is_exact: bool
    """As `Legs.is_exact`."""
    lexical: LexicalFacts | None = None
    """As `Legs.terms`."""
