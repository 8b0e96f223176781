"""The application's surface, read from itself: routes, methods, places of ids."""

import re
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.routing import BaseRoute, Mount, WebSocketRoute

from citewell.core.settings import Settings
from citewell.entrypoints.http.app import create_app
from citewell.entrypoints.http.policies import declared
from citewell.features.http import Admission

ID_NAME = re.compile(r"(^|_)ids?$")
NO_LONGER_THAN = 6
"""Levels of nesting that are looked into; deeper shapes would have to be cut anyway."""

OPEN_PATHS = {
    "/", "/api/openapi.json", "/api/docs", "/api/docs/oauth2-redirect", "/api/redoc", "/api/static",
    "/api/v1/health", "/api/v1/health/live", "/api/v1/health/ready", "/embed/{token}",
    "/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/oauth-authorization-server",
}  # fmt: skip
"""Operations that are there for everybody and tell of nobody."""

Operation = tuple[str, str]
"""A method and the path of a route, with its parameters in braces."""


@dataclass(frozen=True)
class Surface:
    """The routes, and for each where it takes ids."""

    operations: dict[Operation, frozenset[str]]
    """Places: `path.document_id`, `query.collection_id`, `body.collection_ids[]`, `form.x`."""
    media: dict[Operation, str]
    """Of the bodies of those that take one."""
    websockets: frozenset[str]
    undescribed: frozenset[Operation]
    """Routes that the OpenAPI document does not show."""


@cache
def open_operations() -> frozenset[Operation]:
    """Operations for people without a credential, as the policies of the routes say."""
    app = create_app(Settings(_env_file=None, home=Path("unused")), lambda: nullcontext())  # type: ignore[arg-type, return-value]
    return frozenset(
        (method, path)
        for path, method, policy in declared(app.routes)
        if policy is not None and policy.admission is Admission.PUBLIC
    )


def read_surface() -> Surface:
    """The surface of the application as it is."""
    app = create_app(Settings(_env_file=None, home=Path("unused")), lambda: nullcontext())  # type: ignore[arg-type, return-value]
    schema = app.openapi()
    operations: dict[Operation, frozenset[str]] = {}
    media: dict[Operation, str] = {}
    for path, methods in schema["paths"].items():
        for name, described in methods.items():
            operation = (name.upper(), path)
            operations[operation] = frozenset(_places(schema, described))
            for kind in described.get("requestBody", {}).get("content", {}):
                media[operation] = kind
    found = set(_routed(app.routes))
    mounted = {(method, path) for method, path in found if path not in OPEN_PATHS}
    websockets = frozenset(path for method, path in mounted if method == "WEBSOCKET")
    plain = {operation for operation in mounted if operation[0] not in ("WEBSOCKET", "HEAD")}
    assert plain >= {operation for operation in operations if operation[1] not in OPEN_PATHS}
    return Surface(operations, media, websockets, frozenset(plain - set(operations)))


def _routed(routes: list[BaseRoute] | list[Any], prefix: str = "") -> Iterator[Operation]:
    """Method and path of every route, those of included routers and mounted applications too."""
    for route in routes:
        if hasattr(route, "effective_candidates"):  # an included router keeps its routes for itself
            yield from _routed(route.effective_candidates(), prefix)
            yield from _routed(route.effective_low_priority_routes(), prefix)
        elif isinstance(route, Mount):
            yield ("MOUNT", prefix + route.path)
            inner = route.app.routes if isinstance(route.app, FastAPI) else route.routes
            yield from _routed(list(inner), prefix + route.path)
        elif isinstance(inside := getattr(route, "starlette_route", route), WebSocketRoute):
            yield ("WEBSOCKET", f"{prefix}{inside.path}")
        elif getattr(route, "methods", None) is None:
            yield ("WEBSOCKET", f"{prefix}{route.path}")
        else:
            path = getattr(route, "path_format", None) or route.path
            for method in route.methods:
                yield (method, prefix + path)


def _places(schema: dict[str, Any], described: dict[str, Any]) -> Iterator[str]:
    for parameter in described.get("parameters", []):
        place = f"{parameter['in']}.{parameter['name']}"
        yield from _within(schema, parameter["schema"], place, parameter["name"])
    for kind, content in described.get("requestBody", {}).get("content", {}).items():
        root = "form" if kind.startswith("multipart") or "urlencoded" in kind else "body"
        yield from _within(schema, content["schema"], root, "")


def _within(
    schema: dict[str, Any], node: dict[str, Any], place: str, name: str, depth: int = 0
) -> Iterator[str]:
    """Places of ids in a shape: by format `uuid`, or by a name that ends in `id` or `ids`."""
    if depth > NO_LONGER_THAN:
        return
    if "$ref" in node:
        target = schema["components"]["schemas"][node["$ref"].rpartition("/")[2]]
        yield from _within(schema, target, place, name, depth + 1)
        return
    kinds = [*node.get("anyOf", []), *node.get("oneOf", []), *node.get("allOf", [])]
    inside = [place] if _is_id(node, name) else []
    for kind in kinds:
        inside.extend(_within(schema, kind, place, name, depth + 1))
    if "items" in node:
        inside = [found for found in inside if found != place]
        inside.extend(_within(schema, node["items"], f"{place}[]", name, depth + 1))
    for key, value in node.get("properties", {}).items():
        inside.extend(_within(schema, value, f"{place}.{key}", key, depth + 1))
    if any(found.startswith(f"{place}[]") for found in inside):
        inside = [found for found in inside if found != place]
    yield from dict.fromkeys(inside)


def _is_id(node: dict[str, Any], name: str) -> bool:
    if node.get("format") == "uuid":
        return True
    return bool(ID_NAME.search(name)) and node.get("type") in (None, "string", "array")
