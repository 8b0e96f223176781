"""Models that speak to the vendor on loopback."""

from typing import Any

from citewell.engine.llm.base import LanguageModel, Timeouts
from citewell.engine.llm.registry import open_llm


def base_url(provider: str, root: str) -> str:
    return root if provider in ("anthropic", "ollama") else f"{root}/v1"


def opened(provider: str, vendor: Any, timeouts: Timeouts) -> LanguageModel:
    return open_llm(
        f"{provider}:m-1",
        base_url=base_url(provider, vendor.url),
        api_key="given-key",
        timeout=timeouts,
    )
