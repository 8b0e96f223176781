"""Charts of Office documents (DrawingML): their titles, and the figures they were drawn from.

Source: ECMA-376 part 1, 21.2. The figures are those the document keeps of the chart's workbook.
"""

from collections.abc import Iterator
from itertools import islice, zip_longest
from xml.etree import ElementTree as ET

from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.parsing.readers.number_formats import shown_number
from citewell.engine.parsing.readers.ooxml import child, local, walk
from citewell.engine.parsing.readers.tables import table_blocks

_MOST_POINTS = 10_000
"""Points of a series that are read: more of them cannot be told apart in a drawing."""

_MOST_SERIES = 255
"""Series of a chart that are read: as many as Excel draws."""

_MOST_CELLS = 1_000_000
"""Columns times rows of a table: a far place in each of many short series would fill memory."""

_MOST_PARTS = 8
"""Names of one place, its groups included; no chart of Excel has as many levels of categories."""


def chart_blocks(root: ET.Element, page: int | None) -> Iterator[Block]:
    """Yield a chart's title, then its figures as a table with the names of axes and series."""
    chart = child(root, "chart")
    if text := _title(chart):
        yield Block(BlockKind.PARAGRAPH, text, page)
    names, columns, rows = [""], list[list[str]](), 0
    found = (part for part in walk(root) if local(part.tag) == "ser")
    for series in islice(found, _MOST_SERIES):
        categories = _points(child(series, "cat")) or _points(child(series, "xVal"))
        values = _points(child(series, "val")) or _points(child(series, "yVal"))
        if not columns:
            columns.append(categories)
        rows = max(rows, len(columns[0]), len(values))
        if rows * (len(columns) + 1) > _MOST_CELLS:
            break
        names.append(" ".join(_points(child(series, "tx"))))
        columns.append(values)
    if columns:
        yield from table_blocks([names, *zip_longest(*columns, fillvalue="")], page)


def _title(part: ET.Element | None) -> str:
    """The title of a chart, typed or taken from a cell."""
    title = child(part, "title")
    if title is None:
        return ""
    paragraphs = (each for each in walk(title) if local(each.tag) == "p")
    lines = ("".join(t.text or "" for t in walk(p) if local(t.tag) == "t") for p in paragraphs)
    return " ".join(line for line in lines if line.strip()) or " ".join(_points(child(title, "tx")))


def _points(element: ET.Element | None) -> list[str]:
    """Values by their place, which the file may leave out where a cell is empty, as shown."""
    if element is None:
        return []
    found: dict[int, list[str]] = {}
    code = ""
    for part in walk(element):
        match local(part.tag):
            case "numCache" | "numLit":
                code = "General"
            case "formatCode":
                code = part.text or "General"
            case "pt":
                place = part.get("idx", "")
                at = int(place) if place.isdecimal() and len(place) < 6 else len(found)
                value = _value(child(part, "v"), part.get("formatCode") or code)
                if value and at < _MOST_POINTS:
                    parts = found.setdefault(at, [])
                    if len(parts) < _MOST_PARTS:
                        parts.append(value)
            case _:
                continue
    if not found:
        name = child(element, "v")  # a name that stands for itself, in no cell
        return [] if name is None else [name.text or ""]
    # Groups of categories follow in the file, and are told before the first of theirs.
    return [" ".join(reversed(found.get(at, []))) for at in range(max(found) + 1)]


def _value(value: ET.Element | None, code: str) -> str:
    """A value as shown; texts have no format."""
    text = (value.text or "") if value is not None else ""
    return shown_number(text, code) if code else text
