"""Speaks to a vendor through pydantic-ai and turns its failures into ours.

Imported only when a model is first used; see `hosted`.
"""

import re
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager

import httpx2
from pydantic import BaseModel
from pydantic_ai import exceptions as pydantic_ai_errors
from pydantic_ai.direct import model_request_stream
from pydantic_ai.messages import (
    ModelResponse,
    ModelResponseStreamEvent,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ToolCallPart,
)
from pydantic_ai.models import StreamedResponse
from pydantic_ai.settings import ModelSettings

from citewell.engine.errors import ProviderConfigurationError, ProviderError, RequestRefusedError
from citewell.engine.llm.base import (
    ModelRequest,
    ReplyEnd,
    StreamItem,
    Timeouts,
    TokenUsage,
    ToolCall,
)
from citewell.engine.llm.conversion import OUTPUT_TOOL, history_of, parameters_of
from citewell.engine.llm.guarded import CONNECTIONS, GuardedTransport
from citewell.engine.llm.provider import Endpoint, Provider
from citewell.kit.addresses import ReachableHosts

CHARACTERS_PER_TOKEN = 32
SLACK = 10_000
"""A reply may have as many characters a token, and so many more. Tokens of vendors hold 1 to 6 on
average and runs of blanks up to 100; what is longer keeps no limit and could fill the memory."""

MAX_MODEL_NAME = 200

_SENT_HEADERS = frozenset(
    {
        "host",
        "accept",
        "accept-encoding",
        "connection",
        "content-type",
        "content-length",
        "transfer-encoding",
        "anthropic-version",
        "anthropic-beta",
    }
)
"""Headers sent besides the key and our name. The SDKs would add more: organisation, project and
free headers they find in the environment, and the machine's operating system and versions."""

# Vendors' error codes are shown to operators only if they are plain words: free text may quote the
# prompt or the key.
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,60}")


class Session:
    """Connections to one endpoint, and the model object that uses them."""

    def __init__(
        self, name: str, provider: Provider, endpoint: Endpoint, timeouts: Timeouts
    ) -> None:
        self._name = name
        self._timeouts = timeouts
        self._temperature = provider.temperature
        self._client = _http_client(
            timeouts,
            provider.auth_headers(endpoint.api_key) if endpoint.api_key else {},
            endpoint.hosts,
        )
        self._model = provider.build(endpoint, self._client)
        self._models_url = provider.models_url(endpoint.base_url)
        self._models_headers = dict(provider.models_headers)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def offered(self) -> list[str]:
        """Ask for the names of the provider's models."""
        with _our_errors(self._name):
            reply = await self._client.get(self._models_url, headers=self._models_headers)
            if reply.status_code != 200:
                raise ProviderError(f"{self._name} lists no models (HTTP {reply.status_code}).")
            names = [str(entry["id"]) for entry in reply.json()["data"]]
            return [name for name in names if len(name) <= MAX_MODEL_NAME]

    async def stream(
        self, request: ModelRequest, *, total: float
    ) -> AsyncGenerator[StreamItem, None]:
        """Make one attempt at a reply within `total` seconds; see `LanguageModel.stream`."""
        asked = request.temperature
        settings = _settings_for(
            self._timeouts,
            max_tokens=request.max_tokens,
            total=total,
            temperature=self._temperature if asked is None else asked,
        )
        if request.tools and request.tool_choice == "required":
            settings["tool_choice"] = "required"
        with _our_errors(self._name):
            async with model_request_stream(
                self._model,
                history_of(request),
                model_settings=settings,
                model_request_parameters=parameters_of(request),
                instrument=False,
            ) as response:
                length = 0
                async for event in response:
                    length += len(text := _text_of(event))
                    if length > request.max_tokens * CHARACTERS_PER_TOKEN + SLACK:
                        raise ProviderError(f"{self._name} wrote more than it was allowed to.")
                    # Text around a reply of a certain shape is no part of it.
                    if request.output is None and text:
                        yield text
                is_truncated = self._check_end(response)
                calls, output = self._results_of(response.get(), request, is_truncated)
            # Given out only now: a call that was cut on its way must not run.
            for call in calls:
                yield call
            usage = TokenUsage(response.usage.input_tokens, response.usage.output_tokens)
            yield ReplyEnd(usage, is_truncated, output)

    def _check_end(self, response: StreamedResponse) -> bool:
        """Refuse a reply that did not end in good form; whether the token limit ended it."""
        if response.finish_reason == "content_filter":
            raise RequestRefusedError(f"{self._name} refused to answer.")
        # pydantic-ai takes a stream without a finish reason for a finished one. Every vendor we
        # speak to sends one, so a stream without it was cut on its way.
        details = response.provider_details or {}
        if not details.get("finish_reason"):
            raise ProviderError(f"{self._name} broke off its reply.", retryable=True)
        return response.finish_reason == "length"

    def _results_of(
        self, response: ModelResponse, request: ModelRequest, is_truncated: bool
    ) -> tuple[list[ToolCall], BaseModel | None]:
        """The tool calls of a reply, and the output that was asked for."""
        calls: list[ToolCall] = []
        output: BaseModel | None = None
        for part in response.parts:
            if not isinstance(part, ToolCallPart):
                continue
            try:
                arguments = part.args_as_dict(raise_if_invalid=True)
                if request.output is not None and part.tool_name == OUTPUT_TOOL:
                    output = request.output.model_validate(arguments)
                else:
                    calls.append(ToolCall(part.tool_call_id, part.tool_name, arguments))
            except (ValueError, AssertionError) as error:
                if is_truncated:
                    continue  # the limit cut it in half
                raise ProviderError(
                    f"{self._name} sent arguments that do not fit `{part.tool_name}`.",
                    retryable=True,
                ) from error
        if request.output is not None and not (calls or output or is_truncated):
            raise ProviderError(
                f"{self._name} did not answer in the form asked for.", retryable=True
            )
        return calls, output


