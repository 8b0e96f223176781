"""E-mails (RFC 5322) and saved web pages in mail form."""

import re
from collections.abc import Iterator
from email.message import Message

from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo
from citewell.engine.parsing.encoding import decode_text
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.mail_parts import is_text, open_message, parts_of, wrapped_in
from citewell.engine.parsing.readers.base import ReaderInput, Reading
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


def read(source: ReaderInput) -> Reading:
    """Read a message: subject, sender and recipients, then its texts.

    Messages and texts that are attached or forwarded follow under their own heading.
    """
    message = open_message(source.path)
    subject = _header(message, "Subject")
    metadata = {
        "author": _header(message, "From"),
        "created": _header(message, "Date"),
    }
    return Reading(
        DocumentInfo(source.mime_type, subject, metadata=metadata),
        _blocks(message, source.findings),
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


def _blocks(message: Message, findings: Findings, depth: int = 1) -> Iterator[Block]:
    subject = _header(message, "Subject")
    if subject:
        yield Block(BlockKind.HEADING, subject, level=min(depth, 6))
    shown = [f"{name}: {value}" for name in _SHOWN if (value := _header(message, name))]
    if shown:
        yield Block(BlockKind.PARAGRAPH, "\n".join(shown))
    yield from _part_blocks(message, findings, depth)


def _part_blocks(part: Message, findings: Findings, depth: int) -> Iterator[Block]:
    kind = part.get_content_type()
    if kind == "message/rfc822" or (kind.startswith("message/") and part.is_multipart()):
        if depth < _DEEPEST:
            for inner in parts_of(part):
                yield from _blocks(inner, findings, depth + 1)
    elif kind == "multipart/alternative":
        yield from _alternative_blocks(part, findings, depth)
    elif part.is_multipart():
        # Of related parts the first is the text (RFC 2387, 3.2), the others are what it shows.
        for inner in parts_of(part)[: 1 if kind == "multipart/related" else None]:
            yield from _part_blocks(inner, findings, depth)
    elif is_text(part):
        name = part.get_filename()
        if name:
            yield Block(BlockKind.HEADING, name, level=min(depth + 1, 6))
        yield from _content_blocks(part, findings)
    elif (wrapped := wrapped_in(part)) is not None:
        if wrapped.html:
            yield from markup_blocks([wrapped.html], HtmlBlockParser(findings=findings))
        else:
            yield from text_blocks(wrapped.text)


def _alternative_blocks(part: Message, findings: Findings, depth: int) -> Iterator[Block]:
    """One of several forms of a text."""
    parts = parts_of(part)
    plain = next((each for each in parts if each.get_content_type() == "text/plain"), None)
    others = [each for each in parts if each is not plain]
    # The plain form says the same as the HTML one, without layout tables and tracking links.
    if plain is not None and (not others or not is_stub(_content(plain))):
        yield from _content_blocks(plain, findings)
    elif others:
        # RFC 2046, 5.1.4: the last form is the best.
        yield from _part_blocks(others[-1], findings, depth)


def is_stub(text: str) -> bool:
    """Whether a plain text says only that the mail is in HTML."""
    text = text.strip()
    return not text or (len(text) <= _STUB_CHARS and bool(_STUB.search(text)))


def _content_blocks(part: Message, findings: Findings) -> Iterator[Block]:
    text = _content(part)
    if part.get_content_subtype() == "html":
        yield from markup_blocks([text], HtmlBlockParser(findings=findings))
        return
    yield from text_blocks(text)


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
