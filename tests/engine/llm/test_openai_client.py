"""The lean client of OpenAI's format: it sends what the SDK sends, and reads what the SDK reads."""

import json
from typing import Any

import httpx2
from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai.direct import model_request_stream
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from citewell.engine.llm.base import (
    AssistantMessage,
    ModelRequest,
    Timeouts,
    TokenUsage,
    Tool,
    ToolCall,
    ToolResult,
    UserMessage,
    complete,
)
from citewell.engine.llm.conversion import history_of, parameters_of
from citewell.engine.llm.openai_client import ChatClient, ChatModel
from tests.engine.llm.opening import opened


class Ruling(BaseModel):
    """A decision with its reason."""

    is_allowed: bool
    reason: str


class Query(BaseModel):
    """Arguments with a definition that is referred to."""

    rulings: list[Ruling]
    limit: int | None = None


TOOLS = (
    Tool("search", "Search the library.", Query.model_json_schema()),
    Tool("clock", "The time.", {"type": "object", "properties": {}}),
)
CALL = ToolCall("c1", "search", {"rulings": [], "limit": 3})
REQUESTS = (
    ModelRequest.of("Be brief.", "How much leave?"),
    ModelRequest(
        (
            UserMessage("How much leave?"),
            AssistantMessage("Let me look.", (CALL,)),
            ToolResult(CALL, "20 days", is_error=False),
            ToolResult(CALL, "No.", is_error=True),
            UserMessage("Go on."),
        ),
        "Be brief.",
        tools=TOOLS,
        temperature=0.2,
    ),
    ModelRequest((UserMessage("May I?"),), tools=TOOLS, output=Ruling),
    ModelRequest((UserMessage("May I?"),), json_format=Ruling),
)


def _model(kind: type[OpenAIChatModel], client: type[AsyncOpenAI], url: str) -> OpenAIChatModel:
    sdk = client(base_url=f"{url}/v1", api_key="k", max_retries=0, http_client=httpx2.AsyncClient())
    return kind("m-1", provider=OpenAIProvider(openai_client=sdk))


def _stream_of(chunks: list[dict[str, Any]]) -> bytes:
    events = [f"data: {json.dumps(each)}\n\n" for each in chunks]
    return "".join([*events, "data: [DONE]\n\n"]).encode()


class TestRequest:
    async def test_every_kind_of_request_is_sent_as_by_the_sdk(
        self, vendor: Any, reply: Any
    ) -> None:
        for asked in REQUESTS:
            sent: list[tuple[str, dict[str, Any]]] = []
            for kind, client in ((OpenAIChatModel, AsyncOpenAI), (ChatModel, ChatClient)):
                model = _model(kind, client, vendor.url)
                vendor.script = [reply()]
                async with model_request_stream(
                    model,
                    history_of(asked),
                    model_settings={"max_tokens": 100, "temperature": 0.5},
                    model_request_parameters=parameters_of(asked),
                ) as response:
                    async for _ in response:
                        pass
                sent.append((vendor.received[-1].path, vendor.received[-1].body))
                await model.client.close()
            assert sent[0] == sent[1]
            assert "messages" in sent[0][1]

    async def test_tool_is_adapted_once_and_anew_when_its_schema_changes(self, vendor: Any) -> None:
        model = _model(ChatModel, ChatClient, vendor.url)
        first, again = (
            model.customize_request_parameters(parameters_of(REQUESTS[1])).function_tools
            for _ in range(2)
        )
        assert [one is other for one, other in zip(first, again, strict=True)] == [True, True]
        changed = Tool("clock", "The time.", {"type": "object", "properties": {"zone": {}}})
        asked = ModelRequest((UserMessage("When?"),), tools=(changed,))
        [adapted] = model.customize_request_parameters(parameters_of(asked)).function_tools
        assert adapted.parameters_json_schema["properties"] == {"zone": {}}
        await model.client.close()


class TestReply:
    async def test_pieces_that_do_not_fit_the_format_are_read_as_far_as_they_go(
        self, vendor: Any, reply: Any
    ) -> None:
        # Seen from servers of this format: no index, an id of their own kind, other reasons.
        vendor.script = [
            reply(
                garbage=_stream_of(
                    [
                        {"id": 7, "choices": [{"delta": {"content": "Twenty "}}]},
                        {"choices": [{"index": 0, "delta": {"content": "days."}}], "model": None},
                        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
                        {
                            "choices": [],
                            "usage": {
                                "prompt_tokens": 4,
                                "completion_tokens": 2,
                                "total_tokens": 6,
                            },
                        },
                    ]
                )
            )
        ]
        model = opened("openai-compatible", vendor, Timeouts(backoff=0.01))
        read = await complete(model, REQUESTS[0])
        await model.close()
        assert (read.text, read.usage) == ("Twenty days.", TokenUsage(4, 2))
