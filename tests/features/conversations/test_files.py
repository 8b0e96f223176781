"""Files of one conversation: who reads them, where, and how long."""

import asyncio
import time
import uuid
from email.message import EmailMessage
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text

from citewell.access.policy import Role
from citewell.core.context import Context
from citewell.features.conversations import files, service
from citewell.features.trash import service as trash
from citewell.models.conversations import Conversation
from citewell.models.documents import Collection, Document
from citewell.models.trash import trash_shown
from tests.conftest import Library
from tests.features.conversations.test_endpoints import PATH, Refused, ask, begun, messages
from tests.office import Office
from tests.waiting import PATIENCE

OFFER = b"# Offer\n\nThe turbine of Nordwind costs 48,200 euros and is delivered in June.\n"
QUESTION = "What does the turbine of Nordwind cost?"


async def attached(
    client: httpx.AsyncClient, talk: str, content: bytes = OFFER, name: str = "offer.md"
) -> str:
    """A file in a conversation, ready; returns its id."""
    reply = await client.post(f"{PATH}/{talk}/files", files=[("files", (name, content))])
    assert reply.status_code == 202, reply.text
    [document] = reply.json()["documents"]
    deadline = time.monotonic() + PATIENCE
    while True:
        states = {each["id"]: each for each in await listed(client, talk)}
        if states[document["id"]]["status"] not in ("queued", "processing"):
            assert states[document["id"]]["status"] == "ready", states
            return document["id"]
        assert time.monotonic() < deadline, states
        await asyncio.sleep(0.05)


async def listed(client: httpx.AsyncClient, talk: str) -> list[dict[str, Any]]:
    reply = await client.get(f"{PATH}/{talk}/files")
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]


async def used(office: Office) -> dict[str, int]:
    reply = await office.service.get("/api/v1/usage")
    return {each["metric"]: each["used"] for each in reply.json()["usage"]}


async def left(office: Office, conversation: str) -> tuple[int, int]:
    """Collections and documents that there are of a conversation's files."""

    async def count(ctx: Context) -> tuple[int, int]:
        async with trash_shown(ctx.session):
            shelf = uuid.UUID(conversation)
            kinds = (
                select(func.count(Collection.id)).where(Collection.id == shelf),
                select(func.count(Document.id)).where(Document.collection_id == shelf),
            )
            found = [await ctx.session.scalar(each) or 0 for each in kinds]
        return found[0], found[1]

    return await office.within(count)


TABLES = ("document", "document_version", "document_text", "chunk", "blob")


async def kept(office: Office) -> dict[str, int]:
    """Rows of the tenant, which has nothing but a conversation's files, by table."""

    async def count(ctx: Context) -> dict[str, int]:
        async with trash_shown(ctx.session):
            return {
                table: await ctx.session.scalar(text(f"SELECT count(*) FROM {table}")) or 0
                for table in TABLES
            }

    return await office.within(count)


async def holds(office: Office, talk: str, words: str) -> bool:
    """Whether all files of a conversation are ready and one of them has the words."""
    there = await listed(office.service, talk)
    if {each["status"] for each in there} != {"ready"}:
        return False
    texts = [
        await office.service.get(f"{PATH}/{talk}/files/{each['id']}/content") for each in there
    ]
    return any(words in each.text for each in texts)


