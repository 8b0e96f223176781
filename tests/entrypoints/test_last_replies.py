"""Requests in flight get a reply when the server ends under them, or a part beside it."""

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from citewell.core.database.embedded import EmbeddedServer
from tests.entrypoints.conftest import PATIENCE, Installation
from tests.entrypoints.test_serving import address_of, key_of

WAITING = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
WORKING = "SELECT 1 FROM procrastinate_workers"


@contextmanager
def locked(installation: Installation, table: str) -> Iterator[psycopg.Connection[Any]]:
    """Holds a table, so that whoever reads it waits."""
    url = EmbeddedServer(installation.home / "database").url("postgres", "citewell")
    with psycopg.connect(url) as connection:
        connection.execute(f'LOCK TABLE "{table}" IN ACCESS EXCLUSIVE MODE'.encode())
        yield connection


def wait_for_waiting(holder: psycopg.Connection[Any], table: str) -> int:
    """Process of the database's session that waits for the table."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = holder.execute(WAITING, (table,)).fetchall()
        if found:
            return found[0][0]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_until_it_works(installation: Installation) -> None:
    url = EmbeddedServer(installation.home / "database").url("postgres", "citewell")
    deadline = time.monotonic() + PATIENCE
    while True:
        with suppress(psycopg.Error), psycopg.connect(url) as connection:
            if connection.execute(WORKING).fetchone():
                return
        assert time.monotonic() < deadline
        time.sleep(0.1)


def wait_until_it_is_closed(address: str) -> None:
    """Wait until the server takes no connections, as it does once it stops."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            host = urlsplit(address)
            socket.create_connection((host.hostname, host.port), 1).close()
        except OSError:
            return
        assert time.monotonic() < deadline
        time.sleep(0.02)


class InFlight:
    """A request that is on its way."""

    def __init__(self, address: str, key: str) -> None:
        self.reply: httpx.Response | None = None
        self._url = f"{address}/api/v1/documents"
        self._headers = {"Authorization": f"Bearer {key}"}
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _ask(self) -> None:
        self.reply = httpx.get(self._url, headers=self._headers, timeout=PATIENCE)

    def problem(self) -> dict[str, Any]:
        """The problem that came back, once it is there."""
        self._thread.join(PATIENCE)
        assert self.reply is not None
        assert self.reply.headers["content-type"] == "application/problem+json", self.reply.text
        assert self.reply.json()["request_id"] == self.reply.headers["x-request-id"]
        return self.reply.json()


@pytest.fixture(scope="module")
def worker(installation: Installation) -> Iterator[None]:
    """A process beside the server, so that the database does not stop with it."""
    running = installation.start("worker")
    try:
        wait_until_it_works(installation)
        yield
    finally:
        running.end()


@pytest.mark.usefixtures("worker")
class TestStop:
    def test_a_request_that_is_given_up_gets_a_problem(self, installation: Installation) -> None:
        server = installation.start("serve", "--port", "0", "--no-worker")
        try:
            server.wait_for("Ask a question")
            with locked(installation, "document") as holder:
                request = InFlight(address_of(server), key_of(installation))
                wait_for_waiting(holder, "document")
                server.process.send_signal(signal.SIGINT)
                # Two signals at once would count as one, and a third ends all at once.
                wait_until_it_is_closed(address_of(server))
                server.process.send_signal(signal.SIGINT)  # twice: requests are given up
                problem = request.problem()
            assert (problem["status"], problem["code"]) == (503, "interrupted")
        finally:
            server.end()


@pytest.mark.usefixtures("worker")
class TestGreeting:
    """After the first start of a server, which has made what a greeting reads."""

    def test_a_session_that_ends_under_it_does_not_end_the_server(
        self, installation: Installation
    ) -> None:
        with locked(installation, "user_account") as holder:
            server = installation.start("serve", "--port", "0", "--no-worker")
            session = wait_for_waiting(holder, "user_account")
            holder.execute("SELECT pg_terminate_backend(%s)", (session,))
        try:
            server.wait_for("Ask a question")
            reply = httpx.get(f"{address_of(server)}/api/v1/health/ready", timeout=PATIENCE)
            assert reply.status_code == 200
        finally:
            server.end()
