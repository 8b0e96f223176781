"""Shapes of the error log."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class ErrorRead(BaseModel):
    """A kind of error of the program itself."""

    model_config = ConfigDict(from_attributes=True)

    fingerprint: str
    """The same for errors of one kind that come from the same calls."""
    source: str
    """`http`, `job` or `background`."""
    kind: str
    place: str
    example: str
    """Message of the latest one, without what is quoted, addresses and long numbers."""
    frames: list[str]
    """The calls that led there, innermost last; no values."""
    request_id: str | None
    """Of the latest one, if it was a request."""
    of_installation: bool
    """Whether it happened in work of no organisation; only the operator is shown those."""
    release: str
    count: int
    first_at: datetime
    last_at: datetime
