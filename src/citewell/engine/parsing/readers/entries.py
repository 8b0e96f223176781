"""Calendars (RFC 5545) and address books (RFC 6350, vCard 2.1): entries of `name: value` lines."""

import quopri
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo
from citewell.engine.parsing.encoding import decode_text, read_lines
from citewell.engine.parsing.readers.base import ReaderInput, Reading
from citewell.engine.parsing.readers.text import choose_file_encoding

_ENTRIES = frozenset({"VEVENT", "VTODO", "VJOURNAL", "VCARD"})
"""Components that people see; alarms, zones and free times are settings of programs."""

# Properties that programs show, in the words that they show them in, in this order.
_SHOWN = {
    "SUMMARY": "Subject", "FN": "Name", "NICKNAME": "Nickname", "TITLE": "Title", "ROLE": "Role",
    "ORG": "Organisation", "DTSTART": "Start", "DTEND": "End", "DUE": "Due", "DURATION": "Duration",
    "RRULE": "Repeats", "EXDATE": "Except", "LOCATION": "Place", "ORGANIZER": "Organiser",
    "ATTENDEE": "Participant", "CONTACT": "Contact", "STATUS": "Status", "PRIORITY": "Priority",
    "PERCENT-COMPLETE": "Per cent done", "COMPLETED": "Completed", "CATEGORIES": "Categories",
    "TEL": "Telephone", "EMAIL": "E-mail", "ADR": "Address", "LABEL": "Address",
    "IMPP": "Messenger", "URL": "Address on the web", "BDAY": "Birthday",
    "ANNIVERSARY": "Anniversary", "DESCRIPTION": "Description", "COMMENT": "Comment",
    "NOTE": "Note",
}  # fmt: skip
_DATES = frozenset(
    ("DTSTART", "DTEND", "DUE", "COMPLETED", "EXDATE", "BDAY", "ANNIVERSARY", "UNTIL")
)
_PEOPLE = frozenset(("ORGANIZER", "ATTENDEE"))
_PLACES = {"HOME": "home", "WORK": "work", "CELL": "mobile", "FAX": "fax"}
"""Kinds of addresses and telephone numbers that say something to people."""

# A name, maybe of a group before it, parameters whose values may be quoted, and the value.
_LINE = re.compile(r"(?:[\w-]+\.)?([\w-]+)((?:;[^\";:]*(?:\"[^\"]*\"[^\";:]*)*)*):(.*)", re.DOTALL)
_PARAMETER = re.compile(r";([^=;\":]+)(?:=((?:\"[^\"]*\"|[^;\"])*))?")
_SEVERAL = re.compile(r"(?:\"[^\"]*\"|[^,\"])+")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_FIELD = re.compile(r"(?<!\\);")
_DATE = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:T(\d\d):?(\d\d):?(\d\d)?(Z)?)?")
_SCHEME = re.compile(r"(?:mailto|tel|xmpp|sip):", re.IGNORECASE)
_LONGEST_LINE = 1_000_000
"""Characters; pictures are longer, and are none of the text."""


class _Property(NamedTuple):
    name: str
    parameters: dict[str, list[str]]
    value: str


def read(source: ReaderInput) -> Reading:
    """Begin to read a calendar or an address book."""
    encoding = choose_file_encoding(source)
    lines = read_lines(source.path, encoding, longest=_LONGEST_LINE)
    return Reading(DocumentInfo(source.mime_type), entry_blocks(lines))


def entry_blocks(lines: Iterable[str]) -> Iterator[Block]:
    """Yield a heading and the properties of each entry."""
    open_: list[str] = []
    entry: list[_Property] = []
    for line in _unfolded(lines):
        found = _property(line)
        if found is None:
            continue
        if found.name == "BEGIN":
            open_.append(found.value.strip().upper())
        elif found.name == "END":
            ended = open_.pop() if open_ else ""
            if ended in _ENTRIES:
                yield from _shown(entry)
                entry = []
        elif open_ and open_[-1] in _ENTRIES and found.name in _SHOWN:
            entry.append(found)
    yield from _shown(entry)


