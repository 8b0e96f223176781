"""Log format: text for people or JSON for machines, always on stderr."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.typing import Processor

from citewell.core.error_notes import ErrorNotes
from citewell.core.error_reports import ErrorReports
from citewell.core.settings import Settings
from citewell.engine.text.hiding import masked_in

QUIET_LIBRARIES = ("procrastinate", "psycopg.pool", "httpx", "alembic", "mcp", "uvicorn.error")
"""Libraries that log every step; only their warnings are shown."""


AS_THEY_ARE = frozenset({"timestamp", "level", "logger", "trace_id", "span_id"})
"""Values of ours alone, in which digits may look like data of people."""


def without_personal_data(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Mask personal data in a line: what is logged holds none, but what libraries say may."""
    for name, value in event.items():
        # Those that begin so are of the library's own bookkeeping.
        if name not in AS_THEY_ARE and not name.endswith("_id") and not name.startswith("_"):
            told = repr(value) if isinstance(value, BaseException) else value
            event[name] = masked_in(told)
    return event


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
