"""Moments as people write them: with a zone, or a day."""

import re
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator, Field

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _begun(given: object) -> object:
    is_day = isinstance(given, str) and _DAY.fullmatch(given) is not None
    return f"{given}T00:00:00Z" if is_day else given


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_begun),
    Field(description="A time with its zone, or a day (`2027-01-31`): its beginning in UTC."),
]
"""A time; a time without a zone is refused, as nobody can tell which one was meant."""
