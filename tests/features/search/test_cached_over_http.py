"""Cached answers over HTTP: two users, equal questions, and rights that end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest

from citewell.access.policy import Role
from citewell.indexes.contract import index_of
from tests.conftest import Library, LiveServer
from tests.office import Office, open_office
from tests.waiting import PATIENCE

QUESTION = "What is the code of gate {n}?"


@pytest.fixture
async def office(live_server: LiveServer) -> AsyncIterator[Office]:
    async with AsyncExitStack() as stack:
        yield await open_office(live_server, stack)


async def settle(office: Office) -> None:
    """Have what was published counted, which weighs words anew and so ends what is cached."""
    maintenance = index_of(office.server.platform).maintenance
    await office.run(maintenance.fold_statistics(office.tenant_id))


async def ask(client: httpx.AsyncClient, query: str) -> dict:
    reply = await client.post("/api/v1/query", json={"query": query})
    assert reply.status_code == 200, reply.text
    return reply.json()


class TestQuery:
    @pytest.mark.parametrize("pairs", [20, pytest.param(200, marks=pytest.mark.slow)])
    async def test_equal_questions_of_two_users_cross_nothing(
        self, office: Office, pairs: int
    ) -> None:
        library = Library(office.service)
        await library.add("Gates", "The code of gate A is 1111.", access_level="public")
        secret = await library.add(
            "Vault", "The code of gate A is 9999 for directors.", access_level="restricted"
        )
        await settle(office)
        clients = [(await office.person(role)).client for role in (Role.GUEST, Role.DIRECTOR)]
        cached, seen = 0, 0
        for _ in range(2):
            for n in range(pairs):
                guest, director = await asyncio.gather(
                    *(ask(client, QUESTION.format(n=f"A {n}")) for client in clients)
                )
                assert secret["id"] not in str(guest)
                assert "for directors" not in str(guest)
                seen += secret["id"] in str(director)
                cached += guest["metadata"]["cached"] + director["metadata"]["cached"]
                assert guest["query_id"] != director["query_id"]
        assert cached == 2 * pairs
        assert seen > 0

    async def test_right_that_ends_is_gone_from_cached_answers_within_a_second(
        self, office: Office
    ) -> None:
        library = Library(office.service)
        secret = await library.add(
            "Vault", "The code of gate A is 9999.", access_level="restricted"
        )
        await settle(office)
        person = await office.person(Role.EMPLOYEE)
        path = f"/api/v1/documents/{secret['id']}/grants"
        question = QUESTION.format(n="A")

        async def is_told() -> bool:
            return "9999" in (await ask(person.client, question))["answer"]

        # By a rule: it holds from the next question on.
        rule = {"user_id": str(person.id), "effect": "read"}
        made = (await office.service.put(path, json=rule)).json()
        assert await is_told()
        assert (await ask(person.client, question))["metadata"]["cached"]
        await office.service.delete(f"{path}/{made['id']}")
        assert not await is_told()
        # By the role: credentials are remembered for half a second.
        user = f"/api/v1/users/{person.id}"
        assert (await office.service.patch(user, json={"role": "director"})).status_code == 200
        await until(is_told)
        assert await is_told()
        assert (await office.service.patch(user, json={"role": "employee"})).status_code == 200

        async def is_gone() -> bool:
            return not await is_told()

        await until(is_gone)
        # By the document.
        await office.service.patch(
            f"/api/v1/documents/{secret['id']}", json={"access_level": "public"}
        )
        assert await is_told()
        assert (await office.service.delete(f"/api/v1/documents/{secret['id']}")).is_success
        assert not await is_told()


async def until(condition) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.05)
