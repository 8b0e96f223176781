"""Ctrl-C in the middle: what was taken in is kept, and the same command finishes the work."""

import signal
import time
from pathlib import Path

import pytest

from tests.entrypoints.conftest import PATIENCE, Installation, Running
from tests.entrypoints.test_last_replies import wait_until_it_works

pytestmark = pytest.mark.usefixtures("logging_put_back")

FILES, PASSAGES = 8, 16


@pytest.fixture
def many_files(tmp_path: Path) -> Path:
    """Work for some seconds; each file says one thing that no other says."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(FILES):
        sections = [
            f"## Section {section}\n\n"
            + " ".join(
                f"In aisle {section} of hall {number} shelf {shelf} keeps spare part {shelf * 7}."
                for shelf in range(12)
            )
            for section in range(PASSAGES)
        ]
        text = f"# Hall {number}\n\n" + "\n\n".join(sections)
        (folder / f"hall-{number:02}.md").write_text(text)
    return folder


def wait_for_work(installation: Installation, running: Running) -> None:
    """Until files have been taken in and a little more."""
    deadline = time.monotonic() + PATIENCE
    while not any((installation.home / "files").rglob("?" * 64)):
        assert running.process.poll() is None, running.err
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.5)


class TestWorker:
    def test_worker_in_the_background_ends_when_asked(self, installation: Installation) -> None:
        running = installation.start("worker", in_background=True)
        try:
            wait_until_it_works(installation)
            assert running.stop(signal.SIGTERM) == 0, running.err
        finally:
            running.end()
        assert running.err.splitlines()[-1].startswith("Worker stopped")
        assert "Traceback" not in running.err
        installation.assert_database_ends()


class TestIngest:
    def test_interrupted_ingest_is_finished_by_the_same_command(
        self, installation: Installation, many_files: Path
    ) -> None:
        running = installation.start("ingest", str(many_files))
        try:
            wait_for_work(installation, running)
            # To the whole group, as the terminal does: the parsers hear it too.
            assert running.stop(signal.SIGINT, group=True) == 130, running.err
        finally:
            running.end()
        assert running.err.splitlines()[-1].startswith("Stopped. What was read is kept")
        assert "Traceback" not in running.err
        assert running.out == ""
        installation.assert_database_ends()

        documents = installation.json("ingest", str(many_files))["documents"]
        assert [item["status"] for item in documents] == ["ready"] * FILES
        assert {item["version"] for item in documents} == {1}
        assert len({item["document_id"] for item in documents}) == FILES
        assert len({item["chunks"] for item in documents}) == 1
        hits = installation.json(
            "search", "spare part in hall 7", "--top-k", "100", "--filter", "filename=hall-07.md"
        )["results"]
        assert len(hits) == documents[0]["chunks"]
        assert len({(hit["start"], hit["end"]) for hit in hits}) == len(hits)
