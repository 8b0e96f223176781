"""PDF: the library's pages, without running headers and with lines joined to paragraphs."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pypdfium2  # pyright: ignore[reportMissingTypeStubs] - it has none

from citewell.engine.parsing.base import Block, BlockKind, WarningCode
from citewell.engine.parsing.cleaning import clean_line, scrub
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.marks import HYPHEN, ROW
from citewell.engine.parsing.readers.base import ReaderInput, Reading
from citewell.engine.parsing.readers.footnotes import with_notes_aside
from citewell.engine.parsing.readers.furniture import without_furniture
from citewell.engine.parsing.readers.kreuzberg_nodes import (
    document_info,
    document_nodes,
    extract,
    node_block,
)
from citewell.engine.parsing.readers.layout import (
    NumberedLevels,
    join_split_sentences,
    page_blocks,
)
from citewell.engine.parsing.readers.pdf_accents import with_composed
from citewell.engine.parsing.readers.pdf_glyphs import PageFacts, read_facts
from citewell.engine.parsing.readers.pdf_markers import with_markers
from citewell.engine.parsing.readers.pdf_placing import with_headers, with_tables
from citewell.engine.parsing.readers.pdf_shifts import with_shifts
from citewell.engine.parsing.readers.pdf_tables import line_key, squeezed, without_false_table
from citewell.engine.parsing.readers.pdf_turned import upright
from citewell.engine.parsing.readers.pdf_whole_lines import with_whole_lines
from citewell.engine.parsing.readers.recognised import named, note_recognised, recognise_pages
from citewell.engine.parsing.readers.spacing import is_spaced, without_spacing
from citewell.engine.parsing.recognition import INSTALL

MAX_LOST = 0.1
MAX_REPEATED = 0.3
"""Shares of a page's characters that its analysis may lose or say twice before the page's bare text
is taken instead. Most pages lose less than 1 %, those whose analysis fails up to 70 %."""

_START_CHARS = 24

_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"(?<!\w)[^\W\d_]{3,}(?!\w)")
_NO_TITLES = frozenset({"untitled", "unspecified", "unknown"})

_LINE_HYPHEN = re.compile("[-\x02\ufffe\u2010]\r?\n|[\x02\ufffe]")

_NO_GAPS: Mapping[str, frozenset[int]] = {}

_Pages = dict[int | None, list[Block]]


def read(source: ReaderInput) -> Reading:
    """Read a PDF."""
    content = _upright(source)
    result = extract(source, layout=True, content=content)
    info = document_info(source, result)
    if info.title and clean_line(info.title).lower() in _NO_TITLES:
        info = type(info)(info.mime_type, None, info.page_count, info.metadata)
    pages: _Pages = {page["page_number"]: [] for page in result.pages or []}
    for node in document_nodes(result):
        for block in node_block(node):
            pages.setdefault(block.page, []).append(_readable(block))
    facts = _facts(source.path if content is None else content, pages)
    tables = list(with_headers([found.tables for found in facts], [found.text for found in facts]))
    for page in result.pages or []:
        number = page["page_number"]
        found = facts[number - 1] if number <= len(facts) else PageFacts()
        read_blocks = (
            block
            if block.kind is BlockKind.TABLE
            else replace(block, text=_in_order(block.text, found.orders))
            for block in pages[number]
        )
        bare = _in_order(page["content"], found.orders)
        whole = with_whole_lines(read_blocks, bare, found.shifts)
        blocks = complete_page(whole, bare, number, found.gaps)
        blocks = with_markers(blocks, found.markers) if found.markers else blocks
        blocks = [_with_rows(block, found.labelled) for block in blocks]
        if found.tables:
            blocks = with_tables(blocks, tables[number - 1], number)
        pages[number] = [
            replace(block, text=without_spacing(with_shifts(block.text, found.shifts), found.gaps))
            for block in with_composed(blocks, found.composed)
        ]
    _note_layer(source.findings, facts)
    pages = _recognise(source, pages, facts)
    return Reading(info, _blocks(pages, facts, source.findings))


def _in_order(text: str, orders: Mapping[str, str]) -> str:
    """The text with the lines whose letters are drawn out of order as they are read."""
    if not orders:
        return text
    return "\n".join(orders.get(squeezed(line), line) for line in text.split("\n"))


def _with_rows(block: Block, labelled: Collection[str]) -> Block:
    """A block whose lines of a label and its value are marked as such."""
    if not labelled or block.kind in (BlockKind.TABLE, BlockKind.CODE):
        return block
    lines = block.text.split("\n")
    text = "\n".join(ROW + line if squeezed(line) in labelled else line for line in lines)
    return replace(block, text=text)


def _note_layer(findings: Findings, facts: list[PageFacts]) -> None:
    """Count the pages' own text."""
    for found in facts:
        # A hyphen at a line's end goes when the word is joined.
        findings.source.add(_LINE_HYPHEN.sub("", found.text))


def _recognise(source: ReaderInput, pages: _Pages, facts: list[PageFacts]) -> _Pages:
    """The pages with the recognised text of those that are pictures."""
    empty = [number for number, found in enumerate(facts, 1) if found.has_pictures]
    # A page with text that PDFium does not give is left as the library reads it.
    empty = [number for number in empty if not any(b.text.strip() for b in pages.get(number, []))]
    if not empty:
        return pages
    findings = source.findings
    findings.pictures = len(empty)
    read = recognise_pages(source, empty)
    findings.has_recogniser = read is not None
    note_recognised(findings, read or {})
    for number, page in (read or {}).items():
        pages[number] = [Block(BlockKind.PARAGRAPH, text, number) for text in page.paragraphs]
    # Letters of such low confidence that they are none, or no look at all.
    left = [
        number
        for number in empty
        if read is None
        or number not in read
        or (read[number].confidence and not read[number].paragraphs)
    ]
    if left:
        advice = (
            "Their text could not be recognised, or not within the bounds of time and pages."
            if read is not None
            else (f"To have them read, {INSTALL}.")
        )
        findings.warn(
            WarningCode.PAGES_WITHOUT_TEXT,
            f"{len(left)} of {len(facts)} pages are pictures without text: {named(left)}. {advice}",
        )
    return dict(sorted(pages.items(), key=lambda item: item[0] or 0))


