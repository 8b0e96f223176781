"""The boundary to a language model: messages, tools and a shape in; text, calls and usage out."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pydantic import BaseModel

from citewell.engine.errors import ProviderError

NO_MODEL = "none"
"""The setting under which nothing is ever sent to a model."""


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Cost of a reply in the vendor's tokens; zeros where the vendor does not say."""

    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: "TokenUsage") -> "TokenUsage":
        """The cost of both together."""
        return TokenUsage(
            self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens
        )


@dataclass(frozen=True, slots=True)
class Tool:
    """Something a model may ask us to do; running it is the caller's business."""

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON schema of its arguments, an object."""


ToolChoice = Literal["auto", "required"]
"""Whether a model may, or must, call one of the tools."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's request to run a tool."""

    id: str
    """The vendor's; the result is sent back under it."""
    name: str
    arguments: dict[str, Any]
    """As the model wrote them: not checked against the tool's schema."""


@dataclass(frozen=True, slots=True)
class UserMessage:
    """A message of the user."""

    text: str


@dataclass(frozen=True, slots=True)
class AssistantMessage:
    """An earlier reply of the model."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolResult:
    """Result of a tool call."""

    call: ToolCall
    content: str
    is_error: bool = False


Message = UserMessage | AssistantMessage | ToolResult


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request to a model: a conversation so far, and what the reply may be."""

    messages: tuple[Message, ...]
    system: str = ""
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = "auto"
    """`required` is asked of the vendor; some models call none all the same."""
    output: type[BaseModel] | None = None
    """The shape of the reply; None: text. With tools the model may call them first."""
    json_format: type[BaseModel] | None = None
    """Text of this shape, in JSON that comes piece by piece; only for models that can be held to it
    (`LanguageModel.has_json_format`). What comes is not validated: it may be cut, or plain text."""
    max_tokens: int = 1024
    temperature: float | None = None
    """None: the provider's usual one."""

    @classmethod
    def of(cls, system: str, user: str, *, max_tokens: int = 1024) -> "ModelRequest":
        """A single question with its instructions, to be answered in text."""
        return cls((UserMessage(user),), system, max_tokens=max_tokens)


@dataclass(frozen=True, slots=True)
class ReplyEnd:
    """The last item of a stream: the reply came to its end and was not cut by the wire."""

    usage: TokenUsage
    is_truncated: bool = False
    """Whether the model stopped because `max_tokens` was used up."""
    output: BaseModel | None = None
    """The output that `ModelRequest.output` asks for, validated; None if tools are called first,
    or the reply is truncated."""


StreamItem = str | ToolCall | ReplyEnd
"""A piece of text, a whole tool call, or the end."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole reply."""

    text: str
    usage: TokenUsage
    is_truncated: bool = False
    tool_calls: tuple[ToolCall, ...] = ()
    output: BaseModel | None = None


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a call may take, in seconds.

    The defaults leave a reasoning model time to think and a reader not waiting for ever.
    """

    connect: float = 5.0
    first_token: float = 60.0
    """From the call to the first piece of output, thinking included."""
    idle: float = 30.0
    """Longest silence of the wire once the reply has begun."""
    total: float = 180.0
    """The whole call: waiting for a place, all attempts, all tokens."""
    backoff: float = 0.5
    """Before the second attempt, doubled for the third, unless the vendor names a time."""


class LanguageModel(Protocol):
    """A model that writes. Safe to share between tasks of one event loop."""

    name: str
    """`provider:model`, as in CITEWELL_LLM."""
    has_json_format: bool
    """Whether it takes `ModelRequest.json_format`."""

    def stream(self, request: ModelRequest) -> AsyncGenerator[StreamItem, None]:
        """Yield the pieces of the reply's text as they come, its tool calls, then one `ReplyEnd`.

        Tool calls are given out only once the reply has ended in good form: a call that was cut on
        its way must not run. Where `request.output` is set, text around it is left out.
        Close the generator (`contextlib.aclosing`) when leaving early: that closes the connection.
        A stream that ends without `ReplyEnd` never happens; a reply cut on its way raises.

        Raises:
            ProviderError: The model did not answer, or not to the end, or not in the shape asked
                for.
            ProviderConfigurationError: Key, address or model name are not accepted.
        """
        ...

    async def close(self) -> None:
        """Let go of connections; the model must not be used afterwards."""
        ...


async def complete(model: LanguageModel, request: ModelRequest) -> Completion:
    """Wait for a whole reply.

    Raises:
        ProviderError: The model did not answer, or not to the end, or not in the shape asked for.
        ProviderConfigurationError: Key, address or model name are not accepted.
    """
    pieces: list[str] = []
    calls: list[ToolCall] = []
    async with aclosing(model.stream(request)) as stream:
        async for item in stream:
            match item:
                case ReplyEnd():
                    return Completion(
                        "".join(pieces), item.usage, item.is_truncated, tuple(calls), item.output
                    )
                case ToolCall():
                    calls.append(item)
                case str():
                    pieces.append(item)
    raise ProviderError(f"{model.name} broke off its reply.", retryable=True)
