"""Errors of the program itself, reported to the Sentry that the operator names.

What is sent: the class of the error, its message without what may tell of people or documents (as
in the error log), files, functions and lines of the calls, the request's id and the version. The
SDK collects nothing: no local variables, no lines of source, no requests, headers, breadcrumbs,
names of machines or users, of which there would otherwise be all.
"""

import threading
import time
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

import citewell
from citewell.core.error_notes import MAX_FRAMES, ErrorNote, first_of, note_of, shown_file
from citewell.core.errors import StartupError

AGAIN_SECONDS = 60.0
"""Pause before the same error is reported again: a loop that fails would report it without end."""

MOST_KINDS = 1_000
"""Kinds of errors whose last report is remembered."""

FLUSH_SECONDS = 2.0


class ErrorReports:
    """A processor of the log that reports the errors which pass through it."""

    def __init__(self, dsn: str) -> None:
        """Connect to nothing yet.

        Args:
            dsn: Address of a project, with its key.

        Raises:
            StartupError: The extra is not installed, or the address is none.
        """
        try:
            from sentry_sdk import Client  # noqa: PLC0415 - an extra
            from sentry_sdk.utils import BadDsn  # noqa: PLC0415 - an extra
        except ImportError:
            raise StartupError("CITEWELL_SENTRY_DSN needs citewell[sentry] installed.") from None
        try:
            self._client: Client = Client(
                dsn=dsn, release=f"citewell@{citewell.__version__}", server_name="",
                default_integrations=False, auto_enabling_integrations=False,
                include_local_variables=False, include_source_context=False,
                max_request_body_size="never", max_breadcrumbs=0,
                auto_session_tracking=False, send_client_reports=False,
            )  # fmt: skip
        except BadDsn:
            raise StartupError("CITEWELL_SENTRY_DSN is no address of a project.") from None
        self._lock = threading.Lock()
        self._reported: dict[str, float] = {}

    def __call__(
        self, _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Report an error; the entry goes on as it is."""
        error = event.get("exc_info")
        if isinstance(error, Exception):
            note = note_of(error, event)
            if self._is_due(note.fingerprint):
                self._client.capture_event(_report(error, note))
        return event

    def flush(self) -> None:
        """Wait for reports that are under way, for a moment."""
        self._client.flush(timeout=FLUSH_SECONDS)

    def _is_due(self, fingerprint: str) -> bool:
        now = time.monotonic()
        with self._lock:
            last = self._reported.get(fingerprint, float("-inf"))
            if now - last < AGAIN_SECONDS:
                return False
            if len(self._reported) >= MOST_KINDS:
                self._reported.clear()
            self._reported[fingerprint] = now
        return True


def reports_of_log() -> ErrorReports | None:
    """The reports that the log of this process goes through; None where none are made."""
    processors = structlog.get_config()["processors"]
    return next((each for each in processors if isinstance(each, ErrorReports)), None)


def _report(error: Exception, note: ErrorNote) -> Any:
    frames = [
        {"filename": shown_file(each.filename), "function": each.name, "lineno": each.lineno}
        for each in traceback.extract_tb(first_of(error).__traceback__)[-MAX_FRAMES:]
    ]
    tags = {"source": note.source}
    if note.request_id is not None:
        tags["request_id"] = note.request_id
    thrown = {"type": note.kind, "value": note.example, "stacktrace": {"frames": frames}}
    return {
        "level": "error", "platform": "python", "fingerprint": [note.fingerprint], "tags": tags,
        "exception": {"values": [thrown]},
    }  # fmt: skip
