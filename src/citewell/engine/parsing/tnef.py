"""The wrapped parts of Outlook's `winmail.dat`: its text and its files.

Source: [MS-OXTNEF] sections 2.1.1 (stream), 2.1.3 (attributes) and 2.1.3.4 (properties). A text
that is stored as compressed Rich Text alone ([MS-OXRTFCP]) is not read; Outlook sends the plain
text beside the file as well.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

_SIGNATURE = 0x223E9F78
_BODY, _MESSAGE, _RENDERING = 0x0002800C, 0x00069003, 0x00069002
_TITLE, _DATA, _ATTACHMENT = 0x00018010, 0x0006800F, 0x00069005
_PR_BODY, _PR_BODY_HTML, _PR_LONG_NAME = 0x1000, 0x1013, 0x3707

_SIZES = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 10: 4, 11: 4, 20: 8, 64: 8, 72: 16}
"""Bytes of the values of fixed size, padded to four, by type ([MS-OXCDATA] 2.11.1)."""
_STRINGS = {0x1E: "cp1252", 0x1F: "utf-16-le"}
_SIZED = (0x1E, 0x1F, 0x0D, 0x102)
_MULTIPLE = 0x1000
_MOST_VALUES = 10_000


@dataclass(slots=True)
class Wrapped:
    """Text and files of a `winmail.dat`."""

    text: str = ""
    html: str = ""
    files: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])


def unwrap(data: bytes) -> Wrapped:
    """The text and the files of a `winmail.dat`; what is behind a damaged place is missing."""
    found = Wrapped()
    if len(data) < 6 or struct.unpack_from("<I", data)[0] != _SIGNATURE:
        return found
    name, content = "", b""
    try:
        for kind, value in _attributes(data):
            if kind == _RENDERING:
                found.files += [(name, content)] if content else []
                name, content = "", b""
            elif kind == _BODY:
                found.text = value.rstrip(b"\0").decode("cp1252", "replace")
            elif kind == _TITLE:
                name = name or value.rstrip(b"\0").decode("cp1252", "replace")
            elif kind == _DATA:
                content = value
            elif kind == _ATTACHMENT:
                name = _properties(value).get(_PR_LONG_NAME) or name
            elif kind == _MESSAGE:
                facts = _properties(value)
                found.text = facts.get(_PR_BODY) or found.text
                found.html = facts.get(_PR_BODY_HTML) or found.html
    except (struct.error, UnicodeError):
        pass
    found.files += [(name, content)] if content else []
    return found


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 6
    while at + 11 <= len(data):
        _, kind, size = struct.unpack_from("<BII", data, at)
        yield kind, data[at + 9 : at + 9 + size]
        # Behind the value comes a sum of its bytes.
        at += 9 + size + 2


def _properties(data: bytes) -> dict[int, str]:
    """The texts among some properties, by their ids; it ends at a type that is not known."""
    found: dict[int, str] = {}
    (count,) = struct.unpack_from("<I", data)
    at = 4
    for _ in range(min(count, _MOST_VALUES)):
        kind, name = struct.unpack_from("<HH", data, at)
        at += 4
        if name >= 0x8000:
            at = _behind_name(data, at)
        values = 1
        base = kind & ~_MULTIPLE
        if base in _SIZED or kind & _MULTIPLE:
            (values,) = struct.unpack_from("<I", data, at)
            at += 4
        for _ in range(min(values, _MOST_VALUES)):
            if base in _SIZED:
                (size,) = struct.unpack_from("<I", data, at)
                raw = data[at + 4 : at + 4 + size]
                at += 4 + size + -size % 4
                if base in _STRINGS:
                    found[name] = raw.decode(_STRINGS[base], "replace").rstrip("\0")
                elif name == _PR_BODY_HTML:
                    found[name] = raw.decode("utf-8", "replace").rstrip("\0")
            elif base in _SIZES:
                at += _SIZES[base]
            else:
                return found
    return found


def _behind_name(data: bytes, at: int) -> int:
    """Where a property goes on whose name is not of the standard: 16 bytes, then id or text."""
    (kind,) = struct.unpack_from("<I", data, at + 16)
    if kind == 0:
        return at + 24
    (size,) = struct.unpack_from("<I", data, at + 20)
    return at + 24 + size + -size % 4
