"""Examples of the API's shapes, made of what their fields are called and may hold."""

import re
from collections.abc import Collection, Mapping
from typing import Any, cast

_ID = "01a228d2-307f-7011-80ec-deef12b37080"
_TIME = "2026-11-02T09:30:00Z"
_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

_BY_NAME: dict[str, Any] = {
    "query": "How many days of annual leave do I have?",
    "question": "How many days of annual leave do I have?",
    "answer": "Full-time employees are entitled to 24 working days of annual leave. [1]",
    "quote": "Full-time employees are entitled to 24 working days of annual leave.",
    "text": "Full-time employees are entitled to 24 working days of annual leave.",
    "title": "Leave Policy",
    "name": "Leave Policy",
    "filename": "leave-policy.pdf",
    "content": "Full-time employees are entitled to 24 working days of annual leave.",
    "heading": "Leave Policy > Annual leave",
    "language": "en",
    "email": "ann@example.org",
    "new_email": "ann@example.org",
    "username": "ann@example.org",
    "password": "plum-anchor-violet-desk",
    "old_password": "plum-anchor-violet-desk",
    "new_password": "copper-lantern-quiet-river",
    "passphrase": "copper-lantern-quiet-river",
    "slug": "leave-desk",
    "tenant": "default",
    "model": "citewell",
    "url": "https://example.org/hooks/citewell",
    "base_url": "https://example.org/v1",
    "origin": "https://www.example.org",
    "comment": "Exactly what I needed.",
    "rating": 5,
    "media_type": "application/pdf",
    "content_type": "application/pdf",
    "sha256": _HASH,
    "code": "document_not_found",
    "detail": "There is no such document.",
    "region": "eu",
    "metadata": {"department": "people"},
    "filters": {"department": "people"},
    "task": "Compare the leave policies of 2025 and 2026.",
    "instructions": "Answer from the documents and cite them.",
    "description": "Answers questions about leave.",
    "page": 3,
    "start": 120,
    "end": 188,
    "score": 0.87,
    "number": 1,
    "version": 2,
    "access_level": "internal",
    "level": "high",
    "reason": "Every word of the question stands in the passage.",
    "provision": "Article 12, paragraph 3",
    "prompt": "3f1c",
    "standalone": "How many days of annual leave does a full-time employee have?",
    "suggestion": "How long is probation?",
    "unsupported_term": "calendar",
    "warning": "2 hidden rows were left out.",
    "tool": "search_documents",
    "arguments_hash": _HASH,
    "action_hash": _HASH,
    "changed_within": "30d",
    "every": "1d",
    "for": "2d",
    "role": "employee",
    "status": "succeeded",
    "what": "rerank",
    "why": "The model did not answer within 2 s.",
    "parameters": {"type": "object"},
    "request_id": "0b2f9a5e-7f0c-4c8e-9d53-4f0d6c1c2a11",
}
"""Values by the name of a field; used where its schema allows them."""

_DEPTH = 6
"""Levels of nested objects; deeper ones are left out where they may be."""


_BY_SCHEMA: dict[str, Any] = {
    "ApiKeyCreate": {
        "name": "crawler", "scopes": ["read"], "service": True, "expires_in_days": 90,
    },
    "ChatMessage": {"role": "user", "content": "How many days of annual leave do I have?"},
    "ConnectionCreate": {
        "name": "Writer", "provider": "openai", "model": "gpt-4.1-mini", "api_key": "sk-...",
    },
    "GrantPut": {"group_id": _ID, "effect": "read"},
    "WorkflowCreate": {"slug": "leave-desk", "template": "question-triage"},
    "ConversationUpdate": {"title": "Leave"},
}  # fmt: skip
"""Of shapes that need some of their fields without saying so in their schema."""


