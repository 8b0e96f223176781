"""Writes small .doc, .ppt and .msg files, with nothing but the standard library."""

import struct
from collections.abc import Sequence
from pathlib import Path

from document_files import write_compound

DOC_TEXT = 0x800
"""Offset of the text in the stream `WordDocument`."""


def write_doc(path: Path, paragraphs: Sequence[str], table: bytes = b"") -> Path:
    """Write paragraphs in UTF-16 ([MS-DOC] 2.5 and 2.8.35: one piece)."""
    table = table or bytes(16)  # readers take an offset of zero for none
    text = "".join(f"{each}\r" for each in paragraphs)
    base = struct.pack("<HHHHH", 0xA5EC, 0xC1, 0, 0x409, 0) + struct.pack("<H", 0x1200)
    base = base.ljust(32, b"\0")
    words = struct.pack("<H", 14) + bytes(28)
    longs = [0] * 22
    longs[3] = len(text)
    pairs = [(0, 0)] * 93
    piece = struct.pack("<II", 0, len(text)) + struct.pack("<HIH", 0, DOC_TEXT, 0)
    clx = b"\x02" + struct.pack("<I", len(piece)) + piece
    pairs[33] = (len(table), len(clx))
    fib = base + words + struct.pack("<H", 22) + struct.pack("<22I", *longs)
    fib += struct.pack("<H", 93) + b"".join(struct.pack("<II", *pair) for pair in pairs)
    stream = fib.ljust(DOC_TEXT, b"\0") + text.encode("utf-16-le")
    return write_compound(path, {"WordDocument": stream, "1Table": table + clx})


def _record(kind: int, data: bytes, version: int = 0) -> bytes:
    return struct.pack("<HHI", version, kind, len(data)) + data


def write_ppt(path: Path, slides: Sequence[Sequence[str]]) -> Path:
    """Write slides of texts ([MS-PPT] 2.9.42: TextCharsAtom within the slides' list)."""
    texts = b""
    for slide in slides:
        texts += _record(0x03F3, struct.pack("<IIIII", 1, 0, len(slide), 256, 0))
        for kind, text in enumerate(slide):
            texts += _record(0x0F9F, struct.pack("<I", min(kind, 1)))
            texts += _record(0x0FA0, text.encode("utf-16-le"))
    inner = _record(0x0FF0, texts, 0xF)
    return write_compound(
        path, {"PowerPoint Document": _record(0x03E8, inner, 0xF), "Current User": bytes(40)}
    )


Properties = dict[str, str | bytes | int]
"""By tag and type, such as `0037001F`: texts, bytes, and numbers that stand in the head."""


def write_msg(
    path: Path,
    mail: Properties,
    recipients: Sequence[Properties] = (),
    attached: Sequence[Properties] = (),
) -> Path:
    """Write a mail ([MS-OXMSG]) with its recipients and mails within it."""
    streams = _streams("", 32, mail)
    for number, one in enumerate(recipients):
        streams |= _streams(f"__recip_version1.0_#{number:08X}/", 8, one)
    for number, one in enumerate(attached):
        place = f"__attach_version1.0_#{number:08X}/"
        streams |= _streams(place, 8, {})
        streams |= _streams(f"{place}__substg1.0_3701000D/", 24, one)
    return write_compound(path, streams)


def _streams(folder: str, head: int, properties: Properties) -> dict[str, bytes]:
    rows, streams = bytes(head), dict[str, bytes]()
    for tag, value in properties.items():
        fixed = value if isinstance(value, int) else 0
        rows += struct.pack("<IIQ", int(tag, 16), 6, fixed)
        if not isinstance(value, int):
            data = value if isinstance(value, bytes) else value.encode("utf-16-le")
            streams[f"{folder}__substg1.0_{tag}"] = data
    return {f"{folder}__properties_version1.0": rows, **streams}
