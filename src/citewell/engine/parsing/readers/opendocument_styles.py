"""OpenDocument's styles, as far as they decide what is read: raised, lowered and hidden text.

Source: OpenDocument 1.3 part 3, sections 16 (styles) and 20 (formatting properties).
"""

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from citewell.engine.parsing.readers.ooxml import attribute, local
from citewell.engine.parsing.readers.paper import is_paper

# Styles may be based on each other in a circle; longer chains do not occur.
_MAX_BASES = 20


_SETTINGS = (
    "text-position", "display", "visibility", "font-name", "font-family", "color",
    "background-color",
)  # fmt: skip

_PAGES = frozenset({"page-layout-properties", "drawing-page-properties", "section-properties"})
"""Properties of what a text stands on without being told by its own style."""


class TextStyles:
    """The styles of a document, by name."""

    def __init__(self) -> None:
        self._own: dict[str, dict[str, str]] = {}
        self.has_grounds = False
        """Whether a page or section has a ground, or a drawing is behind the text of some page."""

    def add(self, styles: Iterable[ET.Element]) -> None:
        """Note the styles among some elements."""
        for style in styles:
            self.has_grounds = self.has_grounds or any(map(_is_behind, style))
            if local(style.tag) != "style":
                continue
            found = {"base": attribute(style, "parent-style-name") or ""}
            for part in style:
                for name in _SETTINGS:
                    if value := attribute(part, name):
                        found[name] = value
                if local(part.tag) == "map":
                    found["background-color"] = "by condition"
                elif local(part.tag) == "paragraph-properties" and _is_filled(part):
                    found["background-color"] = "picture"
            self._own[attribute(style, "name") or ""] = found

    def _value(self, name: str | None, setting: str) -> str:
        for _ in range(_MAX_BASES):
            found = self._own.get(name or "")
            if found is None:
                return ""
            if setting in found:
                return found[setting]
            name = found["base"]
        return ""

    def font(self, name: str | None) -> str:
        """The font that a style of this name sets; empty if it sets none."""
        return self._value(name, "font-name") or self._value(name, "font-family").strip("'\"")

    def display(self, name: str | None) -> str:
        """Whether a style of this name shows its text: `none`, `true`, empty if it does not say."""
        return self._value(name, "display")

    def colours(self, name: str | None) -> tuple[str, str]:
        """The colours that a style of this name sets, of text and of its ground; empty if none."""
        return self._value(name, "color").lower(), self._value(name, "background-color").lower()

    def shift(self, element: ET.Element) -> int:
        """1 if the element's style raises its text, -1 if it lowers it, else 0."""
        # "super 58%", "sub 58%", or a share of the font's height: "33% 58%".
        place = self._value(attribute(element, "style-name"), "text-position").partition(" ")[0]
        if place in ("super", "sub"):
            return 1 if place == "super" else -1
        number = place.removesuffix("%").removeprefix("-")
        if not number.replace(".", "", 1).isdecimal() or float(number) == 0:
            return 0
        return -1 if place.startswith("-") else 1

    def is_hidden(self, element: ET.Element) -> bool:
        """Whether the element or its style hides what it holds."""
        style = attribute(element, "style-name")
        return (
            attribute(element, "display") == "none"
            or self._value(style, "display") == "none"
            or self._value(style, "visibility") == "hidden"
            # Of sheets: `table:display` of their style (17.15).
            or self._value(style, "display") == "false"
            or (
                local(element.tag) in ("hidden-text", "hidden-paragraph")
                and attribute(element, "is-hidden") == "true"
            )
        )


def _is_behind(part: ET.Element) -> bool:
    """Whether properties set a ground behind text of other styles."""
    if local(part.tag) == "graphic-properties":
        return attribute(part, "run-through") == "background"
    if local(part.tag) not in _PAGES:
        return False
    return _is_filled(part) or not is_paper(attribute(part, "background-color") or "")


def _is_filled(part: ET.Element) -> bool:
    """Whether properties set a picture, or a fill of the kind of drawings."""
    return (attribute(part, "fill") or "none") != "none" or any(
        local(each.tag) == "background-image" and attribute(each, "href") for each in part
    )
