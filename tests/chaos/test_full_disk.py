"""A disk that fills up: named failures, nothing lost, and the same command finishes the work."""

import json
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.entrypoints.conftest import Installation

from .conftest import run, server_processes

DISK_MIB = 160
FILES = 24

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk"),
]


@pytest.fixture
def disk(installation: Installation) -> Iterator[Path]:
    """A small disk under the installation's home."""
    home = installation.home
    home.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(home)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    yield home
    for process in server_processes(home):
        process.kill()
        process.wait(10)
    run("umount", "--lazy", str(home))


def leave(disk: Path, kib: int) -> None:
    """Fill the disk but for so much."""
    ballast = disk / "ballast"
    ballast.unlink(missing_ok=True)
    facts = os.statvfs(disk)
    with ballast.open("wb") as file:
        file.write(bytes(facts.f_bavail * facts.f_frsize - kib * 1024))


@pytest.fixture
def bulky_files(place: Path) -> Path:
    """900 kB each, of which little is text: it is the disk that has to do with them."""
    folder = place / "bulky"
    folder.mkdir()
    for number in range(FILES):
        filling = random.Random(number).randbytes(450_000).hex()
        text = f"<h1>Hall {number}</h1><p>The marker{number} is here.</p><!--{filling}-->"
        (folder / f"file-{number:02}.html").write_text(f"<html><body>{text}</body></html>")
    return folder


class TestFullDisk:
    def test_full_disk_loses_nothing_and_the_same_command_finishes(
        self, installation: Installation, disk: Path, bulky_files: Path, place: Path
    ) -> None:
        (place / "kept.md").write_text("# Kept\n\nThe keeper of the marks is Anna.")
        assert installation.run("ingest", str(place / "kept.md")).returncode == 0

        leave(disk, 2_000)
        refused = installation.run("ingest", str(bulky_files))
        assert refused.returncode == 3
        assert "No space left on device" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert len(refused.stderr.strip().splitlines()) == 1

        leave(disk, 22_000)
        partly = installation.run("ingest", str(bulky_files), "--json")
        assert partly.returncode == 1, partly.stderr
        assert "Traceback" not in partly.stderr
        documents = json.loads(partly.stdout)["documents"]
        ready = {document["path"] for document in documents if document["status"] == "ready"}
        assert 0 < len(ready) < FILES
        assert {
            "No space left on device" in document["error"]
            for document in documents
            if document["status"] != "ready"
        } == {True}

        (disk / "ballast").unlink()
        whole = installation.run("ingest", str(bulky_files), "--json")
        assert whole.returncode == 0, whole.stderr
        documents = json.loads(whole.stdout)["documents"]
        assert {document["status"] for document in documents} == {"ready"}
        assert {document["version"] for document in documents} == {1}
        assert len({document["document_id"] for document in documents}) == FILES
        for word, text in (("keeper", "Anna"), (f"marker{FILES - 1}", f"marker{FILES - 1}")):
            found = installation.run("search", word, "--json", "--top-k", "1")
            assert text in json.loads(found.stdout)["results"][0]["text"]
        staged = disk / "files" / "staging"
        assert [*staged.iterdir()] == []
