"""The server as a process: its greeting, its port, its end."""

import re
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import psutil
import pytest

from tests.entrypoints.conftest import Installation, Running
from tests.waiting import PATIENCE

pytestmark = pytest.mark.usefixtures("logging_put_back")

FACT = "Employees get 26 days of annual leave in a year."


@pytest.fixture(scope="module")
def installation(new_installation: Installation) -> Installation:
    """The first start is what these tests are about."""
    return new_installation


@pytest.fixture(scope="module")
def first_start(installation: Installation) -> Iterator[Running]:
    """A server on a new installation, with a vendor's key lying about."""
    running = installation.start("serve", "--port", "0", OPENAI_API_KEY="sk-not-ours")
    try:
        running.wait_for("Ask a question")
        yield running
    finally:
        running.end()


def address_of(running: Running) -> str:
    found = re.search(r"Citewell answers on (http://\S+) ", running.out)
    assert found, running.out
    return found[1]


def key_of(installation: Installation) -> str:
    return (installation.home / "first.key").read_text().strip()


def ask(address: str, key: str, question: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.post(
        f"{address}/api/v1/query", json={"query": question}, headers=headers, timeout=PATIENCE
    )


@pytest.mark.promise
class TestFirstStart:
    def test_greeting_says_where_it_is_and_no_secret(
        self, first_start: Running, installation: Installation
    ) -> None:
        address = address_of(first_start)
        ready = httpx.get(f"{address}/api/v1/health/ready", timeout=PATIENCE)
        assert ready.status_code == 200
        assert f"{address}/api/docs" in first_start.out
        for name, output in (("first.key", first_start.err), ("setup.token", first_start.out)):
            file = installation.home / name
            assert str(file) in output
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert file.read_text().strip() not in first_start.out + first_start.err
        assert re.search(r"\bcw[a-z]?_", first_start.out + first_start.err) is None

    def test_a_vendors_key_is_mentioned_and_not_used(
        self, first_start: Running, installation: Installation
    ) -> None:
        assert "OPENAI_API_KEY is set, but your documents stay here" in first_start.out
        assert "sk-not-ours" not in first_start.out + first_start.err
        reply = ask(address_of(first_start), key_of(installation), "Is anybody there?")
        assert reply.json()["metadata"]["model"] == "extractive"

    def test_only_this_machine_can_reach_it(self, first_start: Running) -> None:
        family = psutil.Process(first_start.process.pid)
        listening = [
            connection.laddr.ip
            for process in (family, *family.children(recursive=True))
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert listening == ["127.0.0.1"]

    @pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
    def test_the_line_to_copy_works_word_for_word(
        self, first_start: Running, installation: Installation
    ) -> None:
        address, key = address_of(first_start), key_of(installation)
        taken = httpx.post(
            f"{address}/api/v1/documents",
            json={"title": "Leave", "content": FACT},
            headers={"Authorization": f"Bearer {key}"},
            timeout=PATIENCE,
        )
        assert taken.status_code == 202
        line = first_start.out[first_start.out.rindex("curl ") :].strip()
        deadline = time.monotonic() + PATIENCE
        while True:
            result = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
            assert result.returncode == 0, result.stderr
            if "26 days" in result.stdout:
                break
            assert time.monotonic() < deadline, result.stdout
            time.sleep(0.2)
        assert '"abstained":false' in result.stdout

    def test_a_port_in_use_is_one_line_and_3(
        self, first_start: Running, installation: Installation
    ) -> None:
        port = address_of(first_start).rpartition(":")[2]
        for more in ([], ["--workers", "2"]):
            result = installation.call("serve", "--port", port, *more)
            assert (result.exit_code, result.stdout) == (3, "")
            assert f"port {port}" in result.stderr
            assert len(result.stderr.splitlines()) == 1

    def test_it_ends_and_takes_the_database_along(
        self, first_start: Running, installation: Installation
    ) -> None:
        address = address_of(first_start)
        family = psutil.Process(first_start.process.pid).children(recursive=True)
        assert installation.database_processes()
        assert first_start.stop(signal.SIGTERM) == 0
        installation.assert_database_ends()
        assert psutil.wait_procs(family, timeout=PATIENCE)[1] == []
        with suppress(httpx.ConnectError):
            httpx.get(address)
            pytest.fail("somebody still answers")
        assert first_start.err.endswith("Server stopped.\n")
        assert "Traceback" not in first_start.err


class TestAddress:
    @pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.7", "a" * 300])
    def test_an_address_that_is_not_ours_is_one_line_and_3(
        self, host: str, installation: Installation
    ) -> None:
        result = installation.call("serve", "--host", host, "--port", "0")
        assert (result.exit_code, result.stdout) == (3, "")
        assert host in result.stderr
        assert len(result.stderr.splitlines()) == 1

    def test_a_port_that_is_taken_is_told_before_anything_is_opened(
        self, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        unused = Installation(tmp_path_factory.mktemp("unused"))
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            result = unused.call("serve", "--port", port)
        assert (result.exit_code, result.stdout) == (3, "")
        assert not unused.home.exists()
