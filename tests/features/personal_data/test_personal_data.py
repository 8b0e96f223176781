"""All that is kept about one person, to that person; and runs that go with them, or in time."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update

from citewell.access.policy import Role
from citewell.core.context import Context
from citewell.features.agents import runs as agent_runs
from citewell.features.sessions import service as sessions
from citewell.features.users import service as users
from citewell.features.workflows import runs as workflow_runs
from citewell.kit.clock import utc_now
from citewell.models.agents import AgentRun, AgentStep
from citewell.models.tenancy import User
from citewell.models.workflows import WorkflowNodeRun, WorkflowRun
from tests.features.agents.conftest import API, PARKING, RESEARCHER, Desk, saying
from tests.features.workflows.conftest import Flows
from tests.office import Person

Refused = Callable[[httpx.Response, int, str], None]

PATH = f"{API}/auth/me/data"
QUESTION = "Where do visitors park?"
ONE_NODE = {
    "name": "W", "inputs": {"word": {}},
    "nodes": [{"id": "found", "kind": "search", "query": "{{ inputs.word }}", "top_k": 1}],
}  # fmt: skip


async def signed_in(desk: Desk, person: Person) -> httpx.AsyncClient:
    async def begin(ctx: Context) -> str:
        user = (await ctx.session.scalars(select(User).where(User.id == person.id))).one()
        return (await sessions.begin(ctx, user)).access_token

    return await desk.office.client(await desk.office.within(begin))


async def taken(client: httpx.AsyncClient) -> list[tuple[str, dict[str, Any]]]:
    reply = await client.get(PATH)
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"].startswith("application/x-ndjson")
    lines = [json.loads(line) for line in reply.text.splitlines()]
    return [(line["kind"], line["data"]) for line in lines]


async def asked(client: httpx.AsyncClient, **more: object) -> dict[str, Any]:
    reply = await client.post(f"{API}/query", json={"query": QUESTION, **more})
    assert reply.status_code == 200, reply.text
    return reply.json()


class TestExport:
    @pytest.mark.promise
    async def test_it_holds_all_kinds_of_the_person_and_nothing_of_others(self, desk: Desk) -> None:
        mine = await desk.office.person(Role.MANAGER)
        other = await desk.office.person(Role.MANAGER)
        client = await signed_in(desk, mine)
        for who, word in ((client, "Parking"), (other.client, "Otherwise")):
            added = await who.post(
                f"{API}/documents", json={"title": word, "content": f"{PARKING} {word}."}
            )
            document = added.json()["documents"][0]["id"]
            await desk.documents.settled(document)
            answer = await asked(who)
            rating = {"query_id": answer["query_id"], "rating": 2, "comment": f"{word}, short."}
            assert (await who.post(f"{API}/feedback", json=rating)).status_code == 200
            talk = (await who.post(f"{API}/conversations", json={})).json()["id"]
            await asked(who, conversation_id=talk)
            attached = await who.post(
                f"{API}/conversations/{talk}/files", files={"files": (f"{word}.md", b"# Of mine")}
            )
            assert attached.status_code == 202, attached.text
            desk.vendor.play(saying("Nothing was found."))
            await desk.ran(await desk.agent_id(RESEARCHER), f"{word}: where?", who)
        lines = await taken(client)
        kinds = Counter(kind for kind, _ in lines)
        assert lines[0][0] == "account"
        assert lines[0][1]["email"] == mine.email
        single = ("account", "session", "api_key", "question", "rating", "document", "agent_run")
        assert {kind: kinds[kind] for kind in single} == dict.fromkeys(single, 1)
        assert (kinds["conversation"], kinds["message"], kinds["file"]) == (1, 1, 1)
        assert kinds["audit_event"] >= 3
        of = dict(lines)
        assert of["question"]["query"] == of["message"]["question"] == QUESTION
        assert "bay 4" in of["question"]["answer"]
        assert of["rating"]["comment"] == "Parking, short."
        whole = json.dumps(lines)
        assert "Otherwise" not in whole
        assert str(other.id) not in whole
        secrets = ("password_hash", "hash", "public_key", "sealed")
        assert not [each for each in secrets if f'"{each}"' in whole]
        assert [event.action for event in await desk.office.trail(mine.id)][-1] == (
            "user.data_exported"
        )

    async def test_what_may_not_be_read_any_more_is_left_out_of_it(self, desk: Desk) -> None:
        mine = await desk.office.person()
        client = await signed_in(desk, mine)
        hidden = await desk.documents.add("Parking", PARKING)
        assert "bay 4" in (await asked(client))["answer"]
        path = f"{API}/documents/{hidden['id']}"
        assert (
            await desk.client.patch(path, json={"access_level": "restricted"})
        ).status_code == 200
        whole = json.dumps(await taken(client))
        assert QUESTION in whole
        assert "bay 4" not in whole

    async def test_others_deeds_are_told_without_them(self, desk: Desk) -> None:
        admin = await desk.office.person(Role.DIRECTOR, is_admin=True)
        mine = await desk.office.person()
        client = await signed_in(desk, mine)
        changed = await admin.client.patch(f"{API}/users/{mine.id}", json={"name": "Bea Example"})
        assert changed.status_code == 200
        lines = await taken(client)
        renamed = next(
            data
            for kind, data in lines
            if kind == "audit_event" and data["action"] == "user.renamed"
        )
        assert not {"actor_id", "address", "credential_id"} & renamed.keys()
        assert str(admin.id) not in json.dumps(lines)

    async def test_its_head_alone_makes_none(self, desk: Desk) -> None:
        mine = await desk.office.person()
        head = await (await signed_in(desk, mine)).head(PATH)
        assert (head.status_code, head.content) == (200, b"")
        assert "user.data_exported" not in [
            event.action for event in await desk.office.trail(mine.id)
        ]

    async def test_a_key_does_not_carry_it_away(self, desk: Desk, refused: Refused) -> None:
        person = await desk.office.person()
        for client in (person.client, desk.client):
            refused(await client.get(PATH), 403, "session_needed")


async def run_rows(desk: Desk) -> list[int]:
    async def count(ctx: Context) -> list[int]:
        tables = (AgentRun.id, AgentStep.n, WorkflowRun.id, WorkflowNodeRun.node)
        return [await ctx.session.scalar(select(func.count(each))) or 0 for each in tables]

    return await desk.office.within(count)


async def forget(desk: Desk) -> None:
    platform = desk.office.server.platform
    await desk.office.run(agent_runs.forget_old(platform))
    await desk.office.run(workflow_runs.forget_old(platform))


class TestForgetting:
    async def begin(self, desk: Desk, flows: Flows, client: httpx.AsyncClient) -> None:
        desk.vendor.play(saying("Nothing was found."))
        await desk.ran(await desk.agent_id(RESEARCHER), client=client)
        workflow = await flows.made(ONE_NODE)
        begun = await flows.begun(workflow, client, word="oak")
        await flows.reached(begun["id"], client=client)

    async def test_runs_go_with_their_user_and_others_stay(self, desk: Desk, flows: Flows) -> None:
        leaver = await desk.office.person(Role.MANAGER)
        await self.begin(desk, flows, desk.client)
        before = await run_rows(desk)
        await self.begin(desk, flows, leaver.client)
        assert all(many > few for many, few in zip(await run_rows(desk), before, strict=True))
        await forget(desk)
        assert (await run_rows(desk))[0] == before[0] + 1

        async def remove(ctx: Context) -> None:
            await users.remove(ctx, leaver.id)

        await desk.office.within(remove)
        await forget(desk)
        assert await run_rows(desk) == before

    async def test_they_go_when_answers_do_but_not_within_a_day(
        self, desk: Desk, flows: Flows
    ) -> None:
        await self.begin(desk, flows, desk.client)
        assert all(await run_rows(desk))
        path = f"{API}/tenants/{desk.office.tenant_id}"
        admin = await desk.office.person(Role.DIRECTOR, is_admin=True)
        assert (await admin.client.patch(path, json={"answer_days": 0})).status_code == 200
        await forget(desk)
        assert all(await run_rows(desk))

        async def age(ctx: Context) -> None:
            past = utc_now() - timedelta(hours=25)
            for table in (AgentRun, WorkflowRun):
                await ctx.session.execute(update(table).values(finished_at=past))

        await desk.office.within(age)
        await forget(desk)
        assert not any(await run_rows(desk))
