"""Boxes on other sites: made by administrators, asked by anybody, reading what is public."""

import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from citewell.access.policy import Role
from citewell.features.embeds.schemas import EmbedCreate
from tests.conftest import Library
from tests.office import Office, Person

Refused = Callable[[httpx.Response, int, str], None]

URL = "/api/v1/embeds"
SITE = "https://www.example.org"
QUESTION = {"query": "When does the reading room of Harrowgate open?"}


async def made(admin: Person, **more: Any) -> dict[str, Any]:
    reply = await admin.client.post(URL, json={"name": "Site", "origins": [SITE]} | more)
    assert reply.status_code == 201, reply.text
    return reply.json()


async def room(office: Office, hour: int, level: str, **more: Any) -> None:
    """A document that says when the room opens, found once it is ready."""
    library = Library(office.service)
    text = f"The reading room of Harrowgate opens at {hour} in the morning."
    added = await library.add(f"Rooms {hour}", text, access_level=level, **more)
    await library.settled(added["id"])


async def asked(anonymous: httpx.AsyncClient, token: str) -> dict[str, Any]:
    reply = await anonymous.post(f"/api/v1/boxes/{token}/ask", json=QUESTION)
    assert reply.status_code == 200, reply.text
    return reply.json()


class TestMaking:
    async def test_box_is_made_changed_and_removed(
        self, office: Office, admin: Person, refused: Refused
    ) -> None:
        box = await made(admin, origins=["HTTPS://WWW.Example.org:443/", "http://localhost:3000"])
        assert box["origins"] == [SITE, "http://localhost:3000"]
        assert box["token"] == office.tenant_id.hex + uuid.UUID(box["id"]).hex
        changed = await admin.client.patch(
            f"{URL}/{box['id']}", json={"language": "vi", "title": "Hỏi"}
        )
        assert (changed.json()["language"], changed.json()["title"]) == ("vi", "Hỏi")
        changed = await admin.client.patch(f"{URL}/{box['id']}", json={"language": None})
        assert (changed.json()["language"], changed.json()["title"]) == (None, "Hỏi")
        listed = (await admin.client.get(URL)).json()["data"]
        assert [each["id"] for each in listed] == [box["id"]]
        assert (await admin.client.delete(f"{URL}/{box['id']}")).status_code == 204
        refused(await admin.client.get(f"{URL}/{box['id']}"), 404, "embed_not_found")
        trail = [each.action for each in await office.trail(box["id"])]
        assert trail == ["embed.created", "embed.updated", "embed.updated", "embed.deleted"]

    async def test_only_administrators_have_boxes(self, office: Office, refused: Refused) -> None:
        director = await office.person(Role.DIRECTOR)
        refused(await director.client.get(URL), 403, "forbidden")
        body = {"name": "Site", "origins": [SITE]}
        refused(await director.client.post(URL, json=body), 403, "forbidden")

    async def test_collection_that_is_private_is_refused(
        self, office: Office, admin: Person, refused: Refused
    ) -> None:
        body = {"name": "Salaries", "visibility": "private"}
        private = (await office.service.post("/api/v1/collections", json=body)).json()["id"]
        for collection in (private, str(uuid.uuid4())):
            body = {"name": "Site", "origins": [SITE], "collection_ids": [collection]}
            refused(await admin.client.post(URL, json=body), 422, "invalid_embed")


class TestOrigin:
    def test_what_is_no_origin_is_refused(self) -> None:
        bad = (
            "https://", "www.example.org", "ftp://example.org", "https://example.org/path",
            "https://a b.org", "https://x.org; script-src *", "https://*", "https://u@example.org",
            "https://example.org?x", "javascript:alert(1)", "https://[::1%25x]", "https://x:99999",
        )  # fmt: skip
        for origin in bad:
            with pytest.raises(ValidationError, match=r"origin|at least"):
                EmbedCreate(name="x", origins=[origin])


class TestAsking:
    async def test_visitors_are_answered_from_what_is_public(
        self, office: Office, admin: Person, anonymous: httpx.AsyncClient
    ) -> None:
        await room(office, 9, "public")
        await room(office, 7, "internal")
        box = await made(admin, title="Ask us")
        shown = (await anonymous.get(f"/api/v1/boxes/{box['token']}")).json()
        assert shown == {"title": "Ask us", "language": None}
        answer = await asked(anonymous, box["token"])
        assert not answer["abstained"]
        assert "at 9 in the morning" in answer["answer"]
        assert {each["title"] for each in answer["citations"]} == {"Rooms 9"}
        # The administrator's own credential adds nothing to what a box reads.
        again = await asked(admin.client, box["token"])
        assert {each["title"] for each in again["citations"]} == {"Rooms 9"}

    async def test_box_looks_in_its_collections_alone(
        self, office: Office, admin: Person, anonymous: httpx.AsyncClient
    ) -> None:
        made_here = await office.service.post("/api/v1/collections", json={"name": "Open"})
        collection = made_here.json()["id"]
        await room(office, 9, "public")
        await room(office, 8, "public", collection_id=collection)
        box = await made(admin, collection_ids=[collection])
        answer = await asked(anonymous, box["token"])
        assert {each["title"] for each in answer["citations"]} == {"Rooms 8"}
        closed = await office.service.patch(
            f"/api/v1/collections/{collection}", json={"visibility": "private"}
        )
        assert closed.status_code == 200, closed.text
        # It looks nowhere then, not everywhere.
        answer = await asked(anonymous, box["token"])
        assert (answer["abstained"], answer["citations"]) == (True, [])

    async def test_box_that_is_off_or_unknown_is_not_there(
        self, admin: Person, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        box = await made(admin)
        await admin.client.patch(f"{URL}/{box['id']}", json={"is_active": False})
        for token in (box["token"], box["token"][:-1] + "x", "0" * 64, "x"):
            url = f"/api/v1/boxes/{token}"
            refused(await anonymous.get(url), 404, "embed_not_found")
            refused(await anonymous.post(f"{url}/ask", json=QUESTION), 404, "embed_not_found")
            refused(await anonymous.get(f"/embed/{token}"), 404, "embed_not_found")

    async def test_box_answers_so_many_a_minute(
        self, admin: Person, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        box = await made(admin, questions_per_minute=1)
        await asked(anonymous, box["token"])
        reply = await anonymous.post(f"/api/v1/boxes/{box['token']}/ask", json=QUESTION)
        refused(reply, 429, "embed_busy")
        assert int(reply.headers["retry-after"]) >= 1
