"""Records of an export on disk, so that no transaction waits for originals or for its client."""

import os
from collections.abc import AsyncGenerator, AsyncIterable
from dataclasses import dataclass
from typing import BinaryIO

import anyio.to_thread

from citewell.features.transfers.framing import PIECE
from citewell.features.transfers.sealing import Opener, Sealer, new_header

PART_BYTES = 1024 * 1024
"""Bytes that are written at once: a hop to a thread costs as much as writing some kilobytes."""


@dataclass(frozen=True, slots=True)
class Original:
    """Stands for the frames of an original, which are read from the store when they are sent."""

    sha256: bytes
    filename: str


class Spool:
    """Frames in a file, sealed with a key that only this object has, and where originals belong."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        # The file lies on the server's disk, where contents are never plain.
        self._key = os.urandom(32).hex()
        self._length = 0
        self._originals: list[tuple[int, Original]] = []

    async def write(self, frames: AsyncIterable[bytes | Original]) -> None:
        """Keep frames in their order.

        Raises:
            OSError: The disk is full.
        """
        sealer = Sealer(new_header(), self._key)
        held = bytearray(sealer.header())
        async for frame in frames:
            if isinstance(frame, Original):
                self._originals.append((self._length, frame))
                continue
            self._length += len(frame)
            held += sealer.seal(frame)
            if len(held) >= PART_BYTES:
                await anyio.to_thread.run_sync(self._file.write, bytes(held))
                held.clear()
        await anyio.to_thread.run_sync(self._file.write, bytes(held) + sealer.finish())

    async def read(self) -> AsyncGenerator[bytes | Original, None]:
        """The kept frames in pieces of any length, and the originals between them."""
        self._file.seek(0)
        opener = await anyio.to_thread.run_sync(Opener, self._file, self._key)
        at = 0
        for place, original in (*self._originals, (self._length, None)):
            while at < place:
                part = await anyio.to_thread.run_sync(opener.read, min(PIECE, place - at))
                at += len(part)
                yield part
            if original is not None:
                yield original
