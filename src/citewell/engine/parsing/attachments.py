"""Files within documents: attachments of e-mails and files embedded in PDFs.

Runs inside the child process. A file that Citewell reads, as its name or its MIME type says, is
handed out to become a document of its own; the others are named.
"""

import mimetypes
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from itertools import chain
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pypdfium2  # pyright: ignore[reportMissingTypeStubs] - it has none

from citewell.engine.parsing.containers import open_compound
from citewell.engine.parsing.formats import (
    SUPPORTED_MIME_TYPES,
    DocumentFormat,
    format_of_name,
)
from citewell.engine.parsing.mail_parts import files_of, open_messages, wrapped_in

MOST_ATTACHMENTS = 100
"""Attachments of a document that become documents; mails of people have a few."""

_MSG_DATA = "__substg1.0_37010102"
_MSG_NAMES = (("__substg1.0_3707001F", "utf-16-le"), ("__substg1.0_3704001F", "utf-16-le"),
              ("__substg1.0_3707001E", "cp1252"), ("__substg1.0_3704001E", "cp1252"))  # fmt: skip
"""Properties of an attachment: its content; its long and its short name ([MS-OXMSG] 2.2.2)."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file within a document."""

    name: str
    data: bytes
    is_taken: bool
    """Whether it becomes a document; if not, it is of a kind that is not read, or one too many."""


def attachments(path: Path, kind: DocumentFormat) -> Iterator[Attachment]:
    """Yield the files within a document, in their order.

    Raises:
        OSError and those of a damaged document: It cannot be read.
    """
    match kind:
        case DocumentFormat.EML | DocumentFormat.MBOX:
            parts = chain.from_iterable(map(files_of, open_messages(path, kind)))
            found = _of_mail(parts)
        case DocumentFormat.MSG:
            found = _of_outlook(path)
        case DocumentFormat.PDF:
            found = _of_pdf(path)
        case _:
            return
    taken = 0
    for name, mime_type, data in found:
        name = _named(name, mime_type)
        is_taken = bool(data) and format_of_name(name) is not None and taken < MOST_ATTACHMENTS
        taken += is_taken
        yield Attachment(name, data, is_taken)


def _named(name: str, mime_type: str) -> str:
    """The last part of the name, with the extension that its MIME type promises if it has none."""
    name = PureWindowsPath(PurePosixPath(name).name).name
    if format_of_name(name) is None and mime_type in SUPPORTED_MIME_TYPES:
        return name + (mimetypes.guess_extension(mime_type) or "")
    return name


def _of_mail(parts: Iterable[Message]) -> Iterator[tuple[str, str, bytes]]:
    for number, part in enumerate(parts, 1):
        if (wrapped := wrapped_in(part)) is not None:
            yield from ((name, "", data) for name, data in wrapped.files)
            if not (wrapped.files or wrapped.text or wrapped.html):
                # Damaged, or all of it in a form that is not read: it is named.
                yield "winmail.dat", "", b""
            continue
        payload = part.get_payload(decode=True)
        name = str(part.get_filename() or f"attachment-{number}")
        yield name, part.get_content_type(), payload if isinstance(payload, bytes) else b""


def _of_outlook(path: Path) -> Iterator[tuple[str, str, bytes]]:
    container = open_compound(path.read_bytes())
    for number in range(MOST_ATTACHMENTS * 2):
        folder = f"__attach_version1.0_#{number:08X}"
        data = container.stream(f"{folder}/{_MSG_DATA}")
        name = next(
            (
                text
                for stream, encoding in _MSG_NAMES
                if (raw := container.stream(f"{folder}/{stream}"))
                and (text := raw.decode(encoding, "replace").rstrip("\0"))
            ),
            "",
        )
        if data is None and not name:
            return
        is_picture = name.lower().endswith((".png", ".jpg", ".jpeg", ".gif", ".emf", ".wmf"))
        if not is_picture:
            yield name or f"attachment-{number + 1}", "", data or b""


def _of_pdf(path: Path) -> Iterator[tuple[str, str, bytes]]:
    try:
        document: Any = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        raise ValueError("The PDF is damaged.") from error
    try:
        for number in range(min(document.count_attachments(), MOST_ATTACHMENTS * 2)):
            found: Any = document.get_attachment(number)
            yield found.get_name() or f"attachment-{number + 1}", "", bytes(found.get_data())
    except pypdfium2.PdfiumError:
        # The place of an embedded file is damaged; the document is read all the same.
        return
    finally:
        document.close()


def names_text(found: list[Attachment]) -> str:
    """The lines that name a document's attachments; empty without any."""
    taken = ", ".join(each.name for each in found if each.is_taken)
    others = ", ".join(each.name for each in found if not each.is_taken)
    lines = (f"Attachments: {taken}" if taken else "",
             f"Attachments that are not read: {others}" if others else "")  # fmt: skip
    return "\n".join(filter(None, lines))
