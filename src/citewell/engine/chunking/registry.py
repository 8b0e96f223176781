"""Chooses a chunker by the name a collection carries."""

from typing import Protocol

from citewell.engine.chunking.base import Chunker, ChunkSizes, TokenCounter
from citewell.engine.chunking.by_kind import ByKindChunker
from citewell.engine.chunking.fixed import FixedChunker
from citewell.engine.chunking.legal import LegalChunker
from citewell.engine.chunking.semantic import SemanticChunker
from citewell.engine.chunking.sentence import SentenceChunker


class _Maker(Protocol):
    def __call__(
        self, count_tokens: TokenCounter, sizes: ChunkSizes, *, language: str = "en"
    ) -> Chunker: ...


_STRATEGIES: dict[str, _Maker] = {
    "structure": ByKindChunker,
    "sentence": SentenceChunker,
    "fixed": FixedChunker,
    "semantic": SemanticChunker,
    "legal_vi": LegalChunker,
}

STRATEGIES = tuple(_STRATEGIES)
"""Names of the strategies, the default first."""


def create_chunker(
    strategy: str, count_tokens: TokenCounter, sizes: ChunkSizes, *, language: str = "en"
) -> Chunker:
    """Make a chunker for one document.

    Args:
        strategy: One of `STRATEGIES`.
        count_tokens: Counts as the embedder does; called once or twice for each block.
        sizes: Sizes in those tokens.
        language: ISO 639-1 code that picks the abbreviations sentences are cut by.

    Raises:
        ValueError: There is no such strategy; the message names those there are.
    """
    maker = _STRATEGIES.get(strategy)
    if maker is None:
        raise ValueError(f"Unknown chunk strategy {strategy!r}; choose {', '.join(STRATEGIES)}.")
    return maker(count_tokens, sizes, language=language)
