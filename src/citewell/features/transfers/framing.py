"""Frames of the plain stream of an export; small enough that nothing is held in memory whole.

A frame is a kind (`J` a record as zlib-compressed JSON, `B` bytes of an original), the length of
its content in four bytes, and the content.
"""

import json
import zlib
from collections.abc import Iterator
from typing import Protocol

from pydantic import ValidationError

from citewell.features.transfers.errors import DamagedExportError
from citewell.features.transfers.schemas import AnyRecord, Record
from citewell.kit.complaints import complaint

JSON, BYTES = b"J", b"B"
LENGTH_BYTES = 4
MAX_FRAME = 8 * 1024 * 1024
"""Most bytes of a frame, compressed or not: bounds memory whatever a hostile file claims."""

PIECE = 256 * 1024
"""Bytes of an original in one frame."""


class ByteSource(Protocol):
    """A source of plain bytes."""

    def read(self, size: int) -> bytes:
        """So many, fewer at the end only."""
        ...


def record_frame(record: Record) -> bytes:
    """A record as a frame."""
    written = record.model_dump_json().encode()
    if len(written) > MAX_FRAME:
        raise ValueError("a record is too long")
    return _frame(JSON, zlib.compress(written, 1))


def byte_frame(part: bytes) -> bytes:
    """Bytes of an original as a frame."""
    return _frame(BYTES, part)


def _frame(kind: bytes, content: bytes) -> bytes:
    return kind + len(content).to_bytes(LENGTH_BYTES, "big") + content


class FrameReader:
    """Reads frames strictly: any deviation from the format is an error."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self.bytes_read = 0
        """Plain bytes of all frames so far."""

    def record(self) -> Record:
        """The next record.

        Raises:
            DamagedExportError: There is none, or it is not valid.
        """
        kind, content = self._next()
        if kind != JSON:
            raise DamagedExportError("The export cannot be read: bytes where a record must be.")
        try:
            plain = _decompressed(content)
            self.bytes_read += len(plain)
            return AnyRecord.validate_json(plain)
        except (ValidationError, zlib.error, json.JSONDecodeError, RecursionError) as error:
            raise DamagedExportError(f"The export cannot be read: {_reason(error)}.") from None

    def original(self, size: int) -> Iterator[bytes]:
        """The bytes of an original, in pieces.

        Raises:
            DamagedExportError: There are fewer or more.
        """
        while size > 0:
            kind, content = self._next()
            # An empty piece is refused: a file of nothing else would be read for ever.
            if kind != BYTES or not 0 < len(content) <= size:
                raise DamagedExportError("The export cannot be read: an original is not whole.")
            size -= len(content)
            self.bytes_read += len(content)
            yield content

    def is_at_end(self) -> bool:
        """Whether nothing follows."""
        return not self._source.read(1)

    def _next(self) -> tuple[bytes, bytes]:
        head = self._source.read(1 + LENGTH_BYTES)
        length = int.from_bytes(head[1:], "big")
        if len(head) != 1 + LENGTH_BYTES or length > MAX_FRAME:
            raise DamagedExportError("The export cannot be read: it ends too soon.")
        content = self._source.read(length)
        if len(content) != length:
            raise DamagedExportError("The export cannot be read: it ends too soon.")
        return head[:1], content


def _decompressed(content: bytes) -> bytes:
    """Decompress at most `MAX_FRAME` bytes: a few compressed bytes may expand a thousandfold."""
    unpacker = zlib.decompressobj()
    plain = unpacker.decompress(content, MAX_FRAME)
    # More would follow: the record is refused instead of being expanded further.
    if not unpacker.eof:
        raise DamagedExportError("The export cannot be read: a record is too long.")
    return plain


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return f"{place or 'a record'}: {complaint(first)}"
    return "a record is damaged"
