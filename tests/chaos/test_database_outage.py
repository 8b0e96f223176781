"""The database stops under a running worker and comes back."""

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from citewell.core.database.embedded import EmbeddedServer
from citewell.core.database.migrations import migrate
from citewell.core.platform import Platform
from citewell.core.settings import Settings
from tests.conftest import new_caller
from tests.features.ingestion.conftest import Rows, recount, statistics
from tests.quiet import Shelf, quiet_platform
from tests.waiting import PATIENCE

READY = "SELECT 1 FROM document_version WHERE {t} AND status = 'ready'"
OPEN = "SELECT 1 FROM document_version WHERE {t} AND status IN ('queued', 'processing')"


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    """A server that may be stopped."""
    with tempfile.TemporaryDirectory(prefix="citewell-test-") as folder:
        server = EmbeddedServer(Path(folder) / "db")
        server.start()
        migrate(server.url("postgres", "postgres"))
        yield server
        server.stop()


@pytest.fixture
async def platform(server: EmbeddedServer, tmp_path: Path) -> AsyncIterator[Platform]:
    url = server.url("postgres", "postgres")
    settings = Settings(_env_file=None, home=tmp_path / "home", database_url=url)
    async with quiet_platform(settings, url, dead_after=2.0) as platform:
        yield platform


@pytest.mark.parametrize(
    ("how", "files"),
    [
        ("killed", 12),
        pytest.param("killed", 40, marks=pytest.mark.slow),
        pytest.param("shut down", 40, marks=pytest.mark.slow),
    ],
)
async def test_worker_waits_for_its_database_and_finishes(
    server: EmbeddedServer, platform: Platform, tmp_path: Path, how: str, files: int
) -> None:
    shelf = Shelf(platform, await new_caller(platform), tmp_path)
    rows = Rows(platform.database.url, shelf)
    added = [
        await shelf.register(f"{number}.txt", f"# Hall {number}\n\n" + "Doors close at six. " * 400)
        for number in range(files)
    ]
    worker = asyncio.ensure_future(platform.queue.run_worker(platform))
    try:
        await until(
            lambda: (
                len(rows.select("SELECT 1 FROM document_version WHERE {t} AND status = 'ready'"))
                >= 3
            )
        )
        pid = server.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL if how == "killed" else signal.SIGINT)
        await until(lambda: not reachable(server))
        await until(lambda: how == "killed" or server.pid() is None)  # it has closed its files
        assert not worker.done()
        again = EmbeddedServer(Path(server.socket_folder).parent)
        again.start()
        await until(lambda: not rows.select(OPEN))
        again.stop()
    finally:
        worker.cancel()
        await asyncio.wait([worker])
    for one in added:
        version, job = await shelf.state(one)
        assert (version.status, version.error_detail) == ("ready", None)
        assert job is not None
        assert job.status == "succeeded"
    assert len({chunk["document_id"] for chunk in rows.chunks(active=True)}) == len(added)
    assert statistics(rows) == recount(rows)


def reachable(server: EmbeddedServer) -> bool:
    try:
        psycopg.connect(server.url("postgres", "postgres"), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


async def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
