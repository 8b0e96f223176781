"""Log format: text for people or JSON for machines, always on stderr."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, cast
from uuid import UUID

import structlog
from structlog.typing import Processor

from citewell.core.error_notes import ErrorNotes
from citewell.core.error_reports import ErrorReports
from citewell.core.settings import Settings
from citewell.engine.text.hiding import masked

QUIET_LIBRARIES = ("procrastinate", "psycopg.pool", "httpx", "alembic", "mcp", "uvicorn.error")
"""Libraries that log every step; only their warnings are shown."""


AS_THEY_ARE = frozenset({"timestamp", "level", "logger", "trace_id", "span_id"})
"""Values of ours alone, in which digits may look like data of people."""

_ID = re.compile(r"[\da-fA-F-]{1,64}")
"""An id of ours; a library's may be an address."""


def without_personal_data(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Mask personal data in a line: what is logged holds none, but what libraries say may."""
    for name, value in event.items():
        is_id = name.endswith("_id") and _ID.fullmatch(str(value)) is not None
        # Those that begin so are of the library's own bookkeeping.
        if name not in AS_THEY_ARE and not is_id and not name.startswith("_"):
            event[name] = _masked(value)
    return event


def _masked(value: object) -> object:
    """A value without personal data: all that is neither a number nor of parts as its text."""
    if value is None or isinstance(value, int | float | UUID):
        return value
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        named = [(str(key), each) for key, each in cast(dict[object, object], value).items()]
        return {masked(key): _masked(each) for key, each in named}
    if isinstance(value, list | tuple):
        return [_masked(each) for each in cast(list[object], value)]
    return masked(repr(value))


def configure(settings: Settings) -> None:
    """Send our and the libraries' messages through one format.

    Raises:
        StartupError: Errors are to be reported, and cannot be.
    """
    dsn = settings.sentry_dsn
    reports: list[Processor] = [] if dsn is None else [ErrorReports(dsn.get_secret_value())]
    level = getattr(logging, settings.log_level.upper())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        # Before a renderer turns the error into text.
        ErrorNotes(),
        *reports,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Tracebacks without local variables, which hold keys, questions and documents.
    renderer: Processor = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    exceptions: Processor = structlog.processors.format_exc_info
    if settings.log_format == "json":
        renderer = structlog.processors.JSONRenderer()
        plain = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        exceptions = structlog.processors.ExceptionRenderer(plain)
    # Once errors are text, and before the line is.
    shared += [exceptions, without_personal_data]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    # Replaced: uvicorn and libraries bring handlers of their own, which would print each line
    # twice.
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
