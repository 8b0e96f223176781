"""Reads a file into clean, bounded blocks; runs inside the child process."""

import importlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from textwrap import dedent
from typing import cast
from xml.etree import ElementTree as ET

from citewell.engine.parsing.archives import READ_ERRORS
from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo, ParseError, ParseFailure
from citewell.engine.parsing.cleaning import clean_code, clean_line, clean_text
from citewell.engine.parsing.detection import detect_format
from citewell.engine.parsing.formats import FORMATS, DocumentFormat
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.readers.base import Reader, ReaderInput, Reading

MAX_BLOCK_CHARS = 32_768
"""Length from which a block is divided at the end of a line or word, so that no frame or chunk is
huge."""

MAX_HEADING_CHARS = 400
"""Length from which a heading is taken for a paragraph in the type of one."""

# Titles and names are short; a longer value is cut.
MAX_METADATA_CHARS = 500

DAMAGE = (*READ_ERRORS, ET.ParseError, zlib.error, struct.error, UnicodeError)
"""Errors of readers for a file that violates its format."""

_READERS: dict[DocumentFormat, str] = {
    DocumentFormat.DOCX: "docx",
    DocumentFormat.PPTX: "pptx",
    DocumentFormat.ODT: "opendocument",
    DocumentFormat.ODP: "opendocument",
    DocumentFormat.EPUB: "epub",
    DocumentFormat.EML: "mail",
    DocumentFormat.XML: "xml",
    DocumentFormat.MARKDOWN: "markdown",
    DocumentFormat.HTML: "html",
    DocumentFormat.PDF: "pdf",
    DocumentFormat.XLSX: "spreadsheets",
    DocumentFormat.XLSB: "spreadsheets",
    DocumentFormat.XLS: "spreadsheets",
    DocumentFormat.ODS: "spreadsheets",
    DocumentFormat.TEXT: "text",
    DocumentFormat.CSV: "delimited",
    DocumentFormat.JSON: "jsons",
    DocumentFormat.JSON_LINES: "jsons",
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
    path: Path, filename: str, limits: ParseLimits
) -> tuple[DocumentInfo, Iterator[Block]]:
    """Begin to read a document.

    Returns:
        Its facts and an iterator of at least one block, which may raise `ParseError` too.

    Raises:
        ParseError: It cannot be read.
    """
    kind = detect_format(path, filename, limits)
    source = ReaderInput(path, filename, kind, limits)
    try:
        reading = _reader(kind)(source)
    except RecursionError as error:
        raise _too_deep() from error
    except DAMAGE as error:
        raise _damaged(kind) from error
    blocks = _bounded(_tidy(_guarded(reading, kind)), limits)
    first = next(blocks, None)
    if first is None:
        raise _without_text(kind, reading.info)
    info = _tidy_info(reading.info)
    if not info.title and kind in _TITLED and (first.kind, first.level) == (BlockKind.HEADING, 1):
        info = replace(info, title=first.text)
    return info, chain([first], blocks)


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
    for block in blocks:
        text = _clean(block)
        # Rules, dots and stray punctuation are blocks of some formats, and nothing to find or
        # quote.
        if not any(character.isalnum() for character in text):
            continue
        if block.kind is BlockKind.HEADING and len(text) > MAX_HEADING_CHARS:
            block = replace(block, kind=BlockKind.PARAGRAPH, level=0)
        elif block.kind is BlockKind.HEADING:
            block = replace(block, level=min(max(block.level, 1), 6))
        for part in _divide(text):
            yield replace(block, text=part)


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


def _without_text(kind: DocumentFormat, info: DocumentInfo) -> ParseError:
    if kind is DocumentFormat.PDF and info.page_count:
        return ParseError(
            ParseFailure.EMPTY,
            "The file has no readable text; it may be a scan. Run a text recognition (OCR) over"
            " it and upload it again.",
        )
    return ParseError(ParseFailure.EMPTY, "The document has no text.")
