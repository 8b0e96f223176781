"""Word, paragraph by paragraph, with the page breaks of Word's last layout.

Source: ECMA-376 part 1, section 17 (WordprocessingML).
"""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby, takewhile
from typing import IO
from xml.etree import ElementTree as ET

from citewell.engine.parsing.archives import spared_part
from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.marks import TURN, lowered, raised
from citewell.engine.parsing.readers.altchunks import AltChunks
from citewell.engine.parsing.readers.base import ReaderInput, Reading, comment_text
from citewell.engine.parsing.readers.charts import CHART_KINDS, chart_blocks
from citewell.engine.parsing.readers.formulas import formula_text
from citewell.engine.parsing.readers.ooxml import (
    attribute,
    child,
    is_on,
    local,
    main_part,
    properties,
    relations,
    value_of,
    walk,
)
from citewell.engine.parsing.readers.symbols import symbol
from citewell.engine.parsing.readers.tables import CELL_SEPARATOR, COVERED, table_blocks
from citewell.engine.parsing.readers.word_styles import Numbering, RunLook, Styles
from citewell.engine.parsing.vietnamese import in_unicode

_PRUNED = frozenset({"del", "moveFrom", "txbxContent", "oMath", "pPr", "rPr", "sdtPr", "ruby"})
"""Elements whose text is skipped (deleted text, settings) or read separately."""

_UNHIDDEN = frozenset({"lastRenderedPageBreak", "oMath"})
"""Elements that count in or behind a hidden run all the same."""

_MAX_SPAN = 63
"""Most columns a table of Word can have."""


def read(source: ReaderInput) -> Reading:
    """Begin to read a document."""
    with zipfile.ZipFile(source.path) as archive:
        main = main_part(archive)
        with archive.open(main) as part:
            pages, is_grounded = _first_pass(part)
        title, metadata = properties(archive)
        known = relations(archive, main)
        for header in {each.part for each in known.values() if each.kind == "header"}:
            if not is_grounded and header in archive.namelist():
                with archive.open(header) as part:
                    is_grounded = _first_pass(part)[1]
        parts = {relation.kind: relation.part for relation in known.values()}
        chunks = {key: each.part for key, each in known.items() if each.kind == "aFChunk"}
        charts = {key: each.part for key, each in known.items() if each.kind in CHART_KINDS}

        def load(kind: str) -> ET.Element | None:
            return spared_part(archive, parts.get(kind), source.findings)

        word = _Word(
            Styles(load("styles")),
            Numbering(load("numbering")),
            _notes(load("footnotes")) | _notes(load("endnotes")) | _notes(load("comments")),
            page=1 if pages else None,
            findings=source.findings,
            chunks=AltChunks(source, chunks, read),
            charts=_Charts(source, charts),
            is_grounded=is_grounded,
        )
    info = DocumentInfo(source.mime_type, title, pages, metadata)
    return Reading(info, _blocks(source, main, word))


def _blocks(source: ReaderInput, main: str, word: "_Word") -> Iterator[Block]:
    with zipfile.ZipFile(source.path) as archive, archive.open(main) as part:
        yield from word.blocks(part)


_MARK = b"lastRenderedPageBreak"
_BEHIND = re.compile(rb"""behindDoc\s?=\s?["'](?:1|true|on)\b|z-index:\s?-""")
"""A drawing behind the text, in either of Word's ways; it may lie behind any of it."""


def _first_pass(content: IO[bytes]) -> tuple[int | None, bool]:
    """Pages as Word last laid them out, None if it never did; whether a drawing is behind text."""
    breaks, tail, is_grounded = 0, b"", False
    while data := content.read(1 << 20):
        data = tail + data
        # A mark may lie across two reads; marks inside the tail were counted already.
        breaks += data.count(_MARK) - tail.count(_MARK)
        is_grounded = is_grounded or _BEHIND.search(data) is not None
        tail = data[-64:]
    return (breaks + 1 if breaks else None), is_grounded


def _notes(root: ET.Element | None) -> dict[tuple[str, str], ET.Element]:
    """Notes and comments by kind and id; separators have a type and are left out."""
    if root is None:
        return {}
    return {
        (local(note.tag), attribute(note, "id") or ""): note
        for note in root
        if attribute(note, "type") in (None, "normal")
    }


