"""The SDK's own client over HTTP and over standard input and output."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from citewell.entrypoints.mcp.places import read_place
from citewell.entrypoints.mcp.tools import STRETCH
from tests.conftest import WITHOUT_TLS, Library, LiveServer
from tests.entrypoints.conftest import COMMAND, Installation
from tests.waiting import PATIENCE

QUESTION = "Who repairs the lift?"
RULES = "# Lift\n\nThe lift is repaired by Otis Berger. Call extension 4417 at any hour."
LONG = "Bicycles are parked in the yard, not in the hall. " * (STRETCH // 40)

MODES: tuple[Any, ...] = ("auto", "legacy")
"""The protocol of 2026-07-28 without a handshake, and those before it."""


@pytest.fixture(scope="module")
def shelf(live_server: LiveServer) -> tuple[LiveServer, str, str]:
    """A server, a key, and the id of the document on the lift."""
    key = live_server.new_key()

    async def fill() -> str:
        async with live_server.client(key) as client:
            library = Library(client)
            await library.add("Bicycles", LONG)
            return (await library.add("House rules", RULES))["id"]

    return live_server, key, asyncio.run(fill())


@asynccontextmanager
async def connected(
    server: LiveServer, key: str, mode: Any = "auto", **headers: str
) -> AsyncIterator[Client]:
    """The SDK's client with a key."""
    sent = {"Authorization": f"Bearer {key}", **headers}
    async with httpx2.AsyncClient(headers=sent, verify=WITHOUT_TLS, timeout=PATIENCE) as http:
        transport = streamable_http_client(f"{server.address}/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


Shelf = tuple[LiveServer, str, str]


class TestTools:
    async def test_each_gives_text_and_data_with_sources(self, shelf: Shelf) -> None:
        server, key, document_id = shelf
        for mode in MODES:
            async with connected(server, key, mode) as client:
                offered = {tool.name: tool for tool in (await client.list_tools()).tools}
                assert offered.keys() == {
                    "search",
                    "ask",
                    "read_document",
                    "list_collections",
                    "run_agent",
                }
                for tool in offered.values():
                    assert tool.output_schema is not None
                    assert tool.annotations is not None
                    assert tool.annotations.read_only_hint is (tool.name != "run_agent")
                asked = await client.call_tool("ask", {"query": QUESTION})
                answer: Any = asked.structured_content
                assert "Otis Berger" in answer["answer"]
                assert not answer["abstained"]
                (source,) = answer["citations"]
                assert source["document_id"] == document_id
                assert source["uri"] in asked.content[0].text  # type: ignore[union-attr]
                passage = await client.read_resource(source["uri"])
                assert passage.contents[0].text == source["quote"]  # type: ignore[union-attr]
                found: Any = (
                    await client.call_tool("search", {"query": QUESTION, "top_k": 1})
                ).structured_content
                assert found["results"][0]["document_id"] == document_id
                read: Any = (
                    await client.call_tool("read_document", {"document_id": document_id})
                ).structured_content
                assert read["text"] == RULES.replace("# ", "")
                assert read["next_start"] is None
                listed: Any = (await client.call_tool("list_collections", {})).structured_content
                assert [each["name"] for each in listed["collections"]] == ["library"]

    async def test_long_documents_are_read_in_stretches(self, shelf: Shelf) -> None:
        server, key, _ = shelf
        async with connected(server, key) as client:
            resources = (await client.list_resources()).resources
            assert {each.title for each in resources} == {"House rules", "Bicycles"}
            (uri,) = (each.uri for each in resources if each.title == "Bicycles")
            place = read_place(str(uri))
            assert place is not None
            texts, start = [], 0
            while start is not None:
                arguments = {"document_id": str(place.document_id), "start": start}
                part: Any = (await client.call_tool("read_document", arguments)).structured_content
                assert len(part["text"]) <= STRETCH
                texts.append(part["text"])
                start = part["next_start"]
            assert len(texts) == 2
            assert "".join(texts).strip() == LONG.strip()
            (template,) = (await client.list_resource_templates()).resource_templates
            assert template.uri_template.startswith("citewell://documents/{document_id}")

    async def test_mistakes_are_told_to_the_model(self, shelf: Shelf) -> None:
        server, key, document_id = shelf
        nobody = "00000000-0000-7000-8000-000000000000"
        many = {f"key{number}": 1 for number in range(21)}
        cases: tuple[tuple[str, dict[str, Any], str], ...] = (
            ("ask", {}, "validation_error: query"),
            ("ask", {"query": "?!"}, "query_without_words"),
            ("ask", {"query": "x", "surprise": 1}, "validation_error: surprise"),
            ("search", {"query": "x", "filters": {"nothing": 1}}, "unknown_filter"),
            ("search", {"query": "x", "filters": many}, "validation_error: filters"),
            ("search", {"query": "x", "collection_ids": [nobody]}, "collection_not_found"),
            ("read_document", {"document_id": nobody}, "document_not_found"),
            ("run_agent", {"agent": "nobody", "task": "x"}, "agent_not_found"),
            ("run_agent", {"agent": "researcher", "task": "x"}, "model_not_set"),
            ("read_document", {"document_id": document_id, "version": 9}, "version_not_found"),
            ("read_document", {"document_id": document_id, "start": 9999}, "invalid_input"),
        )
        async with connected(server, key) as client:
            for name, arguments, told in cases:
                result = await client.call_tool(name, arguments)
                assert result.is_error, name
                assert told in result.content[0].text, name  # type: ignore[union-attr]
            for call in (
                client.call_tool("delete_everything", {}),
                client.read_resource(f"citewell://documents/{nobody}"),
                client.read_resource("file:///etc/passwd"),
                client.list_resources(cursor="x"),
                client.list_resources(cursor="00000001" + "9" * 5_000),
            ):
                with pytest.raises(MCPError):
                    await call


class TestAdmission:
    async def test_no_key_no_page_and_no_other_host_gets_in(self, shelf: Shelf) -> None:
        server, key, _ = shelf
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        accept = {"Accept": "application/json, text/event-stream"}
        own = {**accept, "Authorization": f"Bearer {key}"}
        async with server.client() as http:
            for headers, status in (
                (accept, 401),
                ({**accept, "Authorization": "Bearer cw_wrong"}, 401),
                ({**own, "Origin": "https://evil.example"}, 403),
                ({**own, "Host": "evil.example"}, 421),
                (own, 200),
            ):
                reply = await http.post("/mcp", json=message, headers=headers)
                assert reply.status_code == status, headers
            assert "tools" in reply.json()["result"]
            assert "mcp-session-id" not in reply.headers
            refused = await http.get("/mcp", headers=own)
            assert refused.status_code == 405


@pytest.fixture
def stocked(
    installation: Installation, database_runs: None, logging_put_back: None
) -> Installation:
    """An installation with a public and a secret document, and a guest."""
    for name, level, content in (
        ("rules.md", "public", RULES),
        ("secret.md", "restricted", "The safe is opened by the word Rumpelstiltskin."),
    ):
        path = installation.folder / name
        path.write_text(content)
        result = installation.call("ingest", str(path), "--access", level)
        assert result.exit_code == 0, result.stderr
    guest = ("user", "create", "guest@example.org", "--role", "guest", "--generate")
    result = installation.call(*guest)
    assert result.exit_code == 0, result.stderr
    return installation


class TestStdio:
    async def test_command_serves_one_client_with_the_rights_of_a_user(
        self, stocked: Installation
    ) -> None:
        parameters = StdioServerParameters(
            command=sys.executable,
            args=[*COMMAND[1:], "mcp", "--as", "guest@example.org"],
            env=stocked.environment(),
        )
        async with Client(parameters) as client:
            asked: Any = (await client.call_tool("ask", {"query": QUESTION})).structured_content
            assert "Otis Berger" in asked["answer"]
            found = await client.call_tool("search", {"query": "Which word opens the safe?"})
            assert "Rumpelstiltskin" not in str(found.structured_content)
