"""Drawings in SVG: the texts that they show, each label a paragraph.

Source: SVG 1.1, chapters 5 (structure), 10 (text) and 11.5 (visibility).
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from xml.etree import ElementTree as ET

from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.marks import lowered, raised
from citewell.engine.parsing.readers.base import ReaderInput, Reading
from citewell.engine.parsing.readers.html_styles import StyleRules
from citewell.engine.parsing.readers.ooxml import local

_UNSHOWN = frozenset(
    (
        "defs", "symbol", "clipPath", "mask", "pattern", "marker", "metadata", "style", "script",
        "title", "desc", "linearGradient", "radialGradient", "filter", "namedview", "glyph", "font",
    )
)  # fmt: skip
"""Elements that are shown only where others refer to them, or never."""

_LOOKS = (
    "display", "visibility", "opacity", "fill", "fill-opacity", "stroke", "font-size",
    "baseline-shift",
)  # fmt: skip
_MOST_COPIED = 20_000
"""Elements that are read as parts of copies: copies of copies would grow without end."""
_DEEPEST = 100
"""Elements within each other; drawings nest ten or twenty."""
_SIZE = 16.0
"""Size of type where none is said."""
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_TRANSFORM = re.compile(r"(matrix|translate|scale)\s*\(([^()]*)\)")
_NOTHING = re.compile(r"0*(?:\.0+)?%?")

_Matrix = tuple[float, float, float, float, float, float]
_SAME: _Matrix = (1, 0, 0, 1, 0, 0)


@dataclass(frozen=True, slots=True)
class _Look:
    """Properties that an element takes over from those around it."""

    matrix: _Matrix | None = _SAME
    """None where the place on the drawing is not followed."""
    is_visible: bool = True
    fill: str = ""
    stroke: str = ""
    size: float = _SIZE
    shift: int = 0


def read(source: ReaderInput) -> Reading:
    """Begin to read a drawing; its title is the document's."""
    # Whole, as references lead forwards; the child's memory limit bounds the file. Expat 2.4 and
    # later refuses entity bombs.
    root = ET.parse(source.path).getroot()  # noqa: S314
    title = next((each.text for each in root if _name(each) == "title"), None)
    return Reading(DocumentInfo(source.mime_type, title), _Drawing(root, source.findings).blocks())


class _Drawing:
    """One pass over a drawing."""

    def __init__(self, root: ET.Element, findings: Findings) -> None:
        self._root = root
        self._findings = findings
        self._copies = 0
        """Copies that the element which is read stands in."""
        self._copied = 0
        self._ids = {found: each for each in root.iter() if (found := each.get("id"))}
        self._rules = StyleRules()
        # Anything may be drawn behind a text, so that white hides none.
        self._rules.begin("svg", {"background": "drawing"})
        for each in root.iter():
            if _name(each) == "style":
                self._rules.add("".join(each.itertext()))
        box = [float(each) for each in _NUMBER.findall(root.get("viewBox", ""))]
        self._box = box if len(box) == 4 and box[2] > 0 and box[3] > 0 else None

    def blocks(self) -> Iterator[Block]:
        yield from self._shown(self._root, _Look(), 0)

    def _shown(self, element: ET.Element, look: _Look, depth: int) -> Iterator[Block]:
        name = _name(element)
        self._copied += self._copies > 0
        if self._copied > _MOST_COPIED and self._copies:
            return
        if depth > _DEEPEST or (name in _UNSHOWN and not (name == "symbol" and depth)):
            return
        inner = self._look(element, look, is_root=element is self._root)
        if inner is None:
            yield self._hidden(element)
        elif name == "text":
            yield from self._text(element, inner)
        elif name == "foreignObject":
            yield Block(BlockKind.PARAGRAPH, _foreign(element))
        elif name == "use":
            used = self._ids.get(_reference(element).removeprefix("#"))
            if used is not None:
                moved = _times(inner.matrix, (1, 0, 0, 1, *_place(element, (0.0, 0.0))))
                self._copies += 1
                yield from self._shown(used, replace(inner, matrix=moved), depth + 1)
                self._copies -= 1
        elif name == "switch":
            # The first that is not bound to a language; programs ask for the reader's.
            chosen = next((each for each in element if not each.get("systemLanguage")), None)
            if chosen is not None:
                yield from self._shown(chosen, inner, depth + 1)
        else:
            for part in element:
                if _name(part) != "symbol":
                    yield from self._shown(part, inner, depth + 1)

    def _look(self, element: ET.Element, look: _Look, *, is_root: bool = False) -> _Look | None:
        """The look of an element; None if nothing of it can be seen."""
        values = self._values(element)
        tag = _name(element).lower()
        if self._rules.hides(tag, {**values, "style": _without(values["style"], "visibility")}):
            return None
        own = _declared(values["style"])
        if own.get("display") == "none" or _NOTHING.fullmatch(own.get("opacity", "1") or "1"):
            return None
        size = _length(own.get("font-size", ""), look.size)
        if size <= 0 or _NOTHING.fullmatch(own.get("fill-opacity", "1") or "1"):
            return None
        matrix = look.matrix
        if "rotate" in element.get("transform", "") or "skew" in element.get("transform", ""):
            matrix = None
        for kind, arguments in _TRANSFORM.findall(element.get("transform", "")):
            matrix = _times(matrix, _matrix(kind, [float(n) for n in _NUMBER.findall(arguments)]))
        if tag == "svg" and not is_root:
            matrix = None
        visibility = own.get("visibility")
        align = self._rules.vertical_align(tag, values)
        return _Look(
            matrix,
            look.is_visible if visibility in (None, "inherit") else visibility == "visible",
            own.get("fill", look.fill),
            own.get("stroke", look.stroke),
            size,
            _shift(own.get("baseline-shift", ""), align) or look.shift,
        )

    def _values(self, element: ET.Element) -> dict[str, str]:
        own = ";".join(f"{name}:{value}" for name in _LOOKS if (value := element.get(name)))
        style = element.get("style", "")
        return {
            "class": element.get("class", ""),
            "id": element.get("id", ""),
            "style": f"{own};{style}",
        }

    def _text(self, element: ET.Element, look: _Look) -> Iterator[Block]:
        if self._is_outside(element, look):
            yield self._hidden(element)
            return
        text = "".join(self._pieces(element, look))
        yield Block(BlockKind.PARAGRAPH, " ".join(text.split()))

    def _pieces(self, element: ET.Element, look: _Look) -> Iterator[str]:
        is_seen = look.is_visible and (look.fill not in ("none", "transparent") or (
            look.stroke not in ("", "none")
        ))  # fmt: skip

        def said(text: str | None) -> str:
            if not text:
                return ""
            if not is_seen:
                return self._findings.hide(text)
            if look.shift and text.strip():
                return raised(text) if look.shift > 0 else lowered(text)
            return text

        yield said(element.text)
        moved = 0.0
        for part in element:
            if _name(part) not in _UNSHOWN:
                inner = self._look(part, look)
                step = _length(part.get("dy", ""), inner.size if inner else look.size, 0.0)
                is_placed = part.get("x") is not None or part.get("y") is not None
                moved = 0.0 if is_placed else moved + step
                if is_placed or abs(step) >= look.size:
                    yield " "
                    moved = 0.0
                if inner is None or self._is_outside(part, inner):
                    yield self._hidden(part).text
                else:
                    # Set off the line by less than a line: an exponent, or the mark of a note.
                    off = 0 if abs(moved) < 0.1 * look.size else (1 if moved < 0 else -1)
                    yield from self._pieces(part, replace(inner, shift=inner.shift or off))
            yield said(part.tail)

    def _hidden(self, element: ET.Element) -> Block:
        text = " ".join("".join(element.itertext()).split())
        return Block(BlockKind.PARAGRAPH, self._findings.hide(text) if text else "")

    def _is_outside(self, element: ET.Element, look: _Look) -> bool:
        """Whether a text begins behind the right or lower end of the drawing, or far before it."""
        if self._box is None or look.matrix is None:
            return False
        if _name(element) != "text" and element.get("x") is None and element.get("y") is None:
            return False
        x, y = _place(element, (0.0, 0.0))
        a, b, c, d, e, f = look.matrix
        left, top, width, height = self._box
        across, down = a * x + c * y + e, b * x + d * y + f
        # To the left it may reach into the drawing; half its width is a long text.
        return (
            across > left + width
            or across < left - width
            or down > top + height + abs(d) * look.size
            or (down < top - height)
        )


