"""Conversations over HTTP: who has them, what goes on from what, what others see."""

import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pypdfium2
import pytest
from sqlalchemy import func, select, update

from citewell.access.policy import Role, Scope
from citewell.core.context import Context
from citewell.features.conversations import service
from citewell.models.conversations import Conversation, ConversationMessage
from tests.conftest import Library
from tests.office import Office

Refused = Callable[[httpx.Response, int, str], None]

PAY = (
    "# Pay\n\nEmployees in Bristol are paid on the 28th of each month.\n\n"
    "Employees in Leeds are paid on the 5th of each month.\n"
)
LEAVE = "# Leave\n\nEmployees in Bristol get 25 days of annual leave.\n"
QUESTION = "When are employees in Bristol paid?"
PATH = "/api/v1/conversations"


async def begun(client: httpx.AsyncClient, **more: str) -> str:
    reply = await client.post(PATH, json=more)
    assert reply.status_code == 201, reply.text
    return reply.json()["id"]


async def ask(
    client: httpx.AsyncClient, conversation: str, query: str, **more: object
) -> dict[str, Any]:
    sent = {"query": query, "conversation_id": conversation, **more}
    reply = await client.post("/api/v1/query", json=sent)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def messages(client: httpx.AsyncClient, conversation: str) -> list[dict[str, Any]]:
    reply = await client.get(f"{PATH}/{conversation}/messages")
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]


async def titles(client: httpx.AsyncClient, **query: str) -> list[str]:
    reply = await client.get(PATH, params=query)
    assert reply.status_code == 200, reply.text
    return [each["title"] for each in reply.json()["data"]]


