"""The key of a backup, kept with it: wrapped by the installation's key, and by a passphrase."""

import hashlib
import os
from base64 import b64decode, b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from citewell.core.errors import StartupError
from citewell.core.secrets import MasterKeys, derive_key, fingerprint

KEY_BYTES = 32
NONCE_BYTES = 12
SALT_BYTES = 16

SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**16, 8, 1
"""Cost of a guess at a passphrase: 64 MiB and about 0.2 s (RFC 7914; OWASP's list has the same
product with p = 2). Kept in the archive, so that a later version may raise it."""

MOST_SCRYPT_N = 2**20
"""Largest cost taken from an archive, which may be forged: 1 GiB."""

_ARCHIVE, _MASTERS = "backup archive", "backup master keys"


class WrongKeyError(StartupError):
    """The archive was made with a key that is not at hand."""


@dataclass(frozen=True, slots=True)
class Unlocking:
    """Keys and passphrase that are at hand to open archives."""

    masters: MasterKeys | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)


def wrap(key: bytes, masters: MasterKeys, passphrase: str | None) -> dict[str, Any]:
    """The key of an archive, and with a passphrase the master keys too, wrapped for its head."""
    wrapped: dict[str, Any] = {
        "installation": {
            "fingerprint": fingerprint(masters.primary).hex(),
            "key": _seal(derive_key(masters.primary, _ARCHIVE), key),
        }
    }
    if passphrase:
        salt = os.urandom(SALT_BYTES)
        secret = _stretch(passphrase, salt, SCRYPT_N)
        wrapped["passphrase"] = {
            "salt": _text(salt),
            "n": SCRYPT_N,
            "key": _seal(derive_key(secret, _ARCHIVE), key),
            # Apart from the key of the archive: who may read rows need not get these.
            "masters": [_seal(derive_key(secret, _MASTERS), each) for each in masters.all],
        }
    return wrapped


def unwrap(wrapped: dict[str, Any], given: Unlocking) -> tuple[bytes, tuple[bytes, ...]]:
    """The key of an archive, and the installation's master keys, the present one first.

    Raises:
        WrongKeyError: Nothing that was given opens it.
    """
    by_passphrase = wrapped.get("passphrase")
    if given.passphrase and by_passphrase:
        secret = _stretch(given.passphrase, _bytes(by_passphrase["salt"]), int(by_passphrase["n"]))
        with suppress(InvalidTag):
            key = _open(derive_key(secret, _ARCHIVE), by_passphrase["key"])
            masters = [_open(derive_key(secret, _MASTERS), m) for m in by_passphrase["masters"]]
            return key, tuple(masters)
    by_master = wrapped["installation"]
    for master in given.masters.all if given.masters else ():
        if fingerprint(master).hex() == by_master["fingerprint"]:
            with suppress(InvalidTag):
                key = _open(derive_key(master, _ARCHIVE), by_master["key"])
                others = tuple(each for each in given.masters.all if each != master)  # type: ignore[union-attr]
                return key, (master, *others)
    if by_passphrase is None:
        raise WrongKeyError(
            "The backup was made with another secret key and without a passphrase: put that "
            "installation's secret.key into CITEWELL_HOME, or set its CITEWELL_SECRET_KEY."
        )
    raise WrongKeyError(
        "CITEWELL_BACKUP_PASSPHRASE and the secret key here do not open the backup: set the "
        "passphrase it was made with."
    )


def seal(key: bytes, plain: bytes, bound_to: bytes) -> str:
    """Bytes encrypted with the key of an archive, as text; with another `bound_to` they stay so."""
    return _seal(key, plain, bound_to)


def unseal(key: bytes, sealed: str, bound_to: bytes) -> bytes:
    """The bytes again.

    Raises:
        InvalidTag: They, or what they are bound to, were changed.
    """
    return _open(key, sealed, bound_to)


def _stretch(passphrase: str, salt: bytes, n: int) -> bytes:
    if not 2 <= n <= MOST_SCRYPT_N:
        raise WrongKeyError("The backup asks for a cost of its passphrase that no version makes.")
    memory = 128 * n * SCRYPT_R * SCRYPT_P
    return hashlib.scrypt(
        passphrase.encode(), salt=salt, n=n, r=SCRYPT_R, p=SCRYPT_P, dklen=KEY_BYTES,
        maxmem=2 * memory,
    )  # fmt: skip


def _seal(key: bytes, plain: bytes, bound_to: bytes = b"") -> str:
    nonce = os.urandom(NONCE_BYTES)
    return _text(nonce + AESGCM(key).encrypt(nonce, plain, bound_to))


def _open(key: bytes, sealed: str, bound_to: bytes = b"") -> bytes:
    raw = _bytes(sealed)
    if len(raw) < NONCE_BYTES:
        raise InvalidTag
    return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], bound_to)


def _text(raw: bytes) -> str:
    return b64encode(raw).decode("ascii")


def _bytes(text: str) -> bytes:
    return b64decode(text, validate=True)
