"""Base of the bodies of requests."""

from typing import Any, cast

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_STRICT = frozenset({"float", "bool"})


def _no_text(value: object) -> object:
    """Refuse what lax integers would read: a string or a boolean. `5.0` is an integer in JSON."""
    if isinstance(value, str | bytes | bool):
        raise PydanticCustomError("int_type", "Input should be a valid integer")
    return value


def _with_strict_scalars(schema: Any) -> Any:
    """The schema as a copy in which no number and no boolean is read from a string."""
    if isinstance(schema, list):
        return [_with_strict_scalars(part) for part in cast(list[Any], schema)]
    if isinstance(schema, tuple):
        return tuple(_with_strict_scalars(part) for part in cast(tuple[Any, ...], schema))
    if not isinstance(schema, dict):
        return schema
    parts = cast(dict[str, Any], schema)
    kind = parts.get("type")
    copied = {key: _nested(key, part) for key, part in parts.items()}
    if kind == "int":
        return core_schema.no_info_before_validator_function(_no_text, cast(CoreSchema, copied))
    if isinstance(kind, str) and kind in _STRICT:
        copied["strict"] = True
    return copied


def _nested(key: str, part: Any) -> Any:
    """The part of a schema below a key; names of fields are no keys of schemas."""
    if key == "fields" and isinstance(part, dict):
        fields = cast(dict[str, Any], part)
        return {name: _with_strict_scalars(field) for name, field in fields.items()}
    # Only schemas are nested below the other keys.
    return part if key in ("default", "metadata", "serialization") else _with_strict_scalars(part)


class RequestBody(BaseModel):
    """A body whose unknown fields and wrong JSON types are refused.

    Numbers and booleans are not read from strings: `"top_k": "5"` is a mistake of the sender that
    another server would not forgive. Ids, times and names of choices are strings in JSON and stay
    so, which is why pydantic's own `strict` is of no use here: it takes parsed values only.
    """

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[BaseModel], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return cast(CoreSchema, _with_strict_scalars(handler(source)))
