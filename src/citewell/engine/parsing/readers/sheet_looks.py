"""Looks of cells, as far as they decide what is read: number format, old font, text out of sight.

Source: ECMA-376 part 1, 18.8 (styles). A cell's text is out of sight if its format shows nothing
(";;;"), or if it is white on the sheet's white, where no rule of the sheet may colour the cell.
"""

from collections.abc import Callable
from itertools import chain
from typing import NamedTuple, TypeVar
from xml.etree import ElementTree as ET

from citewell.engine.parsing.readers.number_formats import BUILT_IN
from citewell.engine.parsing.readers.ooxml import child, local, value_of
from citewell.engine.parsing.readers.paper import WHITE
from citewell.engine.parsing.vietnamese import font_decoder, has_vietnamese

_Item = TypeVar("_Item")


class CellLook(NamedTuple):
    """The look of a cell."""

    code: str = "General"
    """Its number format."""
    decode: Callable[[str], str] | None = None
    """The reading of an old Vietnamese font."""
    is_unseen: bool = False
    """Whether its text has the colour of its ground."""


PLAIN = CellLook()


def decoded(text: str, decode: Callable[[str], str] | None) -> str:
    """A text in the reading of its font; one that is typed in Unicode as it is."""
    return text if decode is None or text.isascii() or has_vietnamese(text) else decode(text)


def cell_looks(root: ET.Element) -> list[CellLook]:
    """The look of each cell style of a workbook's styles."""
    own = {item.get("numFmtId", ""): item.get("formatCode", "") for item in _items(root, "numFmts")}
    codes = dict(chain(((str(number), code) for number, code in BUILT_IN.items()), own.items()))
    own_colours = child(root, "colors", "indexedColors")
    palette = [each.get("rgb", "") for each in own_colours] if own_colours is not None else []
    fonts = [_font(font, palette) for font in _items(root, "fonts")]
    grounds = [_ground(fill, palette) for fill in _items(root, "fills")]
    found: list[CellLook] = []
    for xf in _items(root, "cellXfs"):
        colour, name = _at(fonts, xf.get("fontId"), ("", ""))
        ground = _at(grounds, xf.get("fillId"), "")
        code = codes.get(xf.get("numFmtId", "0"), "General")
        found.append(CellLook(code, font_decoder(name), colour != "" and colour == ground))
    return found


def _items(root: ET.Element, name: str) -> list[ET.Element]:
    found = child(root, name)
    return [] if found is None else list(found)


def _at(items: list[_Item], place: str | None, missing: _Item) -> _Item:
    number = int(place) if place and place.isdecimal() else 0
    return items[number] if number < len(items) else missing


def _font(font: ET.Element, palette: list[str]) -> tuple[str, str]:
    return _colour(child(font, "color"), palette), value_of(font, "name") or ""


_WHITE_INDEXES = ("1", "9")
"""Of the colours that workbooks begin with; one may have others in their places."""


def _colour(element: ET.Element | None, palette: list[str]) -> str:
    """A colour as digits, or as a place in the theme; empty if it is the usual one."""
    if element is None:
        return ""
    if rgb := element.get("rgb"):
        return rgb[-6:].upper()
    if index := element.get("indexed"):
        own = _at(palette, index, "") if index.isdecimal() else ""
        return own[-6:].upper() or (WHITE if index in _WHITE_INDEXES else "")
    theme, tint = element.get("theme"), element.get("tint", "0")
    # The first of a theme is the colour of its paper, which is white but for dark themes.
    if theme == "0" and _number(tint) == 0:
        return WHITE
    return f"theme {theme} {tint}" if theme else ""


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _ground(fill: ET.Element, palette: list[str]) -> str:
    pattern = child(fill, "patternFill")
    if pattern is None:
        # A gradient has more than one colour.
        return "gradient" if any(local(part.tag) == "gradientFill" for part in fill) else WHITE
    kind = pattern.get("patternType", "none")
    if kind == "none":
        return WHITE
    return _colour(child(pattern, "fgColor"), palette) if kind == "solid" else "pattern"
