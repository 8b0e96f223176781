"""Reads the directory of OLE compound files: the streams and their first bytes.

Source: [MS-CFB] Compound File Binary File Format, sections 2.2 to 2.6.
"""

import struct
from pathlib import Path
from typing import BinaryIO

from citewell.engine.parsing.containers import open_compound

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_HEADER = 512
_SHORT = 4_096
"""Bytes from which a stream has sectors of its own; shorter ones share some."""
_MAX_DIRECTORY_SECTORS = 2_000
"""A loop in the chain ends here; 16,000 streams are more than any document has."""


class CompoundFileError(Exception):
    """The file is no readable compound file."""


class CompoundFile:
    """The directory of a compound file."""

    def __init__(self, path: Path) -> None:
        """Read the directory.

        Raises:
            CompoundFileError: It cannot be read.
        """
        self._path = path
        try:
            with path.open("rb") as file:
                self._read_header(file.read(_HEADER))
                self._streams = self._read_directory(file)
        except (struct.error, IndexError) as error:
            raise CompoundFileError("The directory is cut off.") from error

    @property
    def names(self) -> frozenset[str]:
        """Names of all streams and storages."""
        return frozenset(self._streams)

    def beginning(self, name: str) -> bytes:
        """The beginning of a stream: a sector, or the whole of a short one."""
        start, size = self._streams[name]
        if size < _SHORT:
            try:
                return open_compound(self._path.read_bytes()).stream(name) or b""
            except ValueError as error:
                raise CompoundFileError("Its short streams are damaged.") from error
        with self._path.open("rb") as file:
            return self._sector(file, start)

    def _read_header(self, header: bytes) -> None:
        if not header.startswith(MAGIC):
            raise CompoundFileError("It does not begin as one.")
        (shift,) = struct.unpack_from("<H", header, 30)
        if shift not in (9, 12):
            raise CompoundFileError("Its sectors have an unknown size.")
        self._sector_size = 1 << shift
        (self._directory_start,) = struct.unpack_from("<I", header, 48)
        self._fat_sectors = struct.unpack_from("<109I", header, 76)

    def _sector(self, file: BinaryIO, number: int) -> bytes:
        file.seek((number + 1) * self._sector_size)
        return file.read(self._sector_size)

    def _next(self, file: BinaryIO, number: int) -> int:
        per_sector = self._sector_size // 4
        fat = self._sector(file, self._fat_sectors[number // per_sector])
        return struct.unpack_from("<I", fat, 4 * (number % per_sector))[0]

    def _read_directory(self, file: BinaryIO) -> dict[str, tuple[int, int]]:
        """Beginning and size of streams by their names."""
        streams: dict[str, tuple[int, int]] = {}
        number = self._directory_start
        for _ in range(_MAX_DIRECTORY_SECTORS):
            sector = self._sector(file, number)
            for offset in range(0, len(sector) - 127, 128):
                (length,) = struct.unpack_from("<H", sector, offset + 64)
                # In bytes, with the final NUL; other values mark unused entries.
                if 2 < length <= 64:
                    name = sector[offset : offset + length - 2].decode("utf-16-le", "replace")
                    streams[name] = struct.unpack_from("<II", sector, offset + 116)
            number = self._next(file, number)
            # Sector numbers from here on are marks: end of chain, free, or a sector of the table.
            if number >= 0xFFFFFFFA:
                return streams
        raise CompoundFileError("Its directory has no end.")
