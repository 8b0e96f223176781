"""A model that is told no personal data, over real HTTP."""

import json
import random
from typing import Any

from pydantic import BaseModel

from citewell.engine.llm.base import (
    AssistantMessage,
    ModelRequest,
    Timeouts,
    Tool,
    ToolCall,
    ToolResult,
    UserMessage,
    complete,
)
from citewell.engine.llm.redacting import RedactingModel
from citewell.engine.text.hiding import personal_data
from tests.engine.llm.opening import opened
from tests.vendor import Received, Reply, VendorServer

DATA = (
    "an@example.com", "DE89 3704 0044 0532 0130 00", "4111 1111 1111 1111", "001085012345",
    "0912 345 678", "+84 912 345 678", "0100109106", "CMND 123456789", "[EMAIL_1]",
)  # fmt: skip
WORDS = ("Call", "the lift", "Điều 12", "is", "3 euros", ".", "\n", "(", ")", '"')


class Contact(BaseModel):
    """A contact."""

    name: str
    email: str


def texts_of(node: Any) -> list[str]:
    """All texts and numbers of JSON, of JSON within texts too."""
    if isinstance(node, dict):
        return [one for key, each in node.items() for one in (key, *texts_of(each))]
    if isinstance(node, list):
        return [one for each in node for one in texts_of(each)]
    if isinstance(node, str) and node[:1] == "{":
        try:
            return texts_of(json.loads(node))
        except ValueError:
            pass
    return [str(node)]


def text_from(draw: random.Random) -> str:
    return " ".join(draw.choice(DATA + WORDS) for _ in range(draw.randint(1, 15)))


def echo(received: Received) -> Reply:
    """The user's last text, in pieces of three characters."""
    said = received.body["messages"][-1]["content"]
    said = said if isinstance(said, str) else said[-1]["text"]
    return Reply([said[at : at + 3] for at in range(0, len(said), 3)])


class TestRedacting:
    async def test_nothing_that_is_found_reaches_the_vendor_and_replies_have_it(
        self, vendor: VendorServer
    ) -> None:
        draw = random.Random(7)
        vendor.answering = echo
        for provider in ("openai-compatible", "anthropic"):
            inner = opened(provider, vendor, Timeouts())
            model = RedactingModel(inner)
            for _ in range(20):
                call = ToolCall("c1", "look", {"query": text_from(draw), "phone": 84912345678})
                last = text_from(draw) + " end"
                request = ModelRequest(
                    (
                        UserMessage(text_from(draw) + " go"),
                        AssistantMessage(text_from(draw) + " so", (call,)),
                        ToolResult(call, text_from(draw) + " done"),
                        UserMessage(last),
                    ),
                    text_from(draw),
                    (Tool("look", text_from(draw) + " look", {
                        "type": "object", "description": text_from(draw),
                        "properties": {"query": {"type": "string"}},
                    }),),
                )  # fmt: skip
                reply = await complete(model, request)
                assert reply.text == last
                body = vendor.received[-1].body
                leaks = [each for each in texts_of(body) if personal_data(each)]
                assert leaks == []
                assert not any(each in json.dumps(body) for each in DATA[:-2])
            await inner.close()

    async def test_calls_and_shaped_replies_have_the_data(self, vendor: VendorServer) -> None:
        inner = opened("openai-compatible", vendor, Timeouts())
        model = RedactingModel(inner)
        arguments = json.dumps({"to": "[EMAIL_1]", "more": ["at [PHONE_1]", 3]})
        vendor.script.append(Reply(["Mail [EMA", "IL_1] [EMAIL_9] [EM"], calls=[
            ("v1", "send", [arguments])]))  # fmt: skip
        question = "Write to an@example.com or 0912 345 678."
        tools = (Tool("send", "Send.", {"type": "object", "properties": {}}),)
        reply = await complete(model, ModelRequest((UserMessage(question),), "Help.", tools))
        assert reply.text == "Mail an@example.com [EMAIL_9] [EM"
        assert reply.tool_calls[0].arguments == {
            "to": "an@example.com",
            "more": ["at 0912 345 678", 3],
        }
        assert "Marks like" in json.dumps(vendor.received[-1].body)
        shaped = json.dumps({"name": "An", "email": "[EMAIL_1]"})
        vendor.script.append(Reply([], calls=[("v1", "give_reply", [shaped])]))
        reply = await complete(model, ModelRequest((UserMessage(question),), output=Contact))
        assert reply.output == Contact(name="An", email="an@example.com")
        vendor.script.append(Reply(["Yes."]))
        await complete(model, ModelRequest.of("Help.", "Is it open?"))
        assert "Marks like" not in json.dumps(vendor.received[-1].body)
        await inner.close()
