"""Spans of requests, joined to those of the proxy or client that sends `traceparent`."""

from collections.abc import Callable
from typing import cast

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from citewell.core.metrics import OTHER
from citewell.core.platform import Platform
from citewell.entrypoints.http.measuring import METHODS, route_of
from citewell.kit.spans import SpanKind, SpanState, recording

TRACE_ID = slice(3, 35)
"""Of a `traceparent`, behind its version (W3C Trace Context, 3.2)."""


class Traced:
    """Keeps a span of each request, named by its route: paths hold ids."""

    def __init__(self, app: ASGIApp, platform: Callable[[], Platform]) -> None:
        self._app = app
        self._platform = platform

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        spans = self._platform().state_of(SpanState).recorder if scope["type"] == "http" else None
        if spans is None:
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else OTHER
        parent = Headers(scope=scope).get("traceparent")
        values = {"http.request.method": method}
        with (
            recording(spans),
            spans.span(method, values, kind=SpanKind.SERVER, parent=parent) as told,
        ):
            carried = spans.carrier() or ""

            async def watched(message: Message) -> None:
                if message["type"] == "http.response.start":
                    status = cast(int, message["status"])
                    told.note("http.response.status_code", status)
                    if status >= 500:
                        told.fail(str(status))
                await send(message)

            try:
                with structlog.contextvars.bound_contextvars(trace_id=carried[TRACE_ID]):
                    await self._app(scope, receive, watched)
            finally:
                route = route_of(scope)
                told.note("http.route", route)
                told.note("request_id", scope["state"]["request_id"])
                told.rename(f"{method} {route}")
