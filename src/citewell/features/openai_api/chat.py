"""Chat completions: OpenAI's shapes around a turn of a conversation."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, Field, JsonValue

from citewell.engine.llm.base import TokenUsage, ToolCall
from citewell.features.openai_api.dialogue import (
    Messages,
    TurnRequest,
    read_dialogue,
    read_tools,
)
from citewell.features.openai_api.errors import UnsupportedParameterError
from citewell.features.openai_api.schemas import (
    MAX_TOOLS,
    AnswerFacts,
    CalledFunction,
    FunctionDefinition,
    LaxModel,
    LibraryOptions,
    ModelName,
    ToolCallItem,
    UrlCitation,
)
from citewell.features.openai_api.service import TurnEnd, TurnEvent
from citewell.features.openai_api.sources import cited, facts
from citewell.kit.clock import utc_now
from citewell.kit.ids import uuid7

DONE = b"data: [DONE]\n\n"
"""The end of a stream of OpenAI's."""

FinishReason = Literal["stop", "length", "tool_calls"]


class FunctionTool(LaxModel):
    """A tool of the client."""

    type: str
    function: FunctionDefinition | None = None


class StreamOptions(LaxModel):
    """Additions to a stream."""

    include_usage: bool = False


class ResponseFormat(LaxModel):
    """The form of the reply; text is the only one."""

    type: str = "text"


class ChatCompletionRequest(LaxModel):
    """A conversation to go on with."""

    model: ModelName
    messages: Messages
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: int | None = None
    tools: list[FunctionTool] | None = Field(default=None, max_length=MAX_TOOLS)
    tool_choice: JsonValue = None
    functions: list[JsonValue] | None = None
    response_format: ResponseFormat | None = None
    modalities: list[str] | None = None
    citewell: LibraryOptions = LibraryOptions()


class ChatAnnotation(BaseModel):
    """A citation, as OpenAI writes it."""

    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class CompletionMessage(BaseModel):
    """The next message."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: None = None
    annotations: list[ChatAnnotation] = Field(default_factory=list[ChatAnnotation])
    tool_calls: list[ToolCallItem] | None = None


class CompletionUsage(BaseModel):
    """Tokens that a language model took; zeros where none was asked."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int

    @classmethod
    def of(cls, spent: TokenUsage) -> "CompletionUsage":
        """The usage of a turn."""
        total = spent.input_tokens + spent.output_tokens
        return cls(
            prompt_tokens=spent.input_tokens,
            completion_tokens=spent.output_tokens,
            total_tokens=total,
        )


class CompletionChoice(BaseModel):
    """The only choice there is."""

    index: Literal[0] = 0
    message: CompletionMessage
    logprobs: None = None
    finish_reason: FinishReason


class ChatCompletion(BaseModel):
    """The next message, with how it was made."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: CompletionUsage
    citewell: AnswerFacts


def read_request(request: ChatCompletionRequest) -> TurnRequest:
    """Read what is asked.

    Raises:
        UnsupportedParameterError: It asks for a form of reply that there is not.
        InvalidMessagesError, ContextLengthExceededError: The conversation cannot be used.
    """
    if request.n not in (None, 1):
        raise UnsupportedParameterError("n", "There is one reply to a question: leave `n` out.")
    if request.functions:
        raise UnsupportedParameterError(
            "functions", "`functions` was replaced by `tools`; send it instead."
        )
    if request.response_format is not None and request.response_format.type != "text":
        raise UnsupportedParameterError(
            "response_format", "Answers are text with citations: leave `response_format` out."
        )
    if set(request.modalities or ()) - {"text"}:
        raise UnsupportedParameterError("modalities", "The only modality is `text`.")
    functions: list[FunctionDefinition] = []
    for number, tool in enumerate(request.tools or ()):
        if tool.type != "function" or tool.function is None:
            raise UnsupportedParameterError(
                f"tools[{number}]", "Only tools of the type `function` can be passed on."
            )
        functions.append(tool.function)
    return TurnRequest(
        read_dialogue(request.messages),
        read_tools(functions, request.tool_choice),
        request.citewell,
    )


@dataclass(frozen=True, slots=True)
class ChatRendering:
    """One reply in OpenAI's format.

    Args:
        model: As it was asked for.
        base_url: Address of this installation, in citations.
    """

    model: str
    base_url: str
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid7().hex}")
    created: int = field(default_factory=lambda: int(utc_now().timestamp()))

    async def whole(self, turn: AsyncGenerator[TurnEvent, None]) -> ChatCompletion:
        """The reply at once."""
        pieces: list[str] = []
        end = TurnEnd()
        async for event in turn:
            if isinstance(event, TurnEnd):
                end = event
            else:
                pieces.append(event)
        message = CompletionMessage(
            content="".join(pieces) or None,
            annotations=self._annotations(end),
            tool_calls=_items(end.tool_calls),
        )
        return ChatCompletion(
            id=self.id,
            created=self.created,
            model=self.model,
            choices=[CompletionChoice(message=message, finish_reason=_reason(end))],
            usage=CompletionUsage.of(end.spent),
            citewell=facts(end),
        )

    async def stream(
        self, turn: AsyncGenerator[TurnEvent, None], *, has_usage: bool
    ) -> AsyncGenerator[bytes, None]:
        """The reply in chunks: pieces of text, the citations with the end, then the usage."""
        more: dict[str, Any] = {"usage": None} if has_usage else {}
        yield self._chunk({"role": "assistant", "content": ""}, **more)
        end = TurnEnd()
        async for event in turn:
            if isinstance(event, TurnEnd):
                end = event
            elif event:
                yield self._chunk({"content": event}, **more)
        if end.tool_calls:
            yield self._chunk({"tool_calls": _deltas(end.tool_calls)}, **more)
        annotations = [each.model_dump(mode="json") for each in self._annotations(end)]
        last: dict[str, Any] = {"annotations": annotations} if annotations or end.reply else {}
        yield self._chunk(last, _reason(end), citewell=facts(end).model_dump(mode="json"), **more)
        if has_usage:
            spent = CompletionUsage.of(end.spent).model_dump()
            yield self._event({"choices": [], "usage": spent})
        yield DONE

    def _chunk(
        self,
        delta: dict[str, Any],
        reason: FinishReason | None = None,
        **more: Any,
    ) -> bytes:
        choice: dict[str, Any] = {
            "index": 0, "delta": delta, "logprobs": None, "finish_reason": reason,
        }  # fmt: skip
        return self._event({"choices": [choice], **more})

    def _event(self, more: dict[str, Any]) -> bytes:
        chunk = {
            "id": self.id, "object": "chat.completion.chunk", "created": self.created,
            "model": self.model, **more,
        }  # fmt: skip
        return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()

    def _annotations(self, end: TurnEnd) -> list[ChatAnnotation]:
        return [ChatAnnotation(url_citation=each) for each in cited(end, self.base_url)]


def _reason(end: TurnEnd) -> FinishReason:
    if end.tool_calls:
        return "tool_calls"
    return "length" if end.is_truncated else "stop"


def _items(calls: tuple[ToolCall, ...]) -> list[ToolCallItem] | None:
    items = [
        ToolCallItem(
            id=call.id,
            function=CalledFunction(name=call.name, arguments=json.dumps(call.arguments)),
        )
        for call in calls
    ]
    return items or None


def _deltas(calls: tuple[ToolCall, ...]) -> list[dict[str, Any]]:
    """The calls as a chunk has them, each whole."""
    return [
        {"index": number, **item.model_dump(mode="json")}
        for number, item in enumerate(_items(calls) or ())
    ]