def _upright(source: ReaderInput) -> bytes | None:
    try:
        findings = source.findings
        return upright(source.path, None if findings.keeps_hidden else findings.hide)
    except pypdfium2.PdfiumError:
        return None  # the library says why it cannot be read, if it cannot


def _facts(content: Path | bytes, pages: _Pages) -> list[PageFacts]:
    tables = {
        block.page
        for blocks in pages.values()
        for block in blocks
        if block.page is not None and (block.kind is BlockKind.TABLE or is_spaced(block.text))
    }
    try:
        return list(read_facts(content, tables))
    except pypdfium2.PdfiumError:
        # The library has read the file, so it is readable; what only PDFium's own interface says
        # is missing then.
        return []


def _blocks(pages: _Pages, facts: list[PageFacts], findings: Findings) -> Iterator[Block]:
    laid_out = (
        block
        for number, page in zip(
            pages, with_notes_aside(list(_without_furniture(pages, findings))), strict=True
        )
        for block in chain(page_blocks(page), _added(number, facts))
    )
    levels = NumberedLevels()
    for block in join_split_sentences(laid_out):
        yield levels.adjust(block)


def _without_furniture(pages: _Pages, findings: Findings) -> Iterator[list[Block]]:
    for before, after in zip(pages.values(), without_furniture(pages), strict=True):
        if after is not before:
            for block in before:
                findings.left_out.add(block.text)
            for block in after:
                findings.left_out.subtract(block.text)
        yield after


def _added(number: int | None, facts: list[PageFacts]) -> Iterator[Block]:
    """Yield the fields and remarks of a page, which come behind its text."""
    if number is None or number > len(facts):
        return
    found = facts[number - 1]
    for name, value in found.beside.fields:
        # An item, so that it is joined to no paragraph.
        yield Block(BlockKind.LIST_ITEM, f"{name}: {value}" if name else value, number)
    for note in found.beside.notes:
        yield Block(BlockKind.LIST_ITEM, note, number)


def complete_page(
    blocks: list[Block],
    bare: str,
    number: int,
    gaps: Mapping[str, frozenset[int]] = _NO_GAPS,
) -> list[Block]:
    """A page's blocks, or its bare text if the layout analysis has lost or doubled a part."""
    bare = _readable_text(bare)
    if not bare.strip():
        return blocks  # the library gives no bare text of some pages that it has read
    texts = [block.text for block in blocks]
    said, shown = _characters(texts), _characters([bare])
    words = _words([bare])
    total = shown.total()
    if (
        (shown - said).total() > MAX_LOST * total
        # Two more, so that a page of a few words is not judged by one that is divided otherwise.
        or (words - _words(texts)).total() > MAX_LOST * words.total() + 2
        or (said - shown).total() > MAX_REPEATED * total + 25
    ):
        return [Block(BlockKind.PARAGRAPH, bare, number)]
    # 24 characters tell lines of one page apart, and hyphenation at the line's end does not matter.
    starts = {line.strip()[:_START_CHARS] for line in bare.split("\n")}
    # Cells lose the hyphen at their line's end, so such a line is known without it too.
    shown_lines = [(line_key(line), line.strip()) for line in bare.split("\n")]
    lines = {key.removesuffix("-"): line for key, line in shown_lines} | dict(shown_lines)
    told = (without_false_table(block, lines, gaps) for block in blocks)
    return [_without_false_item(block, starts) for block in told]


def _without_false_item(block: Block, starts: set[str]) -> Block:
    """Correct list items whose line has no bullet: the library takes `end. Of a` for one."""
    start = block.text.strip().partition("\n")[0][:_START_CHARS]
    if block.kind is BlockKind.LIST_ITEM and start in starts and not start[:1].isdecimal():
        return replace(block, kind=BlockKind.PARAGRAPH)
    return block


def _words(texts: Iterable[str]) -> Counter[str]:
    """Words of letters, whose order tells what characters do not: a text read backwards.

    Figures are left out: PDFium's bare text joins cells of one digit with those before them.
    """
    return Counter(word for text in texts for word in _WORD.findall(text))


def _characters(texts: Iterable[str]) -> Counter[str]:
    """Characters without spaces and the bars between cells."""
    found = Counter("".join(_SPACE.sub("", text) for text in texts))
    found.pop("|", None)
    return found


def _readable(block: Block) -> Block:
    if block.kind is BlockKind.TABLE:
        return block
    return Block(block.kind, _readable_text(block.text), block.page, block.level)


def _readable_text(text: str) -> str:
    """Translate control characters that have a meaning, before all of them are removed.

    PDFium writes U+0002 or U+FFFE for a hyphen at a line's end, and symbol fonts map bullets to
    control characters.
    """
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        start = line.lstrip()
        if len(start) > 2 and start[0] < " " and start[1] in " \t":
            line = "• " + start[2:]
        elif len(start) > 3 and start[1] < " " and start[2] in " \t":
            line = "• " + start[3:]
        lines.append(line.replace("\x02", "-\n").replace("\ufffe", "-\n"))
    return scrub("\n".join(lines).replace("\u00ad", HYPHEN))
