"""OpenDocument texts and presentations.

Source: OpenDocument 1.3 part 3, sections 5 (text), 9 (tables) and 10 (drawings).
"""

import zipfile
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple
from xml.etree import ElementTree as ET

from citewell.engine.parsing.archives import parse_part, spared_part
from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.formats import DocumentFormat
from citewell.engine.parsing.marks import TURN, lowered, raised
from citewell.engine.parsing.readers.base import ReaderInput, Reading, comment_text
from citewell.engine.parsing.readers.mathml import mathml_text
from citewell.engine.parsing.readers.ooxml import attribute, local
from citewell.engine.parsing.readers.opendocument_charts import chart_blocks, chart_of
from citewell.engine.parsing.readers.opendocument_lists import Counters, ListNumbers
from citewell.engine.parsing.readers.opendocument_styles import TextStyles
from citewell.engine.parsing.readers.paper import is_unseen
from citewell.engine.parsing.readers.tables import COVERED, table_blocks
from citewell.engine.parsing.vietnamese import in_unicode

_UNSEEN = frozenset(
    {"annotation", "tracked-changes", "sequence-decls", "desc", "title", "forms", "ruby-text"}
)
_ASIDE = frozenset({"text-box", "note-body", "annotation"})
"""Parts that stand in a paragraph and are read behind it."""
_FURNITURE = frozenset({"page-number", "date-time", "header", "footer"})
"""Frames of a slide and of its notes that say nothing of it."""
_MAX_REPEAT = 100
"""Repeated spaces and cells beyond this are decoration, or an attack."""

_META = {
    "title": "title",
    "creator": "author",
    "initial-creator": "author",
    "creation-date": "created",
    "language": "language",
    "description": "description",
}


def read(source: ReaderInput) -> Reading:
    """Begin to read a text or a presentation."""
    with zipfile.ZipFile(source.path) as archive:
        metadata = metadata_of(archive)
        with archive.open("content.xml") as part:
            pages = _count_pages(part)
    is_text = source.format is DocumentFormat.ODT
    info = DocumentInfo(source.mime_type, metadata.pop("title", None), pages, metadata)
    return Reading(info, _blocks(source, page=1 if is_text and pages else None))


def metadata_of(archive: zipfile.ZipFile) -> dict[str, str]:
    """Title, author and their like, by our names."""
    found: dict[str, str] = {}
    if "meta.xml" not in archive.namelist():
        return found
    for item in parse_part(archive, "meta.xml").iter():
        name = _META.get(local(item.tag))
        if name and item.text:
            found.setdefault(name, item.text)
    return found


def _count_pages(content: IO[bytes]) -> int | None:
    """Number of slides, or of pages in the program's last layout; None if it was never laid out."""
    slides = breaks = 0
    tail = b""
    while data := content.read(1 << 20):
        data = tail + data
        # A mark may lie across two reads; marks inside the tail were counted already.
        tail = data[-32:]
        slides += data.count(b"<draw:page ") - tail.count(b"<draw:page ")
        breaks += data.count(b"<text:soft-page-break") - tail.count(b"<text:soft-page-break")
    if slides:
        return slides
    return breaks + 1 if breaks else None


def _blocks(source: ReaderInput, page: int | None) -> Iterator[Block]:
    with zipfile.ZipFile(source.path) as archive:
        styles, numbers = TextStyles(), ListNumbers()
        if "styles.xml" in archive.namelist():
            root = parse_part(archive, "styles.xml")
            styles.add(root.iter())
            numbers.add(root.iter())
        with archive.open("content.xml") as part:
            content = Content(
                page, styles, source.findings, numbers, objects_of(archive, source.findings)
            )
            yield from content.blocks(part)


def objects_of(archive: zipfile.ZipFile, findings: Findings) -> Callable[[str], ET.Element | None]:
    """Gives the content of an object within the document; None if it is missing or damaged."""

    def object_of(name: str) -> ET.Element | None:
        return spared_part(archive, f"{name.removeprefix('./')}/content.xml", findings)

    return object_of


