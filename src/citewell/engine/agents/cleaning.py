"""Text and JSON of a model in a form that can be kept and sent again."""

import math
import re
from typing import Any, cast

# PostgreSQL keeps no NUL, and UTF-8 has no lone surrogates.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

_DEEPEST = 40
"""Levels of nesting that are kept; what lies deeper becomes null."""


def clean_text(text: str) -> str:
    """The text without what cannot be kept."""
    return _UNSTORABLE.sub("", text)


def clean_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments as JSON proper: no NUL, no lone surrogate, no NaN, no abysmal nesting."""
    return cast(dict[str, Any], _clean(arguments, 0))


def _clean(value: object, depth: int) -> object:
    if depth > _DEEPEST:
        return None
    match value:
        case str():
            return clean_text(value)
        case float():
            return value if math.isfinite(value) else None
        case dict():
            items = cast(dict[object, object], value).items()
            return {clean_text(str(key)): _clean(inner, depth + 1) for key, inner in items}
        case list() | tuple():
            return [_clean(inner, depth + 1) for inner in cast(list[object], value)]
        case bool() | int() | None:
            return value
        case _:
            return clean_text(str(value))