class _Charts:
    """The charts of a document, by the ids of their relations; each is read once, in its place."""

    def __init__(self, source: ReaderInput, parts: dict[str, str]) -> None:
        self._source = source
        self._parts = parts
        self._unread = set(parts.values())

    def blocks(self, key: str, page: int | None) -> Iterator[Block]:
        """Yield title and figures of a chart; one that is missing or damaged has none."""
        part = self._parts.get(key)
        if part not in self._unread:
            return
        # Word draws a chart once; a file of many references to one would be read for hours.
        self._unread.remove(part)
        with zipfile.ZipFile(self._source.path) as archive:
            root = spared_part(archive, part, self._source.findings)
        if root is not None:
            yield from chart_blocks(root, page)


class _Word:
    """The state of one pass over the main part."""

    def __init__(
        self,
        styles: Styles,
        numbering: Numbering,
        notes: dict[tuple[str, str], ET.Element],
        page: int | None,
        findings: Findings,
        chunks: AltChunks,
        charts: _Charts,
        *,
        is_grounded: bool,
    ) -> None:
        self._findings = findings
        self._chunks = chunks
        self._charts = charts
        self._styles = styles
        self._numbering = numbering
        self._notes = notes
        self._page = page
        self._code: list[Block] = []
        self._is_grounded = is_grounded
        """Whether text may stand on a ground: in a table, a box, on coloured paper, a picture."""
        self._capital = ""
        """A drop cap, which is a paragraph of its own before the one that it begins."""

    def blocks(self, content: IO[bytes]) -> Iterator[Block]:
        depth = body_depth = 0
        # The child process bounds time and memory; expat 2.4 and later refuses entity bombs.
        for event, element in ET.iterparse(content, ("start", "end")):  # noqa: S314
            if event == "start":
                depth += 1
                if local(element.tag) == "body":
                    body_depth = depth
                elif local(element.tag) == "background":
                    self._is_grounded = True
                continue
            depth -= 1
            if body_depth and depth == body_depth:
                for block in self._element(element):
                    yield from self._gathered(block)
                # The tree below the body is dropped as it is read, so memory does not grow with the
                # document.
                element.clear()
        yield from self._end_code()

    def _element(self, element: ET.Element) -> Iterator[Block]:
        match local(element.tag):
            case "p":
                yield from self._paragraph(element)
            case "tbl":
                yield from self._table(element)
            case "altChunk":
                for block in self._chunks.blocks(attribute(element, "id") or ""):
                    yield replace(block, page=self._page)
            case "AlternateContent":
                chosen = child(element, "Choice")
                if chosen is not None:
                    yield from self._children(chosen)
            case name if name not in _PRUNED:
                yield from self._children(element)
            case _:
                return

    def _children(self, element: ET.Element) -> Iterator[Block]:
        for part in element:
            yield from self._element(part)

    def _gathered(self, block: Block) -> Iterator[Block]:
        """Join neighbouring paragraphs of code."""
        if block.kind is BlockKind.CODE:
            self._code.append(block)
            return
        yield from self._end_code()
        yield block

    def _end_code(self) -> Iterator[Block]:
        if self._code:
            text = "\n".join(block.text for block in self._code)
            yield Block(BlockKind.CODE, text, self._code[0].page)
            self._code = []

    def _paragraph(self, element: ET.Element) -> Iterator[Block]:
        text, page, asides = self._text(element)
        frame = child(element, "pPr", "framePr")
        if frame is not None and attribute(frame, "dropCap") in ("drop", "margin"):
            self._capital += text.strip()
            return
        if text.strip():
            text, self._capital = self._capital + text, ""
        style = self._styles.of(element)
        label, is_item = "", False
        if text.strip() and (number := self._styles.numbering(element)):
            label, is_item = self._numbering.label(*number), True
        labelled = f"{label} {text}" if label else text
        if style.level:
            yield Block(BlockKind.HEADING, labelled, page, level=style.level)
        elif is_item:
            yield Block(BlockKind.LIST_ITEM, labelled, page)
        elif style.is_code:
            yield Block(BlockKind.CODE, text, page)
        else:
            yield Block(BlockKind.PARAGRAPH, text, page)
        for aside in asides:
            yield from self._aside(aside)

    def _aside(self, element: ET.Element) -> Iterator[Block]:
        if local(element.tag) == "txbxContent":
            outer, self._is_grounded = self._is_grounded, True
            yield from self._children(element)
            self._is_grounded = outer
            return
        if local(element.tag) == "chart":
            yield from self._charts.blocks(attribute(element, "id") or "", self._page)
            return
        kind = local(element.tag).removesuffix("Reference")
        note = self._notes.get((kind, attribute(element, "id") or ""))
        if note is None:
            return
        paragraphs = (part for part in walk(note, _is_paragraph) if _is_paragraph(local(part.tag)))
        texts = (self._text(part)[0].strip() for part in paragraphs)
        text = " ".join(text for text in texts if text)
        if kind == "comment":
            remark = comment_text(attribute(note, "author") or "", text)
            yield Block(BlockKind.LIST_ITEM, remark, self._page)
            return
        yield Block(BlockKind.PARAGRAPH, text, self._page)

    def _text(self, paragraph: ET.Element) -> tuple[str, int | None, list[ET.Element]]:
        """Get a paragraph's text, the page it begins on, and the boxes and notes it carries."""
        parts: list[tuple[str, str]] = []
        asides: list[ET.Element] = []
        page = self._page
        look = RunLook()
        fields: list[int] = []
        for part in walk(paragraph, lambda name: name in _PRUNED):
            match local(part.tag):
                case "r":
                    look = self._styles.look(part, paragraph)
                case "fldChar":
                    value = _field_value(part)
                    value = self._findings.hide(value) if self._is_unseen(look) else value
                    self._turn_field(attribute(part, "fldCharType"), value, parts, fields)
                case name if name not in _UNHIDDEN and self._is_unseen(look):
                    parts.append((look.font, self._findings.hide(_characters(part, 0))))
                case "lastRenderedPageBreak" if self._page is not None:
                    self._page += 1
                    if not any(text.strip() for _, text in parts):
                        page = self._page
                    else:
                        parts.append(("", TURN))
                case "txbxContent" | "footnoteReference" | "endnoteReference" | "commentReference":
                    asides.append(part)
                case "chart":
                    asides.append(part)
                case _:
                    parts.append((look.font, _characters(part, look.shift)))
        return in_unicode(parts, self._findings.left_out.add), page, asides

    def _is_unseen(self, look: RunLook) -> bool:
        return look.is_hidden or (look.is_white and not self._is_grounded)

    def _turn_field(
        self, turn: str | None, value: str, parts: list[tuple[str, str]], fields: list[int]
    ) -> None:
        """Take the results of fields within a field's code out, as they are no text (17.16.18).

        The code of a field that ends in another paragraph is not told from text.
        """
        match turn:
            case "begin":
                parts.append(("", value))
                fields.append(len(parts))
            case "separate" if fields:
                code = parts[fields[-1] :]
                self._findings.left_out.add("".join(text for _, text in code))
                parts[fields[-1] :] = [each for each in code if each[1] == TURN]
                # Behind it stands the result, of which nothing is taken.
                fields[-1] = len(parts)
            case "end" if fields:
                fields.pop()
            case _:
                return

    def _table(self, element: ET.Element) -> Iterator[Block]:
        rows = [part for part in walk(element, _is_row) if local(part.tag) == "tr"]
        # Word has no frames for running text, so authors use tables of one cell.
        if len(rows) == 1 and len(cells := _cells(rows[0])) == 1:
            # A frame around ordinary text.
            yield from self._children(cells[0])
            return
        above: list[str] = []
        read: list[tuple[int | None, list[str]]] = []
        for row in rows:
            page, texts = self._row(row, above)
            if child(row, "trPr", "del") is not None:
                # Taken out by a change that nobody has accepted yet.
                self._findings.left_out.add(" ".join(texts))
                continue
            if is_on(child(row, "trPr", "hidden")):
                read.append((page, [self._findings.hide(text) for text in texts]))
                continue
            above = texts
            read.append((page, above))
        read = [(page, texts) for page, texts in read if any(text.strip() for text in texts)]
        header = read[0][1] if read else []
        headers = sum(1 for _ in takewhile(_is_header, rows))
        # One block per page, each with the header row, so that citations name the right page.
        for number, (page, group) in enumerate(groupby(read, key=lambda item: item[0])):
            texts = [text for _, text in group]
            if number:
                yield from table_blocks([header, *texts], page)
            else:
                yield from table_blocks(texts, page, headers=headers)

    def _row(self, row: ET.Element, above: list[str]) -> tuple[int | None, list[str]]:
        texts: list[str] = []
        page: int | None = None
        for cell in _cells(row):
            found = self._cell(cell)
            page = found[1] if page is None else page
            merge = child(cell, "tcPr", "vMerge")
            # A cell that continues the one above has no text of its own; the text is repeated, so
            # that each row can be understood alone.
            goes_on = merge is not None and attribute(merge, "val") in (None, "continue")
            text = above[len(texts)] if goes_on and len(texts) < len(above) else found[0]
            span = value_of(cell, "tcPr", "gridSpan") or "1"
            columns = min(int(span), _MAX_SPAN) if span.isdecimal() else 1
            texts += [text, *[COVERED] * (columns - 1)]
        return page, texts

    def _cell(self, cell: ET.Element) -> tuple[str, int | None]:
        outer, self._is_grounded = self._is_grounded, True
        blocks = [block for part in cell for block in self._element(part)]
        self._is_grounded = outer
        page = next((block.page for block in blocks if block.text.strip()), self._page)
        text = " ".join(_in_cell(block) for block in blocks if block.text.strip())
        return text.replace(TURN, ""), page


