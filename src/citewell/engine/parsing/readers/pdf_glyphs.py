"""Reads what the extraction library does not give of a PDF: raised glyphs, fields, annotations.

PDFium itself is asked, through pypdfium2. Source: PDFium's `fpdf_text.h`.
"""

import ctypes
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

# The bindings are generated and have no stubs.
import pypdfium2  # pyright: ignore[reportMissingTypeStubs]
import pypdfium2.raw as pdfium  # pyright: ignore[reportMissingTypeStubs]

from citewell.engine.parsing.readers.pdf_accents import Composed, find_composed
from citewell.engine.parsing.readers.pdf_bands import banded_grids, may_have_bands
from citewell.engine.parsing.readers.pdf_cells import (
    PageTable,
    read_letters,
    ruled_table,
)
from citewell.engine.parsing.readers.pdf_columns import column_tables, may_have_columns
from citewell.engine.parsing.readers.pdf_fields import Annotations, read_annotations
from citewell.engine.parsing.readers.pdf_labels import labelled_lines
from citewell.engine.parsing.readers.pdf_markers import Marker, find_markers
from citewell.engine.parsing.readers.pdf_order import RIGHT_TO_LEFT, in_reading_order
from citewell.engine.parsing.readers.pdf_rules import RuledGrid, Rules, read_rules, ruled_grids
from citewell.engine.parsing.readers.pdf_shifts import Shift, find_shifts
from citewell.engine.parsing.readers.pdf_tables import line_key, squeezed
from citewell.engine.parsing.readers.spacing import is_spaced

_WIDE = 0.75
"""Gap wider than a space between words, as a share of the type's size: spaces have a quarter to a
third of it, those of justified lines seldom twice as much."""

_SPACED = 0.15
"""The same for the gap between words of spaced letters beyond that between letters."""

_MOST_PATHS = 100
"""Drawn lines of a page without text up to which it is taken for decoration."""

_MOST_CELLS = 1_000_000
"""Cells of the grids of a file, after which its tables between lines stay text: those of a hundred
pages of nothing but cells of one figure."""


@dataclass(slots=True)
class PageFacts:
    """Facts of one page."""

    shifts: list[Shift] = field(default_factory=list[Shift])
    composed: list[Composed] = field(default_factory=list[Composed])
    """Letters and signs that it draws in two parts."""
    beside: Annotations = field(default_factory=Annotations)
    """Fields and remarks, which lie on it."""
    text: str = ""
    """The page's text layer as PDFium gives it."""
    has_pictures: bool = False
    """Whether the page shows a picture; looked for where it has no text."""
    gaps: dict[str, frozenset[int]] = field(default_factory=dict[str, frozenset[int]])
    """Line by `pdf_tables.line_key` -> offsets in it before which there is a wide gap."""
    orders: dict[str, str] = field(default_factory=dict[str, str])
    """Line without its spaces, its letters as they are drawn -> the line as it is read."""
    markers: list[Marker] = field(default_factory=list[Marker])
    """Marks of lists that are drawn away from their items."""
    labelled: frozenset[str] = frozenset()
    """Lines that are a label and its value, without their spaces."""
    tables: list[PageTable] = field(default_factory=list[PageTable])
    """Tables that drawn lines or columns show."""


def read_facts(content: Path | bytes, table_pages: Container[int] = ()) -> Iterator[PageFacts]:
    """Yield the facts of each page.

    Args:
        content: The file.
        table_pages: Numbers of the pages whose gaps are wanted.

    Raises:
        pypdfium2.PdfiumError: The file cannot be read.
    """
    with closing(pypdfium2.PdfDocument(content)) as document:
        if document.get_formtype() != pdfium.FORMTYPE_NONE:
            document.init_forms()  # pyright: ignore[reportUnknownMemberType]
        handle = None if document.formenv is None else document.formenv.raw
        cells = _MOST_CELLS
        for number in range(len(document)):
            try:
                page = document[number]
            except pypdfium2.PdfiumError:
                yield PageFacts()
                continue
            with closing(page):
                facts = PageFacts()
                cells -= _read_text(page, facts, cells, with_gaps=number + 1 in table_pages)
                facts.beside = read_annotations(page, handle, facts.text)
            yield facts


