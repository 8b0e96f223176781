"""Rules that hold for every chunker and every document."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citewell.engine.chunking.base import BLOCK_SEPARATOR, Chunk, ChunkSizes
from citewell.engine.chunking.registry import STRATEGIES, create_chunker
from citewell.engine.parsing.base import Block, BlockKind
from tests.examples import examples


def count_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def count_pieces(texts: Sequence[str]) -> list[int]:
    """As a sub-word tokenizer: up to four characters a token, marks by themselves."""
    return [len(re.findall(r"\w{1,4}|[^\w\s]", text)) for text in texts]


def count_characters(texts: Sequence[str]) -> list[int]:
    """The worst tokenizer: white space counts too."""
    return [len(text) for text in texts]


SIZES = ChunkSizes(target=30, maximum=50, reserved=10)
_words = st.sampled_from(
    ["the", "lease", "3.14", "ends.", "Mr.", "Why?", "so:", "x" * 70, "điều", "khoản,", "A |", "|"]
)
_text = st.lists(_words, max_size=70).flatmap(
    lambda words: st.lists(
        st.sampled_from([" ", " ", " ", "\n", "  ", "\n\n", " " * 90]),
        min_size=len(words),
        max_size=len(words),
    ).map(lambda gaps: "".join(word + gap for word, gap in zip(words, gaps, strict=True)))
)
_legal = st.sampled_from(["Chương I", "QUY ĐỊNH CHUNG", "Điều 3. Phạm vi", "Mục 2 Chi phí"])
_blocks = st.lists(
    st.builds(
        Block,
        kind=st.sampled_from(list(BlockKind)),
        text=_text | _legal | st.text(max_size=120),
        page=st.none() | st.integers(1, 9),
        level=st.integers(0, 4),
    ),
    max_size=12,
)


def cut(blocks: Sequence[Block], strategy: str, sizes: ChunkSizes, count=count_pieces):
    chunker = create_chunker(strategy, count, sizes)
    chunks: list[Chunk] = []
    for block in blocks:
        chunks.extend(chunker.feed(block))
    chunks.extend(chunker.finish())
    return chunks


@pytest.mark.parametrize("strategy", STRATEGIES)
class TestEveryStrategy:
    @given(blocks=_blocks)
    @settings(max_examples=examples(120))
    def test_any_document_is_covered_once_in_order(self, strategy: str, blocks: list[Block]):
        extracted = BLOCK_SEPARATOR.join(block.text for block in blocks)
        chunks = cut(blocks, strategy, SIZES)
        at = 0
        for ordinal, chunk in enumerate(chunks):
            assert chunk.ordinal == ordinal
            assert chunk.text == extracted[chunk.start : chunk.end]
            assert chunk.text.strip()
            assert not extracted[at : chunk.start].strip()
            assert chunk.start >= at
            at = chunk.end
        assert not extracted[at:].strip()

    @pytest.mark.parametrize("count", [count_words, count_pieces, count_characters])
    @given(blocks=_blocks)
    @settings(max_examples=examples(60))
    def test_any_tokenizer_keeps_the_limit(self, strategy: str, blocks: list[Block], count):
        for chunk in cut(blocks, strategy, SIZES, count):
            assert count([chunk.text])[0] <= SIZES.limit
            assert len(chunk.text) <= SIZES.limit * 10

    @given(blocks=_blocks)
    @settings(max_examples=examples(60))
    def test_overlap_repeats_only_the_end_of_the_chunk_before(
        self, strategy: str, blocks: list[Block]
    ):
        sizes = ChunkSizes(target=30, maximum=50, reserved=10, overlap=10)
        extracted = BLOCK_SEPARATOR.join(block.text for block in blocks)
        chunks = cut(blocks, strategy, sizes)
        at = 0
        for chunk in chunks:
            assert chunk.text == extracted[chunk.start : chunk.end]
            assert not extracted[at : chunk.start].strip()
            assert chunk.end > at
            assert count_pieces([chunk.text])[0] <= sizes.limit
            at = chunk.end
        assert not extracted[at:].strip()

    @given(blocks=_blocks)
    @settings(max_examples=examples(40))
    def test_page_is_the_one_of_the_first_block(self, strategy: str, blocks: list[Block]):
        starts: list[tuple[int, int | None]] = []
        offset = 0
        for block in blocks:
            starts.append((offset, block.page))
            offset += len(block.text) + len(BLOCK_SEPARATOR)
        for chunk in cut(blocks, strategy, SIZES):
            page = [page for start, page in starts if start <= chunk.start][-1]
            assert chunk.page == page
