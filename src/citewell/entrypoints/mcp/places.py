"""Addresses of passages in the protocol: `citewell://documents/ID?version=2&start=10&end=90`."""

import uuid
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

SCHEME = "citewell"
TEMPLATE = "citewell://documents/{document_id}{?version,start,end}"

_LARGEST = 2**31 - 1
"""Largest value of the database's integer columns."""


@dataclass(frozen=True, slots=True)
class DocumentPlace:
    """A document, or a stretch of a version's text."""

    document_id: uuid.UUID
    version: int | None = None
    start: int = 0
    end: int | None = None

    @property
    def uri(self) -> str:
        """The address."""
        parts = [f"version={self.version}"] if self.version is not None else []
        if self.start or self.end is not None:
            parts.append(f"start={self.start}")
        if self.end is not None:
            parts.append(f"end={self.end}")
        query = "?" + "&".join(parts) if parts else ""
        return f"{SCHEME}://documents/{self.document_id}{query}"


def read_place(uri: str) -> DocumentPlace | None:
    """The place that an address names; None: it is no such address."""
    try:
        parts = urlsplit(uri)
        given = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        document_id = uuid.UUID(parts.path.removeprefix("/"))
        numbers = {name: int(value) for name, value in given.items()}
    except ValueError:
        return None
    is_ours = parts.scheme == SCHEME and parts.netloc == "documents" and not parts.fragment
    if not is_ours or numbers.keys() - {"version", "start", "end"}:
        return None
    if any(not 0 <= number <= _LARGEST for number in numbers.values()):
        return None
    return DocumentPlace(
        document_id, numbers.get("version"), numbers.get("start", 0), numbers.get("end")
    )
