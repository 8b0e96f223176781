"""Charts of OpenDocument files: their titles, and the figures they were drawn from.

Source: OpenDocument 1.3 part 3, section 11 (charts). A chart is an object of its own within the
file; one that takes its figures from a sheet has no table of them but in texts and slides.
"""

from collections.abc import Iterator
from itertools import islice
from xml.etree import ElementTree as ET

from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.parsing.readers.ooxml import child, local
from citewell.engine.parsing.readers.tables import table_blocks

_MOST_ROWS = 10_000
"""Rows of figures that are read: more of them cannot be told apart in a drawing."""

_TITLES = frozenset({"title", "subtitle"})


def chart_of(root: ET.Element | None) -> ET.Element | None:
    """The chart of an object's content; None if it is something else."""
    return None if root is None else child(root, "body", "chart", "chart")


def chart_titles(chart: ET.Element) -> list[str]:
    """The titles of a chart and of its axes."""
    found = (_text(part) for part in chart.iter() if local(part.tag) in _TITLES)
    return [text for text in found if text]


def chart_blocks(chart: ET.Element, page: int | None) -> Iterator[Block]:
    """Yield the titles of a chart and of its axes, then its figures as a table."""
    for text in chart_titles(chart):
        yield Block(BlockKind.PARAGRAPH, text, page)
    table = child(chart, "table")
    rows = (
        (row for row in table.iter() if local(row.tag) == "table-row") if table is not None else ()
    )
    cells = (
        [_text(cell) for cell in row if local(cell.tag) == "table-cell"]
        for row in islice(rows, _MOST_ROWS)
    )
    yield from table_blocks(cells, page)


def _text(element: ET.Element) -> str:
    paragraphs = (part for part in element.iter() if local(part.tag) == "p")
    return " ".join("".join(part.itertext()).strip() for part in paragraphs).strip()
