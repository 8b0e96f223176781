"""Liveness, readiness and what happens when the database goes away."""

import asyncio
import time
from collections.abc import Callable

import httpx
from psycopg import sql

import citewell
from tests.conftest import Library, LiveServer, Servers
from tests.waiting import PATIENCE

Refused = Callable[[httpx.Response, int, str], None]


def close_database(servers: Servers, name: str) -> None:
    """Cut all connections to a database and let no new ones in."""
    servers.execute(
        sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name))
    )
    servers.execute(
        # With a time limit it waits until each is gone.
        sql.SQL(
            "SELECT pg_terminate_backend(pid, 180000) FROM pg_stat_activity WHERE datname = {}"
        ).format(sql.Literal(name))
    )


def reopen_database(servers: Servers, name: str) -> None:
    servers.execute(
        sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(name))
    )


class TestHealth:
    async def test_live_and_ready_need_no_key(self, anonymous: httpx.AsyncClient) -> None:
        live = await anonymous.get("/api/v1/health/live")
        assert (live.status_code, live.json()) == (
            200,
            {"status": "ok", "version": citewell.__version__},
        )
        ready = await anonymous.get("/api/v1/health/ready")
        assert (ready.status_code, ready.json()) == (200, {"status": "ok", "failing": []})

    async def test_root_leads_to_the_documentation(self, anonymous: httpx.AsyncClient) -> None:
        reply = await anonymous.get("/")
        assert (reply.status_code, reply.headers["location"]) == (307, "/api/docs")


class TestDatabaseOutage:
    async def test_outage_is_503_and_heals_by_itself(
        self, own_server: LiveServer, own_database: str, servers: Servers, refused: Refused
    ) -> None:
        async with own_server.client(own_server.new_key()) as client:
            library = Library(client)
            kept = await library.add("Opening hours", "The library opens at nine.")
            close_database(servers, own_database)

            assert (await client.get("/api/v1/health/live")).status_code == 200
            refused(await client.get("/api/v1/health/ready"), 503, "unavailable")
            question = {"query": "When does the library open?"}
            for path in ("/search", "/query", "/query/stream"):
                reply = await client.post(f"/api/v1{path}", json=question)
                refused(reply, 503, "database_unavailable")
            body = {"title": "Lost", "content": "This is never taken in."}
            reply = await client.post("/api/v1/documents", json=body)
            refused(reply, 503, "database_unavailable")
            reply = await client.delete(f"/api/v1/documents/{kept['id']}")
            refused(reply, 503, "database_unavailable")
            assert servers.admin_url not in reply.text

            reopen_database(servers, own_database)
            await became_ready(client)
            [hit] = await library.search("library opens", top_k=1)
            assert hit["document_id"] == kept["id"]
            listed = (await client.get("/api/v1/documents")).json()["data"]
            assert [item["id"] for item in listed] == [kept["id"]]
            # The worker has come back too.
            assert (await library.add("Later", "Taken in afterwards."))["status"] == "ready"


async def became_ready(client: httpx.AsyncClient) -> None:
    deadline = time.monotonic() + PATIENCE
    while (await client.get("/api/v1/health/ready")).status_code != 200:
        assert time.monotonic() < deadline, "the server did not recover"
        await asyncio.sleep(0.1)
