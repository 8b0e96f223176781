"""Reads a file into clean, bounded blocks; runs inside the child process."""

import importlib
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import accumulate, chain
from pathlib import Path
from textwrap import dedent
from typing import cast
from xml.etree import ElementTree as ET

from citewell.engine.parsing.archives import READ_ERRORS
from citewell.engine.parsing.attachments import attachments, names_text
from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo, ParseError, ParseFailure
from citewell.engine.parsing.cleaning import clean_code, clean_line, clean_text
from citewell.engine.parsing.detection import detect_format
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.fonts import as_shown_by_fonts
from citewell.engine.parsing.formats import FORMATS, PICTURES, WORKBOOK_FORMATS, DocumentFormat
from citewell.engine.parsing.layers import text_layer
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.marks import TURN, join_hidden, resolve_shifts
from citewell.engine.parsing.readers.base import Reader, ReaderInput, Reading
from citewell.engine.parsing.recognition import INSTALL

MAX_BLOCK_CHARS = 32_768
"""Length from which a block is divided at the end of a line or word, so that no frame or chunk is
huge."""

MAX_HEADING_CHARS = 400
"""Length from which a heading is taken for a paragraph in the type of one."""

# Titles and names are short; a longer value is cut.
MAX_METADATA_CHARS = 500

DAMAGE = (
    *READ_ERRORS, ET.ParseError, zlib.error, struct.error, UnicodeError, LookupError,
    ArithmeticError,
)  # fmt: skip
"""Errors of readers for a file that violates its format."""

# Dashes, minus and plus-minus, and signs that belong to numbers.
_SIGN = re.compile(r"\s*[-\u2010-\u2015\u2212+±~≈<>≤≥×/]{1,2}\s*")  # noqa: RUF001
_TURNS = re.compile(f" ({TURN}+) ")

_READERS: dict[DocumentFormat, str] = {
    DocumentFormat.DOCX: "docx",
    DocumentFormat.DOC: "doc",
    DocumentFormat.PPTX: "pptx",
    DocumentFormat.PPT: "ppt",
    DocumentFormat.ODT: "opendocument",
    DocumentFormat.ODP: "opendocument",
    DocumentFormat.EPUB: "epub",
    DocumentFormat.EML: "mail",
    DocumentFormat.MBOX: "mail",
    DocumentFormat.CALENDAR: "entries",
    DocumentFormat.CONTACTS: "entries",
    DocumentFormat.SVG: "svg",
    DocumentFormat.MSG: "outlook",
    DocumentFormat.XML: "xml",
    DocumentFormat.MARKDOWN: "markdown",
    DocumentFormat.HTML: "html",
    DocumentFormat.PDF: "pdf",
    **dict.fromkeys(WORKBOOK_FORMATS, "spreadsheets"),
    DocumentFormat.RTF: "rtf",
    DocumentFormat.TEXT: "text",
    DocumentFormat.CSV: "delimited",
    DocumentFormat.JSON: "jsons",
    DocumentFormat.JSON_LINES: "jsons",
    **dict.fromkeys(PICTURES, "images"),
}
"""Format -> module of `readers`; formats not listed are read by `other`."""

_TITLED = frozenset(
    {
        DocumentFormat.DOCX,
        DocumentFormat.DOC,
        DocumentFormat.HTML,
        DocumentFormat.MARKDOWN,
        DocumentFormat.ODP,
        DocumentFormat.ODT,
        DocumentFormat.ORG,
        DocumentFormat.PPTX,
        DocumentFormat.RST,
    }
)
"""Formats in which a heading at the very beginning is the title, if the file names none."""


