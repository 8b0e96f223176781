"""Requests that are sent again with their key."""

import asyncio
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import psycopg
import pytest

from citewell.access.policy import Effect, Role
from citewell.core.context import Caller, unit_of_work
from citewell.features.documents import registering
from citewell.features.documents.errors import DocumentNotFoundError
from citewell.features.documents.registering import Acceptance, Once
from citewell.features.documents.schemas import NewFile
from citewell.features.idempotency import service as idempotency
from citewell.features.idempotency.errors import (
    IdempotencyKeyInUseError,
    IdempotencyKeyReusedError,
    InvalidIdempotencyKeyError,
)
from tests.acting import act_for
from tests.conftest import Library
from tests.people import People
from tests.quiet import Shelf

Refused = Callable[[httpx.Response, int, str], None]
DOCUMENTS, UPLOAD = "/api/v1/documents", "/api/v1/documents/upload"
MEMO = {"title": "Memo", "content": "The printer moved to room 12.", "on_duplicate": "keep_both"}


def new_key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4())}


async def total(client: httpx.AsyncClient) -> int:
    return (await client.get(DOCUMENTS)).json()["pagination"]["total"]


class TestReplay:
    async def test_text_again_gets_the_very_same_reply(
        self, client: httpx.AsyncClient, library: Library
    ) -> None:
        key = new_key()
        first = await client.post(DOCUMENTS, json=MEMO, headers=key)
        assert first.status_code == 202
        assert "idempotent-replayed" not in first.headers
        await library.settled(first.json()["documents"][0]["id"])
        for _ in range(2):
            again = await client.post(DOCUMENTS, json=MEMO, headers=key)
            assert (again.status_code, again.content) == (202, first.content)
            assert again.headers["idempotent-replayed"] == "true"
        assert await total(client) == 1

    async def test_files_again_get_the_very_same_reply(self, client: httpx.AsyncClient) -> None:
        key = new_key()
        replies = [
            await client.post(
                UPLOAD,
                files=[("files", ("a.txt", b"One.")), ("files", ("b.txt", b"Two."))],
                data={"on_duplicate": "keep_both"},
                headers=key,
            )
            for _ in range(2)
        ]
        assert replies[0].content == replies[1].content
        assert await total(client) == 2

    async def test_new_content_again_gets_the_very_same_reply(
        self, client: httpx.AsyncClient, library: Library
    ) -> None:
        document = await library.add("Memo", "First.")
        path, key = f"{DOCUMENTS}/{document['id']}", new_key()
        first = await client.put(path, json={"content": "Second."}, headers=key)
        await client.put(path, json={"content": "Third."}, headers=new_key())
        again = await client.put(path, json={"content": "Second."}, headers=key)
        assert again.content == first.content
        assert (await library.settled(document["id"]))["version"] == 3

    async def test_document_of_another_name_meanwhile_changes_nothing(
        self, client: httpx.AsyncClient, library: Library
    ) -> None:
        document = await library.add("Memo", "First.")
        path, key = f"{DOCUMENTS}/{document['id']}", new_key()
        first = await client.put(path, json={"content": "Second."}, headers=key)
        await client.put(f"{path}/file", files={"file": ("other.txt", b"Third.")})
        again = await client.put(path, json={"content": "Second."}, headers=key)
        assert (again.status_code, again.content) == (202, first.content)

    async def test_a_refusal_is_not_kept(self, client: httpx.AsyncClient) -> None:
        key = new_key()
        bad = {**MEMO, "access_level": "secret"}
        assert (await client.post(DOCUMENTS, json=bad, headers=key)).status_code == 422
        assert (await client.post(DOCUMENTS, json=MEMO, headers=key)).status_code == 202

    @pytest.mark.parametrize(
        "other",
        [
            {**MEMO, "content": "Other words."},
            {**MEMO, "title": "Other"},
            {**MEMO, "metadata": {}},
            {**MEMO, "on_duplicate": "skip"},
        ],
    )
    async def test_another_request_is_422(
        self, other: dict[str, object], client: httpx.AsyncClient, refused: Refused
    ) -> None:
        key = new_key()
        await client.post(DOCUMENTS, json=MEMO, headers=key)
        reply = await client.post(DOCUMENTS, json=other, headers=key)
        refused(reply, 422, "idempotency_key_reused")
        assert await total(client) == 1

    async def test_another_route_or_file_name_is_422(
        self, client: httpx.AsyncClient, refused: Refused
    ) -> None:
        key = new_key()
        first = await client.post(UPLOAD, files={"files": ("a.txt", b"One.")}, headers=key)
        reply = await client.post(UPLOAD, files={"files": ("b.txt", b"One.")}, headers=key)
        refused(reply, 422, "idempotency_key_reused")
        path = f"{DOCUMENTS}/{first.json()['documents'][0]['id']}/file"
        reply = await client.put(path, files={"file": ("a.txt", b"One.")}, headers=key)
        refused(reply, 422, "idempotency_key_reused")
        assert await total(client) == 1

    async def test_twenty_at_once_make_one_document(self, client: httpx.AsyncClient) -> None:
        key = new_key()
        replies = await asyncio.gather(
            *(client.post(DOCUMENTS, json=MEMO, headers=key) for _ in range(20))
        )
        assert {reply.status_code for reply in replies} <= {202, 409}
        assert len({reply.content for reply in replies if reply.status_code == 202}) == 1
        for reply in replies:
            if reply.status_code == 409:
                assert reply.json()["code"] == "idempotency_key_in_use"
                assert reply.headers["retry-after"] == "1"
        assert await total(client) == 1

    async def test_keys_of_others_are_their_own(
        self, client: httpx.AsyncClient, stranger: httpx.AsyncClient
    ) -> None:
        key = new_key()
        wanted = {"name": "second", "service": True, "scopes": ["read", "write"]}
        made = (await client.post("/api/v1/auth/api-keys", json=wanted)).json()
        one = await client.post(DOCUMENTS, json=MEMO, headers=key)
        other = await stranger.post(DOCUMENTS, json=MEMO, headers=key)
        third = await client.post(
            DOCUMENTS, json=MEMO, headers={**key, "Authorization": f"Bearer {made['key']}"}
        )
        ids = {reply.json()["documents"][0]["id"] for reply in (one, other, third)}
        assert len(ids) == 3

    async def test_deleted_document_is_404_and_not_made_again(
        self, client: httpx.AsyncClient, refused: Refused
    ) -> None:
        key = new_key()
        first = await client.post(DOCUMENTS, json=MEMO, headers=key)
        await client.delete(f"{DOCUMENTS}/{first.json()['documents'][0]['id']}")
        reply = await client.post(DOCUMENTS, json=MEMO, headers=key)
        refused(reply, 404, "document_not_found")
        assert await total(client) == 0


