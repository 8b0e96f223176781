# ruff: noqa: RUF001 - the marks of other scripts are meant
"""The default chunker: cuts along sections, paragraphs, lists and tables."""

from collections.abc import Iterator

from citewell.engine.chunking.base import Chunk, ChunkSizes, TokenCounter
from citewell.engine.chunking.headings import HeadingPath, SectionRole
from citewell.engine.chunking.packing import Packer, Piece
from citewell.engine.chunking.pages import breaks_within, page_at
from citewell.engine.chunking.pieces import Divider, Part
from citewell.engine.chunking.places import Extent, space_between
from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.text.sentences import split_sentences

MAX_CONTEXT = 300
"""Longest header row or lead-in repeated as context, in characters."""

_SECTION_SHARE = 6
"""Divisor of the target: a section of at least a sixth of it stands alone, smaller ones join the
next."""


class StructureChunker:
    """Cuts along headings, paragraphs, lists, tables and code; never inside a sentence that fits.

    A chunk holds one section's text up to the target. A heading stays with the text below it, a
    question or a `...:` with the text that follows. Tables are cut between rows and code between
    lines; a chunk from the middle of a table or list has the header row or lead-in as its context.
    """

    def __init__(
        self, count_tokens: TokenCounter, sizes: ChunkSizes, *, language: str = "en"
    ) -> None:
        target = min(sizes.target, sizes.limit)
        self._target = target
        self._language = language
        self._extent = Extent()
        self._headings = HeadingPath()
        self._divider = Divider(count_tokens, target - sizes.overlap, language)
        self._packer = Packer(
            count_tokens, sizes, section_minimum=target // _SECTION_SHARE, language=language
        )
        self._lead_in = ""

    def feed(self, block: Block) -> Iterator[Chunk]:
        """Take the next block; yield the chunks that are complete."""
        offset = self._extent.open(block.text)
        role = self._headings.take(block)
        if block.kind is not BlockKind.LIST_ITEM:
            self._lead_in = ""
        end = 0
        for part in self._divider.parts(block.text, block.kind, self._packer.room):
            self._extent.skip(space_between(block.text, end, part.start))
            piece = self._piece(block, part, offset, role, is_first=end == 0)
            yield from self._packer.add(piece)
            end = part.end
        self._extent.skip(space_between(block.text, end, len(block.text)))

    def finish(self) -> Iterator[Chunk]:
        """Yield what is left."""
        yield from self._packer.finish()

    def _piece(
        self, block: Block, part: Part, offset: int, role: SectionRole, *, is_first: bool
    ) -> Piece:
        text = block.text[part.start : part.end]
        # A colon announces, a question is answered: both belong to what follows. A rhetorical
        # question is glued to the next paragraph as well, which does no harm.
        leads = block.kind is BlockKind.PARAGRAPH and text.endswith((":", "：", "?", "？"))
        context = ""
        if block.kind is BlockKind.TABLE and not is_first:
            context = block.text[:MAX_CONTEXT].strip().partition("\n")[0].strip()
        elif block.kind is BlockKind.LIST_ITEM:
            context = self._lead_in
        if leads:
            last = split_sentences(text[-MAX_CONTEXT:], self._language)[-1]
            self._lead_in = text[-MAX_CONTEXT:][last.start : last.end]
        return Piece(
            text=text,
            start=offset + part.start,
            tokens=part.tokens,
            gap=self._extent.take_gap(),
            path=self._headings.path,
            page=page_at(block.page, block.breaks, part.start),
            breaks=breaks_within(block.breaks, part.start, part.end),
            starts_section=(role.starts_section or block.starts_sheet) and is_first,
            # A passage of two sheets would have the name of neither.
            starts_unit=block.starts_sheet and is_first,
            # A third: a longer one is a passage of its own that merely ends with a colon.
            is_glued=role.is_heading or (leads and part.cost <= self._target // 3),
            context=context,
            slack=part.slack,
        )