def read_document(
    path: Path, filename: str, limits: ParseLimits, findings: Findings | None = None
) -> tuple[DocumentInfo, Iterator[Block]]:
    """Begin to read a document.

    Args:
        path: The file.
        filename: The name that the user gave it.
        limits: Bounds of its text and its parts.
        findings: Takes what people should know; complete when the iterator has ended.

    Returns:
        Its facts and an iterator of at least one block, which may raise `ParseError` too.

    Raises:
        ParseError: It cannot be read.
    """
    kind = detect_format(path, filename, limits)
    findings = findings or Findings(keeps_hidden=limits.keeps_hidden)
    source = ReaderInput(path, filename, kind, limits, findings)
    try:
        reading = _reader(kind)(source)
    except RecursionError as error:
        raise _too_deep() from error
    except DAMAGE as error:
        raise _damaged(kind) from error
    info, named = _with_attachments(reading.info, path, kind)
    reading = Reading(info, chain(reading.blocks, named))
    tidy = _tidy(as_shown_by_fonts(_guarded(reading, kind), source.findings))
    blocks = _bounded(_counted(tidy, source), limits)
    first = next(blocks, None)
    if first is None:
        raise _without_text(kind, reading.info, source.findings)
    info = _tidy_info(reading.info)
    if not info.title and kind in _TITLED and (first.kind, first.level) == (BlockKind.HEADING, 1):
        info = replace(info, title=first.text)
    return info, chain([first], blocks)


def read_attachments(path: Path, filename: str, limits: ParseLimits) -> Iterator[tuple[str, bytes]]:
    """Yield the files within a document that are documents of their own, by name.

    Raises:
        ParseError: It cannot be read.
    """
    kind = detect_format(path, filename, limits)
    try:
        yield from ((each.name, each.data) for each in attachments(path, kind) if each.is_taken)
    except DAMAGE as error:
        raise _damaged(kind) from error


def _with_attachments(
    info: DocumentInfo, path: Path, kind: DocumentFormat
) -> tuple[DocumentInfo, list[Block]]:
    """The facts with the names of attachments, and the block that tells of them all."""
    try:
        found = [replace(each, data=b"") for each in attachments(path, kind)]
    except DAMAGE as error:
        raise _damaged(kind) from error
    text = names_text(found)
    info = replace(info, attachments=tuple(each.name for each in found if each.is_taken))
    return info, [Block(BlockKind.PARAGRAPH, text, info.page_count)] if text else []


def _reader(kind: DocumentFormat) -> Reader:
    # Imported when needed: a child that reads Markdown never loads the PDF library.
    name = _READERS.get(kind, "other")
    module = importlib.import_module(f"citewell.engine.parsing.readers.{name}")
    return cast(Reader, module.read)


def _guarded(reading: Reading, kind: DocumentFormat) -> Iterator[Block]:
    try:
        yield from reading.blocks
    except RecursionError as error:
        raise _too_deep() from error
    except DAMAGE as error:
        raise _damaged(kind) from error


def _tidy(blocks: Iterator[Block]) -> Iterator[Block]:
    """Yield the blocks with clean text, none longer than `MAX_BLOCK_CHARS`."""
    for block in _with_signs(blocks):
        text = _clean(replace(block, text=join_hidden(resolve_shifts(block.text))))
        # Rules, dots and stray punctuation are blocks of some formats, and nothing to find or
        # quote.
        if not any(character.isalnum() for character in text):
            continue
        if block.kind is BlockKind.HEADING and len(text) > MAX_HEADING_CHARS:
            block = replace(block, kind=BlockKind.PARAGRAPH, level=0)
        elif block.kind is BlockKind.HEADING:
            block = replace(block, level=min(max(block.level, 1), 6))
        yield from _paged(block, text)


def _with_signs(blocks: Iterator[Block]) -> Iterator[Block]:
    """Join a sign that came as a block of its own to the text on both sides.

    The library takes the dash of a range, or the minus of a number, for the bullet of an item.
    """
    held: Block | None = None
    sign: Block | None = None
    for block in blocks:
        if sign and held:
            if joined := _around(held.text, sign.text.strip(), block.text):
                held, sign = replace(held, text=joined), None
                continue
            yield held
            held, sign = block, None
        elif held and _SIGN.fullmatch(block.text) and block.page == held.page:
            sign = block
        else:
            if held:
                yield held
            held = block
    if held:
        yield held


def _around(before: str, sign: str, after: str) -> str:
    """One text of three, or an empty one if they are no sentence."""
    before, after = before.rstrip(), after.lstrip()
    if not before or not after or not (after[0].isdigit() or after[0].islower()):
        return ""
    if not (before[-1].isalnum() or before[-1] in ",(%€$£:"):
        return ""
    if not after[0].isdigit():
        return f"{before} {sign} {after}"
    # "290-310", but "changed by -23 percent".
    return f"{before}{'' if before[-1].isdigit() else ' '}{sign}{after}"


