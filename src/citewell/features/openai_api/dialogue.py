"""A client's messages as a question, what was said before it, and a model's conversation."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from pydantic import Field

from citewell.engine.llm.base import (
    AssistantMessage,
    Message,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    UserMessage,
)
from citewell.features.openai_api.errors import (
    ContextLengthExceededError,
    InvalidMessagesError,
    UnsupportedParameterError,
)
from citewell.features.openai_api.schemas import (
    MAX_MESSAGES,
    ContentPart,
    FunctionDefinition,
    LaxModel,
    LibraryOptions,
    ToolCallItem,
)
from citewell.features.search.schemas import MAX_QUERY_CHARS

MAX_DIALOGUE_CHARS = 200_000
"""All messages together: about 50,000 tokens, what models of today read in one request."""

MAX_TOOLS_CHARS = 100_000
"""Descriptions and schemas of all tools together; a hundred tools of some size are 60,000."""

_TEXTS = ("text", "input_text", "output_text")


class ChatMessage(LaxModel):
    """A message of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[ContentPart] | None = None
    tool_calls: list[ToolCallItem] | None = None
    tool_call_id: str | None = None


Messages = Annotated[list[ChatMessage], Field(min_length=1, max_length=MAX_MESSAGES)]


@dataclass(frozen=True, slots=True)
class ClientDialogue:
    """A conversation up to the point where a reply is due."""

    question: str
    """Text of the last message of the user."""
    history: tuple[UserMessage | AssistantMessage, ...]
    """Messages of user and assistant before it, oldest first; tool calls are left out."""
    messages: tuple[Message, ...]
    """The whole conversation as a model is sent it."""
    system: str
    """The client's instructions."""
    follows_tools: bool
    """Whether the last messages are results of the client's tools."""


@dataclass(frozen=True, slots=True)
class ClientTools:
    """The tools a client passed."""

    tools: tuple[Tool, ...] = ()
    choice: ToolChoice = "auto"


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """One request for a reply."""

    dialogue: ClientDialogue
    toolbox: ClientTools
    options: LibraryOptions


def read_dialogue(messages: Sequence[ChatMessage]) -> ClientDialogue:
    """Read a conversation whose last message is the user's, or the result of a tool.

    Raises:
        InvalidMessagesError: There is no question, or a tool's result belongs to no call.
        UnsupportedParameterError: A message holds something else than text.
        ContextLengthExceededError: The question or the whole is too long.
    """
    texts = [_text_of(message, place) for place, message in enumerate(messages)]
    _check_lengths(messages, texts)
    asked = [place for place, message in enumerate(messages) if message.role == "user"]
    last = messages[-1].role
    if not asked or last not in ("user", "tool"):
        raise InvalidMessagesError(
            "The last message must be the user's question, or the result of a tool call."
        )
    if not texts[asked[-1]].strip():
        raise InvalidMessagesError(f"messages[{asked[-1]}]: the question is empty.")
    converted = _converted(messages, texts)
    spoken = [
        each
        for each in _converted(messages[: asked[-1]], texts)
        if isinstance(each, UserMessage | AssistantMessage) and each.text.strip()
    ]
    return ClientDialogue(
        question=texts[asked[-1]],
        history=tuple(spoken),
        messages=tuple(converted),
        system="\n\n".join(
            text
            for message, text in zip(messages, texts, strict=True)
            if message.role in ("system", "developer")
        ),
        follows_tools=last == "tool",
    )


def read_tools(functions: Sequence[FunctionDefinition], choice: object) -> ClientTools:
    """Read the tools of a request and which of them must be called.

    Args:
        functions: The tools.
        choice: OpenAI's `tool_choice`.

    Raises:
        UnsupportedParameterError: The choice is none that is known here.
        ContextLengthExceededError: They are too long.
    """
    total = sum(
        len(each.description) + len(json.dumps(each.parameters, ensure_ascii=False))
        for each in functions
    )
    if total > MAX_TOOLS_CHARS:
        raise ContextLengthExceededError("The description of the tools", MAX_TOOLS_CHARS, total)
    tools = tuple(
        Tool(each.name, each.description, each.parameters or {"type": "object", "properties": {}})
        for each in functions
    )
    if choice is None or choice == "auto":
        return ClientTools(tools)
    if choice == "none":
        return ClientTools()
    if choice == "required":
        return ClientTools(tools, "required")
    named = _named_function(choice)
    if named is None or named not in {tool.name for tool in tools}:
        raise UnsupportedParameterError(
            "tool_choice",
            "`tool_choice` is `none`, `auto`, `required` or names a function of `tools`.",
        )
    return ClientTools(tuple(tool for tool in tools if tool.name == named), "required")


def _named_function(choice: object) -> str | None:
    """The function that a choice names: nested as in chats, or flat as in responses."""
    if not isinstance(choice, dict):
        return None
    given = cast(dict[str, Any], choice)
    inner = given.get("function", given)
    return cast(dict[str, Any], inner).get("name") if isinstance(inner, dict) else None


def _text_of(message: ChatMessage, place: int) -> str:
    if message.content is None:
        return ""
    if isinstance(message.content, str):
        return message.content
    parts: list[str] = []
    for number, part in enumerate(message.content):
        if part.type in _TEXTS and part.text is not None:
            parts.append(part.text)
        elif part.type == "refusal":
            parts.append(part.refusal or "")
        else:
            raise UnsupportedParameterError(
                f"messages[{place}].content[{number}]",
                f"Only text can be read, not `{part.type[:40]}`. Put files into the library.",
            )
    return "\n".join(parts)


def _check_lengths(messages: Sequence[ChatMessage], texts: Sequence[str]) -> None:
    total = 0
    for message, text in zip(messages, texts, strict=True):
        total += len(text)
        total += sum(len(call.function.arguments) for call in message.tool_calls or ())
    if total > MAX_DIALOGUE_CHARS:
        raise ContextLengthExceededError("A conversation", MAX_DIALOGUE_CHARS, total)
    asked = [text for message, text in zip(messages, texts, strict=True) if message.role == "user"]
    if asked and len(asked[-1]) > MAX_QUERY_CHARS:
        raise ContextLengthExceededError("A question", MAX_QUERY_CHARS, len(asked[-1]))


def _converted(messages: Sequence[ChatMessage], texts: Sequence[str]) -> list[Message]:
    """The conversation without the instructions."""
    converted: list[Message] = []
    calls: dict[str, ToolCall] = {}
    for place, message in enumerate(messages):
        match message.role:
            case "user":
                converted.append(UserMessage(texts[place]))
            case "assistant":
                made = tuple(_call_of(call, place) for call in message.tool_calls or ())
                calls.update({call.id: call for call in made})
                if texts[place] or made:
                    converted.append(AssistantMessage(texts[place], made))
            case "tool":
                call = calls.get(message.tool_call_id or "")
                if call is None:
                    raise InvalidMessagesError(
                        f"messages[{place}]: no assistant message before it has a tool call with "
                        "this `tool_call_id`."
                    )
                converted.append(ToolResult(call, texts[place]))
            case "system" | "developer":
                pass
    return converted


def _call_of(item: ToolCallItem, place: int) -> ToolCall:
    try:
        arguments = json.loads(item.function.arguments or "{}")
    # RecursionError: JSON nested thousands of levels deep.
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        raise InvalidMessagesError(
            f"messages[{place}]: the arguments of a tool call are not a JSON object."
        )
    return ToolCall(item.id, item.function.name, cast(dict[str, Any], arguments))
