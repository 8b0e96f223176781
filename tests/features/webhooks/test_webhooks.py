"""Webhooks over HTTP: what they are told, as whom, and what happens when nobody listens."""

import asyncio
import base64
import hmac
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from citewell.access.policy import Role, Scope
from citewell.core.context import Context
from citewell.features.webhooks import sending, upkeep
from tests.conftest import Library
from tests.office import Office
from tests.waiting import PATIENCE

from .conftest import Receiver

Refused = Callable[[httpx.Response, int, str], None]

URL = "/api/v1/webhooks"
DOCUMENTS = ["document.created", "document.updated", "document.deleted", "document.restored"]


async def made(client: httpx.AsyncClient, url: str, events: list[str]) -> dict[str, Any]:
    reply = await client.post(URL, json={"name": "Ours", "url": url, "events": events})
    assert reply.status_code == 201, reply.text
    return reply.json()


async def log(client: httpx.AsyncClient, hook: str) -> list[dict[str, Any]]:
    reply = await client.get(f"{URL}/{hook}/deliveries")
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]


async def settled(
    client: httpx.AsyncClient, hook: str, count: int, *, tried: bool = False
) -> list[dict[str, Any]]:
    """The log once so many events are done with, or tried."""
    deadline = time.monotonic() + PATIENCE
    while True:
        rows = await log(client, hook)
        done = [
            row for row in rows
            if row["status"] != "pending" or (tried and row["response_status"] is not None)
        ]  # fmt: skip
        if len(done) >= count:
            return rows
        assert time.monotonic() < deadline, rows
        await asyncio.sleep(0.1)


GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guide" / "api.md"
CHECK = re.compile(r"^```python\n(# secret: .*?)^```", re.M | re.S)


def is_signed(message: tuple[dict[str, str], bytes], secret: str) -> bool:
    """Whether the check that the guide gives finds a message to be ours."""
    headers, body = message
    [lines] = CHECK.findall(GUIDE.read_text(encoding="utf-8"))
    known: dict[str, Any] = {
        "secret": secret, "headers": headers, "body": body, "base64": base64, "hmac": hmac,
    }  # fmt: skip
    exec(lines, known)
    return known["is_ours"]


class TestTelling:
    @pytest.mark.promise
    async def test_changes_are_told_signed_in_their_order_and_can_be_replayed(
        self, office: Office, receiver: Receiver
    ) -> None:
        manager = await office.person(Role.MANAGER)
        hook = await made(manager.client, receiver.url, [*DOCUMENTS, "answer.created"])
        assert hook["secret"].startswith("whsec_")
        shown = (await manager.client.get(f"{URL}/{hook['id']}")).json()
        assert "secret" not in shown
        document = await Library(office.service).add("Leave", "# Leave\n\n25 days of leave.")
        await settled(manager.client, hook["id"], 1)
        path = f"/api/v1/documents/{document['id']}"
        assert (await office.service.delete(path)).status_code == 204
        assert (await office.service.post(f"{path}/restore")).status_code == 200
        asked = await office.service.post("/api/v1/query", json={"query": "How many days?"})
        rows = await settled(manager.client, hook["id"], 4)
        events = ["document.created", "document.deleted", "document.restored", "answer.created"]
        assert [row["event"] for row in reversed(rows)] == events
        bodies = [json.loads(body) for _, body in receiver.messages]
        assert [body["type"] for body in bodies] == events
        assert bodies[0]["data"]["title"] == "Leave"
        assert bodies[3]["data"]["query_id"] == asked.json()["query_id"]
        assert all(is_signed(each, hook["secret"]) for each in receiver.messages)
        assert {row["response_status"] for row in rows} == {200}

        first = rows[-1]
        again = await manager.client.post(f"{URL}/{hook['id']}/deliveries/{first['id']}/replay")
        assert (again.status_code, again.json()["status"]) == (202, "pending")
        await settled(manager.client, hook["id"], 4)
        assert receiver.messages[-1][0]["webhook-id"] == first["id"]

    async def test_a_new_secret_signs_beside_the_former(
        self, office: Office, receiver: Receiver
    ) -> None:
        hook = await made(office.service, receiver.url, ["answer.created"])
        turned = await office.service.patch(f"{URL}/{hook['id']}", json={"rotate_secret": True})
        secret = turned.json()["secret"]
        assert secret not in (None, hook["secret"])
        await office.service.post("/api/v1/query", json={"query": "How?"})
        await settled(office.service, hook["id"], 1)
        for each in (secret, hook["secret"]):
            assert is_signed(receiver.messages[0], each)
        actions = [event.action for event in await office.trail(hook["id"])]
        assert actions == ["webhook.created", "webhook.updated"]

    async def test_its_owner_hears_what_they_may_read_when_it_is_told(
        self, office: Office, receiver: Receiver
    ) -> None:
        manager = await office.person(Role.MANAGER)
        hook = await made(manager.client, receiver.url, DOCUMENTS)
        library = Library(office.service)
        secret = await library.add("Board", "# Board\n\nSecret.", access_level="restricted")
        await library.add("All", "# All\n\nOpen.", access_level="public")
        await office.service.delete(f"/api/v1/documents/{secret['id']}")
        [row] = await settled(manager.client, hook["id"], 1)
        assert (row["event"], row["status"]) == ("document.created", "delivered")
        assert len(receiver.messages) == 1
        assert b"Secret" not in receiver.messages[0][1]
        # Of another one's webhook, whoever changes where it leads becomes the owner.
        director = await office.person(Role.DIRECTOR, is_admin=True)
        moved = await director.client.patch(
            f"{URL}/{hook['id']}", json={"url": f"{receiver.url}/2"}
        )
        assert moved.json()["user_id"] == str(director.id)
        assert (await manager.client.get(f"{URL}/{hook['id']}")).status_code == 404

    async def test_key_of_a_user_gives_no_more_than_its_scopes(
        self, office: Office, receiver: Receiver
    ) -> None:
        scopes = frozenset({Scope.READ, Scope.WRITE})
        admin = await office.person(Role.MANAGER, is_admin=True, scopes=scopes)
        hook = await made(admin.client, receiver.url, ["job.succeeded"])
        await Library(office.service).add("Board", "# Board\n\nB.", access_level="restricted")
        await Library(office.service).add("All", "# All\n\nB.", access_level="public")
        [row] = await settled(admin.client, hook["id"], 1)
        assert (row["status"], len(receiver.messages)) == ("delivered", 1)

    async def test_an_owner_who_left_turns_it_off(self, office: Office, receiver: Receiver) -> None:
        manager = await office.person(Role.MANAGER)
        hook = await made(manager.client, receiver.url, ["answer.created"])
        lowered = await office.service.patch(f"/api/v1/users/{manager.id}", json={"role": "guest"})
        assert lowered.status_code == 200, lowered.text
        await office.service.post("/api/v1/query", json={"query": "How?"})
        await office.run(upkeep.turn_off_ended(office.server.platform))
        assert await log(office.service, hook["id"]) == []
        shown = (await office.service.get(f"{URL}/{hook['id']}")).json()
        assert (shown["is_active"], receiver.messages) == (False, [])
        assert "not active" in shown["disabled_reason"]


