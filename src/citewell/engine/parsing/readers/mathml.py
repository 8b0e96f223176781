"""Formulas of MathML as one line of text, for HTML, books and OpenDocument.

Source: MathML 3, chapter 3. The aim is a line that can be read and found, as of Office formulas.
"""

import re
from collections.abc import Callable
from typing import NamedTuple
from xml.etree import ElementTree as ET

from citewell.engine.parsing.readers.ooxml import local

_DEEPEST = 100
_UNREAD = frozenset({"annotation", "annotation-xml", "mphantom", "mspace", "none", "mprescripts"})


_WRAPPERS = frozenset({"mrow", "mstyle", "mpadded", "semantics", "mfenced"})
_DECIMAL = re.compile(r"\d+[.,]\d+")


class Unseen(NamedTuple):
    """Rules of a page on the parts of its formulas that it hides."""

    hides: Callable[[ET.Element], bool]
    instead: Callable[[str], str]
    """Text that stands in place of a hidden one."""


def mathml_text(element: ET.Element, depth: int = 0, unseen: Unseen | None = None) -> str:
    """The text of a formula or of a part of one; parts nested too deeply are left out."""
    name = local(element.tag)
    if name in _UNREAD or depth > _DEEPEST:
        return ""
    if unseen is not None and unseen.hides(element):
        return unseen.instead(mathml_text(element, depth))
    if name in ("mi", "mn", "mo", "mtext", "ms"):
        return " ".join((element.text or "").split())
    return _composed(name, element, [mathml_text(each, depth + 1, unseen) for each in element])


def _composed(name: str, element: ET.Element, parts: list[str]) -> str:
    match name, len(parts):
        case "semantics", _:
            return parts[0] if parts else ""
        case (("msup" | "mover"), 2):
            return f"{_base(parts[0])}^{_grouped(parts[1])}"
        case (("msub" | "munder"), 2):
            return f"{_base(parts[0])}_{_grouped(parts[1])}"
        case (("msubsup" | "munderover"), 3):
            return f"{_base(parts[0])}_{_grouped(parts[1])}^{_grouped(parts[2])}"
        case "mfrac", 2:
            return f"{_grouped(parts[0])}/{_grouped(parts[1])}"
        case "mroot", 2:
            return f"{parts[1]}√({parts[0]})"
        case "msqrt", _:
            return f"√({_line(element, parts)})"
        case "mfenced", _:
            return f"{element.get('open', '(')}{', '.join(parts)}{element.get('close', ')')}"
        case (("mtd" | "mtr"), _):
            return f"{_line(element, parts)} "
        case _:
            return _line(element, parts)


def _line(element: ET.Element, parts: list[str]) -> str:
    """Parts in a row; a space keeps a number and the fraction beside it apart: `1 1/2`."""
    line = ""
    after_fraction = False
    for child, part in zip(element, parts, strict=True):
        if not part:
            continue
        is_apart = after_fraction or _is_fraction(child, 0)
        if is_apart and line[-1:].isalnum() and part[0].isalnum():
            line += " "
        line += part
        after_fraction = _is_fraction(child, -1)
    return line


def _is_fraction(element: ET.Element, at: int) -> bool:
    """Whether a part begins (0) or ends (-1) with a fraction."""
    for _ in range(_DEEPEST):
        name = local(element.tag)
        if name not in _WRAPPERS or not len(element):
            return name == "mfrac"
        element = element[at]
    return False


def _base(text: str) -> str:
    """Text that something is raised or lowered behind, in brackets unless it holds together."""
    if _DECIMAL.fullmatch(text) or (text.startswith("(") and _closes_at_end(text)):
        return text
    return _grouped(text)


def _closes_at_end(text: str) -> bool:
    depth = 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if not depth:
            return at == len(text) - 1
    return False


def _grouped(text: str) -> str:
    return text if len(text) < 2 or text.isalnum() else f"({text})"


class FormulaBuilder:
    """Builds a formula from the tags of a page, closing what they leave open."""

    def __init__(self) -> None:
        self._builder = ET.TreeBuilder()
        self._open: list[str] = []
        self.start("math", {})

    def start(self, tag: str, values: dict[str, str]) -> None:
        """Note a start tag."""
        if len(self._open) <= _DEEPEST:
            self._open.append(tag)
            self._builder.start(tag, values)

    def end(self, tag: str) -> bool:
        """Note an end tag; whether it ends the formula."""
        if tag not in self._open:
            return False
        while self._open:
            last = self._open.pop()
            self._builder.end(last)
            if last == tag:
                break
        return not self._open

    def data(self, text: str) -> None:
        """Note text."""
        self._builder.data(text)

    def text(self, unseen: Unseen | None = None) -> str:
        """The formula's text."""
        while self._open:
            self._builder.end(self._open.pop())
        return mathml_text(self._builder.close(), unseen=unseen)
