"""Files encrypted with AES-256-GCM in segments, bound to their tenant and content.

A file is a header and segments. Each file has a key of its own, made from the tenant's data key and
a random salt, so that a counter is a safe nonce (the STREAM construction: Hoang, Reyhanitabar,
Rogaway and Vizár 2015, https://eprint.iacr.org/2015/189): the last segment is marked in its nonce,
so a file that was cut off does not decrypt. The header's binding says which content of which tenant
this is, so a file that was put in another one's place is refused before a byte of it is decrypted.
"""

import hmac
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# Format and version; a later format gets another number, so that old files stay readable.
MAGIC = b"CWF1"
SALT_BYTES = 32
BINDING_BYTES = 32
HEADER_BYTES = len(MAGIC) + 16 + SALT_BYTES + BINDING_BYTES
SEGMENT_BYTES = 256 * 1024
"""Plain bytes of a segment, which is the memory that a file of any size takes."""

TAG_BYTES = 16


class DamagedFileError(Exception):
    """The stored file was cut off, changed, or replaced by another one."""


class Purpose(StrEnum):
    """Purpose of a tenant's key."""

    FILES = "files"
    FILE_NAMES = "file names"
    SECRETS = "secrets"


@dataclass(frozen=True, slots=True)
class DataKey:
    """A tenant's key for its files."""

    tenant_id: uuid.UUID
    id: uuid.UUID
    secret: bytes


class EncryptingWriter:
    """Encrypts a stream whose content hash is known only at its end."""

    def __init__(self, target: BinaryIO, key: DataKey) -> None:
        self._target = target
        self._key = key
        self._salt = os.urandom(SALT_BYTES)
        self._cipher = _cipher(key, self._salt)
        self._held = b""
        self._number = 0
        target.write(b"\0" * HEADER_BYTES)

    def write(self, part: bytes) -> None:
        """Encrypt and write plain bytes; the last segment is held back until `finish`."""
        held = memoryview(self._held + part)
        # A full segment is held back too: it may turn out to be the last, which has another nonce.
        while len(held) > SEGMENT_BYTES:
            self._put(held[:SEGMENT_BYTES], is_last=False)
            held = held[SEGMENT_BYTES:]
        self._held = bytes(held)

    def finish(self, sha256: bytes) -> None:
        """Write the rest and the header that binds the file to its content."""
        self._put(self._held, is_last=True)
        binding = _binding(self._key, self._salt, sha256)
        self._target.seek(0)
        self._target.write(MAGIC + self._key.id.bytes + self._salt + binding)

    def _put(self, plain: bytes | memoryview, *, is_last: bool) -> None:
        sealed = self._cipher.encrypt(_nonce(self._number, is_last=is_last), plain, None)
        self._target.write(sealed)
        self._number += 1


def encrypted_size(size_bytes: int) -> int:
    """Size in bytes of the encrypted file for a content of this size."""
    segments = max(1, -(-size_bytes // SEGMENT_BYTES))
    # An empty content has one empty segment, whose tag proves that it is empty.
    return HEADER_BYTES + size_bytes + segments * TAG_BYTES


def key_id_of(path: Path) -> uuid.UUID:
    """Id of the key that a stored file was encrypted with.

    Raises:
        DamagedFileError: It is no stored file.
    """
    with path.open("rb") as source:
        return _header(source)[0]


def decrypt(path: Path, key: DataKey, sha256: bytes) -> Iterator[bytes]:
    """The plain bytes of a stored file, in segments.

    Raises:
        DamagedFileError: The file is not the one that was stored for this content.
    """
    with path.open("rb") as source:
        _, salt, binding = _header(source)
        if not hmac.compare_digest(binding, _binding(key, salt, sha256)):
            raise DamagedFileError(f"the stored file {path.name} is another's")
        cipher, number = _cipher(key, salt), 0
        sealed = source.read(SEGMENT_BYTES + TAG_BYTES)
        while True:
            # One segment ahead, to know which is the last.
            following = source.read(SEGMENT_BYTES + TAG_BYTES)
            nonce = _nonce(number, is_last=not following)
            try:
                yield cipher.decrypt(nonce, sealed, None)
            except InvalidTag:
                raise DamagedFileError(f"the stored file {path.name} was changed") from None
            if not following:
                return
            sealed, number = following, number + 1


def _header(source: BinaryIO) -> tuple[uuid.UUID, bytes, bytes]:
    header = source.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES or not header.startswith(MAGIC):
        raise DamagedFileError("the stored file has no header")
    key_id, rest = header[4:20], header[20:]
    return uuid.UUID(bytes=key_id), rest[:SALT_BYTES], rest[SALT_BYTES:]


def _cipher(key: DataKey, salt: bytes) -> AESGCM:
    # HMAC as a key derivation: one extract step of HKDF, which suffices for a uniformly random key.
    return AESGCM(hmac.digest(key.secret, b"file" + salt + key.tenant_id.bytes, "sha256"))


def _binding(key: DataKey, salt: bytes, sha256: bytes) -> bytes:
    message = b"binding" + salt + key.tenant_id.bytes + key.id.bytes + sha256
    return hmac.digest(key.secret, message, "sha256")


def _nonce(number: int, *, is_last: bool) -> bytes:
    # 12 bytes, as GCM takes them without hashing; 88 bits of counter never wrap around.
    return number.to_bytes(11, "big") + bytes([is_last])
