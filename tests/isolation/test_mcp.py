"""Tools and resources of the Model Context Protocol, for every kind of caller."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.isolation.actors import Actor, foreigners, insiders, nobodies
from tests.isolation.conftest import World
from tests.isolation.probes import missing_id, spelled, told_by
from tests.isolation.report import record
from tests.isolation.world import QUESTION, Organisation, fill_library, found_organisation
from tests.waiting import PATIENCE


@pytest.fixture(scope="module")
def world(world: World) -> World:
    """The same server with an organisation that the access matrix has not worked on."""

    async def fill() -> Organisation:
        org = await found_organisation(world.server.platform)
        await fill_library(world.server, org)
        return org

    waiting = asyncio.run_coroutine_threadsafe(fill(), world.server.loop)
    return replace(world, ours=waiting.result(PATIENCE))


ACCEPT = {"Accept": "application/json, text/event-stream"}


async def told(client: httpx.AsyncClient, actor: Actor, method: str, **params: Any) -> Any:
    """The reply to a message, its status and all that it tells."""
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    reply = await client.post("/mcp", json=message, headers={**actor.headers, **ACCEPT})
    assert reply.status_code < 500, reply.text
    return reply


def calls(document_id: str, collection_id: str) -> list[tuple[str, dict[str, Any]]]:
    """Messages that name a document or a collection in every place there is."""
    asked = {"query": QUESTION}
    tools: list[tuple[str, dict[str, Any]]] = [
        ("read_document", {"document_id": document_id}),
        ("read_document", {"document_id": document_id, "version": 1}),
    ]
    for name in ("search", "ask"):
        tools.append((name, {**asked, "collection_ids": [collection_id]}))
        tools.append((name, {**asked, "filters": {"document_id": document_id}}))
    made = [("tools/call", {"name": name, "arguments": given}) for name, given in tools]
    uri = f"citewell://documents/{document_id}"
    return [*made, *(("resources/read", {"uri": each}) for each in (uri, f"{uri}?version=1"))]


OPEN = (
    ("tools/call", {"name": "search", "arguments": {"query": QUESTION, "top_k": 20}}),
    ("tools/call", {"name": "ask", "arguments": {"query": QUESTION}}),
    ("tools/call", {"name": "list_collections", "arguments": {}}),
    ("resources/list", {}),
    ("tools/list", {}),
)


async def test_without_a_valid_credential_nothing_is_told(world: World) -> None:
    probes = 0
    async with world.server.client() as client:
        for actor in nobodies(world.ours, world.theirs):
            for method, params in OPEN:
                reply = await told(client, actor, method, **params)
                assert reply.status_code == 401, actor.name
                assert not any(mark in reply.text for mark in world.ours.marks)
                probes += 1
    record("probes", probes=probes, leaks=0)


async def test_hidden_objects_look_like_nothing(world: World) -> None:
    document, collection = world.ours.ids["document"], world.ours.ids["collection"]
    nothing = missing_id()
    probes = 0
    async with world.server.client() as client:
        for actor in (*foreigners(world.theirs), *insiders(world.ours)):
            ours = actor in foreigners(world.theirs)
            marks = world.ours.marks if ours else world.ours.hidden_marks
            for method, params in OPEN:
                reply = await told(client, actor, method, **params)
                assert not any(mark in reply.text for mark in marks), (actor.name, params)
                assert document not in reply.text
                probes += 1
            for one in spelled(document)[:2]:
                for theirs, missing in zip(
                    calls(one, collection), calls(nothing, nothing), strict=True
                ):
                    replies = [
                        await told(client, actor, method, **params)
                        for method, params in (theirs, missing)
                    ]
                    sent = [document, one, collection, nothing]
                    shown = [told_by(_plain(reply), sent) for reply in replies]
                    assert shown[0] == shown[1], (actor.name, theirs)
                    assert not any(mark in replies[0].text for mark in marks), (actor.name, theirs)
                    probes += 2
    record("probes", probes=probes, leaks=0)


async def test_owner_gets_what_others_do_not(world: World) -> None:
    document, collection = world.ours.ids["document"], world.ours.ids["collection"]
    headers = {"Authorization": f"Bearer {world.ours.tokens['director']}"}
    async with world.server.client() as client:
        for method, params in calls(document, collection):
            reply = await client.post(
                "/mcp",
                json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params},
                headers={**headers, **ACCEPT},
            )
            assert world.ours.hidden in reply.text, (params, reply.text)


def _plain(reply: httpx.Response) -> httpx.Response:
    """The same reply, the JSON in its texts unquoted, so that ids of answers can be blotted out."""
    said = json.dumps(reply.json()).replace('\\"', '"')
    return httpx.Response(reply.status_code, text=said, headers=dict(reply.headers))