class TestFailing:
    async def test_it_is_tried_again_and_turned_off_in_the_end(
        self, office: Office, receiver: Receiver
    ) -> None:
        receiver.status = 302  # a redirect is followed nowhere
        hook = await made(office.service, receiver.url, ["answer.created"])
        await office.service.post("/api/v1/query", json={"query": "How?"})
        [row] = await settled(office.service, hook["id"], 1, tried=True)
        assert (row["status"], row["response_status"], row["attempts"]) == ("pending", 302, 1)
        assert row["next_at"] is not None

        async def nearly(ctx: Context) -> None:
            await ctx.session.execute(
                text("UPDATE webhook SET failures = :n, not_before = NULL"),
                {"n": sending.MOST_FAILURES - 1},
            )
            await ctx.session.execute(text("UPDATE webhook_delivery SET next_at = now()"))

        await office.within(nearly)
        deadline = time.monotonic() + PATIENCE
        while (shown := (await office.service.get(f"{URL}/{hook['id']}")).json())["is_active"]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
        assert shown["disabled_reason"] == f"{sending.MOST_FAILURES} attempts failed in a row."
        assert (await office.trail(hook["id"]))[-1].action == "webhook.disabled"
        turned = await office.service.patch(f"{URL}/{hook['id']}", json={"is_active": True})
        assert (turned.json()["failures"], turned.json()["disabled_reason"]) == (0, None)


class TestAccess:
    async def test_only_managers_and_administrators_have_them(
        self, office: Office, stranger: httpx.AsyncClient, receiver: Receiver, refused: Refused
    ) -> None:
        employee, manager = await office.person(), await office.person(Role.MANAGER)
        admin = await office.person(is_admin=True)
        sent = {"name": "x", "url": receiver.url, "events": ["answer.created"]}
        refused(await employee.client.get(URL), 403, "forbidden")
        refused(await employee.client.post(URL, json=sent), 403, "forbidden")
        hook = await made(manager.client, receiver.url, ["answer.created"])
        path = f"{URL}/{hook['id']}"
        other = await office.person(Role.MANAGER)
        for client in (stranger, other.client):
            refused(await client.get(path), 404, "webhook_not_found")
            refused(await client.patch(path, json={"name": "y"}), 404, "webhook_not_found")
            refused(await client.delete(path), 404, "webhook_not_found")
            refused(await client.get(f"{path}/deliveries"), 404, "webhook_not_found")
        assert (await admin.client.get(path)).status_code == 200
        assert (await admin.client.delete(path)).status_code == 204

    async def test_addresses_that_must_not_be_reached_are_refused(
        self, office: Office, stranger: httpx.AsyncClient, refused: Refused
    ) -> None:
        for url in ("http://169.254.169.254/x", "http://[::1]/", "ftp://example.org/x",
                    "http://a:b@127.0.0.1/", "http:///nothing",
                    "http://127.0.0.1:99999/"):  # fmt: skip
            sent = {"name": "x", "url": url, "events": ["answer.created"]}
            refused(await office.service.post(URL, json=sent), 422, "invalid_webhook")
        sent = {"name": "x", "url": "http://127.0.0.1:9/", "events": ["answer.created"]}
        refused(await stranger.post(URL, json=sent), 422, "invalid_webhook")
