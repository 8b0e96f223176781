"""Answers of a given shape: a useful part of JSON Schema, checked without a library of its own."""

import json
import re
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, JsonValue, model_validator

MAX_SCHEMA_CHARS = 20_000
MAX_DEPTH = 8

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_KNOWN = {
    "type", "title", "description", "properties", "required", "items", "enum",
    "additionalProperties", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems",
}  # fmt: skip
_PROPERTY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")

Schema = dict[str, Any]


class SchemaError(Exception):
    """A schema that cannot be used; the message says where and why."""


def check_schema(schema: Schema) -> None:
    """Check that a schema holds nothing but what `faults_of` checks.

    Raises:
        SchemaError: It holds something else.
    """
    if len(json.dumps(schema)) > MAX_SCHEMA_CHARS:
        raise SchemaError(f"The schema is longer than {MAX_SCHEMA_CHARS:,} characters.")
    if schema.get("type") != "object":
        raise SchemaError("The schema of an answer must be of type `object`.")
    _check(schema, "answer", 0)


def _check(schema: object, place: str, depth: int) -> None:
    if not isinstance(schema, dict):
        raise SchemaError(f"`{place}` must be an object.")
    found = cast(Schema, schema)
    if depth > MAX_DEPTH:
        raise SchemaError(f"`{place}` is nested more than {MAX_DEPTH} levels deep.")
    if unknown := sorted(set(found) - _KNOWN):
        raise SchemaError(f"`{place}` uses `{unknown[0]}`; known are {', '.join(sorted(_KNOWN))}.")
    kind = found.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise SchemaError(f"`{place}` needs a `type`: one of {', '.join(_TYPES)}.")
    if not isinstance(found.get("enum", []), list):
        raise SchemaError(f"`enum` of `{place}` must be a list.")
    for bound in ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"):
        if type(found.get(bound, 0)) not in (int, float):
            raise SchemaError(f"`{bound}` of `{place}` must be a number.")
    if found["type"] == "array":
        _check(found.get("items"), f"{place}[]", depth + 1)
    _check_properties(found, place, depth)


def _check_properties(found: Schema, place: str, depth: int) -> None:
    properties = found.get("properties", {})
    if not isinstance(properties, dict) or not isinstance(found.get("required", []), list):
        raise SchemaError(f"`{place}` needs `properties` as an object and `required` as a list.")
    for name, inner in cast(Schema, properties).items():
        if not _PROPERTY.fullmatch(name):
            raise SchemaError(f"`{place}.{name[:64]}` is no name for a property.")
        _check(inner, f"{place}.{name}", depth + 1)
    for name in cast(list[object], found.get("required", [])):
        if not isinstance(name, str) or name not in properties:
            raise SchemaError(f"`{place}` requires `{str(name)[:64]}`, which it does not have.")


def faults_of(value: object, schema: Schema, place: str = "answer") -> list[str]:
    """Reasons why a value does not fit a schema that was checked; empty if it does."""
    kind = schema["type"]
    is_bool = isinstance(value, bool) and kind != "boolean"
    if is_bool or not isinstance(value, _TYPES[kind]):
        return [f"`{place}` must be of type {kind}"]
    faults: list[str] = []
    if "enum" in schema and value not in schema["enum"]:
        faults.append(f"`{place}` must be one of {json.dumps(schema['enum'])}")
    match value:
        case dict():
            faults += _object_faults(cast(Schema, value), schema, place)
        case list():
            items = cast(list[object], value)
            faults += _bounds(len(items), schema, ("minItems", "maxItems"), f"length of `{place}`")
            for number, item in enumerate(items):
                faults += faults_of(item, schema["items"], f"{place}[{number}]")
        case str():
            faults += _bounds(
                len(value), schema, ("minLength", "maxLength"), f"length of `{place}`"
            )
        case int() | float():
            faults += _bounds(value, schema, ("minimum", "maximum"), f"`{place}`")
        case _:
            pass
    return faults


def _object_faults(value: Schema, schema: Schema, place: str) -> list[str]:
    properties: Schema = schema.get("properties", {})
    faults = [
        f"`{place}.{name}` is missing" for name in schema.get("required", []) if name not in value
    ]
    for name, inner in value.items():
        if name in properties:
            faults += faults_of(inner, properties[name], f"{place}.{name}")
        elif schema.get("additionalProperties") is False:
            faults.append(f"`{place}.{name[:64]}` is not known")
    return faults


def _bounds(value: float, schema: Schema, names: tuple[str, str], what: str) -> list[str]:
    low, high = schema.get(names[0]), schema.get(names[1])
    if low is not None and value < low:
        return [f"the {what} must be at least {low}"]
    if high is not None and value > high:
        return [f"the {what} must be at most {high}"]
    return []


def output_of(schema: Schema) -> type[BaseModel]:
    """The type of answers of a schema, for `ModelRequest.output`."""

    class AnswerForm(BaseModel):
        """Give the final answer in this form, once you have found out what you need."""

        model_config = ConfigDict(extra="allow")

        @model_validator(mode="before")
        @classmethod
        def _fits(cls, value: JsonValue) -> JsonValue:
            if faults := faults_of(value, schema):
                raise ValueError("; ".join(faults[:5]))
            return value

        @classmethod
        def model_json_schema(cls, *_args: Any, **_more: Any) -> Schema:
            return schema

    return AnswerForm


def texts_in(value: object) -> list[str]:
    """The texts of an answer, in their order."""
    match value:
        case str():
            return [value]
        case dict():
            return [text for inner in cast(Schema, value).values() for text in texts_in(inner)]
        case list():
            return [text for inner in cast(list[object], value) for text in texts_in(inner)]
        case _:
            return []
