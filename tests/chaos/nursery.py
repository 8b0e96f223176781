"""Real `citewell` processes that start in a fraction of a second.

A parent has imported the program and forks it when asked: a process of its own, with its own
environment, session and files, which runs the same `main` as the command. What it saves is the
two seconds of processor time that Python needs to read the modules, three hundred times.
"""

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

SINGLE_THREADED = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONWARNINGS": "ignore::DeprecationWarning",
}
"""A process with threads must not fork."""

READ_LATE = (
    "alembic.command", "citewell.engine.parsing.sandbox", "citewell.entrypoints.http.app",
    "citewell.entrypoints.work",
)  # fmt: skip
"""Modules that servers and workers need and no module of a command imports at its head."""


@dataclass(frozen=True)
class Citizen:
    """A process of the program."""

    pid: int
    output: Path

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        with suppress(psutil.Error):
            return psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        return False

    def kill(self) -> bool:
        """`kill -9`; whether there was something to kill."""
        return self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal; whether there was somebody to get it."""
        if not self.is_alive:
            return False
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)
            return True
        return False


class Nursery:
    """Starts processes of the program by forking."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._parent = subprocess.Popen(
            [sys.executable, str(Path(__file__))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder,
            env={"PATH": os.environ.get("PATH", ""), **SINGLE_THREADED},
        )  # fmt: skip

    def start(self, variables: Mapping[str, str], *arguments: str) -> Citizen:
        """Start `citewell ARGUMENTS` with just these variables."""
        self._count += 1
        output = self._folder / f"{arguments[0]}-{self._count:04}.log"
        output.touch()
        order = {
            "arguments": arguments, "variables": variables,
            "output": str(output), "cwd": str(self._folder),
        }  # fmt: skip
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(json.dumps(order) + "\n")
        self._parent.stdin.flush()
        return Citizen(int(self._parent.stdout.readline()), output)

    def stop(self) -> None:
        """Start no more; what runs goes on."""
        self._parent.communicate()


def _live(order: Mapping[str, str], arguments: Sequence[str], variables: Mapping[str, str]) -> None:
    """Become the program."""
    from citewell.entrypoints import cli

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(order["cwd"])
    with Path(order["output"]).open("ab", buffering=0) as output, Path(os.devnull).open("rb") as no:
        os.dup2(no.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    sys.argv = ["citewell", *arguments]
    cli.main()


def _parent() -> None:
    from citewell.entrypoints import cli

    # Commands read their modules when they are called: here before any is.
    for module in READ_LATE:
        importlib.import_module(module)
    for name in cli.COMMANDS:
        cli.load(name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if not pid:
            code = 1
            try:
                _live(order, order["arguments"], order["variables"])
                code = 0
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _parent()
