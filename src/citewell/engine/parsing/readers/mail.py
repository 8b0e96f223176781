"""E-mails (RFC 5322) and saved web pages in mail form."""

import re
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message
from itertools import chain
from pathlib import Path
from tempfile import NamedTemporaryFile

from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo
from citewell.engine.parsing.encoding import decode_text
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.formats import DocumentFormat, format_of_name
from citewell.engine.parsing.mail_parts import (
    is_text,
    open_message,
    open_messages,
    parts_of,
    wrapped_in,
)
from citewell.engine.parsing.readers import delimited, entries, markdown, text
from citewell.engine.parsing.readers.base import ReaderInput, Reading
from citewell.engine.parsing.readers.entries import entry_blocks
from citewell.engine.parsing.readers.html import HtmlBlockParser, markup_blocks
from citewell.engine.parsing.readers.text import paragraph_blocks

# The date is metadata: as text it would answer questions about the dates that the mail speaks of.
_SHOWN = ("From", "To", "Cc")

_DEEPEST = 8
"""Messages within each other that are read; real threads nest two or three."""

# Sentences that stand in the plain part in the place of the text, which is in the HTML part then.
_STUB = re.compile(
    r"(?:your|this|the) (?:e-?mail|mail) (?:client|program|reader|software)\b.{0,80}?\b"
    r"(?:not|cannot|can't|unable)\b|\b(?:view|read|display) this (?:e-?mail|message) in\b.{0,40}"
    r"(?:browser|html)|this (?:is|message is) (?:an? )?(?:html|multi-?part) (?:e-?mail|message)"
    r"|\bkeine? html|(?:cannot|can not|does not|doesn't) (?:show|display|support|render|read) html",
    re.IGNORECASE | re.DOTALL,
)
_STUB_CHARS = 400
"""A plain part longer than this says more than that it is not the text."""


_FILE_READERS = {
    DocumentFormat.CALENDAR: entries.read,
    DocumentFormat.CSV: delimited.read,
    DocumentFormat.MARKDOWN: markdown.read,
    DocumentFormat.TEXT: text.read,
}
"""Readers of attached texts; others are read as paragraphs."""

_SUBTYPES = {
    "calendar": DocumentFormat.CALENDAR,
    "csv": DocumentFormat.CSV,
    "tab-separated-values": DocumentFormat.CSV,
    "markdown": DocumentFormat.MARKDOWN,
}


def read(source: ReaderInput) -> Reading:
    """Read a message: subject, sender and recipients, then its texts.

    Messages and texts that are attached or forwarded follow under their own heading, those of a
    mailbox each other.
    """
    if source.format is DocumentFormat.MBOX:
        messages = open_messages(source.path, source.format)
        blocks = chain.from_iterable(_blocks(each, source) for each in messages)
        return Reading(DocumentInfo(source.mime_type), blocks)
    message = open_message(source.path)
    subject = _header(message, "Subject")
    metadata = {
        "author": _header(message, "From"),
        "created": _header(message, "Date"),
    }
    return Reading(
        DocumentInfo(source.mime_type, subject, metadata=metadata),
        _blocks(message, source),
    )


def _header(message: Message, name: str) -> str:
    try:
        value = str(message.get(name, ""))
        # Bytes that the header does not declare; old programs wrote them so.
        if "\ufffd" in value:
            raw = next(text for key, text in message.raw_items() if key.lower() == name.lower())
            if "=?" not in raw:
                value = decode_text(raw.encode("utf-8", "surrogateescape"))
        return value
    except (ValueError, IndexError, AttributeError):
        # The standard library's header parser fails in these ways on malformed addresses.
        return ""


def _blocks(message: Message, source: ReaderInput, depth: int = 1) -> Iterator[Block]:
    subject = _header(message, "Subject")
    if subject:
        yield Block(BlockKind.HEADING, subject, level=min(depth, 6))
    shown = [f"{name}: {value}" for name in _SHOWN if (value := _header(message, name))]
    if shown:
        yield Block(BlockKind.PARAGRAPH, "\n".join(shown))
    yield from _part_blocks(message, source, depth)


