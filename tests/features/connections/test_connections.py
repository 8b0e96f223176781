"""Connections of a tenant, with a provider on loopback that speaks OpenAI's format."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import psycopg
import pytest

from citewell.access.policy import Role
from citewell.core.context import OPERATOR, Actor, ActorKind, Caller
from citewell.core.platform import Platform
from citewell.core.settings import Settings
from citewell.engine.llm.base import ModelRequest, ReplyEnd, StreamItem, TokenUsage, complete
from citewell.features.connections.pooling import FAILURES, ModelPool
from citewell.features.search import answers
from citewell.features.search.schemas import QueryReply, QueryRequest
from tests.acting import act_for
from tests.conftest import Library, LiveServer, assert_problem, serving
from tests.vendor import Reply, VendorServer, running_vendor

RULES = "# Lift\n\nThe lift is repaired by Otis Berger. Call extension 4417 at any hour."
QUESTION = "Who repairs the lift?"
SAID = '<quote passage="1">The lift is repaired by Otis Berger.</quote><say>By {name}.</say>'
KEY = "sk-very-secret-and-long-4711"
API = "/api/v1/connections"


def says(name: str) -> Reply:
    return Reply([SAID.replace("{name}", name)])


@pytest.fixture(scope="module")
def allowing(settings: Settings) -> Settings:
    """Settings by which tenants may reach this machine."""
    return settings.model_copy(update={"private_hosts": ("127.0.0.1",)})


@pytest.fixture(scope="module")
def server(allowing: Settings, database_url: str) -> Iterator[LiveServer]:
    with serving(allowing, database_url) as running:
        yield running


@pytest.fixture
async def vendor() -> AsyncIterator[VendorServer]:
    async with running_vendor() as running:
        yield running


@dataclass(frozen=True)
class House:
    """A tenant with a library and a provider."""

    client: httpx.AsyncClient
    tenant_id: uuid.UUID
    vendor: VendorServer

    async def connect(self, **more: object) -> dict[str, Any]:
        """Make a connection."""
        body = {
            "name": "Own", "provider": "openai-compatible", "model": "m-1",
            "base_url": f"{self.vendor.url}/v1", "api_key": KEY, **more,
        }  # fmt: skip
        reply = await self.client.post(API, json=body)
        assert reply.status_code == 201, reply.text
        return reply.json()

    async def change(self, connection_id: str, **changes: object) -> httpx.Response:
        return await self.client.patch(f"{API}/{connection_id}", json=changes)

    async def ask(self) -> dict[str, Any]:
        """The answer to the question."""
        reply = await self.client.post("/api/v1/query", json={"query": QUESTION})
        assert reply.status_code == 200, reply.text
        return reply.json()


@pytest.fixture
async def house(server: LiveServer, vendor: VendorServer) -> AsyncIterator[House]:
    async with server.client(await asyncio.to_thread(server.new_key)) as client:
        await Library(client).add("House rules", RULES)
        (tenant,) = (await client.get("/api/v1/tenants")).json()["data"]
        yield House(client, uuid.UUID(tenant["id"]), vendor)


class TestKeys:
    async def test_key_is_sealed_and_never_comes_back(
        self, house: House, database_url: str
    ) -> None:
        made = await house.connect()
        assert (made["has_key"], made["key_hint"]) == (True, "4711")
        shown = [
            await house.client.get(API),
            await house.client.get(f"{API}/{made['id']}"),
            await house.change(made["id"], name="Another"),
            await house.client.get("/api/v1/audit"),
        ]
        assert "connection.created" in shown[-1].text
        for reply in shown:
            assert reply.status_code == 200, reply.text
            assert KEY not in reply.text
        with psycopg.connect(database_url) as connection:
            act_for(connection, house.tenant_id)
            rows = connection.execute(
                "SELECT sealed_key, model_connection::text FROM model_connection"
            )
            for sealed, row in rows:
                assert KEY.encode() not in bytes(sealed)
                assert KEY not in row
                assert KEY.encode().hex() not in row

    async def test_key_goes_to_no_other_address_than_it_was_given_for(self, house: House) -> None:
        made = await house.connect()
        for changes in ({"base_url": f"{house.vendor.url}/other"}, {"provider": "ollama"}):
            refused = await house.change(made["id"], **changes)
            assert_problem(refused, 422, "connection_key_needed")
        moved = await house.change(
            made["id"], base_url=f"{house.vendor.url}/v2", api_key="sk-other"
        )
        assert moved.json()["key_hint"] is None  # too short to hint at
        assert (await house.change(made["id"], model="m-2")).status_code == 200
        without = await house.change(made["id"], base_url=f"{house.vendor.url}/v3", api_key=None)
        assert without.json()["has_key"] is False


class TestAnswers:
    async def test_changes_hold_from_the_next_question_on_all_nodes(
        self, house: House, platform: Platform, allowing: Settings
    ) -> None:
        other_node = replace(platform, settings=allowing)
        operator = Caller(house.tenant_id, OPERATOR)

        async def ask_there() -> QueryReply:
            return await answers.answer(other_node, operator, QueryRequest(query=QUESTION))

        assert (await house.ask())["metadata"]["model"] == "extractive"
        made = await house.connect()
        house.vendor.script += [says("Otis")]
        written = await house.ask()
        assert written["answer"] == "By Otis. [1]"
        assert written["metadata"]["model"] == "openai-compatible:m-1"
        assert house.vendor.received[-1].headers["authorization"] == f"Bearer {KEY}"
        assert (await house.ask())["metadata"]["cached"] is True
        house.vendor.script += [says("Berger"), says("Otis Berger")]
        there = await ask_there()
        assert there.answer == "By Berger. [1]"
        await house.change(made["id"], model="m-2")
        again = await house.ask()
        assert again["answer"] == "By Otis Berger. [1]"
        assert house.vendor.received[-1].body["model"] == "m-2"
        assert (await house.change(made["id"], min_role="director")).status_code == 200
        employee = Actor(ActorKind.USER, user_id=uuid.uuid4(), role=Role.EMPLOYEE, is_admin=False)
        told = await answers.answer(
            other_node, Caller(house.tenant_id, employee), QueryRequest(query=QUESTION)
        )
        assert "Otis Berger" in told.answer
        assert told.metadata.model == "extractive"
        assert (await house.client.delete(f"{API}/{made['id']}")).status_code == 204
        assert (await ask_there()).metadata.model == "extractive"
        assert (await house.ask())["metadata"]["model"] == "extractive"
        await platform.state_of(ModelPool).close()

    async def test_next_one_stands_in_for_one_that_fails(self, house: House) -> None:
        await house.connect(name="Second", model="m-2", priority=1)
        await house.connect(name="First", model="m-1")
        refused = Reply(status=401)

        def reply(request: Any) -> Reply:
            return refused if request.body["model"] == "m-1" else says("the second")

        house.vendor.answering = reply
        for number in range(FAILURES + 1):
            body = {"query": QUESTION, "cache": False}
            told = (await house.client.post("/api/v1/query", json=body)).json()
            assert told["answer"] == "By the second. [1]", number
            assert told["metadata"]["model"] == "openai-compatible:m-2"
        asked = [each.body["model"] for each in house.vendor.received]
        assert asked.count("m-1") == FAILURES  # then it rests

    async def test_questions_a_model_does_not_take_leave_it_to_others(self, house: House) -> None:
        await house.connect()
        for place in range(FAILURES + 1):
            house.vendor.script += [Reply(status=400)]
            body = {"query": QUESTION, "cache": False}
            told = (await house.client.post("/api/v1/query", json=body)).json()
            assert told["metadata"]["model"] == "extractive", place
        house.vendor.script += [says("Otis")]
        assert (await house.ask())["answer"] == "By Otis. [1]"

    async def test_reply_without_end_is_given_up(self, house: House) -> None:
        await house.connect()
        house.vendor.script += [Reply(["<say>" + "x" * 1_000] * 2_000)]
        told = await house.ask()
        assert told["metadata"]["model"] == "extractive"
        assert [each["what"] for each in told["metadata"]["degraded"]] == ["llm"]

    async def test_title_of_a_use_is_not_for_answers(self, house: House) -> None:
        await house.connect(uses=["title"])
        assert (await house.ask())["metadata"]["model"] == "extractive"


class TestTrying:
    async def test_everything_a_model_can_do_is_told(self, house: House) -> None:
        made = await house.connect()
        path = f"{API}/{made['id']}/test"
        house.vendor.script += [
            Reply(["ready"]),
            Reply([], calls=[("c1", "note_number", ['{"number": 7}'])]),
            Reply([], calls=[("c2", "give_reply", ['{"name": "blue", "letters": 4}'])]),
        ]
        told = (await house.client.post(path)).json()
        assert told["ok"] is True
        assert [(each["name"], each["ok"]) for each in told["checks"]] == [
            ("models", True), ("text", True), ("tools", True), ("structured_output", True),
        ]  # fmt: skip
        assert told["models"] == ["m-1", "m-2"]
        assert told["first_token_ms"] >= 0
        house.vendor.script += [Reply(status=401)] * 3
        failed = (await house.client.post(path)).json()
        assert failed["ok"] is False
        assert "does not accept the key" in failed["checks"][1]["detail"]
        assert KEY not in str(failed)

    async def test_lists_that_would_fill_the_memory_are_refused(self, house: House) -> None:
        made = await house.connect()
        house.vendor.answering = lambda _: Reply(["ready"])
        for names, compresses in ((["m" * 20_000_000], False), (["m-1", "m" * 500_000], True)):
            house.vendor.models, house.vendor.compresses = names, compresses
            reply = await house.client.post(f"{API}/{made['id']}/test")
            assert len(reply.text) < 5_000
            assert (reply.json()["checks"][0]["ok"], reply.json()["models"]) == (False, [])
        house.vendor.models, house.vendor.compresses = ["m-1", "m" * 500_000], False
        told = (await house.client.post(f"{API}/{made['id']}/test")).json()
        assert told["models"] == ["m-1"]


class EchoModel:
    """Says what it is told, while it is open."""

    name = "echo"
    has_json_format = False

    def __init__(self) -> None:
        self.is_open = True

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamItem, None]:
        assert self.is_open
        yield request.system
        yield ReplyEnd(TokenUsage())

    async def close(self) -> None:
        self.is_open = False


class TestPool:
    async def test_model_held_longer_than_the_pool_does_answers_and_is_closed(self) -> None:
        made: list[EchoModel] = []

        async def make() -> EchoModel:
            made.append(EchoModel())
            return made[-1]

        pool, tenant_id = ModelPool(), uuid.uuid4()
        held = await pool.get((tenant_id, uuid.uuid4(), 1), make)
        await pool.keep_only(tenant_id, [])
        assert not made[0].is_open
        assert (await complete(held, ModelRequest((), "hello"))).text == "hello"
        assert [each.is_open for each in made] == [False, False]


class TestRefusals:
    async def test_what_cannot_work_is_refused_at_once(self, house: House) -> None:
        await house.connect()
        own = {"provider": "openai-compatible", "model": "m", "base_url": house.vendor.url}
        cases: tuple[tuple[dict[str, Any], int, str], ...] = (
            ({"name": "own", **own}, 409, "connection_exists"),
            ({"name": "a", "provider": "openai", "model": "m"}, 422, "invalid_connection"),
            (
                {"name": "a", "provider": "openai-compatible", "model": "m"},
                422,
                "invalid_connection",
            ),
            ({"name": "a", "provider": "nobody", "model": "m"}, 422, "validation_error"),
            ({"name": "a", **own, "uses": []}, 422, "validation_error"),
            ({"name": "a", **own, "base_url": "http://10.0.0.1/v1"}, 422, "invalid_connection"),
            (
                {"name": "a", **own, "base_url": "http://[::ffff:10.0.0.1]/"},
                422,
                "invalid_connection",
            ),
            (
                {"name": "a", **own, "base_url": "http://169.254.169.254/"},
                422,
                "invalid_connection",
            ),
            ({"name": "a", **own, "base_url": "file:///etc/passwd"}, 422, "invalid_connection"),
            ({"name": "a", **own, "base_url": "http://u:p@127.0.0.1/"}, 422, "invalid_connection"),
            ({"name": "a", **own, "base_url": "http://127.0.0.1:x/"}, 422, "invalid_connection"),
        )
        for body, status, code in cases:
            assert_problem(await house.client.post(API, json=body), status, code)
        assert len((await house.client.get(API)).json()["data"]) == 1
        missing = f"{API}/{uuid.uuid4()}"
        assert_problem(await house.client.get(missing), 404, "connection_not_found")
        assert_problem(await house.client.post(f"{missing}/test"), 404, "connection_not_found")

    async def test_address_that_is_private_later_is_not_reached(
        self, house: House, platform: Platform
    ) -> None:
        await house.connect()
        before = len(house.vendor.received)
        # This node's operator allows nothing, as if the name had another address by now.
        reply = await answers.answer(
            platform, Caller(house.tenant_id, OPERATOR), QueryRequest(query=QUESTION, cache=False)
        )
        assert reply.metadata.model == "extractive"
        assert [each.what for each in reply.metadata.degraded] == ["llm"]
        assert len(house.vendor.received) == before
        await platform.state_of(ModelPool).close()
