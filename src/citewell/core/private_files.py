"""Small files that only their owner may read: secrets that are handed to the operator."""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from citewell.core.errors import StartupError

# Keys and tokens are far shorter; anything larger is not one of our files.
MAX_BYTES = 4096


def write_private(path: Path, content: str) -> None:
    """Write a file atomically with mode 0600; an existing one is replaced.

    Raises:
        StartupError: It cannot be written; one line says why.
    """
    # Written under another name and renamed: a reader never sees half a secret.
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as writer:
                writer.write(content + "\n")
                writer.flush()
                os.fsync(writer.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise StartupError(f"{path} cannot be written: {error.strerror}.") from error


def read_private(path: Path) -> str | None:
    """Read the file; None if it does not exist or another account could have written it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as reader:
        facts = os.fstat(descriptor)
        is_open_to_others = facts.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.geteuid() or is_open_to_others:
            return None
        return reader.read(MAX_BYTES).decode("utf-8", errors="replace").strip()


def remove_private(path: Path) -> None:
    """Remove the file, if it is there and ours."""
    with suppress(OSError):
        path.unlink()