def _unfolded(lines: Iterable[str]) -> Iterator[str]:
    """Yield whole lines: one that begins with a blank goes on the one before it (RFC 5545, 3.1).

    vCard 2.1 ends quoted-printable lines that go on with `=`.
    """
    held = [""]  # joined once: a line may go on over all of a file
    is_quoted = False
    for line in lines:
        if is_quoted and held[-1].endswith("="):
            held[-1] = held[-1][:-1]
            held.append(line)
        elif line[:1] in (" ", "\t"):
            held.append(line[1:])
        else:
            yield "".join(held)
            held = [line]
            is_quoted = "QUOTED-PRINTABLE" in line[:200].upper()
    yield "".join(held)


def _property(line: str) -> _Property | None:
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    parameters: dict[str, list[str]] = {}
    for name, value in _PARAMETER.findall(match[2]):
        # vCard 2.1 writes kinds without a name: `TEL;WORK;VOICE:`.
        key, said = (name.upper(), value) if value else ("TYPE", name)
        # Kinds come in a list, quoted or not; a comma within a name ends nothing.
        parts = said.strip('"').split(",") if key == "TYPE" else _SEVERAL.findall(said)
        parameters.setdefault(key, []).extend(part.strip('" ') for part in parts)
    value = match[3]
    encoding = (parameters.get("ENCODING") or parameters.get("TYPE") or [""])[0].upper()
    is_quoted = "QUOTED-PRINTABLE" in (encoding, *map(str.upper, parameters.get("TYPE", [])))
    if encoding in ("B", "BASE64") or value.startswith("data:"):
        return None
    if is_quoted:
        raw = quopri.decodestring(value.encode("utf-8", "replace"))
        value = decode_text(raw, declared=(parameters.get("CHARSET") or [None])[0])
    return _Property(match[1].upper(), parameters, value)


def _shown(entry: list[_Property]) -> Iterator[Block]:
    if not entry:
        return
    title = next((each for each in entry if each.name in ("SUMMARY", "FN")), None)
    if title is not None:
        yield Block(BlockKind.HEADING, _plain(title.value), level=1)
    order = list(_SHOWN)
    lines = [_line(each) for each in sorted(entry, key=lambda each: order.index(each.name))]
    yield Block(BlockKind.PARAGRAPH, "\n".join(dict.fromkeys(filter(None, lines))))


def _line(found: _Property) -> str:
    value = _value(found).strip(" ,")
    if not value:
        return ""
    kinds = [part.upper() for part in found.parameters.get("TYPE", [])]
    kind = ", ".join(_PLACES[each] for each in kinds if each in _PLACES)
    label = _SHOWN[found.name]
    return f"{label} ({kind}): {value}" if kind else f"{label}: {value}"


def _value(found: _Property) -> str:
    name, value = found.name, found.value
    if name in _DATES:
        zone = (found.parameters.get("TZID") or [""])[0]
        dates = ", ".join(map(_date, value.split(",")))
        return f"{dates} ({zone})" if zone else dates
    if name == "RRULE":
        return _rule(value)
    if name in _PEOPLE:
        address = _SCHEME.sub("", value)
        named = (found.parameters.get("CN") or [""])[0]
        return f"{named} ({address})" if named and named != address else address
    if name in ("ADR", "ORG"):
        return ", ".join(part for each in _FIELD.split(value) if (part := _plain(each).strip()))
    return _SCHEME.sub("", _plain(value))


def _plain(value: str) -> str:
    """The value without its escapes (RFC 5545, 3.3.11)."""
    return _ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)


def _date(value: str) -> str:
    match = _DATE.fullmatch(value.strip())
    if match is None:
        return value
    year, month, day, hour, minute, _, universal = match.groups()
    date = f"{year}-{month}-{day}"
    return f"{date} {hour}:{minute}{' UTC' if universal else ''}" if hour else date


def _rule(value: str) -> str:
    """A rule of repetition in its own words: `weekly; by day MO, WE; until 2026-12-01`."""
    fields = (part.partition("=") for part in value.upper().split(";"))
    parts = {name: each for name, _, each in fields}
    said = [parts.pop("FREQ", "").lower()]
    for name, each in parts.items():
        shown = _date(each) if name in _DATES else each.replace(",", ", ")
        said.append(f"{name.lower().replace('by', 'by ')} {shown}")
    return "; ".join(filter(None, said))
