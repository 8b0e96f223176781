"""Mails of Outlook (`.msg`): subject, sender, recipients, text, and mails within them.

Source: [MS-OXMSG] sections 2.1 (properties) and 2.2 (storages), [MS-OXPROPS] for the properties.
"""

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo
from citewell.engine.parsing.containers import open_compound
from citewell.engine.parsing.encoding import decode_text
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.readers.base import ReaderInput, Reading
from citewell.engine.parsing.readers.html import HtmlBlockParser, markup_blocks
from citewell.engine.parsing.readers.mail import is_stub, text_blocks
from citewell.engine.parsing.readers.rtf import rtf_blocks
from citewell.engine.parsing.rtf_packed import unpack

_SUBJECT, _BODY, _BODY_RTF, _BODY_HTML = "0037", "1000", "1009", "1013"
_FROM, _FROM_SMTP, _FROM_ADDRESS, _TO, _CC = "0C1A", "5D01", "0C1F", "0E04", "0E03"
_SENT, _RECEIVED = 0x0039, 0x0E06
_NAME, _SMTP, _ADDRESS, _ROLE = "3001", "39FE", "3003", (3, 0x0C15)
"""Of a recipient; its role is 1 of the mail itself and 2 of a copy."""
_TIME = 0x0040
"""Type of a time: tenths of microseconds since 1601."""

_MOST_ATTACHMENTS = _MOST_RECIPIENTS = 200
_DEEPEST = 8
"""Mails within each other that are read, as of other mails."""


def read(source: ReaderInput) -> Reading:
    """Read a mail.

    Raises:
        ValueError: It is damaged.
    """
    mail = _Mail(_Streams(source.path.read_bytes()), source.findings)
    metadata = {"author": mail.sender, "created": mail.sent}
    blocks = list(mail.blocks())
    info = DocumentInfo(source.mime_type, mail.text(_SUBJECT) or None, metadata=metadata)
    return Reading(info, iter(blocks))


class _Streams:
    """The streams of a file by their names; a container gives each once."""

    def __init__(self, data: bytes) -> None:
        self._container = open_compound(data)
        self._known: dict[str, bytes | None] = {}

    def read(self, name: str) -> bytes | None:
        """A stream; None if there is none."""
        if name not in self._known:
            self._known[name] = self._container.stream(name)
        return self._known[name]


class _Mail:
    """One mail: that of the file, or one within it."""

    def __init__(
        self, streams: _Streams, findings: Findings, folder: str = "", depth: int = 1
    ) -> None:
        self._streams = streams
        self._findings = findings
        self._folder = folder
        self._depth = depth

    @property
    def sender(self) -> str:
        """Name and address, as far as they are known and differ."""
        return _person(self.text(_FROM), self.text(_FROM_SMTP) or self.text(_FROM_ADDRESS))

    @property
    def sent(self) -> str:
        """The time it was sent, else received, in ISO 8601; empty where it says none."""
        times = self._times()
        return times.get(_SENT) or times.get(_RECEIVED, "")

    def blocks(self) -> Iterator[Block]:
        """Yield subject, sender and recipients, then the text, then the mails within."""
        if subject := self.text(_SUBJECT):
            yield Block(BlockKind.HEADING, subject, level=min(self._depth, 6))
        # The date is metadata, as of other mails.
        to, cc = self._recipients()
        people = (
            ("From", self.sender), ("To", to or self.text(_TO)), ("Cc", cc or self.text(_CC))
        )  # fmt: skip
        shown = [f"{name}: {value}" for name, value in people if value]
        if shown:
            yield Block(BlockKind.PARAGRAPH, "\n".join(shown))
        yield from self._body()
        if self._depth < _DEEPEST:
            for number in range(_MOST_ATTACHMENTS):
                place = f"{self._folder}__attach_version1.0_#{number:08X}/"
                if not self._has(place):
                    return
                folder = f"{place}__substg1.0_3701000D/"
                inner = _Mail(self._streams, self._findings, folder, self._depth + 1)
                yield from inner.blocks()

    def _body(self) -> Iterator[Block]:
        """The text in the plainest of its forms that is not a stub for the next."""
        plain, html = self.text(_BODY), self._html()
        if plain.strip() and not (html and is_stub(plain)):
            yield from text_blocks(plain)
        elif html:
            yield from markup_blocks([html], HtmlBlockParser(findings=self._findings))
        elif packed := self._stream(f"{_BODY_RTF}0102"):
            yield from rtf_blocks(unpack(packed))
        elif plain:
            yield from text_blocks(plain)

    def _html(self) -> str:
        if raw := self._stream(f"{_BODY_HTML}0102"):
            return decode_text(raw, is_markup=True)
        return self.text(_BODY_HTML)

    def text(self, tag: str) -> str:
        """A property that is a text; empty without one."""
        if raw := self._stream(f"{tag}001F"):
            return raw.decode("utf-16-le", "replace").rstrip("\0")
        raw = self._stream(f"{tag}001E")
        return decode_text(raw.rstrip(b"\0")) if raw else ""

    def _recipients(self) -> tuple[str, str]:
        """Those of the mail and of its copies, with their addresses."""
        found: dict[int, list[str]] = {}
        for number in range(_MOST_RECIPIENTS):
            place = f"{self._folder}__recip_version1.0_#{number:08X}/"
            if not self._has(place):
                break
            one = _Mail(self._streams, self._findings, place)
            person = _person(one.text(_NAME), one.text(_SMTP) or one.text(_ADDRESS))
            kinds = [v & 0xFFFFFFFF for kind, tag, v in one._properties(8) if (kind, tag) == _ROLE]
            if person and kinds:
                found.setdefault(kinds[0], []).append(person)
        return ", ".join(found.get(1, [])), ", ".join(found.get(2, []))

    def _times(self) -> dict[int, str]:
        found: dict[int, str] = {}
        # The header of the outermost mail is longer than that of one within it.
        for kind, tag, value in self._properties(24 if self._folder else 32):
            # 2^61: a later time is behind the calendar's end.
            if kind == _TIME and tag in (_SENT, _RECEIVED) and 0 < value < 1 << 61:
                day = datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=value // 10)
                found[tag] = day.isoformat(timespec="seconds")
        return found

    def _properties(self, start: int) -> Iterator[tuple[int, int, int]]:
        """Type, tag and value of the properties of a fixed size, behind a header."""
        data = self._read("__properties_version1.0")
        for at in range(start, len(data) - 15, 16):
            kind, tag, _, value = struct.unpack_from("<HHIQ", data, at)
            yield kind, tag, value

    def _stream(self, tag: str) -> bytes:
        return self._read(f"__substg1.0_{tag}")

    def _read(self, name: str) -> bytes:
        return self._streams.read(self._folder + name) or b""

    def _has(self, folder: str) -> bool:
        return self._streams.read(f"{folder}__properties_version1.0") is not None


def _person(name: str, address: str) -> str:
    # Within an organisation the address is a path of its directory (/O=...).
    if "@" not in address or address == name:
        return name or address
    return f"{name} <{address}>" if name else address