def _http_client(
    timeouts: Timeouts, credentials: dict[str, str], hosts: ReachableHosts | None
) -> httpx2.AsyncClient:
    async def send_only_ours(request: httpx2.Request) -> None:
        for header in set(request.headers.keys()) - _SENT_HEADERS:
            del request.headers[header]
        request.headers["user-agent"] = "citewell"
        request.headers.update(credentials)
        # The SDKs name a time with each request; ours are meant, whatever they say.
        request.extensions = {**request.extensions, "timeout": limits.as_dict()}

    # The client has one limit for silence, before the reply and within it, so it is the longer of
    # the two: a reply that falls silent is held for `first_token` seconds if that is more than
    # `idle`.
    limits = httpx2.Timeout(
        connect=timeouts.connect,
        read=max(timeouts.idle, timeouts.first_token),
        write=timeouts.idle,
        pool=timeouts.connect,
    )
    # A redirect would carry the key and the documents to another address.
    return httpx2.AsyncClient(
        timeout=limits,
        follow_redirects=False,
        limits=CONNECTIONS,
        event_hooks={"request": [send_only_ours]},
        transport=None if hosts is None else GuardedTransport(hosts),
    )


def _text_of(event: ModelResponseStreamEvent) -> str:
    match event:
        case PartStartEvent(part=TextPart(content=text)):
            return text
        case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
            return text
        case _:
            return ""


@contextmanager
def _our_errors(name: str) -> Generator[None]:
    """Raise our errors for theirs; their text may quote keys and prompts, so it stays behind."""
    try:
        yield
    except pydantic_ai_errors.ModelAPIError as error:
        raise _translate(name, error) from error
    except pydantic_ai_errors.AgentRunError as error:
        raise ProviderError(f"{name} sent a reply that cannot be read.") from error
    except (httpx2.HTTPError, httpx2.StreamError) as error:
        raise ProviderError(f"{name} broke off its reply.", retryable=True) from error
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        # The SDKs raise these over JSON that is not their format, the last when it is nested deep.
        raise ProviderError(f"{name} sent a reply that cannot be read.") from error


def _translate(
    name: str, error: pydantic_ai_errors.ModelAPIError
) -> ProviderError | ProviderConfigurationError:
    match error:
        case pydantic_ai_errors.ModelAuthenticationError():
            return ProviderConfigurationError(
                f"{name} does not accept the key: check CITEWELL_LLM_API_KEY."
            )
        case pydantic_ai_errors.ModelNotFoundError():
            return ProviderConfigurationError(
                f"{name} is not there: check CITEWELL_LLM and CITEWELL_LLM_BASE_URL."
            )
        case pydantic_ai_errors.ModelQuotaExceededError():
            return ProviderError(f"{name} answers no more: the account's quota is used up.")
        case pydantic_ai_errors.ModelRateLimitError():
            return ProviderError(
                f"{name} is asked too often.", retryable=True, retry_after=error.retry_after
            )
        case pydantic_ai_errors.ModelContextWindowExceededError():
            return RequestRefusedError(f"{name} cannot take a prompt of this length.")
        case pydantic_ai_errors.ModelRequestTimeout(setting="first_event_timeout"):
            return ProviderError(f"{name} did not begin to answer in {error.timeout:g} s.")
        case pydantic_ai_errors.ModelRequestTimeout():
            return ProviderError(f"{name} did not finish in time.")
        case pydantic_ai_errors.ModelTimeoutError():
            return ProviderError(f"{name} cannot be reached in time.", retryable=True)
        case pydantic_ai_errors.ModelConnectionError(phase="pool" | "connect" | "write"):
            return ProviderError(f"{name} cannot be reached.", retryable=True)
        case pydantic_ai_errors.ModelConnectionError():
            return ProviderError(f"{name} broke off its reply.", retryable=True)
        case pydantic_ai_errors.ModelUnavailableError() | pydantic_ai_errors.ModelServerError():
            return ProviderError(
                f"{name} is out of order{_code_of(error)}.",
                retryable=True,
                retry_after=error.retry_after,
            )
        case _:
            return RequestRefusedError(f"{name} did not accept the request{_code_of(error)}.")


def _code_of(error: pydantic_ai_errors.ModelAPIError) -> str:
    """The status and the vendor's code in brackets, where they are plain words."""
    facts: list[str] = []
    if isinstance(error, pydantic_ai_errors.ModelHTTPError):
        facts.append(f"HTTP {error.status_code}")
    code = error.provider_error_code or error.provider_error_type
    if code and _CODE.fullmatch(code):
        facts.append(code)
    return f" ({', '.join(facts)})" if facts else ""


def _settings_for(
    timeouts: Timeouts, *, max_tokens: int, total: float, temperature: float | None
) -> ModelSettings:
    """The settings of one attempt that may take `total` seconds."""
    settings: ModelSettings = {
        "max_tokens": max_tokens,
        "request_timeout": max(total, 0.001),
        "first_event_timeout": min(timeouts.first_token, max(total, 0.001)),
    }
    if temperature is not None:
        settings["temperature"] = temperature
    return settings
