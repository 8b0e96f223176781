"""A model that is not told personal data: what is sent has placeholders, what comes has data."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from pydantic import BaseModel, ValidationError

from citewell.engine.errors import ProviderError
from citewell.engine.llm.base import (
    AssistantMessage,
    LanguageModel,
    Message,
    ModelRequest,
    ReplyEnd,
    StreamItem,
    ToolCall,
    ToolResult,
    UserMessage,
)
from citewell.engine.text.hiding import Unveiling, Veil

RULE = (
    "Marks like [EMAIL_1] or [PHONE_2] stand for data that is hidden from you. Where you quote or "
    "need such data, repeat the mark exactly, with its brackets; never guess what it stands for."
)


class RedactingModel:
    """Another model (`LanguageModel`), which gets placeholders for e-mail addresses and numbers.

    The shape of a reply (`output`, `json_format`) is sent as it is: it is a type, and holds no data
    of documents or questions.
    """

    def __init__(self, model: LanguageModel) -> None:
        self.name = model.name
        """Of the model that was asked last, as others may stand in."""
        self.has_json_format = model.has_json_format
        self._model = model

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamItem, None]:
        """Yield the reply with the data in it; see the protocol."""
        veil = Veil()
        unveiling = Unveiling(veil)
        async with aclosing(self._model.stream(hidden(request, veil))) as items:
            async for item in items:
                self.name = self._model.name
                match item:
                    case str():
                        if text := unveiling.take(item):
                            yield text
                    case ToolCall():
                        if rest := unveiling.rest():
                            yield rest
                        yield replace(item, arguments=veil.restore_in(item.arguments))
                    case ReplyEnd():
                        if rest := unveiling.rest():
                            yield rest
                        yield replace(item, output=self._restored(item.output, veil))

    async def close(self) -> None:
        """Close the model."""
        await self._model.close()

    def _restored(self, output: BaseModel | None, veil: Veil) -> BaseModel | None:
        if output is None or not veil.has_hidden:
            return output
        try:
            return type(output).model_validate(veil.restore_in(output.model_dump()))
        except ValidationError:
            message = f"{self.name} gave a reply that does not fit once hidden data is in it."
            raise ProviderError(message) from None


def hidden(request: ModelRequest, veil: Veil) -> ModelRequest:
    """The request with placeholders."""
    for text in (request.system, *map(_text_of, request.messages)):
        veil.keep_clear_of(text)
    # The messages first: they are what goes on being sent, and keep their placeholders by that.
    messages = tuple(_hidden(each, veil) for each in request.messages)
    tools = tuple(
        replace(
            each,
            description=veil.hide(each.description),
            parameters=veil.hide_in(each.parameters),
        )
        for each in request.tools
    )
    system = veil.hide(request.system)
    if veil.has_hidden:
        system = f"{system}\n\n{RULE}" if system else RULE
    return replace(request, messages=messages, tools=tools, system=system)


def _text_of(message: Message) -> str:
    return message.content if isinstance(message, ToolResult) else message.text


def _hidden(message: Message, veil: Veil) -> Message:
    match message:
        case UserMessage(text):
            return UserMessage(veil.hide(text))
        case AssistantMessage(text, calls):
            return AssistantMessage(veil.hide(text), tuple(_call(one, veil) for one in calls))
        case ToolResult(call, content, is_error):
            return ToolResult(_call(call, veil), veil.hide(content), is_error)


def _call(call: ToolCall, veil: Veil) -> ToolCall:
    return replace(call, arguments=veil.hide_in(call.arguments))
