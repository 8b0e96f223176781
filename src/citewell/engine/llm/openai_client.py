"""OpenAI's SDK client, without the costly ways in which it reads and writes its own format.

Imported only when a model is first used; see `hosted`.

The SDK compares each request with its type hints, every message with every kind of message, to find
names that are written differently on the wire; it has none in chat completions. It builds each
piece of a reply field by field, so that it never fails. Together that was half of the processor
time of a request: 2 ms for one with five tools, and 11 ms for a reply of 80
pieces, where pydantic's validation takes 1 ms.
"""

import json
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar, cast

import httpx2
from openai import AsyncOpenAI, AsyncStream, NotGiven, Omit
from openai.resources.chat import AsyncChat, AsyncCompletions
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import ValidationError
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.tools import ToolDefinition

T = TypeVar("T")

_OPTIONS = {"extra_headers": "headers", "extra_query": "params", "extra_body": "extra_json"}
"""Arguments of the SDK's methods that are no part of the body, as its requests call them."""


class ChatClient(AsyncOpenAI):
    """`AsyncOpenAI` whose chat completions cost little processor time."""

    @property
    def chat(self) -> AsyncChat:
        """Chat completions."""
        return _Chat(self)

    def _process_response_data(
        self, *, data: object, cast_to: type[T], response: httpx2.Response
    ) -> T:
        if cast_to is ChatCompletionChunk:
            try:
                return cast(T, ChatCompletionChunk.model_validate(data))
            except ValidationError:
                # Many servers of this format leave something out or add values of their own; the
                # SDK reads what is there.
                pass
        return super()._process_response_data(data=data, cast_to=cast_to, response=response)


class _Chat(AsyncChat):
    @property
    def completions(self) -> AsyncCompletions:
        return _Completions(self._client)


class _Completions(AsyncCompletions):
    # The signature of the SDK's method has forty arguments; all go into the body by their names.
    async def create(self, **given: Any) -> Any:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
        """Send a request whose parts are in the format of the wire already."""
        body = {name: value for name, value in given.items() if not isinstance(value, Omit)}
        options: dict[str, Any] = {"security": {"bearer_auth": True}}
        for name, called in _OPTIONS.items():
            if (value := body.pop(name, None)) is not None:
                options[called] = value
        timeout = body.pop("timeout", None)
        if not isinstance(timeout, NotGiven | None):
            options["timeout"] = timeout
        return await self._post(
            "/chat/completions",
            body=body,
            options=cast(Any, options),
            cast_to=ChatCompletion,
            stream=bool(body.get("stream")),
            stream_cls=AsyncStream[ChatCompletionChunk],
        )


MAX_TOOLS = 256
"""Tools whose schemas one model remembers: those of all agents of a tenant, with tools of servers,
some kilobytes each."""


class ChatModel(OpenAIChatModel):
    """`OpenAIChatModel` that adapts each tool's schema once: agents send it at each step."""

    def customize_request_parameters(
        self, model_request_parameters: ModelRequestParameters
    ) -> ModelRequestParameters:
        """Adapt the schemas to the vendor's rules; see the base class."""
        tools = [self._adapted(tool) for tool in model_request_parameters.function_tools]
        others = replace(model_request_parameters, function_tools=[])
        return replace(super().customize_request_parameters(others), function_tools=tools)

    def _adapted(self, tool: ToolDefinition) -> ToolDefinition:
        # By its text: a server of tools may describe one of the same name otherwise an hour later.
        key = tool.name, tool.description, json.dumps(tool.parameters_json_schema)
        if key not in self._known:
            alone = ModelRequestParameters(function_tools=[tool])
            [adapted] = super().customize_request_parameters(alone).function_tools
            if len(self._known) >= MAX_TOOLS:
                self._known.clear()
            self._known[key] = adapted
        return self._known[key]

    @cached_property
    def _known(self) -> dict[tuple[str, str | None, str], ToolDefinition]:
        return {}
