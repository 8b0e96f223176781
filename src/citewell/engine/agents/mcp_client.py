"""Tools of servers of the Model Context Protocol: listed, and called once.

A connection is made for each and nothing is kept between calls, so any process goes on with a run.
It imports the SDK, so it is itself imported when an agent first has such a tool.
"""

import json
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import httpx2
import mcp_types as types
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from citewell.engine.errors import ProviderError
from citewell.engine.llm.guarded import GuardedTransport
from citewell.engine.llm.untrusted import harmless
from citewell.kit.addresses import ReachableHosts

SECONDS = 25.0
"""Longest silence; below a tool's own limit, so that a server that hangs is told by its name."""

CONNECT_SECONDS = 5.0
MAX_REPLY_BYTES = 4 * 1024 * 1024
MAX_TEXT_CHARS = 200_000
"""Of one result; what a model reads of it is cut again."""

MAX_TOOLS = 500
MAX_PAGES = 20
MAX_DESCRIPTION_CHARS = 1_000
MAX_SCHEMA_CHARS = 20_000
"""About 6,000 tokens, which every step of a run would send again."""


class ToolServerError(ProviderError):
    """A server of tools cannot be reached, or does not keep to the protocol."""


@dataclass(frozen=True, slots=True)
class ServerPlace:
    """A server, by its address or by a command."""

    name: str
    hosts: ReachableHosts
    url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    command: str | None = None
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool as its server describes it, in words that can be put into a request."""

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON schema of its arguments, an object."""
    is_read_only: bool


async def offered(place: ServerPlace) -> list[OfferedTool]:
    """The tools of a server; those whose schemas are too long or no objects are left out.

    Raises:
        ToolServerError: It does not say.
    """
    found, cursor = list[types.Tool](), None
    async with _connected(place) as client:
        for _ in range(MAX_PAGES):
            listed = await client.list_tools(cursor=cursor)
            found += listed.tools
            cursor = listed.next_cursor
            if cursor is None or len(found) >= MAX_TOOLS:
                break
    tools = [_described(each) for each in found[:MAX_TOOLS]]
    return [each for each in tools if each is not None]


async def call(
    place: ServerPlace, tool: str, arguments: dict[str, Any], key: str
) -> tuple[str, bool]:
    """Call a tool; returns its text, cut at its limit, and whether it is an error.

    Args:
        place: The server.
        tool: Name of the tool there.
        arguments: Its arguments.
        key: Idempotency key, sent as `idempotency-key` in the metadata of the request.

    Raises:
        ToolServerError: There is no result; whether the tool did its work is not known.
    """
    async with _connected(place) as client:
        try:
            meta = cast(types.RequestParamsMeta, {"idempotency-key": key})
            result = await client.call_tool(tool, arguments, meta=meta)
        except MCPError as error:
            if error.code in (types.INVALID_PARAMS, types.METHOD_NOT_FOUND):
                return f"`{place.name}` refuses the call: {error}"[:MAX_TEXT_CHARS], True
            raise
    return _text_of(result), bool(result.is_error)


@asynccontextmanager
async def _connected(place: ServerPlace) -> AsyncGenerator[Client]:
    """A connection; whatever goes wrong with it is one error, which names the server."""
    failure: Exception | None = None
    try:
        with open(os.devnull, "w") as nowhere:  # noqa: ASYNC230 - a device
            if place.command is not None:
                command = StdioServerParameters(
                    command=place.command, args=list(place.args), env=dict(place.env)
                )
                transport = stdio_client(command, errlog=nowhere)
                async with Client(transport, read_timeout_seconds=SECONDS) as client:
                    yield client
                return
            assert place.url is not None
            timeout = httpx2.Timeout(SECONDS, connect=CONNECT_SECONDS)
            guarded = GuardedTransport(place.hosts, MAX_REPLY_BYTES)
            async with (
                httpx2.AsyncClient(
                    transport=guarded, headers=dict(place.headers), timeout=timeout,
                ) as http,
                Client(
                    streamable_http_client(place.url, http_client=http),
                    read_timeout_seconds=SECONDS,
                ) as client,
            ):  # fmt: skip
                yield client
    # Alone, or in a group of the SDK's tasks.
    except* (MCPError, httpx2.HTTPError, OSError, ValueError, RuntimeError) as group:
        failure = _first(group)
    if failure is not None:
        raise _failure(place, failure) from None


def _first(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = cast(ExceptionGroup[Exception], error).exceptions[0]
    return error


def _failure(place: ServerPlace, error: Exception) -> ToolServerError:
    # Words of the SDK may hold the address with what is in it: only protocol errors are told.
    why = str(error)[:300] if isinstance(error, MCPError) else type(error).__name__
    return ToolServerError(f"The server of tools `{place.name}` gave no result: {harmless(why)}.")


def _described(tool: types.Tool) -> OfferedTool | None:
    schema = tool.input_schema
    if schema.get("type") != "object" or len(json.dumps(schema)) > MAX_SCHEMA_CHARS:
        return None
    notes = tool.annotations
    return OfferedTool(
        tool.name,
        harmless((tool.description or tool.title or tool.name)[:MAX_DESCRIPTION_CHARS]),
        cast(dict[str, Any], _harmless_in(schema)),
        is_read_only=notes is not None and notes.read_only_hint is True,
    )


def _harmless_in(node: object) -> object:
    """A schema whose texts begin no tag; names of fields stay, as arguments go by them."""
    if isinstance(node, str):
        return harmless(node)
    if isinstance(node, list):
        return [_harmless_in(each) for each in cast(list[object], node)]
    if isinstance(node, dict):
        return {
            key: each if key in ("pattern", "enum", "const", "required") else _harmless_in(each)
            for key, each in cast(dict[str, object], node).items()
        }
    return node


def _text_of(result: types.CallToolResult) -> str:
    parts: list[str] = []
    for block in result.content:
        match block:
            case types.TextContent():
                parts.append(block.text)
            case types.EmbeddedResource(resource=types.TextResourceContents() as inner):
                parts.append(inner.text)
            case types.ResourceLink():
                parts.append(f"[a link to {block.name}, which is not followed]")
            case _:
                parts.append(f"[{block.type}, which is no text]")
    if not parts and result.structured_content is not None:
        parts.append(json.dumps(result.structured_content, ensure_ascii=False))
    text = "\n".join(parts)
    return text if len(text) <= MAX_TEXT_CHARS else f"{text[:MAX_TEXT_CHARS]}\n[cut]"
