"""Long bodies: refused before they are read, and few at a time."""

import asyncio
import json
import uuid
from collections.abc import Callable

import httpx
import pytest

from citewell.core.context import Actor, ActorKind, Caller
from citewell.entrypoints.http.uploads import UploadLimits, UploadPlaces, UploadsBusyError
from tests.conftest import LiveServer
from tests.waiting import PATIENCE

Refused = Callable[[httpx.Response, int, str], None]

HUGE = 190 * 1024 * 1024


async def begin(server: LiveServer, key: str, path: str, method: str = "POST") -> tuple[int, str]:
    """Send the head and the first bytes of a huge form; status and code of the reply to it."""
    place = server.address.removeprefix("http://")
    address, port = place.split(":")
    reader, writer = await asyncio.open_connection(address, int(port))
    head = (
        f"{method} {path} HTTP/1.1",
        f"Host: {place}",
        f"Authorization: Bearer {key}",
        "Content-Type: multipart/form-data; boundary=b",
        f"Content-Length: {HUGE}",
        "", "",
    )  # fmt: skip
    first = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
    writer.write("\r\n".join(head).encode() + first + b"x" * 10_000)
    try:
        async with asyncio.timeout(PATIENCE):
            status = int((await reader.readline()).split()[1])
            length = 0
            while line := (await reader.readline()).strip().lower():
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            body = await reader.readexactly(length) if length else await reader.read(4_096)
    finally:
        writer.close()
    start, end = body.find(b"{"), body.rfind(b"}") + 1
    return status, json.loads(body[start:end])["code"]


class TestBeforeTheBody:
    async def test_who_may_not_send_it_is_told_before_it_is_read(
        self, live_server: LiveServer, client: httpx.AsyncClient
    ) -> None:
        made = {}
        for name, scopes in (("reads", ["read"]), ("writes", ["write"])):
            reply = await client.post(
                "/api/v1/auth/api-keys", json={"name": name, "scopes": scopes, "service": True}
            )
            assert reply.status_code == 201, reply.text
            made[name] = reply.json()["key"]
        upload = "/api/v1/documents/upload"
        file = f"/api/v1/documents/{uuid.uuid4()}/file"
        for sender, path, method in (
            (made["reads"], upload, "POST"),
            (made["reads"], "/api/v1/documents", "POST"),
            (made["reads"], file, "PUT"),
            (made["writes"], "/api/v1/collections/import", "POST"),
        ):
            # Were the body waited for, no reply would come: it is never sent.
            assert await begin(live_server, sender, path, method) == (403, "forbidden"), path

    async def test_a_key_that_only_writes_is_shown_nothing(
        self, live_server: LiveServer, client: httpx.AsyncClient, refused: Refused
    ) -> None:
        text = {"title": "Plan", "content": "A secret."}
        accepted = (await client.post("/api/v1/documents", json=text)).json()["documents"][0]
        scopes = ["write", "admin"]
        reply = await client.post(
            "/api/v1/auth/api-keys", json={"name": "w", "scopes": scopes, "service": True}
        )
        async with live_server.client(reply.json()["key"]) as writer:
            assert (await writer.post("/api/v1/documents", json=text)).status_code in (200, 202)
            path = f"/api/v1/documents/{accepted['id']}"
            refused(await writer.patch(path, json={}), 403, "forbidden")
            refused(await writer.post(f"{path}/rollback", json={"version": 1}), 403, "forbidden")
            refused(await writer.get("/api/v1/users"), 403, "forbidden")
            listed = (await client.get("/api/v1/collections")).json()["data"][0]["id"]
            export = {"passphrase": "seven lanterns over a harbour"}
            path = f"/api/v1/collections/{listed}/export"
            refused(await writer.post(path, json=export), 403, "forbidden")


class TestPlaces:
    async def test_one_caller_and_one_tenant_leave_room_for_others(self) -> None:
        places = UploadPlaces(UploadLimits(of_caller=1, of_tenant=2, wait_seconds=0.01))
        tenant, other = uuid.uuid4(), uuid.uuid4()

        def caller(tenant_id: uuid.UUID) -> Caller:
            return Caller(tenant_id, Actor(ActorKind.USER, user_id=uuid.uuid4()))

        first, second, third = (caller(tenant) for _ in range(3))
        async with places.place(first):
            with pytest.raises(UploadsBusyError):
                async with places.place(first):
                    pass
            async with places.place(second):
                with pytest.raises(UploadsBusyError):
                    async with places.place(third):
                        pass
                async with places.place(caller(other)):
                    pass
            async with places.place(third):
                pass
        async with places.place(first):
            pass

    async def test_who_waits_gets_the_place_that_becomes_free(self) -> None:
        places = UploadPlaces(UploadLimits(of_caller=1, of_tenant=1, wait_seconds=PATIENCE))
        caller = Caller(uuid.uuid4(), Actor(ActorKind.USER, user_id=uuid.uuid4()))
        done: list[int] = []

        async def send(number: int) -> None:
            async with places.place(caller):
                await asyncio.sleep(0)
                done.append(number)

        async with asyncio.TaskGroup() as group:
            for number in range(5):
                group.create_task(send(number))
        assert sorted(done) == list(range(5))
