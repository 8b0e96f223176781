"""Text boxes, shapes, charts and rules of Excel 97-2003 workbooks, which xlrd skips.

Source: [MS-XLS] 2.4.181 (Obj), 2.4.329 (TxO), 2.4.28 (BoundSheet8), 2.4.254 (SeriesText);
[MS-ODRAW] 2.2.14 (shapes) and 2.3.4.44 (whether a shape is hidden).
"""

import struct
from collections.abc import Iterator

_BOF, _EOF, _SHEET, _CONTINUE, _DRAWING, _OBJECT, _TEXT = 0x809, 0x0A, 0x85, 0x3C, 0xEC, 0x5D, 0x1B6

_SERIES, _CAPTION, _SAID = 0x1003, 0x1025, 0x100D
"""Of a chart: a series, a title or label, and the text of either."""

_BIFF8 = 0x600
_NOTE = 0x19
"""Kind of object of a cell's comment, which is read with the cells."""

_OPTIONS, _GROUP_FLAGS = 0xF00B, 0x03BF
_RULES = (0x01B0, 0x0879, 0x0872, 0x0878)
"""CondFmt, CondFmt12, Feature11, Feature12: conditional formats, and tables with a style."""

_IS_HIDDEN = 0x0002_0002
"""The flag, and the one that says that it counts."""

_Record = tuple[int, bytes]


class Drawings:
    """The texts that are drawn on each worksheet of a workbook."""

    def __init__(self, stream: bytes) -> None:
        """Find the sheets in the stream `Workbook`; older workbooks have none of this kind."""
        self._stream = stream
        head = next(_records(stream, 0), (0, b""))
        self._starts: list[int] = []
        if head[0] != _BOF or head[1][:2] != struct.pack("<H", _BIFF8):
            return
        for kind, data in _records(stream, 0):
            if kind == _EOF:
                break
            # Sheets of charts and macros are of other kinds.
            if kind == _SHEET and len(data) > 5 and not data[5]:
                self._starts.append(struct.unpack_from("<I", data)[0])

    def has_rules(self, number: int) -> bool:
        """Whether rules of a worksheet, the first of which is 1, may colour its cells."""
        if not 0 < number <= len(self._starts):
            return False
        records = _records(self._stream, self._starts[number - 1])
        depth = 0
        for kind, _ in records:
            depth += (kind == _BOF) - (kind == _EOF)
            if kind in _RULES:
                return True
            if depth <= 0:
                return False
        return False

    def texts(self, number: int) -> list[str]:
        """Texts of a worksheet, the first of which is 1; hidden shapes are left out."""
        if not 0 < number <= len(self._starts):
            return []
        texts: list[str] = []
        depth = 0
        hides_next = is_hidden = is_note = is_caption = False
        records = _records(self._stream, self._starts[number - 1])
        for kind, data in records:
            if kind == _BOF:
                depth += 1
            elif kind == _EOF:
                depth -= 1
                if depth <= 0:
                    break
            # Charts on the sheet are substreams within it; their figures stand in the cells.
            elif depth != 1:
                is_caption = kind == _CAPTION or (is_caption and kind != _SERIES)
                title = _short_text(data) if kind == _SAID and is_caption else ""
                texts += [title] if title and not is_hidden else []
            elif kind == _DRAWING:
                hides_next = _hides(data)
            elif kind == _OBJECT:
                # Another part of the drawing stands between the object and its text.
                is_hidden = hides_next
                is_note = data[4:6] == struct.pack("<H", _NOTE)
            elif kind == _TEXT and not is_note and len(data) >= 12:
                text = _text(records, struct.unpack_from("<H", data, 10)[0])
                if text.strip() and not is_hidden:
                    texts.append(text.strip())
        return texts


def _records(stream: bytes, at: int) -> Iterator[_Record]:
    """The records from a place on; one that is cut off ends them."""
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        if at + 4 + size > len(stream):
            return
        yield kind, stream[at + 4 : at + 4 + size]
        at += 4 + size


def _text(records: Iterator[_Record], count: int) -> str:
    """The characters of a text, which follow it in records of one or two bytes for each."""
    parts: list[str] = []
    while count > 0:
        kind, data = next(records, (0, b""))
        if kind != _CONTINUE or len(data) < 2:
            break
        part = data[1:].decode("utf-16-le" if data[0] & 1 else "latin-1", "replace")[:count]
        parts.append(part)
        count -= len(part)
    return "".join(parts).replace("\r", "\n")


def _short_text(data: bytes) -> str:
    """A text that says its length in one byte ([MS-XLS] 2.5.240)."""
    if len(data) < 4:
        return ""
    size, is_wide = data[2], data[3] & 1
    return (
        data[4 : 4 + size * (1 + is_wide)]
        .decode("utf-16-le" if is_wide else "latin-1", "replace")
        .strip()
    )


def _hides(drawing: bytes) -> bool:
    """Whether the shape of a drawing's record is hidden."""
    at = 0
    while at + 8 <= len(drawing):
        flags, kind, size = struct.unpack_from("<HHI", drawing, at)
        at += 8
        if kind == _OPTIONS:
            for place in range(at, min(at + 6 * (flags >> 4), len(drawing) - 5), 6):
                key, value = struct.unpack_from("<HI", drawing, place)
                if key == _GROUP_FLAGS and value & _IS_HIDDEN == _IS_HIDDEN:
                    return True
        # Containers are stepped into: the last ones go on in the records that follow.
        if flags & 0xF != 0xF:
            at += size
    return False