def _part_blocks(part: Message, source: ReaderInput, depth: int) -> Iterator[Block]:
    mime_type = part.get_content_type()
    is_message = mime_type.startswith("message/") and part.is_multipart()
    if mime_type == "message/rfc822" or is_message:
        if depth < _DEEPEST:
            for inner in parts_of(part):
                yield from _blocks(inner, source, depth + 1)
    elif mime_type == "multipart/alternative":
        yield from _alternative_blocks(part, source, depth)
    elif part.is_multipart():
        # Of related parts the first is the text (RFC 2387, 3.2), the others are what it shows.
        for inner in parts_of(part)[: 1 if mime_type == "multipart/related" else None]:
            yield from _part_blocks(inner, source, depth)
    elif is_text(part):
        name = part.get_filename()
        if name:
            yield Block(BlockKind.HEADING, name, level=min(depth + 1, 6))
        if name and (kind := _file_format(part, name)) is not None:
            yield from _file_blocks(part, replace(source, filename=name, format=kind), depth + 1)
        else:
            yield from _content_blocks(part, source)
    elif (wrapped := wrapped_in(part)) is not None:
        if wrapped.html:
            yield from markup_blocks([wrapped.html], HtmlBlockParser(findings=source.findings))
        else:
            yield from text_blocks(wrapped.text)


def _file_format(part: Message, name: str) -> DocumentFormat | None:
    """The format of an attached text, if it has a reader of its own here."""
    subtype = part.get_content_subtype()
    named = format_of_name(name)
    # Programs send tables and Markdown as `text/plain`, but pages with their type.
    return named if named in _FILE_READERS and subtype != "html" else _SUBTYPES.get(subtype)


def _file_blocks(part: Message, file: ReaderInput, depth: int) -> Iterator[Block]:
    """Yield what the reader of its format finds in an attached text; headings below its name."""
    with NamedTemporaryFile() as copy:
        # As UTF-8: the encoding may be said in the mail only.
        copy.write(_content(part).encode("utf-8", "replace"))
        copy.flush()
        # Of their own: what share of a text is lost is told of whole files.
        findings = Findings(keeps_hidden=file.findings.keeps_hidden)
        inner = replace(file, path=Path(copy.name), findings=findings)
        for block in _FILE_READERS[file.format](inner).blocks:
            is_heading = block.kind is BlockKind.HEADING
            yield replace(block, level=min(block.level + depth, 6)) if is_heading else block


def _alternative_blocks(part: Message, source: ReaderInput, depth: int) -> Iterator[Block]:
    """One of several forms of a text."""
    parts = parts_of(part)
    plain = next((each for each in parts if each.get_content_type() == "text/plain"), None)
    others = [each for each in parts if each is not plain]
    # The plain form says the same as the HTML one, without layout tables and tracking links.
    if plain is not None and (not others or not is_stub(_content(plain))):
        yield from _content_blocks(plain, source)
    elif others:
        # RFC 2046, 5.1.4: the last form is the best.
        yield from _part_blocks(others[-1], source, depth)


def is_stub(text: str) -> bool:
    """Whether a plain text says only that the mail is in HTML."""
    text = text.strip()
    return not text or (len(text) <= _STUB_CHARS and bool(_STUB.search(text)))


def _content_blocks(part: Message, source: ReaderInput) -> Iterator[Block]:
    written = _content(part)
    if part.get_content_subtype() in ("calendar", "x-vcalendar"):
        yield from entry_blocks(written.splitlines())
        return
    if part.get_content_subtype() == "html":
        yield from markup_blocks([written], HtmlBlockParser(findings=source.findings))
        return
    yield from text_blocks(written)


def text_blocks(text: str) -> Iterator[Block]:
    """Yield the paragraphs of a plain text."""
    paragraph: list[str] = []
    for line in text.splitlines():
        if line.strip(" >\t"):
            paragraph.append(line.rstrip())
            continue
        yield from paragraph_blocks(paragraph)
        paragraph = []
    yield from paragraph_blocks(paragraph)


def _content(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    is_markup = part.get_content_subtype() == "html"
    text = decode_text(payload, declared=part.get_content_charset(), is_markup=is_markup)
    return text.lstrip("\ufeff")
