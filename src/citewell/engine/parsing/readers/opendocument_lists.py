"""Automatic numbers of OpenDocument's lists and headings.

Source: OpenDocument 1.3 part 3, sections 5.3 (lists), 16.30 (list styles) and 16.34 (outline).
"""

from collections.abc import Iterable
from typing import NamedTuple
from xml.etree import ElementTree as ET

from citewell.engine.parsing.readers.ooxml import attribute, local
from citewell.engine.parsing.readers.word_styles import counted

_STYLES = {
    "1": "decimal", "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman",
}  # fmt: skip
"""`style:num-format` -> Word's name; others, as "一" and none at all, are not followed."""

_OUTLINE = ""
"""The name under which the numbers of headings are noted; lists have another one."""

Counters = dict[int, int]
"""Level, from 1 -> number of its last item."""


class _Level(NamedTuple):
    style: str
    before: str
    after: str
    start: int
    shown: int
    """Levels whose numbers the label has."""
    repeats: bool = False
    """Whether its letters go on with `bb` rather than `ab`."""


class ListNumbers:
    """The list styles of a document, and how far its lists have come."""

    def __init__(self) -> None:
        self._levels: dict[str, dict[int, _Level]] = {}
        self._lists: dict[str, Counters] = {}
        """Counters of lists by their ids, and of the last list by its style."""
        self._headings: Counters = {}

    def add(self, styles: Iterable[ET.Element]) -> None:
        """Note the list styles among some elements."""
        for style in styles:
            name = local(style.tag)
            if name == "list-style":
                self._levels[attribute(style, "name") or "?"] = _levels(style)
            elif name == "outline-style":
                self._levels[_OUTLINE] = _levels(style)

    def begin(self, element: ET.Element, style: str) -> Counters:
        """The counters of a list that is in no other one: new ones, or those it goes on with."""
        goes_on = attribute(element, "continue-list")
        if goes_on is None and attribute(element, "continue-numbering") == "true":
            goes_on = f"style {style}"
        counters = self._lists.get(goes_on or "", {})
        for key in (attribute(element, "id"), f"style {style}"):
            if key:
                self._lists[key] = counters
        return counters

    def label(self, style: str, level: int, counters: Counters, start: str | None = None) -> str:
        """Count an item; its label such as `1.2`, empty for bullets.

        Args:
            style: Of the list.
            level: From 1.
            counters: Of the list.
            start: The number that the item says it has.
        """
        levels = self._levels.get(style, {})
        found = levels.get(level)
        if found is None:
            return ""
        if start is not None and start.isdecimal() and len(start) < 9:
            counters[level] = int(start)
        else:
            counters[level] = counters.get(level, found.start - 1) + 1
        for deeper in [key for key in counters if key > level]:
            del counters[deeper]
        if not found.style:
            return ""
        numbers = [
            counted(
                counters.get(each, levels[each].start),
                levels[each].style,
                repeats=levels[each].repeats,
            )
            for each in range(max(level - found.shown + 1, 1), level + 1)
            if each in levels and levels[each].style
        ]
        return f"{found.before}{'.'.join(numbers)}{found.after}".strip()

    def heading(self, element: ET.Element, level: int) -> str:
        """Count a heading that is in no list; its label."""
        if attribute(element, "is-list-header") == "true":
            return ""
        start = attribute(element, "start-value")
        return self.label(_OUTLINE, level, self._headings, start)


def _levels(style: ET.Element) -> dict[int, _Level]:
    found: dict[int, _Level] = {}
    for part in style:
        level = _number(attribute(part, "level"), 0)
        if not level:
            continue
        is_numbered = local(part.tag) in ("list-level-style-number", "outline-level-style")
        kind = _STYLES.get(attribute(part, "num-format") or "", "") if is_numbered else ""
        found[level] = _Level(
            kind,
            attribute(part, "num-prefix") or "",
            attribute(part, "num-suffix") or "",
            _number(attribute(part, "start-value"), 1),
            _number(attribute(part, "display-levels"), 1),
            attribute(part, "num-letter-sync") == "true",
        )
    return found


def _number(value: str | None, missing: int) -> int:
    return int(value) if value and value.isdecimal() and len(value) < 6 else missing
