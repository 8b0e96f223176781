"""Legal texts: each article (Điều) by itself, a long one cut between its clauses."""

from collections.abc import Iterator
from dataclasses import replace

from citewell.engine.chunking.base import Chunk, ChunkSizes, TokenCounter
from citewell.engine.chunking.headings import HeadingPath
from citewell.engine.chunking.legal_units import VIETNAMESE, Clauses, LegalGrammar
from citewell.engine.chunking.packing import Piece
from citewell.engine.chunking.pages import breaks_within, page_at
from citewell.engine.chunking.places import space_between
from citewell.engine.chunking.structure import StructureChunker
from citewell.engine.parsing.base import Block, BlockKind


class LegalChunker(StructureChunker):
    """Cuts at the units of a legal text.

    Phần, Chương, Mục and Điều (parts, titles, chapters, articles) are the heading path, and the
    clause (Khoản) and point (Điểm) of a chunk that lies in one of them. An article never shares a
    chunk with another. One over the target is cut between its clauses, a clause over it between its
    points; clauses that fit together stay together. Text outside articles is cut as `structure`
    does.
    """

    def __init__(
        self,
        count_tokens: TokenCounter,
        sizes: ChunkSizes,
        *,
        language: str = "vi",
        grammar: LegalGrammar = VIETNAMESE,
    ) -> None:
        super().__init__(count_tokens, sizes, language=language)
        self._headings = HeadingPath(grammar)
        self._grammar = grammar
        self._in_article = False
        self._clauses = Clauses(grammar)
        self._clause: list[Piece] = []
        self._clause_cost = 0
        self._is_long_clause = False

    def feed(self, block: Block) -> Iterator[Chunk]:
        """Take the next block; yield the chunks that are complete."""
        offset = self._extent.open(block.text)
        if block.kind is not BlockKind.LIST_ITEM:
            self._lead_in = ""
        end = 0
        for start, stop in self._segments(block):
            segment = replace(
                block,
                text=block.text[start:stop],
                page=page_at(block.page, block.breaks, start),
                breaks=breaks_within(block.breaks, start, stop),
            )
            role = self._headings.take(segment)
            was_article = self._in_article
            if role.starts_section:
                self._in_article = self._headings.is_in_article
                self._clauses.leave()
            opens_clause = self._in_article and self._clauses.take(segment.text)
            if role.starts_section or opens_clause:
                yield from self._release()
            is_first = True
            for part in self._divider.parts(segment.text, block.kind, self._packer.room):
                self._extent.skip(space_between(block.text, end, start + part.start))
                piece = self._piece(segment, part, offset + start, role, is_first=is_first)
                piece = replace(piece, path=(*piece.path, *self._clauses.labels))
                if piece.starts_section:
                    piece = replace(piece, starts_unit=was_article or self._in_article)
                yield from self._take(piece)
                end = start + part.end
                is_first = False
        self._extent.skip(space_between(block.text, end, len(block.text)))

    def finish(self) -> Iterator[Chunk]:
        """Yield what is left."""
        yield from self._release()
        yield from super().finish()

    def _segments(self, block: Block) -> Iterator[tuple[int, int]]:
        """Stretches of a block that open with at most one unit each: texts wrap several up."""
        start = 0
        if block.kind is BlockKind.PARAGRAPH and (self._in_article or self._names_article(block)):
            for match in self._grammar.lines.finditer(block.text):
                if match.start() > start:
                    yield start, match.start()
                    start = match.start()
        yield start, len(block.text)

    def _names_article(self, block: Block) -> bool:
        units = (
            self._grammar.unit.match(match[0].lstrip())
            for match in self._grammar.lines.finditer(block.text)
        )
        return any(
            unit is not None and unit["unit"].lower() in self._grammar.basic for unit in units
        )

    def _take(self, piece: Piece) -> Iterator[Chunk]:
        """Pass a piece on, or hold it until its clause is known to be short or long."""
        if piece.starts_section or not self._in_article or self._is_long_clause:
            yield from self._packer.add(piece)
            return
        self._clause.append(piece)
        self._clause_cost += piece.cost + len(piece.gap or "")
        if self._clause_cost > self._target:
            yield from self._release()
            self._is_long_clause = True

    def _release(self) -> Iterator[Chunk]:
        """Pack the clause that is held: whole with what is there, or else in a chunk of its own."""
        pieces, cost = self._clause, self._clause_cost
        self._clause, self._clause_cost, self._is_long_clause = [], 0, False
        if pieces and self._packer.held + cost > self._target:
            pieces[0] = replace(pieces[0], starts_section=True, starts_unit=True)
        for piece in pieces:
            yield from self._packer.add(piece)