def _read_text(
    page: "pypdfium2.PdfPage", facts: PageFacts, most_cells: int, *, with_gaps: bool
) -> int:
    """The number of cells of the grids that were read, at most so many and one page's more."""
    with closing(page.get_textpage()) as text:
        raw = text.raw
        count = text.count_chars()
        shown = text.get_text_range() if count else ""
        # The text in one go leaves out glyphs without a meaning; then the places do not agree.
        if len(shown) != count:
            codes = (pdfium.FPDFText_GetUnicode(raw, at) for at in range(count))
            shown = "".join(map(_character, codes))
        facts.text = shown
        facts.has_pictures = not shown.strip() and _has_pictures(page)
        facts.shifts = list(find_shifts(raw, shown))
        facts.markers = list(find_markers(raw, shown))
        facts.labelled = labelled_lines(raw, shown)
        facts.composed = list(find_composed(raw, shown))
        facts.orders = in_reading_order(raw, shown)
        if with_gaps:
            facts.gaps = _gaps(raw, shown)
        # The columns of a page that is read from the right would be given from the left.
        if not shown.strip() or RIGHT_TO_LEFT.search(shown):
            return 0
        rules = read_rules(page) if most_cells > 0 else Rules([], [], [])
        grids = list(ruled_grids(rules))
        facts.tables = list(_tables(rules, grids, raw, shown))
    return sum(len(grid.anchors) for grid in grids)


def _tables(rules: Rules, grids: list[RuledGrid], raw: object, shown: str) -> Iterator[PageTable]:
    """Yield the tables of a page: those in grids of lines, in columns of figures, and in bands."""
    has_figures, has_bands = may_have_columns(shown), may_have_bands(rules)
    letters = read_letters(raw, shown) if grids or has_figures or has_bands else []

    def left(tables: Iterable[PageTable | None]) -> Iterator[PageTable]:
        """Yield tables, and leave their letters out of what comes next."""
        nonlocal letters
        for table in tables:
            if table is not None:
                yield table
                letters = [each for each in letters if each.place not in table.places]

    grids = sorted(grids, key=lambda grid: -grid.ys[0])
    yield from left(ruled_table(grid, letters, shown) for grid in grids)
    if has_figures:
        yield from left(column_tables(letters, shown))
    if has_bands:
        banded = banded_grids(rules, letters, shown)
        yield from left(ruled_table(grid, letters, shown) for grid in banded)


def _has_pictures(page: "pypdfium2.PdfPage") -> bool:
    objects = (
        pdfium.FPDFPage_GetObject(page.raw, at)
        for at in range(pdfium.FPDFPage_CountObjects(page.raw))
    )
    kinds = Counter(pdfium.FPDFPageObj_GetType(each) for each in objects)
    shown = kinds[pdfium.FPDF_PAGEOBJ_IMAGE] + kinds[pdfium.FPDF_PAGEOBJ_FORM]
    # Letters drawn as outlines are paths, one or more each; a frame or a rule is a few.
    return shown > 0 or kinds[pdfium.FPDF_PAGEOBJ_PATH] > _MOST_PATHS


def _gaps(raw: object, shown: str) -> dict[str, frozenset[int]]:
    """Wide gaps of each line by its text without spaces: offsets in that text."""
    left, right = ctypes.c_double(), ctypes.c_double()
    low, high = ctypes.c_double(), ctypes.c_double()
    found: dict[str, frozenset[int]] = {}
    at = 0
    for line in shown.splitlines(keepends=True):
        widths: dict[int, float] = {}
        """Offset -> width of the gap before it, as a share of the type's size."""
        offset, last = 0, -1
        for place in (at + n for n, c in enumerate(line) if not c.isspace()):
            if offset and place > last + 1:
                pdfium.FPDFText_GetCharBox(raw, last, left, right, low, high)
                end = right.value
                pdfium.FPDFText_GetCharBox(raw, place, left, right, low, high)
                widths[offset] = (left.value - end) / pdfium.FPDFText_GetFontSize(raw, place)
            offset, last = offset + 1, place
        least = _WIDE
        if is_spaced(line):
            # Between words of spaced letters stands a space more than between these.
            least = min(_WIDE, median(widths.values()) + _SPACED)
        wide = [n for n, width in widths.items() if width > least]
        key, drawn = line_key(line), squeezed(line)
        if len(key) != len(drawn):
            # Letters and their marks are drawn one by one.
            wide = [len(line_key(drawn[:n])) for n in wide]
        found[key] = frozenset(wide)
        at += len(line)
    return found


def _character(code: int) -> str:
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
