"""Groups over HTTP: filled by administrators, seen by their members."""

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from citewell.access.policy import Role
from tests.office import Office

Refused = Callable[[httpx.Response, int, str], None]

URL = "/api/v1/groups"
NOBODY = uuid.UUID(int=1)


async def made(office: Office, name: str = "Auditors") -> dict[str, Any]:
    reply = await office.service.post(URL, json={"name": name, "description": "Who check"})
    assert reply.status_code == 201, reply.text
    return reply.json()


async def members(office: Office, group_id: str) -> list[str]:
    reply = await office.service.get(f"{URL}/{group_id}/members")
    assert reply.status_code == 200, reply.text
    return [item["id"] for item in reply.json()["data"]]


class TestGroups:
    async def test_are_made_changed_and_removed(self, office: Office, refused: Refused) -> None:
        group = await made(office)
        assert group.keys() == {"id", "name", "description", "created_at", "updated_at"}
        url = f"{URL}/{group['id']}"
        changed = await office.service.patch(url, json={"name": " Ärzte "})
        assert (changed.json()["name"], changed.json()["description"]) == ("Ärzte", "Who check")
        assert (await office.service.get(url)).json() == changed.json()
        assert (await office.service.delete(url)).status_code == 204
        refused(await office.service.get(url), 404, "group_not_found")
        told = [event.action for event in await office.trail(group["id"])]
        assert told == ["group.created", "group.updated", "group.deleted"]

    async def test_taken_names_are_409_in_one_tenant_only(
        self, office: Office, other_office: Office, refused: Refused
    ) -> None:
        await made(office)
        other = await made(office, "Others")
        refused(await office.service.post(URL, json={"name": "AUDITORS "}), 409, "group_exists")
        url = f"{URL}/{other['id']}"
        refused(await office.service.patch(url, json={"name": "auditors"}), 409, "group_exists")
        await made(other_office)

    @pytest.mark.parametrize(
        "body",
        [
            {}, {"name": " "}, {"name": "x" * 201}, {"name": "a\u0000"},
            {"name": "x", "id": str(NOBODY)}, {"name": "x", "tenant_id": str(NOBODY)},
            {"name": "x", "members": []}, {"name": "x", "description": "x" * 2001},
        ],
    )  # fmt: skip
    async def test_bad_fields_are_422(
        self, body: object, shared_client: httpx.AsyncClient, refused: Refused
    ) -> None:
        refused(await shared_client.post(URL, json=body), 422, "validation_error")


class TestMembers:
    async def test_come_and_go(self, office: Office, refused: Refused) -> None:
        group, person = await made(office), await office.person()
        url = f"{URL}/{group['id']}/members/{person.id}"
        for _ in range(2):
            assert (await office.service.put(url)).status_code == 204
        assert await members(office, group["id"]) == [str(person.id)]
        assert (await office.service.delete(url)).status_code == 204
        refused(await office.service.delete(url), 404, "member_not_found")
        assert await members(office, group["id"]) == []
        told = [(event.action, event.details) for event in await office.trail(group["id"])][1:]
        assert told == [
            ("group.member_added", {"user_id": str(person.id)}),
            ("group.member_removed", {"user_id": str(person.id)}),
        ]

    async def test_what_is_not_there_is_404(
        self, office: Office, other_office: Office, refused: Refused
    ) -> None:
        group, person = await made(office), await office.person()
        theirs, stranger = await made(other_office), await other_office.person()
        for group_id, user_id, code in (
            (group["id"], NOBODY, "user_not_found"),
            (group["id"], stranger.id, "user_not_found"),
            (theirs["id"], person.id, "group_not_found"),
            (NOBODY, person.id, "group_not_found"),
        ):
            refused(await office.service.put(f"{URL}/{group_id}/members/{user_id}"), 404, code)
        assert await members(other_office, theirs["id"]) == []
        refused(await office.service.get(f"{URL}/{theirs['id']}/members"), 404, "group_not_found")

    async def test_of_many_at_once_all_are_in(self, office: Office) -> None:
        group = await made(office)
        people = [await office.person() for _ in range(4)]
        replies = await asyncio.gather(
            *(
                office.service.put(f"{URL}/{group['id']}/members/{person.id}")
                for person in people
                for _ in range(2)
            )
        )
        assert {reply.status_code for reply in replies} == {204}
        assert len(await members(office, group["id"])) == 4

    async def test_a_grant_of_the_group_holds_as_long_as_they_are_in_it(
        self, office: Office
    ) -> None:
        body = {"title": "Board", "content": "The board meets.", "access_level": "restricted"}
        reply = await office.service.post("/api/v1/documents", json=body)
        document = f"/api/v1/documents/{reply.json()['documents'][0]['id']}"
        group, person = await made(office), await office.person()
        rule = {"group_id": group["id"], "effect": "read"}
        assert (await office.service.put(f"{document}/grants", json=rule)).status_code == 200
        member = f"{URL}/{group['id']}/members/{person.id}"
        seen: list[int] = []
        for step in (None, office.service.put, office.service.delete):
            if step is not None:
                await step(member)
            seen.append((await person.client.get(document)).status_code)
        assert seen == [404, 200, 404]


class TestOthersThanAdministrators:
    async def test_see_their_own_groups_only(self, office: Office, refused: Refused) -> None:
        mine, theirs = await made(office), await made(office, "Board")
        person = await office.person(Role.DIRECTOR)
        await office.service.put(f"{URL}/{mine['id']}/members/{person.id}")
        listed = (await person.client.get(URL)).json()
        assert [item["id"] for item in listed["data"]] == [mine["id"]]
        assert listed["pagination"]["total"] == 1
        assert (await person.client.get(f"{URL}/{mine['id']}")).status_code == 200
        refused(await person.client.get(f"{URL}/{theirs['id']}"), 404, "group_not_found")
        refused(await person.client.get(f"{URL}/{NOBODY}"), 404, "group_not_found")

    async def test_change_nothing(self, office: Office, refused: Refused) -> None:
        group, person = await made(office), await office.person(Role.DIRECTOR)
        await office.service.put(f"{URL}/{group['id']}/members/{person.id}")
        url = f"{URL}/{group['id']}"
        for reply in (
            await person.client.post(URL, json={"name": "Mine"}),
            await person.client.patch(url, json={"name": "Mine"}),
            await person.client.delete(url),
            await person.client.get(f"{url}/members"),
            await person.client.put(f"{url}/members/{person.id}"),
            await person.client.delete(f"{url}/members/{person.id}"),
        ):
            refused(reply, 403, "forbidden")
        assert await members(office, group["id"]) == [str(person.id)]
