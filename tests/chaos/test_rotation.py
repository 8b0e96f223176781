"""Keys are exchanged under a running server, and whoever does it is killed in the middle."""

import hashlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.entrypoints.conftest import Installation, Running
from tests.entrypoints.test_serving import address_of, key_of
from tests.waiting import PATIENCE

from .conftest import rows

FILES_BEFORE = 60
KILLS = 12
"""Of each of the two commands."""

CANARY = "canary of the chronicle"


class Traffic:
    """Somebody who adds documents and reads them again, and notes what was acknowledged."""

    def __init__(self, client: httpx.Client, address: str, key: str) -> None:
        self.client = client
        self.client.headers["Authorization"] = f"Bearer {key}"
        self.turn_to(address)
        self.added: dict[str, str] = {}
        self.errors: list[str] = []
        self._is_over = threading.Event()

    def turn_to(self, address: str) -> None:
        self.client.base_url = f"{address}/api/v1"

    def add(self, number: int) -> None:
        content = f"{CANARY} {number} " * 50
        reply = self.client.post(
            "/documents/upload", files={"files": (f"{number}.txt", content.encode())}
        )
        if reply.status_code != 202:
            self.errors.append(reply.text)
            return
        digest = hashlib.sha256(content.encode()).hexdigest()
        self.added[reply.json()["documents"][0]["id"]] = digest

    def wrong(self) -> list[str]:
        """Documents whose originals are not what was handed in."""
        return [each for each, digest in list(self.added.items()) if self.digest(each) != digest]

    def digest(self, document_id: str) -> str:
        reply = self.client.get(f"/documents/{document_id}/file")
        if reply.status_code != 200:
            return reply.text
        return hashlib.sha256(reply.content).hexdigest()

    def work(self) -> None:
        number = FILES_BEFORE
        while not self._is_over.is_set():
            self.add(number)
            number += 1
            for document_id in random.sample(sorted(self.added), 3):
                if self.digest(document_id) != self.added[document_id]:
                    self.errors.append(document_id)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        thread = threading.Thread(target=self.work)
        thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            thread.join()


def serving(installation: Installation) -> Running:
    running = installation.start("serve", "--port", "0", CITEWELL_RATE_LIMIT_REQUESTS="0")
    running.wait_for("http://")
    return running


def kill_within(installation: Installation, seconds: float, *arguments: str) -> None:
    """Kill a command some time after it has begun its work, or see it end well."""
    running = installation.start("keys", "rotate", *arguments)
    try:
        time.sleep(seconds)
        if running.process.poll() is None:
            os.killpg(running.process.pid, signal.SIGKILL)
        assert running.process.wait(PATIENCE) in (0, -signal.SIGKILL), running.err
    finally:
        running.end()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=PATIENCE) as opened:
        yield opened


@pytest.mark.slow
class TestKilledRotation:
    def test_every_original_is_readable_before_and_after_a_new_start(
        self, installation: Installation, client: httpx.Client
    ) -> None:
        server = serving(installation)
        try:
            traffic = Traffic(client, address_of(server), key_of(installation))
            for number in range(FILES_BEFORE):
                traffic.add(number)
            old = (installation.home / "secret.key").read_bytes()
            with traffic.going_on():
                for number in range(KILLS):
                    kill_within(installation, random.uniform(1.5, 3), *["--resume"] * (number % 2))
                    kill_within(installation, random.uniform(1.2, 2.5), "--master")
                for arguments in (("--json",), ("--master", "--json")):
                    done = installation.run("keys", "rotate", *arguments)
                    assert done.returncode == 0, done.stdout + done.stderr
            assert traffic.errors == []
            assert traffic.wrong() == []
        finally:
            server.end()
        assert (installation.home / "secret.key").read_bytes() != old
        assert not (installation.home / "secret.key.next").exists()
        files = [path for path in (installation.home / "files").rglob("*") if path.is_file()]
        assert not any(CANARY.encode() in path.read_bytes() for path in files)
        server = serving(installation)
        try:
            traffic.turn_to(address_of(server))
            assert traffic.wrong() == []
            assert rows(installation.home, "SELECT count(*) FROM tenant_key") == [(2,)]
        finally:
            server.end()
