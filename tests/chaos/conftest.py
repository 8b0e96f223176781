"""Real processes that are killed, and disks that fill up."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from citewell.core.database.embedded import EmbeddedServer
from tests.entrypoints.conftest import Installation, installed, prepared_once
from tests.waiting import PATIENCE

FILES = 24

LONGEST = ("test_storm", "test_database_restarts", "test_nodes", "test_turns", "test_kill")
"""Files whose tests are begun first, so that no process is left with one of them at the end."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first among these, where they stand among all."""
    here = Path(__file__).parent
    places = [place for place, item in enumerate(items) if item.path.parent == here]
    own = [items[place] for place in places]

    def rank(item: pytest.Item) -> int:
        return LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST)

    for place, item in zip(places, sorted(own, key=rank), strict=True):
        items[place] = item


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder outside pytest's own, which each run of pytest shuts to other users again."""
    with tempfile.TemporaryDirectory(prefix="citewell-test-", ignore_cleanup_errors=True) as path:
        Path(path).chmod(0o711)
        yield Path(path)
        end_server(Path(path) / "home")


@pytest.fixture(scope="session")
def lasting(run_folder: Path) -> Path:
    """A database that nobody has used, and that keeps what it has confirmed as the product's does.

    Making one takes seconds, which each test would spend.
    """
    return prepared_once(run_folder / "lasting", {})


@pytest.fixture
def installation(place: Path, lasting: Path) -> Installation:
    """An installation of the test's own, new but for its database's first start."""
    return installed(place, lasting)


@pytest.fixture
def small_files(place: Path) -> Path:
    """Files that each say one thing no other says."""
    folder = place / "small"
    folder.mkdir()
    for number in range(FILES):
        text = f"The marker{number} stands in hall {number}. " + "It is looked after daily. " * 20
        (folder / f"file-{number:02}.md").write_text(f"# Hall {number}\n\n{text}")
    return folder


def server_processes(home: Path) -> list[psutil.Process]:
    """Live processes of an installation's database."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(home.resolve() / "database" / "data"):
                found.append(process)
        except psutil.Error:
            continue
    return found


def end_server(home: Path) -> None:
    """Kill an installation's database."""
    for process in server_processes(home):
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def rows(home: Path, statement: str) -> list[tuple[object, ...]]:
    """Rows of a statement as the database's administrator; none while it cannot be reached."""
    url = EmbeddedServer(home / "database").url("postgres", "citewell")
    try:
        with psycopg.connect(url, connect_timeout=int(PATIENCE)) as connection:
            return connection.execute(statement.encode()).fetchall()
    except psycopg.Error:
        return []


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
