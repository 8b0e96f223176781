"""Glyphs and widths of a TrueType font, as far as a PDF that embeds it needs them."""

import struct
from dataclasses import dataclass
from typing import Any

UNITS = 1_000
"""Units of an em in a PDF."""

_WINDOWS_UNICODE = (3, 1)
"""The encoding that every font of the last decades has: sixteen-bit Unicode."""

_FORMAT = 4
"""Segments of code points, the form of that table."""


@dataclass(frozen=True, slots=True)
class Font:
    """A font.

    Args:
        name: Its PostScript name, as a PDF calls it.
        data: The file.
        glyphs: The number of the glyph of each character.
        widths: Of the glyphs by number, in thousandths of an em.
        box: Rectangle around all glyphs, in the same unit.
        ascent: Above the base line, in the same unit.
        descent: Below it, negative.
    """

    name: str
    data: bytes
    glyphs: dict[str, int]
    widths: tuple[int, ...]
    box: tuple[int, int, int, int]
    ascent: int
    descent: int

    def glyph(self, character: str) -> int:
        """The glyph of a character; 0, an empty box, if the font has none."""
        return self.glyphs.get(character, 0)

    def width(self, text: str, size: float) -> float:
        """The width of a line of text in the unit of `size`."""
        return sum(self.widths[self.glyph(each)] for each in text) * size / UNITS


def read_font(name: str, data: bytes) -> Font:
    """A font from its file.

    Raises:
        ValueError: The file has no table of Unicode characters that is understood.
    """
    tables = _tables(data)
    em = _unpack(">H", data, tables["head"] + 18)[0]

    def scaled(value: int) -> int:
        return round(value * UNITS / em)

    box = _unpack(">4h", data, tables["head"] + 36)
    ascent, descent = _unpack(">2h", data, tables["hhea"] + 4)
    count = _unpack(">H", data, tables["maxp"] + 4)[0]
    own = _unpack(">H", data, tables["hhea"] + 34)[0]
    advances = _unpack(f">{2 * own}H", data, tables["hmtx"])[::2]
    # The glyphs after the last one with a width of its own have that one's.
    widths = [scaled(each) for each in advances] + [scaled(advances[-1])] * (count - own)
    return Font(
        name=name,
        data=data,
        glyphs=_glyphs(data, tables["cmap"]),
        widths=tuple(widths),
        box=(scaled(box[0]), scaled(box[1]), scaled(box[2]), scaled(box[3])),
        ascent=scaled(ascent),
        descent=scaled(descent),
    )


def _unpack(form: str, data: bytes, place: int) -> tuple[Any, ...]:
    return struct.unpack_from(form, data, place)


def _tables(data: bytes) -> dict[str, int]:
    """Where each table begins, by its name."""
    count = _unpack(">H", data, 4)[0]
    found = (_unpack(">4s4xI", data, 12 + 16 * place) for place in range(count))
    return {tag.decode("ascii"): start for tag, start in found}


def _glyphs(data: bytes, table: int) -> dict[str, int]:
    count = _unpack(">H", data, table + 2)[0]
    for place in range(count):
        platform, encoding, offset = _unpack(">HHI", data, table + 4 + 8 * place)
        start = table + offset
        if (platform, encoding) == _WINDOWS_UNICODE and _unpack(">H", data, start)[0] == _FORMAT:
            return _segments(data, start)
    raise ValueError("The font has no table of sixteen-bit Unicode characters.")


def _segments(data: bytes, start: int) -> dict[str, int]:
    """The glyphs of a table in format 4 of OpenType's `cmap`."""
    count = _unpack(">H", data, start + 6)[0] // 2
    form = f">{count}H"
    ends = _unpack(form, data, start + 14)
    firsts = _unpack(form, data, start + 16 + 2 * count)
    deltas = _unpack(form, data, start + 16 + 4 * count)
    offsets_at = start + 16 + 6 * count
    offsets = _unpack(form, data, offsets_at)
    found: dict[str, int] = {}
    for place, (first, end) in enumerate(zip(firsts, ends, strict=True)):
        # 0xFFFF closes the table and is no character.
        for code in range(first, min(end, 0xFFFE) + 1):
            glyph = code
            if offsets[place]:
                at = offsets_at + 2 * place + offsets[place] + 2 * (code - first)
                glyph = _unpack(">H", data, at)[0]
                if not glyph:
                    continue
            if number := (glyph + deltas[place]) & 0xFFFF:
                found[chr(code)] = number
    return found