def _in_cell(block: Block) -> str:
    """A block's text within a cell: the cells of a table in it are none of the outer table's."""
    if block.kind is not BlockKind.TABLE:
        return block.text
    return block.text.replace(CELL_SEPARATOR, ", ").replace("\n", "; ")


def _is_row(name: str) -> bool:
    return name == "tr"


def _is_header(row: ET.Element) -> bool:
    """Whether a row is repeated on each page of its table."""
    return is_on(child(row, "trPr", "tblHeader"))


def _is_paragraph(name: str) -> bool:
    return name == "p"


def _characters(part: ET.Element, shift: int) -> str:
    """The text that a child of a run stands for."""
    match local(part.tag):
        case "t":
            return _shifted(part.text or "", shift)
        case "tab" | "ptab":
            return "\t"
        case "br" | "cr":
            return "\n"
        case "noBreakHyphen":
            return "-"
        case "sym":
            return _shifted(symbol(attribute(part, "font"), attribute(part, "char")), shift)
        case "oMath":
            return formula_text(part)
        case "ruby":
            return _ruby_base(part)
        case _:
            return ""


def _field_value(part: ET.Element) -> str:
    """The choice in a form field of old Word, which stands in no text (ECMA-376, 17.16.17)."""
    choices = child(part, "ffData", "ddList")
    if choices is not None:
        entries = [attribute(e, "val") or "" for e in choices if local(e.tag) == "listEntry"]
        chosen = value_of(choices, "result") or value_of(choices, "default") or "0"
        at = int(chosen) if chosen.isdecimal() and len(chosen) < 6 else 0
        return entries[at] if at < len(entries) else ""
    box = child(part, "ffData", "checkBox")
    if box is None:
        return ""
    state = child(box, "checked")
    return "☒" if is_on(child(box, "default") if state is None else state) else "☐"


def _shifted(text: str, shift: int) -> str:
    if not shift:
        return text
    return raised(text) if shift > 0 else lowered(text)


def _cells(row: ET.Element) -> list[ET.Element]:
    return [part for part in walk(row, lambda name: name == "tc") if local(part.tag) == "tc"]


def _ruby_base(element: ET.Element) -> str:
    base = child(element, "rubyBase")
    return "" if base is None else "".join(t.text or "" for t in walk(base) if local(t.tag) == "t")
