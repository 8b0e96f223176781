"""Rules on questions that programs ask: workflows, and agents that are given what was said."""

import asyncio
import json
import time

import httpx
from sqlalchemy import text

from citewell.access.policy import Role
from citewell.core.context import OPERATOR, Caller, unit_of_work
from citewell.features.agents import runs
from citewell.features.agents.schemas import ExecuteRequest
from tests.features.agents.conftest import RESEARCHER, Desk, saying
from tests.features.question_policies.test_admission import (
    PLAIN,
    SECRET,
    TOLD,
    logged,
    mill,
    policy,
    shelved,
)
from tests.features.question_policies.test_reach import HOUSE, YARD
from tests.features.workflows.conftest import Flows, by_id, flows
from tests.office import Office
from tests.waiting import PATIENCE

__all__ = ["flows", "mill"]

LOOKING = {
    "name": "Looking",
    "inputs": {"topic": {}, "places": {"required": False}},
    "nodes": [
        {"id": "found", "kind": "search", "query": "{{ inputs.topic }}"},
        {"id": "new", "kind": "search", "changed_within": "1d"},
    ],
}
TELLING = {
    "name": "Telling",
    "inputs": {"topic": {}},
    "nodes": [
        {
            "id": "both", "kind": "parallel",
            "branches": {
                name: {"kind": "agent", "agent": RESEARCHER, "input": "{{ inputs.topic }}"}
                for name in ("one", "two")
            },
        }
    ],
}  # fmt: skip


class TestSearches:
    async def test_they_find_and_list_what_the_role_asks_alone(
        self, desk: Desk, mill: Office, flows: Flows
    ) -> None:
        yard, _ = await shelved(desk, "Yard", YARD)
        house, _ = await shelved(desk, "House", HOUSE)
        asker = (await mill.person(Role.EMPLOYEE)).client
        workflow = await flows.made(LOOKING)
        named = {"id": "found", "kind": "search", "query": PLAIN, "collection_ids": [house]}
        naming = await flows.made({"name": "Naming", "nodes": [named]})
        refused = [{"kind": "phrase", "pattern": "head miller", "message": TOLD}]
        await policy(mill, collections={"employee": [yard]}, refused=refused)

        nodes = by_id(await flows.ran(workflow, asker, topic=PLAIN))
        titles = [each["title"] for each in nodes["found"]["output"]["passages"]]
        assert set(titles) == {"Yard"}
        assert [each["title"] for each in nodes["new"]["output"]["documents"]] == ["Yard"]

        run = await flows.ran(naming, asker)
        assert (run["status"], "does not have your role ask" in run["reason"]) == ("failed", True)
        run = await flows.ran(workflow, asker, topic=SECRET)
        assert (run["status"], TOLD in run["reason"]) == ("failed", True)


class TestTasks:
    async def test_what_workflows_make_is_never_too_much_or_too_long(
        self, desk: Desk, mill: Office, flows: Flows
    ) -> None:
        refused = [{"kind": "phrase", "pattern": "head miller", "message": TOLD}]
        await policy(
            mill,
            longest_question=30,
            concurrent_per_user=1,
            concurrent_per_tenant=1,
            refused=refused,
        )
        asker = (await mill.person(Role.EMPLOYEE)).client
        workflow = await flows.made(TELLING)
        desk.vendor.answer(lambda _: saying("It is so."))
        run = await flows.ran(workflow, asker, topic="What is two and two? " * 20)
        assert run["status"] == "succeeded", run
        run = await flows.ran(workflow, asker, topic=SECRET)
        assert (run["status"], TOLD in run["reason"]) == ("failed", True)

    async def test_length_is_that_of_the_question_and_patterns_read_what_was_said(
        self, desk: Desk, mill: Office
    ) -> None:
        rule = [{"kind": "phrase", "pattern": "head miller", "message": TOLD}]
        await policy(mill, longest_question=30, refused=rule)
        client = (await mill.person()).client
        desk.vendor.answer(lambda _: saying("It is 5."))

        async def asked(before: str, question: str) -> httpx.Response:
            talk = [
                {"role": "user", "content": before},
                {"role": "assistant", "content": "It is 4. " * 20},
                {"role": "user", "content": question},
            ]
            body = {"model": f"agent:{RESEARCHER}", "messages": talk}
            return await client.post("/v1/chat/completions", json=body)

        reply = await asked("How much are two and two?", "And two and three?")
        assert reply.status_code == 200, reply.text
        assert "It is 4." in json.dumps(desk.vendor.server.received[-1].body)
        for before, question, code in (
            ("How much are two and two?", "And three? " * 3, "question_too_long"),
            (SECRET, "And now?", "question_refused"),
        ):
            reply = await asked(before, question)
            assert reply.json()["error"]["code"] == code, reply.text
        assert [each["query"] for each in await logged(mill)] == ["And now?", "And three? " * 3]

    async def test_run_that_is_not_made_holds_no_slot(self, desk: Desk, mill: Office) -> None:
        await policy(mill, concurrent_per_tenant=1)
        caller, platform = Caller(mill.tenant_id, OPERATOR), mill.server.platform
        desk.vendor.answer(lambda _: saying("It is 4."))

        async def begin() -> None:
            async with unit_of_work(platform, caller) as ctx:
                agent = await runs.service.find(ctx, RESEARCHER)
            await runs.start(platform, caller, agent, ExecuteRequest(input=PLAIN))

        async def cut_off() -> None:
            async with unit_of_work(platform, caller) as ctx:
                await ctx.session.execute(text("LOCK TABLE agent_run IN EXCLUSIVE MODE"))
                beginning = asyncio.ensure_future(begin())
                blocked = text(
                    "SELECT count(*) FROM pg_locks"
                    " WHERE relation = 'agent_run'::regclass AND NOT granted"
                    " AND mode = 'RowExclusiveLock'"
                )
                deadline = time.monotonic() + PATIENCE
                while True:
                    if await ctx.session.scalar(blocked):
                        break
                    assert time.monotonic() < deadline, "it does not wait"
                    await asyncio.sleep(0.02)
                beginning.cancel()
                await asyncio.wait([beginning])
            assert beginning.cancelled()
            await begin()

        await mill.run(cut_off())
