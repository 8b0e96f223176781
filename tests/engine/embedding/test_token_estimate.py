from pathlib import Path

import pytest
from tokenizers import Tokenizer

from citewell.engine.embedding.bundled import MODEL_FOLDER
from citewell.engine.embedding.token_estimate import (
    TokenCounts,
    cut_to_tokens,
    estimate_tokens,
)
from tests.timing import processor_seconds

SENTENCES = (Path(__file__).parent / "sentences.txt").read_text("utf-8").splitlines()


class TestEstimate:
    @pytest.mark.parametrize("sentence", SENTENCES)
    def test_real_sentence_is_not_under_counted(self, sentence: str) -> None:
        tokenizer = Tokenizer.from_file(str(MODEL_FOLDER / "tokenizer.json"))
        real = len(tokenizer.encode(sentence, add_special_tokens=False).ids)
        assert real <= estimate_tokens(sentence) <= 3 * real

    def test_blank_text_has_no_tokens(self) -> None:
        assert estimate_tokens("") == estimate_tokens(" \n\t") == 0

    def test_counted_again_gives_the_same_in_no_time(self) -> None:
        counts, text = TokenCounts(), "many words " * 100_000
        assert counts.of(text) == counts.of(text) == estimate_tokens(text)
        once = processor_seconds(lambda: estimate_tokens(text))
        assert processor_seconds(lambda: counts.of(text)) < once / 10


class TestCut:
    @pytest.mark.parametrize("limit", [0, 1, 7, 10_000])
    def test_longest_prefix_within_the_limit_is_kept(self, limit: int) -> None:
        text = " ".join(SENTENCES)
        cut = cut_to_tokens(text, limit)
        assert text.startswith(cut)
        assert estimate_tokens(cut) == min(limit, estimate_tokens(text))
