"""Trying out a connection: what its model can do, and how fast it begins."""

import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Literal

from pydantic import BaseModel, Field

from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.engine.llm.base import (
    LanguageModel,
    ModelRequest,
    ReplyEnd,
    Tool,
    UserMessage,
    complete,
)
from citewell.features.connections.schemas import CheckRead, ConnectionTest

CheckName = Literal["models", "text", "tools", "structured_output"]

TOKENS = 2_000
"""Tokens reserved for a test; it takes a few hundred, thinking models more."""

_REPLY_TOKENS = 400
_MODELS = 500

_TOOL = Tool(
    "note_number",
    "Note a number.",
    {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]},
)


class Colour(BaseModel):
    """A colour and how many letters its name has."""

    name: str
    letters: int = Field(ge=0)


class _FirstToken:
    milliseconds: int | None = None


async def try_out(
    model: LanguageModel, models: Callable[[], Awaitable[list[str]]]
) -> ConnectionTest:
    """Ask a model for a list of models, a text, a tool call and a shaped reply, one after another.

    Args:
        model: The model; each thing that fails is told and does not end the test.
        models: Asks the provider which models it has.
    """
    first, offered = _FirstToken(), list[str]()

    async def list_models() -> str:
        offered.extend((await models())[:_MODELS])
        is_there = model.name.partition(":")[2] in offered
        return f"{len(offered)} models" + ("" if is_there else "; this one is not among them")

    async def write_text() -> str:
        begun = time.monotonic()
        request = ModelRequest.of("Answer briefly.", "Say: ready.", max_tokens=_REPLY_TOKENS)
        async with aclosing(model.stream(request)) as items:
            async for item in items:
                if first.milliseconds is None and isinstance(item, str):
                    first.milliseconds = _since(begun)
                if isinstance(item, ReplyEnd):
                    spent = item.usage
                    return f"{spent.input_tokens} tokens in, {spent.output_tokens} out"
        raise ProviderError("The reply did not end.")

    async def call_tool() -> str:
        request = ModelRequest(
            (UserMessage("Note the number 7."),),
            tools=(_TOOL,),
            tool_choice="required",
            max_tokens=_REPLY_TOKENS,
        )
        calls = (await complete(model, request)).tool_calls
        if not any(call.name == _TOOL.name and "number" in call.arguments for call in calls):
            raise ProviderError("It did not call the tool.")
        return "called"

    async def give_shape() -> str:
        asked = (UserMessage("Which colour has the sky by day?"),)
        reply = await complete(model, ModelRequest(asked, output=Colour, max_tokens=_REPLY_TOKENS))
        if reply.output is None:
            raise ProviderError("It gave no reply of the shape asked for.")
        return "as asked"

    checks = [
        await _tried("models", list_models),
        await _tried("text", write_text),
        await _tried("tools", call_tool),
        await _tried("structured_output", give_shape),
    ]
    is_usable = next(each.ok for each in checks if each.name == "text")
    return ConnectionTest(
        ok=is_usable, first_token_ms=first.milliseconds, checks=checks, models=offered
    )


async def _tried(name: CheckName, work: Callable[[], Awaitable[str]]) -> CheckRead:
    begun = time.monotonic()
    try:
        detail, is_right = await work(), True
    except (ProviderError, ProviderConfigurationError) as error:
        detail, is_right = str(error), False
    return CheckRead(name=name, ok=is_right, detail=detail, milliseconds=_since(begun))


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
