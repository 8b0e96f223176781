"""Changes reach those who may know of them, over the socket."""

import asyncio
import base64
import uuid

import httpx
import pytest
from sqlalchemy import text

from citewell.access.policy import Role, Scope
from citewell.features.identity import service as identity
from citewell.features.users import service as users
from citewell.features.users.schemas import UserUpdate
from tests.conftest import Library, LiveServer
from tests.features.events.conftest import key_of, opened, rename, watching
from tests.features.sessions.conftest import People
from tests.waiting import PATIENCE


class TestUpdates:
    async def test_a_change_reaches_who_watches_the_document(
        self, live_server: LiveServer, key: str, library: Library, client: httpx.AsyncClient
    ) -> None:
        document = await library.add("Lamp", "The lamp is green.")
        async with watching(live_server, key, f"document:{document['id']}") as socket:
            await rename(client, document["id"], "Lantern")
            update = await socket.next("document_update")
            shown = (await client.get(f"/api/v1/documents/{document['id']}")).json()
            assert update["document"] == shown
            assert update["document"]["title"] == "Lantern"
            assert update["topics"] == [f"document:{document['id']}"]

    async def test_an_ingestion_is_told_from_beginning_to_end(
        self, live_server: LiveServer, key: str, library: Library
    ) -> None:
        async with watching(live_server, key, "jobs") as socket:
            document = await library.add("Lamp", "The lamp is green.")
            states = []
            while "succeeded" not in states:
                update = await socket.next()
                assert update["type"] == "job_update"
                assert update["job"]["document_id"] == document["id"] == update["document_id"]
                states.append(update["job"]["status"])
        ids = [each["event_id"] for each in socket.seen if each["type"] == "job_update"]
        assert ids == sorted(set(ids))

    @pytest.mark.promise
    async def test_a_change_through_one_server_reaches_a_socket_of_another(
        self,
        second_server: LiveServer,
        key: str,
        library: Library,
        client: httpx.AsyncClient,
    ) -> None:
        document = await library.add("Lamp", "The lamp is green.")
        async with watching(second_server, key, f"document:{document['id']}") as socket:
            for number in range(5):
                await rename(client, document["id"], f"Lamp {number}")
                update = await socket.next("document_update")
                assert update["document"]["title"] == f"Lamp {number}"

    async def test_several_changes_in_one_transaction_are_one_event(
        self, live_server: LiveServer, key: str, library: Library
    ) -> None:
        document = await library.add("Lamp", "The lamp is green.")
        tenant_id = uuid.UUID(bytes=base64.b32decode(key[3:29].upper() + "======"))
        async with watching(live_server, key, f"document:{document['id']}") as socket:
            async with live_server.platform.database.unit_of_work(tenant_id) as session:
                for number in range(3):
                    change = text("UPDATE document SET title = :title WHERE id = :id")
                    await session.execute(
                        change, {"title": f"{number}", "id": uuid.UUID(document["id"])}
                    )
                    version = text("UPDATE document_version SET mime_type = :title")
                    await session.execute(version, {"title": f"{number}"})
            assert (await socket.next("document_update"))["document"]["title"] == "2"
            await asyncio.sleep(0.1)
            assert await socket.quiet() == []

    async def test_progress_keeps_one_row_and_is_told(
        self, live_server: LiveServer, key: str, library: Library
    ) -> None:
        document = await library.add("Lamp", "The lamp is green.")
        tenant_id = uuid.UUID(bytes=base64.b32decode(key[3:29].upper() + "======"))
        database = live_server.platform.database
        count = text("SELECT count(*) FROM event")
        async with watching(live_server, key, f"document:{document['id']}") as socket:
            async with database.unit_of_work(tenant_id) as session:
                before = await session.scalar(count)
            for done in range(5):
                async with database.unit_of_work(tenant_id) as session:
                    await session.execute(text("UPDATE job SET done = :done"), {"done": done})
            update = await socket.next("job_update")
            while update["job"]["progress"]["done"] != 4:
                update = await socket.next("job_update")
            async with database.unit_of_work(tenant_id) as session:
                assert await session.scalar(count) <= before + 1

    async def test_a_deleted_document_is_told_once(
        self, live_server: LiveServer, key: str, library: Library, client: httpx.AsyncClient
    ) -> None:
        document = await library.add("Lamp", "The lamp is green.")
        async with watching(live_server, key, f"document:{document['id']}", "jobs") as socket:
            await client.delete(f"/api/v1/documents/{document['id']}")
            update = await socket.next()
            assert update["document"] is None
            assert update["document_id"] == document["id"]
            again = await socket.subscribe(f"document:{document['id']}")
            assert again["code"] == "document_not_found"

    async def test_own_documents_are_one_topic(
        self, live_server: LiveServer, people: People
    ) -> None:
        person = people.new(role=Role.EMPLOYEE)
        other = people.new((person.tenant_id, person.slug), role=Role.EMPLOYEE)
        keys = [key_of(people, each) for each in (person, other)]
        async with (
            live_server.client(keys[0]) as mine,
            live_server.client(keys[1]) as theirs,
            watching(live_server, keys[0], "user:me") as socket,
        ):
            await Library(theirs).add("Theirs", "The other lamp is red.")
            own = await Library(mine).add("Mine", "My lamp is blue.")
            update = await socket.next("document_update")
            while update["document"]["status"] != "ready":
                update = await socket.next("document_update")
            about = {each["document_id"] for each in socket.seen if "document_id" in each}
            assert about == {own["id"]}


