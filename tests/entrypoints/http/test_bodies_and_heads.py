"""Numbers as strings, `HEAD`, and notices of what will go."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import date

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from sqlalchemy import select

from citewell.core.context import Context
from citewell.core.settings import Settings
from citewell.features.http import Deprecation, RoutePolicy, governed
from citewell.models.records import AuditEvent
from tests.conftest import LiveServer, assert_problem, serving
from tests.office import open_office

GOING = "/api/v1/going"
LONG = "/api/v1/long"

parts_made: list[int] = []


async def parts() -> AsyncIterator[bytes]:
    """A stream that notes how far it has come."""
    for number in range(100):
        parts_made.append(number)
        yield b"x"


@pytest.fixture(scope="module")
def extended(settings: Settings, database_url: str) -> Iterator[LiveServer]:
    """A server with two more routes: one will go, one streams."""

    def extend(app: FastAPI) -> None:
        policy = RoutePolicy(deprecation=Deprecation(date(2026, 1, 2), date(2026, 9, 1)))

        async def going() -> dict[str, bool]:
            return {"goes": True}

        async def long() -> StreamingResponse:
            return StreamingResponse(parts())

        app.add_api_route(GOING, governed(policy)(going), tags=["health"])
        app.add_api_route(LONG, governed(RoutePolicy())(long), tags=["health"])

    with serving(settings, database_url, has_worker=False, extend=extend) as server:
        yield server


class TestNumbers:
    async def test_written_as_strings_are_refused(self, shared_client: httpx.AsyncClient) -> None:
        question = {"query": "How long is leave?"}
        for field, value in [
            ("top_k", "5"),
            ("cache", "true"),
            ("diversity", "0.5"),
            ("top_k", 5.5),
        ]:
            reply = await shared_client.post("/api/v1/search", json={**question, field: value})
            assert_problem(reply, 422, "validation_error")
            assert field in reply.json()["detail"]
        sent = {
            **question,
            "top_k": 5,
            "diversity": 1,
            "cache": False,
            "as_of": "2026-01-01T00:00:00Z",
        }
        assert (await shared_client.post("/api/v1/search", json=sent)).status_code == 200
        refused = await shared_client.post(
            "/api/v1/collections", json={"name": "Numbers", "chunk_size": "200"}
        )
        assert_problem(refused, 422, "validation_error")


class TestHead:
    async def test_is_get_without_its_body(self, shared_client: httpx.AsyncClient) -> None:
        got = await shared_client.get("/api/v1/documents")
        head = await shared_client.head("/api/v1/documents")
        assert head.status_code == got.status_code == 200
        assert head.content == b""
        assert head.headers["content-type"] == got.headers["content-type"]
        assert "x-request-id" in head.headers
        missing = await shared_client.head("/api/v1/documents/01a228d2-307f-7011-80ec-deef12b37080")
        assert missing.status_code == 404

    async def test_gives_nothing_away(
        self, anonymous: httpx.AsyncClient, shared_client: httpx.AsyncClient
    ) -> None:
        assert (await anonymous.head("/api/v1/documents")).status_code == 401
        # A stream has no end, and nothing is done by looking at what only takes a `POST`.
        assert (await shared_client.head("/api/v1/events?topics=jobs")).status_code == 405
        assert (await shared_client.head("/api/v1/search")).status_code == 405

    async def test_makes_no_more_of_a_stream_than_its_first_part(
        self, extended: LiveServer
    ) -> None:
        async with extended.client(extended.new_key()) as client:
            parts_made.clear()
            head = await client.head(LONG)
            assert (head.status_code, head.content) == (200, b"")
            # On the same connection, so that the server is done with the request before.
            got = await client.get(LONG)
            assert len(got.content) == 100
            assert len(parts_made) <= 101
            # The connection goes on: it is no failure.
            assert (await client.head(LONG)).status_code == 200
            assert (await client.get(GOING)).status_code == 200

    async def test_makes_no_export_and_leaves_no_trace_of_one(
        self, live_server: LiveServer
    ) -> None:
        async with AsyncExitStack() as stack:
            office = await open_office(live_server, stack)
            for path in (
                "audit/export?format=csv", "queries/export", "analytics/export?table=usage",
                "analytics/export?table=users", "usage/export?format=csv", "usage/export",
            ):  # fmt: skip
                head = await office.service.head(f"/api/v1/{path}")
                assert head.status_code == 200, path
                assert "content-length" not in head.headers, path

                async def exports(ctx: Context) -> list[str]:
                    rows = await ctx.session.scalars(select(AuditEvent.action))
                    return [action for action in rows if "export" in action]

                assert await office.within(exports) == [], path
            for path in ("audit/export?format=csv", "queries/export", "analytics/export",
                         "usage/export", "usage/export?format=csv"):  # fmt: skip
                head = await office.service.head(f"/api/v1/{path}")
                got = await office.service.get(f"/api/v1/{path}")
                assert head.headers["content-type"] == got.headers["content-type"], path
            talk = (await office.service.post("/api/v1/conversations", json={})).json()["id"]
            for query, status in (("", 200), (f"?message_id={talk}", 404)):
                path = f"/api/v1/conversations/{talk}/export{query}"
                head, got = await office.service.head(path), await office.service.get(path)
                assert (head.status_code, got.status_code) == (status, status)
                assert head.headers["content-type"] == got.headers["content-type"]
                assert "content-length" not in head.headers or status == 404
            employee = await office.person()
            for path in ("audit/export", "analytics/export", "usage/export"):
                assert (await employee.client.head(f"/api/v1/{path}")).status_code == 403, path
            setting = {"question_log": "anonymous"}
            await office.service.patch(f"/api/v1/tenants/{office.tenant_id}", json=setting)
            hidden = await office.service.head("/api/v1/analytics/export?table=users")
            assert hidden.status_code == 403


class TestDeprecation:
    async def test_is_told_with_its_days(self, extended: LiveServer) -> None:
        async with extended.client(extended.new_key()) as client:
            reply = await client.get(GOING)
            assert reply.headers["deprecation"] == "@1767312000"
            assert reply.headers["sunset"] == "Tue, 01 Sep 2026 00:00:00 GMT"
            described = (await client.get("/api/openapi.json")).json()
            assert described["paths"][GOING]["get"]["deprecated"] is True
            staying = await client.get("/api/v1/jobs")
            assert "deprecation" not in staying.headers
            assert "deprecated" not in described["paths"]["/api/v1/jobs"]["get"]
