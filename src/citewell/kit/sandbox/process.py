"""The parent's end of one child process."""

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path

import psutil

from citewell.kit.sandbox.limits import ProcessLimits
from citewell.kit.sandbox.wire import HEADER, MAX_FRAME, Message, decode, encode

WATCH_SECONDS = 0.2
"""Interval between two checks of a busy child's memory and time; a child that swells by 2 GB/s is
400 MB past its limit when it is killed."""

_LAST_WORDS_SECONDS = 2.0
"""Time for a child that has closed its socket to end by itself, so that its status tells why."""

_COMPLAINT_BYTES = 4096

_OUT_OF_MEMORY = (b"memory allocation of", b"MemoryError", b"bad_alloc", b"out of memory")
"""Messages of Rust, Python and C++ that memory ran out. A library that words it otherwise makes the
failure look like a crash."""


class ChildFailure(StrEnum):
    """Reason of a missing answer."""

    TIMEOUT = "timeout"
    MEMORY = "memory"
    KILLED = "killed"
    """Killed from outside: by a person, or by a machine out of memory."""
    CRASHED = "crashed"


class ChildError(Exception):
    """The child ended or broke down before its answer was whole; it cannot be used again."""

    def __init__(self, failure: ChildFailure, status: str = "") -> None:
        super().__init__(f"{failure} {status}".strip())
        self.failure = failure
        self.status = status
        """Exit status for operators: `SIGSEGV`, `status 1`."""


class Child:
    """A process that answers one request at a time."""

    def __init__(
        self,
        module: str,
        limits: ProcessLimits,
        settings: Mapping[str, object] | None = None,
        documents: Sequence[Path] = (),
    ) -> None:
        """Start the process; it is ready when it answers.

        Args:
            module: Module run by `python -m`; its main is `serve_parent`.
            limits: Limits of one request.
            settings: Passed to the child, beside `memory_bytes` and `cpu_seconds`.
            documents: Folders in which it may read files whose names it is told.
        """
        self._limits = limits
        told: dict[str, object] = {
            "memory_bytes": limits.memory_bytes,
            "cpu_seconds": limits.cpu_seconds,
            "documents": [str(folder) for folder in documents],
        }
        self._socket, theirs = socket.socketpair()
        self._socket.setblocking(False)
        # A file, not a pipe: a child that complains at length must not wait for a reader.
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        scratch = str(_scratch_folder())
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                [
                    sys.executable,
                    # -P: no module is taken from the working directory.
                    *("-P", "-m", module),
                    json.dumps({**(settings or {}), **told}),
                    str(os.getpid()),
                ],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=self._complaints,
                # Of its own: Ctrl-C in the terminal is the parent's to handle.
                start_new_session=True,
                # Nothing else of our environment: it may hold keys.
                env={
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                    "PYTHONUTF8": "1",
                    "TMPDIR": scratch,
                    "HOME": scratch,
                },
                cwd=scratch,
            )
        self._watched = psutil.Process(self._process.pid)
        self._stopped_for: ChildFailure | None = None
        self._waited = 0.0
        self.requests = 0

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def resident_bytes(self) -> int:
        """Resident memory; 0 when the process has gone."""
        try:
            return self._watched.memory_info().rss
        except psutil.Error:
            return 0

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    async def ask(self, request: Message) -> None:
        """Send the next request.

        Raises:
            ChildError: The child has gone.
        """
        self.requests += 1
        self._waited = 0.0
        try:
            await asyncio.get_running_loop().sock_sendall(self._socket, encode(request))
        except OSError as error:
            raise await self._explain_end() from error

    async def answer(self) -> Message:
        """Wait for the next message of the child, watching its memory and the time.

        Raises:
            ChildError: The child ended, was killed at a limit, or sent an unreadable answer.
        """
        header = await self._receive(HEADER.size)
        (length,) = HEADER.unpack(header)
        if length > MAX_FRAME:
            raise _nonsense()
        try:
            return decode(await self._receive(length))
        except ValueError as error:
            raise _nonsense() from error

    def kill(self) -> None:
        """End the process at once; `reap` must follow until it is true."""
        self._socket.close()
        if self.is_alive:
            self._process.kill()

    def reap(self) -> bool:
        """Release the ended process; False while it is still ending."""
        if self.is_alive:
            return False
        self._socket.close()
        self._complaints.close()
        return True

    async def interrupt(self) -> None:
        """Kill the process while it is being read; the reader gets an error and must `end` it."""
        self._process.kill()
        await asyncio.to_thread(self._process.wait)

    async def end(self) -> None:
        """End the process and wait until it has."""
        self.kill()
        await asyncio.to_thread(self._process.wait)
        self.reap()

    async def _receive(self, count: int) -> bytes:
        loop = asyncio.get_running_loop()
        parts: list[bytes] = []
        while count:
            started = time.monotonic()
            # A time-out around the call could cancel it with bytes in hand; killing the child
            # ends the wait as well, and loses nothing.
            self._watch = loop.call_later(WATCH_SECONDS, self._check_limits, loop, started)
            try:
                part = await loop.sock_recv(self._socket, min(count, 256 * 1024))
            except OSError:
                part = b""
            finally:
                self._watch.cancel()
            self._waited += time.monotonic() - started
            if not part:
                raise await self._explain_end()
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _check_limits(self, loop: asyncio.AbstractEventLoop, started: float) -> None:
        """Kill a child that is past a limit; the end of its socket then tells the reader."""
        # Beside the rlimit, which does not count shared memory and file mappings.
        if self.resident_bytes > self._limits.memory_bytes:
            self._stopped_for = ChildFailure.MEMORY
        elif self._waited + time.monotonic() - started > self._limits.wall_seconds:
            self._stopped_for = ChildFailure.TIMEOUT
        else:
            self._watch = loop.call_later(WATCH_SECONDS, self._check_limits, loop, started)
            return
        self._process.kill()

    async def _explain_end(self) -> ChildError:
        await asyncio.to_thread(self._let_end)
        # Reasons in the order of certainty: our own kill, the kernel's time limit, what it printed.
        status = self._process.returncode
        if self._stopped_for is ChildFailure.TIMEOUT or status == -_signal("SIGXCPU"):
            return ChildError(ChildFailure.TIMEOUT)
        if self._stopped_for is ChildFailure.MEMORY or self._complained_of_memory():
            return ChildError(ChildFailure.MEMORY)
        if status == -_signal("SIGKILL"):
            return ChildError(ChildFailure.KILLED)
        return ChildError(ChildFailure.CRASHED, _status_name(status))

    def _let_end(self) -> None:
        try:
            self._process.wait(_LAST_WORDS_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _complained_of_memory(self) -> bool:
        size = self._complaints.seek(0, 2)
        self._complaints.seek(max(0, size - _COMPLAINT_BYTES))
        complaint = self._complaints.read(_COMPLAINT_BYTES)
        return any(sign in complaint for sign in _OUT_OF_MEMORY)


def _scratch_folder() -> Path:
    """A private folder of this user, the same after every restart.

    The PDF library loads itself from where it unpacked itself, so nobody else may write there.
    """
    folder = Path(tempfile.gettempdir()) / f"citewell-sandbox-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if is_ours and not found.st_mode & 0o077:
        return folder
    return Path(tempfile.mkdtemp(prefix="citewell-sandbox-"))


def _signal(name: str) -> int:
    return int(getattr(signal, name, 0))


def _status_name(status: int | None) -> str:
    if status is None or status >= 0:
        return f"status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


def _nonsense() -> ChildError:
    return ChildError(ChildFailure.CRASHED, "an answer that cannot be read")
