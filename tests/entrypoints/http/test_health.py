"""Liveness, readiness and what happens when the database goes away."""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from psycopg import sql
from sqlalchemy import text

import citewell
from citewell.core.backups.manifest import FOLDER, MANIFEST
from citewell.core.platform import Platform
from citewell.entrypoints.http.app import create_app
from citewell.entrypoints.http.health import BackupLooks, RecentLooks
from citewell.entrypoints.http.warming import Warming, warm
from citewell.features.identity import service as identity
from citewell.features.usage import service as usage
from citewell.kit.clock import utc_now
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

    async def test_summary_names_each_part_without_secrets(
        self, anonymous: httpx.AsyncClient, live_server: LiveServer
    ) -> None:
        reply = await anonymous.get("/api/v1/health")
        found = reply.json()
        assert (reply.status_code, found["version"]) == (200, citewell.__version__)
        parts = {each["name"]: each for each in found["dependencies"]}
        assert parts.keys() == {"database", "files", "disk"}
        assert parts["database"]["status"] == parts["files"]["status"] == "ok"
        assert str(live_server.platform.settings.home) not in reply.text

    async def test_given_request_id_is_taken_if_it_is_plain(
        self, anonymous: httpx.AsyncClient
    ) -> None:
        for given, is_taken in (
            ("4bf92f3577b34da6a3ce929d0e0e4736", True),
            ("proxy-1.request_22", True),
            ("short", False),
            ("x" * 65, False),
            ("has a blank in it", False),
            ("<script>alert(1)</script>", False),
        ):
            sent = {"X-Request-ID": given}
            reply = await anonymous.get("/api/v1/health/live", headers=sent)
            assert (reply.headers["x-request-id"] == given) is is_taken, given


class TestBackups:
    async def test_late_ones_degrade_the_summary_and_nothing_else(
        self, platform: Platform, tmp_path: Path
    ) -> None:
        kept = {"backup_url": str(tmp_path / "kept"), "backup_hours": 24}
        mine = replace(platform, settings=platform.settings.model_copy(update=kept))
        app = create_app(mine.settings, lambda: nullcontext(mine))
        # All looks count.
        mine.state_of(RecentLooks).seconds = mine.state_of(BackupLooks).seconds = 0

        async def told() -> tuple[str, str | None]:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1"
            ) as client:
                summary = (await client.get("/api/v1/health")).json()
                assert (await client.get("/api/v1/health/ready")).status_code == 200
            found = {each["name"]: each for each in summary["dependencies"]}["backups"]
            assert summary["status"] == found["status"]
            assert str(tmp_path) not in json.dumps(summary)
            return found["status"], found["reason"]

        async with app.router.lifespan_context(app):
            assert await told() == ("degraded", "the place cannot be used")
            (tmp_path / "kept").mkdir()
            assert await told() == ("degraded", "none is there yet")
            for hours, expected in (
                (50, ("degraded", "the newest is 50 hours old")),
                (47, ("ok", None)),
            ):
                name = f"{utc_now() - timedelta(hours=hours):%Y%m%dT%H%M%SZ}-aaaaaaaa"
                folder = tmp_path / "kept" / FOLDER / name
                folder.mkdir(parents=True)
                (folder / MANIFEST).write_bytes(b"{}")
                assert await told() == expected


class TestWarming:
    async def test_readiness_waits_for_it_and_liveness_does_not(
        self, own_server: LiveServer
    ) -> None:
        state = own_server.platform.state_of(Warming)
        async with own_server.client() as client:
            state.begin()
            waiting = await client.get("/api/v1/health/ready")
            assert (waiting.status_code, waiting.json()["detail"]) == (
                503,
                "The server is starting.",
            )
            assert (await client.get("/api/v1/health/live")).status_code == 200
            state.end()
            assert (await client.get("/api/v1/health/ready")).status_code == 200

    async def test_a_server_is_ready_once_a_question_was_answered_or_failed(
        self, platform: Platform
    ) -> None:
        """The platform of tests has no default tenant, so this one fails."""
        app = create_app(platform.settings, lambda: nullcontext(platform), is_warmed=True)
        state, deadline = platform.state_of(Warming), time.monotonic() + PATIENCE
        async with app.router.lifespan_context(app):
            assert state.is_under_way
            while state.is_under_way:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.01)

    async def test_it_reads_as_an_answer_does_and_counts_nothing(
        self, own_server: LiveServer
    ) -> None:
        """The default tenant's library is asked, by the operator."""
        platform = own_server.platform

        async def tried() -> tuple[int, int]:
            await identity.ensure_default_tenant(platform)
            await warm(platform)
            await usage.write_waiting(platform)
            tenant_id = await identity.find_tenant(platform, identity.DEFAULT_TENANT)
            async with platform.database.unit_of_work(tenant_id) as session:
                counted = await session.scalar(text("SELECT count(*) FROM usage_record"))
                kept = await session.scalar(text("SELECT count(*) FROM query_log"))
            return counted or 0, kept or 0

        made = asyncio.run_coroutine_threadsafe(tried(), own_server.loop)
        assert await asyncio.wrap_future(made) == (0, 0)


class TestManyCalls:
    async def test_calls_within_some_seconds_share_one_look(
        self, own_server: LiveServer, own_database: str, servers: Servers
    ) -> None:
        """A route open to anyone must not let anyone load the database."""
        looks = own_server.platform.state_of(RecentLooks)
        looks.seconds = 3_600
        async with own_server.client() as client:

            async def told(path: str) -> list[tuple[int, str]]:
                calls = (client.get(f"/api/v1/health{path}") for _ in range(20))
                replies = await asyncio.gather(*calls)
                return [(reply.status_code, reply.json()["status"]) for reply in replies]

            assert set(await told("")) == set(await told("/ready")) == {(200, "ok")}
            close_database(servers, own_database)
            assert set(await told("")) == set(await told("/ready")) == {(200, "ok")}
            looks.seconds = 0
            assert (await told(""))[0] == (200, "unavailable")
            assert (await client.get("/api/v1/health/ready")).status_code == 503
            looks.seconds = 3_600
            reopen_database(servers, own_database)
            # A finding of an outage is kept as well.
            assert set(await told("")) == {(200, "unavailable")}
            assert (await client.get("/api/v1/health/ready")).status_code == 503


class TestDatabaseOutage:
    @pytest.mark.promise
    async def test_outage_is_503_and_heals_by_itself(
        self, own_server: LiveServer, own_database: str, servers: Servers, refused: Refused
    ) -> None:
        async with own_server.client(own_server.new_key()) as client:
            own_server.platform.state_of(RecentLooks).seconds = 0
            library = Library(client)
            kept = await library.add("Opening hours", "The library opens at nine.")
            close_database(servers, own_database)

            assert (await client.get("/api/v1/health/live")).status_code == 200
            summary = (await client.get("/api/v1/health")).json()
            assert summary["status"] == "unavailable"
            assert summary["dependencies"][0]["status"] == "unavailable"
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
