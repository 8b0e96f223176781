"""Commands in processes forked from one that has read all modules, which takes each three seconds.

A forked process differs from one that was started by hand in nothing but that: its environment,
folder, signals, streams and session are its own, and it ends as any interpreter does.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

READ_ALL = """
import fcntl, gc, json, os, signal, socket, sys, termios
import alembic.command
import citewell.engine.parsing.sandbox
import citewell.entrypoints.http.app, citewell.entrypoints.work
from citewell.entrypoints import cli

for name in cli.COMMANDS:
    cli.load(name)
gc.collect()
gc.freeze()

def fork(channel):
    '''Forks for each request; returns in the forked processes, with what they are to do.'''
    while True:
        head, files, _, _ = socket.recv_fds(channel, 65536, 3)
        if not head:
            os._exit(0)
        told, tell = os.pipe()
        between = os.fork()
        if between:
            os.close(tell)
            os.waitpid(between, 0)
            channel.sendall(os.read(told, 32))
            for each in (told, *files):
                os.close(each)
            continue
        process = os.fork()
        if process:
            # Its parent ends, so it becomes a child of the process that adopts orphans.
            os.write(tell, str(process).encode())
            os._exit(0)
        asked = json.loads(head)
        if asked["has_session"]:
            os.setsid()
        for number, each in enumerate(files):
            os.dup2(each, number)
        os.closerange(3, 1_000)
        if asked["has_terminal"]:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)
        sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)
        os.chdir(asked["cwd"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        if asked["is_deaf"]:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.argv = ["citewell", *map(os.fsdecode, map(bytes.fromhex, asked["arguments"]))]
        return

channel = socket.socket(fileno=int(sys.argv[1]))
channel.sendall(b"ready")
fork(channel)
channel.detach()
cli.main()
"""


class Forked:
    """A forked process; as much of `subprocess.Popen` as tests use."""

    def __init__(self, pid: int, arguments: Sequence[str | bytes]) -> None:
        self.pid = pid
        self.args = arguments
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, or minus the signal that ended it; None while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The same, once it has ended."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            time.sleep(0.005)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """The process that is forked from; it starts with the first command."""

    def __init__(self) -> None:
        self._channel: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.is_open = False

    def start(
        self,
        arguments: Sequence[str | bytes],
        environment: Mapping[str, str],
        cwd: Path,
        files: tuple[int, int, int],
        *,
        has_session: bool = False,
        has_terminal: bool = False,
        is_deaf: bool = False,
    ) -> Forked:
        """Begin a command.

        Args:
            arguments: What follows `citewell`.
            environment: All of its environment.
            cwd: Its folder.
            files: Its standard input, output and error.
            has_session: Whether it gets a session of its own, as of another terminal.
            has_terminal: Whether its standard input is the terminal of that session.
            is_deaf: Whether it ignores Ctrl-C, as what a shell starts in the background.
        """
        channel = self._channel or self._open()
        asked = {
            "arguments": [os.fsencode(each).hex() for each in arguments],
            "environment": dict(environment), "cwd": str(cwd),
            "has_session": has_session, "has_terminal": has_terminal, "is_deaf": is_deaf,
        }  # fmt: skip
        socket.send_fds(channel, [json.dumps(asked).encode()], files)
        return Forked(int(channel.recv(32)), ["citewell", *arguments])

    def close(self) -> None:
        """End it; what was forked goes on."""
        self.is_open = False
        if self._channel is not None and self._process is not None:
            self._channel.close()
            self._process.wait()
            self._channel = self._process = None

    def _open(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", READ_ALL, str(theirs.fileno())],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                # Threads do not live on in what is forked.
                env=kept | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                pass_fds=(theirs.fileno(),), start_new_session=True,
            )  # fmt: skip
        assert ours.recv(32) == b"ready"
        self._channel = ours
        return ours


FORK_SERVER = ForkServer()
"""That of this process; open while the tests of commands run, on Linux."""
