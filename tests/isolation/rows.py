"""Shape of a row of the table of routes, and names that rows share."""

from dataclasses import dataclass, field
from typing import Any

API = "/api/v1"

NOT_YET = "nothing"
"""Kind of objects that no feature makes yet: an id of it is left out of valid requests."""

EVERYBODY = frozenset({"employee", "guest"})


@dataclass(frozen=True)
class Route:
    """How to use one route."""

    carriers: dict[str, str] = field(default_factory=dict)
    """Place (`path.x`, `query.x`, `body.x[]`, `form.x`) -> kind of the object it names."""
    body: dict[str, Any] | None = None
    path: dict[str, str] = field(default_factory=dict)
    """Parts of the path that name no object by themselves."""
    query: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] | None = None
    """Fields beside a file."""
    file_field: str = "files"
    is_write: bool = False
    allowed: frozenset[str] = frozenset()
    """Insiders to whom this write is open as well."""
    knows: frozenset[str] = frozenset()
    """Insiders who may see the objects that this route names: nothing is hidden from them."""
    fields: frozenset[str] = frozenset()
    """Fields of the body that look hostile and are its own."""
    by: str = "service"
    """Whose request is valid."""
    status: int = 200
    ends_credential: bool = False
    """Whether a valid request signs the sender out or changes how they sign in."""
    written: dict[str, str] = field(default_factory=dict)
    """Place in the query -> how an id is written there."""
    words: dict[str, str] = field(default_factory=dict)
    """Place of a text filter -> name of a word that only hidden objects have."""
    instead: dict[str, str] = field(default_factory=dict)
    """Place -> the place it stands in for: a request has one of the two."""
    forgets: frozenset[str] = frozenset()
    """Places that look like ids and are none."""


KNOWN_ACTION = "Calculate a sum."
"""Action of the call that the table decides on: its hash can be written into a row."""
