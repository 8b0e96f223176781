"""The policy of the route that a request is for, found before the request is routed."""

from collections.abc import Callable, Iterator, Sequence
from re import Pattern
from typing import cast

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Mount, compile_path
from starlette.types import Scope

from citewell.features.http import (
    PAGE,
    PRIVATE,
    PROBE,
    ErrorFormat,
    RoutePolicy,
    policy_of,
)

API_PREFIX = "/api/v1/"
OPENAI_PREFIX = "/v1/"

POLICY = "policy"
"""Where the state of a request has the policy of its route."""

Routes = Callable[[], Sequence[BaseRoute]]


class Policies:
    """Finds policies by method and path; read from the routes when the first request comes.

    A path of the APIs that no route has is private, so that nobody without a credential learns
    which paths there are.
    """

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._fixed: dict[str, dict[str, RoutePolicy]] = {}
        self._patterns: list[tuple[Pattern[str], str, RoutePolicy]] = []
        self._is_read = False

    def of(self, scope: Scope) -> RoutePolicy:
        """The policy of a request; of a route that does not take its method, one of its path."""
        if not self._is_read:
            self._read()
        path, method = scope["path"], scope.get("method", "WEBSOCKET")
        fixed = self._fixed.get(path)
        if fixed is not None and (found := fixed.get(method)) is not None:
            return found
        fallback = next(iter(fixed.values())) if fixed else None
        for pattern, its_method, policy in self._patterns:
            if pattern.match(path):
                if its_method == method:
                    return policy
                fallback = fallback or policy
        if fallback is None and path.startswith(OPENAI_PREFIX):
            return RoutePolicy(errors=ErrorFormat.OPENAI)
        return fallback or (PRIVATE if path.startswith(API_PREFIX) else PROBE)

    def takes_head(self, scope: Scope) -> bool:
        """Whether a `HEAD` is answered as the `GET` of its path is, without the body."""
        if scope.get("method") != "HEAD":
            return False
        policy = self.of({**scope, "method": "GET"})
        return self._has("GET", scope["path"]) and not (
            self._has("HEAD", scope["path"]) or policy.events
        )

    def _has(self, method: str, path: str) -> bool:
        """Whether a route takes the method at the path."""
        return method in self._fixed.get(path, {}) or any(
            its_method == method and pattern.match(path)
            for pattern, its_method, _ in self._patterns
        )

    def _read(self) -> None:
        for path, method, policy in declared(self._routes()):
            if policy is None:
                continue
            if "{" in path:
                self._patterns.append((compile_path(path)[0], method, policy))
            else:
                self._fixed.setdefault(path, {})[method] = policy
        self._is_read = True


def declared(
    routes: Sequence[BaseRoute],
) -> Iterator[tuple[str, str, RoutePolicy | None]]:
    """Path, method and policy of every route; None for a route of ours that has none."""
    for context in iter_route_contexts(routes):
        route = context.original_route
        if isinstance(route, Mount):
            yield route.path + "/{path:path}", "GET", PAGE
            continue
        path, endpoint = cast(str, context.path), context.endpoint
        policy = policy_of(endpoint)
        for method in context.methods or ("WEBSOCKET",):
            yield path, method, policy