class TestAccess:
    async def test_hidden_and_missing_documents_are_refused_alike(
        self, live_server: LiveServer, people: People, nothing: str
    ) -> None:
        guest = people.new(role=Role.GUEST)
        boss = people.new((guest.tenant_id, guest.slug), role=Role.DIRECTOR)
        async with live_server.client(key_of(people, boss)) as client:
            hidden = await Library(client).add("Lamp", "The lamp is green.")
            async with watching(live_server, key_of(people, guest), "jobs") as socket:
                replies = [
                    await socket.subscribe(f"document:{name}") for name in (hidden["id"], nothing)
                ]
                for reply, name in zip(replies, (hidden["id"], nothing), strict=True):
                    assert reply == {
                        "type": "error", "code": "document_not_found",
                        "detail": f"There is no document `{name}`.", "topic": f"document:{name}",
                    }  # fmt: skip
                await Library(client).add("Other", "The other lamp is red.")
                await asyncio.sleep(0.2)
                assert await socket.quiet() == []

    async def test_other_tenants_hear_nothing(
        self, live_server: LiveServer, library: Library
    ) -> None:
        document = await library.add("Lamp", "The lamp is green.")
        async with watching(live_server, live_server.new_key(), "jobs") as socket:
            reply = await socket.subscribe(f"document:{document['id']}")
            assert reply["code"] == "document_not_found"
            await library.add("Other", "The other lamp is red.")
            await asyncio.sleep(0.2)
            assert await socket.quiet() == []

    async def test_what_is_taken_away_is_not_shown_any_more(
        self, live_server: LiveServer, people: People
    ) -> None:
        reader = people.new(role=Role.EMPLOYEE)
        boss = people.new((reader.tenant_id, reader.slug), role=Role.DIRECTOR)
        async with live_server.client(key_of(people, boss)) as client:
            document = await Library(client).add("Lamp", "The lamp is green.")
            topic = f"document:{document['id']}"
            async with watching(live_server, key_of(people, reader), topic, "jobs") as socket:
                await rename(client, document["id"], "Lantern")
                update = await socket.next()
                assert update["document"]["title"] == "Lantern"
                assert update["document"]["source"] is None  # as REST shows it to a reader
                rule = {"user_id": str(reader.id), "effect": "deny"}
                path = f"/api/v1/documents/{document['id']}"
                assert (await client.put(f"{path}/grants", json=rule)).status_code == 200
                await rename(client, document["id"], "Secret")
                update = await socket.next()
                assert update["document"] is None
                await rename(client, document["id"], "Secret again")
                await asyncio.sleep(0.2)
                assert await socket.quiet() == []
                assert "Secret" not in str(socket.seen)

    async def test_a_key_without_the_right_to_read_is_refused(
        self, live_server: LiveServer, people: People
    ) -> None:
        person = people.new(role=Role.DIRECTOR)
        writing = people.within(
            person.tenant_id,
            lambda ctx: identity.create_api_key(ctx, "writing", scopes=[Scope.WRITE]),
        )
        async with opened(live_server) as socket:
            await socket.send("auth", token=writing.secret)
            code, reason = await socket.closed()
        assert code == 4403
        assert reason.startswith("forbidden: ")


class TestRevocation:
    async def test_a_socket_ends_with_its_credential(
        self, live_server: LiveServer, people: People
    ) -> None:
        person = people.new()
        made = people.within(person.tenant_id, lambda ctx: identity.create_api_key(ctx, "second"))
        kept = key_of(people, person)
        async with (
            watching(live_server, made.secret, "jobs") as socket,
            watching(live_server, kept, "jobs") as other,
        ):
            await asyncio.to_thread(
                people.within, person.tenant_id, lambda ctx: identity.revoke_api_key(ctx, made.id)
            )
            code, reason = await socket.closed()
            assert (code, reason.split(":")[0]) == (4401, "unauthorized")
            assert await other.quiet() == []

    async def test_a_lower_role_holds_for_open_sockets_of_keys(
        self, live_server: LiveServer, people: People
    ) -> None:
        person = people.new(role=Role.DIRECTOR)
        boss = people.new((person.tenant_id, person.slug), role=Role.DIRECTOR)
        async with live_server.client(key_of(people, boss)) as client:
            document = await Library(client).add(
                "Plan", "The plan is green.", access_level="restricted"
            )
            topic = f"document:{document['id']}"
            async with watching(live_server, key_of(people, person), topic) as socket:
                lower = UserUpdate(role="employee")
                await asyncio.to_thread(
                    people.within,
                    person.tenant_id,
                    lambda ctx: users.update(ctx, person.id, lower),
                )
                async with asyncio.timeout(PATIENCE):
                    number = 0
                    while True:  # a role is remembered for a moment
                        await rename(client, document["id"], f"Secret {number}")
                        if (await socket.next())["document"] is None:
                            break
                        number += 1

    async def test_a_new_token_of_the_same_user_goes_on(
        self, live_server: LiveServer, people: People
    ) -> None:
        person = people.new()
        first, second = key_of(people, person), key_of(people, person)
        async with watching(live_server, first, "jobs") as socket:
            await socket.send("auth", token=second)
            assert (await socket.next())["type"] == "ready"
            await socket.send("auth", token=live_server.new_key())
            assert (await socket.closed())[0] == 4403
