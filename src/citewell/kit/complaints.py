"""The words of pydantic on what it refuses."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

UNKNOWN_FIELD = "extra_forbidden"
"""pydantic's type of an error about a field that there is not."""

_LONGEST = 60
"""Characters of a name up to which it is compared: those of fields are shorter."""

_LIKE = 0.7
"""Share of letters that make a name the one that was meant: `file` of `files`, `collection` of
`collection_id`. Below it names of the same letters are taken for each other (`label`, `level`)."""


def complaint(error: Mapping[str, Any]) -> str:
    """The message of an error of validation, without the word for its kind before our own words."""
    return str(error["msg"]).removeprefix("Value error, ")


def unknown_field(name: str, known: Iterable[str]) -> str:
    """The message about a field that there is not: the one that was meant, or all that there are.

    Args:
        name: As it was sent.
        known: Names of the fields of the same object or form.
    """
    fields = sorted(known)
    if meant := get_close_matches(name[:_LONGEST], fields, n=1, cutoff=_LIKE):
        return f"unknown field; is `{meant[0]}` meant?"
    return f"unknown field; known: {', '.join(fields)}" if fields else "unknown field"
