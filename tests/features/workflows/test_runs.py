"""Runs of workflows over HTTP, through the real queue, with a scripted model."""

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import text

from citewell.access.policy import Role
from citewell.core.context import Context
from tests.features.agents.conftest import LEAVE, PARKING, calling, saying, until
from tests.features.workflows.conftest import Flows, by_id, decision

Refused = Callable[[httpx.Response, int, str], None]

SEARCH = ("search_documents", {"query": "Where do visitors park?"})
ASK = {"id": "ask", "kind": "approval", "message": "Go on with {{ inputs.topic }}?"}

INNER = """
name: Inner
inputs: {word: {}}
nodes:
  - {id: made, kind: aggregate, value: "<{{ inputs.word }}>"}
output: "{{ made.output }}"
"""

EVERY_KIND = """
name: Every kind
inputs:
  topic: {}
  parts: {required: false, default: [a, b, c]}
nodes:
  - {id: found, kind: search, query: "{{ inputs.topic }}", top_k: 2}
  - id: check
    kind: condition
    after: [found]
    if: {greater_than: ["{{ found.output.count }}", 0]}
  - {id: none, kind: aggregate, after: [check.no], value: Nothing was found.}
  - {id: ask, kind: approval, after: [check.yes], message: "Write about {{ inputs.topic }}?"}
  - {id: pause, kind: wait, after: [ask], until: "2020-01-01T00:00:00Z"}
  - id: sides
    kind: parallel
    after: [pause]
    branches:
      one: {kind: agent, agent: researcher, input: "Report: {{ found.output.passages.0.text }}"}
      two: {kind: search, query: "{{ found.output.passages.0.title }}"}
  - id: each
    kind: map
    after: [pause]
    over: "{{ inputs.parts }}"
    concurrency: 2
    step: {kind: workflow, workflow: inner, inputs: {word: "{{ item }}{{ index }}"}}
  - id: nested
    kind: workflow
    after: [pause]
    workflow: inner
    inputs: {word: x}
  - id: all
    kind: aggregate
    join: any
    after: [sides, each, nested, none]
    how: text
    value: ["{{ each.output }}", "{{ nested.output }}", "{{ none.output }}"]
output: {answer: "{{ sides.output.one.answer }}", all: "{{ all.output }}"}
"""


