"""Encrypted files of a backup: compressed records, each a head in JSON and blocks of bytes.

The encryption is that of stored files (`blobs/encryption`): AES-256-GCM in segments, the last one
marked, so that a file that was cut or changed anywhere does not read to its end.
"""

import hashlib
import json
import os
import uuid
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from citewell.core.blobs.encryption import DamagedFileError, DataKey, EncryptingWriter, decrypt

LEVEL = 1
"""Of zlib: 3 times as fast as the default, 10 % larger (rows of a library, vectors as text)."""

READ_BYTES = 1 << 20

_OF_NO_TENANT = uuid.UUID(int=0)
_HEAD, _BLOCK = b"H", b"B"


@dataclass(slots=True)
class RecordWriter:
    """Writes records."""

    _sealing: EncryptingWriter
    _digest: Any
    _packing: Any

    def head(self, head: dict[str, Any]) -> None:
        """Begin a record."""
        self._put(_HEAD, json.dumps(head).encode())

    def block(self, content: bytes) -> None:
        """Add bytes to the record."""
        self._put(_BLOCK, content)

    def _put(self, kind: bytes, content: bytes) -> None:
        self._pass_on(self._packing.compress(kind + len(content).to_bytes(8, "big")))
        self._pass_on(self._packing.compress(content))

    def _pass_on(self, packed: bytes) -> None:
        if packed:
            self._digest.update(packed)
            self._sealing.write(packed)


@contextmanager
def writing(path: Path, key: bytes, archive_id: uuid.UUID) -> Generator[RecordWriter, None, None]:
    """A new file for its owner alone, on the disk when the block has ended."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        sealing = EncryptingWriter(file, DataKey(_OF_NO_TENANT, archive_id, key))
        writer = RecordWriter(sealing, hashlib.sha256(), zlib.compressobj(LEVEL))
        yield writer
        writer._pass_on(writer._packing.flush())  # pyright: ignore[reportPrivateUsage]
        # The binding to a content is not used: the manifest has the digest of the whole file.
        sealing.finish(bytes(32))
        file.flush()
        os.fsync(file.fileno())


def records(
    path: Path, key: bytes, archive_id: uuid.UUID
) -> Iterator[tuple[dict[str, Any], Iterator[bytes]]]:
    """The records of a file; the blocks of each are to be taken before the next.

    Raises:
        DamagedFileError: The file is not what was written.
    """
    source = _Source(_unpacked(decrypt(path, DataKey(_OF_NO_TENANT, archive_id, key), bytes(32))))
    piece = source.piece()
    while piece is not None:
        head = json.loads(piece[1])
        blocks = _Blocks(source)
        yield head, iter(blocks)
        for _ in blocks:  # whatever was not taken
            pass
        piece = blocks.following


class _Blocks:
    """The blocks up to the next head."""

    def __init__(self, source: "_Source") -> None:
        self._source = source
        self.following: tuple[bytes, bytes] | None = None
        self._is_over = False

    def __iter__(self) -> Iterator[bytes]:
        while not self._is_over:
            piece = self._source.piece()
            if piece is None or piece[0] == _HEAD:
                self.following, self._is_over = piece, True
                return
            yield piece[1]


class _Source:
    """Pieces out of a stream of bytes."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = iter(parts)
        self._held = bytearray()

    def piece(self) -> tuple[bytes, bytes] | None:
        """The next head or block; None at the end."""
        if not self._fill(9):
            if self._held:
                raise DamagedFileError("the file ends within a record")
            return None
        kind, size = bytes(self._held[:1]), int.from_bytes(self._held[1:9], "big")
        if not self._fill(9 + size):
            raise DamagedFileError("the file ends within a record")
        content = bytes(self._held[9 : 9 + size])
        del self._held[: 9 + size]
        return kind, content

    def _fill(self, size: int) -> bool:
        while len(self._held) < size:
            part = next(self._parts, None)
            if part is None:
                return False
            self._held += part
        return True


def _unpacked(packed: Iterator[bytes]) -> Iterator[bytes]:
    opening = zlib.decompressobj()
    for part in packed:
        yield opening.decompress(part)
    yield opening.flush()
    if not opening.eof:
        raise DamagedFileError("the compressed content is not whole")


def sha256_of(path: Path) -> str:
    """Hash of a file, in hexadecimal digits."""
    with path.open("rb") as reader:
        return hashlib.file_digest(reader, "sha256").hexdigest()


def copy_hashed(source: Path, target: BinaryIO) -> tuple[str, int]:
    """Copy a file; hash and size of what was copied."""
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reader:
        while part := reader.read(READ_BYTES):
            digest.update(part)
            size += len(part)
            target.write(part)
    return digest.hexdigest(), size
