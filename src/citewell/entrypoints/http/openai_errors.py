"""Errors as OpenAI's API writes them, which the clients made for it turn into exceptions."""

from citewell.core.errors import Problem

_CODES = {
    "unauthorized": "invalid_api_key",
    "rate_limited": "rate_limit_exceeded",
    "validation_error": None,
    "bad_request": None,
}
"""Codes that OpenAI has another word for, or none; all others are ours."""

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


def openai_error(problem: Problem, request_id: str) -> tuple[int, dict[str, object]]:
    """Status and body of an error.

    What cannot be used is a 400 there and not a 422. A used-up quota is of the type
    `insufficient_quota`, for which clients do not try again at once.
    """
    status = 400 if problem.status == 422 else problem.status
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    if problem.code == "quota_reached":
        kind = "insufficient_quota"
    # Of the mistakes in a body the text names all, so the title would say nothing more.
    return status, {
        "error": {
            "message": problem.detail,
            "type": kind,
            "param": problem.parameter,
            "code": _CODES.get(problem.code, problem.code),
            "request_id": request_id,
        }
    }


def openai_error_schema() -> dict[str, object]:
    """The body's shape, for the API's description."""
    text, optional = {"type": "string"}, {"type": ["string", "null"]}
    fields = {
        "message": text, "type": text, "param": optional, "code": optional, "request_id": text,
    }  # fmt: skip
    inner = {"type": "object", "properties": fields, "required": list(fields)}
    return {"type": "object", "properties": {"error": inner}, "required": ["error"]}
