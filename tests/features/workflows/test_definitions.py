"""Workflows: made, changed, restored, removed; and what cannot be."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from citewell.access.policy import Role
from tests.conftest import LiveServer
from tests.office import Office, open_office

Refused = Callable[[httpx.Response, int, str], None]

API = "/api/v1/workflows"
TEXT = """
name: Look and tell
description: Searches.
inputs:
  topic: {description: The topic}
nodes:
  - {id: look, kind: search, query: "{{ inputs.topic }}"}
  - {id: tell, kind: agent, agent: researcher, after: [look], input: "{{ look.output.count }}"}
"""


@pytest.fixture
async def office(live_server: LiveServer) -> AsyncIterator[Office]:
    async with AsyncExitStack() as stack:
        yield await open_office(live_server, stack)


async def sent(client: httpx.AsyncClient, method: str, path: str, body: object = None) -> Any:
    reply = await client.request(method, f"{API}{path}", json=body)
    assert reply.is_success, reply.text
    return reply.json() if reply.content else None


class TestDefinitions:
    async def test_every_change_is_a_version_that_can_be_restored(
        self, office: Office, refused: Refused
    ) -> None:
        client = office.service
        made = await sent(client, "POST", "", {"slug": "look", "source": TEXT})
        assert (made["name"], made["version"], made["node_count"]) == ("Look and tell", 1, 2)
        assert made["source"] == TEXT
        assert made["inputs"]["topic"]["required"] is True
        path = f"/{made['id']}"
        spec = {"name": "Other", "nodes": [{"id": "a", "kind": "wait", "for": "1s"}]}
        changed = await sent(client, "PATCH", path, {"source": spec})
        assert (changed["version"], json.loads(changed["source"])) == (2, spec)
        assert (await sent(client, "PATCH", path, {"source": spec}))["version"] == 2
        restored = await sent(client, "POST", f"{path}/restore", {"version": 1})
        assert (restored["version"], restored["source"]) == (3, TEXT)
        listed = (await sent(client, "GET", f"{path}/versions"))["data"]
        assert [(each["number"], each["is_active"]) for each in listed] == [
            (3, True), (2, False), (1, False),
        ]  # fmt: skip
        refused(
            await client.post(f"{API}{path}/restore", json={"version": 9}),
            404, "workflow_version_not_found",
        )  # fmt: skip
        again = {"slug": "look", "source": TEXT}
        refused(await client.post(API, json=again), 409, "workflow_exists")
        await sent(client, "DELETE", path)
        refused(await client.get(f"{API}{path}"), 404, "workflow_not_found")
        assert [each.action for each in await office.trail(made["id"])] == [
            "workflow.created", "workflow.changed", "workflow.restored", "workflow.deleted",
        ]  # fmt: skip

    async def test_faults_are_told_with_their_lines_and_nothing_is_kept(
        self, office: Office
    ) -> None:
        client = office.service
        nobody = "019b76da-a800-7000-8000-000000000000"
        nodes = "name: W\nnodes:\n"
        cases = [
            (nodes + "  - {id: a, kind: agent, agent: nobody, input: x}", 3, "no agent `nobody`"),
            (
                nodes + f"  - {{id: a, kind: search, query: x, collection_ids: [{nobody}]}}",
                3, "no collection",
            ),
            (nodes + "  - {id: a, kind: search, query: x, collection_ids: [hr]}", 3, "no id of"),
            (nodes + "  - {id: a, kind: workflow, workflow: self}", 3, "run itself"),
            (nodes + "  - {id: a, kind: workflow, workflow: other}", 3, "no workflow `other`"),
            (nodes + '  - {id: a, kind: approval, message: "\\0"}', 3, "NUL"),
            ({"name": "W", "nodes": [{"id": "a", "kind": "shell"}]}, 4, "unknown kind `shell`"),
        ]  # fmt: skip
        for source, line, message in cases:
            body = {"slug": "self", "source": source}
            told = await sent(client, "POST", "/validate", body)
            assert told["is_valid"] is False
            [problem] = told["problems"]
            assert (problem["line"], message in problem["message"]) == (line, True), problem
            reply = await client.post(API, json=body)
            assert (reply.status_code, reply.json()["code"]) == (422, "invalid_workflow")
            assert f"line {line}" in reply.json()["detail"]
        good = await sent(client, "POST", "/validate", {"source": TEXT})
        assert (good["is_valid"], good["spec"]["nodes"][0]["kind"]) == (True, "search")
        assert (await sent(client, "GET", ""))["pagination"]["total"] == 0

    async def test_managers_make_them_and_others_see_no_texts(
        self, office: Office, refused: Refused
    ) -> None:
        made = await sent(office.service, "POST", "", {"slug": "look", "source": TEXT})
        ann, chief = await office.person(), await office.person(Role.MANAGER)
        body = {"slug": "mine", "source": TEXT}
        refused(await ann.client.post(API, json=body), 403, "forbidden")
        refused(await ann.client.delete(f"{API}/{made['id']}"), 403, "forbidden")
        refused(await ann.client.get(f"{API}/{made['id']}/versions"), 403, "forbidden")
        assert (await sent(ann.client, "GET", f"/{made['id']}"))["source"] is None
        assert (await sent(chief.client, "POST", "", body))["source"] == TEXT
