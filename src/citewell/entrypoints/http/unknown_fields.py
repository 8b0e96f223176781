"""Names the fields that a body takes where a request has one that it does not."""

import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, RootModel

from citewell.kit.complaints import UNKNOWN_FIELD, unknown_field


def with_fields_named(
    errors: Sequence[Mapping[str, Any]], scope: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """The errors of a request, in which those about unknown fields of a body say which there are.

    Args:
        errors: As FastAPI gives them: `type`, `loc`, `msg`.
        scope: Of the request, with the route that it was for.
    """
    field = getattr(scope.get("route"), "body_field", None)
    shape = None if field is None else field.field_info.annotation
    return [
        {**each, "msg": unknown_field(str(each["loc"][-1]), fields)}
        if each["type"] == UNKNOWN_FIELD
        and each["loc"][0] == "body"
        and (fields := _fields(shape, each["loc"][1:-1]))
        else each
        for each in errors
    ]


def _fields(shape: Any, place: Sequence[str | int]) -> list[str]:
    """The names of the fields at a place of a body; none where its shape does not tell."""
    shape = _plain(shape)
    if isinstance(shape, type) and issubclass(shape, RootModel):
        return _fields(shape.model_fields["root"].annotation, place)
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        named = {each.alias or name: each for name, each in shape.model_fields.items()}
        if not place:
            return list(named)
        inner = named.get(str(place[0]))
        return [] if inner is None else _fields(inner.annotation, place[1:])
    inside = get_args(shape)
    if not place or not inside:
        return []
    # Of a list its items, of a dictionary its values.
    return _fields(inside[-1] if get_origin(shape) is dict else inside[0], place[1:])


def _plain(shape: Any) -> Any:
    """A type without its remarks and the `None` beside it."""
    while True:
        if get_origin(shape) is Annotated:
            shape = get_args(shape)[0]
        elif get_origin(shape) in (Union, types.UnionType):
            others = [each for each in get_args(shape) if each is not type(None)]
            if len(others) != 1:
                return None
            shape = others[0]
        else:
            return shape
