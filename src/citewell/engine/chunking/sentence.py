"""Whole sentences up to the target, whatever sections and paragraphs they belong to."""

from collections.abc import Iterator

from citewell.engine.chunking.base import Chunk, ChunkSizes, TokenCounter
from citewell.engine.chunking.headings import HeadingPath
from citewell.engine.chunking.packing import Packer, Piece
from citewell.engine.chunking.pages import breaks_within, page_at
from citewell.engine.chunking.pieces import Divider, Part
from citewell.engine.chunking.places import Extent, space_between
from citewell.engine.parsing.base import Block


class SentenceChunker:
    """Packs sentences (table rows, lines of code) in order until the target is reached."""

    def __init__(
        self, count_tokens: TokenCounter, sizes: ChunkSizes, *, language: str = "en"
    ) -> None:
        self._extent = Extent()
        self._headings = HeadingPath()
        self._divider = Divider(count_tokens, sizes.target, language)
        # 1: this strategy does not look at sections, so none has to reach a size.
        self._packer = Packer(count_tokens, sizes, section_minimum=1, language=language)
        self._target = min(sizes.target, sizes.limit)

    def feed(self, block: Block) -> Iterator[Chunk]:
        """Take the next block; yield the chunks that are complete."""
        offset = self._extent.open(block.text)
        self._headings.take(block)
        end = 0
        for part in self._units(block):
            self._extent.skip(space_between(block.text, end, part.start))
            piece = Piece(
                text=block.text[part.start : part.end],
                start=offset + part.start,
                tokens=part.tokens,
                gap=self._extent.take_gap(),
                path=self._headings.path,
                page=page_at(block.page, block.breaks, part.start),
                breaks=breaks_within(block.breaks, part.start, part.end),
            )
            yield from self._packer.add(piece)
            end = part.end
        self._extent.skip(space_between(block.text, end, len(block.text)))

    def _units(self, block: Block) -> Iterator[Part]:
        return self._divider.units(block.text, block.kind, self._target)

    def finish(self) -> Iterator[Chunk]:
        """Yield what is left."""
        yield from self._packer.finish()
