import pytest

from citewell.engine.chunking.base import Chunk, ChunkSizes, content_hash, embedding_text
from citewell.engine.chunking.registry import create_chunker


def chunk(text: str, heading: tuple[str, ...] = (), context: str = "") -> Chunk:
    return Chunk(0, text, 0, len(text), heading, None, 5, context=context)


class TestEmbeddingText:
    def test_title_headings_and_context_come_first(self):
        given = chunk("2 | 3", ("Prices", "Plans"), "Name | Cost")
        assert embedding_text(given, "List") == "List > Prices > Plans\nName | Cost\n2 | 3"

    def test_heading_that_opens_the_text_is_not_repeated(self):
        assert embedding_text(chunk("Plans\n\nCheap.", ("Prices", "Plans")), "Prices") == (
            "Prices\nPlans\n\nCheap."
        )

    def test_innermost_heading_is_kept_when_there_is_no_room(self):
        made = embedding_text(chunk("Text.", ("o" * 100, "i" * 100)), "t" * 200)
        assert made == "i" * 100 + "\nText."

    def test_bare_chunk_is_its_text(self):
        assert embedding_text(chunk("Text."), None) == "Text."


class TestContentHash:
    def test_equal_texts_share_16_bytes(self):
        assert content_hash("điều") == content_hash("điều") != content_hash("dieu")
        assert len(content_hash("a\ud800")) == 16


class TestCreateChunker:
    def test_unknown_strategy_is_refused_with_the_choices(self):
        with pytest.raises(
            ValueError, match=r"'x'; choose structure, sentence, fixed, semantic, legal_vi\."
        ):
            create_chunker("x", lambda texts: [1 for _ in texts], ChunkSizes())


class TestChunkSizes:
    @pytest.mark.parametrize(
        "sizes", [{"target": 0}, {"reserved": 256}, {"overlap": 101}, {"overlap": -1}]
    )
    def test_impossible_sizes_are_refused(self, sizes: dict[str, int]):
        with pytest.raises(ValueError, match=r"must be|needs room"):
            ChunkSizes(**sizes)
