"""Errors of the program itself, gathered from the log of a process until they are written.

What is logged with a traceback is a bug, wherever it happened: in a request, a job or in the
background. Outages are logged without one and are none.
"""

import hashlib
import re
import threading
import traceback
import uuid
from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import structlog

MOST_KINDS = 100
"""Kinds of errors that wait to be written; of more than that a process has the first ones."""

MAX_EXAMPLE = 300
MAX_FRAMES = 30

MAX_READ = 2_000
"""Characters of a message that are read: addresses take a time that grows with its square."""

# Parts of a message that may tell of people, documents or secrets: what is quoted, addresses, long
# numbers and words that look like keys. Plain words stay, so a name without quotes stays too. A
# quote begins behind no word and ends before none, so that an apostrophe (`can't`) begins none; the
# letters are those of Python's literals (`b'...'`). One that does not end goes to the end of the
# message. What follows a possessive inside a quote stays (`'the Jones' list'`).
_TELLING = re.compile(
    r"(?<!\w)(?:[bBuUfFrR]|[bB][rR])?(?P<quote>['\"`])(?:\\.|.)*?(?:(?P=quote)(?!\w)|\Z)"
    r"|\S+@\S+|\w+://\S+|\b\d{3,}\b|\b[\w+/=-]{20,}",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class ErrorNote:
    """A kind of error and how often it was seen since the last time it was written."""

    tenant_id: uuid.UUID | None
    fingerprint: str
    source: str
    """`http`, `job` or `background`."""
    kind: str
    place: str
    example: str
    frames: tuple[str, ...]
    request_id: str | None
    count: int = 1


class ErrorNotes:
    """A processor of the log that keeps the errors that pass through it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._notes: dict[tuple[uuid.UUID | None, str], ErrorNote] = {}

    def __call__(
        self, _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Note an error; the entry goes on as it is."""
        error = event.get("exc_info")
        if isinstance(error, Exception):
            self.add(note_of(error, event))
        return event

    def add(self, note: ErrorNote) -> None:
        """Count an error with those of its kind."""
        key = note.tenant_id, note.fingerprint
        with self._lock:
            before = self._notes.get(key)
            if before is not None:
                self._notes[key] = replace(note, count=before.count + note.count)
            elif len(self._notes) < MOST_KINDS:
                self._notes[key] = note

    def take(self) -> list[ErrorNote]:
        """Hand over what was noted; the caller writes it."""
        with self._lock:
            notes, self._notes = list(self._notes.values()), {}
        return notes


def notes_of_log() -> ErrorNotes | None:
    """The notes that the log of this process goes through; None where it is not set up."""
    processors = structlog.get_config()["processors"]
    return next((each for each in processors if isinstance(each, ErrorNotes)), None)


def redacted(message: str) -> str:
    """The first line of a message without what may tell of people, documents or secrets."""
    # Before it is cut to a line: a quote may go over several, and half of one is not seen as one.
    left = _TELLING.sub("…", message[:MAX_READ])
    return next(iter(left.splitlines()), "")[:MAX_EXAMPLE]


def first_of(error: Exception) -> Exception:
    """The error itself; of a group, the first in it, which stands for all."""
    while isinstance(error, ExceptionGroup):
        error = cast(Exception, error.exceptions[0])
    return error


def note_of(error: Exception, event: MutableMapping[str, Any]) -> ErrorNote:
    """The note of an error that was logged with an entry."""
    error = first_of(error)
    frames = _frames(error.__traceback__)
    kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    tenant_id = event.get("tenant_id")
    # Without lines, which every release moves: the same bug stays the same. Of no tenant it is kept
    # apart from that of the tenant in which it is noted.
    named = [kind, *(frame.partition(":")[0] for frame in frames)]
    named += [] if isinstance(tenant_id, str) else ["of the installation"]
    request_id = event.get("request_id")
    return ErrorNote(
        tenant_id=uuid.UUID(tenant_id) if isinstance(tenant_id, str) else None,
        fingerprint=hashlib.sha256("\n".join(named).encode()).hexdigest()[:16],
        source={"request_failed": "http", "job_crashed": "job"}.get(
            str(event.get("event")), "background"
        ),
        kind=kind,
        place=frames[-1] if frames else "",
        example=redacted(str(error)),
        frames=frames,
        request_id=request_id if isinstance(request_id, str) else None,
    )


def _frames(found: TracebackType | None) -> tuple[str, ...]:
    """The calls that led to an error, innermost last: file, function and line, no values."""
    frames = traceback.extract_tb(found)[-MAX_FRAMES:]
    return tuple(f"{shown_file(each.filename)} {each.name}:{each.lineno}" for each in frames)


def shown_file(filename: str) -> str:
    """A file without the folders of this machine."""
    parts = Path(filename).parts
    for root in ("site-packages", "src"):
        if root in parts:
            return "/".join(parts[len(parts) - parts[::-1].index(root) :])
    return parts[-1] if parts else filename
