"""A stream of bytes encrypted with a passphrase: the file format of exports.

A header (magic, format, salt) and segments of 256 KiB, each sealed with AES-256-GCM under a key
that scrypt derives from the passphrase. The nonce counts the segments and marks the last one
(STREAM, as in `core.blobs.encryption`), and each segment authenticates the header. No byte is
given out before it was verified, and a file that was cut off is refused at its end.
"""

import os
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC = b"CWSEALED"
FORMAT = b"\x01"
SALT_BYTES = 16
HEADER_BYTES = len(MAGIC) + len(FORMAT) + SALT_BYTES
SEGMENT_BYTES = 256 * 1024
TAG_BYTES = 16

SCRYPT = {"n": 2**16, "r": 8, "p": 1}
"""64 MiB and about a quarter of a second a guess: half of the work that OWASP's cheat sheet of 2024
asks for with stored passwords (n 2^17 with r 8, p 1, or 2^16 with p 2). They are part of `FORMAT`:
other numbers need another."""


class SealedStreamError(Exception):
    """The stream is not in this format, was changed or cut off, or the passphrase is wrong."""


def new_header() -> bytes:
    """The header of a new stream."""
    return MAGIC + FORMAT + os.urandom(SALT_BYTES)


def read_header(source: BinaryIO) -> bytes:
    """The header of a stream.

    Raises:
        SealedStreamError: It is no such stream.
    """
    header = source.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES or not header.startswith(MAGIC + FORMAT):
        raise SealedStreamError("The file is no export of Citewell, or of a later version.")
    return header


def stream_key(passphrase: str, header: str) -> str:
    """The key of a stream by its header, both in hex.

    Takes a quarter of a second and 64 MiB: for `ComputePool.run` where it is made for callers.
    """
    salt = bytes.fromhex(header)[-SALT_BYTES:]
    return Scrypt(salt=salt, length=32, **SCRYPT).derive(passphrase.encode()).hex()


class Sealer:
    """Turns plain bytes into a sealed stream."""

    def __init__(self, header: bytes, key: str) -> None:
        self._header = header
        self._cipher = AESGCM(bytes.fromhex(key))
        self._held = bytearray()
        self._number = 0

    def header(self) -> bytes:
        """The first bytes of the stream."""
        return self._header

    def seal(self, part: bytes) -> bytes:
        """The next sealed bytes; the last segment is held back until `finish`."""
        self._held += part
        sealed = bytearray()
        # A full segment is held back too: the last one has another nonce.
        while len(self._held) > SEGMENT_BYTES:
            sealed += self._segment(bytes(self._held[:SEGMENT_BYTES]), is_last=False)
            del self._held[:SEGMENT_BYTES]
        return bytes(sealed)

    def finish(self) -> bytes:
        """The end of the stream."""
        return self._segment(bytes(self._held), is_last=True)

    def _segment(self, plain: bytes, *, is_last: bool) -> bytes:
        sealed = self._cipher.encrypt(_nonce(self._number, is_last=is_last), plain, self._header)
        self._number += 1
        return sealed


class Opener:
    """Decrypts a sealed stream from its header on.

    Raises:
        SealedStreamError: It is no such stream.
    """

    def __init__(self, source: BinaryIO, key: str) -> None:
        self._source = source
        self._header = read_header(source)
        self._cipher = AESGCM(bytes.fromhex(key))
        self._number = 0
        self._plain = bytearray()
        self._following = source.read(SEGMENT_BYTES + TAG_BYTES)
        self._is_over = False

    def read(self, size: int) -> bytes:
        """So many plain bytes; fewer at the end only.

        Raises:
            SealedStreamError: What follows was changed or cut off.
        """
        while len(self._plain) < size and not self._is_over:
            self._next()
        part = bytes(self._plain[:size])
        del self._plain[:size]
        return part

    def _next(self) -> None:
        sealed, self._following = self._following, self._source.read(SEGMENT_BYTES + TAG_BYTES)
        self._is_over = not self._following
        nonce = _nonce(self._number, is_last=self._is_over)
        try:
            self._plain += self._cipher.decrypt(nonce, sealed, self._header)
        except (InvalidTag, ValueError):
            # A wrong passphrase opens no segment at all, so it shows at the first.
            if self._number == 0:
                raise SealedStreamError(
                    "The passphrase is not that of this file, or the file is damaged."
                ) from None
            raise SealedStreamError("The file is damaged or was cut off.") from None
        self._number += 1


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])
