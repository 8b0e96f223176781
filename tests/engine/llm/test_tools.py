"""Tools and structured output, as every provider must do them; real HTTP on loopback."""

import json
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from citewell.engine.errors import ProviderError
from citewell.engine.llm.base import (
    AssistantMessage,
    Completion,
    LanguageModel,
    ModelRequest,
    ReplyEnd,
    TokenUsage,
    Tool,
    ToolCall,
    ToolResult,
    UserMessage,
    complete,
)
from citewell.engine.llm.conversion import OUTPUT_TOOL

SEARCH = Tool(
    "search",
    "Search the library.",
    {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
)
ASKED = ModelRequest((UserMessage("How much leave?"),), "Be brief.", tools=(SEARCH,))
LEAVE = ("call-1", "search", ['{"query": ', '"leave"}'])
SICKNESS = ("call-2", "search", ['{"query": "sickness"}'])


class Ruling(BaseModel):
    """A decision with its reason."""

    is_allowed: bool
    reason: str


RULING = ModelRequest((UserMessage("May I park here?"),), output=Ruling)
GIVEN = ("call-9", OUTPUT_TOOL, ['{"is_allowed": true,', ' "reason": "bay 4"}'])


class TestToolCalls:
    async def test_calls_come_after_the_text_whole_and_in_order(
        self, model: LanguageModel, vendor: Any, reply: Any
    ) -> None:
        vendor.script = [reply(pieces=["Let me look."], calls=[LEAVE, SICKNESS])]
        async with aclosing(model.stream(ASKED)) as stream:
            items = [item async for item in stream]
        assert items == [
            "Let me look.",
            ToolCall("call-1", "search", {"query": "leave"}),
            ToolCall("call-2", "search", {"query": "sickness"}),
            ReplyEnd(TokenUsage(42, 7)),
        ]

    async def test_request_names_the_tool_and_its_parameters(
        self, model: LanguageModel, vendor: Any, reply: Any
    ) -> None:
        vendor.script = [reply(pieces=[], calls=[LEAVE])]
        assert len((await complete(model, ASKED)).tool_calls) == 1
        (tool,) = vendor.received[0].body["tools"]
        tool = tool.get("function", tool)
        assert (tool["name"], tool["description"]) == (SEARCH.name, SEARCH.description)
        parameters = tool.get("parameters") or tool["input_schema"]
        assert parameters["properties"] == SEARCH.parameters["properties"]

    async def test_results_are_sent_back_under_the_ids_of_their_calls(
        self, model: LanguageModel, vendor: Any
    ) -> None:
        first, second = (ToolCall(each[0], each[1], {"query": "q"}) for each in (LEAVE, SICKNESS))
        history = (
            *ASKED.messages,
            AssistantMessage("Let me look.", (first, second)),
            ToolResult(first, "20 days"),
            ToolResult(second, "the search failed", is_error=True),
        )
        assert (await complete(model, replace(ASKED, messages=history))).text
        sent = vendor.received[0].body["messages"]
        results = results_in(sent)
        assert results["call-1"] == "20 days"
        # Where the format has no mark for failures, it is told in the text.
        assert results["call-2"] in ("the search failed", '{"error":"the search failed"}')
        assert calls_in(sent) == ["call-1", "call-2"]

    async def test_connection_cut_in_a_call_gives_no_call(
        self, model: LanguageModel, vendor: Any, reply: Any
    ) -> None:
        cut = reply(pieces=[], calls=[SICKNESS, LEAVE], is_cut_in_call=True)
        vendor.script = [cut] * 3
        items: list[object] = []
        with pytest.raises(ProviderError) as caught:
            async with aclosing(model.stream(ASKED)) as stream:
                items += [item async for item in stream]
        assert caught.value.retryable
        assert items == []
        assert len(vendor.received) == 3

    async def test_connection_cut_once_is_not_seen(
        self, model: LanguageModel, vendor: Any, reply: Any
    ) -> None:
        vendor.script = [
            reply(pieces=[], calls=[LEAVE], is_cut_in_call=True),
            reply(pieces=[], calls=[LEAVE]),
        ]
        (call,) = (await complete(model, ASKED)).tool_calls
        assert call.arguments == {"query": "leave"}

    async def test_token_limit_within_a_call_gives_no_call(
        self, model: LanguageModel, vendor: Any, reply: Any
    ) -> None:
        vendor.script = [reply(pieces=["x"], calls=[("c", "search", ['{"que'])], stop="length")]
        done = await complete(model, ASKED)
        assert done.is_truncated
        assert done.tool_calls == ()

    async def test_arguments_that_are_no_json_are_asked_for_again(
        self, model: LanguageModel, vendor: Any, reply: Any
    ) -> None:
        broken = reply(pieces=[], calls=[("c", "search", ['{"query": leave}'])])
        vendor.script = [broken, reply(pieces=[], calls=[LEAVE])]
        assert (await complete(model, ASKED)).tool_calls[0].id == "call-1"
        vendor.script = [broken] * 3
        with pytest.raises(ProviderError, match="arguments that do not fit `search`"):
            await complete(model, ASKED)

    async def test_rate_limit_is_waited_for(
        self, model: LanguageModel, vendor: Any, reply: Any
    ) -> None:
        limited = reply(status=429, headers={"retry-after-ms": "50"})
        vendor.script = [limited, reply(pieces=[], calls=[LEAVE])]
        assert (await complete(model, ASKED)).tool_calls
        assert len(vendor.received) == 2


class TestOutput:
    async def test_output_comes_validated_with_usage(
        self, model: LanguageModel, vendor: Any, reply: Any
    ) -> None:
        vendor.script = [reply(pieces=["I think:"], calls=[GIVEN])]
        assert await complete(model, RULING) == Completion(
            "", TokenUsage(42, 7), output=Ruling(is_allowed=True, reason="bay 4")
        )
        body = json.dumps(vendor.received[0].body)
        assert OUTPUT_TOOL in body
        assert "A decision with its reason." in body

    async def test_output_of_another_shape_is_asked_for_again(
        self, model: LanguageModel, vendor: Any, reply: Any
    ) -> None:
        odd = reply(pieces=["Well."], calls=[("c", OUTPUT_TOOL, ['{"is_allowed": "perhaps"}'])])
        vendor.script = [odd, reply(pieces=[], calls=[GIVEN])]
        assert (await complete(model, RULING)).output == Ruling(is_allowed=True, reason="bay 4")
        vendor.script = [odd] * 3
        with pytest.raises(ProviderError, match="do not fit") as caught:
            await complete(model, RULING)
        assert caught.value.retryable

    async def test_text_instead_of_output_is_error(
        self, model: LanguageModel, vendor: Any, reply: Any
    ) -> None:
        vendor.script = [reply()] * 3
        with pytest.raises(ProviderError, match="in the form asked for"):
            await complete(model, RULING)
        assert len(vendor.received) == 3

    async def test_tools_may_be_called_first(
        self, model: LanguageModel, vendor: Any, reply: Any
    ) -> None:
        vendor.script = [reply(pieces=[], calls=[LEAVE])]
        done = await complete(model, replace(RULING, tools=(SEARCH,)))
        assert [call.name for call in done.tool_calls] == ["search"]
        assert done.output is None


def results_in(messages: list[dict[str, Any]]) -> dict[str, str]:
    """Text of the tool results by their call, in OpenAI's or Anthropic's format."""
    found: dict[str, str] = {}
    for message in messages:
        if message["role"] == "tool":
            found[message["tool_call_id"]] = message["content"]
        for part in message["content"] if isinstance(message["content"], list) else ():
            if part["type"] == "tool_result":
                content = part["content"]
                is_text = isinstance(content, str)
                found[part["tool_use_id"]] = content if is_text else content[0]["text"]
    return found


def calls_in(messages: list[dict[str, Any]]) -> list[str]:
    """Ids of the calls of earlier replies."""
    found: list[str] = []
    for message in messages:
        found += [call["id"] for call in message.get("tool_calls") or ()]
        for part in message["content"] if isinstance(message["content"], list) else ():
            if part["type"] == "tool_use":
                found.append(part["id"])
    return found
