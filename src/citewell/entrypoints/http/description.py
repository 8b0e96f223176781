"""The API's description (OpenAPI): what the framework cannot tell of the routes."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.routing import BaseRoute

from citewell.core.errors import AppError, NotFoundError
from citewell.entrypoints.http import problems
from citewell.entrypoints.http.examples import Examples
from citewell.entrypoints.http.policies import declared

REFERENCE = "#/components/schemas/"

TAGS = {
    "search": "Passages that fit a question.",
    "conversations": "Questions, their answers, and what was said before.",
    "queries": "Answers that are kept: looked at, asked again, rated.",
    "documents": "The library: texts and files, read in the background.",
    "versions": "Versions of documents: compared, and gone back to.",
    "collections": "Documents that belong together; as files that can be moved.",
    "sharing": "Grants and denials, and why somebody may read something.",
    "jobs": "Work in the background.",
    "events": "Changes as they happen.",
    "agents": "Agents that look things up, and their runs.",
    "workflows": "Graphs of agents, searches, conditions and approvals.",
    "evaluations": "Questions with known answers, and how well they are answered.",
    "connections": "Providers of language models.",
    "sessions": "Signing in and out, passwords.",
    "oauth": "Access for clients that a person admits in the browser.",
    "API keys": "Keys for software.",
    "users": "People and their roles.",
    "groups": "Groups, to grant things to.",
    "tenants": "Organisations; for the operator.",
    "usage": "Quotas and what is used of them.",
    "analytics": "Figures by day: questions, documents, people, cost.",
    "webhooks": "Changes told to an address of one's own.",
    "embeds": "Boxes for questions on other sites.",
    "audit": "Who changed what.",
    "errors": "The program's own errors, each kind once.",
    "openai": "The formats of OpenAI's API.",
    "mcp": "The Model Context Protocol.",
    "health": "Whether the installation works.",
}
"""Groups of routes in the order in which a reader meets them."""


def operation_id(route: APIRoute) -> str:
    """A short id as generated clients name their functions: `documents_versions_list`.

    The fixed parts of the path, then the first word of the endpoint's name unless the path says it
    already: `documents_rollback`, not `documents_rollback_rollback`.
    """
    parts = [part for part in route.path_format.split("/") if part and "{" not in part]
    if parts[:2] == ["api", "v1"]:
        parts = parts[2:]
    elif parts[:1] == ["v1"]:
        parts = ["openai", *parts[1:]]
    verb = route.name.partition("_")[0]
    joined = [part.replace("-", "_") for part in parts]
    is_said = verb in joined or route.name.replace("_", "") in joined[-1:]
    return "_".join(joined if is_said else [*joined, verb])


def install(app: FastAPI, server: str) -> None:
    """Have the application describe itself completely.

    Args:
        app: With all its routes.
        server: Address of the installation, or `/` where it does not know its own.
    """
    described = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = described()
            _complete(document, app.routes, server)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi


def problem_codes() -> list[str]:
    """Every `code` that a problem may have."""
    kinds, codes = [AppError], set(problems.CODES)
    while kinds:
        kind = kinds.pop()
        codes.add(kind.code)
        kinds += kind.__subclasses__()
    return sorted(codes)


def _complete(document: dict[str, Any], routes: Sequence[BaseRoute], server: str) -> None:
    document["servers"] = [{"url": server}]
    _describe_tags(document)
    schemas: dict[str, Any] = document["components"]["schemas"]
    schemas[problems.SCHEMA] = _problem_schema()
    _add_events(document, routes)
    _mark_deprecated(document, routes)
    examples = Examples(schemas, _sent(document))
    for name, schema in schemas.items():
        schema.setdefault("examples", [examples.of(name)])


def _describe_tags(document: dict[str, Any]) -> None:
    used = {tag for operation in _operations(document) for tag in operation.get("tags", ())}
    known = [name for name in TAGS if name in used]
    document["tags"] = [{"name": name, "description": TAGS[name]} for name in known]
    document["tags"] += [{"name": name} for name in sorted(used - TAGS.keys())]


def _sent(document: dict[str, Any]) -> set[str]:
    """Names of the schemas of bodies that are sent, also within other bodies."""
    schemas, sent = document["components"]["schemas"], set[str]()
    bodies = [operation.get("requestBody") for operation in _operations(document)]
    waiting = {name for body in bodies for name in _references(body)}
    while waiting:
        name = waiting.pop()
        if name not in sent:
            sent.add(name)
            waiting |= _references(schemas[name])
    return sent


def _references(part: Any) -> set[str]:
    if isinstance(part, list):
        return {name for item in cast(list[Any], part) for name in _references(item)}
    if not isinstance(part, dict):
        return set()
    values = cast(dict[str, Any], part)
    found = {name for value in values.values() for name in _references(value)}
    if isinstance(named := values.get("$ref"), str):
        found.add(named.removeprefix(REFERENCE))
    return found


def _problem_schema() -> dict[str, Any]:
    schema = problems.ProblemRead.model_json_schema()
    schema["title"] = problems.SCHEMA
    schema["properties"]["code"]["enum"] = problem_codes()
    missing = NotFoundError("There is no such document.")
    schema["examples"] = [
        problems.problem_document(problems.problem_of(missing), "0b2f9a5e-7f0c-4c8e-9d53-4f0d6c1c")
    ]
    return schema


def _add_events(document: dict[str, Any], routes: Sequence[BaseRoute]) -> None:
    """Describe replies that are streams: an item of `text/event-stream` is one event."""
    streams: list[tuple[dict[str, Any], Sequence[tuple[str, type[BaseModel]]]]] = []
    for path, method, policy in declared(routes):
        if policy is not None and policy.events:
            streams.append((document["paths"][path][method.lower()], policy.events))
    models = {model for _, events in streams for _, model in events}
    inputs = [
        (model, "serialization") for model in sorted(models, key=lambda model: model.__name__)
    ]
    _, definitions = models_json_schema(cast(Any, inputs), ref_template=REFERENCE + "{model}")
    for name, schema in definitions["$defs"].items():
        document["components"]["schemas"].setdefault(name, schema)
    for operation, events in streams:
        operation["responses"]["200"]["content"] = {
            "text/event-stream": {"itemSchema": {"oneOf": [_event(*event) for event in events]}}
        }


def _mark_deprecated(document: dict[str, Any], routes: Sequence[BaseRoute]) -> None:
    for path, method, policy in declared(routes):
        operation = document["paths"].get(path, {}).get(method.lower())
        if operation is not None and policy is not None and policy.deprecation is not None:
            operation["deprecated"] = True


def _event(name: str, model: type[BaseModel]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["event", "data"],
        "properties": {
            "event": {"const": name},
            "id": {"type": "string"},
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": {"$ref": REFERENCE + model.__name__},
            },
        },
    }


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()
