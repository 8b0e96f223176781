"""Text and JSON that PostgreSQL can keep: no NUL, no lone surrogate, no NaN."""

import math
import re
from typing import Annotated

from pydantic import AfterValidator, JsonValue

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """The text with a replacement character for each that PostgreSQL cannot hold."""
    return _UNSTORABLE.sub("\ufffd", text)


def require_storable_text(text: str) -> str:
    """Return the text itself.

    Raises:
        ValueError: It holds a NUL character or a lone surrogate.
    """
    if _UNSTORABLE.search(text):
        raise ValueError("text must not hold NUL characters or lone surrogates")
    return text


def require_storable_json(value: JsonValue) -> JsonValue:
    """Return the value itself.

    Raises:
        ValueError: A text or key in it cannot be kept, or a number is not finite.
    """
    # A loop, not recursion: JSON may be nested more deeply than Python's stack.
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            require_storable_text(item)
        elif isinstance(item, float) and not math.isfinite(item):
            raise ValueError("numbers must be finite")
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, dict):
            waiting += [*item.keys(), *item.values()]
    return value


StorableText = Annotated[str, AfterValidator(require_storable_text)]
StorableJson = Annotated[JsonValue, AfterValidator(require_storable_json)]