class TestRun:
    @pytest.mark.promise
    async def test_every_kind_of_node_runs(self, flows: Flows) -> None:
        desk = flows.desk
        await desk.documents.add("Parking", PARKING)
        await flows.made(INNER, "inner")
        workflow = await flows.made(EVERY_KIND)
        desk.vendor.play(calling(SEARCH), saying("Visitors park in bay 4 behind the mill [1]."))
        begun = await flows.begun(workflow, topic="visitors parking")
        run, node = await flows.asked(begun["id"])
        assert (node["node"], node["message"]) == ("ask", "Write about visitors parking?")
        assert run["job_id"] is None  # it waits without a job
        path = f"/workflow-runs/{begun['id']}/approve"
        await desk.sent("POST", path, 200, decision(node))
        run = await flows.reached(begun["id"], "succeeded", "failed")
        assert run["status"] == "succeeded", run
        nodes = by_id(run)
        assert {each: nodes[each]["status"] for each in nodes} == {
            "found": "succeeded", "check": "succeeded", "none": "skipped", "ask": "succeeded",
            "pause": "succeeded", "sides": "succeeded", "each": "succeeded", "nested": "succeeded",
            "all": "succeeded",
        }  # fmt: skip
        assert run["output"]["answer"].startswith("Visitors park in bay 4")
        assert run["output"]["all"] == "<a0>\n\n<b1>\n\n<c2>\n\n<x>"
        one = nodes["sides"]["output"]["one"]
        assert (one["citations"][0]["title"], one["grades"]) == ("Parking", {"quoted": 1})
        asked = desk.vendor.server.received[0].body["messages"][-1]["content"]
        assert "Report:" in asked
        assert "bay 4" in asked
        [listed] = (await desk.sent("GET", "/workflow-runs", 200))["data"]
        assert listed["id"] == run["id"]  # those within it are not listed
        actions = [each.action for each in await desk.office.trail(run["id"])]
        assert actions == ["workflow_run.started", "workflow_run.approved"]

    async def test_dry_run_calls_nothing_and_says_what_is_missing(self, flows: Flows) -> None:
        await flows.made(INNER, "inner")
        workflow = await flows.made(EVERY_KIND)
        inner = (await flows.desk.sent("GET", "/workflows", 200))["data"]
        gone = next(each["id"] for each in inner if each["slug"] == "inner")
        await flows.desk.sent("DELETE", f"/workflows/{gone}", 204)
        body = {"inputs": {"topic": "parking"}}
        plan = await flows.desk.sent("POST", f"/workflows/{workflow}/plan", 200, body)
        assert plan["nodes"][0]["tasks"] == [{"kind": "search", "query": "parking", "top_k": 2}]
        assert any("no workflow `inner`" in each for each in plan["problems"])
        # The words of its text are for those who may change it.
        ann = await flows.desk.office.person()
        path = f"/workflows/{workflow}/plan"
        seen = await flows.desk.sent("POST", path, 200, body, ann.client)
        assert [each["tasks"] for each in seen["nodes"]] == [[]] * len(plan["nodes"])
        assert (await flows.desk.sent("GET", "/workflow-runs", 200))["data"] == []

    async def test_request_that_is_repeated_with_its_key_starts_one_run(self, flows: Flows) -> None:
        workflow = await flows.made({"name": "W", "inputs": {"topic": {}}, "nodes": [ASK]})
        path, body = f"/api/v1/workflows/{workflow}/run", {"inputs": {"topic": "it"}}
        ids = set[str]()
        for _ in range(2):
            headers = {"Idempotency-Key": "w-1"}
            reply = await flows.desk.client.post(path, json=body, headers=headers)
            assert reply.status_code == 202, reply.text
            ids.add(reply.json()["id"])
        assert len(ids) == 1

    async def test_bad_inputs_are_refused_at_once(self, flows: Flows, refused: Refused) -> None:
        workflow = await flows.made({"name": "W", "inputs": {"topic": {}}, "nodes": [ASK]})
        path = f"/api/v1/workflows/{workflow}/run"
        for inputs in ({}, {"topic": None}, {"topic": "a", "other": 1}, {"topic": "x" * 210_000}):
            reply = await flows.desk.client.post(path, json={"inputs": inputs})
            refused(reply, 422, "invalid_workflow_input")

    async def test_nodes_that_cannot_be_worked_out_fail_the_run(self, flows: Flows) -> None:
        cases = [
            (
                {"kind": "condition", "if": {"greater_than": ["{{ inputs.topic }}", 1]}},
                "compares numbers",
            ),
            ({"kind": "wait", "until": "{{ inputs.topic }}"}, "a time with its zone"),
            (
                {"kind": "map", "over": "{{ inputs.topic }}",
                 "step": {"kind": "search", "query": "x"}},
                "is no list",
            ),
            (
                {"kind": "map", "over": list(range(1_001)),
                 "step": {"kind": "search", "query": "x"}},
                "1,000 at most",
            ),
            ({"kind": "search", "query": "a", "collection_ids": ["{{ inputs.topic }}"]}, "none"),
            ({"kind": "agent", "agent": "researcher", "input": "{{ inputs.empty }}"}, "characters"),
        ]  # fmt: skip
        for node, told in cases:
            source = {
                "name": "W", "inputs": {"topic": {}, "empty": {"required": False}},
                "nodes": [{"id": "one", **node}],
            }  # fmt: skip
            run = await flows.ran(await flows.made(source), topic="word")
            assert (run["status"], told in run["reason"]) == ("failed", True), run["reason"]
            assert run["reason"].startswith("`one`: ")

    async def test_what_is_deleted_in_the_middle_fails_the_run(self, flows: Flows) -> None:
        desk = flows.desk
        shelf = await desk.sent("POST", "/collections", 201, {"name": "Shelf"})
        agent = await desk.new_agent("current_time")
        listed = (await desk.sent("GET", "/agents?limit=100", 200))["data"]
        slug = next(each["slug"] for each in listed if each["id"] == agent)
        tasks = [
            {"kind": "search", "query": "a", "collection_ids": [shelf["id"]]},
            {"kind": "agent", "agent": slug, "input": "a"},
        ]
        begun = []
        for task in tasks:
            nodes = [ASK, {"id": "work", "after": ["ask"], **task}]
            workflow = await flows.made({"name": "W", "inputs": {"topic": {}}, "nodes": nodes})
            begun.append(await flows.begun(workflow, topic="it"))
        asked = [(await flows.asked(each["id"]))[1] for each in begun]
        await desk.sent("DELETE", f"/collections/{shelf['id']}", 204)
        await desk.sent("DELETE", f"/agents/{agent}", 204)
        for each, node, told in zip(begun, asked, ("no collection", "no agent"), strict=True):
            path = f"/workflow-runs/{each['id']}"
            await desk.sent("POST", f"{path}/approve", 200, decision(node))
            run = await flows.reached(each["id"], "failed")
            assert told in run["reason"].replace("There is ", ""), run["reason"]
        # Once the agent is there again, what had not succeeded is done, and nothing else.
        body = {"slug": slug, "name": "A", "instructions": "Help.", "tools": []}
        await desk.sent("POST", "/agents", 201, body)
        desk.vendor.play(saying("Done."))
        path = f"/workflow-runs/{begun[1]['id']}"
        await desk.sent("POST", f"{path}/retry", 202, {})
        run = await flows.reached(begun[1]["id"], "succeeded", "failed")
        assert run["status"] == "succeeded", run
        assert by_id(run)["ask"]["decided_at"] is not None
        await desk.sent("POST", f"{path}/retry", 409, {})
        await desk.sent("POST", f"{path}/retry", 404, {"node": "nobody"})
        again = await desk.sent("POST", f"{path}/retry", 202, {"node": "ask"})
        assert again["nodes"] == []
        await flows.asked(run["id"])
        await desk.sent("POST", f"{path}/cancel", 200)


