"""A server with its worker while everything behind it fails: it lives, loses nothing, says so."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator

import httpx
import psycopg
import pytest
import structlog

from tests.conftest import Library, LiveServer, Servers
from tests.core.test_queue_faults import CHANNEL, GARBAGE
from tests.features.events.conftest import rename, watching
from tests.waiting import PATIENCE

ROUNDS = 3

LOOKUPS = {
    "events.sweep": "citewell_tenants_with_events(bigint)",
    "idempotency.forget": "citewell_tenants_with_old_replies(timestamptz)",
    "index.build": "citewell_tenants_to_build(bigint)",
    "index.purge": "citewell_tenants_to_purge(int)",
    "index.statistics": "citewell_tenants_to_fold()",
    "trash.purge": "citewell_tenants_with_expired_trash(integer)",
}
"""First statement of each background task; without the right to it, the task fails each time."""


@pytest.fixture(autouse=True)
def quiet_logs() -> Iterator[None]:
    """Some hundred tracebacks would be nothing to read."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


class TestFaults:
    async def test_a_hundred_faults_end_nothing_and_lose_nothing(
        self, own_server: LiveServer, own_database: str, servers: Servers
    ) -> None:
        url, key = servers.url(own_database), own_server.new_key()
        async with own_server.client(key) as client:
            library, added = Library(client), list[str]()
            watched = await library.add("Lamp", "The lamp is green.")
            async with watching(own_server, key, f"document:{watched['id']}") as socket:
                forbid(url, *LOOKUPS.values())
                run(url, "UPDATE schedule SET next_run_at = now()")  # also what is due each minute
                for number in range(ROUNDS):
                    for payload in GARBAGE:
                        run(url, "SELECT pg_notify(%s, %s)", CHANNEL, payload)
                        run(url, "SELECT pg_notify('citewell_event', %s)", payload)
                    run(url, "DELETE FROM procrastinate_workers")
                    body = {"title": f"Note {number}", "content": f"The lamp has {number} arms."}
                    reply = await client.post("/api/v1/documents", json=body)
                    added.append(reply.json()["documents"][0]["id"])
                await until(client, lambda failing: failing == sorted(LOOKUPS))
                for document_id in added:
                    assert (await library.settled(document_id))["status"] == "ready"
                await rename(client, watched["id"], "Lantern")
                assert (await socket.next("document_update"))["document"]["title"] == "Lantern"

                allow(url, *LOOKUPS.values())
                await until(client, lambda failing: failing == [])
        stuck = "SELECT count(*) FROM job WHERE status <> 'succeeded'"
        assert run(url, stuck) == [(0,)]
        # A job's end is committed before the queue forgets it.
        await gone(lambda: run(url, "SELECT 1 FROM procrastinate_jobs"))


async def until(client: httpx.AsyncClient, holds: Callable[[list[str]], bool]) -> None:
    """Wait until `health` names these failing tasks."""
    deadline = time.monotonic() + PATIENCE
    while True:
        reply = await client.get("/api/v1/health/ready")
        assert reply.status_code == 200
        said = reply.json()
        failing = [each["task"] for each in said["failing"]]
        assert said["status"] == ("degraded" if failing else "ok")
        if holds(failing):
            return
        assert time.monotonic() < deadline, failing
        await asyncio.sleep(0.2)


async def gone(rows: Callable[[], list[tuple[object, ...]]]) -> None:
    deadline = time.monotonic() + PATIENCE
    while left := rows():
        assert time.monotonic() < deadline, left
        await asyncio.sleep(0.1)


def forbid(url: str, *functions: str) -> None:
    for function in functions:
        run(url, f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")


def allow(url: str, *functions: str) -> None:
    for function in functions:
        run(url, f"GRANT EXECUTE ON FUNCTION {function} TO PUBLIC")


def run(url: str, statement: str, *values: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []
