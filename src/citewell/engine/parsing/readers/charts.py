"""Charts of Office documents: their titles, and the figures they were drawn from.

Source: ECMA-376 part 1, 21.2 (DrawingML), and [MS-ODRAWXML] 2.24.3 for the kinds that came with
Office 2016 (waterfall, funnel, treemap and others). The figures are those the document keeps of the
chart's workbook.
"""

import zipfile
from collections.abc import Collection, Iterator, Sequence
from itertools import islice, zip_longest
from typing import NamedTuple
from xml.etree import ElementTree as ET

from citewell.engine.parsing.archives import spared_part
from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.readers.number_formats import shown_number
from citewell.engine.parsing.readers.ooxml import child, local, spared_relations, value_of, walk
from citewell.engine.parsing.readers.seen_cells import SeenSheet
from citewell.engine.parsing.readers.tables import table_blocks

CHART_KINDS = ("chart", "chartEx")
"""Kinds of relations that lead to a chart; the second is of Office 2016 and later."""

_MOST_POINTS = 10_000
"""Points of a series that are read: more of them cannot be told apart in a drawing."""

_MOST_SERIES = 255
"""Series of a chart that are read: as many as Excel draws."""

_MOST_CELLS = 1_000_000
"""Columns times rows of a table: a far place in each of many short series would fill memory."""

_AXES = ("Ax", "axis")
"""Ends of the names of elements for an axis: `catAx`, `valAx` and so on, or `axis` since 2016."""

_MOST_PARTS = 8
"""Names of one place, its groups included; no chart of Excel has as many levels of categories."""


class _Series(NamedTuple):
    name: ET.Element | None
    categories: ET.Element | None
    values: ET.Element | None


def chart_blocks(
    root: ET.Element, page: int | None, known: Collection[str] = ()
) -> Iterator[Block]:
    """Yield the titles of a chart and of its axis of values, then its figures as a table.

    Args:
        root: The root of the chart's part.
        page: Page, slide or sheet that shows it.
        known: Names of sheets that are read themselves; of a chart that takes all its figures from
            them only the titles are told, as its rows stand there.
    """
    chart = child(root, "chart")
    below, beside = _axes(chart)
    for text in (_title(chart), beside):
        if text:
            yield Block(BlockKind.PARAGRAPH, text, page)
    found = list(islice(_all_series(root), _MOST_SERIES))
    if known and found and all(_sheets(each) <= set(known) for each in found):
        return
    names, columns, rows = [below], list[list[str]](), 0
    for series in found:
        values = _points(series.values)
        if not columns:
            columns.append(_points(series.categories))
        rows = max(rows, len(columns[0]), len(values))
        if rows * (len(columns) + 1) > _MOST_CELLS:
            break
        names.append(_name(series.name))
        columns.append(values)
    if columns:
        yield from table_blocks([names, *zip_longest(*columns, fillvalue="")], page)


def sheet_charts(
    archive: zipfile.ZipFile, sheet: SeenSheet, read: Sequence[SeenSheet], findings: Findings
) -> Iterator[Block]:
    """Yield the charts on a sheet; one that is damaged is left out, the rest is read without it."""
    # Figures on sheets that are read are not told twice; those kept of hidden ones are marked.
    names = {each.name for each in read}
    for drawing in _related(archive, sheet.part, ("drawing",), findings):
        for part in _related(archive, drawing, CHART_KINDS, findings):
            root = spared_part(archive, part, findings)
            if root is not None:
                yield from chart_blocks(root, sheet.number, names)


def _related(
    archive: zipfile.ZipFile, part: str, kinds: Collection[str], findings: Findings
) -> list[str]:
    """The parts that a part leads to, each once."""
    found = spared_relations(archive, part, findings).values()
    return list(dict.fromkeys(each.part for each in found if each.kind in kinds))


def _all_series(root: ET.Element) -> Iterator[_Series]:
    data = {part.get("id"): part for part in child(root, "chartData") or ()}
    for part in walk(root):
        match local(part.tag):
            case "ser":
                categories, values = child(part, "cat"), child(part, "val")
                yield _Series(
                    child(part, "tx"),
                    child(part, "xVal") if categories is None else categories,
                    child(part, "yVal") if values is None else values,
                )
            case "series":
                own = data.get(value_of(part, "dataId"))
                yield _Series(child(part, "tx"), child(own, "strDim"), child(own, "numDim"))
            case _:
                continue


def _axes(chart: ET.Element | None) -> tuple[str, str]:
    """The titles of the axis of categories and of the first other one."""
    axes = [each for each in child(chart, "plotArea") or () if local(each.tag).endswith(_AXES)]
    if not axes:
        return "", ""
    below = next((each for each in axes if _is_of_categories(each)), axes[0])
    others = [title for each in axes if each is not below and (title := _title(each))]
    return _title(below), others[0] if others else ""


def _is_of_categories(axis: ET.Element) -> bool:
    return local(axis.tag) in ("catAx", "dateAx") or child(axis, "catScaling") is not None


def _title(part: ET.Element | None) -> str:
    """The title of a chart or an axis, typed or taken from a cell."""
    title = child(part, "title")
    if title is None:
        return ""
    paragraphs = (each for each in walk(title) if local(each.tag) == "p")
    lines = ("".join(t.text or "" for t in walk(p) if local(t.tag) == "t") for p in paragraphs)
    return " ".join(line for line in lines if line.strip()) or _name(child(title, "tx"))


def _name(text: ET.Element | None) -> str:
    own = child(text, "txData")
    return " ".join(_points(text if own is None else own))


def _sheets(series: _Series) -> set[str]:
    """The sheets that a series takes its values from; an empty name stands for none at all."""
    parts = () if series.values is None else walk(series.values)
    text = next((part.text or "" for part in parts if local(part.tag) == "f"), "")
    # Several areas stand in brackets with commas; a chart of them is told whole.
    sheet, mark, _ = text.rpartition("!")
    return {sheet.strip("'").replace("''", "'") if mark else ""}


def _points(element: ET.Element | None) -> list[str]:
    """Values by their place, which the file may leave out where a cell is empty, as shown."""
    if element is None:
        return []
    found: dict[int, list[str]] = {}
    code = "General" if local(element.tag) == "numDim" else ""
    for part in walk(element):
        match local(part.tag):
            case "numCache" | "numLit":
                code = "General"
            case "formatCode":
                code = part.text or "General"
            case "lvl":
                code = part.get("formatCode") or code
            case "pt":
                place = part.get("idx", "")
                at = int(place) if place.isdecimal() and len(place) < 6 else len(found)
                value = _value(part, part.get("formatCode") or code)
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


def _value(point: ET.Element, code: str) -> str:
    """A value as shown; texts have no format."""
    value = child(point, "v")
    text = (point if value is None else value).text or ""
    return shown_number(text, code) if code else text
