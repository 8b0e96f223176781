"""A PostgreSQL of the test's own, and processes that use it."""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from citewell.core.database.embedded import EmbeddedServer
from tests.waiting import PATIENCE

USER = """
import sys
from pathlib import Path
from citewell.core.database.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]))
server.start()
print("up", server.is_first_user, server.pid(), flush=True)
sys.stdin.read()
server.stop()
"""
"""A process that uses a server until its standard input is closed."""


class UserProcess:
    """Another process that uses the embedded server in a folder."""

    def __init__(self, folder: Path, *prefix: str, **options: object) -> None:
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-c", USER, str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            **options,
        )  # fmt: skip
        self.is_first_user = False

    def wait_up(self) -> "UserProcess":
        assert self.process.stdout is not None
        words = self.process.stdout.readline().split()
        if not words:
            raise AssertionError(self.process.communicate()[1])
        self.is_first_user = words[1] == "True"
        return self

    def leave(self) -> None:
        """End as a process should."""
        _, complaints = self.process.communicate("", timeout=PATIENCE)
        assert self.process.returncode == 0, complaints

    def kill(self) -> None:
        """End as no process should."""
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=PATIENCE)


def server_processes(folder: Path) -> list[psutil.Process]:
    """All live processes that work in a server's data folder."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            alive = process.status() != psutil.STATUS_ZOMBIE
            if alive and process.cwd() == str(folder.resolve() / "data"):
                found.append(process)
        except psutil.Error:
            continue
    return found


def assert_none_left(folder: Path) -> None:
    """No process of a server is left; one that has let go of its files may need a moment more."""
    deadline = time.monotonic() + PATIENCE
    while left := server_processes(folder):
        assert time.monotonic() < deadline, left
        time.sleep(0.01)


def answer(server: EmbeddedServer, statement: str = "SELECT 1") -> object:
    """First value of the first row of a statement; None if it gives no rows."""
    url = server.url("postgres", "postgres")
    with psycopg.connect(url, autocommit=True, connect_timeout=int(PATIENCE)) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


def kill_server(folder: Path) -> None:
    """Kill all processes of a server at once."""
    for process in server_processes(folder):
        with suppress(psutil.NoSuchProcess):  # its postmaster's death may have ended it
            process.kill()
    deadline = time.monotonic() + PATIENCE
    while server_processes(folder) and time.monotonic() < deadline:
        time.sleep(0.01)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for a server; whatever still runs there ends with the test.

    Not in pytest's own folder: each run of pytest shuts that to other users again, and a server
    that root starts runs as another user.
    """
    with tempfile.TemporaryDirectory(prefix="citewell-test-", ignore_cleanup_errors=True) as path:
        yield Path(path) / "db"
        for data in Path(path).glob("**/data/PG_VERSION"):
            kill_server(data.parents[1])


@pytest.fixture(scope="session")
def cluster() -> Iterator[Path]:
    """A folder whose server was started and stopped once: what most tests begin with."""
    with tempfile.TemporaryDirectory(prefix="citewell-test-") as path:
        server = EmbeddedServer(Path(path) / "db")
        server.start()
        answer(server, "CREATE TABLE kept AS SELECT 42 AS n")
        server.stop()
        yield Path(path) / "db"


@pytest.fixture
def used(folder: Path, cluster: Path) -> Path:
    """A folder whose server has a table `kept` and is stopped."""
    subprocess.run(["cp", "-a", str(cluster), str(folder)], check=True)
    return folder


@pytest.fixture
def use(folder: Path) -> Iterator[Callable[..., UserProcess]]:
    """Start another process that uses the server."""
    started: list[UserProcess] = []

    def start(*prefix: str, **options: object) -> UserProcess:
        started.append(UserProcess(folder, *prefix, **options))
        return started[-1]

    yield start
    for user in started:
        if user.process.poll() is None:
            user.kill()
