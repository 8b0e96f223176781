"""Tables of a Word 97-2003 file: properties, styles, fonts and the levels of lists.

Source: [MS-DOC] sections 2.2.5 (properties), 2.9.271 (styles), 2.9.87 (fonts), 2.9.147 to 2.9.150
and 2.9.131 to 2.9.133 (lists).
"""

import re
import struct
from functools import lru_cache
from typing import NamedTuple

from citewell.engine.parsing.readers.table_edges import EdgedRow
from citewell.engine.parsing.readers.word_styles import Level

_SIZES = (1, 1, 2, 4, 2, 2, 0, 3)
"""Bytes of a property's value by the three highest bits of its code; 0: a length leads."""
_TABLE = 0xD608
"""The property whose length takes two bytes."""

_FORMATS = {
    1: "upperRoman", 2: "lowerRoman", 3: "upperLetter", 4: "lowerLetter", 22: "decimalZero",
    23: "bullet", 255: "none",
}  # fmt: skip
_LEVELS = 9
_MOST_STYLES = 4_096
_MOST_LISTS = 10_000

Properties = dict[int, bytes]
"""Values by the codes of properties; the last of a code holds."""


class Style(NamedTuple):
    """A style."""

    number: int
    """That of the built-in style: 1 to 9 are headings, 62 is the title."""
    base: int
    paragraph: Properties
    run: Properties


@lru_cache(maxsize=4_096)
def properties_of(data: bytes) -> Properties:
    """The properties of a list of them, up to the first that is cut off."""
    found: Properties = {}
    at = 0
    while at + 2 < len(data):
        (code,) = struct.unpack_from("<H", data, at)
        at += 2
        size = _SIZES[code >> 13]
        if code == _TABLE:
            size = struct.unpack_from("<H", data, at)[0] + 1 if at + 2 <= len(data) else 0
        elif not size:
            size = data[at] + 1
        found[code] = data[at : at + size]
        at += size
    return found


_FOLLOWS_LEFT, _FOLLOWS_ABOVE, _BEGINS_BELOW = 0x02, 0x20, 0x40
_CELL = 20
"""Bytes of a cell's description ([MS-DOC] 2.9.301)."""


def edged_row(cells: list[str], row: Properties) -> EdgedRow:
    """The cells of a row with their ends and merges, if its properties say them."""
    value = row.get(_TABLE, b"")
    count = value[2] if len(value) > 2 else 0
    if count != len(cells) or len(value) < 3 + 2 * (count + 1):
        return EdgedRow(cells)
    ends = struct.unpack_from(f"<{count}h", value, 5)
    at = 3 + 2 * (count + 1)
    described = (value[at + _CELL * n : at + _CELL * n + 2] for n in range(count))
    flags = [each[0] if each else 0 for each in described]
    above = [bool(flag & _FOLLOWS_ABOVE) and not flag & _BEGINS_BELOW for flag in flags]
    return EdgedRow(cells, list(ends), above, [bool(flag & _FOLLOWS_LEFT) for flag in flags])


def read_styles(data: bytes) -> dict[int, Style]:
    """The styles by their places in the style sheet."""
    if len(data) < 6:
        return {}
    (head, count, fixed) = struct.unpack_from("<HHH", data)
    at = 2 + head
    found: dict[int, Style] = {}
    for place in range(min(count, _MOST_STYLES)):
        if at + 2 > len(data):
            break
        (size,) = struct.unpack_from("<H", data, at)
        if size >= fixed + 2:
            found[place] = _style(data[at + 2 : at + 2 + size], fixed)
        at += 2 + size
    return found


def _style(data: bytes, fixed: int) -> Style:
    number, kind = struct.unpack_from("<HH", data)
    (letters,) = struct.unpack_from("<H", data, fixed)
    at = fixed + 2 + 2 * letters + 2
    parts: list[bytes] = []
    while at + 2 <= len(data) and len(parts) < 3:
        (size,) = struct.unpack_from("<H", data, at)
        parts.append(data[at + 2 : at + 2 + size])
        at += 2 + size + size % 2
    is_paragraph = kind & 0xF == 1
    # Of paragraphs the first part begins with the style's own place.
    paragraph = properties_of(parts[0][2:]) if is_paragraph and parts else {}
    run = parts[1] if is_paragraph and len(parts) > 1 else b""
    run = parts[0] if kind & 0xF == 2 and parts else run
    return Style(number & 0xFFF, kind >> 4, paragraph, properties_of(run))


def read_fonts(data: bytes) -> list[str]:
    """The names of the fonts in their order."""
    if len(data) < 4:
        return []
    (count,) = struct.unpack_from("<H", data)
    at = 4
    names: list[str] = []
    for _ in range(count):
        if at >= len(data):
            break
        size = data[at] + 1
        names.append(data[at + 40 : at + size].decode("utf-16-le", "replace").partition("\0")[0])
        at += size
    return names


def read_lists(table: bytes, place: int) -> dict[int, dict[int, Level]]:
    """The levels of lists by the lists' own numbers; they stand behind the table of the lists."""
    (count,) = struct.unpack_from("<H", table, place)
    count = min(count, _MOST_LISTS)
    at = place + 2 + 28 * count
    found: dict[int, dict[int, Level]] = {}
    for number in range(count):
        entry = place + 2 + 28 * number
        (own,) = struct.unpack_from("<i", table, entry)
        is_simple = table[entry + 26] & 1
        levels: dict[int, Level] = {}
        for level in range(1 if is_simple else _LEVELS):
            levels[level], at = _level(table, at)
        found[own] = levels
    return found


def _level(table: bytes, at: int) -> tuple[Level, int]:
    start, kind = struct.unpack_from("<iB", table, at)
    run_size, paragraph_size = table[at + 24], table[at + 25]
    at += 28 + run_size + paragraph_size
    (letters,) = struct.unpack_from("<H", table, at)
    text = table[at + 2 : at + 2 + 2 * letters].decode("utf-16-le", "replace")
    # The number of a level stands in the text as its place, from 0.
    shown = re.sub("[\0-\x08]", lambda found: f"%{ord(found[0]) + 1}", text.replace("%", "\uff05"))
    return Level(_FORMATS.get(kind, "decimal"), shown, start), at + 2 + 2 * letters


def read_overrides(
    data: bytes, lists: dict[int, dict[int, Level]]
) -> tuple[dict[str, str], dict[str, dict[int, Level]], dict[str, dict[int, int]]]:
    """The lists by the numbers that paragraphs name them by, from 1.

    Returns:
        Number -> list, list -> levels, number -> starts of levels that begin anew.
    """
    levels = {str(own): found for own, found in lists.items()}
    numbers: dict[str, str] = {}
    restarts: dict[str, dict[int, int]] = {}
    if len(data) < 4:
        return numbers, levels, restarts
    (count,) = struct.unpack_from("<I", data)
    count = min(count, _MOST_LISTS, (len(data) - 4) // 16)
    at = 4 + 16 * count
    for number in range(count):
        own, *_, changes = struct.unpack_from("<iIIB", data, 4 + 16 * number)
        key = numbers[str(number + 1)] = str(own)
        at += 4
        for _ in range(changes if at < len(data) else 0):
            start, flags = struct.unpack_from("<iI", data, at)
            at += 8
            if flags & 0x10:
                restarts.setdefault(str(number + 1), {})[flags & 0xF] = start
            if flags & 0x20:
                changed, at = _level(data, at)
                key = numbers[str(number + 1)] = f"{own} of {number + 1}"
                levels[key] = {**levels.get(str(own), {}), flags & 0xF: changed}
    return numbers, levels, restarts