def _name(element: ET.Element) -> str:
    return local(element.tag)


def _reference(element: ET.Element) -> str:
    return next((value for key, value in element.items() if local(key) == "href"), "")


def _foreign(element: ET.Element) -> str:
    """The text of a page within a drawing, as programs for diagrams write their labels."""
    parts: list[str] = []
    for each in element.iter():
        name = _name(each)
        if name in ("div", "p", "br", "li"):
            parts.append(" ")
        if name not in ("style", "script") and each.text:
            parts.append(each.text)
        parts.append("" if each is element else each.tail or "")
    return " ".join("".join(parts).split())


def _declared(style: str) -> dict[str, str]:
    parts = (part.partition(":") for part in style.lower().split(";"))
    return {name.strip(): value.replace("!important", "").strip() for name, _, value in parts}


def _without(style: str, name: str) -> str:
    """A style without a property that elements within may set again."""
    return ";".join(part for part in style.split(";") if part.partition(":")[0].strip() != name)


def _place(element: ET.Element, missing: tuple[float, float]) -> tuple[float, float]:
    found = [_NUMBER.match(element.get(name, "").strip()) for name in ("x", "y")]
    x, y = (float(at[0]) if at else other for at, other in zip(found, missing, strict=True))
    return x, y


def _length(value: str, size: float, missing: float | None = None) -> float:
    found = _NUMBER.match(value)
    if found is None:
        return size if missing is None else missing
    unit = value[found.end() :].strip().lower()
    factor = {"em": size, "%": size / 100, "pt": 4 / 3, "mm": 3.78, "cm": 37.8}.get(unit, 1.0)
    return float(found[0]) * factor


def _shift(baseline: str, align: str) -> int:
    for value in (baseline, align):
        if value in ("super", "sub"):
            return 1 if value == "super" else -1
    found = _NUMBER.match(baseline)
    return 0 if found is None else int(math.copysign(1, float(found[0]))) * (float(found[0]) != 0)


def _matrix(kind: str, numbers: list[float]) -> _Matrix:
    if kind == "matrix" and len(numbers) == 6:
        a, b, c, d, e, f = numbers
        return a, b, c, d, e, f
    if kind == "translate" and numbers:
        return 1, 0, 0, 1, numbers[0], numbers[1] if len(numbers) > 1 else 0
    if kind == "scale" and numbers:
        return numbers[0], 0, 0, numbers[-1], 0, 0
    return _SAME


def _times(outer: _Matrix | None, inner: _Matrix) -> _Matrix | None:
    if outer is None:
        return None
    a, b, c, d, e, f = outer
    u, v, w, x, y, z = inner
    return (
        a * u + c * v, b * u + d * v, a * w + c * x, b * w + d * x,
        a * y + c * z + e, b * y + d * z + f,
    )  # fmt: skip
