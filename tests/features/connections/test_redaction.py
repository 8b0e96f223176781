"""A tenant whose personal data reaches no model provider, whatever the provider is asked for."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from citewell.core.context import OPERATOR, Caller
from citewell.core.platform import Platform
from citewell.core.settings import Settings
from citewell.engine.llm.redacting import RedactingModel
from citewell.engine.llm.testing import FakeLanguageModel
from citewell.engine.text.hiding import personal_data
from citewell.engine.verification.asking import ModelVerifier
from citewell.features.connections import service as connections
from citewell.features.identity import tenants
from citewell.features.identity.schemas import TenantUpdate
from tests.conftest import Library, LiveServer, serving
from tests.quiet import quiet_database
from tests.vendor import Received, Reply, VendorServer, running_vendor
from tests.waiting import PATIENCE

PHONE, MAIL = "0912 345 678", "otis.berger@example.com"
RULES = f"# Lift\n\nThe lift is repaired by Otis Berger, phone {PHONE}, mail {MAIL}."
QUESTION = f"Who repairs the lift, is it {MAIL}?"


def texts_of(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for each in node.values():
            yield from texts_of(each)
    elif isinstance(node, list):
        for each in node:
            yield from texts_of(each)
    else:
        yield str(node)


def writing(received: Received) -> Reply:
    """An answer that quotes the passage as the model was shown it."""
    body = received.body
    told = "\n".join(texts_of(body["messages"]))
    shown = re.search(r"The lift is repaired by Otis Berger, phone \S+, mail \S+?\.(?=\s|$)", told)
    if body.get("tools") and not any(one["role"] == "tool" for one in body["messages"]):
        return Reply([], calls=[("v1", "search_documents", ['{"query": "repairs the lift"}'])])
    if shown is None:
        return Reply(["The lift"])
    if body.get("tools"):
        return Reply([f"{shown[0]} [1]"])
    return Reply([f'<quote passage="1">{shown[0]}</quote><say>{shown[0]}</say>'])


@pytest.fixture(scope="module")
def server(settings: Settings, servers: Any, template: str) -> Iterator[LiveServer]:
    changed = {"private_hosts": ("127.0.0.1",)}
    with (
        quiet_database(servers, template) as url,
        serving(settings.model_copy(update={**changed, "database_url": url}), url) as running,
    ):
        yield running


@pytest.fixture
async def vendor() -> AsyncIterator[VendorServer]:
    async with running_vendor() as running:
        running.answering = writing
        yield running


async def ended(client: httpx.AsyncClient, run_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while True:
        run = (await client.get(f"/api/v1/agent-runs/{run_id}")).json()
        if run["status"] in ("succeeded", "failed"):
            return run
        assert time.monotonic() < deadline, run
        await asyncio.sleep(0.05)


async def test_provider_gets_placeholders_and_answers_cite_the_text_itself(
    server: LiveServer, vendor: VendorServer
) -> None:
    key = await asyncio.to_thread(server.new_key)
    async with server.client(key) as client:

        async def sent(method: str, path: str, body: Any = None) -> Any:
            reply = await client.request(method, f"/api/v1{path}", json=body)
            assert reply.is_success, reply.text
            return reply.json()

        document = await Library(client).add("House rules", RULES)
        await sent("POST", "/connections", {
            "name": "Own", "provider": "openai-compatible", "model": "m-1", "api_key": "key-key",
            "base_url": f"{vendor.url}/v1",
        })  # fmt: skip
        (tenant,) = (await sent("GET", "/tenants"))["data"]
        assert tenant["redaction"] == "off"
        await sent("POST", "/query", {"query": QUESTION})
        assert any(PHONE in each for each in texts_of(vendor.received[-1].body))

        changes = {
            "redaction": "personal", "verifier": "model",
            "query_rewriting": ["rewrite", "variations", "hyde"],
        }  # fmt: skip
        assert (await sent("PATCH", f"/tenants/{tenant['id']}", changes))["redaction"] == "personal"
        vendor.received.clear()
        answer = await sent("POST", "/query", {"query": QUESTION})
        assert PHONE in answer["answer"]
        assert MAIL in answer["answer"]
        assert answer["sentences"][0]["grade"] == "quoted"
        (cited,) = answer["citations"]
        text = (await client.get(f"/api/v1/documents/{document['id']}/content")).json()["text"]
        assert text[cited["start"] : cited["end"]] == cited["quote"]
        assert PHONE in cited["quote"]

        said = await sent("POST", "/conversations", {})
        for question in (QUESTION, f"And whom does {MAIL} work for?"):
            await sent("POST", "/query", {"query": question, "conversation_id": said["id"]})
        agents = (await sent("GET", "/agents"))["data"]
        agent = next(each for each in agents if each["slug"] == "researcher")
        run = await sent("POST", f"/agents/{agent['id']}/execute", {"input": QUESTION})
        run = await ended(client, run["id"])
        assert run["status"] == "succeeded", run
        assert PHONE in run["report"]["answer"]
        assert run["report"]["sentences"][0]["grade"] == "quoted"

        assert len(vendor.received) >= 6
        leaks = [
            each for one in vendor.received for each in texts_of(one.body) if personal_data(each)
        ]
        assert leaks == []
        assert not any(PHONE in json.dumps(one.body) for one in vendor.received)


async def test_second_reading_of_the_installation_is_told_as_little(
    platform: Platform, caller: Caller
) -> None:
    """It asks the installation's model, whatever the tenant has chosen for itself."""
    own = replace(platform, verifier=ModelVerifier(FakeLanguageModel(())))
    assert await connections.discreet(own, caller) is own.verifier
    update = TenantUpdate.model_validate({"redaction": "personal"})
    await tenants.update(own, replace(caller, actor=OPERATOR), caller.tenant_id, update)
    verifier = await connections.discreet(own, caller)
    assert isinstance(verifier, ModelVerifier)
    assert isinstance(verifier.model, RedactingModel)
