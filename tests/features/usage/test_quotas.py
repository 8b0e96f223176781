import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from citewell.core.context import OPERATOR, Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.engine.llm.base import UserMessage
from citewell.engine.llm.testing import FakeLanguageModel
from citewell.features.identity import service as identity
from citewell.features.search import answers
from citewell.features.search.schemas import QueryRequest
from citewell.features.usage import service
from citewell.features.usage.errors import QuotaReachedError
from citewell.features.usage.pending import PendingCounts
from tests.conftest import Library, LiveServer
from tests.quiet import Shelf

pytestmark = pytest.mark.usefixtures("one_day")

Refused = Callable[[httpx.Response, int, str], None]
Limit = Callable[..., Coroutine[Any, Any, None]]

SEARCH = {"query": "parking"}


@pytest.fixture
def limit(live_server: LiveServer, key: str) -> Limit:
    """Sets limits of this test's tenant, inside the server."""

    async def act(limits: dict[str, int]) -> None:
        platform = live_server.platform
        tenant_id = (await identity.authenticate(platform, key)).tenant_id
        async with unit_of_work(platform, Caller(tenant_id, OPERATOR)) as ctx:
            await ctx.session.execute(
                text("UPDATE tenant SET limits = CAST(:limits AS jsonb) WHERE id = :id"),
                {"limits": json.dumps(limits), "id": tenant_id},
            )

    async def limited(**limits: int) -> None:
        future = asyncio.run_coroutine_threadsafe(act(limits), live_server.loop)
        await asyncio.wrap_future(future)

    return limited


async def used(client: httpx.AsyncClient) -> dict[str, int]:
    reply = await client.get("/api/v1/usage")
    assert reply.status_code == 200, reply.text
    return {item["metric"]: item["used"] for item in reply.json()["usage"]}


class TestUsage:
    async def test_everything_is_counted(self, client: httpx.AsyncClient, library: Library):
        document = await library.add("Parking", "Visitors park in bay 4.")
        await library.add("Parking again", "Visitors park in bay 4.")
        for _ in range(3):
            assert (await client.post("/api/v1/search", json=SEARCH)).status_code == 200
        assert (await client.post("/api/v1/query", json=SEARCH)).status_code == 200
        found = await used(client)
        assert (found["collections"], found["documents"], found["queries"]) == (1, 2, 4)
        assert found["stored_bytes"] > 0
        await client.delete(f"/api/v1/documents/{document['id']}")
        after = await used(client)
        assert after["documents"] == 1
        assert after["stored_bytes"] <= found["stored_bytes"]

    async def test_plan_limits_and_resets_are_told(self, client: httpx.AsyncClient, limit: Limit):
        await limit(documents=7, queries=9)
        reply = (await client.get("/api/v1/usage")).json()
        items = {item["metric"]: item for item in reply["usage"]}
        assert reply["plan"] == "unlimited"
        assert items["documents"] == {
            "metric": "documents", "used": 0, "limit": 7, "resets_at": None,
        }  # fmt: skip
        assert items["queries"]["resets_at"].endswith("T00:00:00Z")
        assert items["users"]["limit"] is None


