"""Characters of RTF: code pages, fonts and their character sets.

Source: Rich Text Format Specification 1.9.1, sections "Character Set", "Font Table" and "Unicode".
"""

import codecs
import re

from citewell.engine.parsing.readers.symbols import symbol
from citewell.engine.parsing.vietnamese import font_decoder

# `\fcharset` -> Python's codec.
_CHARSETS = {
    0: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gb18030",
    136: "cp950", 161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256",
    186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250", 254: "cp437", 255: "cp850",
}  # fmt: skip
_SYMBOL = 2
_PAGES = {65001: "utf-8", 10000: "mac_roman", 936: "gb18030", 1361: "johab"}


def codec_of_page(number: int) -> str:
    """Python's name of a code page; Western European for one that it does not know."""
    name = _PAGES.get(number, f"cp{number}")
    try:
        codecs.lookup(name)
    except LookupError:
        return "cp1252"
    return name


class Fonts:
    """The fonts of a document: how the bytes of each are read."""

    def __init__(self) -> None:
        self.codec = "cp1252"
        """Of the document, for fonts that name none."""
        self._names: dict[int, str] = {}
        self._codecs: dict[int, str] = {}
        self._symbols: set[int] = set()

    def note_charset(self, font: int, charset: int) -> None:
        """Note the character set of a font; 1 stands for the document's."""
        if charset == _SYMBOL:
            self._symbols.add(font)
        elif charset in _CHARSETS:
            self._codecs[font] = _CHARSETS[charset]

    def note_page(self, font: int, page: int) -> None:
        """Note the code page of a font."""
        self._codecs[font] = codec_of_page(page)

    def note_name(self, font: int, name: str) -> None:
        """Note the name of a font."""
        self._names.setdefault(font, name.strip(" ;"))

    def decode(self, font: int, raw: bytes) -> str:
        """Bytes in a font as text."""
        name = self._names.get(font, "")
        if font in self._symbols or name.casefold().startswith(("symbol", "wingdings")):
            return "".join(symbol(name or "symbol", f"{byte:X}") for byte in raw)
        if font_decoder(name):
            # Read as the font shows it once the whole run is known.
            return raw.decode("cp1252", "replace")
        # Python leaves five places of Windows' tables undefined; they hold nothing.
        return raw.decode(self._codecs.get(font, self.codec), "replace")

    def old_font(self, font: int) -> str:
        """The name of a font with an encoding of its own; empty for others."""
        name = self._names.get(font, "")
        return name if font_decoder(name) else ""

    def shown(self, font: int, number: int) -> str:
        """A character by its number in Unicode, or by its place in a font of symbols."""
        if 0xF000 <= number <= 0xF0FF:
            return symbol(self._names.get(font) or "symbol", f"{number:X}")
        return chr(number)


_MOST_COLOURS = 65_536
"""Bytes of a table of colours that are read."""


def white_places(data: bytes) -> frozenset[int]:
    """The places of white in a document's table of colours."""
    head = b"\\colortbl"
    begin = data.find(head)
    table = data[begin + len(head) : begin + len(head) + _MOST_COLOURS] if begin >= 0 else b""
    entries = re.split(rb"[{}]", table, maxsplit=1)[0].split(b";")
    parts = (b"\\red255", b"\\green255", b"\\blue255")
    return frozenset(at for at, entry in enumerate(entries) if all(p in entry for p in parts))


def join_surrogates(text: str) -> str:
    """The text with pairs of surrogates as the characters they stand for."""
    if not re.search("[\ud800-\udfff]", text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
