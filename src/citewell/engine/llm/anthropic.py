"""Anthropic, through its messages API."""

from typing import TYPE_CHECKING

from citewell.engine.llm.provider import Endpoint, Provider

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.models import Model


_WITH_JSON_FORMAT = (
    "claude-fable-5",
    "claude-mythos-5",
    "claude-haiku-4-5",
    "claude-haiku-5-5",
    "claude-opus-4-1",
    "claude-opus-4-5",
    "claude-opus-4-6",
    "claude-opus-4-7",
    "claude-opus-4-8",
    "claude-opus-5",
    "claude-sonnet-4-5",
    "claude-sonnet-4-6",
    "claude-sonnet-5",
)
"""Models with structured outputs, as pydantic-ai lists them; others are asked for tags."""


def _key_header(api_key: str) -> dict[str, str]:
    return {"x-api-key": api_key}


def _build(endpoint: Endpoint, client: "httpx2.AsyncClient") -> "Model":
    from anthropic import AsyncAnthropic  # noqa: PLC0415 - heavy, needed at the first question only
    from pydantic_ai.models.anthropic import AnthropicModel  # noqa: PLC0415
    from pydantic_ai.providers.anthropic import AnthropicProvider  # noqa: PLC0415

    sdk = AsyncAnthropic(
        base_url=endpoint.base_url,
        api_key=endpoint.api_key,  # a key given here keeps it from the environment and from files
        webhook_key="",
        max_retries=0,
        open_telemetry=False,
        http_client=client,
    )
    return AnthropicModel(endpoint.model, provider=AnthropicProvider(anthropic_client=sdk))


PROVIDER = Provider(
    name="anthropic",
    build=_build,
    auth_headers=_key_header,
    default_base_url="https://api.anthropic.com",
    needs_key=True,
    models_url="{}/v1/models?limit=1000".format,
    models_headers={"anthropic-version": "2023-06-01"},
    # By the beginning, as dated names (`claude-opus-4-5-20251101`) are the same model.
    takes_json_format=lambda model: model.startswith(_WITH_JSON_FORMAT),
)
