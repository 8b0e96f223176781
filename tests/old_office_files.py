"""Writes small .doc, .ppt and .msg files, with nothing but the standard library."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Run:
    """A text with the properties of its look ([MS-DOC] 2.6.1)."""

    text: str
    look: bytes = b""


SUPERSCRIPT, HIDDEN, DELETED = b"\x48\x2a\x01", b"\x3c\x08\x01", b"\x00\x08\x01"
SPECIAL = b"\x55\x08\x01"
IN_TABLE, ROW_END = b"\x16\x24\x01", b"\x17\x24\x01"


def font(number: int) -> bytes:
    return b"\x4f\x4a" + struct.pack("<H", number)


def in_list(number: int, level: int = 0) -> bytes:
    return b"\x0b\x46" + struct.pack("<H", number) + b"\x0a\x26" + bytes([level])


Styled = tuple[Sequence[Run], bytes, int, str]
"""Runs, properties of the paragraph, place of its style, and its last character."""

_PAIRS = 93


def write_styled_doc(
    path: Path,
    paragraphs: Sequence[Styled],
    *,
    notes: Sequence[str] = (),
    comments: Sequence[str] = (),
    fonts: Sequence[str] = ("Times",),
) -> Path:
    """Write paragraphs with their looks, styles and lists.

    Styles are 0, plain, and 1, the first heading; lists are 1, which counts `1)` and `a.`, and 2,
    which counts `Article III.` A run of U+0002 refers to the next note, of U+0005 to a comment.
    """
    runs = [
        (each.text, each.look) for these, _, _, end in paragraphs for each in _ended(these, end)
    ]
    main = "".join(text for text, _ in runs)
    parts = ["".join(f"\x02 {each}\r" for each in notes), "".join(f"{each}\r" for each in comments)]
    text = main + "".join(parts)
    data = text.encode("utf-16-le").ljust(512 * (2 * len(text) // 512 + 1), b"\0")
    page = (DOC_TEXT + len(data)) // 512
    looks, start = list[tuple[int, bytes]](), DOC_TEXT
    for each, look in runs:
        looks.append((start, look))
        start += 2 * len(each)
    looks += [(start, b""), (DOC_TEXT + 2 * len(text), b"")]
    formats, start = list[tuple[int, bytes]](), DOC_TEXT
    for these, own, style, _ in paragraphs:
        formats.append((start, struct.pack("<H", style) + own))
        start += 2 * (sum(len(each.text) for each in these) + 1)
    formats.append((start, b""))
    table = bytearray(16)
    pairs = [(0, 0)] * _PAIRS

    def put(number: int, content: bytes, behind: bytes = b"") -> None:
        pairs[number] = (len(table), len(content))
        table.extend(content + behind)

    marks = {"\x02": (2, 3, notes, bytes(2)), "\x05": (4, 5, comments, bytes(30))}
    for mark, (references, places, texts, rest) in marks.items():
        where = [at for at, letter in enumerate(main) if letter == mark]
        sizes = [len(each) + (3 if mark == "\x02" else 1) for each in texts]
        ends = [sum(sizes[:at]) for at in range(len(sizes) + 1)]
        if texts:
            put(
                references,
                struct.pack(f"<{len(where) + 1}I", *where, len(main)) + rest * len(where),
            )
            put(places, struct.pack(f"<{len(ends) + 1}I", *ends, ends[-1]))
    put(1, _style_sheet())
    put(12, struct.pack("<III", DOC_TEXT, looks[-1][0], page))
    put(13, struct.pack("<III", DOC_TEXT, start, page + 1))
    put(15, struct.pack("<HH", len(fonts), 0) + b"".join(map(_font, fonts)))
    piece = struct.pack("<II", 0, len(text)) + struct.pack("<HIH", 0, DOC_TEXT, 0)
    put(33, b"\x02" + struct.pack("<I", len(piece)) + piece)
    put(73, *_lists())
    put(
        74,
        struct.pack("<I", 2)
        + b"".join(struct.pack("<iIIBBBB", n, 0, 0, 0, 0, 0, 0) for n in (7, 8))
        + b"\xff" * 8,
    )
    counts = [0] * 22
    counts[3], counts[4], counts[7] = len(main), len(parts[0]), len(parts[1])
    fib = struct.pack("<HHHHHH", 0xA5EC, 0xC1, 0, 0x409, 0, 0x1200).ljust(32, b"\0")
    fib += struct.pack("<H", 14) + bytes(28) + struct.pack("<H22I", 22, *counts)
    fib += struct.pack("<H", _PAIRS) + b"".join(struct.pack("<II", *pair) for pair in pairs)
    stream = fib.ljust(DOC_TEXT, b"\0") + data + _look_page(looks) + _paragraph_page(formats)
    return write_compound(path, {"WordDocument": stream, "1Table": bytes(table)})


def _ended(runs: Sequence[Run], end: str) -> list[Run]:
    return [*runs, Run(end)]


def _look_page(looks: Sequence[tuple[int, bytes]]) -> bytes:
    count = len(looks) - 1
    page = bytearray(struct.pack(f"<{count + 1}I", *(start for start, _ in looks)) + bytes(count))
    page = page.ljust(512, b"\0")
    at = 510
    for number, (_, look) in enumerate(looks[:-1]):
        if look:
            at = (at - len(look) - 1) // 2 * 2
            page[at : at + 1 + len(look)] = bytes([len(look)]) + look
            page[4 * (count + 1) + number] = at // 2
    page[511] = count
    return bytes(page)


def _paragraph_page(formats: Sequence[tuple[int, bytes]]) -> bytes:
    count = len(formats) - 1
    page = bytearray(struct.pack(f"<{count + 1}I", *(start for start, _ in formats)))
    page = page.ljust(512, b"\0")
    at = 510
    for number, (_, form) in enumerate(formats[:-1]):
        form = form.ljust(len(form) + 1 - len(form) % 2, b"\0")  # an odd number of bytes
        at = (at - len(form) - 1) // 2 * 2
        page[at : at + 1 + len(form)] = bytes([(len(form) + 1) // 2]) + form
        page[4 * (count + 1) + 13 * number] = at // 2
    page[511] = count
    return bytes(page)


def _style_sheet() -> bytes:
    styles = b""
    for number, name in ((0, "Normal"), (1, "heading 1")):
        style = struct.pack("<HHHHH", number, 1 | 0xFFF0, 0x0002, 0, 0)
        style += struct.pack("<H", len(name)) + name.encode("utf-16-le") + b"\0\0"
        style += struct.pack("<HHH", 2, number, 0)
        styles += struct.pack("<H", len(style)) + style
    return struct.pack("<HHH", 18, 2, 10) + bytes(14) + styles


def _font(name: str) -> bytes:
    data = bytes(39) + name.encode("utf-16-le") + b"\0\0"
    return bytes([len(data)]) + data


def _lists() -> tuple[bytes, bytes]:
    """The table of two lists, and the levels behind it."""
    head = struct.pack("<H", 2)
    for number in (7, 8):
        head += (
            struct.pack("<ii", number, 0)
            + bytes(18)
            + b"\1\0" * (number == 8)
            + b"\0\0" * (number == 7)
        )
    levels = _list_level(1, 0, "\0)") + _list_level(1, 4, "\1.") + _list_level(1, 0, "\2") * 7
    return head, levels + _list_level(3, 1, "Article \0.")


def _list_level(start: int, kind: int, text: str) -> bytes:
    own = struct.pack("<iB", start, kind) + bytes(23)
    return own + struct.pack("<H", len(text)) + text.encode("utf-16-le")


@dataclass(frozen=True)
class Shown:
    """A slide: its title, the runs of its text with their heights in percent, and its notes."""

    title: str
    runs: Sequence[tuple[str, int]]
    notes: str = ""
    is_hidden: bool = False
    hidden_shape: str = ""


def write_shown_ppt(path: Path, slides: Sequence[Shown]) -> Path:
    """Write slides as parts of their own, with an outline that their titles refer to."""
    data = bytearray()
    places: dict[int, int] = {}

    def put(number: int, record: bytes) -> None:
        places[number] = len(data)
        data.extend(record)

    outline = notes = b""
    for at, slide in enumerate(slides):
        outline += _record(0x03F3, struct.pack("<IIiII", 10 + at, 0, 1, 256 + at, 0))
        outline += _record(0x0F9F, struct.pack("<I", 0))
        outline += _record(0x0FA0, slide.title.encode("utf-16-le"))
        if slide.notes:
            notes += _record(0x03F3, struct.pack("<IIiII", 100 + at, 0, 0, 500 + at, 0))
    listed = _record(0x0FF0, outline, 0xF) + _record(0x0FF0, notes, 0x2F)
    put(1, _record(0x03E8, listed, 0xF))
    for at, slide in enumerate(slides):
        own = struct.pack("<i8sIIHH", 1, b"", 0, (500 + at) if slide.notes else 0, 0, 0)
        show = struct.pack("<iIBBHHH", 0, 0, 0, 0, 4 * slide.is_hidden, 0, 0)
        shapes = _ppt_shape(_record(0x0F9E, struct.pack("<I", 0)), b"", 13)
        shapes += _ppt_shape(_ppt_text(slide.runs), b"", 14)
        shapes += _ppt_shape(_ppt_text([("footer", 0)]), b"", 9)
        if slide.hidden_shape:
            hidden = struct.pack("<HI", 0x03BF, 0x20002)
            shapes += _ppt_shape(_ppt_text([(slide.hidden_shape, 0)]), hidden, 0)
        parts = _record(0x03EF, own, 2) + _record(0x03F9, show) + _ppt_drawing(shapes)
        put(10 + at, _record(0x03EE, parts, 0xF))
        if slide.notes:
            put(
                100 + at,
                _record(
                    0x03F0, _ppt_drawing(_ppt_shape(_ppt_text([(slide.notes, 0)]), b"", 12)), 0xF
                ),
            )
    entries = b"".join(struct.pack("<II", number | 1 << 20, at) for number, at in places.items())
    directory = len(data)
    data.extend(_record(0x1772, entries))
    edit = len(data)
    data.extend(_record(0x0FF5, struct.pack("<IIIIIII", 0, 0, 0, directory, 1, 200, 0)))
    current = _record(0x0FF6, struct.pack("<III", 0x14, 0xE391C05F, edit) + bytes(20))
    return write_compound(path, {"PowerPoint Document": bytes(data), "Current User": current})


def _ppt_drawing(shapes: bytes) -> bytes:
    return _record(0x040C, _record(0xF002, _record(0xF003, shapes, 0xF), 0xF), 0xF)


def _ppt_shape(box: bytes, options: bytes, placeholder: int) -> bytes:
    parts = _record(0xF00B, options, len(options) // 6 << 4 | 3)
    if placeholder:
        atom = _record(0x0BC3, struct.pack("<iBBH", 0, placeholder, 0, 0))
        parts += _record(0xF011, atom, 0xF)
    return _record(0xF004, parts + _record(0xF00D, box, 0xF), 0xF)


def _ppt_text(runs: Sequence[tuple[str, int]]) -> bytes:
    text = "".join(each for each, _ in runs)
    # A paragraph with a bullet's flags, its alignment and a tab; then the runs with their size.
    styles = struct.pack("<IHI", len(text) + 1, 0, 0x0010080F) + bytes(4) + struct.pack("<HI", 1, 0)
    for each, height in runs:
        styles += struct.pack("<IIHHh", len(each), 0x000A0001, 0, 24, height)
    styles += struct.pack("<II", 1, 0)
    head = _record(0x0F9F, struct.pack("<I", 1)) + _record(0x0FA0, text.encode("utf-16-le"))
    return head + _record(0x0FA1, styles)
