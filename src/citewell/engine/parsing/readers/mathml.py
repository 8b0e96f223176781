"""Formulas of MathML as one line of text, for HTML, books and OpenDocument.

Source: MathML 3, chapter 3. The aim is a line that can be read and found, as of Office formulas.
"""

from xml.etree import ElementTree as ET

from citewell.engine.parsing.readers.ooxml import local

_DEEPEST = 100
_UNREAD = frozenset({"annotation", "annotation-xml", "mphantom", "mspace", "none", "mprescripts"})


def mathml_text(element: ET.Element, depth: int = 0) -> str:
    """The text of a formula or of a part of one; parts nested too deeply are left out."""
    name = local(element.tag)
    if name in _UNREAD or depth > _DEEPEST:
        return ""
    if name in ("mi", "mn", "mo", "mtext", "ms"):
        return " ".join((element.text or "").split())
    parts = [mathml_text(part, depth + 1) for part in element]
    match name, len(parts):
        case "semantics", _:
            return parts[0] if parts else ""
        case (("msup" | "mover"), 2):
            return f"{parts[0]}^{_grouped(parts[1])}"
        case (("msub" | "munder"), 2):
            return f"{parts[0]}_{_grouped(parts[1])}"
        case (("msubsup" | "munderover"), 3):
            return f"{parts[0]}_{_grouped(parts[1])}^{_grouped(parts[2])}"
        case "mfrac", 2:
            return f"{_grouped(parts[0])}/{_grouped(parts[1])}"
        case "mroot", 2:
            return f"{parts[1]}√({parts[0]})"
        case "msqrt", _:
            return f"√({''.join(parts)})"
        case "mfenced", _:
            return f"{element.get('open', '(')}{', '.join(parts)}{element.get('close', ')')}"
        case (("mtd" | "mtr"), _):
            return f"{''.join(parts)} "
        case _:
            return "".join(parts)


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

    def text(self) -> str:
        """The formula's text."""
        while self._open:
            self._builder.end(self._open.pop())
        return mathml_text(self._builder.close())
