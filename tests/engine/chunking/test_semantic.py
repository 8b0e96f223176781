import tracemalloc
from collections.abc import Sequence

import pytest

from citewell.engine.chunking.base import Chunk, ChunkSizes
from citewell.engine.chunking.semantic import SemanticChunker, borders
from citewell.engine.parsing.base import Block, BlockKind


def count(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def cut(*blocks: Block, target: int = 60) -> list[Chunk]:
    chunker = SemanticChunker(count, ChunkSizes(target=target, maximum=target + 20, reserved=10))
    chunks = [chunk for block in blocks for chunk in chunker.feed(block)]
    return [*chunks, *chunker.finish()]


COFFEE = (
    "Coffee beans are roasted in the village. The roasted beans are ground by hand. "
    "Ground coffee is brewed with hot water. Good coffee beans keep for a month."
)
TRAINS = (
    "The night train leaves the station at nine. A train ticket costs ten euros at the station. "
    "Every train stops at the border station. Tickets for the night train sell out."
)


class TestBorders:
    def test_border_is_where_the_words_change(self) -> None:
        sentences = [f"{part.strip('.')}." for part in f"{COFFEE} {TRAINS}".split(". ")]
        assert borders(sentences) >= {4}

    def test_few_or_equal_sentences_have_none(self) -> None:
        assert borders([]) == borders(["One."]) == borders(["Same words."] * 20) == set()


class TestChunks:
    def test_topics_of_one_paragraph_are_told_apart(self) -> None:
        chunks = cut(Block(BlockKind.PARAGRAPH, f"{COFFEE} {TRAINS}"))
        assert [chunk.text for chunk in chunks] == [COFFEE, TRAINS]

    def test_no_chunk_is_over_the_target(self) -> None:
        chunks = cut(Block(BlockKind.PARAGRAPH, " ".join([COFFEE, TRAINS] * 9)), target=24)
        assert max(chunk.token_count for chunk in chunks) <= 24

    def test_heading_stays_with_what_it_heads(self) -> None:
        heading = Block(BlockKind.HEADING, "Trains", level=1)
        chunks = cut(
            Block(BlockKind.PARAGRAPH, COFFEE), heading, Block(BlockKind.PARAGRAPH, TRAINS)
        )
        assert [chunk.text for chunk in chunks] == [COFFEE, f"Trains\n\n{TRAINS}"]
        assert chunks[1].heading == ("Trains",)

    @pytest.mark.volume
    def test_endless_paragraph_streams_in_bounded_memory(self) -> None:
        block = Block(BlockKind.PARAGRAPH, f"{COFFEE} {TRAINS} " * 1_000)
        chunker = SemanticChunker(count, ChunkSizes())
        tracemalloc.start()
        covered = sum(len(chunk.text.split()) for chunk in chunker.feed(block))
        covered += sum(len(chunk.text.split()) for chunk in chunker.finish())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert covered == len(block.text.split())
        # One batch takes about 0.7 MB, up to 1.1 MB where the collector runs late; all sentences at
        # once would take 8 MB.
        assert peak < 2_000_000
