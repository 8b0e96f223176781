"""The text layer of Rich Text and of old Word files: a second opinion, as `layers` is for zips.

Sources: Rich Text Format specification 1.9.1; [MS-DOC] sections 2.5 (FIB) and 2.8.35 (pieces).
"""

import re
import struct
from collections.abc import Iterator
from pathlib import Path

from citewell.engine.parsing.containers import open_compound

_TOKEN = re.compile(
    rb"\\([A-Za-z]{1,32})(-?\d{1,10})?[ ]?|\\'[0-9A-Fa-f]{2}|\\(.)|([{}])|([^\\{}\r\n]+)"
    rb"|[\r\n]+|\\",
    re.DOTALL,
)

_SKIPPED = re.compile(
    rb"fonttbl|colortbl|stylesheet|info|pict|obj(?:data|class)|(?:header|footer)[lrf]?|ftnsepc?"
    rb"|ftncn|fldinst|xe|tc|rxe|annotation|atn\w+|pn|listtext|pntext|nonesttables|nonshppict"
    rb"|themedata|datastore|template|s[pnv]|txe|bkmk(?:start|end)|generator"
)
"""Groups whose text is not the document's own, or is made anew as numbers are."""
_READ = re.compile(rb"shpinst|shptxt|footnote|moMath(?:Para)?|ud")
"""Groups behind `\\\\*` that hold text all the same."""

_WIDE_PAGES = re.compile(rb"\\(?:ansicpg(?:932|936|949|950|1361)|fcharset(?:12[89]|130|134|136))\b")
"""Code pages of two bytes for a character, of which the second may be a letter of ASCII."""


def rich_text_layer(path: Path) -> Iterator[str]:
    """Yield the text of a Rich Text file in ASCII and Unicode; letters of code pages are left out.

    Files with fonts of two bytes for a character have no such layer.
    """
    data = path.read_bytes()
    if not _WIDE_PAGES.search(data):
        yield from _RichText(data).texts()


class _RichText:
    """One pass over a file."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._groups: list[tuple[bool, int]] = []
        self._is_skipped = self._is_starred = False
        self._fallback = 1
        """Characters that stand for one of Unicode, for programs that do not know it."""
        self._to_skip = 0

    def texts(self) -> Iterator[str]:
        while found := _TOKEN.match(self._data, self._at):
            self._at = found.end()
            word, number, sign, brace, text = found.groups()
            if brace is not None:
                self._turn(brace)
            elif sign == b"*":
                self._is_starred = True
            elif word is not None:
                yield self._control(word, int(number or 0))
            elif text is not None and not self._is_skipped:
                yield text[self._to_skip :].decode("ascii", "ignore")
                self._to_skip = max(self._to_skip - len(text), 0)
            elif self._to_skip:
                self._to_skip -= 1

    def _turn(self, brace: bytes) -> None:
        self._to_skip = 0
        if brace == b"{":
            self._groups.append((self._is_skipped, self._fallback))
            self._is_starred = False
        else:
            known = self._groups.pop() if self._groups else (False, 1)
            self._is_skipped, self._fallback = known

    def _control(self, word: bytes, number: int) -> str:
        """The character that a control word stands for, if it stands for one."""
        is_starred, self._is_starred = self._is_starred, False
        if word == b"bin":
            self._at += max(number, 0)
        elif (is_starred and not _READ.fullmatch(word)) or _SKIPPED.fullmatch(word):
            self._is_skipped = True
        elif word == b"uc":
            self._fallback = min(max(number, 0), 10)
        elif word == b"u" and not self._is_skipped:
            self._to_skip = self._fallback
            code = number % 65_536
            # Halves of a pair are counted nowhere: the reader joins them.
            return "" if 0xD800 <= code < 0xE000 else chr(code)
        elif self._to_skip:
            self._to_skip -= 1
        return ""


_FIELD = re.compile(r"\x13[^\x13-\x15]*\x14?|[\x00-\x1f]")
"""The instruction of a field up to its result, and marks."""

_PARTS = 7
"""Counts of characters in the FIB: the text, notes, headers, macros, comments, end notes, boxes."""


def word_layer(path: Path) -> Iterator[str]:
    """Yield the text, foot- and endnotes of a Word 97-2003 file by its table of pieces."""
    try:
        container = open_compound(path.read_bytes())
        main = container.stream("WordDocument") or b""
        (flags,) = struct.unpack_from("<H", main, 10)
        table = container.stream("1Table" if flags & 0x200 else "0Table") or b""
        counts = struct.unpack_from(f"<{_PARTS}i", main, 0x4C)
        start, size = struct.unpack_from("<II", main, 0x1A2)
        text = "".join(_pieces(main, table[start : start + size]))
    except (ValueError, struct.error, IndexError, ArithmeticError):
        return  # the reader has read it; only this look needs what is damaged
    at = 0
    for place, count in enumerate(counts):
        if place in (0, 1, 5):
            yield _FIELD.sub(" ", text[at : at + max(count, 0)])
        at += max(count, 0)


def _pieces(main: bytes, table: bytes) -> Iterator[str]:
    at = 0
    while at < len(table) and table[at] == 1:  # settings of paragraphs
        at += 3 + struct.unpack_from("<H", table, at + 1)[0]
    if at >= len(table) or table[at] != 2:
        return
    (size,) = struct.unpack_from("<I", table, at + 1)
    count = min((size - 4) // 12, len(table) // 12)
    places = struct.unpack_from(f"<{count + 1}I", table, at + 5)
    for number in range(count):
        (place,) = struct.unpack_from("<I", table, at + 5 + 4 * (count + 1) + 8 * number + 2)
        length = max(places[number + 1] - places[number], 0)
        if place & 0x40000000:
            begin = (place & 0x3FFFFFFF) // 2
            yield main[begin : begin + length].decode("cp1252", "replace")
        else:
            yield main[place : place + 2 * length].decode("utf-16-le", "replace")
