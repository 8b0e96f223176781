"""Tokens that are counted before a model is asked."""

from citewell.engine.llm.base import (
    AssistantMessage,
    ModelRequest,
    Tool,
    ToolCall,
    ToolResult,
    UserMessage,
)
from citewell.features.agents.metering import estimate_of

LONG = "many words " * 2_000


class TestEstimate:
    def test_every_part_of_a_request_is_counted(self) -> None:
        call = ToolCall("1", "look", {"query": LONG})
        for request in (
            ModelRequest((UserMessage(LONG),)),
            ModelRequest((), LONG),
            ModelRequest((AssistantMessage("", (call,)),)),
            ModelRequest((ToolResult(ToolCall("1", "look", {}), LONG),)),
            ModelRequest((), tools=(Tool("look", "", {"description": LONG}),)),
        ):
            assert estimate_of(request) > 3_000, request
        assert estimate_of(ModelRequest((), max_tokens=5_000)) >= 5_000
