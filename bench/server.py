"""A real `citewell serve` on a free port of loopback, and what it and its database weigh."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.options import ROOT

CITEWELL = (sys.executable, "-m", "citewell.entrypoints.cli")
LONGEST_START = 60.0
POLL = 0.01


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers."""

    process: subprocess.Popen[bytes]
    home: Path
    port: int
    seconds_to_healthy: float

    def family(self) -> list[psutil.Process]:
        """Its processes and those of its database."""
        roots = [self.process.pid]
        pid_file = self.home / "database" / "data" / "postmaster.pid"
        if pid_file.is_file():
            roots.append(int(pid_file.read_text(encoding="utf-8").split()[0]))
        found: dict[int, psutil.Process] = {}
        for pid in roots:
            root = psutil.Process(pid)
            for process in (root, *root.children(recursive=True)):
                found[process.pid] = process
        return list(found.values())


@contextmanager
def serving(
    home: Path, *arguments: str, bytecode: Path | None = None, **variables: str
) -> Iterator[Server]:
    """Start it, wait until it is healthy, stop it at the end.

    Args:
        home: Its folder; an empty one is a first run.
        arguments: More options of `serve`.
        bytecode: Folder of compiled modules; an empty one is a fresh installation.
        variables: More settings.

    Raises:
        SystemExit: It does not become healthy.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if "CITEWELL_" not in name}
    environment |= {"CITEWELL_HOME": str(home), "CITEWELL_LOG_LEVEL": "warning"}
    environment |= {"CITEWELL_RATE_LIMIT_QUERIES": "0", "CITEWELL_RATE_LIMIT_REQUESTS": "0"}
    environment |= variables
    if bytecode is not None:
        environment["PYTHONPYCACHEPREFIX"] = str(bytecode)
    begun = time.perf_counter()
    process = subprocess.Popen(
        [*CITEWELL, "serve", "--port", str(port), *arguments],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_healthy(process, port)
        yield Server(process, home, port, time.perf_counter() - begun)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_healthy(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.perf_counter() + LONGEST_START
    while time.perf_counter() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"citewell serve ended with {process.returncode}.")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/api/v1/health/ready")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(POLL)
    raise SystemExit("citewell serve did not become healthy within a minute.")
