"""Collections that a role asks: also of follow-ups, boxes and workflows, and after one is gone."""

import json
from collections.abc import Callable

import httpx

from citewell.access.policy import Role
from tests.features.agents.conftest import API, Desk, saying
from tests.features.question_policies.test_admission import (
    PLAIN,
    conversation,
    mill,
    policy,
    shelved,
    writing,
)
from tests.office import Office

__all__ = ["mill"]

Refused = Callable[[httpx.Response, int, str], None]

YARD = "Visitors park in bay 4 behind the mill."
HOUSE = "Visitors park in bay 7 below the house."


class TestDeletedCollection:
    async def test_rules_that_name_it_can_be_read_and_saved(
        self, mill: Office, refused: Refused
    ) -> None:
        async def made(name: str) -> str:
            reply = await mill.service.post(f"{API}/collections", json={"name": name})
            return reply.json()["id"]

        url = f"{API}/tenants/{mill.tenant_id}/question-policy"
        kept, gone, hidden = await made("Kept"), await made("Gone"), await made("Hidden")
        named = {"guest": [gone], "employee": [kept, gone, hidden]}
        stale = await policy(mill, collections=named)
        for place, change in ((gone, None), (hidden, {"visibility": "private"})):
            at = f"{API}/collections/{place}"
            reply = await (
                mill.service.patch(at, json=change) if change else mill.service.delete(at)
            )
            assert reply.is_success, reply.text
        # A role that is left no collection asks nothing; it does not ask all again.
        left = {"guest": [], "employee": [kept, hidden]}
        admin = await mill.person(Role.MANAGER, is_admin=True)
        assert (await admin.client.get(url)).json()["collections"] == left
        # A page that was open all the while, whose administrator may not read all that is named.
        saved = await admin.client.patch(url, json={**stale, "seconds": 30})
        assert saved.status_code == 200, saved.text
        assert (saved.json()["collections"], saved.json()["seconds"]) == (left, 30)
        changed = {"collections": {"guest": [gone], "employee": [kept]}}
        refused(await admin.client.patch(url, json=changed), 404, "collection_not_found")


class TestBox:
    async def test_box_answers_from_what_guests_ask_of_its_collections(
        self, desk: Desk, mill: Office
    ) -> None:
        yard, _ = await shelved(desk, "Yard", YARD)
        house, _ = await shelved(desk, "House", HOUSE)
        site = {
            "name": "Site", "origins": ["https://www.example.org"], "collection_ids": [yard, house],
        }  # fmt: skip
        box = await desk.sent("POST", "/embeds", 201, site)
        visitor = await mill.client(None)

        async def titles() -> set[str]:
            desk.vendor.answer(writing)
            at = f"{API}/boxes/{box['token']}/ask"
            reply = await visitor.post(at, json={"query": PLAIN})
            assert reply.status_code == 200, reply.text
            assert "bay 7" not in json.dumps([each.body for each in desk.vendor.server.received])
            return {each["title"] for each in reply.json()["citations"]}

        await policy(mill, collections={"guest": [yard]})
        assert await titles() == {"Yard"}
        await policy(mill, collections={"guest": []})
        assert await titles() == set()


class TestFollowUp:
    async def test_model_that_rewrites_it_reads_no_quote_of_what_is_not_asked_any_more(
        self, desk: Desk, mill: Office
    ) -> None:
        house, _ = await shelved(desk, "House", HOUSE)
        yard, _ = await shelved(desk, "Yard", "Bicycles stand at the gate.")
        asker = await mill.person(Role.EMPLOYEE)
        place = await conversation(asker.client)
        desk.vendor.answer(
            lambda _: saying(f'<quote passage="1">{HOUSE}</quote><say>{HOUSE}</say>')
        )
        body = {"query": PLAIN, "conversation_id": place, "collection_ids": [house]}
        first = await asker.client.post(f"{API}/query", json=body)
        assert "bay 7" in first.json()["answer"], first.text
        await policy(mill, collections={"employee": [yard]})
        desk.vendor.answer(lambda _: saying("How much does it cost to park there?"))
        body = {"query": "How much does it cost there?", "conversation_id": place}
        reply = await asker.client.post(f"{API}/query", json=body)
        assert reply.status_code == 200, reply.text
        assert "bay 7" not in json.dumps([each.body for each in desk.vendor.server.received])
