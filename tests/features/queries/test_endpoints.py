"""Stored answers over HTTP: what stays, who sees it, what is different today."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text, update

from citewell.access.policy import Role, Scope
from citewell.core.context import Context
from citewell.features.queries import service
from citewell.models.queries import QueryLog
from tests.conftest import Library
from tests.office import Office

Refused = Callable[[httpx.Response, int, str], None]

LEAVE = "# Leave\n\nEmployees get 25 days of annual leave."
QUESTION = "How many days of annual leave do employees get?"
FOREIGN = "What does a zeppelin mechanic earn on Jupiter?"


async def ask(client: httpx.AsyncClient, query: str = QUESTION, **more: object) -> dict[str, Any]:
    reply = await client.post("/api/v1/query", json={"query": query, **more})
    assert reply.status_code == 200, reply.text
    return reply.json()


async def shown(client: httpx.AsyncClient, query_id: str) -> dict[str, Any]:
    reply = await client.get(f"/api/v1/queries/{query_id}")
    assert reply.status_code == 200, reply.text
    return reply.json()


async def listed(client: httpx.AsyncClient, **query: str) -> list[str]:
    reply = await client.get("/api/v1/queries", params=query)
    assert reply.status_code == 200, reply.text
    return [item["query"] for item in reply.json()["data"]]


async def replayed(client: httpx.AsyncClient, query_id: str) -> dict[str, Any]:
    reply = await client.post(f"/api/v1/queries/{query_id}/replay")
    assert reply.status_code == 200, reply.text
    return reply.json()


async def rated(
    client: httpx.AsyncClient, query_id: str, rating: int, **more: str
) -> dict[str, Any]:
    sent = {"query_id": query_id, "rating": rating, **more}
    reply = await client.post("/api/v1/feedback", json=sent)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def stored(office: Office) -> int:
    async def count(ctx: Context) -> int:
        return (await ctx.session.scalars(select(func.count(QueryLog.id)))).one()

    return await office.within(count)


class TestStored:
    async def test_answer_is_kept_as_it_was_given(self, office: Office) -> None:
        library = Library(office.service)
        document = await library.add("Leave", LEAVE)
        reader = await office.person()
        given = await ask(reader.client, top_k=3)
        kept = await shown(reader.client, given["query_id"])
        assert given["confidence"]["reasons"]
        for name in ("query", "answer", "abstained", "confidence", "sentences"):
            assert kept[name] == given[name]
        assert kept["is_complete"] is True
        assert kept["request"] == {"top_k": 3}
        assert kept["user_id"] == str(reader.id)
        [quoted], [cited] = given["citations"], kept["citations"]
        assert cited["text"] == quoted["quote"]
        assert {name: cited[name] for name in ("number", "document_id", "version", "start")} == {
            "number": 1, "document_id": document["id"], "version": 1, "start": quoted["start"],
        }  # fmt: skip
        assert kept["passages"][0]["text"] in LEAVE
        assert kept["metadata"]["model"] == "extractive"
        assert kept["metadata"]["prompt_version"] is None
        assert kept["metadata"]["embedding"].startswith("bundled:")

    async def test_streamed_answer_is_kept(self, office: Office) -> None:
        await Library(office.service).add("Leave", LEAVE)
        reply = await office.service.post("/api/v1/query/stream", json={"query": QUESTION})
        last = json.loads(reply.text.strip().rpartition("data: ")[2])
        assert (await shown(office.service, last["query_id"]))["answer"] == last["answer"]

    async def test_question_that_cannot_be_stored_is_answered(self, office: Office) -> None:
        await Library(office.service).add("Leave", LEAVE)
        given = await ask(office.service, f"{QUESTION} \x00")
        kept = await shown(office.service, given["query_id"])
        assert kept["query"] == f"{QUESTION} \ufffd"

    async def test_nothing_is_kept_where_the_tenant_wants_none(
        self, office: Office, refused: Refused
    ) -> None:
        path = f"/api/v1/tenants/{office.tenant_id}"
        changed = await office.service.patch(path, json={"answer_days": 0})
        assert changed.json()["answer_days"] == 0
        given = await ask(office.service)
        reply = await office.service.get(f"/api/v1/queries/{given['query_id']}")
        refused(reply, 404, "query_not_found")
        changed = await office.service.patch(path, json={"answer_days": None})
        assert changed.json()["answer_days"] is None
        await shown(office.service, (await ask(office.service))["query_id"])

    async def test_answers_are_forgotten_in_time(self, office: Office) -> None:
        for _ in range(3):
            given = await ask(office.service)
        path = f"/api/v1/tenants/{office.tenant_id}"
        await office.service.patch(path, json={"answer_days": 30})

        async def age(ctx: Context) -> None:
            older = QueryLog.at - func.make_interval(0, 0, 0, 31)
            others = update(QueryLog).where(QueryLog.id != given["query_id"])
            await ctx.session.execute(others.values(at=older))

        await office.within(age)
        await office.run(service.forget_expired(office.server.platform))
        assert await stored(office) == 1
        await shown(office.service, given["query_id"])

    async def test_answers_go_with_their_user(self, office: Office) -> None:
        reader = await office.person(Role.MANAGER)
        given = await ask(reader.client)
        await rated(reader.client, given["query_id"], 1, comment="mine")
        other = await ask(office.service)
        await rated(reader.client, other["query_id"], 2)
        gone = await office.service.delete(f"/api/v1/users/{reader.id}")
        assert gone.status_code == 204
        assert await stored(office) == 1
        assert (await shown(office.service, other["query_id"]))["feedback"] == []


class TestAccess:
    async def test_others_see_nothing_managers_see_questions(
        self, office: Office, stranger: httpx.AsyncClient, refused: Refused
    ) -> None:
        asker, colleague, manager = (
            await office.person(), await office.person(), await office.person(Role.MANAGER),
        )  # fmt: skip
        given = await ask(asker.client)
        path = f"/api/v1/queries/{given['query_id']}"
        for client in (colleague.client, stranger):
            refused(await client.get(path), 404, "query_not_found")
            refused(await client.post(f"{path}/replay"), 404, "query_not_found")
            sent = {"query_id": given["query_id"], "rating": 5}
            refused(await client.post("/api/v1/feedback", json=sent), 404, "query_not_found")
            assert await listed(client) == []
        assert (await shown(manager.client, given["query_id"]))["query"] == QUESTION
        assert await listed(manager.client) == await listed(asker.client) == [QUESTION]
        assert await listed(manager.client, only="own") == []

    async def test_log_is_as_private_as_it_was_when_they_asked_and_is_now(
        self, office: Office, refused: Refused
    ) -> None:
        asker, manager = await office.person(), await office.person(Role.MANAGER)
        tenant = f"/api/v1/tenants/{office.tenant_id}"

        async def seen() -> list[tuple[str, str | None]]:
            rows = (await manager.client.get("/api/v1/queries")).json()["data"]
            return [(row["query"], row["user_id"]) for row in rows]

        async def keep(setting: str) -> None:
            changed = await office.service.patch(tenant, json={"question_log": setting})
            assert changed.json()["question_log"] == setting

        given = {}
        for setting in ("full", "anonymous", "off"):
            await keep(setting)
            given[setting] = (await ask(asker.client, f"{QUESTION} ({setting})"))["query_id"]
        assert await seen() == []
        refused(
            await manager.client.get(f"/api/v1/queries/{given['full']}"), 404, "query_not_found"
        )
        assert len(await listed(asker.client)) == 3
        await keep("anonymous")
        nameless = [(f"{QUESTION} ({name})", None) for name in ("anonymous", "full")]
        assert await seen() == nameless
        await rated(asker.client, given["full"], 2)
        told = await shown(manager.client, given["full"])
        assert told["user_id"] is told["feedback"][0]["user_id"] is None
        assert (await shown(asker.client, given["full"]))["user_id"] == str(asker.id)
        assert await listed(manager.client, user_id=str(asker.id)) == []
        await keep("full")
        assert await seen() == [nameless[0], (f"{QUESTION} (full)", str(asker.id))]
        assert await listed(manager.client, user_id=str(asker.id)) == [f"{QUESTION} (full)"]
        event = (await office.trail(office.tenant_id))[-1]
        assert event.details == {"fields": ["question_log"], "question_log": "full"}

    async def test_log_that_is_told_no_personal_data_masks_it_for_good(
        self, office: Office
    ) -> None:
        asker, manager = await office.person(), await office.person(Role.MANAGER)
        tenant = f"/api/v1/tenants/{office.tenant_id}"
        question = f"{QUESTION} Call 0912 345 678 or an.le@example.com"
        before = await ask(asker.client, question)
        changed = await office.service.patch(tenant, json={"log_redaction": "personal"})
        assert changed.json()["log_redaction"] == "personal"
        after = await ask(asker.client, f"{question} again")
        assert after["query"] == f"{question} again", "who asks sees their own words"
        plain = await ask(asker.client, QUESTION)
        told = f"{QUESTION} Call [PHONE] or [EMAIL] again"
        assert await listed(manager.client) == [QUESTION, told, question]
        assert (await shown(asker.client, after["query_id"]))["query"] == told
        kept = await shown(asker.client, plain["query_id"])
        assert kept["answer"] == plain["answer"]
        assert (await shown(asker.client, before["query_id"]))["query"] == question
        changed = await office.service.patch(tenant, json={"log_redaction": "off"})
        assert changed.json()["log_redaction"] == "off"
        assert (await shown(manager.client, after["query_id"]))["query"] == told

    async def test_export_holds_what_the_list_does_and_no_formula(self, office: Office) -> None:
        asker, manager = await office.person(), await office.person(Role.MANAGER)
        for query in ('=HYPERLINK("http://x")', QUESTION):
            await ask(asker.client, query)
        reply = await manager.client.get("/api/v1/queries/export", params={"only": "unanswered"})
        assert reply.headers["content-type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(reply.text)))
        assert [row["query"] for row in rows] == ['\'=HYPERLINK("http://x")', QUESTION]
        assert {(row["user_id"], row["answered"], row["confidence"]) for row in rows} == {
            (str(asker.id), "no", "none")
        }
        until = rows[1]["timestamp"]
        assert await listed(manager.client, to=until) == ['=HYPERLINK("http://x")']
        assert await listed(manager.client, **{"from": until}) == [QUESTION]
        own = await (await office.person()).client.get("/api/v1/queries/export")
        assert own.text.splitlines()[1:] == []

    async def test_manager_reads_no_passage_of_a_document_that_is_hidden_from_them(
        self, office: Office
    ) -> None:
        await Library(office.service).add("Board", LEAVE, access_level="restricted")
        manager = await office.person(Role.MANAGER)
        given = await ask(office.service)
        assert "25" in given["answer"]
        kept = await shown(manager.client, given["query_id"])
        assert kept["answer"] is None
        assert kept["is_complete"] is False
        assert [sentence["text"] for sentence in kept["sentences"]] == [None]
        assert kept["citations"][0] | {"number": 0} == kept["passages"][0] | {"number": 0}
        assert set(kept["passages"][0].values()) == {False, None}
        assert kept["confidence"] == given["confidence"] | {"reasons": []}
        assert "25" not in json.dumps([kept["sentences"], kept["citations"], kept["passages"]])

    async def test_revoked_right_hides_the_askers_own_answer(self, office: Office) -> None:
        document = await Library(office.service).add("Leave", LEAVE)
        reader = await office.person()
        given = await ask(reader.client)
        assert (await shown(reader.client, given["query_id"]))["answer"] == given["answer"]
        path = f"/api/v1/documents/{document['id']}/grants"
        sent = {"user_id": str(reader.id), "effect": "deny"}
        assert (await office.service.put(path, json=sent)).status_code == 200
        kept = await shown(reader.client, given["query_id"])
        assert (kept["answer"], kept["is_complete"], kept["erased_at"]) == (None, False, None)
        assert "25" not in json.dumps([kept["sentences"], kept["citations"], kept["passages"]])
        [reason] = [
            each for each in (await replayed(reader.client, given["query_id"]))["reasons"]
            if each["code"] == "documents_unavailable"
        ]  # fmt: skip
        assert "1 of its passages" in reason["detail"]

    async def test_words_of_a_deleted_document_are_erased(self, office: Office) -> None:
        document = await Library(office.service).add("Leave", LEAVE)
        given, other = await ask(office.service), await ask(office.service, FOREIGN)
        await office.service.delete(f"/api/v1/documents/{document['id']}")
        assert (await shown(office.service, given["query_id"]))["answer"] is None
        restored = await office.service.post(f"/api/v1/documents/{document['id']}/restore")
        assert restored.status_code == 200
        assert (await shown(office.service, given["query_id"]))["answer"] == given["answer"]
        await office.service.delete(f"/api/v1/documents/{document['id']}")
        gone = await office.service.delete(f"/api/v1/documents/trash/{document['id']}")
        assert gone.status_code == 204

        async def rows(ctx: Context) -> list[str]:
            return list(await ctx.session.scalars(text("SELECT q::text FROM query_log q")))

        assert [
            row for row in await office.within(rows) if "25" in row and "Employees" in row
        ] == []
        kept = await shown(office.service, given["query_id"])
        assert kept["erased_at"]
        assert (kept["query"], kept["answer"], kept["sentences"]) == (QUESTION, None, [])
        abstained = await shown(office.service, other["query_id"])
        assert abstained["abstained"] is True


class TestReplay:
    async def test_same_question_gets_the_same_answer(self, office: Office) -> None:
        await Library(office.service).add("Leave", LEAVE)
        given = await ask(office.service)
        replay = await replayed(office.service, given["query_id"])
        assert (replay["is_same"], replay["differences"], replay["reasons"]) == (True, [], [])
        assert replay["now"]["answer"] == replay["then"]["answer"] == given["answer"]
        assert await stored(office) == 1

    async def test_new_version_is_the_reason(self, office: Office) -> None:
        library = Library(office.service)
        document = await library.add("Leave", LEAVE)
        given = await ask(office.service)
        path = f"/api/v1/documents/{document['id']}"
        await office.service.put(path, json={"content": LEAVE.replace("25", "30")})
        assert (await library.settled(document["id"]))["version"] == 2
        replay = await replayed(office.service, given["query_id"])
        assert "30" in replay["now"]["answer"]
        assert "25" in replay["then"]["answer"]
        assert {each["code"] for each in replay["differences"]} == {"answer", "citations"}
        [reason] = replay["reasons"]
        assert (reason["code"], reason["document_id"]) == ("document_changed", document["id"])
        assert "version 1, today version 2" in reason["detail"]

    async def test_new_document_is_the_reason(self, office: Office) -> None:
        given = await ask(office.service)
        assert given["abstained"] is True
        document = await Library(office.service).add("Leave", LEAVE)
        replay = await replayed(office.service, given["query_id"])
        assert replay["is_same"] is False
        assert replay["differences"][0]["code"] == "abstained"
        assert (replay["reasons"][0]["code"], replay["reasons"][0]["document_id"]) == (
            "document_added", document["id"],
        )  # fmt: skip


class TestFeedback:
    async def test_managers_find_what_was_rated_badly_or_not_answered(self, office: Office) -> None:
        await Library(office.service).add("Leave", LEAVE)
        reader, manager = await office.person(), await office.person(Role.MANAGER)
        good, bad = await ask(reader.client), await ask(reader.client, f"{QUESTION} Really?")
        await ask(reader.client, FOREIGN)
        await rated(reader.client, good["query_id"], 5)
        first = await rated(reader.client, bad["query_id"], 4)
        assert (first["rating"], first["user_id"]) == (4, str(reader.id))
        again = await rated(reader.client, bad["query_id"], 1, comment="  For part-timers? ")
        assert (again["rating"], again["comment"]) == (1, "For part-timers?")
        assert again["created_at"] == first["created_at"]
        assert await listed(manager.client, only="badly_rated") == [f"{QUESTION} Really?"]
        assert await listed(manager.client, only="unanswered") == [FOREIGN]
        await rated(manager.client, bad["query_id"], 3)
        assert len((await shown(manager.client, bad["query_id"]))["feedback"]) == 2
        assert [
            each["rating"] for each in (await shown(reader.client, bad["query_id"]))["feedback"]
        ] == [1]
        rows = (await manager.client.get("/api/v1/queries")).json()["data"]
        assert [row["rating"] for row in rows] == [None, 2.0, 5.0]

    @pytest.mark.parametrize("sent", [{"rating": 0}, {"rating": 6}, {"rating": 3, "x": 1}, {}])
    async def test_anything_else_is_refused(
        self, shared_client: httpx.AsyncClient, sent: dict[str, int], refused: Refused
    ) -> None:
        body = {"query_id": "0198c0de-0000-7000-8000-000000000000", **sent}
        refused(await shared_client.post("/api/v1/feedback", json=body), 422, "validation_error")

    async def test_key_that_only_reads_rates_nothing(
        self, office: Office, refused: Refused
    ) -> None:
        reader = await office.person(scopes=frozenset({Scope.READ}))
        given = await ask(reader.client)
        sent = {"query_id": given["query_id"], "rating": 5}
        refused(await reader.client.post("/api/v1/feedback", json=sent), 403, "forbidden")
