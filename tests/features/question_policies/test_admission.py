"""Rules on questions hold wherever a question is asked: over HTTP, with a model on loopback."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from citewell.access.policy import Role
from citewell.core.context import OPERATOR, Caller
from citewell.features.conversations import asking
from citewell.features.conversations.schemas import ConversationQuery
from citewell.features.question_policies.errors import QuestionRefusedError
from tests.features.agents.conftest import API, RESEARCHER, Desk, calling, saying, until
from tests.office import Office, Person
from tests.vendor import Received, Reply
from tests.waiting import PATIENCE

Refused = Callable[[httpx.Response, int, str], None]

SECRET = "What is the salary of the head miller?"
TOLD = "Salaries are told by the people's office, room 12."
PLAIN = "Where do visitors park?"
MCP_HEADERS = {"Accept": "application/json, text/event-stream"}


async def policy(office: Office, **rules: Any) -> dict[str, Any]:
    url = f"{API}/tenants/{office.tenant_id}/question-policy"
    reply = await office.service.patch(url, json=rules)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def logged(office: Office) -> list[dict[str, Any]]:
    """Refused questions of the question log, newest first."""
    reply = await office.service.get(f"{API}/queries", params={"only": "refused"})
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]


def called(name: str, **arguments: Any) -> dict[str, Any]:
    return {
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": name, "arguments": arguments},
    }  # fmt: skip


async def tool(client: httpx.AsyncClient, name: str, **arguments: Any) -> dict[str, Any]:
    reply = await client.post("/mcp", json=called(name, **arguments), headers=MCP_HEADERS)
    assert reply.status_code == 200, reply.text
    return reply.json()["result"]


async def conversation(client: httpx.AsyncClient) -> str:
    return (await client.post(f"{API}/conversations", json={})).json()["id"]


def writing(_: Received) -> Reply:
    return saying(
        '<quote passage="1">Visitors park in bay 4 behind the mill.</quote>'
        "<say>Visitors park in bay 4 behind the mill.</say>"
    )


@pytest.fixture
async def mill(desk: Desk) -> Office:
    """An organisation with a note on parking in each of two collections."""
    desk.vendor.answer(writing)
    return desk.office


async def shelved(desk: Desk, name: str, text: str) -> tuple[str, str]:
    """A new collection with one public document: the ids of both."""
    made = await desk.sent("POST", "/collections", 201, {"name": name})
    added = await desk.documents.add(name, text, collection_id=made["id"], access_level="public")
    await desk.documents.settled(added["id"])
    return made["id"], added["id"]


Way = Callable[[httpx.AsyncClient], Awaitable[tuple[int, str, str]]]
"""Asks the secret; status, code and words of the refusal."""


async def problem(asked: Awaitable[httpx.Response]) -> tuple[int, str, str]:
    reply = await asked
    body = reply.json()
    error = body.get("error", body)
    return reply.status_code, error["code"], error.get("detail") or error["message"]


async def by_mcp(asked: Awaitable[dict[str, Any]]) -> tuple[int, str, str]:
    result = await asked
    code, _, words = result["content"][0]["text"].partition(": ")
    return (403 if result["isError"] else 200), code, words


class TestPatterns:
    @pytest.mark.promise
    async def test_what_a_pattern_fits_is_refused_everywhere_and_no_model_sees_it(
        self, desk: Desk, mill: Office
    ) -> None:
        await shelved(desk, "Notes", "Visitors park in bay 4 behind the mill.")
        await policy(
            mill,
            refused=[
                {"kind": "phrase", "pattern": "lương thợ cả", "message": "Xin hỏi phòng nhân sự."},
                {"kind": "expression", "pattern": r"salar(y|ies)\W.*miller", "message": TOLD},
            ],
        )
        asker = await mill.person(Role.EMPLOYEE)
        client, place = asker.client, await conversation(asker.client)
        box = await desk.sent(
            "POST", "/embeds", 201, {"name": "Site", "origins": ["https://www.example.org"]}
        )
        agent, visitor = await desk.agent_id(RESEARCHER), await mill.client(None)
        talk = [{"role": "user", "content": SECRET}]
        before = [*talk, {"role": "assistant", "content": "No."}, {"role": "user", "content": "?!"}]
        desk.vendor.answer(writing)
        body = {"query": SECRET}
        within = {**body, "conversation_id": place}
        refusals = [
            await problem(client.post(f"{API}/query", json=body)),
            await problem(client.post(f"{API}/query/stream", json=body)),
            await problem(client.post(f"{API}/query", json=within)),
            await problem(client.post(f"{API}/query/stream", json=within)),
            await problem(client.post(f"{API}/agents/{agent}/execute", json={"input": SECRET})),
            await problem(
                client.post("/v1/chat/completions", json={"model": "citewell", "messages": talk})
            ),
            await problem(
                client.post("/v1/chat/completions", json={"model": "citewell", "messages": before})
            ),
            await problem(
                client.post(
                    "/v1/chat/completions", json={"model": f"agent:{RESEARCHER}", "messages": talk}
                )
            ),
            await problem(
                client.post("/v1/responses", json={"model": "citewell", "input": SECRET})
            ),
            await by_mcp(tool(client, "ask", query=SECRET)),
            await by_mcp(tool(client, "run_agent", agent=RESEARCHER, task=SECRET)),
            await problem(visitor.post(f"{API}/boxes/{box['token']}/ask", json=body)),
            await problem(client.post(f"{API}/search", json=body)),
            await by_mcp(tool(client, "search", query=SECRET)),
        ]
        assert refusals == [(403, "question_refused", TOLD)] * len(refusals)
        assert desk.vendor.server.received == []
        kept = await logged(mill)
        # A search is no question of the log.
        assert len(kept) == len(refusals) - 2
        assert {each["refusal"] for each in kept} == {"question_refused"}
        asked = {each["query"] for each in kept}
        assert asked == {SECRET, "?!"}
        assert {each["user_id"] for each in kept} == {str(asker.id), None}
        shown = await desk.sent("GET", f"/queries/{kept[0]['query_id']}", 200)
        assert (shown["answer"], shown["refusal"]) == (TOLD, "question_refused")
        # Refused, it left no trace in the conversation.
        assert (await client.get(f"{API}/conversations/{place}/messages")).json()["data"] == []
        # Asked again by its owner it is refused as well.
        own = next(each for each in kept if each["user_id"] == str(asker.id))
        again = client.post(f"{API}/queries/{own['query_id']}/replay")
        assert await problem(again) == (403, "question_refused", TOLD)
        assert desk.vendor.server.received == []

    async def test_command_line_is_refused_too(self, mill: Office) -> None:
        await policy(mill, refused=[{"pattern": "head miller", "message": TOLD}])

        async def ask() -> None:
            request = ConversationQuery(query=SECRET)
            caller = Caller(mill.tenant_id, OPERATOR)
            with pytest.raises(QuestionRefusedError, match="room 12"):
                await asking.answer(mill.server.platform, caller, request)

        await mill.run(ask())

    async def test_case_and_missing_diacritics_hide_nothing_and_other_words_pass(
        self, mill: Office
    ) -> None:
        await policy(mill, refused=[{"pattern": "lương thợ cả", "message": TOLD}])
        asker = await mill.person()
        for query, status in (
            ("LƯƠNG thợ-cả là bao nhiêu?", 403),
            ("luong tho ca bao nhieu", 403),
            ("Lượng thợ cả là bao nhiêu?", 200),
            ("Tiền lương của thợ cả?", 200),
        ):
            reply = await asker.client.post(f"{API}/query", json={"query": query})
            assert reply.status_code == status, (query, reply.text)

    async def test_follow_up_that_becomes_a_refused_question_is_refused(
        self, desk: Desk, mill: Office
    ) -> None:
        rule = {"pattern": r"bicycles.*cost", "kind": "expression", "message": TOLD}
        await policy(mill, refused=[rule])
        asker = await mill.person()
        place = await conversation(asker.client)
        body = {"query": "Where are bicycles parked?", "conversation_id": place}
        assert (await asker.client.post(f"{API}/query", json=body)).status_code == 200
        # The next question as the model rewrites it to stand alone.
        desk.vendor.answer(lambda _: saying("How much do the bicycles cost?"))
        body = {"query": "How much do they cost?", "conversation_id": place}
        told = await problem(asker.client.post(f"{API}/query", json=body))
        assert told == (403, "question_refused", TOLD)
        assert [each["query"] for each in await logged(mill)] == ["How much do they cost?"]


class TestCollections:
    @pytest.mark.promise
    async def test_role_is_answered_from_its_collections_alone_wherever_it_asks(
        self, desk: Desk, mill: Office, refused: Refused
    ) -> None:
        yard, _ = await shelved(desk, "Yard", "Visitors park in bay 4 behind the mill.")
        house, paper = await shelved(desk, "House", "Visitors park in bay 7 below the house.")
        asker, director = await mill.person(Role.EMPLOYEE), await mill.person(Role.DIRECTOR)
        await policy(mill, collections={"employee": [yard], "guest": [yard]})
        assert await self.titles(director) == {"Yard", "House"}
        assert await self.titles(asker) == {"Yard"}
        found = await tool(asker.client, "search", query=PLAIN)
        assert {each["title"] for each in found["structuredContent"]["results"]} == {"Yard"}
        listed = await tool(asker.client, "list_collections")
        assert "House" not in listed["content"][0]["text"]
        read = await tool(asker.client, "read_document", document_id=paper)
        assert read["content"][0]["text"].startswith("document_not_found")
        # People read what they are allowed to: the rule is on questions.
        assert (await asker.client.get(f"{API}/documents/{paper}")).status_code == 200
        # Collections that a question names must be among them, whether or not they exist.
        for place in (house, str(uuid.uuid4())):
            body = {"query": PLAIN, "collection_ids": [yard, place]}
            refused(await asker.client.post(f"{API}/query", json=body), 403, "collection_not_asked")
        # Administrators that look as somebody find what they find.
        body = {"query": PLAIN, "as_user_id": str(asker.id)}
        admin = await mill.person(Role.DIRECTOR, is_admin=True)
        seen = (await admin.client.post(f"{API}/search", json=body)).json()["results"]
        assert {each["title"] for each in seen} == {"Yard"}
        # A collection that comes later is not asked either.
        await shelved(desk, "Later", "Visitors park in bay 9 on the roof.")
        assert await self.titles(asker) == {"Yard"}

    @staticmethod
    async def titles(asker: Person) -> set[str]:
        reply = await asker.client.post(f"{API}/search", json={"query": PLAIN})
        assert reply.status_code == 200, reply.text
        return {each["title"] for each in reply.json()["results"]}

    async def test_models_are_given_no_other_passages(self, desk: Desk, mill: Office) -> None:
        yard, _ = await shelved(desk, "Yard", "Visitors park in bay 4 behind the mill.")
        _, paper = await shelved(desk, "House", "Visitors park in bay 7 below the house.")
        asker = await mill.person(Role.EMPLOYEE)
        client, place = asker.client, await conversation(asker.client)
        await policy(mill, collections={"employee": [yard]})
        messages = [{"role": "user", "content": PLAIN}]
        for path, body in (
            (f"{API}/query", {"query": PLAIN}),
            (f"{API}/query", {"query": PLAIN, "conversation_id": place}),
            (f"{API}/query/stream", {"query": PLAIN, "cache": False}),
            ("/v1/chat/completions", {"model": "citewell", "messages": messages}),
            ("/v1/responses", {"model": "citewell", "input": PLAIN}),
        ):
            desk.vendor.answer(writing)
            reply = await client.post(path, json=body)
            assert reply.status_code == 200, reply.text
            assert "bay 7" not in reply.text
            assert "bay 7" not in json.dumps([each.body for each in desk.vendor.server.received])
        agent = await desk.new_agent("search_documents", "read_document", "list_documents")
        desk.vendor.play(
            calling(
                ("search_documents", {"query": PLAIN}),
                ("read_document", {"document_id": paper}),
                ("list_documents", {}),
            ),
            saying("Visitors park in bay 4 behind the mill [1]."),
        )
        assert (await desk.ran(agent, client=client))["status"] == "succeeded"
        results = " ".join(desk.vendor.results)
        assert "bay 4" in results
        assert "bay 7" not in results
        assert "House" not in results

    async def test_kept_answers_are_not_given_once_the_rule_changes(
        self, desk: Desk, mill: Office
    ) -> None:
        yard, _ = await shelved(desk, "Yard", "Visitors park in bay 4 behind the mill.")
        await shelved(desk, "House", "Visitors park in bay 7 below the house.")
        asker = await mill.person(Role.EMPLOYEE)
        for _ in range(2):
            assert await self.titles(asker) == {"Yard", "House"}
        await policy(mill, collections={"employee": [yard]})
        assert await self.titles(asker) == {"Yard"}
        await policy(mill, collections={"employee": []})
        assert await self.titles(asker) == set()
        await policy(mill, collections={})
        assert await self.titles(asker) == {"Yard", "House"}


class TestLength:
    async def test_longer_question_is_refused_and_says_how_long(
        self, mill: Office, refused: Refused
    ) -> None:
        await policy(mill, longest_question=30)
        asker = await mill.person()
        ok = await asker.client.post(f"{API}/query", json={"query": "ă" * 29 + "?"})
        assert ok.status_code == 200
        reply = await asker.client.post(f"{API}/query", json={"query": "ă" * 30 + "?"})
        refused(reply, 422, "question_too_long")
        assert "31 characters" in reply.json()["detail"]
        talk = [{"role": "user", "content": "a" * 31}]
        body = {"model": "citewell", "messages": talk}
        reply = await asker.client.post("/v1/chat/completions", json=body)
        assert reply.json()["error"]["code"] == "question_too_long"
        assert [each["refusal"] for each in await logged(mill)] == ["question_too_long"] * 2


class TestAtATime:
    async def test_so_many_of_one_user_and_of_all(
        self, desk: Desk, mill: Office, refused: Refused
    ) -> None:
        await shelved(desk, "Notes", "Visitors park in bay 4 behind the mill.")
        await policy(mill, concurrent_per_user=1, concurrent_per_tenant=2)
        one, two, three = [await mill.person() for _ in range(3)]
        async with AsyncExitStack() as stack:
            for person in (one, two):
                await self.waiting(stack, desk, person)
            reply = await one.client.post(f"{API}/query", json={"query": PLAIN, "cache": False})
            refused(reply, 429, "too_many_questions")
            assert "of yours" in reply.json()["detail"]
            assert int(reply.headers["retry-after"]) >= 1
            reply = await three.client.post(f"{API}/query", json={"query": PLAIN, "cache": False})
            refused(reply, 429, "too_many_questions")
            assert "of your organisation" in reply.json()["detail"]
            talk = [{"role": "user", "content": PLAIN}]
            body = {"model": "citewell", "messages": talk}
            reply = await three.client.post("/v1/chat/completions", json=body)
            assert reply.status_code == 429
            assert int(reply.headers["retry-after"]) >= 1
            agent = await desk.new_agent("search_documents")
            reply = await three.client.post(f"{API}/agents/{agent}/execute", json={"input": PLAIN})
            refused(reply, 429, "too_many_questions")
        # Both have left in the middle.
        desk.vendor.answer(writing)
        await self.answered(one)
        await self.answered(two)
        assert await logged(mill) == []

    async def test_run_of_an_agent_counts_until_it_has_ended(
        self, desk: Desk, mill: Office, refused: Refused
    ) -> None:
        await policy(mill, concurrent_per_user=1)
        asker = await mill.person()
        agent = await desk.new_agent("calculate")
        gate = desk.vendor.gated(saying("It is 4."), saying("It is 4."), shut=0)
        begun = await desk.begun(agent, "What is 2 + 2?", asker.client)
        reply = await asker.client.post(f"{API}/agents/{agent}/execute", json={"input": PLAIN})
        refused(reply, 429, "too_many_questions")
        gate.set()
        await desk.reached(begun["id"], client=asker.client)
        desk.vendor.answer(writing)
        await self.answered(asker)

    @staticmethod
    async def waiting(stack: AsyncExitStack, desk: Desk, person: Person) -> None:
        """Begin a question whose model never answers, until the block ends."""
        desk.vendor.play(Reply(hangs_before=True))
        body = {"query": PLAIN, "cache": False}
        streamed = person.client.stream("POST", f"{API}/query/stream", json=body)
        reply = await stack.enter_async_context(streamed)
        assert reply.status_code == 200
        await until(lambda: bool(desk.vendor.server.received))

    @staticmethod
    async def answered(person: Person) -> None:
        """Ask until it is answered; a client that has left is noticed a moment later."""
        status = 0

        async def ask() -> bool:
            nonlocal status
            body = {"query": PLAIN, "cache": False}
            status = (await person.client.post(f"{API}/query", json=body)).status_code
            return status == 200

        async with asyncio.timeout(PATIENCE):
            while not await ask():
                assert status == 429
                await asyncio.sleep(0.05)


class TestTime:
    async def test_answer_that_takes_longer_ends_and_is_noted(
        self, desk: Desk, mill: Office, refused: Refused
    ) -> None:
        await shelved(desk, "Notes", "Visitors park in bay 4 behind the mill.")
        await policy(mill, seconds=1)
        asker = await mill.person()
        hanging = Reply(hangs_before=True)
        desk.vendor.play(*[hanging] * 8)
        body = {"query": PLAIN, "cache": False}
        refused(await asker.client.post(f"{API}/query", json=body), 504, "question_timed_out")
        streamed = (await asker.client.post(f"{API}/query/stream", json=body)).text
        assert "event: error" in streamed
        assert "question_timed_out" in streamed
        place = await conversation(asker.client)
        within = {**body, "conversation_id": place}
        streamed = (await asker.client.post(f"{API}/query/stream", json=within)).text
        assert "question_timed_out" in streamed
        codes = [each["refusal"] for each in await logged(mill)]
        assert codes == ["question_timed_out"] * 3
        desk.vendor.answer(writing)
        reply = await asker.client.post(f"{API}/query", json=body)
        assert reply.status_code == 200

    async def test_runs_of_agents_have_no_more_time(self, desk: Desk, mill: Office) -> None:
        await policy(mill, seconds=1)
        agent = await desk.new_agent("calculate")
        asker = await mill.person()
        desk.vendor.play(*[Reply(hangs_before=True)] * 4)
        run = await desk.ran(agent, "What is 2 + 2?", asker.client)
        assert run["status"] == "failed"
        assert "limit of 5 s" in run["reason"]  # the least that an agent has


class TestRules:
    async def test_only_administrators_see_and_change_them_and_it_is_noted(
        self, mill: Office, refused: Refused
    ) -> None:
        url = f"{API}/tenants/{mill.tenant_id}/question-policy"
        director = await mill.person(Role.DIRECTOR)
        refused(await director.client.get(url), 403, "forbidden")
        refused(await director.client.patch(url, json={"seconds": 3}), 403, "forbidden")
        admin = await mill.person(Role.MANAGER, is_admin=True)
        changed = await admin.client.patch(
            url, json={"seconds": 30, "refused": [{"pattern": "head miller", "message": TOLD}]}
        )
        assert changed.json()["seconds"] == 30
        cleared = (await admin.client.patch(url, json={"seconds": None})).json()
        assert (cleared["seconds"], len(cleared["refused"])) == (None, 1)
        assert (await admin.client.get(url)).json() == cleared
        first, second = [
            each for each in await mill.trail(mill.tenant_id)
            if each.action == "question_policy.updated"
        ]  # fmt: skip
        assert first.details["fields"] == ["refused", "seconds"]
        assert (first.details["patterns"], first.details["seconds"]) == (1, 30)
        assert "head miller" not in str(first.details)
        assert second.details["seconds"] is None
        other = f"{API}/tenants/{uuid.uuid4()}/question-policy"
        refused(await admin.client.get(other), 404, "tenant_not_found")

    async def test_what_cannot_be_used_is_refused_and_says_why(
        self, mill: Office, refused: Refused
    ) -> None:
        url = f"{API}/tenants/{mill.tenant_id}/question-policy"
        for pattern, why in (
            ("(a", "not closed"),
            ("a*", "every question"),
            ("a{9999}", "more than 1000 times"),
            ("(?=a)b", "only `(?:`"),
            ("a((){9999}){500}", "more than 1000 times"),
        ):
            rule = {"kind": "expression", "pattern": pattern, "message": "No."}
            reply = await mill.service.patch(url, json={"refused": [rule]})
            refused(reply, 422, "validation_error")
            assert "pattern 1 cannot be used: " in reply.text, reply.text
            assert why in reply.text, reply.text
        body = {"collections": {"guest": [str(uuid.uuid4())]}}
        refused(await mill.service.patch(url, json=body), 404, "collection_not_found")
        refused(
            await mill.service.patch(url, json={"collections": {"king": []}}),
            422,
            "validation_error",
        )
