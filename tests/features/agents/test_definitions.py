"""Agents: made, changed, restored, removed; and what cannot be."""

import json
from collections.abc import Callable

import httpx

from citewell.access.policy import Role
from tests.features.agents.conftest import RESEARCHER, Desk

Refused = Callable[[httpx.Response, int, str], None]

BODY = {"slug": "clerk", "name": "Clerk", "instructions": "Help.", "tools": ["calculate"]}


class TestDefinitions:
    async def test_every_change_is_a_version_that_can_be_restored(
        self, desk: Desk, refused: Refused
    ) -> None:
        made = await desk.sent("POST", "/agents", 201, BODY)
        path = f"/agents/{made['id']}"
        assert (made["version"], made["is_built_in"]) == (1, False)
        changed = await desk.sent("PATCH", path, 200, {"instructions": "Help well."})
        assert (changed["version"], changed["definition"]["instructions"]) == (2, "Help well.")
        same = await desk.sent("PATCH", path, 200, {"name": "Clerk"})
        assert same["version"] == 2
        restored = await desk.sent("POST", f"{path}/restore", 200, {"version": 1})
        assert (restored["version"], restored["definition"]["instructions"]) == (3, "Help.")
        listed = (await desk.sent("GET", f"{path}/versions", 200))["data"]
        assert [(each["number"], each["is_active"]) for each in listed] == [
            (3, True), (2, False), (1, False),
        ]  # fmt: skip
        reply = await desk.client.post(f"/api/v1{path}/restore", json={"version": 9})
        refused(reply, 404, "agent_version_not_found")
        refused(await desk.client.post("/api/v1/agents", json=BODY), 409, "agent_exists")
        await desk.sent("DELETE", path, 204)
        refused(await desk.client.get(f"/api/v1{path}"), 404, "agent_not_found")
        assert [each.action for each in await desk.office.trail(made["id"])] == [
            "agent.created", "agent.changed", "agent.restored", "agent.deleted",
        ]  # fmt: skip

    async def test_bad_definitions_are_refused_with_what_is_wrong(self, desk: Desk) -> None:
        schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "x"}}}
        cases = [
            ({"tools": ["rockets"]}, 422, "search_documents"),
            ({"model": "openai:other"}, 422, "not available"),
            ({"answer_schema": schema}, 422, "`answer.a` uses `pattern`"),
            ({"answer_schema": {"type": "string"}}, 422, "type `object`"),
            ({"slug": "Upper Case"}, 422, "slug"),
            ({"slug": RESEARCHER}, 409, "exists"),
            ({"limits": {"steps": 51}}, 422, "steps"),
            ({"collection_ids": ["019b76da-a800-7000-8000-000000000000"]}, 404, "collection"),
            ({"colour": "blue"}, 422, "colour"),
        ]
        for change, status, told in cases:
            reply = await desk.client.post("/api/v1/agents", json={**BODY, **change})
            assert reply.status_code == status, (change, reply.text)
            assert told in reply.text, reply.text
        listed = await desk.sent("GET", "/agents", 200)
        assert listed["pagination"]["total"] == 4

    async def test_built_in_agents_are_there_and_stay(self, desk: Desk, refused: Refused) -> None:
        listed = (await desk.sent("GET", "/agents?limit=3", 200))["data"]
        assert [each["slug"] for each in listed] == ["researcher", "comparer", "table-analyst"]
        path = f"/api/v1/agents/{listed[0]['id']}"
        for method, more, body in (
            ("PATCH", "", {"name": "x"}),
            ("DELETE", "", None),
            ("POST", "/restore", {"version": 1}),
            ("GET", "/versions", None),
        ):
            reply = await desk.client.request(method, f"{path}{more}", json=body)
            refused(reply, 409, "agent_built_in")

    async def test_employees_run_agents_and_managers_make_them(
        self, desk: Desk, refused: Refused
    ) -> None:
        ann = (await desk.office.person()).client
        boss = (await desk.office.person(Role.MANAGER)).client
        refused(await ann.post("/api/v1/agents", json=BODY), 403, "forbidden")
        made = await boss.post("/api/v1/agents", json={**BODY, "instructions": "A secret."})
        assert made.status_code == 201
        shown = await ann.get(f"/api/v1/agents/{made.json()['id']}")
        assert (shown.json()["name"], shown.json()["definition"]) == ("Clerk", None)
        assert "secret" not in json.dumps((await ann.get("/api/v1/agents")).json())
        refused(await ann.delete(f"/api/v1/agents/{made.json()['id']}"), 403, "forbidden")


class TestWithoutAModel:
    async def test_agents_are_listed_and_say_what_to_set(
        self, client: httpx.AsyncClient, refused: Refused
    ) -> None:
        listed = (await client.get("/api/v1/agents")).json()["data"]
        path = f"/api/v1/agents/{listed[0]['id']}/execute"
        reply = await client.post(path, json={"input": "Help."})
        refused(reply, 409, "model_not_set")
        assert "CITEWELL_LLM" in reply.json()["detail"]
        assert (await client.get("/api/v1/agent-runs")).json()["data"] == []
