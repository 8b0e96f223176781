"""Two filled organisations behind one server whose log is kept, once for all tests of isolation."""

import asyncio
import io
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest
import structlog

from citewell.core.settings import Settings
from citewell.entrypoints import logs
from tests.conftest import LiveServer, serving
from tests.isolation.probes import Tally
from tests.isolation.world import Organisation, fill_library, found_organisation
from tests.waiting import PATIENCE


@dataclass
class World:
    """Our organisation, which is attacked, and theirs, from which some attackers come."""

    server: LiveServer
    url: str
    ours: Organisation
    theirs: Organisation
    log: io.StringIO
    tally: Tally


@contextmanager
def kept_log(settings: Settings) -> Iterator[io.StringIO]:
    """All that the process logs, down to debugging; logging is put back afterwards."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    quiet = {name: logging.getLogger(name).level for name in logs.QUIET_LIBRARIES}
    logs.configure(settings.model_copy(update={"log_level": "debug", "log_format": "json"}))
    structlog.configure(cache_logger_on_first_use=False)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(root.handlers[0].formatter)
    root.handlers[:] = [handler]
    for name in ("httpx", "httpcore"):  # the test's own client, not the server
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        yield stream
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        for name, number in quiet.items():
            logging.getLogger(name).setLevel(number)
        structlog.configure(**before)


@pytest.fixture(scope="session")
def world(settings: Settings, database_url: str) -> Iterator[World]:
    """The server and both organisations."""
    with kept_log(settings) as log, serving(settings, database_url) as server:

        async def fill() -> list[Organisation]:
            made = [await found_organisation(server.platform) for _ in range(2)]
            for org in made:
                await fill_library(server, org)
            return made

        waiting = asyncio.run_coroutine_threadsafe(fill(), server.loop)
        ours, theirs = waiting.result(PATIENCE)
        finish_jobs(database_url)
        yield World(server, database_url, ours, theirs, log, Tally())


def finish_jobs(url: str) -> None:
    """Wait for the jobs that filling the library left behind: they write rows of their own."""
    due = (
        "SELECT task_name FROM procrastinate_jobs"
        " WHERE status IN ('todo', 'doing') AND coalesce(scheduled_at, now()) <= now()"
    )
    deadline = time.monotonic() + PATIENCE
    with psycopg.connect(url, autocommit=True) as connection:
        while left := connection.execute(due).fetchall():
            assert time.monotonic() < deadline, left
            time.sleep(0.05)
