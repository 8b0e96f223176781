"""Locks that tell sweeps which plain copies are in use."""

import fcntl
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO


class Hold:
    """A lock that marks a plain copy as in use until it is ended or this process ends.

    A task that is cancelled does not wait for its thread, so the lock may be ended before it is
    taken: it is given back at once then.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._file: BinaryIO | None = None
        self._is_ended = False

    def take(self, path: Path) -> None:
        """Lock a file.

        Raises:
            OSError: It cannot be opened.
        """
        with ExitStack() as opened:
            file = opened.enter_context(path.open("rb"))
            with suppress(OSError):  # a file system without locks
                fcntl.flock(file, fcntl.LOCK_SH)
            with self._guard:
                if not self._is_ended:
                    self._file = file
                    opened.pop_all()

    def end(self) -> None:
        """Give the lock back, or have it given back as soon as it is taken."""
        with self._guard:
            self._is_ended = True
            file, self._file = self._file, None
        if file is not None:
            file.close()


def is_held(path: Path) -> bool:
    """Whether a living process still holds its lock on a plain copy."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
