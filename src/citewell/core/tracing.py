"""Spans by OpenTelemetry, exported where the standard variables of the environment say.

Nothing is imported unless `OTEL_EXPORTER_OTLP_ENDPOINT` or one of its kind is set: the extra
`citewell[otel]` brings the libraries.
"""

import os
import sys
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

import citewell
from citewell.kit.spans import OpenSpan, SpanKind, Value

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

log = structlog.get_logger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")

SECOND = 1_000_000_000
"""OpenTelemetry counts in nanoseconds."""

CLOSE_SECONDS = 2.0
"""Longest wait for a collector when a process stops, as for reports of errors."""

CLOSING = "closing spans"
"""Name of the thread that waits for it."""


def is_wanted() -> bool:
    """Whether the environment says where spans go."""
    given = os.environ  # noqa: TID251 - variables of OpenTelemetry, which are no settings of ours
    is_off = given.get("OTEL_SDK_DISABLED", "").lower() == "true"
    is_elsewhere = given.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp"
    return not (is_off or is_elsewhere) and any(given.get(name) for name in ENDPOINTS)


def open_exporter() -> "OtelRecorder | None":
    """A recorder that exports by OTLP over HTTP; None without the extra, which is logged."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - an extra
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - an extra
    except ImportError:
        log.warning("spans_not_exported", reason="install citewell[otel]")
        return None
    provider = new_provider()
    # Endpoint, headers, time-out, sampling and names are read from OTEL_* by the library itself.
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return OtelRecorder(provider)


def new_provider() -> "TracerProvider":
    """A provider of this program's own; that of the process stays what it is."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - an extra

    given = os.environ.get("OTEL_SERVICE_NAME")  # noqa: TID251 - see `is_wanted`
    named = {"service.version": citewell.__version__, "service.name": given or "citewell"}
    # At its exit the library would wait again for a collector that hangs.
    return TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)


class OtelRecorder:
    """Spans of a provider."""

    tells_statements = True

    def __init__(self, provider: "TracerProvider") -> None:
        from opentelemetry import trace  # noqa: PLC0415 - an extra
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 - an extra
            TraceContextTextMapPropagator,
        )

        self._provider = provider
        self._tracer = provider.get_tracer("citewell", citewell.__version__)
        self._trace = trace
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(
        self,
        name: str,
        values: Mapping[str, Value],
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        parent: str | None = None,
        is_current: bool = True,
    ) -> Generator[OpenSpan, None, None]:
        """A span around a block; of an error its class is told, as messages hold contents."""
        around = self._propagator.extract({"traceparent": parent}) if parent else None
        made = self._tracer.start_span(
            name, around, self._trace.SpanKind[kind.name], attributes=values
        )
        opened, is_done = _Opened(made), False
        try:
            if is_current:
                with self._trace.use_span(
                    made, record_exception=False, set_status_on_exception=False
                ):
                    yield opened
            else:
                yield opened
            is_done = True
        finally:
            if not is_done:
                opened.fail(type(sys.exc_info()[1]).__name__)
            made.end()

    def add(self, name: str, seconds: float, values: Mapping[str, Value]) -> None:
        """A span that took so long and ends now."""
        now = time.time_ns()
        begun = now - int(seconds * SECOND)
        self._tracer.start_span(name, attributes=values, start_time=begun).end(now)

    def carrier(self) -> str | None:
        """The `traceparent` of the span around this call."""
        carried: dict[str, str] = {}
        self._propagator.inject(carried)
        return carried.get("traceparent")

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Export what is left, for so long at most; what a collector has not taken then is lost."""
        # A thread of its own that nobody waits for: one of a pool is joined when the loop ends, and
        # the library tries again for as long as its time-outs allow.
        closing = threading.Thread(target=self._provider.shutdown, name=CLOSING, daemon=True)
        closing.start()
        closing.join(seconds)


class _Opened:
    def __init__(self, span: "Span") -> None:
        self._span = span

    def note(self, name: str, value: Value) -> None:
        self._span.set_attribute(name, value)

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def fail(self, kind: str) -> None:
        from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 - an extra

        self._span.set_attribute("error.type", kind)
        self._span.set_status(Status(StatusCode.ERROR))