class TestAnswering:
    async def test_file_answers_in_its_conversation_and_nowhere_else(self, office: Office) -> None:
        person = await office.person(Role.GUEST)
        talk, other = await begun(person.client), await begun(person.client)
        file_id = await attached(person.client, talk)
        reply = await ask(person.client, talk, QUESTION)
        assert "48,200" in reply["answer"], reply
        assert reply["citations"][0]["document_id"] == file_id
        assert "48,200" in reply["citations"][0]["quote"]
        follow_up = await ask(person.client, talk, "And when is it delivered?")
        assert "June" in follow_up["answer"]
        assert (await ask(person.client, other, QUESTION))["abstained"]
        alone = await person.client.post("/api/v1/query", json={"query": QUESTION})
        assert alone.json()["abstained"]
        assert await Library(person.client).search("turbine Nordwind") == []
        kept = await messages(person.client, talk)
        assert "48,200" in kept[0]["answer"]["answer"]
        path = f"{PATH}/{talk}/files/{file_id}/content"
        cited = reply["citations"][0]
        stretch = await person.client.get(
            path, params={"start": cited["start"], "end": cited["end"]}
        )
        assert stretch.json()["text"] == cited["quote"]

    async def test_stream_is_made_of_the_file_and_can_be_followed_again(
        self, office: Office
    ) -> None:
        person = await office.person()
        talk = await begun(person.client)
        await attached(person.client, talk)
        sent = {"query": QUESTION, "conversation_id": talk}
        streamed = await person.client.post("/api/v1/query/stream", json=sent)
        assert "48,200" in streamed.text
        message = (await messages(person.client, talk))[0]["id"]
        again = await person.client.get(f"{PATH}/{talk}/messages/{message}/stream")
        assert again.text == streamed.text

    async def test_file_is_read_beside_the_collections_that_are_asked(self, office: Office) -> None:
        await Library(office.service).add("Canteen", "# Canteen\n\nLunch is at noon.\n")
        shelf = (await office.service.get("/api/v1/collections")).json()["data"][0]["id"]
        person = await office.person()
        talk = await begun(person.client)
        await attached(person.client, talk)
        reply = await ask(person.client, talk, QUESTION, collection_ids=[shelf])
        assert "48,200" in reply["answer"]

    async def test_same_name_again_is_the_next_version(self, office: Office) -> None:
        talk = await begun(office.service)
        first = await attached(office.service, talk)
        again = await attached(office.service, talk, OFFER.replace(b"48,200", b"51,000"))
        assert again == first
        assert "51,000" in (await ask(office.service, talk, QUESTION))["answer"]

    async def test_attachment_of_a_mail_stays_one_document_with_every_reading(
        self, office: Office
    ) -> None:
        talk = await begun(office.service)
        for price in ("48200.25", "51000.75"):
            mail = EmailMessage()
            mail["Subject"], mail["From"] = "Offer", "Ana <ana@example.org>"
            mail.set_content("Please find the offer attached.")
            offer = f"# Offer\n\nThe turbine costs {price} euros.\n".encode()
            mail.add_attachment(
                offer, maintype="application", subtype="octet-stream",
                filename="offer.md",
            )  # fmt: skip
            await attached(office.service, talk, mail.as_bytes(), "mail.eml")
            deadline = time.monotonic() + PATIENCE
            while not await holds(office, talk, price):
                assert time.monotonic() < deadline, await listed(office.service, talk)
                await asyncio.sleep(0.05)
        assert await left(office, talk) == (1, 2)


