import pytest

from citewell.engine.llm.base import TokenUsage
from citewell.engine.llm.pricing import price_of

MILLION = TokenUsage(1_000_000, 1_000_000)


class TestPriceOf:
    def test_known_models_have_a_price_by_token(self) -> None:
        whole = price_of("openai:gpt-4o-mini", MILLION)
        assert whole is not None
        assert whole == pytest.approx(0.75)
        tenth = price_of("openai:gpt-4o-mini", TokenUsage(100_000, 100_000))
        assert tenth == pytest.approx(whole / 10)

    @pytest.mark.parametrize(
        "name", ["openai:nonesuch", "ollama:llama3.2", "openai-compatible:ours", "extractive", ""]
    )
    def test_others_are_unknown_and_not_free(self, name: str) -> None:
        assert price_of(name, MILLION) is None
