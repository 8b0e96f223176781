"""Vietnamese legal texts: each article (Điều) by itself, a long one cut between its clauses."""

import re
from collections.abc import Iterator
from dataclasses import replace

from citewell.engine.chunking.base import Chunk, ChunkSizes, TokenCounter
from citewell.engine.chunking.packing import Piece
from citewell.engine.chunking.places import space_between
from citewell.engine.chunking.structure import StructureChunker
from citewell.engine.parsing.base import Block, BlockKind

# "Điều 12." or "Điều 12a:"; the mark is required, since a mention in running text has none.
_ARTICLE = r"[Đđ](?:iều|IỀU)\s{1,4}\d{1,4}[a-zđ]?[ \t]{0,4}[.:]"
# "1. " at the beginning of a line. A numbered list inside an article looks the same and is cut the
# same way, which does no harm: it is packed again up to the target.
_CLAUSE = r"\d{1,3}[a-zđ]?\.\s"
# "a) " or "đ) "; two letters occur in long lists ("aa)").
_POINT = r"[a-zđ]{1,2}\)\s"
_PART = (
    r"(?:P(?:hần|HẦN)|C(?:hương|HƯƠNG)|M(?:ục|ỤC)|T(?:iểu mục|IỂU MỤC))\s{1,4}(?:[IVXLC]|\d|thứ)"
)

_ARTICLE_LINE = re.compile(rf"^[ \t]*{_ARTICLE}", re.MULTILINE)
_UNIT_LINE = re.compile(rf"^[ \t]*(?:{_PART}|{_ARTICLE}|{_CLAUSE}|{_POINT})", re.MULTILINE)
_CLAUSE_OPENING = re.compile(rf"\s*{_CLAUSE}")


class LegalVietnameseChunker(StructureChunker):
    """Cuts at the units of a legal document (Decree 78/2025/NĐ-CP, article 8).

    Phần, Chương, Mục and Điều are the heading path. An article never shares a chunk with another.
    One over the target is cut between its clauses (Khoản), a clause over it between its points
    (Điểm); clauses that fit together stay together. Text outside articles is cut as `structure`
    does.
    """

    def __init__(
        self, count_tokens: TokenCounter, sizes: ChunkSizes, *, language: str = "vi"
    ) -> None:
        super().__init__(count_tokens, sizes, language=language)
        self._in_article = False
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
            segment = replace(block, text=block.text[start:stop])
            role = self._headings.take(segment)
            was_article = self._in_article
            if role.starts_section:
                self._in_article = self._headings.path[-1].lower().startswith("điều")
            if role.starts_section or self._opens_clause(segment):
                yield from self._release()
            is_first = True
            for part in self._divider.parts(segment.text, block.kind, self._packer.room):
                self._extent.skip(space_between(block.text, end, start + part.start))
                piece = self._piece(segment, part, offset + start, role, is_first=is_first)
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
        if block.kind is BlockKind.PARAGRAPH and (
            self._in_article or _ARTICLE_LINE.search(block.text)
        ):
            for match in _UNIT_LINE.finditer(block.text):
                if match.start() > start:
                    yield start, match.start()
                    start = match.start()
        yield start, len(block.text)

    def _opens_clause(self, segment: Block) -> bool:
        return self._in_article and _CLAUSE_OPENING.match(segment.text) is not None

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
