"""Files in a folder that a weaker account owns: read and removed without following its links.

PostgreSQL runs as an account of its own when root starts it. Nothing that this account does in its
folders may make root read, write, chown or remove anything elsewhere.
"""

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

MAX_BYTES = 4 << 20
"""Most bytes that are read: more than a day of warnings, and no endless file fills the memory."""


@contextmanager
def opened_folder(folder: Path) -> Generator[int, None, None]:
    """A descriptor of the folder itself, even if its name is given to another one meanwhile.

    Raises:
        OSError: It is missing, or the last part of its path is a link.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def read_file(folder: Path, name: str) -> bytes | None:
    """The end of a regular file in the folder; None if there is none, or only a link or a pipe."""
    with suppress(OSError), opened_folder(folder) as inside:
        # NONBLOCK: opening a pipe without a writer would otherwise wait for ever.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        with os.fdopen(os.open(name, flags, dir_fd=inside), "rb") as reader:
            facts = os.fstat(reader.fileno())
            # One with a second name may be somebody else's file.
            if stat.S_ISREG(facts.st_mode) and facts.st_nlink == 1:
                reader.seek(max(0, facts.st_size - MAX_BYTES))
                return reader.read(MAX_BYTES)
    return None


def newest_log(folder: Path) -> tuple[float, bytes] | None:
    """Time of the last write, and the end, of the newest regular `*.log` file of the folder."""
    found: list[tuple[float, str]] = []
    with suppress(OSError), opened_folder(folder) as inside:
        for name in os.listdir(inside):
            if name.endswith(".log"):
                facts = os.stat(name, dir_fd=inside, follow_symlinks=False)
                found.append((facts.st_mtime, name))
    # Newest first; a link or a pipe is passed over for the next.
    for written_at, name in sorted(found, reverse=True):
        content = read_file(folder, name)
        if content is not None:
            return written_at, content
    return None


def remove_file(folder: Path, name: str) -> None:
    """Remove a file, or a link, from the folder; it may be missing."""
    with suppress(FileNotFoundError), opened_folder(folder) as inside:
        os.unlink(name, dir_fd=inside)


def open_lock(path: Path) -> IO[str]:
    """A lock file that no other user can open and hold against us; made if it is missing.

    Raises:
        OSError: It cannot be opened, or is a link.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.fdopen(os.open(path, flags, 0o600), "a")
    if os.fstat(handle.fileno()).st_uid == os.geteuid():
        os.fchmod(handle.fileno(), 0o600)  # one of an earlier version was open to all readers
    return handle
