"""Values of metadata on the command line."""

import json
import math

from citewell.entrypoints.commands.running import USAGE, stop
from citewell.indexes.contract import FILTER_FIELDS


def parse_value(item: str) -> tuple[str, str | int | float]:
    """The key and value of KEY=VALUE; anything else ends the command."""
    key, separator, raw = item.partition("=")
    if not separator or not key:
        stop(f"`{item}` is not a filter; write --filter KEY=VALUE.", USAGE)
    if key in FILTER_FIELDS:
        return key, raw
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return key, raw
    # A list, an object or NaN is taken as the text that was typed.
    is_plain = isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
    return key, value if is_plain else raw
