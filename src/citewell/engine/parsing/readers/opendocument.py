"""OpenDocument texts and presentations.

Source: OpenDocument 1.3 part 3, sections 5 (text), 9 (tables) and 10 (drawings).
"""

import zipfile
from collections.abc import Callable, Iterator
from typing import IO
from xml.etree import ElementTree as ET

from citewell.engine.parsing.archives import parse_part, spared_part
from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.formats import DocumentFormat
from citewell.engine.parsing.marks import TURN, lowered, raised
from citewell.engine.parsing.readers.base import ReaderInput, Reading, comment_text
from citewell.engine.parsing.readers.mathml import mathml_text
from citewell.engine.parsing.readers.ooxml import attribute, local
from citewell.engine.parsing.readers.opendocument_lists import Counters, ListNumbers
from citewell.engine.parsing.readers.opendocument_styles import TextStyles
from citewell.engine.parsing.readers.tables import table_blocks

_UNSEEN = frozenset({"annotation", "tracked-changes", "sequence-decls", "desc", "title", "forms"})
_ASIDE = frozenset({"text-box", "note-body", "annotation"})
"""Parts that stand in a paragraph and are read behind it."""
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
                page, styles, source.findings, numbers, _objects(archive, source.findings)
            )
            yield from content.blocks(part)


def _objects(archive: zipfile.ZipFile, findings: Findings) -> Callable[[str], ET.Element | None]:
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
        if self._styles.is_hidden(element):
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
                page = self._page
                yield from table_blocks(list(self._rows(element)), page)
            case "soft-page-break":
                self._turn_page()
            case "frame":
                yield from self._frame(element)
            case "notes":
                for block in self._children(element):
                    yield Block(BlockKind.PARAGRAPH, block.text, block.page)
            case name if name not in _UNSEEN:
                yield from self._children(element)
            case _:
                return

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
        if attribute(element, "class") == "title":
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
                yield from self._children(part)
            elif local(part.tag) == "annotation" and (remark := self._remark(part)):
                yield Block(BlockKind.LIST_ITEM, remark, self._page)

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
        for cell in row:
            if local(cell.tag) not in ("table-cell", "covered-table-cell"):
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
        parts = [element.text or ""]
        for part in element:
            match local(part.tag):
                case "s":
                    parts.append(" " * _count(attribute(part, "c")))
                case "tab":
                    parts.append(" ")
                case "line-break":
                    parts.append("\n")
                case "soft-page-break":
                    self._turn_page()
                    parts.append(TURN)
                case "frame":
                    # Text boxes come by themselves.
                    parts.append(self._formula(part))
                case "note":
                    pass  # it breaks a sentence
                case name if self._styles.is_hidden(part):
                    parts.append(self._findings.hide("".join(part.itertext())))
                case name if name not in _UNSEEN:
                    text, shift = self.text(part), self._styles.shift(part)
                    if shift:
                        text = raised(text) if shift > 0 else lowered(text)
                    parts.append(text)
                case _:
                    pass
            parts.append(part.tail or "")
        return "".join(parts)


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
