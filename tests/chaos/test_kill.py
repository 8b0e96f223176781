"""kill -9 in the middle: what was acknowledged is there once, and the same command finishes."""

import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.entrypoints.conftest import PATIENCE, Installation

from .conftest import FILES, end_server, rows, server_processes

READY = "SELECT d.source FROM document d JOIN document_version v ON v.id = d.active_version_id"
SECOND_WORKER = "SELECT 1 FROM procrastinate_workers WHERE id > 1"
OPEN = "SELECT 1 FROM document_version WHERE status IN ('queued', 'processing')"


def kill_in_the_middle(installation: Installation, folder: Path, *, database: bool) -> set[object]:
    """Kill an ingest that has made a few files ready; returns the files it had registered."""
    running = installation.start("ingest", str(folder))
    try:
        deadline = time.monotonic() + PATIENCE
        while len(rows(installation.home, READY)) < 3:
            assert running.process.poll() is None, running.err
            assert time.monotonic() < deadline
            time.sleep(0.02)
        sources = rows(installation.home, "SELECT source FROM document")
        os.killpg(running.process.pid, signal.SIGKILL)
        if database:
            end_server(installation.home)
        running.process.wait(PATIENCE)
    finally:
        running.end()
    return {source for (source,) in sources}


def assert_all_are_there_once(installation: Installation, folder: Path) -> None:
    result = installation.run("ingest", str(folder), "--json")
    assert result.returncode == 0, result.stdout + result.stderr
    documents = json.loads(result.stdout)["documents"]
    assert {document["status"] for document in documents} == {"ready"}
    assert {document["version"] for document in documents} == {1}
    assert len({document["document_id"] for document in documents}) == FILES
    for number in (0, FILES - 1):
        found = installation.run("search", f"marker{number}", "--json", "--top-k", "50")
        hits = json.loads(found.stdout)["results"]
        assert sum(f"marker{number} " in hit["text"] for hit in hits) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "database",
    [
        pytest.param(False, id="app"),
        pytest.param(True, id="app and database"),
    ],
)
class TestKilledIngest:
    def test_worker_finishes_what_was_registered_and_the_command_the_rest(
        self, installation: Installation, small_files: Path, database: bool
    ) -> None:
        registered = kill_in_the_middle(installation, small_files, database=database)
        assert len(registered) >= 3
        worker = installation.start("worker")
        try:
            deadline = time.monotonic() + PATIENCE
            while not rows(installation.home, SECOND_WORKER):
                assert worker.process.poll() is None, worker.err
                assert time.monotonic() < deadline
                time.sleep(0.1)
            while rows(installation.home, OPEN) or not (ready := rows(installation.home, READY)):
                assert worker.process.poll() is None, worker.err
                assert time.monotonic() < deadline
                time.sleep(0.1)
            assert worker.stop(signal.SIGTERM) == 0, worker.err
        finally:
            worker.end()
        assert registered <= {source for (source,) in ready}
        assert_all_are_there_once(installation, small_files)
        assert server_processes(installation.home) == []

    def test_three_kills_in_a_row_leave_nothing_double(
        self, installation: Installation, small_files: Path, database: bool
    ) -> None:
        growing = small_files.parent / "growing"
        growing.mkdir()
        for count in (6, 14, FILES):
            for path in sorted(small_files.iterdir())[:count]:
                shutil.copy(path, growing)
            kill_in_the_middle(installation, growing, database=database)
        assert_all_are_there_once(installation, growing)
