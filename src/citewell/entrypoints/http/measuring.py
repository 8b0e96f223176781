"""Counts and times requests, where metrics are wanted."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from citewell.core.metrics import OTHER, ProcessMetrics
from citewell.core.platform import Platform
from citewell.kit.spans import SpanState, recording

PREFIXES = ("/api/v1", "/v1")
"""Prefixes under which routers are put, which their routes do not name themselves."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Measuring:
    """Notes each request under its route, never under its path: paths hold ids."""

    def __init__(self, app: ASGIApp, platform: Callable[[], Platform]) -> None:
        self._app = app
        self._platform = platform

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        metrics = self._platform().state_of(ProcessMetrics)
        began, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = cast(int, message["status"])
            await send(message)

        metrics.move("http_requests_in_flight", 1)
        spans = self._platform().state_of(SpanState).recorder
        try:
            with recording(spans) if spans is not None else nullcontext():
                await self._app(scope, receive, watched)
        finally:
            metrics.move("http_requests_in_flight", -1)
            route = route_of(scope)
            method = scope["method"] if scope["method"] in METHODS else OTHER
            metrics.count("http_requests_total", route, method, f"{status // 100}xx")
            metrics.observe("http_request_seconds", time.perf_counter() - began, route)


def route_of(scope: Scope) -> str:
    """The route's pattern with its prefix; `OTHER` where there is no route."""
    route = cast(str, getattr(scope.get("route"), "path", OTHER))
    for prefix in PREFIXES:
        if route.startswith("/") and cast(str, scope["path"]).startswith(f"{prefix}/"):
            return route if route.startswith(prefix) else prefix + route
    return route
