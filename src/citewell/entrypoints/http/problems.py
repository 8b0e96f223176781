"""Errors as RFC 9457 problem details, rendered in one place."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from citewell.core.database.sessions import is_full, is_outage, is_overdue
from citewell.core.errors import AppError, Problem, StorageFullError
from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.entrypoints.http.openai_errors import openai_error, openai_error_schema
from citewell.entrypoints.http.policies import POLICY
from citewell.entrypoints.http.unknown_fields import with_fields_named
from citewell.features.http import ErrorFormat, RoutePolicy, own_address
from citewell.features.oauth.errors import OAuthError
from citewell.features.oauth.service import MCP_PATH
from citewell.kit.complaints import complaint
from citewell.kit.sse import encode_event

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

MAX_PLACE_CHARS = 120
"""Characters of the place of a mistake that are repeated; a sender can nest it arbitrarily deep."""

_TITLES = {404: "Not found", 405: "Method not allowed", 400: "The request cannot be read"}
_CODES = {404: "not_found", 405: "method_not_allowed", 400: "bad_request"}


class ProblemRead(BaseModel):
    """An error: `code` is stable, `detail` is for people."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str
    code: str
    request_id: str


SCHEMA = "Problem"
"""Name of its schema in the API's description."""

CODES = frozenset(
    {
        "bad_request", "database_unavailable", "error", "internal_error", "interrupted",
        "method_not_allowed", "model_unavailable", "timeout", "validation_error",
    }
)  # fmt: skip
"""Codes of problems that no `AppError` stands for; see `problem_of`."""


def _described(description: str) -> dict[str, object]:
    schema = {"$ref": f"#/components/schemas/{SCHEMA}"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


RESPONSES: dict[int | str, dict[str, object]] = {
    401: _described("No API key, or not a valid one."),
    "4XX": _described("The request cannot be carried out as it is."),
    503: _described("Temporarily not available."),
}
"""Refusals common to all routes, for the API's description."""


OPENAI_RESPONSES: dict[int | str, dict[str, object]] = {
    status: {
        "description": described["description"],
        "content": {"application/json": {"schema": openai_error_schema()}},
    }
    for status, described in RESPONSES.items()
}
"""The same for the routes of OpenAI's API."""


OAUTH_RESPONSES: dict[int | str, dict[str, object]] = {
    status: {
        "description": described["description"],
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {
                        "error": {"type": "string"},
                        "error_description": {"type": "string"},
                    },
                }
            }
        },
    }
    for status, described in RESPONSES.items()
}
"""The same for clients of OAuth."""


def problem_document(problem: Problem, request_id: str) -> dict[str, object]:
    """The problem as RFC 9457 writes it."""
    return {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "request_id": request_id,
    }


def problem_body(problem: Problem, request_id: str) -> bytes:
    """The problem as bytes of JSON, in ASCII: a lone surrogate in what was sent must not end it."""
    return json.dumps(problem_document(problem, request_id), separators=(",", ":")).encode("ascii")


def problem_response(
    problem: Problem, scope: Scope, headers: Mapping[str, str] | None = None
) -> Response:
    """The reply for a problem, in the format of the route that was asked."""
    more = {"WWW-Authenticate": _challenge(scope)} if problem.status == 401 else {}
    headers = {**(headers or {}), **more}
    request_id: str = scope["state"]["request_id"]
    if _format(scope) is ErrorFormat.OPENAI:
        status, document = openai_error(problem, request_id)
        return JSONResponse(document, status, headers)
    if _format(scope) is ErrorFormat.OAUTH:
        return _oauth_response(problem, headers)
    body = problem_body(problem, request_id)
    return Response(body, problem.status, headers, MEDIA_TYPE)


def _challenge(scope: Scope) -> str:
    """How to sign in; a client of the Model Context Protocol is told where (RFC 9728, 5.1)."""
    if scope["path"] != MCP_PATH:
        return "Bearer"
    address = own_address(Request(scope), scope["app"].state.settings)
    return f'Bearer resource_metadata="{address}/.well-known/oauth-protected-resource{MCP_PATH}"'


def _oauth_response(problem: Problem, headers: Mapping[str, str]) -> Response:
    """The problem as RFC 6749 writes it; what it has no code for is `invalid_request`."""
    own = {kind.code for kind in (OAuthError, *OAuthError.__subclasses__())}
    code = problem.code if problem.code in own else "invalid_request"
    if problem.status >= 500:
        code = "server_error" if problem.status == 500 else "temporarily_unavailable"
    status = 400 if problem.status in (404, 422) else problem.status
    described = {"error": code, "error_description": problem.detail}
    return JSONResponse(described, status, headers)


def last_event(problem: Problem, scope: Scope) -> bytes:
    """The event that ends a stream because of a problem."""
    request_id: str = scope["state"]["request_id"]
    if _format(scope) is ErrorFormat.OPENAI:
        return encode_event("error", openai_error(problem, request_id)[1])
    return encode_event("error", problem_document(problem, request_id))


