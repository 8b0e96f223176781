"""Cuts passages by topic, where neighbouring sentences have the fewest words in common."""

import math
import re
import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from citewell.engine.chunking.base import Chunk, ChunkSizes, TokenCounter
from citewell.engine.chunking.headings import HeadingPath
from citewell.engine.chunking.packing import Packer, Piece
from citewell.engine.chunking.pages import breaks_within, page_at
from citewell.engine.chunking.pieces import Divider
from citewell.engine.chunking.places import Extent, space_between
from citewell.engine.parsing.base import Block

WINDOW = 4
"""Sentences on each side of a gap that are compared."""

BATCH = 256
"""Sentences compared together, which bounds memory on a document of any size."""

_TOPIC_SHARE = 3
"""Divisor of the target: a topic of at least a third of it stands alone, a shorter one joins the
next."""

# Words as they stand, without stems: cohesion only compares how often they recur.
_WORD = re.compile(r"\w+")

_Vector = dict[str, float]


class SemanticChunker:
    """Cuts between topics, found by lexical cohesion (TextTiling, Hearst 1997); no model is asked.

    At each gap between sentences the words of the `WINDOW` sentences before and after are compared
    (cosine, words weighted by how few sentences of the batch they are in). A gap is a border where
    the cohesion has a local minimum that lies deep enough between the peaks around it: deeper than
    the mean depth less half a standard deviation. Headings are borders too, and no chunk is over
    the target.
    """

    def __init__(
        self, count_tokens: TokenCounter, sizes: ChunkSizes, *, language: str = "en"
    ) -> None:
        self._target = min(sizes.target, sizes.limit)
        self._extent = Extent()
        self._headings = HeadingPath()
        self._divider = Divider(count_tokens, sizes.target, language)
        self._packer = Packer(
            count_tokens, sizes, section_minimum=self._target // _TOPIC_SHARE, language=language
        )
        self._waiting: list[Piece] = []

    def feed(self, block: Block) -> Iterator[Chunk]:
        """Take the next block; yield the chunks that are complete."""
        offset = self._extent.open(block.text)
        role = self._headings.take(block)
        end = 0
        for part in self._divider.units(block.text, block.kind, self._target):
            self._extent.skip(space_between(block.text, end, part.start))
            piece = Piece(
                text=block.text[part.start : part.end],
                start=offset + part.start,
                tokens=part.tokens,
                gap=self._extent.take_gap(),
                path=self._headings.path,
                page=page_at(block.page, block.breaks, part.start),
                breaks=breaks_within(block.breaks, part.start, part.end),
                starts_section=role.starts_section and end == 0,
                is_glued=role.is_heading,
            )
            self._waiting.append(piece)
            if len(self._waiting) >= BATCH:
                # The last ones wait for what follows them.
                yield from self._pack(BATCH - WINDOW)
            end = part.end
        self._extent.skip(space_between(block.text, end, len(block.text)))

    def finish(self) -> Iterator[Chunk]:
        """Yield what is left."""
        yield from self._pack(len(self._waiting))
        yield from self._packer.finish()

    def _pack(self, count: int) -> Iterator[Chunk]:
        """Pack the first of the waiting sentences, with a border before each new topic."""
        found = borders([piece.text for piece in self._waiting])
        packed, self._waiting = self._waiting[:count], self._waiting[count:]
        for number, piece in enumerate(packed):
            follows_heading = number > 0 and packed[number - 1].is_glued
            if number in found and not follows_heading:
                piece = replace(piece, starts_section=True)
            yield from self._packer.add(piece)


def borders(sentences: list[str]) -> set[int]:
    """Numbers of the sentences that begin a new topic, the first one never."""
    cohesion = _cohesion(sentences)
    depths = [_depth(cohesion, at) for at in range(len(cohesion))]
    found = [depth for depth in depths if depth > 0]
    if len(found) < 2:
        return set()
    least = statistics.mean(found) - statistics.pstdev(found) / 2
    return {at + 1 for at, depth in enumerate(depths) if depth > 0 and depth >= least}


def _cohesion(sentences: list[str]) -> list[float]:
    """For each gap the cosine of the words before and after it."""
    words = [Counter(_WORD.findall(sentence.casefold())) for sentence in sentences]
    spread = Counter(word for counted in words for word in counted)
    weights = {word: math.log(len(words) / count) for word, count in spread.items()}
    return [
        _cosine(
            _weighted(words[max(0, gap - WINDOW) : gap], weights),
            _weighted(words[gap : gap + WINDOW], weights),
        )
        for gap in range(1, len(words))
    ]


def _weighted(words: list[Counter[str]], weights: dict[str, float]) -> _Vector:
    total = sum(words, Counter[str]())
    return {word: count * weights[word] for word, count in total.items()}


def _cosine(one: _Vector, other: _Vector) -> float:
    shared = sum(weight * other.get(word, 0.0) for word, weight in one.items())
    lengths = math.hypot(*one.values()) * math.hypot(*other.values())
    return shared / lengths if lengths else 0.0


def _depth(cohesion: list[float], at: int) -> float:
    """Depth of a gap below the peaks on both sides; 0 unless it is a local minimum."""
    here = cohesion[at]
    before, after = cohesion[at - 1] if at else here, cohesion[at + 1 : at + 2] or [here]
    if before < here or after[0] < here or before == here == after[0]:
        return 0.0
    left = right = at
    while left > 0 and cohesion[left - 1] >= cohesion[left]:
        left -= 1
    while right + 1 < len(cohesion) and cohesion[right + 1] >= cohesion[right]:
        right += 1
    return cohesion[left] - here + cohesion[right] - here
