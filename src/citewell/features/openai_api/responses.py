"""Responses: the shapes of OpenAI's newer API around a turn of a conversation."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, JsonValue

from citewell.engine.llm.base import TokenUsage
from citewell.features.openai_api.dialogue import (
    ChatMessage,
    TurnRequest,
    read_dialogue,
    read_tools,
)
from citewell.features.openai_api.errors import UnsupportedParameterError
from citewell.features.openai_api.schemas import (
    MAX_MESSAGES,
    MAX_TOOLS,
    AnswerFacts,
    CalledFunction,
    ContentPart,
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
from citewell.kit.sse import encode_event


class InputItem(LaxModel):
    """A message, a tool call or its result."""

    type: str = "message"
    role: Literal["system", "developer", "user", "assistant"] | None = None
    content: str | list[ContentPart] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: str | list[ContentPart] | None = None


class ResponseTool(LaxModel):
    """A function of the client; unlike in chats it is not nested."""

    type: str
    name: str = Field(default="", max_length=128)
    description: str | None = None
    parameters: dict[str, JsonValue] | None = None


class TextFormat(LaxModel):
    """The form of the text; plain text is the only one."""

    type: str = "text"


class TextOptions(LaxModel):
    """How the text is to be."""

    format: TextFormat = TextFormat()


InputItems = Annotated[list[InputItem], Field(min_length=1, max_length=MAX_MESSAGES)]


class ResponsesRequest(LaxModel):
    """An input to reply to."""

    model: ModelName
    input: Annotated[str, Field(min_length=1)] | InputItems
    instructions: str | None = None
    stream: bool | None = False
    tools: list[ResponseTool] | None = Field(default=None, max_length=MAX_TOOLS)
    tool_choice: JsonValue = None
    previous_response_id: str | None = None
    conversation: JsonValue = None
    background: bool | None = None
    text: TextOptions | None = None
    citewell: LibraryOptions = LibraryOptions()


class TextAnnotation(UrlCitation):
    """A citation, flat as this API writes it."""

    type: Literal["url_citation"] = "url_citation"


class OutputText(BaseModel):
    """The text of a reply."""

    type: Literal["output_text"] = "output_text"
    text: str
    annotations: list[TextAnnotation] = Field(default_factory=list[TextAnnotation])
    logprobs: list[JsonValue] = Field(default_factory=list[JsonValue])


class OutputMessage(BaseModel):
    """A reply in text."""

    type: Literal["message"] = "message"
    id: str
    role: Literal["assistant"] = "assistant"
    status: Literal["in_progress", "completed", "incomplete"]
    content: list[OutputText]


class OutputCall(BaseModel):
    """A call of a client's tool."""

    type: Literal["function_call"] = "function_call"
    id: str
    call_id: str
    name: str
    arguments: str
    status: Literal["completed"] = "completed"


class InputTokensDetails(BaseModel):
    """Of the input tokens; caches of vendors are not told apart."""

    cached_tokens: int = 0
    cache_write_tokens: int = 0


class OutputTokensDetails(BaseModel):
    """Of the output tokens; thinking is not told apart."""

    reasoning_tokens: int = 0


class ResponseUsage(BaseModel):
    """Tokens that a language model took; zeros where none was asked."""

    input_tokens: int
    input_tokens_details: InputTokensDetails = InputTokensDetails()
    output_tokens: int
    output_tokens_details: OutputTokensDetails = OutputTokensDetails()
    total_tokens: int

    @classmethod
    def of(cls, spent: TokenUsage) -> "ResponseUsage":
        """The usage of a turn."""
        return cls(
            input_tokens=spent.input_tokens,
            output_tokens=spent.output_tokens,
            total_tokens=spent.input_tokens + spent.output_tokens,
        )


class IncompleteDetails(BaseModel):
    """Why a reply ends early."""

    reason: Literal["max_output_tokens"]