def _format(scope: Scope) -> ErrorFormat:
    policy: RoutePolicy = scope["state"][POLICY]
    return policy.errors


def problem_of(error: BaseException) -> Problem:
    """The problem shown for an error; an unexpected one is only said to be logged."""
    while isinstance(error, BaseExceptionGroup):  # the first error of a group stands for it
        error = cast(BaseException, error.exceptions[0])
    if isinstance(error, asyncio.CancelledError):
        return Problem(
            "interrupted",
            "Temporarily not available",
            "The server gave the request up, as it does when it stops; whether it was carried "
            "out is not known. Try again in a moment.",
            503,
        )
    if isinstance(error, ClientDisconnect):
        return Problem("bad_request", _TITLES[400], "The body did not arrive whole.", 400)
    if isinstance(error, AppError):
        return Problem(error.code, error.title, error.detail, error.status, error.parameter)
    if isinstance(error, RequestValidationError):
        found = error.errors()
        return Problem(
            "validation_error",
            "The request is not valid",
            _validation_detail(found),
            422,
            _place(found[0]) if len(found) == 1 else None,
        )
    if isinstance(error, HTTPException):
        status = error.status_code
        return Problem(
            _CODES.get(status, "error"), _TITLES.get(status, "Error"), str(error.detail), status
        )
    if isinstance(error, ProviderError | ProviderConfigurationError):
        return Problem("model_unavailable", "A model does not answer", str(error), 503)
    if is_full(error):
        full = StorageFullError()
        return Problem(full.code, full.title, full.detail, full.status)
    if is_overdue(error):
        return Problem(
            "timeout",
            "Temporarily not available",
            "The database needed too long; nothing was changed. Try again, or ask for less.",
            503,
        )
    if is_outage(error):
        return Problem(
            "database_unavailable",
            "Temporarily not available",
            "The database does not answer; nothing was changed. Try again in a moment.",
            503,
        )
    return Problem(
        "internal_error",
        "Something went wrong on our side",
        "The error was logged under this request id.",
        500,
    )


def headers_of(error: BaseException) -> Mapping[str, str] | None:
    """Headers for an error: `Allow` of a 405, `Retry-After`."""
    if isinstance(error, AppError) and error.retry_after is not None:
        return {"Retry-After": str(error.retry_after)}
    return error.headers if isinstance(error, HTTPException) else None


MAX_REASON_BYTES = 123
"""Longest reason a socket is closed with (RFC 6455, section 5.5)."""

_CLOSE_CODES = {401: 4401, 403: 4403, 404: 4404, 429: 4429, 500: 1011}
_POLICY_VIOLATION, _TRY_AGAIN_LATER = 1008, 1013


def close_code_of(problem: Problem, error: BaseException) -> int:
    """The code a socket is closed with because of an error."""
    if (own := getattr(error, "close_code", None)) is not None:
        return int(own)
    otherwise = _TRY_AGAIN_LATER if problem.status >= 500 else _POLICY_VIOLATION
    return _CLOSE_CODES.get(problem.status, otherwise)


def note_failure(problem: Problem, error: BaseException) -> None:
    """Log errors that are not the caller's: a bug with its traceback, an outage in one line."""
    if isinstance(error, asyncio.CancelledError):
        # The traceback is the only trace of what cancelled it.
        log.warning("request_failed", code=problem.code, exc_info=error)
    elif problem.status in (503, 507):
        # The first line only: SQLAlchemy's messages go on with the statement.
        first = next(iter(str(error).splitlines()), "")
        log.warning("request_failed", code=problem.code, error=first)
    elif problem.status >= 500:
        log.error("request_failed", code=problem.code, exc_info=error)


def noted(error: BaseException) -> Problem:
    """The problem of an error, which is logged where it is ours."""
    problem = problem_of(error)
    note_failure(problem, error)
    return problem


def install(app: FastAPI) -> None:
    """Handle every error of the application's routes."""

    async def handle(request: Request, error: Exception) -> Response:
        if request.scope["type"] == "websocket":
            raise error  # there is no reply to a socket; the boundary closes it
        if isinstance(error, RequestValidationError):
            error = RequestValidationError(with_fields_named(error.errors(), request.scope))
        return problem_response(noted(error), request.scope, headers_of(error))

    for kind in (AppError, RequestValidationError, HTTPException, ProviderError,
                 ProviderConfigurationError, DBAPIError, PoolTimeoutError, OSError):  # fmt: skip
        app.add_exception_handler(kind, handle)


def _validation_detail(errors: Sequence[Any]) -> str:
    """The first errors, each with its place; the input itself is not repeated."""
    parts: list[str] = []
    for error in errors[:5]:
        place = _place(error)
        parts.append(f"{place}: {complaint(error)}" if place else complaint(error))
    return "; ".join(parts)


def _place(error: Any) -> str | None:
    """The field that an error of validation is about."""
    place = ".".join(str(part) for part in error["loc"][1:])
    return place[:MAX_PLACE_CHARS] + "…" if len(place) > MAX_PLACE_CHARS else place or None
