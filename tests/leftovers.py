"""Processes that tests leave behind, and which test it was."""

import ctypes
import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

SUBREAPER = 36
"""`PR_SET_CHILD_SUBREAPER` of prctl(2): orphans become our children, not those of process 1."""

SHORTEST_START_SECONDS = 0.1
"""A test that took less has started no process worth looking for."""

GRACE_SECONDS = 30.0
"""How long processes may take to end after the last test."""


def adopt_orphans() -> None:
    """See the processes of this one's descendants, whatever became of these."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)


@dataclass
class Leftovers:
    """The children of this process, each with the test after which it was seen first.

    Whatever a child leaves when it ends becomes a child of ours: that is enough to find all.
    """

    shared: Path
    """Folder of the server that all workers of the run use: what works there is nobody's."""
    seen: dict[psutil.Process, str] = field(default_factory=dict[psutil.Process, str])
    known: set[int] = field(default_factory=set[int])

    def note(self, test: str, seconds: float) -> None:
        """Look at what runs after a test."""
        if seconds >= SHORTEST_START_SECONDS:
            for pid in _children() - self.known:
                self.known.add(pid)
                with suppress(psutil.Error):
                    self.seen[psutil.Process(pid)] = test

    def left(self) -> list[str]:
        """Processes still there after all tests; those that are ending get time for it."""
        self.note("the last test", SHORTEST_START_SECONDS)
        deadline = time.monotonic() + GRACE_SECONDS
        while (left := self._alive()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return left

    def _alive(self) -> list[str]:
        found: list[str] = []
        for process, test in self.seen.items():
            try:
                command = " ".join(process.cmdline())
                if process.status() == psutil.STATUS_ZOMBIE or self._is_shared(process, command):
                    continue
            except psutil.Error:
                continue
            found.append(f"{command[:200]} (process {process.pid}, seen after {test})")
        return found

    def _is_shared(self, process: psutil.Process, command: str) -> bool:
        """Whether it ends with the run: the server of all workers, or Python's own helpers."""
        cwd = Path(process.cwd())
        return cwd.is_relative_to(self.shared) or "resource_tracker" in command


def _children() -> set[int]:
    """Process ids of the children; by the kernel's lists, which are read in half a millisecond."""
    try:
        lists = [path.read_text() for path in Path("/proc/self/task").glob("*/children")]
    except OSError:  # a thread has just ended
        lists = []
    if not lists:
        return {process.pid for process in psutil.Process().children()}
    return {int(pid) for part in lists for pid in part.split()}


def is_worker() -> bool:
    """Whether this process runs tests for another one."""
    return "PYTEST_XDIST_WORKER" in os.environ
