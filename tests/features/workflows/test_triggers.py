"""Workflows that run by themselves: on changes of documents, and at times."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import text, update

from citewell.access.policy import Role
from citewell.core.context import Context
from citewell.models.tenancy import User, UserStatus
from tests.features.agents.conftest import PARKING
from tests.features.workflows.conftest import ENDED, Flows
from tests.waiting import PATIENCE

Refused = Callable[[httpx.Response, int, str], None]

SOURCE = {
    "name": "Told",
    "inputs": {"title": {"required": False}, "kind": {"required": False}},
    "nodes": [{"id": "told", "kind": "aggregate", "value": "{{ inputs.kind }} {{ inputs.title }}"}],
}


class TestDocuments:
    async def test_changes_in_a_collection_start_runs_as_their_maker(self, flows: Flows) -> None:
        desk = flows.desk
        shelf = await desk.sent("POST", "/collections", 201, {"name": "Shelf"})
        chief = await desk.office.person(Role.MANAGER)
        workflow = await flows.made(SOURCE)
        body = {
            "kind": "document", "collection_id": shelf["id"],
            "inputs": {"title": "{{ event.title }}", "kind": "{{ event.kind }}"},
        }  # fmt: skip
        path = f"/workflows/{workflow}/triggers"
        made = await desk.sent("POST", path, 201, body, chief.client)
        await desk.documents.add("Elsewhere", PARKING)
        # Above what a manager reads: no reason for a run of theirs.
        await desk.documents.add(
            "Secret", PARKING, collection_id=shelf["id"], access_level="restricted"
        )
        document = await desk.documents.add("Parking", PARKING, collection_id=shelf["id"])
        run = await self.started(flows, chief.client, 1)
        assert (run["output"], run["user_id"]) == ("created Parking", str(chief.id))
        changed = {"content": f"{PARKING} Bay 5 too."}
        await desk.sent("PUT", f"/documents/{document['id']}", 202, changed)
        assert (await self.started(flows, chief.client, 2))["output"] == "updated Parking"
        await desk.sent("PATCH", f"{path}/{made['id']}", 200, {"is_enabled": False}, chief.client)
        await desk.documents.add("Later", PARKING, collection_id=shelf["id"])
        left = await desk.office.within(
            lambda ctx: ctx.session.scalar(text("SELECT count(*) FROM workflow_event"))
        )
        assert left == 0
        # The run's input goes with the right to it, as everything does that a run has read.
        await desk.sent(
            "PATCH", f"/documents/{document['id']}", 200, {"access_level": "restricted"}
        )
        hidden = await flows.seen(run["id"], chief.client)
        assert (hidden["is_withheld"], hidden["inputs"]) == (True, None)

    async def started(self, flows: Flows, client: httpx.AsyncClient, count: int) -> dict[str, Any]:
        """The newest of so many runs, once it has ended."""
        async with asyncio.timeout(PATIENCE):
            while True:
                listed = await flows.desk.sent("GET", "/workflow-runs", 200, client=client)
                if listed["pagination"]["total"] == count:
                    return await flows.reached(listed["data"][0]["id"], *ENDED, client=client)
                await asyncio.sleep(0.05)


class TestSchedules:
    async def test_due_schedule_runs_once_and_then_again_at_its_time(self, flows: Flows) -> None:
        desk = flows.desk
        chief = await desk.office.person(Role.MANAGER)
        path = f"/workflows/{await flows.made(SOURCE)}/triggers"
        later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        body = {"kind": "schedule", "at": later, "inputs": {"title": "it"}}
        await desk.sent("POST", path, 201, body, chief.client)
        cron = {"kind": "schedule", "cron": "0 8 1 * *", "timezone": "Asia/Ho_Chi_Minh"}
        made = await desk.sent("POST", path, 201, cron, chief.client)
        due = datetime.fromisoformat(made["next_at"])
        assert (due.day, due.hour, due > datetime.now(UTC)) == (1, 1, True)

        async def overdue(ctx: Context) -> None:
            missed = "UPDATE workflow_trigger SET next_at = now() - interval '400 days'"
            await ctx.session.execute(text(missed))

        await desk.office.within(overdue)
        run = await TestDocuments().started(flows, chief.client, 2)
        assert run["status"] == "succeeded"
        listed = (await desk.sent("GET", path, 200, client=chief.client))["data"]
        assert [each["next_at"] for each in listed] == [made["next_at"], None]
        assert all(each["last_run_id"] for each in listed)

    async def test_trigger_of_a_user_who_left_is_turned_off(self, flows: Flows) -> None:
        desk = flows.desk
        chief = await desk.office.person(Role.MANAGER)
        path = f"/workflows/{await flows.made(SOURCE)}/triggers"

        async def leave(ctx: Context) -> None:
            status = {"status": UserStatus.DEACTIVATED}
            await ctx.session.execute(update(User).where(User.id == chief.id).values(status))
            await ctx.session.execute(text("UPDATE workflow_trigger SET next_at = now()"))

        await desk.sent("POST", path, 201, {"kind": "schedule", "every": "1h"}, chief.client)
        await desk.office.within(leave)
        admin = await desk.office.person(Role.DIRECTOR, is_admin=True)
        async with asyncio.timeout(PATIENCE):
            while True:
                [seen] = (await desk.sent("GET", path, 200, client=admin.client))["data"]
                if not seen["is_enabled"]:
                    break
                await asyncio.sleep(0.05)
        assert "not active" in seen["last_error"]
        assert (await desk.sent("GET", "/workflow-runs", 200, client=admin.client))["data"] == []

    async def test_bad_triggers_are_refused(self, flows: Flows, refused: Refused) -> None:
        desk = flows.desk
        path = f"/api/v1/workflows/{await flows.made(SOURCE)}/triggers"
        schedule = {"kind": "schedule"}
        cases: list[tuple[dict[str, Any], str]] = [
            ({**schedule, "at": "2020-01-01T00:00:00Z"}, "is past"),
            ({**schedule, "at": "2020-01-01T00:00:00"}, "timezone"),
            ({**schedule, "every": "30s"}, "a minute at least"),
            ({**schedule, "cron": "* * * * * *"}, "five fields"),
            ({**schedule, "cron": "0 0 30 2 *"}, "says no time"),
            ({**schedule, "cron": "0 0 1 1 *", "timezone": "Mars/Base"}, "no time zone"),
            (schedule, "one of `cron`"),
            ({**schedule, "every": "1h", "cron": "0 0 1 1 *"}, "one of `cron`"),
            ({"kind": "document", "every": "1h"}, "for the kind"),
            ({"kind": "document", "inputs": {"title": "{{ inputs.x }}"}}, "nothing that inputs"),
        ]
        for body, told in cases:
            reply = await desk.client.post(path, json=body)
            assert (reply.status_code, told in reply.text) == (422, True), reply.text
        ann = await desk.office.person()
        refused(await ann.client.post(path, json={**schedule, "every": "1h"}), 403, "forbidden")
        made = (await desk.client.post(path, json={**schedule, "every": "1h"})).json()
        refused(await ann.client.delete(f"{path}/{made['id']}"), 404, "trigger_not_found")
        assert (await ann.client.get(path)).json()["data"] == []
        assert (await desk.client.delete(f"{path}/{made['id']}")).status_code == 204


class TestTemplates:
    async def test_each_can_be_made_ones_own(self, flows: Flows, refused: Refused) -> None:
        found = (await flows.desk.sent("GET", "/workflows/templates", 200))["data"]
        assert [each["template"] for each in found] == [
            "monthly-digest", "policy-review", "question-triage", "research-report",
        ]  # fmt: skip
        for each in found:
            body = {"slug": each["template"], "template": each["template"]}
            made = await flows.desk.sent("POST", "/workflows", 201, body)
            assert made["source"] == each["source"]
            if each["template"] == "monthly-digest":
                await flows.desk.documents.add("Parking", PARKING)
                run = await flows.ran(made["id"])
                assert run["output"]["documents"][0]["title"] == "Parking", run
        reply = await flows.desk.client.post(
            "/api/v1/workflows", json={"slug": "x", "template": "nothing"}
        )
        refused(reply, 404, "workflow_template_not_found")