class TestDecide:
    async def test_one_of_two_decisions_at_once_counts(self, flows: Flows) -> None:
        workflow = await flows.made({"name": "W", "inputs": {"topic": {}}, "nodes": [ASK]})
        begun = await flows.begun(workflow, topic="it")
        _, node = await flows.asked(begun["id"])
        path = f"/api/v1/workflow-runs/{begun['id']}/approve"
        other = {**decision(node), "action_hash": "0" * 64}
        reply = await flows.desk.client.post(path, json=other)
        assert (reply.status_code, reply.json()["code"]) == (409, "workflow_mismatch")
        replies = await asyncio.gather(
            *(flows.desk.client.post(path, json=decision(node)) for _ in range(4))
        )
        assert sorted(each.status_code for each in replies) == [200, 409, 409, 409]
        assert (await flows.reached(begun["id"], "succeeded"))["status"] == "succeeded"

    async def test_refusal_ends_the_run_or_takes_its_edge(self, flows: Flows) -> None:
        end = {"id": "end", "kind": "aggregate", "value": "over"}
        for after, status in (("ask.yes", "failed"), ("ask.no", "succeeded")):
            nodes = [ASK, {**end, "after": [after]}]
            workflow = await flows.made({"name": "W", "inputs": {"topic": {}}, "nodes": nodes})
            begun = await flows.begun(workflow, topic="it")
            _, node = await flows.asked(begun["id"])
            path = f"/workflow-runs/{begun['id']}/approve"
            await flows.desk.sent("POST", path, 200, decision(node, approve=False))
            run = await flows.reached(begun["id"], "succeeded", "failed")
            assert run["status"] == status, run

    async def test_time_for_a_decision_ends(self, flows: Flows) -> None:
        nodes = [{**ASK, "expires": "1s"}]
        workflow = await flows.made({"name": "W", "inputs": {"topic": {}}, "nodes": nodes})
        begun = await flows.begun(workflow, topic="it")
        _, node = await flows.asked(begun["id"])
        run = await flows.reached(begun["id"], "failed")
        assert run["reason"] == "`ask`: Nobody decided in time."
        path = f"/workflow-runs/{begun['id']}/approve"
        await flows.desk.sent("POST", path, 409, decision(node))