class TestKeys:
    @pytest.mark.parametrize(
        "given", ["", "x" * 256, "a\tb", '""', "\u00e9"],
        ids=["empty", "long", "tab", "empty-quoted", "not-ascii"],
    )  # fmt: skip
    async def test_malformed_key_is_400_and_changes_nothing(
        self, given: str, client: httpx.AsyncClient, refused: Refused
    ) -> None:
        headers = [(b"Idempotency-Key", given.encode("latin-1"))]
        reply = await client.post(DOCUMENTS, json=MEMO, headers=headers)
        refused(reply, 400, "invalid_idempotency_key")
        assert await total(client) == 0

    async def test_two_keys_are_400(self, client: httpx.AsyncClient, refused: Refused) -> None:
        headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
        reply = await client.post(DOCUMENTS, json=MEMO, headers=headers)
        refused(reply, 400, "invalid_idempotency_key")

    def test_quotes_are_not_part_of_it(self) -> None:
        assert idempotency.checked_key(['"a b"']) == idempotency.checked_key(["a b"]) == "a b"
        assert idempotency.checked_key([]) is None
        assert idempotency.checked_key(["x" * 255]) == "x" * 255
        with pytest.raises(InvalidIdempotencyKeyError):
            idempotency.checked_key(["\x7f"])


