"""The peer's environment, and the process that runs in it."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.options import ROOT

PEERS = {
    "langchain": "LangChain + Chroma",
    "llamaindex": "LlamaIndex",
    "haystack": "Haystack",
    "txtai": "txtai",
}
"""Peers by the name of their program, lock and environment."""

WEIGHTS = ROOT / "src/citewell/engine/embedding/models/all-MiniLM-L6-v2"


def environment_of(peer: str) -> Path:
    """The virtual environment of a peer; it may not be there yet."""
    return ROOT / f".venv-peer-{peer}"


class PeerMissingError(Exception):
    """The peer cannot run here; the message says why."""


class PeerProcess:
    """Takes orders, gives results; see `bench/peer/orders.py`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.rss_at_start = int(self._read()["rss"])

    def do(self, order: str, **values: object) -> dict[str, Any]:
        """Have one order done.

        Raises:
            PeerMissingError: It died of it.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": order, **values}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise PeerMissingError("the peer's process ended") from error
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise PeerMissingError(f"the peer's process ended with {self._process.wait()}")
        return json.loads(line)


def prepare(peer: str) -> None:
    """Make a peer's environment as its lock file says, unless it is already so.

    Raises:
        PeerMissingError: It cannot be made here.
    """
    lock, venv = ROOT / "requirements" / f"peer-{peer}.txt", environment_of(peer)
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = venv / ".lock"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == digest:
        return
    print(f"Making the environment of {PEERS[peer]}, once ...", file=sys.stderr, flush=True)
    base = Path(sys.base_prefix) / "bin" / "python3"
    commands = (
        [str(base), "-m", "venv", str(venv)],
        [
            str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-compile",
            "--disable-pip-version-check", "--require-hashes", "-r", str(lock),
        ],
    )  # fmt: skip
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            reason = said[-1].removeprefix("ERROR: ")[:160] if said else "the installer failed"
            raise PeerMissingError(f"its environment cannot be made: {reason}")
    stamp.write_text(digest, encoding="utf-8")


@contextmanager
def running_peer(peer: str) -> Iterator[PeerProcess]:
    """A peer with its model loaded.

    Raises:
        PeerMissingError: It cannot run here.
    """
    prepare(peer)
    process = subprocess.Popen(
        [
            str(environment_of(peer) / "bin" / "python"),
            str(ROOT / "bench" / "peer" / f"run_{peer}.py"),
            str(WEIGHTS),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": ""},
    )
    try:
        yield PeerProcess(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
