"""Packs pieces of text into chunks, in order and in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass

from citewell.engine.chunking.base import Chunk, ChunkSizes, TokenCounter
from citewell.engine.chunking.pages import breaks_within, page_at
from citewell.engine.text.sentences import split_sentences

CHARS_PER_TOKEN = 10
"""A chunk's text is at most this many times its limit long: a tokenizer that makes one token of
any long word (WordPiece: over 100 characters) would let a text without spaces grow unbounded."""

MAX_GAP = 64
"""Length from which white space ends a chunk, so that it need not be kept in memory."""


@dataclass(frozen=True, slots=True)
class Piece:
    """An indivisible stretch of text."""

    text: str
    start: int
    tokens: int
    gap: str | None
    """White space since the piece before; None when there is too much of it."""
    path: tuple[str, ...]
    page: int | None
    starts_section: bool = False
    starts_unit: bool = False
    """With `starts_section`: never shares a chunk with the text before, however short that is."""
    is_glued: bool = False
    """Belongs to the text that follows: a heading, or the sentence that introduces a list."""
    is_repeated: bool = False
    """Already stands in the chunk before (overlap)."""
    context: str = ""
    slack: int = 0
    """White space inside that `tokens` does not count."""
    breaks: tuple[int, ...] = ()
    """Offsets in the text at which a page ends within the piece."""

    @property
    def cost(self) -> int:
        """Tokens it takes up, with long words charged by their length."""
        return max(self.tokens, -(-len(self.text) // CHARS_PER_TOKEN))


class Packer:
    """Collects pieces until the target is reached or a section ends.

    A piece must not cost more than `sizes.limit`.
    """

    def __init__(
        self, count_tokens: TokenCounter, sizes: ChunkSizes, *, section_minimum: int, language: str
    ) -> None:
        self._count_tokens = count_tokens
        self._limit = sizes.limit
        self._target = min(sizes.target, sizes.limit)
        self._overlap = sizes.overlap
        self._minimum = section_minimum
        self._language = language
        self._pieces: list[Piece] = []
        self._ordinal = 0

    @property
    def room(self) -> int:
        """Tokens the next piece may cost and still stay with the heading before it."""
        glue = self._trailing_glue()
        room = self._limit - sum(p.cost + p.slack + len(p.gap or "") for p in glue) - 2
        # Less than half a chunk of room: better to part a long heading from its text than to cut
        # the text into crumbs.
        return room if glue and room >= self._limit // 2 else self._limit

    @property
    def held(self) -> int:
        """Tokens of the pieces that wait for their chunk to be complete."""
        return sum(piece.cost + len(piece.gap or "") for piece in self._pieces)

    def add(self, piece: Piece) -> Iterator[Chunk]:
        """Take the next piece; yield the chunks that are complete."""
        if piece.starts_section and self._is_section_done(piece):
            yield from self._flush()
        if self._pieces and not self._fits(piece):
            glue = self._trailing_glue()
            rest = self._pieces[: len(self._pieces) - len(glue)]
            if rest:
                self._pieces = rest
                carried = glue or self._carry(piece)
                yield from self._flush()
                self._pieces = carried
            if self._pieces and not self._fits(piece):
                yield from self._flush()
        self._pieces.append(piece)

    def finish(self) -> Iterator[Chunk]:
        """Yield the last chunk."""
        yield from self._flush()

    def _is_section_done(self, piece: Piece) -> bool:
        """Whether the section before a heading is large enough to stand alone."""
        body = sum(p.cost for p in self._pieces if not p.is_glued and not p.is_repeated)
        if piece.starts_unit:
            return body > 0
        return body >= (self._minimum if len(piece.path) > 1 else max(1, self._minimum // 2))

    def _fits(self, piece: Piece) -> bool:
        if piece.gap is None:
            return False
        held = self._pieces
        cost = sum(p.cost for p in held) + piece.cost
        # Some tokenizers count white space; at most one token a character.
        gaps = sum(len(p.gap or "") + p.slack for p in held[1:]) + held[0].slack
        gaps += len(piece.gap) + piece.slack
        length = piece.start + len(piece.text) - held[0].start
        if cost + gaps > self._limit or length > self._limit * CHARS_PER_TOKEN:
            return False
        body = [p for p in held if not p.is_glued]
        # Over the target, a chunk may grow only while it says too little to stand alone.
        return cost <= self._target or sum(p.cost for p in body) < self._minimum

    def _trailing_glue(self) -> list[Piece]:
        at = len(self._pieces)
        while at and self._pieces[at - 1].is_glued:
            at -= 1
        return self._pieces[at:]

    def _carry(self, following: Piece) -> list[Piece]:
        """Make the overlap: the last sentences of the chunk that ends, as one piece."""
        if not self._overlap or following.gap is None or following.starts_section:
            return []
        last = self._pieces[-1]
        room = min(self._overlap, self._limit - following.cost - len(following.gap))
        low = max(0, len(last.text) - self._overlap * CHARS_PER_TOKEN)
        spans = [s for s in split_sentences(last.text, self._language) if s.start >= low]
        counts = self._count_tokens([last.text[s.start : s.end] for s in spans])
        start, tokens = len(last.text), 0
        for span, count in zip(reversed(spans), reversed(counts), strict=True):
            cost = tokens + count + 1
            if span.start == 0 or max(cost, (len(last.text) - span.start) // 5) > room:
                break
            start, tokens = span.start, cost
        if not tokens:
            return []
        text = last.text[start:]
        return [
            Piece(
                text,
                last.start + start,
                tokens,
                None,
                last.path,
                page_at(last.page, last.breaks, start),
                is_repeated=True,
                breaks=breaks_within(last.breaks, start, len(last.text)),
                context=last.context,
            )
        ]

    def _flush(self) -> Iterator[Chunk]:
        pieces, self._pieces = self._pieces, []
        if all(piece.is_repeated for piece in pieces):
            return
        first, last = pieces[0], pieces[-1]
        text = first.text + "".join((piece.gap or "") + piece.text for piece in pieces[1:])
        yield Chunk(
            ordinal=self._ordinal,
            text=text,
            start=first.start,
            end=last.start + len(last.text),
            heading=_shared_path(pieces),
            page=first.page,
            page_breaks=_page_breaks(pieces),
            token_count=sum(piece.tokens for piece in pieces),
            context=first.context,
        )
        self._ordinal += 1


def _page_breaks(pieces: list[Piece]) -> tuple[int, ...]:
    """Offsets in the chunk at which its pages end."""
    found: list[int] = []
    page = pieces[0].page
    for piece in pieces:
        if page is None or piece.page is None:
            continue
        start = piece.start - pieces[0].start
        found += [start] * (piece.page - page)
        found += [start + at for at in piece.breaks]
        page = max(page, piece.page) + len(piece.breaks)
    return tuple(found)


def _shared_path(pieces: list[Piece]) -> tuple[str, ...]:
    """The headings that all pieces of a chunk share."""
    paths = [piece.path for piece in pieces if not piece.is_glued] or [pieces[-1].path]
    shared = paths[0]
    for path in paths[1:]:
        length = 0
        while length < min(len(shared), len(path)) and shared[length] == path[length]:
            length += 1
        shared = shared[:length]
    return shared
