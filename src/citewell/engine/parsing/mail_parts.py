"""Parts of e-mails: which of them are text, and which are files."""

import codecs
import email
import email.policy
import re
from collections.abc import Iterator
from email.message import EmailMessage, Message
from pathlib import Path

from citewell.engine.parsing.encoding import SAMPLE, choose_encoding
from citewell.engine.parsing.formats import DocumentFormat
from citewell.engine.parsing.tnef import Wrapped, unwrap

_READ = frozenset({"plain", "html", "csv", "markdown", "calendar", "tab-separated-values"})
"""Subtypes of text that are read; saved web pages carry styles and scripts beside them."""

# Signatures and keys say nothing to people.
_MUTE = frozenset({"pkcs7-signature", "x-pkcs7-signature", "pgp-signature", "pgp-keys"})

_ENVELOPE = re.compile(rb"From [^\n]{1,200}\d\d:\d\d")
_MARKED = re.compile(rb"^>(>*From )")

_DEEPEST = 30
"""Parts within each other that are looked through; real mails nest three or four."""


def open_message(path: Path) -> EmailMessage:
    """The mail in a file, which some programs store as UTF-16, or behind a byte order mark."""
    with path.open("rb") as file:
        sample = file.read(SAMPLE)
        file.seek(0)
        encoding = choose_encoding(sample)
        if encoding.startswith("utf-16") or sample.startswith(codecs.BOM_UTF8):
            text = file.read().decode(encoding, "replace").lstrip("\ufeff")
            return email.message_from_bytes(
                text.encode("utf-8", "replace"), policy=email.policy.default
            )
        return email.message_from_binary_file(file, policy=email.policy.default)


def open_messages(path: Path, kind: DocumentFormat) -> Iterator[EmailMessage]:
    """Yield the mails of a file, one by one."""
    if kind is not DocumentFormat.MBOX:
        yield open_message(path)
        return
    lines: list[bytes] = []
    with path.open("rb") as file:
        is_empty = True
        for line in file:
            # The line before a message stands behind an empty one; in texts it is marked.
            if is_empty and _ENVELOPE.match(line):
                if lines:
                    yield _message(lines)
                lines = []
            else:
                lines.append(_MARKED.sub(rb"\1", line))
            is_empty = not line.strip()
    if lines:
        yield _message(lines)


def _message(lines: list[bytes]) -> EmailMessage:
    return email.message_from_bytes(b"".join(lines), policy=email.policy.default)


def wrapped_in(part: Message) -> Wrapped | None:
    """Text and files that Outlook has wrapped into a part; None if it is no such file."""
    name = (part.get_filename() or "").lower()
    if part.get_content_subtype() not in ("ms-tnef", "vnd.ms-tnef") and name != "winmail.dat":
        return None
    payload = part.get_payload(decode=True)
    return unwrap(payload) if isinstance(payload, bytes) else None


def is_text(part: Message) -> bool:
    """Whether a part that holds no others is read as a text of the mail."""
    return part.get_content_maintype() == "text" and part.get_content_subtype() in _READ


def parts_of(part: Message) -> list[Message]:
    """The parts within a part."""
    return list(part.iter_parts()) if isinstance(part, EmailMessage) else []


def files_of(part: Message, depth: int = 1) -> Iterator[Message]:
    """Yield the parts that are files: neither read as text nor shown within it."""
    is_related = part.get_content_type() == "multipart/related"
    for inner in parts_of(part) if part.is_multipart() else ():
        # Pictures within the text, whatever their disposition says.
        if is_related and inner.get_content_maintype() == "image":
            continue
        if inner.is_multipart():
            if depth < _DEEPEST:
                yield from files_of(inner, depth + 1)
        elif _is_file(inner):
            yield inner


def _is_file(part: Message) -> bool:
    if is_text(part) or part.get_content_subtype() in _MUTE:
        return False
    is_attached = part.get_content_disposition() == "attachment"
    # Pictures within the text: letterheads, signatures, portraits.
    if part.get_content_maintype() == "image" and not is_attached:
        return False
    return is_attached or bool(part.get_filename())
