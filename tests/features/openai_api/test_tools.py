"""Tools that a client passes, with a language model on loopback."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest

from citewell.core.settings import Settings
from tests.conftest import Servers, serving
from tests.features.openai_api.conftest import QUESTION, furnish
from tests.quiet import quiet_database
from tests.vendor import Reply, VendorServer, running_vendor

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a town.",
        "parameters": {"type": "object", "properties": {"town": {"type": "string"}}},
    },
}
ASKED: list[Any] = [{"role": "user", "content": "How is the weather in Hue?"}]
CALLED = Reply([], calls=[("call_1", "weather", ['{"town": ', '"Hue"}'])])


@pytest.fixture
async def vendor() -> AsyncIterator[VendorServer]:
    async with running_vendor() as server:
        yield server


@pytest.fixture
def quiet_url(servers: Servers, template: str) -> Iterator[str]:
    """A database that no other worker looks at: an agent's run needs one that has the model."""
    with quiet_database(servers, template) as url:
        yield url


async def test_tools_reach_the_model_and_its_calls_the_client(
    settings: Settings, quiet_url: str, vendor: VendorServer
) -> None:
    more = {
        "database_url": quiet_url,
        "llm": "openai-compatible:m-1", "llm_base_url": f"{vendor.url}/v1",
        "rate_limit_queries": 12,
    }  # fmt: skip
    with serving(settings.model_copy(update=more), quiet_url) as server:
        house = await asyncio.to_thread(furnish, server, server.new_key())
        async with house.async_openai() as client:
            await chat_calls_and_goes_on(client, vendor)
            await stream_calls(client, vendor)
            await responses_call(client, vendor)
            await documents_answer_where_no_tool_is_called(client, vendor)
            await agent_answers_as_a_model(client, vendor)
            await model_that_fails_is_unavailable(client, vendor)
            await tools_that_no_model_takes_are_refused(client, vendor)
            await questions_are_limited(client)


async def chat_calls_and_goes_on(client: openai.AsyncOpenAI, vendor: VendorServer) -> None:
    vendor.script += [CALLED, Reply(["It rains ", "in Hue."])]
    create = client.chat.completions.create
    reply = await create(model="citewell", messages=ASKED, tools=[WEATHER], tool_choice="required")
    (choice,) = reply.choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls is not None
    (call,) = choice.message.tool_calls
    assert call.type == "function"
    assert (call.id, json.loads(call.function.arguments)) == ("call_1", {"town": "Hue"})
    sent = vendor.received[-1].body
    assert sent["tool_choice"] == "required"
    assert sent["tools"][0]["function"]["name"] == "weather"
    assert reply.usage is not None
    assert reply.usage.total_tokens == 49
    told: Any = [
        *ASKED, choice.message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": "call_1", "content": "Rain, 24 degrees."},
    ]  # fmt: skip
    ended: Any = await create(model="citewell", messages=told, tools=[WEATHER])
    assert ended.choices[0].message.content == "It rains in Hue."
    assert ended.choices[0].message.annotations == []
    assert ended.citewell["grounded"] is False
    assert vendor.received[-1].body["messages"][-1]["content"] == "Rain, 24 degrees."


async def stream_calls(client: openai.AsyncOpenAI, vendor: VendorServer) -> None:
    vendor.script.append(CALLED)
    stream = await client.chat.completions.create(
        model="citewell", messages=ASKED, tools=[WEATHER], stream=True
    )
    chunks = [each async for each in stream]
    (delta,) = [one.choices[0].delta for one in chunks if one.choices[0].delta.tool_calls]
    assert delta.tool_calls is not None
    assert delta.tool_calls[0].function is not None
    assert delta.tool_calls[0].function.arguments == '{"town": "Hue"}'
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


