"""A hundred faults in what runs in the background: no server ends, no job is lost, `health` tells.

They are injected from outside, in the database that the processes use: functions and tables are
named otherwise for a moment, so that the next statement of a task raises; sessions are ended;
garbage is sent on every channel; rows of workers are deleted. A fault counts when the log of a
process says that the very task has failed, and garbage when the server has said so or work went on.
"""

import itertools
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import httpx
import psycopg
import pytest

from tests.entrypoints.conftest import PATIENCE, Installation

from . import consistency
from .report import record
from .site import Site
from .storm import SETTLED

pytestmark = pytest.mark.slow

FAULTS = 100

GARBAGE = ("", "x", "{", "null", "[]", '{"type": 1}', '{"type": "job_inserted"}', "x" * 7900)
CHANNELS = ("procrastinate_any_queue_v1", "citewell_event")

FAILED = re.compile(r"background_task_failed.*?\btask\W+([\w.]+)")


@dataclass(frozen=True)
class Break:
    """A way to make the next run of a task fail, and to make it work again."""

    task: str
    breaking: str
    mending: str


def away(task: str, kind: str, name: str) -> Break:
    """Take a function or table away."""
    return Break(
        task,
        f"ALTER {kind} {name} RENAME TO {name}_away",
        f"ALTER {kind} {name}_away RENAME TO {name}",
    )


RECURRING = (
    away("trash.purge", "FUNCTION", "citewell_tenants_with_expired_trash"),
    away("index.statistics", "FUNCTION", "citewell_tenants_to_fold"),
    away("index.build", "FUNCTION", "citewell_tenants_to_build"),
    away("index.purge", "FUNCTION", "citewell_tenants_to_purge"),
    away("events.sweep", "FUNCTION", "citewell_tenants_with_events"),
    away("idempotency.forget", "FUNCTION", "citewell_tenants_with_old_replies"),
)
WORKER = (
    (away("jobs.worker", "FUNCTION", "procrastinate_fetch_job_v2"),),
    (away("jobs.rescue", "TABLE", "procrastinate_workers"),),
)
"""In turns: a worker that fails again within half a minute waits for longer each time, and has to
be back before it can rescue."""
SCHEDULES = (away("schedules", "TABLE", "schedule"),)
EVENTS = (away("events.read", "TABLE", "event"),)
"""Requests and jobs use this table as well: it is taken away while nothing runs."""
COUNTS = (
    Break(
        "usage.write",
        "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'broken'; END $$;"
        "CREATE TRIGGER broken BEFORE INSERT OR UPDATE ON usage_record"
        " FOR EACH ROW EXECUTE FUNCTION broken()",
        "DROP FUNCTION broken() CASCADE",
    ),
)


@pytest.fixture
def site(installation: Installation) -> Iterator[Site]:
    """A server and a worker."""
    site = Site(installation, workers=1)
    site.start()
    site.wait_until_it_answers()
    yield site
    site.stop()