def pages_of(content: bytes) -> str:
    """The text of a PDF file, its lines joined."""
    document = pypdfium2.PdfDocument(content)
    try:
        pages = [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()
    return " ".join(" ".join(pages).split())


async def rows(office: Office) -> tuple[int, int]:
    async def count(ctx: Context) -> tuple[int, int]:
        kinds = (Conversation.id, ConversationMessage.id)
        found = [await ctx.session.scalar(select(func.count(each))) for each in kinds]
        return found[0] or 0, found[1] or 0

    return await office.within(count)


class TestAsking:
    async def test_follow_up_is_answered_standing_alone_and_kept_as_it_was_asked(
        self, office: Office
    ) -> None:
        await Library(office.service).add("Pay", PAY)
        talk = await begun(office.service)
        first = await ask(office.service, talk, QUESTION)
        second = await ask(office.service, talk, "And in Leeds?")
        assert "28th" in first["answer"]
        assert first["metadata"]["standalone"] is None
        assert "5th" in second["answer"]
        assert second["query"] == "And in Leeds?"
        assert second["metadata"]["standalone"] == "When are employees in Leeds paid?"
        assert second["metadata"]["cached"] is False
        kept = await messages(office.service, talk)
        assert [each["question"] for each in kept] == [QUESTION, "And in Leeds?"]
        assert [each["parent_id"] for each in kept] == [None, first["message_id"]]
        assert kept[1]["id"] == second["message_id"]
        assert kept[1]["answer"]["query_id"] == second["query_id"]
        assert kept[1]["answer"]["answer"] == second["answer"]
        assert kept[1]["answer"]["standalone"] == second["metadata"]["standalone"]
        shown = (await office.service.get(f"{PATH}/{talk}")).json()
        assert (shown["title"], shown["message_count"]) == (QUESTION, 2)
        replay = await office.service.post(f"/api/v1/queries/{second['query_id']}/replay")
        assert replay.json()["is_same"] is True

    async def test_edited_question_is_a_branch_that_knows_nothing_of_the_other(
        self, office: Office
    ) -> None:
        library = Library(office.service)
        await library.add("Pay", PAY)
        await library.add("Leave", LEAVE)
        talk = await begun(office.service)
        first = await ask(office.service, talk, QUESTION)
        await ask(office.service, talk, "And in Leeds?")
        edited = await ask(office.service, talk, "How many days of annual leave do employees in "
                           "Bristol get?", parent_id=None)  # fmt: skip
        other = await ask(office.service, talk, "And in York?", parent_id=first["message_id"])
        assert other["metadata"]["standalone"] == "When are employees in York paid?"
        newest = await ask(office.service, talk, "And in Leeds?", parent_id=edited["message_id"])
        assert newest["metadata"]["standalone"] == (
            "How many days of annual leave do employees in Leeds get?"
        )
        parents = [each["parent_id"] for each in await messages(office.service, talk)]
        assert parents == [
            None, first["message_id"], None, first["message_id"], edited["message_id"],
        ]  # fmt: skip

    async def test_question_of_no_conversation_of_ones_own_is_refused(
        self, office: Office, stranger: httpx.AsyncClient, refused: Refused
    ) -> None:
        await Library(office.service).add("Pay", PAY)
        talk, other = await begun(office.service), await begun(office.service)
        first = await ask(office.service, talk, QUESTION)
        colleague = await office.person(Role.DIRECTOR, is_admin=True)
        reader = await office.person(scopes=frozenset({Scope.READ}))
        mine = await begun(colleague.client)
        for route in ("/api/v1/query", "/api/v1/query/stream"):
            for client in (colleague.client, stranger):
                sent = {"query": QUESTION, "conversation_id": talk}
                refused(await client.post(route, json=sent), 404, "conversation_not_found")
            sent = {"query": QUESTION, "conversation_id": other, "parent_id": first["message_id"]}
            refused(await office.service.post(route, json=sent), 404, "message_not_found")
            sent["conversation_id"] = mine
            refused(await colleague.client.post(route, json=sent), 404, "message_not_found")
            sent = {"query": QUESTION, "parent_id": first["message_id"]}
            refused(await office.service.post(route, json=sent), 422, "validation_error")
            sent = {"query": QUESTION, "conversation_id": talk}
            refused(await reader.client.post(route, json=sent), 403, "forbidden")
            sent["conversation_id"] = "the last one"
            refused(await office.service.post(route, json=sent), 422, "validation_error")
        assert await rows(office) == (3, 1)

    async def test_greeting_is_nothing_to_go_on_from(self, office: Office) -> None:
        await Library(office.service).add("Pay", PAY)
        talk = await begun(office.service)
        await ask(office.service, talk, QUESTION)
        await ask(office.service, talk, "Thank you!")
        last = await ask(office.service, talk, "And in Leeds? \x00")
        assert last["metadata"]["standalone"].startswith("When are employees in Leeds")

    async def test_streamed_question_is_a_message(self, office: Office) -> None:
        await Library(office.service).add("Pay", PAY)
        talk = await begun(office.service)
        await ask(office.service, talk, QUESTION)
        sent = {"query": "And in Leeds?", "conversation_id": talk}
        reply = await office.service.post("/api/v1/query/stream", json=sent)
        [_, last] = await messages(office.service, talk)
        assert last["id"] in reply.text
        assert "5th" in last["answer"]["answer"]


class TestOwning:
    async def test_list_finds_titles_and_questions_pinned_ones_first(self, office: Office) -> None:
        one, other = await office.person(), await office.person()
        named = await begun(one.client, title="50% of everything")
        asked = await begun(one.client)
        await ask(one.client, asked, "What is the colour of the river?")
        await begun(other.client, title="Not yours, river")
        assert await titles(one.client) == ["What is the colour of the river?", "50% of everything"]
        assert await titles(one.client, search="RIVER") == ["What is the colour of the river?"]
        assert await titles(one.client, search="0%") == ["50% of everything"]
        changed = await one.client.patch(f"{PATH}/{named}", json={"is_pinned": True})
        assert changed.json()["is_pinned"] is True
        assert (await titles(one.client))[0] == "50% of everything"
        assert await titles(one.client, pinned="true") == ["50% of everything"]
        await one.client.patch(f"{PATH}/{asked}", json={"title": "Rivers"})
        await ask(one.client, asked, "And of the sea?")
        assert await titles(one.client, pinned="false") == ["Rivers"]

    async def test_nobody_else_has_it_and_it_goes_with_its_user(
        self, office: Office, refused: Refused
    ) -> None:
        owner, colleague = await office.person(), await office.person(Role.MANAGER)
        talk = await begun(owner.client)
        given = await ask(owner.client, talk, QUESTION)
        path = f"{PATH}/{talk}"
        for reply in (
            await colleague.client.get(path),
            await colleague.client.get(f"{path}/messages"),
            await colleague.client.patch(path, json={"title": "Mine"}),
            await colleague.client.delete(path),
        ):
            refused(reply, 404, "conversation_not_found")
        assert await rows(office) == (1, 1)
        gone = await owner.client.delete(path)
        assert gone.status_code == 204
        refused(await owner.client.get(path), 404, "conversation_not_found")
        assert await rows(office) == (0, 0)
        log = await owner.client.get(f"/api/v1/queries/{given['query_id']}")
        assert log.status_code == 200
        await ask(owner.client, await begun(owner.client), QUESTION)
        assert (await office.service.delete(f"/api/v1/users/{owner.id}")).status_code == 204
        assert await rows(office) == (0, 0)

    async def test_old_ones_are_forgotten_when_their_time_is_over(self, office: Office) -> None:
        old, new = await begun(office.service, title="old"), await begun(office.service)
        path = f"/api/v1/tenants/{office.tenant_id}"
        changed = await office.service.patch(path, json={"conversation_days": 30})
        assert changed.json()["conversation_days"] == 30

        async def age(ctx: Context) -> None:
            older = func.now() - func.make_interval(0, 0, 0, 31)
            chosen = update(Conversation).where(Conversation.id == uuid.UUID(old))
            await ctx.session.execute(chosen.values(updated_at=older))

        await office.within(age)
        await office.run(service.forget_expired(office.server.platform))
        reply = await office.service.get(PATH)
        assert [each["id"] for each in reply.json()["data"]] == [new]

    @pytest.mark.parametrize("sent", [{"title": ""}, {"title": "x" * 201}, {"user_id": None}])
    async def test_anything_else_is_refused(
        self, shared_client: httpx.AsyncClient, sent: dict[str, object], refused: Refused
    ) -> None:
        refused(await shared_client.post(PATH, json=sent), 422, "validation_error")


class TestSharing:
    async def test_others_read_along_what_they_may_read_themselves(
        self, office: Office, stranger: httpx.AsyncClient, refused: Refused
    ) -> None:
        library = Library(office.service)
        await library.add("Pay", PAY)
        await library.add(
            "Board", "# Board\n\nThe board dines on sturgeon.", access_level="restricted"
        )
        colleague = await office.person()
        talk = await begun(office.service, title="Pay days")
        await ask(office.service, talk, QUESTION)
        await ask(office.service, talk, "What does the board dine on?")
        await office.service.patch(f"{PATH}/{talk}", json={"is_shared": True})
        assert await titles(colleague.client) == []
        assert await titles(colleague.client, whose="shared") == ["Pay days"]
        assert await titles(office.service, whose="shared") == []
        shown = (await colleague.client.get(f"{PATH}/{talk}")).json()
        assert (shown["is_own"], shown["message_count"]) == (False, 2)
        open_one, hidden = await messages(colleague.client, talk)
        assert "28th" in open_one["answer"]["answer"]
        assert hidden["answer"]["answer"] is None
        assert [each["text"] for each in hidden["answer"]["sentences"]] == [None]
        assert "sturgeon" not in str(hidden)
        path = f"{PATH}/{talk}"
        for form in ("markdown", "json", "pdf"):
            exported = await colleague.client.get(f"{path}/export", params={"form": form})
            text = pages_of(exported.content) if form == "pdf" else exported.text
            assert "28th" in text
            assert "sturgeon" not in text
            assert form == "json" or "(withheld)" in text
        refused(await stranger.get(path), 404, "conversation_not_found")
        changed = await colleague.client.patch(path, json={"is_shared": False})
        refused(changed, 404, "conversation_not_found")
        sent = {"query": "And in Leeds?", "conversation_id": talk}
        asked = await colleague.client.post("/api/v1/query", json=sent)
        refused(asked, 404, "conversation_not_found")
        await office.service.patch(path, json={"is_shared": False})
        refused(await colleague.client.get(path), 404, "conversation_not_found")

    async def test_words_of_an_answer_are_withheld_with_the_answer(self, office: Office) -> None:
        secret = (
            "# Menus\n\nThe dishes of the board are:\n\n1. Sturgeon\n2. Ortolan\n3. Truffle\n\n"
            "Ortolan is served in May.\n"
        )
        document = await Library(office.service).add("Menus", secret, access_level="restricted")
        colleague = await office.person(Role.MANAGER)
        talk = await begun(office.service)
        await ask(office.service, talk, "Which dishes of the board are there?")
        given = await ask(office.service, talk, "When is the second one served?")
        assert "Ortolan" in given["metadata"]["standalone"]
        await office.service.patch(f"{PATH}/{talk}", json={"is_shared": True})
        [_, hidden] = await messages(colleague.client, talk)
        log = await colleague.client.get(f"/api/v1/queries/{given['query_id']}")
        assert "ortolan" not in (str(hidden) + log.text).lower()
        await office.service.delete(f"/api/v1/documents/{document['id']}")
        await office.service.delete(f"/api/v1/documents/trash/{document['id']}")
        [_, erased] = await messages(office.service, talk)
        assert "ortolan" not in str(erased).lower()
        assert erased["answer"]["erased_at"]


class TestExporting:
    async def test_all_or_one_question_is_exported_as_far_as_it_may_be_read(
        self, office: Office, refused: Refused
    ) -> None:
        await Library(office.service).add("Pay *rules*", PAY)
        reader = (await office.person()).client
        talk, other = await begun(reader, title="Talk"), await begun(reader)
        await ask(reader, talk, QUESTION)
        second = await ask(reader, talk, "And in Leeds?")
        elsewhere = await ask(reader, other, QUESTION)
        path = f"{PATH}/{talk}/export"
        whole = (await reader.get(path)).text
        assert whole.startswith("# Talk\n\n## 1. ")
        assert "## 2. And in Leeds?" in whole
        assert r"Pay \*rules\*, version 1" in whole
        only = {"message_id": second["message_id"]}
        one = (await reader.get(path, params=only)).text
        assert one.startswith("# Talk\n\n## 1. And in Leeds?\n\n*Answered as:")
        assert QUESTION not in one
        shown = (await reader.get(path, params={**only, "form": "json"})).json()
        assert [each["id"] for each in shown["messages"]] == [second["message_id"]]
        printed = await reader.get(path, params={"form": "pdf"})
        assert printed.headers["content-type"] == "application/pdf"
        pages = pages_of(printed.content)
        assert "2. And in Leeds?" in pages
        assert "[1] Pay *rules*, version 1" in pages
        wrong = {"message_id": elsewhere["message_id"]}
        refused(await reader.get(path, params=wrong), 404, "message_not_found")
        refused(await office.service.get(path), 404, "conversation_not_found")


class TestFirstQuestions:
    async def test_are_of_documents_the_caller_may_read_and_are_gone_with_them(
        self, office: Office, stranger: httpx.AsyncClient
    ) -> None:
        library = Library(office.service)
        await library.add("Pay rules", "# Pay rules\n\n## Pay bands\n\nThere are seven bands.\n")
        kept = await library.add(
            "Quy chế", "# Quy chế\n\n## Nghỉ phép năm\n\nMỗi nhân viên có 14 ngày phép một năm.\n"
        )
        await library.add(
            "Board", "# Board\n\n## Secret plan\n\nNobody knows of it.\n", access_level="restricted"
        )
        await library.add("Note", "Nothing but a sentence without a heading.")
        employee = (await office.person(Role.EMPLOYEE)).client

        async def asked(client: httpx.AsyncClient, **query: str | int) -> list[str]:
            reply = await client.get("/api/v1/query/suggestions", params=query)
            assert reply.status_code == 200, reply.text
            return [each["question"] for each in reply.json()["suggestions"]]

        pay, leave = "What is there about pay bands?", "Nghỉ phép năm được quy định thế nào?"
        secret = "What is there about secret plan?"
        assert await asked(office.service) == [secret, leave, pay]
        assert await asked(employee) == [leave, pay]
        assert await asked(employee, language="en") == [pay, leave]
        assert await asked(employee, limit=1) == [leave]
        assert await asked(stranger) == []
        gone = await office.service.delete(f"/api/v1/documents/{kept['id']}")
        assert gone.is_success
        assert await asked(employee) == [pay]

    async def test_are_for_those_who_read(
        self, office: Office, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        refused(await anonymous.get("/api/v1/query/suggestions"), 401, "unauthorized")
        writer = await office.person(scopes=frozenset({Scope.WRITE}))
        refused(await writer.client.get("/api/v1/query/suggestions"), 403, "forbidden")
        odd = await office.service.get("/api/v1/query/suggestions", params={"limit": 99})
        assert odd.status_code == 422
