"""Tools of servers of the Model Context Protocol that the operator allows.

They are named `SERVER__TOOL`. A server is asked for its tools at the beginning of each attempt at a
run; one that does not answer leaves tools that say so, since an agent may do without.
"""

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import RootModel

from citewell.core.platform import Platform
from citewell.core.settings import Settings
from citewell.core.tool_servers import ToolServer
from citewell.engine.agents.base import ToolOutput, ToolTerms
from citewell.engine.errors import EngineError
from citewell.features.agents.tools.base import AgentTool, ToolWork
from citewell.features.agents.tools.send_http import UNCLEAR
from citewell.kit.addresses import ReachableHosts

if TYPE_CHECKING:
    from citewell.engine.agents.mcp_client import OfferedTool, ServerPlace

SEPARATOR = "__"
_TOOL = re.compile(r"[A-Za-z0-9_-]{1,40}")
"""Names of tools that can be offered: vendors take no other characters, and 64 with the prefix."""


class ServerArguments(RootModel[dict[str, Any]]):
    """Arguments of such a tool: its server checks them."""


def problem_with(name: str, settings: Settings, tenant_id: uuid.UUID) -> str | None:
    """Why a tool of a server cannot be in an agent; None: it can, as far as the server has it."""
    server, _, tool = name.partition(SEPARATOR)
    known = settings.agent_mcp_servers.get(server)
    if known is None or not known.is_open_to(tenant_id):
        return f"The operator allows no server of tools `{server}`."
    if not _TOOL.fullmatch(tool):
        return f"`{tool}` is no name of a tool: letters, digits, `_` and `-`, 40 at most."
    return None


async def tools_of(
    platform: Platform, tenant_id: uuid.UUID, names: Iterable[str]
) -> Mapping[str, AgentTool]:
    """The tools of servers among an agent's, by their whole names; no transaction may be open."""
    wanted: dict[str, list[str]] = {}
    for name in names:
        if SEPARATOR in name:
            server, _, tool = name.partition(SEPARATOR)
            wanted.setdefault(server, []).append(tool)
    made: dict[str, AgentTool] = {}
    for server, tools in wanted.items():
        for tool, each in (await _tools(platform, tenant_id, server, tools)).items():
            made[f"{server}{SEPARATOR}{tool}"] = each
    return made


async def _tools(
    platform: Platform, tenant_id: uuid.UUID, name: str, tools: list[str]
) -> dict[str, AgentTool]:
    from citewell.engine.agents import mcp_client  # noqa: PLC0415 - imports the SDK

    missing = [why for each in tools if (why := problem_with(
        f"{name}{SEPARATOR}{each}", platform.settings, tenant_id))]  # fmt: skip
    if missing:
        return {tool: _absent(name, tool, missing[0]) for tool in tools}
    server = platform.settings.agent_mcp_servers[name]
    place = _place(name, server, platform.settings)
    try:
        there = {each.name: each for each in await mcp_client.offered(place)}
    except EngineError as error:
        return {tool: _absent(name, tool, str(error)) for tool in tools}
    shown = ", ".join(sorted(there)[:40])
    return {
        tool: _tool(place, server, there[tool])
        if tool in there
        else _absent(name, tool, f"`{name}` has no tool `{tool}` that can be used; it has {shown}.")
        for tool in tools
    }


def _place(name: str, server: ToolServer, settings: Settings) -> "ServerPlace":
    from citewell.engine.agents import mcp_client  # noqa: PLC0415 - imports the SDK

    return mcp_client.ServerPlace(
        name,
        ReachableHosts(settings.private_hosts),
        server.url,
        {key: value.get_secret_value() for key, value in server.headers.items()},
        server.command,
        server.args,
        {key: value.get_secret_value() for key, value in server.env.items()},
    )


def _tool(place: "ServerPlace", server: ToolServer, offered: "OfferedTool") -> AgentTool:
    terms = ToolTerms(
        f"{place.name}{SEPARATOR}{offered.name}",
        offered.description,
        ServerArguments,
        has_effect=not offered.is_read_only,
        schema=offered.parameters,
    )
    is_free = offered.is_read_only and server.approve == "writing"
    # Without the query, in which some servers take their key.
    where = place.url.partition("?")[0] if place.url else place.command or ""

    def action(_: Platform, arguments: ServerArguments) -> str | None:
        if is_free:
            return None
        shown = json.dumps(arguments.root, ensure_ascii=False, indent=1)
        return f"{offered.name} of {place.name} ({where})\n\n{shown}"

    return AgentTool(terms, partial(_run, place, offered), action)


async def _run(
    place: "ServerPlace", offered: "OfferedTool", work: ToolWork, arguments: ServerArguments
) -> ToolOutput:
    from citewell.engine.agents import mcp_client  # noqa: PLC0415 - imports the SDK

    try:
        text, is_error = await mcp_client.call(place, offered.name, arguments.root, work.key)
    except mcp_client.ToolServerError as error:
        told = str(error) if offered.is_read_only else f"{error} {UNCLEAR}"
        return ToolOutput(told, is_error=True)
    return ToolOutput(text, is_error=is_error)


def _absent(server: str, tool: str, why: str) -> AgentTool:
    """A tool that says why it cannot be used; a call that it was in the middle of has an effect."""

    async def run(_: ToolWork, __: ServerArguments) -> ToolOutput:
        return ToolOutput(why, is_error=True)

    terms = ToolTerms(
        f"{server}{SEPARATOR}{tool}",
        "It cannot be used now.",
        ServerArguments,
        has_effect=True,
        schema={"type": "object"},
    )
    return AgentTool(terms, run)