class TestOthers:
    async def test_nobody_else_sees_a_file_whatever_their_role(
        self, office: Office, refused: Refused
    ) -> None:
        owner = await office.person()
        talk = await begun(owner.client)
        await owner.client.patch(f"{PATH}/{talk}", json={"is_shared": True})
        file_id = await attached(owner.client, talk)
        reply = await ask(owner.client, talk, QUESTION)
        chief = await office.person(Role.DIRECTOR, is_admin=True)
        for client in (chief.client, office.service):
            own = await begun(client)
            for method, path, code in (
                ("GET", f"{PATH}/{talk}/files", "conversation_not_found"),
                ("GET", f"{PATH}/{talk}/files/{file_id}/content", "conversation_not_found"),
                ("DELETE", f"{PATH}/{talk}/files/{file_id}", "conversation_not_found"),
                ("GET", f"{PATH}/{own}/files/{file_id}/content", "document_not_found"),
                ("DELETE", f"{PATH}/{own}/files/{file_id}", "document_not_found"),
                ("GET", f"/api/v1/documents/{file_id}", "document_not_found"),
                ("GET", f"/api/v1/documents/{file_id}/content", "document_not_found"),
                ("GET", f"/api/v1/documents/{file_id}/file", "document_not_found"),
                ("GET", f"/api/v1/documents/{file_id}/versions", "document_not_found"),
                ("GET", f"/api/v1/documents/{file_id}/grants", "document_not_found"),
                ("GET", f"/api/v1/documents/{file_id}/access", "document_not_found"),
                ("DELETE", f"/api/v1/documents/{file_id}", "document_not_found"),
                ("GET", f"/api/v1/collections/{talk}", "collection_not_found"),
                ("DELETE", f"/api/v1/collections/{talk}", "collection_not_found"),
            ):
                refused(await client.request(method, path), 404, code)
            for path in ("documents", "collections", "jobs", "trash"):
                assert file_id not in (shown := (await client.get(f"/api/v1/{path}")).text), path
                assert talk not in shown, path
            assert await Library(client).search("turbine Nordwind") == []
            [message] = await messages(client, talk)
            assert message["question"] == QUESTION
            assert "48,200" not in str(message)
            hidden = await client.get(f"/api/v1/queries/{reply['query_id']}")
            assert "48,200" not in hidden.text
            # A word of the file is as unknown as one of no document.
            words = {"query": "Nordwind canteen", "explain": True}
            unknown = (await client.post("/api/v1/search", json=words)).json()
            assert unknown == {**unknown, "results": []}

    async def test_collection_of_a_conversation_takes_nothing_by_another_way(
        self, office: Office, refused: Refused
    ) -> None:
        owner, other = await office.person(), await office.person(Role.DIRECTOR)
        talk = await begun(owner.client)
        await attached(owner.client, talk)
        for client in (owner.client, other.client):
            body = {"title": "A", "content": "B.", "collection_id": talk}
            reply = await client.post("/api/v1/documents", json=body)
            refused(reply, 404, "collection_not_found")
            asked = {"query": QUESTION, "collection_ids": [talk]}
            refused(await client.post("/api/v1/search", json=asked), 404, "collection_not_found")
            grant = {"user_id": str(other.id), "effect": "read"}
            reply = await client.put(f"/api/v1/collections/{talk}/grants", json=grant)
            assert reply.status_code in (404, 405), reply.text

    async def test_library_is_not_removed_through_a_conversation(
        self, office: Office, refused: Refused
    ) -> None:
        document = await Library(office.service).add("Pay", "# Pay\n\nPaid on the 28th.\n")
        talk = await begun(office.service)
        await attached(office.service, talk)
        path = f"{PATH}/{talk}/files/{document['id']}"
        refused(await office.service.delete(path), 404, "document_not_found")


