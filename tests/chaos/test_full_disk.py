"""A disk that fills up: named failures, nothing lost, and the same command finishes the work."""

import json
import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.entrypoints.conftest import PATIENCE, Installation

from . import consistency
from .conftest import run, server_processes
from .report import record
from .site import Site
from .storm import SETTLED

DISK_MIB = 160
FILES = 24

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")


@pytest.fixture
def installation(place: Path) -> Installation:
    """One of which nothing is there: its database is made on the small disk."""
    return Installation(place)


@pytest.fixture
def disk(installation: Installation) -> Iterator[Path]:
    """A small disk under the installation's home."""
    home = installation.home
    home.mkdir()
    # Less than what is kept free by default: here the disk itself has to refuse.
    installation.variables["CITEWELL_DISK_RESERVE_BYTES"] = "0"
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(home)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    yield home
    for process in server_processes(home):
        process.kill()
        process.wait(PATIENCE)
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


@pytest.fixture
def site(installation: Installation, disk: Path) -> Iterator[Site]:
    """A server and a worker with their home on the small disk."""
    assert installation.home == disk
    site = Site(installation, workers=1)
    site.start()
    site.wait_until_it_answers()
    yield site
    site.stop()


def bulk(number: int) -> bytes:
    """Two megabytes, of which some are text that the database has to store."""
    filling = random.Random(number).randbytes(900_000).hex()
    text = " ".join(f"In hall {n} lamp {n * number} is lit." for n in range(4_000))
    return f"<html><body><p>{text}</p><!--{filling}--></body></html>".encode()


def upload(client: httpx.Client, name: str, content: bytes) -> httpx.Response:
    return client.post("/documents/upload", files={"files": (name, content)})


@pytest.mark.slow
class TestServer:
    def test_full_disk_is_told_reads_go_on_and_space_heals_it(
        self, site: Site, disk: Path, refused: Callable[[httpx.Response, int, str], None]
    ) -> None:
        headers = {"Authorization": f"Bearer {site.first_key()}"}
        kept = b"# Kept\n\nThe keeper of the marks is Anna."
        bulky = [bulk(number) for number in range(4)]
        base_url = f"{site.url}/api/v1"
        with httpx.Client(base_url=base_url, headers=headers, timeout=PATIENCE) as client:
            [first] = upload(client, "kept.md", kept).json()["documents"]
            site.until(lambda: not site.has(SETTLED))

            leave(disk, 500)
            for number, content in enumerate(bulky):
                refused(upload(client, f"bulky-{number}.html", content), 507, "storage_full")
            assert client.get("/documents").json()["pagination"]["total"] == 1
            assert client.get(f"/documents/{first['id']}/file").content == kept
            [hit] = client.post("/search", json={"query": "keeper"}).json()["results"]
            assert "Anna" in hit["text"]
            assert left_over(disk) == []

            leave(disk, 6_000)  # for some of it: the rest fails wherever there is no more room
            replies = {
                number: upload(client, f"bulky-{number}.html", content)
                for number, content in enumerate(bulky)
            }
            assert {reply.status_code for reply in replies.values()} <= {202, 503, 507}
            time.sleep(2)
            (disk / "ballast").unlink()
            begun = time.monotonic()
            site.wait_until_it_answers()
            for number, content in enumerate(bulky):
                again = upload(client, f"bulky-{number}.html", content)
                assert again.status_code == 202, again.text
                if replies[number].status_code == 202:
                    assert again.json()["documents"][0]["version"] == 1
            healed = time.monotonic() - begun
            site.until(lambda: not site.has(SETTLED))
            states = client.get("/documents").json()["data"]
        assert {state["status"] for state in states} == {"ready"}
        assert {state["version"] for state in states} == {1}
        assert len(states) == 1 + len(bulky)
        site.until(lambda: not site.has("SELECT FROM term_delta"))
        twice, drift = site.duplicates(), site.drift()
        record(
            "full disk", refused=len(bulky), seconds_to_heal=round(healed, 1),
            duplicates=consistency.count(twice), drift=consistency.count(drift),
        )  # fmt: skip
        assert (twice, drift, left_over(disk)) == ({}, {}, [])


def left_over(disk: Path) -> list[Path]:
    """Lists the files of the folder for uploads in progress."""
    return [path for name in ("files/staging", "tmp") for path in (disk / name).glob("*")]


@pytest.mark.slow
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
