import subprocess
import sys

import pytest

from citewell.engine.errors import ProviderConfigurationError
from citewell.engine.llm.registry import open_llm
from tests.waiting import PATIENCE


class TestOpenLlm:
    @pytest.mark.parametrize("name", ["", "none", "gpt-5", "openai:", "mistral:x", "OPENAI:x"])
    def test_unknown_name_lists_the_choices(self, name: str) -> None:
        with pytest.raises(ProviderConfigurationError, match="openai-compatible:MODEL"):
            open_llm(name, api_key="k", base_url="http://localhost")

    @pytest.mark.parametrize("name", ["openai:gpt-5", "anthropic:claude"])
    def test_missing_key_names_the_setting_though_environment_has_one(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "found")
        monkeypatch.setenv("ANTHROPIC_API_KEY", "found")
        with pytest.raises(ProviderConfigurationError, match="CITEWELL_LLM_API_KEY") as caught:
            open_llm(name)
        assert "\n" not in str(caught.value)

    def test_missing_address_names_the_setting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_BASE_URL", "http://found")
        with pytest.raises(ProviderConfigurationError, match="CITEWELL_LLM_BASE_URL"):
            open_llm("openai-compatible:m")

    @pytest.mark.parametrize("url", ["localhost:8000", "ftp://x/v1", "http://", "file:///etc"])
    def test_address_of_another_kind_is_refused(self, url: str) -> None:
        with pytest.raises(ProviderConfigurationError, match="http or https"):
            open_llm("openai-compatible:m", base_url=url)

    def test_model_with_colons_keeps_them(self) -> None:
        assert open_llm("ollama:llama3.2:3b").name == "ollama:llama3.2:3b"

    def test_opening_loads_no_sdk(self) -> None:
        code = (
            "import sys; from citewell.engine.llm.registry import open_llm; "
            "import citewell.engine.answering.generated; "
            "open_llm('openai:m', api_key='k'); open_llm('anthropic:m', api_key='k'); "
            "heavy = {'pydantic_ai', 'openai', 'anthropic', 'httpx2', 'logfire', 'genai_prices'}; "
            "print(sorted(heavy & set(sys.modules)))"
        )
        out = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
        assert out.stdout.strip() == "[]"
