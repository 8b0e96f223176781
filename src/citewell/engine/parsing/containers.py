"""Compound files, the containers of Outlook's mails and of old Word documents.

The library is made for workbooks, which have a few streams. Source: [MS-CFB] sections 2.2 to 2.6.
"""

import io
import struct
from array import array
from typing import Any

from xlrd.compdoc import CompDoc, CompDocError  # pyright: ignore[reportMissingTypeStubs] - it has none

_ENTRY = 128
"""Bytes of an entry of the directory."""

_DAMAGE = (CompDocError, AssertionError, IndexError, TypeError, RecursionError, struct.error)
"""Errors of the library for a container that violates its format."""


class Compound:
    """The streams of a file by their names; one of 4,096 bytes or more can be read once."""

    def __init__(self, container: CompDoc) -> None:
        self._container = container

    def stream(self, name: str) -> bytes | None:
        """A stream, its name behind those of its folders; None if there is none.

        Raises:
            ValueError: The container is damaged.
        """
        try:
            found: Any = self._container.get_named_stream(name)
        except _DAMAGE as error:
            raise ValueError("The container is damaged.") from error
        return found if isinstance(found, bytes) else None


def open_compound(data: bytes) -> Compound:
    """Open a container.

    Raises:
        ValueError: It is none, or it is damaged.
    """
    try:
        return Compound(_Container(data, logfile=io.StringIO()))
    except _DAMAGE as error:
        raise ValueError("The container is damaged.") from error


class _Container(CompDoc):
    """The library's container, for many entries, and without circles."""

    def __init__(self, data: bytes, logfile: io.StringIO) -> None:
        super().__init__(data, logfile=logfile)
        # It notes the number of the entry for each sector, in one byte.
        library: Any = self
        library.seen = array("L", library.seen)

    def _get_stream(  # the library's name and arguments
        self, mem: Any, base: int, sat: Any, sec_size: int, start_sid: int,
        size: int | None = None, name: str = "", seen_id: int | None = None,
    ) -> bytes:  # fmt: skip
        if seen_id is None:  # the sectors of small streams are not noted
            _refuse_circle(sat, start_sid)
        library: Any = super()
        data: Any = library._get_stream(mem, base, sat, sec_size, start_sid, size, name, seen_id)
        if name == "directory":
            _refuse_shared(data)
        return data


def _refuse_circle(following: Any, sector: int) -> None:
    for _ in range(len(following) + 1):
        if not 0 <= sector < len(following):
            return
        sector = following[sector]
    raise CompDocError("A stream goes round in a circle.")


def _refuse_shared(directory: bytes) -> None:
    """Refuse a directory that is no tree: its entries would be visited without an end."""
    seen: set[int] = set()
    (root,) = struct.unpack_from("<i", directory, 76)
    waiting = [root]
    while waiting:
        number = waiting.pop()
        if number < 0:
            continue
        if number in seen:
            raise CompDocError("An entry of the directory is in two places.")
        seen.add(number)
        kind = directory[_ENTRY * number + 66]
        left, right, child = struct.unpack_from("<iii", directory, _ENTRY * number + 68)
        waiting += (left, right, child) if kind == 1 else (left, right)
