"""Word's styles and automatic numbers, which make a paragraph a heading or a list item.

Source: ECMA-376 part 1, sections 17.7 (styles) and 17.9 (numbering).
"""

import re
from typing import NamedTuple
from xml.etree import ElementTree as ET

from citewell.engine.parsing.readers.ooxml import attribute, child, is_on, local, value_of
from citewell.engine.parsing.readers.paper import is_paper, is_unseen

# Word keeps the English names of its built-in styles in files of every language.
_HEADING_NAME = re.compile(r"heading ([1-9])", re.IGNORECASE)
# Styles that Word and exporters (pandoc, Google Docs) give to code.
_CODE_NAME = re.compile(r"(?:html )?preformatted|(?:source )?code|code block", re.IGNORECASE)
# "%1.%2": places in a numbering format that are filled with the counters of each level.
_PLACE = re.compile(r"%([1-9])")
# Styles may be based on each other in a circle; longer chains do not occur.
_MAX_BASES = 20
_MOST_LETTERS = 50
"""A label of more letters is written as a number: nobody counts them."""
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"),
          (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip


class ParagraphStyle(NamedTuple):
    """Role that a style gives a paragraph."""

    level: int = 0
    """Level as a heading, 1 to 6; 0 for no heading."""
    is_code: bool = False


class RunLook(NamedTuple):
    """Look of a run, as far as it decides what is read."""

    shift: int = 0
    """1 raised, -1 lowered."""
    is_hidden: bool = False
    font: str = ""
    is_white: bool = False
    """Whether it is white and nothing is said of the ground behind it."""


_SHIFTS = {"superscript": 1, "subscript": -1, "baseline": 0}
# Half-points. A run moved by less is fitted to a picture or a larger letter.
_LEAST_MOVE = 4
# A type of one point and below is set to be searched, not to be seen.
_UNSEEN_SIZE = 2
_PLAIN_SHADES = ("", "clear", "nil")
"""Kinds of shades without a pattern: their ground is what they are filled with (17.18.78)."""


class Styles:
    """The styles of a document."""

    def __init__(self, root: ET.Element | None) -> None:
        styles = [] if root is None else [part for part in root if local(part.tag) == "style"]
        self._elements = {attribute(style, "styleId") or "": style for style in styles}
        self._roles: dict[str, ParagraphStyle] = {}
        self._looks: dict[str, dict[str, str]] = {}
        defaults = None if root is None else child(root, "docDefaults", "rPrDefault", "rPr")
        self._defaults = _settings(defaults)

    def look(self, run: ET.Element, paragraph: ET.Element) -> RunLook:
        """Get the look of a run: its own, its style's, else that of its paragraph's style."""
        own = child(run, "rPr")
        look = self._own_look(own, paragraph)
        if look.is_white and self._is_shaded(paragraph):
            return look._replace(is_white=False)
        return look

    def _is_shaded(self, paragraph: ET.Element) -> bool:
        """Whether a paragraph or its style sets a ground."""
        shades = [child(paragraph, "pPr", "shd")]
        chain = self._chain(value_of(paragraph, "pPr", "pStyle") or "")
        shades += [child(style, "pPr", "shd") for style in chain]
        return any(shade is not None and not is_paper(_ground(shade)) for shade in shades)

    def _own_look(self, own: ET.Element | None, paragraph: ET.Element) -> RunLook:
        style = value_of(paragraph, "pPr", "pStyle") or ""
        if own is None and not style:
            found = self._defaults
        else:
            named = value_of(own, "rStyle") or ""
            found = {
                **self._defaults, **self._look(style), **self._look(named), **_settings(own)
            }  # fmt: skip
        return _run_look(found) if found else RunLook()

    def _look(self, style: str) -> dict[str, str]:
        if not style:
            return {}
        if style not in self._looks:
            found: dict[str, str] = {}
            for element in reversed(self._chain(style)):
                found |= _settings(child(element, "rPr"))
            self._looks[style] = found
        return self._looks[style]

    def of(self, paragraph: ET.Element) -> ParagraphStyle:
        """Get the role of a paragraph."""
        own = value_of(paragraph, "pPr", "outlineLvl")
        if own and own.isdecimal():
            return ParagraphStyle(int(own) + 1 if int(own) < 6 else 0)
        style = value_of(paragraph, "pPr", "pStyle") or ""
        if style not in self._roles:
            self._roles[style] = self._role(style)
        return self._roles[style]

    def numbering(self, paragraph: ET.Element) -> tuple[str, int] | None:
        """Get the list a paragraph belongs to and its level in it, 0 for the outermost."""
        number = value_of(paragraph, "pPr", "numPr", "numId")
        level = value_of(paragraph, "pPr", "numPr", "ilvl")
        for style in self._chain(value_of(paragraph, "pPr", "pStyle") or ""):
            number = number or value_of(style, "pPr", "numPr", "numId")
            level = level or value_of(style, "pPr", "numPr", "ilvl")
        if not number or number == "0":
            return None
        return number, int(level) if level and level.isdecimal() else 0

    def _role(self, name: str) -> ParagraphStyle:
        for style in self._chain(name):
            shown = value_of(style, "name") or ""
            if found := _HEADING_NAME.fullmatch(shown):
                return ParagraphStyle(min(int(found[1]), 6))
            if shown.lower() == "title":
                return ParagraphStyle(1)
            if _CODE_NAME.fullmatch(shown):
                return ParagraphStyle(is_code=True)
            outline = value_of(style, "pPr", "outlineLvl")
            if outline and outline.isdecimal() and int(outline) < 6:
                return ParagraphStyle(int(outline) + 1)
        return ParagraphStyle()

    def _chain(self, name: str) -> list[ET.Element]:
        """A style and those it is based on, nearest first."""
        chain: list[ET.Element] = []
        while (style := self._elements.get(name)) is not None and len(chain) < _MAX_BASES:
            chain.append(style)
            name = value_of(style, "basedOn") or ""
        return chain


def _settings(properties: ET.Element | None) -> dict[str, str]:
    """The settings of an `rPr` that `RunLook` needs."""
    found: dict[str, str] = {}
    for part in properties if properties is not None else ():
        match local(part.tag):
            case "vanish":
                found["vanish"] = "1" if is_on(part) else ""
            case "vertAlign" | "position" | "sz" | "color" as name:
                found[name] = attribute(part, "val") or ""
            case "shd":
                found["shade"] = _ground(part)
            case "highlight":
                found["highlight"] = attribute(part, "val") or ""
            case "rFonts":
                # The name for Latin letters, which the old Vietnamese fonts are.
                found["font"] = attribute(part, "ascii") or attribute(part, "hAnsi") or ""
            case _:
                pass
    return found


def _ground(shade: ET.Element) -> str:
    """The colour of a shade; `pattern` for one that is drawn, as a solid one is."""
    if (attribute(shade, "val") or "") not in _PLAIN_SHADES:
        return "pattern"
    return attribute(shade, "fill") or ""


def _run_look(found: dict[str, str]) -> RunLook:
    moved, size = found.get("position", ""), found.get("sz", "")
    shift = _SHIFTS.get(found.get("vertAlign", ""), 0)
    if not shift and moved.removeprefix("-").isdecimal() and abs(int(moved)) >= _LEAST_MOVE:
        shift = -1 if moved.startswith("-") else 1
    is_tiny = size.isdecimal() and int(size) <= _UNSEEN_SIZE
    is_white = is_unseen(found.get("color", ""), found.get("shade", "")) and is_paper(
        found.get("highlight", "")
    )
    return RunLook(shift, bool(found.get("vanish")) or is_tiny, found.get("font", ""), is_white)


class Level(NamedTuple):
    """A level of a list."""

    style: str
    """Kind of its numbers, by Word's names: `decimal`, `lowerLetter`, `bullet`, ..."""
    text: str
    """Text of its label, with `%1` in the place of the number of the first level."""
    start: int
    is_legal: bool = False
    """Whether all numbers of its label are decimal (ECMA-376, 17.9.4)."""
    restarts_after: int | None = None
    """Levels behind which it begins anew; None for all above it, 0 for none (17.9.10)."""


class Numbering:
    """Counts the automatic numbers of lists and headings."""

    def __init__(self, root: ET.Element | None) -> None:
        self._lists: dict[str, str] = {}
        self._levels: dict[str, dict[int, Level]] = {}
        self._restarts: dict[str, dict[int, int]] = {}
        self._counters: dict[str, dict[int, int]] = {}
        self._own: dict[str, dict[int, Level]] = {}
        """Levels that a list describes itself in the place of its kind's, by the lists' numbers."""
        links: dict[str, str] = {}
        styled: dict[str, str] = {}
        for part in root if root is not None else ():
            number = attribute(part, "numId") or ""
            if local(part.tag) == "abstractNum":
                levels = (_level(item) for item in part if local(item.tag) == "lvl")
                kind = attribute(part, "abstractNumId") or ""
                self._levels[kind] = dict(levels)
                # A kind may stand for a style, whose kind has the levels (17.9.21, 17.9.27).
                if link := value_of(part, "numStyleLink"):
                    links[kind] = link
                if named := value_of(part, "styleLink"):
                    styled[named] = kind
            elif local(part.tag) == "num":
                self._lists[number] = value_of(part, "abstractNumId") or ""
                self._restarts[number] = _restarts(part)
                self._own[number] = dict(
                    _level(level) for item in part if (level := child(item, "lvl")) is not None
                )
        for number, kind in self._lists.items():
            self._lists[number] = styled.get(links.get(kind, ""), kind)

    @classmethod
    def of_lists(
        cls,
        lists: dict[str, str],
        levels: dict[str, dict[int, Level]],
        restarts: dict[str, dict[int, int]],
    ) -> "Numbering":
        """The numbers of lists that are described elsewhere than in XML.

        Args:
            lists: Kinds by the numbers that paragraphs name lists by.
            levels: Levels by kinds.
            restarts: Starts of the levels that begin anew, by the numbers of lists.
        """
        found = cls(None)
        found._lists, found._levels, found._restarts = lists, levels, restarts
        return found

    def label(self, number: str, level: int) -> str:
        """Count the next item of a list; returns its label such as `1.2` or `Article 3.`.

        The label is empty for bullets and for lists without a description.
        """
        kind = self._lists.get(number, "")
        levels = self._levels.get(kind, {})
        if own := self._own.get(number):
            levels = {**levels, **own}
        if level not in levels or levels[level].style in ("bullet", "none"):
            return ""
        counters = self._counters.setdefault(kind, {})
        restart = self._restarts.get(number, {}).pop(level, None)
        if restart is not None:
            counters[level] = restart
        else:
            counters[level] = counters.get(level, levels[level].start - 1) + 1
        for deeper in [key for key in counters if key > level]:
            described = levels.get(deeper)
            after = None if described is None else described.restarts_after
            # Counted from 1: the level above the second is the first.
            if after is None or level < after:
                del counters[deeper]

        def shown(found: re.Match[str]) -> str:
            place = int(found[1]) - 1
            described = levels.get(place)
            if described is None:
                return ""
            style = "decimal" if levels[level].is_legal else described.style
            return counted(counters.get(place, described.start), style)

        return _PLACE.sub(shown, levels[level].text).strip()


def _level(item: ET.Element) -> tuple[int, Level]:
    start = value_of(item, "start") or "1"
    number = attribute(item, "ilvl") or "0"
    restart = value_of(item, "lvlRestart")
    return int(number) if number.isdecimal() else 0, Level(
        value_of(item, "numFmt") or "decimal",
        value_of(item, "lvlText") or "",
        int(start) if start.isdecimal() else 1,
        is_on(child(item, "isLgl")),
        int(restart) if restart and restart.isdecimal() else None,
    )


def _restarts(part: ET.Element) -> dict[int, int]:
    found: dict[int, int] = {}
    for item in part:
        start = child(item, "startOverride")
        value = "" if start is None else attribute(start, "val") or ""
        level = attribute(item, "ilvl") or ""
        if value.isdecimal() and level.isdecimal():
            found[int(level)] = int(value)
    return found


def counted(number: int, style: str, *, repeats: bool = True) -> str:
    """A number of a list as its level shows it.

    Args:
        number: Of the item.
        style: Word's name of the kind.
        repeats: Whether letters go on as Word's do: `z`, `aa`, `bb`, rather than `z`, `aa`, `ab`.
    """
    match style:
        case "lowerLetter" | "upperLetter":
            letter = _repeated(number) if repeats else _letters(number)
            return letter.upper() if style == "upperLetter" else letter
        case "lowerRoman" | "upperRoman":
            roman = _roman(number)
            return roman.upper() if style == "upperRoman" else roman
        case "decimalZero":
            return f"{number:02}"
        case _:
            return str(number)


def _repeated(number: int) -> str:
    count = (number - 1) // 26 + 1
    return str(number) if count > _MOST_LETTERS else chr(ord("a") + (number - 1) % 26) * count


def _letters(number: int) -> str:
    if number < 1:
        return str(number)
    text = ""
    while number:
        number, digit = divmod(number - 1, 26)
        text = chr(ord("a") + digit) + text
    return text


def _roman(number: int) -> str:
    text = ""
    for value, letters in _ROMAN:
        count, number = divmod(number, value)
        text += letters * min(count, 4)
    return text
