"""The master key of an installation, and the keys of each purpose that are made from it."""

import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from citewell.core.errors import StartupError
from citewell.core.settings import Settings

KEY_BYTES = 32
"""Length of every key: that of SHA-256, so that one block of HKDF is enough."""

FILE_NAME = "secret.key"
NEXT_NAME = "secret.key.next"
"""File of the next master key, while the keys in the database are wrapped anew."""

# 128 bits: two master keys of one installation never share a fingerprint.
FINGERPRINT_BYTES = 16


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """The master keys an installation accepts: one, or two while they are exchanged."""

    primary: bytes = field(repr=False)
    """The key this process signs with."""
    others: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def all(self) -> tuple[bytes, ...]:
        """All of them, the primary first."""
        return (self.primary, *self.others)


def load_master_keys(settings: Settings) -> MasterKeys:
    """The installation's master keys, each 32 bytes, the same in all its processes.

    Made from `CITEWELL_SECRET_KEY` where that is set, and `CITEWELL_SECRET_KEY_PREVIOUS` and the
    key file accepted beside it; else read from `secret.key` in the home, which the first process
    makes for its owner alone, and `secret.key.next` accepted beside it.

    Raises:
        StartupError: A file cannot be used; one line says why and what to do.
    """
    path = settings.home / FILE_NAME
    if settings.secret_key is not None:
        earlier = settings.secret_key_previous
        others = () if earlier is None else (_from_setting(earlier),)
        with suppress(OSError, StartupError):  # left from before the setting; optional
            others += (_read(path),)
        return MasterKeys(_from_setting(settings.secret_key), others)
    with _telling(path):
        # The successor first: an exchange may rename it to `secret.key` at any moment.
        following = settings.home / NEXT_NAME
        others = (_read(following),) if following.exists() else ()
        if not path.exists():
            _make(path)
        primary = _read(path)
    return MasterKeys(primary, tuple(key for key in others if key != primary))


def make_next_key(home: Path) -> bytes:
    """The next master key, written to disk; one that was made before is reused.

    Raises:
        StartupError: It cannot be written or read.
    """
    path = home / NEXT_NAME
    with _telling(path):
        if not path.exists():
            _make(path)
        return _read(path)


def offer_key(home: Path, master: bytes) -> bool:
    """Write a master key, that of a backup, as the next one; returns whether it was not there yet.

    Both are accepted until `adopt_next_key` lets it take the other's place.

    Raises:
        StartupError: It cannot be written, or an exchange of keys is under way.
    """
    path, following = home / FILE_NAME, home / NEXT_NAME
    with _telling(path):
        if not path.exists():
            _make(path, master)
        if _read(path) == master:
            return False
        _make(following, master)
        if _read(following) != master:
            raise StartupError(
                f"{following} is another key: finish `citewell keys rotate --master` first."
            )
    return True


def withdraw_key(home: Path) -> None:
    """Take back the key that `offer_key` has written."""
    (home / NEXT_NAME).unlink(missing_ok=True)


def adopt_next_key(home: Path) -> Path:
    """Let `secret.key.next` take the name `secret.key`; returns where the former key is kept.

    At every moment `secret.key` is one of the two, whole.

    Raises:
        StartupError: The files cannot be renamed.
    """
    path, following = home / FILE_NAME, home / NEXT_NAME
    with _telling(path):
        former = home / f"{FILE_NAME}.{fingerprint(_read(path)).hex()[:8]}"
        if not former.exists():
            # Linked before it is replaced: backups from before the exchange still need it.
            former.hardlink_to(path)
        _flush(home)
        following.replace(path)
        _flush(home)
    return former


def fingerprint(master: bytes) -> bytes:
    """Fingerprint of a master key; reveals nothing of the key itself."""
    return derive_key(master, "fingerprint")[:FINGERPRINT_BYTES]


def _from_setting(value: SecretStr) -> bytes:
    given = value.get_secret_value().encode()
    # HKDF in full (RFC 5869): the operator's text is not uniformly random, so it is extracted
    # first.
    return _expand(hmac.digest(b"citewell", given, hashlib.sha256), "citewell master")


@contextmanager
def _telling(path: Path) -> Generator[None, None, None]:
    """Turn errors of files into one line that says what to do."""
    try:
        yield
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


def _make(path: Path, key: bytes | None = None) -> None:
    """Write a new key atomically; of several processes at once the first wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as writer:
            writer.write((secrets.token_hex(KEY_BYTES) if key is None else key.hex()) + "\n")
            writer.flush()
            os.fsync(writer.fileno())
        try:
            path.hardlink_to(draft)  # unlike a rename it does not replace what is there
        except FileExistsError:
            return
    finally:
        draft.unlink()
    _flush(path.parent)


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
