"""Any server that speaks OpenAI's chat completions: vLLM, llama.cpp, LM Studio, gateways."""

from typing import TYPE_CHECKING

from citewell.engine.llm.openai import bearer, chat_client
from citewell.engine.llm.provider import Endpoint, Provider

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.models import Model


def _build(endpoint: Endpoint, client: "httpx2.AsyncClient") -> "Model":
    from pydantic_ai.profiles.openai import OpenAIModelProfile  # noqa: PLC0415 - heavy
    from pydantic_ai.providers import openai_compatible  # noqa: PLC0415

    from citewell.engine.llm.openai_client import ChatModel  # noqa: PLC0415

    provider = openai_compatible.OpenAICompatibleProvider(
        "openai-compatible", openai_client=chat_client(endpoint, client)
    )
    # Most such servers know `max_tokens` only, the older name.
    profile = OpenAIModelProfile(openai_chat_supports_max_completion_tokens=False)
    return ChatModel(endpoint.model, provider=provider, profile=profile)


PROVIDER = Provider(
    name="openai-compatible",
    build=_build,
    auth_headers=bearer,
    default_base_url=None,
    needs_key=False,
)
