"""Ollama, on this machine unless an address is set."""

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from citewell.engine.llm.openai import bearer, chat_client
from citewell.engine.llm.provider import Endpoint, Provider

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.models import Model


def _with_path(base_url: str) -> str:
    # People give the address Ollama prints, which lacks the path of its OpenAI format.
    return base_url if urlsplit(base_url).path else f"{base_url}/v1"


def _build(endpoint: Endpoint, client: "httpx2.AsyncClient") -> "Model":
    from pydantic_ai.models.ollama import OllamaModel  # noqa: PLC0415 - heavy, first question only
    from pydantic_ai.providers.ollama import OllamaProvider  # noqa: PLC0415

    endpoint = replace(endpoint, base_url=_with_path(endpoint.base_url))
    provider = OllamaProvider(openai_client=chat_client(endpoint, client))
    return OllamaModel(endpoint.model, provider=provider)


PROVIDER = Provider(
    name="ollama",
    build=_build,
    auth_headers=bearer,
    default_base_url="http://127.0.0.1:11434/v1",
    takes_json_format=lambda _: True,
    needs_key=False,
    models_url=lambda base_url: f"{_with_path(base_url)}/models",
    temperature=0.0,
)
