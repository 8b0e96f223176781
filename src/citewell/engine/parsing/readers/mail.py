"""E-mails (RFC 5322) and saved web pages in mail form."""

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage, MIMEPart

from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo
from citewell.engine.parsing.readers.base import ReaderInput, Reading
from citewell.engine.parsing.readers.html import HtmlBlockParser, markup_blocks
from citewell.engine.parsing.readers.text import paragraph_blocks

_SHOWN = ("From", "To", "Cc", "Date")


def read(source: ReaderInput) -> Reading:
    """Read a message: subject, sender, recipients and date, then its text."""
    with source.path.open("rb") as file:
        message = email.message_from_binary_file(file, policy=email.policy.default)
    subject = _header(message, "Subject")
    names = [name for part in message.walk() if (name := part.get_filename())]
    metadata = {
        "author": _header(message, "From"),
        "created": _header(message, "Date"),
        "attachments": ", ".join(names),
    }
    return Reading(DocumentInfo(source.mime_type, subject, metadata=metadata), _blocks(message))


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name, ""))
    except (ValueError, IndexError, AttributeError):
        # The standard library's header parser fails in these ways on malformed addresses.
        return ""


def _blocks(message: EmailMessage) -> Iterator[Block]:
    subject = _header(message, "Subject")
    if subject:
        yield Block(BlockKind.HEADING, subject, level=1)
    shown = [f"{name}: {value}" for name in _SHOWN if (value := _header(message, name))]
    if shown:
        yield Block(BlockKind.PARAGRAPH, "\n".join(shown))
    # The plain part says the same as the HTML one, without layout tables and tracking links.
    body = message.get_body(("plain", "html"))
    if body is None:
        return
    text = _content(body)
    if body.get_content_subtype() == "html":
        yield from markup_blocks([text], HtmlBlockParser())
        return
    paragraph: list[str] = []
    for line in text.splitlines():
        if line.strip(" >\t"):
            paragraph.append(line.rstrip())
            continue
        yield from paragraph_blocks(paragraph)
        paragraph = []
    yield from paragraph_blocks(paragraph)


def _content(part: MIMEPart) -> str:
    try:
        content = part.get_content()
    except (LookupError, ValueError):
        # An unknown or wrong character set.
        payload = part.get_payload(decode=True)
        content = payload.decode("cp1252", "replace") if isinstance(payload, bytes) else ""
    return content if isinstance(content, str) else ""