class TestEnding:
    async def test_removed_file_answers_nothing_and_leaves_no_word(self, office: Office) -> None:
        talk = await begun(office.service)
        file_id = await attached(office.service, talk)
        await ask(office.service, talk, QUESTION)
        assert (await used(office))["documents"] == 1
        gone = await office.service.delete(f"{PATH}/{talk}/files/{file_id}")
        assert gone.status_code == 204
        assert await listed(office.service, talk) == []
        assert (await ask(office.service, talk, QUESTION))["abstained"]
        assert "48,200" not in str(await messages(office.service, talk))
        assert (await left(office, talk))[1] == 0
        assert (await used(office))["documents"] == 0

    async def test_files_go_with_their_conversation(self, office: Office) -> None:
        talk = await begun(office.service)
        await attached(office.service, talk)
        await attached(office.service, talk, b"# Other\n\nAnother text.\n", "other.md")
        assert await left(office, talk) == (1, 2)
        assert (await office.service.delete(f"{PATH}/{talk}")).status_code == 204
        assert await left(office, talk) == (0, 0)
        counts = await used(office)
        assert counts["documents"] == counts["stored_bytes"] == counts["collections"] == 0

    @pytest.mark.parametrize("way", ["file", "conversation"])
    async def test_nothing_of_a_file_is_left_in_the_database_or_the_store(
        self, office: Office, way: str
    ) -> None:
        folder = office.server.platform.settings.home / "files"
        before = set(folder.rglob("?" * 64))
        talk = await begun(office.service)
        file_id = await attached(office.service, talk)
        stored = set(folder.rglob("?" * 64)) - before
        assert len(stored) == 1
        assert all((await kept(office)).values())
        path = f"{PATH}/{talk}/files/{file_id}" if way == "file" else f"{PATH}/{talk}"
        assert (await office.service.delete(path)).status_code == 204
        rows = await kept(office)
        assert not any(count for table, count in rows.items() if table != "blob"), rows
        await office.run(trash.purge_expired(office.server.platform))
        assert (await kept(office))["blob"] == 0
        assert not any(file.exists() for file in stored)

    async def test_files_go_with_the_time_a_tenant_keeps_conversations(
        self, office: Office
    ) -> None:
        talk = await begun(office.service)
        await attached(office.service, talk)

        async def age(ctx: Context) -> None:
            await ctx.session.execute(
                text("UPDATE conversation SET updated_at = now() - interval '400 days'")
            )

        await office.within(age)
        await office.run(service.forget_expired(office.server.platform))
        await office.run(trash.purge_expired(office.server.platform))
        assert await left(office, talk) == (0, 0)
        assert (await used(office))["documents"] == 0


class TestRefusing:
    async def test_what_is_no_file_or_too_many_is_refused(
        self, office: Office, refused: Refused
    ) -> None:
        talk = await begun(office.service)
        path = f"{PATH}/{talk}/files"
        empty = await office.service.post(path, files=[("files", ("a.md", b""))])
        refused(empty, 422, "empty_file")
        many = [("files", (f"{n}.md", b"text")) for n in range(files.MAX_FILES + 1)]
        refused(await office.service.post(path, files=many), 409, "conversation_files_full")
        nowhere = await office.service.post(
            f"{PATH}/{uuid.uuid4()}/files", files=[("files", ("a.md", b"text"))]
        )
        refused(nowhere, 404, "conversation_not_found")

        async def flagged(ctx: Context) -> bool | None:
            found = select(Conversation.has_files).where(Conversation.id == uuid.UUID(talk))
            return await ctx.session.scalar(found)

        assert await office.within(flagged) is False

    async def test_a_conversation_takes_fifty_files_however_they_come(
        self, office: Office, refused: Refused
    ) -> None:
        talk = await begun(office.service)
        file_id = await attached(office.service, talk)

        async def fill(ctx: Context) -> None:
            added = text("""
            INSERT INTO document (tenant_id, id, collection_id, title, source, filename,
              access_level)
            SELECT tenant_id, gen_random_uuid(), collection_id, title, n, n || '.md', access_level
            FROM document, generate_series(2, :count) AS n WHERE id = :id
            """)
            await ctx.session.execute(added, {"count": files.MAX_FILES, "id": uuid.UUID(file_id)})

        await office.within(fill)
        assert files.MAX_FILES == 50
        path = f"{PATH}/{talk}/files"
        more = [("files", ("more.md", b"text"))]
        refused(await office.service.post(path, files=more), 409, "conversation_files_full")
        known = [("files", ("offer.md", OFFER.replace(b"48,200", b"51,000")))]
        assert (await office.service.post(path, files=known)).status_code == 202
        assert (await office.service.delete(f"{path}/{file_id}")).status_code == 204
        assert (await office.service.post(path, files=more)).status_code == 202
        again = [("files", ("again.md", b"text"))]
        refused(await office.service.post(path, files=again), 409, "conversation_files_full")
