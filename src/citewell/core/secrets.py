"""The master key of an installation, and the keys of each purpose that are made from it."""

import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from citewell.core.errors import StartupError
from citewell.core.settings import Settings

KEY_BYTES = 32
"""Length of every key: that of SHA-256, so that one block of HKDF is enough."""

FILE_NAME = "secret.key"


def load_master_key(settings: Settings) -> bytes:
    """The installation's master key: 32 bytes, the same in all its processes.

    Made from `CITEWELL_SECRET_KEY` where that is set; else read from `secret.key` in the home,
    which the first process makes for its owner alone.

    Raises:
        StartupError: The file cannot be used; one line says why and what to do.
    """
    if settings.secret_key is not None:
        given = settings.secret_key.get_secret_value().encode()
        return _expand(hmac.digest(b"citewell", given, hashlib.sha256), "citewell master")
    path = settings.home / FILE_NAME
    try:
        if not path.exists():
            _make(path)
        return _read(path)
    except OSError as error:
        raise StartupError(
            f"The key file {path} cannot be used: {error.strerror}. Correct its permissions, or "
            "set CITEWELL_SECRET_KEY."
        ) from error


def derive_key(master: bytes, purpose: str) -> bytes:
    """The 32-byte key of one purpose; it tells nothing of the master or of another purpose."""
    return _expand(master, f"citewell {purpose}")


def _expand(key: bytes, info: str) -> bytes:
    """The first block of HKDF-Expand with SHA-256 (RFC 5869, section 2.3)."""
    return hmac.digest(key, info.encode() + b"\x01", hashlib.sha256)


def _make(path: Path) -> None:
    """Put a new key in place, whole and on the disk; of several makers at once the first wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{FILE_NAME}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as writer:
            writer.write(secrets.token_hex(KEY_BYTES) + "\n")
            writer.flush()
            os.fsync(writer.fileno())
        try:
            path.hardlink_to(draft)  # unlike a rename it does not replace what is there
        except FileExistsError:
            return
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(path: Path) -> bytes:
    with path.open("rb") as reader:
        mode = os.fstat(reader.fileno()).st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise StartupError(
                f"Others may read the key file {path}. Run `chmod 600 {path}`; if it may have "
                "been read, remove it instead: a new one is made and everybody signs in again."
            )
        content = reader.read(1024)
    try:
        key = bytes.fromhex(content.decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise StartupError(
            f"The key file {path} is damaged. Restore it from a backup, or remove it: a new one "
            "is made and everybody signs in again."
        )
    return key