class Content:
    """One pass over `content.xml`; each child of the body is freed after it was read."""

    def __init__(
        self,
        page: int | None,
        styles: TextStyles,
        findings: Findings,
        numbers: ListNumbers | None = None,
        object_of: Callable[[str], ET.Element | None] | None = None,
    ) -> None:
        self._findings = findings
        self._object_of = object_of
        self._numbers = numbers or ListNumbers()
        self._page = page
        self._styles = styles
        self._charts: set[str] = set()
        """Names of the objects that were read as charts."""
        self._is_paper = False
        """Whether text stands on white paper: not on a slide, nor in a cell or a box."""

    def blocks(self, content: IO[bytes]) -> Iterator[Block]:
        depth, body_depth = 0, 0
        slides = 0
        # The child process bounds time and memory; expat 2.4 and later refuses entity bombs.
        for event, element in ET.iterparse(content, ("start", "end")):  # noqa: S314
            name = local(element.tag)
            if event == "start":
                depth += 1
                if name in ("text", "presentation", "drawing") and not body_depth:
                    body_depth = depth if "office" in element.tag else 0
                    is_text = body_depth > 0 and name == "text"
                    self._is_paper = is_text and not self._styles.has_grounds
                continue
            depth -= 1
            if name == "automatic-styles":
                self._styles.add(element)
                self._numbers.add(element)
            if not body_depth or depth != body_depth:
                continue
            if name == "page":
                slides += 1
                self._page = slides
            yield from self._element(element)
            element.clear()

    def _element(self, element: ET.Element) -> Iterator[Block]:
        if self._styles.is_hidden(element) and not self._shows_a_part(element):
            text = self._findings.hide(" ".join(filter(None, map(str.strip, element.itertext()))))
            if text:
                yield Block(BlockKind.PARAGRAPH, text, self._page)
            return
        match local(element.tag):
            case "h":
                yield from self._heading(element, None)
            case "p":
                yield from self._paragraph(element, BlockKind.PARAGRAPH)
            case "list":
                yield from self._list(element)
            case "table":
                yield from self._table(element)
            case "soft-page-break":
                self._turn_page()
            case "frame":
                yield from self._frame(element)
            case "object":
                yield from self._chart(element)
            case "notes":
                yield from self._said(element)
            case name if name not in _UNSEEN:
                yield from self._children(element)
            case _:
                return

    def _table(self, element: ET.Element) -> Iterator[Block]:
        page, is_paper = self._page, self._is_paper
        self._is_paper = False
        rows = list(self._rows(element))
        self._is_paper = is_paper
        first = next((part for part in element if "column" not in local(part.tag)), element)
        is_named = local(first.tag) == "table-header-rows"
        headers = sum(local(row.tag) == "table-row" for row in first) if is_named else 0
        yield from table_blocks(rows, page, headers=headers)

    def _said(self, element: ET.Element) -> Iterator[Block]:
        """Yield the notes of a speaker to a slide."""
        for block in self._children(element):
            yield Block(BlockKind.PARAGRAPH, block.text, block.page)

    def _shows_a_part(self, element: ET.Element) -> bool:
        """Whether a hidden paragraph has words that are shown all the same."""
        return local(element.tag) in ("p", "h") and any(
            self._styles.display(attribute(part, "style-name")) == "true" for part in element
        )

    def _heading(self, element: ET.Element, label: str | None) -> Iterator[Block]:
        """Yield a heading; without a label of a list with that of the outline."""
        value = attribute(element, "outline-level") or "1"
        level = int(value) if value.isdecimal() and len(value) < 3 else 1
        page, text = self._page, self.text(element)
        if label is None and text.strip():
            label = self._numbers.heading(element, level)
        yield Block(BlockKind.HEADING, f"{label} {text}" if label else text, page, level=level)
        yield from self._asides(element)

    def _children(self, element: ET.Element) -> Iterator[Block]:
        for part in element:
            yield from self._element(part)

    def _frame(self, element: ET.Element) -> Iterator[Block]:
        kind = attribute(element, "class")
        if kind in _FURNITURE:
            return
        if kind == "title":
            text = " ".join(self.text(part) for part in element.iter() if local(part.tag) == "p")
            yield Block(BlockKind.HEADING, text, self._page, level=1)
        else:
            yield from self._children(element)

    def _list(
        self, element: ET.Element, style: str = "", level: int = 1, counters: Counters | None = None
    ) -> Iterator[Block]:
        style = attribute(element, "style-name") or style
        if counters is None:
            counters = self._numbers.begin(element, style)
        for item in element:
            label: str | None = None
            for part in item:
                match local(part.tag):
                    case "p" | "h" as name:
                        # Of several paragraphs of an item the first has its number.
                        if label is None and local(item.tag) == "list-item" and _has_text(part):
                            start = attribute(item, "start-value")
                            label = self._numbers.label(style, level, counters, start)
                            shown = label
                        else:
                            shown = ""
                        if name == "h":
                            yield from self._heading(part, shown)
                        else:
                            yield from self._paragraph(part, BlockKind.LIST_ITEM, shown)
                    case "list":
                        yield from self._list(part, style, level + 1, counters)
                    case _:
                        yield from self._element(part)

    def _paragraph(self, element: ET.Element, kind: BlockKind, label: str = "") -> Iterator[Block]:
        page, text = self._page, self.text(element)
        yield Block(kind, f"{label} {text}" if label else text, page)
        yield from self._asides(element)

    def _asides(self, element: ET.Element) -> Iterator[Block]:
        """Yield text boxes, notes and comments, which are anchored in paragraphs."""
        # Of boxes within each other the inner ones are read with the outer one.
        for part in _parts(element, stops=_ASIDE):
            if local(part.tag) in ("text-box", "note-body"):
                is_paper, self._is_paper = self._is_paper, False
                yield from self._children(part)
                self._is_paper = is_paper
            elif local(part.tag) == "object":
                yield from self._chart(part)
            elif local(part.tag) == "annotation" and (remark := self._remark(part)):
                yield Block(BlockKind.LIST_ITEM, remark, self._page)

    def _chart(self, element: ET.Element) -> Iterator[Block]:
        """Yield the titles and figures of an object that is a chart; each is read once."""
        name = attribute(element, "href") or ""
        if self._object_of is None or name in self._charts:
            return
        self._charts.add(name)
        if (chart := chart_of(self._object_of(name))) is not None:
            yield from chart_blocks(chart, self._page)

    def _remark(self, element: ET.Element) -> str:
        parts = [part for part in element.iter() if local(part.tag) == "p"]
        name = next((part.text or "" for part in element if local(part.tag) == "creator"), "")
        return comment_text(name, " ".join(self.text(part) for part in parts))

    def _rows(
        self, table: ET.Element, hanging: dict[int, tuple[str, int]] | None = None
    ) -> Iterator[list[str]]:
        turned = ""
        hanging = {} if hanging is None else hanging
        for part in table:
            name = local(part.tag)
            if name == "table-row":
                cells = self._cells(part, hanging)
                yield [turned + cells[0], *cells[1:]] if cells else cells
                turned = ""
            elif name in ("table-header-rows", "table-rows", "table-row-group"):
                yield from self._rows(part, hanging)
            elif name == "soft-page-break":
                self._turn_page()
                turned += TURN

    def _cells(self, row: ET.Element, hanging: dict[int, tuple[str, int]]) -> list[str]:
        """The cells of a row; those that span rows are repeated, so that each can be read alone.

        Args:
            row: The row.
            hanging: Texts of cells from above by their columns, and the rows they go on for.
        """
        cells: list[str] = []
        spanned = 0
        for cell in row:
            if local(cell.tag) not in ("table-cell", "covered-table-cell"):
                continue
            if local(cell.tag) == "table-cell":
                spanned = _count(attribute(cell, "number-columns-spanned")) - 1
            elif spanned and len(cells) not in hanging:
                count = _count(attribute(cell, "number-columns-repeated"))
                cells += [COVERED] * count
                spanned -= min(count, spanned)
                continue
            text = " ".join(filter(None, self._texts_in(cell)))
            down = _count(attribute(cell, "number-rows-spanned"))
            if down > 1:
                hanging[len(cells)] = (text, down - 1)
            elif local(cell.tag) == "covered-table-cell" and len(cells) in hanging:
                text, left = hanging.pop(len(cells))
                if left > 1:
                    hanging[len(cells)] = (text, left - 1)
            cells += [text] * _count(attribute(cell, "number-columns-repeated"))
        return cells

    def _texts_in(self, cell: ET.Element) -> Iterator[str]:
        for part in _parts(cell, stops=frozenset({"annotation"})):
            if local(part.tag) == "annotation":
                yield self._remark(part)
            elif local(part.tag) in ("p", "h"):
                yield self.text(part)

    def _formula(self, frame: ET.Element) -> str:
        """The formula that a frame shows, which is a part of its own or stands in it."""
        for part in frame:
            if local(part.tag) != "object":
                continue
            inside = next((each for each in part if local(each.tag) == "math"), None)
            if inside is None and self._object_of is not None:
                inside = self._object_of(attribute(part, "href") or "")
            if inside is not None and local(inside.tag) == "math":
                return mathml_text(inside)
        return ""

    def _turn_page(self) -> None:
        if self._page is not None:
            self._page += 1

    def text(self, element: ET.Element) -> str:
        """The text of a paragraph or heading, without its notes and text boxes."""
        runs = self._runs(element, _Look())
        return in_unicode(runs, self._findings.left_out.add)

    def _runs(self, element: ET.Element, outer: "_Look") -> list[tuple[str, str]]:
        """The text of an element with the font of each run."""
        look = self._look(element, outer)
        runs: list[tuple[str, str]] = []

        def add(text: str | None) -> None:
            if text:
                runs.append((look.font, self._findings.hide(text) if look.is_unseen else text))

        add(element.text)
        for part in element:
            match local(part.tag):
                case "s" | "tab":
                    add(" " * _count(attribute(part, "c")))
                case "line-break":
                    runs.append((look.font, "\n"))
                case "soft-page-break":
                    self._turn_page()
                    runs.append(("", TURN))
                case "frame":
                    # Text boxes come by themselves.
                    runs.append(("", self._formula(part)))
                case "note":
                    pass  # it breaks a sentence
                case name if self._styles.is_hidden(part):
                    runs.append(("", self._findings.hide("".join(part.itertext()))))
                case name if name not in _UNSEEN:
                    inner, shift = self._runs(part, look), self._styles.shift(part)
                    if shift:
                        mark = raised if shift > 0 else lowered
                        inner = [(font, mark(text)) for font, text in inner]
                    runs += inner
                case _:
                    pass
            add(part.tail)
        return runs

    def _look(self, element: ET.Element, outer: "_Look") -> "_Look":
        """The look of an element's text, which it has of its own or of what it stands in."""
        style = attribute(element, "style-name")
        if not style:
            return outer
        colour, ground = self._styles.colours(style)
        look = _Look(
            self._styles.font(style) or outer.font,
            colour or outer.colour,
            ground or outer.ground,
            self._styles.display(style) or outer.display,
        )
        is_white = self._is_paper and is_unseen(look.colour, look.ground)
        return look._replace(is_unseen=is_white or look.display == "none")


class _Look(NamedTuple):
    """The look of a run of text."""

    font: str = ""
    colour: str = ""
    ground: str = ""
    display: str = ""
    is_unseen: bool = False


def _parts(element: ET.Element, stops: frozenset[str]) -> Iterator[ET.Element]:
    """Yield all parts in order, but nothing within those whose name is among `stops`."""
    waiting = list(reversed(element))
    while waiting:
        part = waiting.pop()
        yield part
        if local(part.tag) not in stops:
            waiting += reversed(part)


def _has_text(element: ET.Element) -> bool:
    return any(text.strip() for text in element.itertext())


def _count(value: str | None) -> int:
    return min(int(value), _MAX_REPEAT) if value and value.isdecimal() and len(value) < 9 else 1