class TestRefusals:
    async def test_document_too_many_is_403_and_leaves_nothing(
        self, client: httpx.AsyncClient, library: Library, limit: Limit, refused: Refused
    ):
        await limit(documents=1)
        first = await library.add("One", "First text.")
        reply = await client.post("/api/v1/documents", json={"title": "Two", "content": "Second."})
        refused(reply, 403, "quota_reached")
        assert "1 documents" in reply.json()["detail"]
        assert (await client.get("/api/v1/documents")).json()["pagination"]["total"] == 1
        before = await used(client)
        await client.delete(f"/api/v1/documents/{first['id']}")
        reply = await client.post("/api/v1/documents", json={"title": "Two", "content": "Second."})
        assert reply.status_code == 202
        assert (await used(client))["documents"] == before["documents"]

    async def test_bytes_too_many_are_403(
        self, client: httpx.AsyncClient, limit: Limit, refused: Refused
    ):
        await limit(stored_bytes=1000)
        body = {"title": "Long", "content": "word " * 300}
        refused(await client.post("/api/v1/documents", json=body), 403, "quota_reached")
        assert (await used(client))["stored_bytes"] == 0

    async def test_collection_too_many_is_403(
        self, client: httpx.AsyncClient, limit: Limit, refused: Refused
    ):
        await limit(collections=1)
        assert (await client.post("/api/v1/collections", json={"name": "a"})).status_code == 201
        refused(await client.post("/api/v1/collections", json={"name": "b"}), 403, "quota_reached")
        page = (await client.get("/api/v1/collections")).json()
        await client.delete(f"/api/v1/collections/{page['data'][0]['id']}")
        assert (await client.post("/api/v1/collections", json={"name": "b"})).status_code == 201

    @pytest.mark.parametrize("path", ["search", "query", "query/stream"])
    async def test_query_too_many_is_429_with_the_time_to_wait(
        self, client: httpx.AsyncClient, limit: Limit, refused: Refused, path: str
    ):
        await limit(queries=2)
        for _ in range(2):
            assert (await client.post("/api/v1/search", json=SEARCH)).status_code == 200
        reply = await client.post(f"/api/v1/{path}", json=SEARCH)
        refused(reply, 429, "quota_reached")
        assert 0 < int(reply.headers["retry-after"]) <= 86_400


class TestWaiting:
    async def test_queries_without_a_limit_are_all_counted(
        self, platform: Platform, caller: Caller
    ):
        async def query() -> None:
            async with unit_of_work(platform, caller) as ctx:
                await service.consume_query(ctx, OPERATOR)

        await query()
        await asyncio.gather(*(query() for _ in range(20)))
        assert platform.state_of(PendingCounts).tenants() == [caller.tenant_id]
        await service.write_waiting(platform)
        assert platform.state_of(PendingCounts).tenants() == []
        async with unit_of_work(platform, caller) as ctx:
            reply = await service.standing(ctx)
        assert next(item.used for item in reply.usage if item.metric == "queries") == 21


class TestModelTokens:
    async def test_they_are_booked_and_the_model_is_not_asked_without_any(
        self, platform: Platform, caller: Caller, tmp_path: Path
    ):
        await Shelf(platform, caller, tmp_path).add_beside_a_worker(
            "parking.md", "Visitors park in bay 4."
        )
        model = FakeLanguageModel(["Visitors park in bay 4 [1]."])
        writing = replace(platform, llm=model)
        request = QueryRequest(query="Where do visitors park?", cache=False)
        await answers.answer(writing, caller, request)
        async with unit_of_work(platform, caller) as ctx:
            reply = await service.standing(ctx)
            spent = next(item.used for item in reply.usage if item.metric == "model_tokens")
            await ctx.session.execute(
                text("UPDATE tenant SET limits = jsonb_build_object('model_tokens', :n)"),
                {"n": spent},
            )
        (asked,) = model.calls[0].messages
        assert isinstance(asked, UserMessage)
        system, user = model.calls[0].system, asked.text
        assert spent == len(system + user) // 4 + len("Visitors park in bay 4 [1].") // 4
        with pytest.raises(QuotaReachedError) as caught:
            await answers.answer(writing, caller, request)
        assert caught.value.status == 429
        with pytest.raises(QuotaReachedError):
            await anext(answers.stream(writing, caller, request))
        assert len(model.calls) == 1

    async def test_who_leaves_in_the_middle_has_spent_what_was_reserved(
        self, platform: Platform, caller: Caller, tmp_path: Path
    ):
        await Shelf(platform, caller, tmp_path).add_beside_a_worker(
            "parking.md", "Visitors park in bay 4."
        )
        writing = replace(platform, llm=FakeLanguageModel(["Visitors park in bay 4 [1]."]))
        events = answers.stream(writing, caller, QueryRequest(query="Where do visitors park?"))
        await anext(events)
        await events.aclose()
        async with unit_of_work(platform, caller) as ctx:
            reply = await service.standing(ctx)
        assert next(item.used for item in reply.usage if item.metric == "model_tokens") > 5