def _paged(block: Block, text: str) -> Iterator[Block]:
    """Divide a long block, and turn its marks of page ends into offsets."""
    if TURN not in text:
        for part in _divide(text):
            yield replace(block, text=part)
        return
    page = block.page
    for part in _divide(_TURNS.sub(r" \1", text)):
        pieces = part.split(TURN)
        ends = list(accumulate(map(len, pieces)))
        shown = "".join(pieces)
        if shown.strip():
            inside = tuple(at for at in ends[:-1] if 0 < at < len(shown))
            first = page if page is None else page + ends[:-1].count(0)
            yield replace(block, text=shown, page=first, breaks=inside if first else ())
        page = page if page is None else page + len(pieces) - 1


def _clean(block: Block) -> str:
    match block.kind:
        case BlockKind.HEADING:
            return clean_line(block.text)
        case BlockKind.CODE:
            return clean_code(dedent(block.text))
        case BlockKind.TABLE:
            return clean_code(block.text)
        case _:
            return clean_text(block.text)


def _divide(text: str) -> Iterator[str]:
    start = 0
    while len(text) - start > MAX_BLOCK_CHARS:
        limit = start + MAX_BLOCK_CHARS
        half = start + MAX_BLOCK_CHARS // 2
        # In the second half only, so that pieces do not get small; a line's end is the best place.
        cuts = (text.rfind(mark, half, limit) + len(mark) for mark in ("\n", ". ", " "))
        end = next((cut for cut in cuts if cut > half), limit)
        if part := text[start:end].strip():
            yield part
        start = end
    if part := text[start:].strip("\n"):
        yield part


def _bounded(blocks: Iterator[Block], limits: ParseLimits) -> Iterator[Block]:
    total = 0
    for block in blocks:
        total += len(block.text)
        if total > limits.text_chars:
            raise ParseError(
                ParseFailure.TOO_LARGE,
                f"The document has more than {limits.text_chars:,} characters of text.",
            )
        yield block


def _counted(blocks: Iterator[Block], source: ReaderInput) -> Iterator[Block]:
    """Yield the blocks, and compare them with the file's own text layer at the end."""
    findings = source.findings
    for block in blocks:
        findings.text.add(block.text)
        yield block
    # The text that was read counts, whatever is wrong with what only the comparison looks at.
    with suppress(*DAMAGE, RecursionError, TypeError):
        for text in text_layer(source):
            findings.source.add(text)
    findings.finish()


def _tidy_info(info: DocumentInfo) -> DocumentInfo:
    metadata = {
        clean_line(key)[:60]: clean_line(value)[:MAX_METADATA_CHARS]
        for key, value in info.metadata.items()
    }
    return replace(
        info,
        title=clean_line(info.title or "")[:MAX_METADATA_CHARS] or None,
        metadata={key: value for key, value in metadata.items() if key and value},
    )


def _damaged(kind: DocumentFormat) -> ParseError:
    return ParseError(
        ParseFailure.CORRUPT, f"The file is damaged: it is no readable {FORMATS[kind].label} file."
    )


def _too_deep() -> ParseError:
    # RecursionError is a RuntimeError, which stands for an encrypted part among `DAMAGE`.
    return ParseError(ParseFailure.CORRUPT, "The file is nested too deeply to be read.")


def _without_text(kind: DocumentFormat, info: DocumentInfo, findings: Findings) -> ParseError:
    if kind is DocumentFormat.PDF and info.page_count:
        pictures = findings.pictures
        if pictures and not findings.has_recogniser:
            return ParseError(
                ParseFailure.RECOGNITION_MISSING,
                f"The file is a scan: its pages are pictures without text. Recognise the text in"
                f" another program, or {INSTALL}.",
            )
        return ParseError(
            ParseFailure.EMPTY,
            "The file has no readable text, and none was recognised on its pages."
            if pictures
            else "The file has no readable text.",
        )
    return ParseError(ParseFailure.EMPTY, "The document has no text.")