async def responses_call(client: openai.AsyncOpenAI, vendor: VendorServer) -> None:
    vendor.script += [CALLED, Reply(["It rains."])]
    tool: Any = {"type": "function", **WEATHER["function"], "strict": None}
    async with client.responses.stream(model="citewell", input="Weather?", tools=[tool]) as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_response()
    assert "response.function_call_arguments.done" in kinds
    (call,) = final.output
    assert call.type == "function_call"
    given: Any = [
        {"role": "user", "content": "Weather?"},
        {"type": "function_call", "call_id": call.call_id, "name": call.name,
         "arguments": call.arguments},
        {"type": "function_call_output", "call_id": call.call_id, "output": "Rain."},
    ]  # fmt: skip
    ended = await client.responses.create(model="citewell", input=given, tools=[tool])
    assert ended.output_text == "It rains."


async def documents_answer_where_no_tool_is_called(
    client: openai.AsyncOpenAI, vendor: VendorServer
) -> None:
    said = '<quote passage="1">The lift is repaired by Otis Berger.</quote><say>Otis Berger.</say>'
    vendor.script += [Reply(["DOCUMENTS"]), Reply([said])]
    reply: Any = await client.chat.completions.create(
        model="citewell", messages=[{"role": "user", "content": QUESTION}], tools=[WEATHER]
    )
    assert reply.choices[0].message.content == "Otis Berger. [1]"
    assert len(reply.choices[0].message.annotations) == 1
    assert reply.citewell["model"] == "openai-compatible:m-1"
    assert reply.usage.total_tokens == 2 * 49  # of both requests to the model


async def agent_answers_as_a_model(client: openai.AsyncOpenAI, vendor: VendorServer) -> None:
    looking = Reply([], calls=[("v0", "search_documents", [json.dumps({"query": QUESTION})])])
    vendor.script += [looking, Reply(["The lift is repaired by Otis Berger [1]."])]
    said_before: Any = [
        {"role": "user", "content": "A NUL: \x00."}, {"role": "assistant", "content": "Yes."},
    ]  # fmt: skip
    stream = await client.chat.completions.create(
        model="agent:researcher",
        messages=[*said_before, {"role": "user", "content": QUESTION}],
        stream=True,
    )
    chunks = [each async for each in stream]
    said = "".join(each.choices[0].delta.content or "" for each in chunks)
    assert "Otis Berger" in said
    last: Any = chunks[-1]
    (annotation,) = last.choices[0].delta.annotations
    assert "Otis Berger" in annotation["url_citation"]["quote"]
    assert last.citewell["run_id"]
    with pytest.raises(openai.BadRequestError) as caught:
        await client.chat.completions.create(
            model="agent:researcher", messages=ASKED, tools=[WEATHER]
        )
    assert caught.value.code == "unsupported_parameter"


async def model_that_fails_is_unavailable(client: openai.AsyncOpenAI, vendor: VendorServer) -> None:
    vendor.script.append(Reply(status=401))
    with pytest.raises(openai.InternalServerError) as caught:
        await client.chat.completions.create(model="citewell", messages=ASKED, tools=[WEATHER])
    assert (caught.value.status_code, caught.value.code) == (503, "model_unavailable")


async def tools_that_no_model_takes_are_refused(
    client: openai.AsyncOpenAI, vendor: VendorServer
) -> None:
    before = len(vendor.received)
    for changes, code in (
        ({"name": "no good name"}, None),
        ({"name": "x" * 65}, None),
        ({"parameters": {"type": "object", "title": "x" * 900_000}}, "context_length_exceeded"),
    ):
        tool: Any = {"type": "function", "function": {**WEATHER["function"], **changes}}
        with pytest.raises(openai.BadRequestError) as caught:
            await client.chat.completions.create(model="citewell", messages=ASKED, tools=[tool])
        assert caught.value.code == code, changes
    assert len(vendor.received) == before


async def questions_are_limited(client: openai.AsyncOpenAI) -> None:
    async def ask_often() -> None:
        for _ in range(14):
            await client.chat.completions.create(model="citewell", messages=ASKED)

    with pytest.raises(openai.RateLimitError) as caught:
        await ask_often()
    assert caught.value.code == "rate_limit_exceeded"
    assert caught.value.response.headers["retry-after"]
