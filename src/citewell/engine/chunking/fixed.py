"""Windows of a fixed number of tokens, cut between words: the plain baseline."""

from collections.abc import Iterator

from citewell.engine.chunking.pieces import Part
from citewell.engine.chunking.sentence import SentenceChunker
from citewell.engine.parsing.base import Block

_RUNS = 10
"""Runs of words per chunk, so that a window misses its target by at most a tenth."""

# Average of English with WordPiece; a first guess only, since the divider counts each run's tokens
# and cuts again what is too long.
_CHARS_PER_TOKEN = 4


class FixedChunker(SentenceChunker):
    """Packs runs of words until the target is reached, whatever sentences they break."""

    def _units(self, block: Block) -> Iterator[Part]:
        size = max(1, self._target * _CHARS_PER_TOKEN // _RUNS)
        return self._divider.runs(block.text, size, self._target)
