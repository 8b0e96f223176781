"""Rich Text as mails of Outlook store it, packed.

Source: [MS-OXRTFCP] section 2.1.3: literals and references into a window of 4,096 bytes, which
begins with words that most texts have.
"""

import struct

_WINDOW = 4_096
_BEGIN = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    b"\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0"
    b"\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_PACKED, _PLAIN = 0x75465A4C, 0x414C454D

MOST_BYTES = 16 << 20
"""Of an unpacked text; a reference packs eighteen bytes into two, so that a mail may be a bomb."""


def unpack(data: bytes) -> bytes:
    """The text; what is behind a damaged place, and behind the first 16 MiB, is missing."""
    if len(data) < 16:
        return b""
    _, size, kind, _ = struct.unpack_from("<IIII", data)
    size = min(size, MOST_BYTES)
    if kind == _PLAIN:
        return data[16 : 16 + size]
    if kind != _PACKED:
        return b""
    window = bytearray(_BEGIN.ljust(_WINDOW, b"\0"))
    place, at = len(_BEGIN), 16
    out = bytearray()
    while at < len(data) and len(out) < size:
        control = data[at]
        at += 1
        for bit in range(8):
            if control >> bit & 1:
                if at + 2 > len(data):
                    return bytes(out)
                reference = data[at] << 8 | data[at + 1]
                at += 2
                start, count = reference >> 4, (reference & 15) + 2
                if start == place:  # the end
                    return bytes(out)
                piece = (window[(start + n) % _WINDOW] for n in range(count))
            else:
                if at >= len(data):
                    return bytes(out)
                piece = iter(data[at : at + 1])
                at += 1
            # One by one: a reference may reach into what it writes itself.
            for byte in piece:
                out.append(byte)
                window[place] = byte
                place = (place + 1) % _WINDOW
    return bytes(out[:size])
