"""The words of pydantic on what it refuses."""

from collections.abc import Mapping
from typing import Any


def complaint(error: Mapping[str, Any]) -> str:
    """The message of an error of validation, without the word for its kind before our own words."""
    return str(error["msg"]).removeprefix("Value error, ")
