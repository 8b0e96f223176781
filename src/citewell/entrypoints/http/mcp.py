"""The Model Context Protocol over HTTP, with the caller's own rights."""

import asyncio
from dataclasses import replace

from fastapi import Response

from citewell.core.context import Caller
from citewell.core.platform import Platform
from citewell.entrypoints.http.problems import noted
from citewell.features.http import QUERY, PlatformDep, ReaderDep, Router

router = Router(policy=replace(QUERY, takes_any_query=True), tags=["mcp"])

_BODY = {"content": {"application/json": {"schema": {"type": "object"}}}, "required": True}


@router.post("/mcp", response_class=Response, openapi_extra={"requestBody": _BODY})
async def speak_mcp(platform: PlatformDep, caller: ReaderDep) -> Response:
    """Answer one message of the Model Context Protocol (streamable HTTP, without sessions).

    Tools: `search`, `ask`, `read_document`, `list_collections`, `run_agent`. Documents are
    resources.
    """
    return await asyncio.to_thread(_exchange, platform, caller)


def _exchange(platform: Platform, caller: Caller) -> Response:
    # The SDK takes a while to import and is for those who speak the protocol; hence the thread.
    from citewell.entrypoints.mcp.server import CallersServer, McpExchange  # noqa: PLC0415

    return McpExchange(CallersServer(platform, caller, noted).server())