class TestUnitsOfWork:
    """Requests that are killed, slow or late."""

    async def test_reply_and_documents_are_there_together_or_not(self, shelf: Shelf) -> None:
        request = idempotency.request_of("k", "asked")

        async def be_killed() -> None:
            async with unit_of_work(shelf.platform, shelf.caller) as ctx:
                assert await idempotency.begin(ctx, request) is None
                await idempotency.finish(ctx, request, "reply")
                raise RuntimeError("killed")

        with pytest.raises(RuntimeError, match="killed"):
            await be_killed()
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            assert await idempotency.begin(ctx, request) is None
            await idempotency.finish(ctx, request, {"told": 1})
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            assert await idempotency.begin(ctx, request) == {"told": 1}
            with pytest.raises(IdempotencyKeyReusedError):
                await idempotency.begin(ctx, idempotency.request_of("k", "other"))

    async def test_request_under_way_is_409(self, shelf: Shelf) -> None:
        request = idempotency.request_of("k", "asked")
        async with unit_of_work(shelf.platform, shelf.caller) as first:
            assert await idempotency.begin(first, request) is None
            with pytest.raises(IdempotencyKeyInUseError):
                async with unit_of_work(shelf.platform, shelf.caller) as second:
                    await idempotency.begin(second, request)

    async def test_revoked_access_is_told_nothing(self, shelf: Shelf, people: People) -> None:
        clerk = await people.user(Role.EMPLOYEE)
        first = await accepted(shelf, clerk)
        assert await accepted(shelf, clerk) == Acceptance(first.documents, is_replay=True)
        [document] = first.documents
        await people.rule(Effect.DENY, document=document.id, user=clerk)
        with pytest.raises(DocumentNotFoundError) as raised:
            await accepted(shelf, clerk)
        assert raised.value.detail == f"There is no document `{document.id}`."

    async def test_after_a_day_the_key_is_free(self, shelf: Shelf, own_url: str) -> None:
        first = await accepted(shelf, shelf.caller)
        age(own_url, shelf.caller, idempotency.KEPT_FOR - timedelta(minutes=1))
        assert (await accepted(shelf, shelf.caller)).is_replay
        age(own_url, shelf.caller, timedelta(minutes=2))
        later = await accepted(shelf, shelf.caller)
        assert not later.is_replay
        [made], [known] = first.documents, later.documents
        assert known == made.model_copy(update={"known_by": "source", "change": "unchanged"})

    async def test_upkeep_deletes_what_is_old(self, shelf: Shelf, own_url: str) -> None:
        await accepted(shelf, shelf.caller)
        await idempotency.forget_old(shelf.platform)
        assert count(own_url, shelf.caller) >= 1
        age(own_url, shelf.caller, idempotency.KEPT_FOR + timedelta(seconds=1))
        await idempotency.forget_old(shelf.platform)
        assert count(own_url, shelf.caller) == 0

    async def test_nothing_but_hashes_of_the_key_is_stored(
        self, shelf: Shelf, own_url: str
    ) -> None:
        await accepted(shelf, shelf.caller)
        with psycopg.connect(own_url) as connection:
            act_for(connection, shelf.caller.tenant_id)
            rows = connection.execute("SELECT t::text FROM idempotent_reply t").fetchall()
        assert rows
        assert all("the key of the request" not in text for (text,) in rows)


async def accepted(shelf: Shelf, caller: Caller) -> Acceptance:
    path = Path(shelf.folder) / "memo.txt"
    path.write_text("The printer moved to room 12.")
    new = NewFile(path=path, filename="memo.txt", source="upload:memo.txt")
    once = Once("the key of the request", "POST /documents/upload")
    return await registering.accept(shelf.platform, caller, [new], once)


def age(url: str, caller: Caller, by: timedelta) -> None:
    with psycopg.connect(url) as connection:
        act_for(connection, caller.tenant_id)
        connection.execute("UPDATE idempotent_reply SET created_at = created_at - %s", (by,))


def count(url: str, caller: Caller) -> int:
    query = "SELECT count(*) FROM idempotent_reply WHERE tenant_id = %s"
    with psycopg.connect(url) as connection:
        row = connection.execute(query, (caller.tenant_id,)).fetchone()
    assert row is not None
    return row[0]
