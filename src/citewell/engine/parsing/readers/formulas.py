"""Office formulas (OMML) as one line of text.

Source: ECMA-376 part 1, section 22.1. The aim is a line that can be read and found, not one that
can be set again.
"""

from xml.etree import ElementTree as ET

from citewell.engine.parsing.readers.ooxml import attribute, child, local


def formula_text(element: ET.Element) -> str:
    """Get the text of an `oMath` element or of a part of one."""
    return "".join(_part(part) for part in element)


def _inner(element: ET.Element, name: str) -> str:
    found = child(element, name)
    return "" if found is None else formula_text(found)


def _grouped(text: str) -> str:
    return text if len(text) < 2 or text.isalnum() else f"({text})"


def _part(element: ET.Element) -> str:
    match local(element.tag):
        case "t":
            return element.text or ""
        case "f":
            return f"{_grouped(_inner(element, 'num'))}/{_grouped(_inner(element, 'den'))}"
        case "sSup":
            return f"{_inner(element, 'e')}^{_grouped(_inner(element, 'sup'))}"
        case "sSub":
            return f"{_inner(element, 'e')}_{_grouped(_inner(element, 'sub'))}"
        case "sSubSup":
            below, above = _grouped(_inner(element, "sub")), _grouped(_inner(element, "sup"))
            return f"{_inner(element, 'e')}_{below}^{above}"
        case "rad":
            degree = _inner(element, "deg")
            return f"{degree}√({_inner(element, 'e')})"
        case "nary":
            return _nary(element)
        case "d":
            return _delimited(element)
        case "func":
            return f"{_inner(element, 'fName')} {_inner(element, 'e')}"
        case name if name.endswith("Pr"):
            return ""
        case _:
            return formula_text(element)


def _nary(element: ET.Element) -> str:
    sign = _property(element, "naryPr", "chr") or "∫"
    below, above = _inner(element, "sub"), _inner(element, "sup")
    bounds = f"_({below})" * bool(below) + f"^({above})" * bool(above)
    return f"{sign}{bounds} {_inner(element, 'e')}"


def _delimited(element: ET.Element) -> str:
    begin, end = _property(element, "dPr", "begChr"), _property(element, "dPr", "endChr")
    parts = [formula_text(part) for part in element if local(part.tag) == "e"]
    inner = ", ".join(parts)
    return f"{'(' if begin is None else begin}{inner}{')' if end is None else end}"


def _property(element: ET.Element, *path: str) -> str | None:
    found = child(element, *path)
    return None if found is None else attribute(found, "val")