class ModelResponseRead(BaseModel):
    """A reply; nothing of it is kept under its id."""

    id: str
    object: Literal["response"] = "response"
    created_at: int
    model: str
    status: Literal["in_progress", "completed", "incomplete"]
    error: None = None
    incomplete_details: IncompleteDetails | None = None
    instructions: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict[str, str])
    output: list[OutputMessage | OutputCall]
    parallel_tool_calls: bool = True
    tool_choice: JsonValue = "auto"
    tools: list[dict[str, JsonValue]] = Field(default_factory=list[dict[str, JsonValue]])
    store: Literal[False] = False
    previous_response_id: None = None
    usage: ResponseUsage | None = None
    citewell: AnswerFacts | None = None


def read_request(request: ResponsesRequest) -> TurnRequest:
    """Read what is asked; raises as `chat.read_request` does."""
    for name in ("previous_response_id", "conversation"):
        if getattr(request, name) is not None:
            raise UnsupportedParameterError(
                name, f"Replies are not kept for `{name}`: send the conversation as `input`."
            )
    if request.background:
        raise UnsupportedParameterError("background", "Replies are given at once.")
    if request.text is not None and request.text.format.type != "text":
        raise UnsupportedParameterError(
            "text", "Answers are text with citations: leave `text.format` out."
        )
    functions: list[FunctionDefinition] = []
    for number, tool in enumerate(request.tools or ()):
        if tool.type != "function" or not tool.name:
            raise UnsupportedParameterError(
                f"tools[{number}]", "Only tools of the type `function` can be passed on."
            )
        functions.append(
            FunctionDefinition(
                name=tool.name,
                description=tool.description or "",
                parameters=tool.parameters or {},
            )
        )
    messages = _messages(request)
    return TurnRequest(
        read_dialogue(messages), read_tools(functions, request.tool_choice), request.citewell
    )


def _messages(request: ResponsesRequest) -> list[ChatMessage]:
    """The input in the form of a chat."""
    messages: list[ChatMessage] = []
    if request.instructions:
        messages.append(ChatMessage(role="system", content=request.instructions))
    if isinstance(request.input, str):
        return [*messages, ChatMessage(role="user", content=request.input)]
    for number, item in enumerate(request.input):
        match item.type:
            case "message" if item.role is not None:
                messages.append(ChatMessage(role=item.role, content=item.content))
            case "function_call" if item.call_id and item.name:
                call = ToolCallItem(
                    id=item.call_id,
                    function=CalledFunction(name=item.name, arguments=item.arguments or "{}"),
                )
                _add_call(messages, call)
            case "function_call_output" if item.call_id:
                messages.append(
                    ChatMessage(role="tool", content=item.output, tool_call_id=item.call_id)
                )
            case "reasoning":
                pass  # a model's own; it says nothing to another
            case _:
                raise UnsupportedParameterError(
                    f"input[{number}]",
                    "An item is a `message` with a `role`, a `function_call` with `call_id` and "
                    "`name`, or a `function_call_output` with `call_id`.",
                )
    return messages


def _add_call(messages: list[ChatMessage], call: ToolCallItem) -> None:
    """Calls in a row are one message of the assistant."""
    last = messages[-1] if messages else None
    if last is not None and last.role == "assistant" and last.tool_calls:
        last.tool_calls.append(call)
    else:
        messages.append(ChatMessage(role="assistant", tool_calls=[call]))


