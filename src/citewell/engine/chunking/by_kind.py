"""The default: looks at the beginning of a document, and cuts it as its kind asks for."""

from collections.abc import Iterator

from citewell.engine.chunking.base import Chunk, Chunker, ChunkSizes, TokenCounter
from citewell.engine.chunking.kinds import KIND_CHARS, legal_grammar
from citewell.engine.chunking.legal import LegalChunker
from citewell.engine.chunking.structure import StructureChunker
from citewell.engine.parsing.base import Block


class ByKindChunker:
    """Cuts legal texts at their articles, clauses and points, all others by their structure.

    Blocks are held until `KIND_CHARS` of them are there, so the first chunks come late.
    """

    def __init__(
        self, count_tokens: TokenCounter, sizes: ChunkSizes, *, language: str = "en"
    ) -> None:
        self._count_tokens = count_tokens
        self._sizes = sizes
        self._language = language
        self._held: list[Block] = []
        self._length = 0
        self._chosen: Chunker | None = None

    def feed(self, block: Block) -> Iterator[Chunk]:
        """Take the next block; yield the chunks that are complete."""
        if self._chosen is not None:
            yield from self._chosen.feed(block)
            return
        self._held.append(block)
        self._length += len(block.text)
        if self._length >= KIND_CHARS:
            yield from self._begin()

    def finish(self) -> Iterator[Chunk]:
        """Yield what is left."""
        if self._chosen is None:
            yield from self._begin()
        assert self._chosen is not None
        yield from self._chosen.finish()

    def _begin(self) -> Iterator[Chunk]:
        grammar = legal_grammar(self._held)
        if grammar is None:
            chosen = StructureChunker(self._count_tokens, self._sizes, language=self._language)
        else:
            chosen = LegalChunker(
                self._count_tokens, self._sizes, language=grammar.language, grammar=grammar
            )
        self._chosen = chosen
        held, self._held = self._held, []
        for block in held:
            yield from chosen.feed(block)
