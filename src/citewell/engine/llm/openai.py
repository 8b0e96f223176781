"""OpenAI, through chat completions: unlike its Responses API it keeps nothing by default."""

from typing import TYPE_CHECKING

from citewell.engine.llm.provider import Endpoint, Provider

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI
    from pydantic_ai.models import Model


def bearer(api_key: str) -> dict[str, str]:
    """The header in which OpenAI's format carries a key."""
    return {"authorization": f"Bearer {api_key}"}


def chat_client(endpoint: Endpoint, client: "httpx2.AsyncClient") -> "AsyncOpenAI":
    """An SDK client that takes nothing from the environment and repeats nothing."""
    # Heavy, needed at the first question only.
    from citewell.engine.llm.openai_client import ChatClient  # noqa: PLC0415

    return ChatClient(
        base_url=endpoint.base_url,
        api_key=endpoint.api_key or "none",  # the SDK wants one; `client` does not send it
        admin_api_key="",
        organization="",
        project="",
        webhook_secret="",
        max_retries=0,
        http_client=client,
    )


def _build(endpoint: Endpoint, client: "httpx2.AsyncClient") -> "Model":
    from pydantic_ai.providers.openai import OpenAIProvider  # noqa: PLC0415 - heavy, see above

    from citewell.engine.llm.openai_client import ChatModel  # noqa: PLC0415

    provider = OpenAIProvider(openai_client=chat_client(endpoint, client))
    return ChatModel(endpoint.model, provider=provider)


PROVIDER = Provider(
    name="openai",
    build=_build,
    auth_headers=bearer,
    default_base_url="https://api.openai.com/v1",
    takes_json_format=lambda _: True,
    needs_key=True,
)
