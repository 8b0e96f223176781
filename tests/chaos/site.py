"""An installation of several real processes that a test kills and starts again."""

import json
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
import psutil
import psycopg

from citewell.core.database.embedded import EmbeddedServer
from tests.entrypoints.conftest import PATIENCE, Installation
from tests.ports import free_port

from . import consistency
from .embedding_service import EmbeddingService
from .nursery import Citizen, Nursery

LATER = (503,)
"""Replies after which nothing has changed and the same can be asked again."""

SERVER_CHARS = 30_000
"""Of the server's log, shown with a reply that should not be: several tracebacks."""

UNLIMITED = {"CITEWELL_RATE_LIMIT_QUERIES": "0", "CITEWELL_RATE_LIMIT_REQUESTS": "0"}


class Site:
    """One server that answers, workers beside it, and the database all of them use."""

    def __init__(self, installation: Installation, *, workers: int = 2, **more: str) -> None:
        self.home = installation.home
        self.embedding = EmbeddingService()
        self.nursery = Nursery(installation.folder)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.variables = installation.environment(
            **UNLIMITED, **self.embedding.variables, CITEWELL_PORT=str(self.port),
            CITEWELL_WORKER_CONCURRENCY="2", **more,
        )  # fmt: skip
        self.database_url = more.get("CITEWELL_DATABASE_URL")
        self.kills = 0
        """Processes that were killed, all told."""
        self.server: Citizen | None = None
        self.workers: list[Citizen | None] = [None] * workers

    @property
    def processes(self) -> list[Citizen]:
        """All of them that were started and not killed."""
        return [one for one in (self.server, *self.workers) if one is not None]

    def start(self) -> None:
        """Start what does not run. The workers come first: one that is alone takes all jobs up."""
        for place, worker in enumerate(self.workers):
            if worker is None or not worker.is_alive:
                self.workers[place] = self.nursery.start(self.variables, "worker")
        if self.server is None or not self.server.is_alive:
            self.server = self.nursery.start(self.variables, "serve", "--no-worker")

    def start_over(self) -> None:
        """Kill all processes of the program; one worker alone is the first to start again."""
        self.kill(*self.processes)
        self.workers[0] = self.nursery.start(self.variables, "worker")
        [(before,)] = self.rows("SELECT coalesce(max(id), 0) FROM procrastinate_workers")
        now = f"SELECT FROM procrastinate_workers WHERE id > {before}"
        self.until(lambda: self.rows(now))
        self.start()

    def wait_until_it_answers(self, seconds: float = PATIENCE) -> None:
        """Wait for the server."""

        def answers() -> bool:
            with suppress(httpx.TransportError):
                return httpx.get(f"{self.url}/api/v1/health/ready", timeout=30).status_code == 200
            return False

        self.until(answers, seconds)

    def first_key(self) -> str:
        """The API key that the first start kept for its operator."""
        return (self.home / "first.key").read_text().strip()

    def until(self, condition: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Wait for something."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.last_words()
            time.sleep(0.05)

    def kill(self, *processes: Citizen | None) -> None:
        """`kill -9`."""
        self.kills += sum(one.kill() for one in processes if one is not None)

    def kill_database(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Kill the embedded database's first process; its others follow it."""
        pid = EmbeddedServer(self.home / "database").pid()
        if pid is not None:
            with suppress(psutil.NoSuchProcess):
                psutil.Process(pid).send_signal(number)
                self.kills += 1

    def connect(self) -> psycopg.Connection[Any]:
        """A session of the database's superuser."""
        url = self.database_url
        if url is None:
            url = EmbeddedServer(self.home / "database").url("postgres", "citewell")
        return psycopg.connect(url, autocommit=True, connect_timeout=int(PATIENCE))

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of a statement."""
        with self.connect() as connection:
            return connection.execute(statement.encode()).fetchall()

    def has(self, statement: str) -> bool:
        """Whether a statement gives rows; as long as the database does not answer, it may."""
        try:
            return bool(self.rows(statement))
        except psycopg.OperationalError:
            return True

    def doctor(self) -> dict[str, list[str]]:
        """Findings of `citewell doctor` by check; the size of the test's disk is left out."""
        made = self.nursery.start(self.variables, "doctor", "--deep", "--json")
        self.until(lambda: not made.is_alive)
        said = made.output.read_text()
        report = json.loads(said[said.index("{") : said.rindex("}") + 1])
        wrong = [
            check for check in report["checks"] if check["problems"] and check["name"] != "disk"
        ]
        return {f"doctor: {check['name']}": check["examples"] for check in wrong}

    def drift(self) -> consistency.Problems:
        """Differences from the documents, as the tests see them and as the product does."""
        with self.connect() as connection:
            return consistency.drift(connection, self.home / "files") | self.doctor()

    def duplicates(self) -> consistency.Problems:
        """Counts duplicate rows."""
        with self.connect() as connection:
            return consistency.duplicates(connection)

    def client(self, key: str, seconds: float = 15) -> httpx.AsyncClient:
        """A client of the API."""
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.AsyncClient(base_url=f"{self.url}/api/v1", headers=headers, timeout=seconds)

    def explained(self, reply: httpx.Response) -> str:
        """A reply that should not be, and what the server wrote while it made it: its traceback."""
        said = self.server.output.read_text() if self.server is not None else ""
        return f"{reply.status_code} {reply.headers}\n{reply.text}\n{said[-SERVER_CHARS:]}"

    def last_words(self) -> str:
        """The end of what each running process wrote."""
        parts = [f"{one.output.name}:\n{one.output.read_text()[-4000:]}" for one in self.processes]
        return "\n".join(parts)

    def stop(self) -> None:
        """End all processes, as one does; they stop the database."""
        for process in self.processes:
            process.signal(signal.SIGTERM)
        with suppress(AssertionError):
            self.until(lambda: not any(one.is_alive for one in self.processes))
        for process in self.processes:
            process.kill()
        self.embedding.stop()
        self.nursery.stop()
