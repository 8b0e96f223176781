"""Log format: text for people or JSON for machines, always on stderr."""

import logging
import sys

import structlog
from structlog.typing import Processor

from citewell.core.error_notes import ErrorNotes
from citewell.core.error_reports import ErrorReports
from citewell.core.settings import Settings

QUIET_LIBRARIES = ("procrastinate", "psycopg.pool", "httpx", "alembic", "mcp", "uvicorn.error")
"""Libraries that log every step; only their warnings are shown."""


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
    if settings.log_format == "json":
        renderer = structlog.processors.JSONRenderer()
        plain = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        shared.append(structlog.processors.ExceptionRenderer(plain))
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