@dataclass(slots=True)
class ResponsesRendering:
    """One reply in the format of responses.

    Args:
        request: The request.
        base_url: Address of this installation, in citations.
    """

    request: ResponsesRequest
    base_url: str
    id: str = field(default_factory=lambda: f"resp_{uuid7().hex}")
    message_id: str = field(default_factory=lambda: f"msg_{uuid7().hex}")
    created: int = field(default_factory=lambda: int(utc_now().timestamp()))
    _sent: int = 0

    async def whole(self, turn: AsyncGenerator[TurnEvent, None]) -> ModelResponseRead:
        """The reply at once."""
        pieces: list[str] = []
        end = TurnEnd()
        async for event in turn:
            if isinstance(event, TurnEnd):
                end = event
            else:
                pieces.append(event)
        return self._ended("".join(pieces), end)

    async def stream(self, turn: AsyncGenerator[TurnEvent, None]) -> AsyncGenerator[bytes, None]:
        """The reply as events; the last one is `response.completed` with the whole."""
        begun = self._response("in_progress", []).model_dump(mode="json")
        yield self._event("response.created", response=begun)
        yield self._event("response.in_progress", response=begun)
        pieces: list[str] = []
        end = TurnEnd()
        place: dict[str, Any] = {
            "item_id": self.message_id, "output_index": 0, "content_index": 0,
        }  # fmt: skip
        async for event in turn:
            if isinstance(event, TurnEnd):
                end = event
            elif event:
                if not pieces:
                    for begin in self._message_begins(place):
                        yield begin
                pieces.append(event)
                yield self._event("response.output_text.delta", **place, delta=event, logprobs=[])
        response = self._ended("".join(pieces), end)
        for index, item in enumerate(response.output):
            events = (
                self._message_ends(place, item)
                if isinstance(item, OutputMessage)
                else self._call(index, item)
            )
            for each in events:
                yield each
        name = "response.completed" if response.status == "completed" else "response.incomplete"
        yield self._event(name, response=response.model_dump(mode="json"))

    def _message_begins(self, place: dict[str, Any]) -> list[bytes]:
        message = OutputMessage(id=self.message_id, status="in_progress", content=[])
        return [
            self._event(
                "response.output_item.added", output_index=0, item=message.model_dump(mode="json")
            ),
            self._event(
                "response.content_part.added", **place, part=OutputText(text="").model_dump()
            ),
        ]

    def _message_ends(self, place: dict[str, Any], message: OutputMessage) -> list[bytes]:
        (text,) = message.content
        written = text.model_dump(mode="json")
        events = [
            self._event(
                "response.output_text.annotation.added",
                **place,
                annotation_index=number,
                annotation=annotation,
            )
            for number, annotation in enumerate(written["annotations"])
        ]
        done: dict[str, Any] = {"text": text.text, "logprobs": []}
        events.append(self._event("response.output_text.done", **place, **done))
        events.append(self._event("response.content_part.done", **place, part=written))
        item = message.model_dump(mode="json")
        events.append(self._event("response.output_item.done", output_index=0, item=item))
        return events

    def _call(self, index: int, call: OutputCall) -> list[bytes]:
        place: dict[str, Any] = {"item_id": call.id, "output_index": index}
        item = call.model_dump(mode="json")
        begun = {**item, "arguments": "", "status": "in_progress"}
        arguments = call.arguments
        return [
            self._event("response.output_item.added", output_index=index, item=begun),
            self._event("response.function_call_arguments.delta", **place, delta=arguments),
            self._event("response.function_call_arguments.done", **place, arguments=arguments),
            self._event("response.output_item.done", output_index=index, item=item),
        ]

    def _event(self, kind: str, **data: Any) -> bytes:
        number, self._sent = self._sent, self._sent + 1
        return encode_event(kind, {"type": kind, "sequence_number": number, **data})

    def _ended(self, text: str, end: TurnEnd) -> ModelResponseRead:
        output: list[OutputMessage | OutputCall] = []
        status = "incomplete" if end.is_truncated else "completed"
        if text:
            shown = OutputText(
                text=text,
                annotations=[
                    TextAnnotation.model_validate(each.model_dump())
                    for each in cited(end, self.base_url)
                ],
            )
            output.append(OutputMessage(id=self.message_id, status=status, content=[shown]))
        output += [
            OutputCall(
                id=f"fc_{uuid7().hex}",
                call_id=call.id,
                name=call.name,
                arguments=json.dumps(call.arguments),
            )
            for call in end.tool_calls
        ]
        response = self._response(status, output)
        response.usage = ResponseUsage.of(end.spent)
        response.citewell = facts(end)
        if end.is_truncated:
            response.incomplete_details = IncompleteDetails(reason="max_output_tokens")
        return response

    def _response(
        self,
        status: Literal["in_progress", "completed", "incomplete"],
        output: list[OutputMessage | OutputCall],
    ) -> ModelResponseRead:
        tools = [
            {**tool.model_dump(mode="json"), "strict": False} for tool in self.request.tools or ()
        ]
        return ModelResponseRead(
            id=self.id,
            created_at=self.created,
            model=self.request.model,
            status=status,
            instructions=self.request.instructions,
            output=output,
            tool_choice=self.request.tool_choice or "auto",
            tools=tools,
        )