class TestRights:
    async def test_runs_are_their_users_alone(self, flows: Flows, refused: Refused) -> None:
        office = flows.desk.office
        ann, ben = await office.person(), await office.person()
        chief = await office.person(Role.DIRECTOR, is_admin=True)
        workflow = await flows.made({"name": "W", "inputs": {"topic": {}}, "nodes": [ASK]})
        begun = await flows.begun(workflow, ann.client, topic="My secret")
        await flows.reached(begun["id"], "waiting", client=ann.client)
        path = f"/api/v1/workflow-runs/{begun['id']}"
        node = (await ann.client.get(path)).json()["nodes"][0]
        for other in (ben, chief):
            reply = await other.client.post(f"{path}/approve", json=decision(node))
            refused(reply, 404, "workflow_run_not_found")
            reply = await other.client.post(f"{path}/retry", json={})
            refused(reply, 404, "workflow_run_not_found")
        refused(await ben.client.get(path), 404, "workflow_run_not_found")
        refused(await ben.client.post(f"{path}/cancel"), 404, "workflow_run_not_found")
        seen = await chief.client.get(path)
        assert "secret" not in seen.text
        assert seen.json()["nodes"][0]["status"] == "waiting"
        assert (await chief.client.post(f"{path}/cancel")).json()["status"] == "cancelled"
        refused(await ann.client.post(f"{path}/cancel"), 409, "workflow_run_ended")

    async def test_contents_go_with_the_right_to_the_documents(self, flows: Flows) -> None:
        desk = flows.desk
        made = await desk.documents.add("Leave", LEAVE, access_level="internal")
        ann = await desk.office.person()
        nodes = [
            {"id": "look", "kind": "search", "query": "annual leave"},
            {"id": "tell", "kind": "agent", "agent": "researcher", "after": ["look"],
             "input": "Sum up: {{ look.output.passages.0.text }}"},
        ]  # fmt: skip
        workflow = await flows.made({"name": "W", "nodes": nodes})
        desk.vendor.play(saying("Employees rest."))
        run = await flows.ran(workflow, ann.client)
        assert run["status"] == "succeeded", run
        assert "25 days" in json.dumps(run)
        agent_path = f"/agent-runs/{by_id(run)['tell']['agent_run_id']}"
        shown = await desk.sent("GET", agent_path, 200, client=ann.client)
        assert "25 days" in shown["input"]
        await desk.sent("PATCH", f"/documents/{made['id']}", 200, {"access_level": "restricted"})
        for path in (f"/workflow-runs/{run['id']}", agent_path):
            reply = await ann.client.get(f"/api/v1{path}")
            assert "25 days" not in reply.text
            assert reply.json()["is_withheld"] is True
        assert "25 days" not in (await ann.client.get("/api/v1/agent-runs")).text
        await desk.sent("DELETE", f"/documents/{made['id']}", 204)
        await desk.sent("DELETE", f"/documents/trash/{made['id']}", 204)
        for table in ("workflow_run", "workflow_node_run", "agent_run"):
            rows = await desk.office.within(lambda ctx, t=table: _texts(ctx, t))
            assert rows
            assert not any("25 days" in row for row in rows), table

    async def test_cancelled_run_takes_its_agent_with_it(self, flows: Flows) -> None:
        desk = flows.desk
        slow = saying("late")
        slow.delay = 30.0
        desk.vendor.play(slow, slow)  # one for each agent: a reply past the script comes at once
        task = {"kind": "agent", "agent": "researcher", "input": "Work."}
        nodes = [{"id": "sides", "kind": "parallel", "branches": {"a": task, "b": task}}]
        workflow = await flows.made({"name": "W", "nodes": nodes})
        begun = await flows.begun(workflow)
        await until(lambda: len(desk.vendor.server.received) == 2)
        run = await desk.sent("POST", f"/workflow-runs/{begun['id']}/cancel", 200)
        assert run["status"] == "cancelled"
        agents = [each["agent_run_id"] for each in run["nodes"] if each["agent_run_id"]]
        assert len(agents) == 2
        for each in agents:
            seen = await desk.sent("GET", f"/agent-runs/{each}", 200)
            assert seen["status"] == "cancelled"


async def _texts(ctx: Context, table: str) -> list[str]:
    found = await ctx.session.scalars(text(f"SELECT to_jsonb(t)::text FROM {table} t"))
    return list(found)