class Examples:
    """Makes one example for each schema of the description.

    Args:
        schemas: All of them, by name.
        sent: Names of those that are sent: what may be left out of them is, unless it has a
            default that says more than `null`, so that an example can be sent as it is.
    """

    def __init__(self, schemas: Mapping[str, Any], sent: Collection[str]) -> None:
        self._schemas, self._sent = schemas, sent
        self._is_sent = False

    def of(self, name: str) -> Any:
        """An example for the schema of that name."""
        if (known := _BY_SCHEMA.get(name)) is not None:
            return known
        self._is_sent = name in self._sent
        return self._value(self._schemas[name], "", 0)

    def for_schema(self, schema: Mapping[str, Any], field: str) -> Any:
        """An example for a schema without a name, of the field or parameter of that name."""
        self._is_sent = True
        return self._value(schema, field, 0)

    def _value(self, schema: Mapping[str, Any], field: str, depth: int) -> Any:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name in _BY_SCHEMA:
                return _BY_SCHEMA[name]
            return self._value(self._schemas[name], field, depth + 1)
        for key in ("examples", "enum"):
            if schema.get(key):
                return schema[key][0]
        if "const" in schema:
            return schema["const"]
        for key in ("anyOf", "oneOf", "allOf"):
            if key in schema:
                return self._of_choices(schema[key], field, depth)
        if "default" in schema and schema["default"] not in (None, "", [], {}):
            return schema["default"]
        return self._of_type(schema, field, depth)

    def _of_choices(self, choices: list[dict[str, Any]], field: str, depth: int) -> Any:
        """An example of the first choice that is not null; null where it nests too deep."""
        if depth > _DEPTH and {"type": "null"} in choices:
            return None
        some = [choice for choice in choices if choice.get("type") != "null"]
        return self._value(some[0], field, depth) if some else None

    def _of_type(self, schema: Mapping[str, Any], field: str, depth: int) -> Any:
        match schema.get("type"):
            case "string":
                return _string(schema, field)
            case "integer" | "number" as kind:
                return _number(schema, field, is_whole=kind == "integer")
            case "boolean":
                return False
            case "array":
                return self._items(schema, field, depth)
            case "object":
                return self._object(schema, field, depth)
            case "null":
                return None
            case _:  # anything goes
                return _BY_NAME.get(field, "…")

    def _items(self, schema: Mapping[str, Any], field: str, depth: int) -> list[Any]:
        if depth > _DEPTH or "items" not in schema:
            return []
        singular = field.removesuffix("s")
        count = max(1, schema.get("minItems", 0))
        return [self._value(schema["items"], singular, depth + 1)] * count

    def _object(self, schema: Mapping[str, Any], field: str, depth: int) -> dict[str, Any]:
        properties = cast(dict[str, Any], schema.get("properties", {}))
        if not properties:
            named = _BY_NAME.get(field)
            if isinstance(named, dict):
                return dict(cast(dict[str, Any], named))
            patterns = list(schema.get("patternProperties", {}).values())
            more = schema.get("additionalProperties") or (patterns or [{}])[0]
            return {
                f"part{number}": self._value(more, "", depth + 1)
                for number in range(1, schema.get("minProperties", 0) + 1)
            }
        required = schema.get("required", ())
        return {
            name: self._value(part, name, depth + 1)
            for name, part in properties.items()
            if name in required or (depth <= _DEPTH and not (self._is_sent and _is_left_out(part)))
        }


def _is_left_out(schema: Mapping[str, Any]) -> bool:
    return schema.get("default") in (None, "", [], {})


def _string(schema: Mapping[str, Any], field: str) -> str:
    match schema.get("format"):
        case "uuid":
            return _ID
        case "date-time":
            return _TIME
        case "date":
            return _TIME[:10]
        case "binary":
            return "(the file)"
        case _:
            pass
    named = _BY_NAME.get(field)
    if isinstance(named, str) and len(named) <= schema.get("maxLength", len(named)):
        # A pattern is that of a name for software: lower case, with hyphens.
        return named if re.search(schema.get("pattern", ""), named) else "leave-desk"
    if field.endswith("_at"):
        return _TIME
    words = field.replace("_", " ") or "text"
    return words.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", len(words))]


def _number(schema: Mapping[str, Any], field: str, *, is_whole: bool) -> float:
    named = _BY_NAME.get(field)
    value = named if isinstance(named, int | float) else 1 if is_whole else 0.5
    least = schema.get("minimum", schema.get("exclusiveMinimum", value))
    most = schema.get("maximum", value)
    bounded = min(max(value, least), most)
    return int(bounded) if is_whole else bounded