class Faults:
    """Counts the injected faults and reads the failures in the processes' output."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.count = 0
        headers = {"Authorization": f"Bearer {site.first_key()}"}
        self.client = httpx.Client(base_url=f"{site.url}/api/v1", headers=headers, timeout=PATIENCE)
        self.documents = 0

    def failures(self) -> Counter[str]:
        """How often each task has failed, in all processes."""
        return Counter(
            name for one in self._site.processes for name in FAILED.findall(one.output.read_text())
        )

    def failing(self) -> set[str]:
        """The tasks that `health` names."""
        with suppress(httpx.TransportError):
            reply = self.client.get("/health/ready")
            if reply.status_code == 200:
                return {each["task"] for each in reply.json()["failing"]}
        return set()

    def upload(self) -> None:
        """Hand a document in."""
        number = self.documents
        file = {"files": (f"hall-{number}.md", f"# Hall {number}\n\nIt closes at six.".encode())}
        reply = self.client.post("/documents/upload", files=file)
        assert reply.status_code == 202, self._site.explained(reply)
        self.documents += 1

    def ask(self) -> None:
        """Search, so that something is to be counted; counts are written together later."""
        self.client.post("/search", json={"query": "when does the hall close"})

    def settle(self) -> None:
        """Wait until all that was handed in is ready."""
        self._site.until(lambda: not self._site.has(SETTLED))

    def inject(self, breaks: Sequence[Break], *, until_told: bool = False, do: str = "") -> None:
        """Let tasks fail once, or until `health` names all of them; one fault each."""
        before, names = self.failures(), {each.task for each in breaks}
        with self._site.connect() as connection:
            for each in breaks:
                connection.execute(each.breaking.encode())
            try:
                self._site.until(lambda: self._have_failed(connection, names, before, do))
                if until_told and "schedules" not in names:
                    self._site.until(lambda: self._is_told(connection, names))
            finally:
                for each in breaks:
                    connection.execute(each.mending.encode())
        self.count += len(breaks)

    def _is_told(self, connection: psycopg.Connection[tuple[object, ...]], names: set[str]) -> bool:
        _hurry(connection)
        return self.failing() >= names

    def _have_failed(
        self,
        connection: psycopg.Connection[tuple[object, ...]],
        names: set[str],
        before: Counter[str],
        do: str,
    ) -> bool:
        if do == "ask":
            self.ask()
        elif do:
            connection.execute(do.encode())
        else:
            _hurry(connection)
        now = self.failures()
        return all(now[name] > before[name] for name in names)

    def end_listening(self) -> None:
        """End the server's session that hears of events."""
        before = self.failures()["events.listen"]
        query = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'citewell-events'"
        )
        self._site.until(lambda: self._site.rows(query))
        self._site.until(lambda: self.failures()["events.listen"] > before)
        self.count += 1

    def garbage(self) -> None:
        """Send what is no notification on every channel."""
        with self._site.connect() as connection:
            for channel in CHANNELS:
                for payload in GARBAGE:
                    connection.execute("SELECT pg_notify(%s, %s)", (channel, payload))
                    self.count += 1

    def forget_workers(self) -> None:
        """Delete the rows of all workers; each takes its own back with its next heartbeat."""
        self._site.until(lambda: self._site.rows("DELETE FROM procrastinate_workers RETURNING id"))
        self._site.until(lambda: self._site.rows("SELECT id FROM procrastinate_workers"))
        self.count += 1


def _hurry(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Let all recurring work be due now; without the table it is the table that is missed."""
    with suppress(psycopg.errors.UndefinedTable):
        connection.execute("UPDATE schedule SET next_run_at = now() WHERE holder IS NULL")


class Listener(threading.Thread):
    """Keeps a stream of events open, so that the server listens; comes back when it ends."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        self._site = site
        self.heard = 0
        self.is_over = False

    def run(self) -> None:
        headers = {"Authorization": f"Bearer {self._site.first_key()}"}
        while not self.is_over:
            with (
                suppress(httpx.HTTPError),
                httpx.stream(
                    "GET", f"{self._site.url}/api/v1/events", params={"topics": "jobs"},
                    headers=headers, timeout=PATIENCE,
                ) as reply,
            ):  # fmt: skip
                for part in reply.iter_bytes():
                    self.heard += len(part)
                    if self.is_over:
                        return


def test_a_hundred_faults_end_no_server_and_lose_no_job(site: Site) -> None:
    faults, listener, begun = Faults(site), Listener(site), time.monotonic()
    alive = [one.pid for one in site.processes]
    listener.start()
    try:
        [(tenant,)] = site.rows("SELECT id FROM tenant WHERE slug = 'default'")
        for _ in range(3):
            heard = listener.heard
            faults.upload()
            faults.settle()
            site.until(lambda heard=heard: listener.heard > heard)
            faults.ask()
            faults.inject(COUNTS, do="ask")
            faults.inject(EVENTS, do=f"SELECT pg_notify('citewell_event', '{tenant}')")
        faults.inject(RECURRING, until_told=True)
        for breaks in itertools.cycle(WORKER):
            if faults.count >= FAULTS:
                break
            faults.upload()
            faults.inject(RECURRING)
            faults.inject(breaks)
            faults.inject(SCHEDULES)
            faults.end_listening()
            faults.garbage()
            faults.upload()
            faults.forget_workers()
        site.until(lambda: not faults.failing())
    finally:
        listener.is_over = True
        faults.upload()  # which the listener hears of
        listener.join()
    faults.settle()
    faults.client.close()
    ended = [one for one in site.processes if not one.is_alive]
    states = site.rows("SELECT status, count(*) FROM job GROUP BY status")
    lost = faults.documents - sum(n for status, n in states if status == "succeeded")
    twice, drift = site.duplicates(), site.drift()
    record(
        "faults", faults=faults.count, servers_ended=len(ended), jobs=faults.documents, lost=lost,
        told_by_health=len(RECURRING), seconds=round(time.monotonic() - begun),
        duplicates=consistency.count(twice), drift=consistency.count(drift),
    )  # fmt: skip
    assert (ended, [one.pid for one in site.processes]) == ([], alive), site.last_words()
    assert (lost, twice, drift) == (0, {}, {}), states
