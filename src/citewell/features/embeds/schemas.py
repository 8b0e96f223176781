"""Shapes of boxes on other sites."""

import ipaddress
import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, computed_field

from citewell.features.search.schemas import QueryText
from citewell.kit.bodies import RequestBody
from citewell.kit.storable import StorableText
from citewell.kit.visible import VISIBLE_LINE

_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
"""Names as DNS has them: what is written into a header must hold no other sign."""


def _origin(given: str) -> str:
    """An origin as browsers write it: scheme, host and a port that is not the usual one.

    Raises:
        ValueError: It is none.
    """
    try:
        parts = urlsplit(given.strip())
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise ValueError("give an origin such as `https://www.example.org`") from None
    is_bare = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
    if parts.scheme not in ("http", "https") or not is_bare or not _is_host(host):
        raise ValueError("give an origin such as `https://www.example.org`, without a path")
    place = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{place}" + (f":{port}" if port not in (None, usual) else "")


def _is_host(host: str) -> bool:
    if ":" not in host:
        return _HOST.fullmatch(host) is not None
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return "%" not in host


def _once(origins: list[str]) -> list[str]:
    return list(dict.fromkeys(origins))


Origin = Annotated[StorableText, Field(min_length=8, max_length=300), AfterValidator(_origin)]
Origins = Annotated[list[Origin], Field(min_length=1, max_length=20), AfterValidator(_once)]
Name = Annotated[str, Field(min_length=1, max_length=200), VISIBLE_LINE]
Title = Annotated[str, Field(max_length=100), VISIBLE_LINE]
CollectionIds = Annotated[list[uuid.UUID], Field(min_length=1, max_length=100)]
PerMinute = Annotated[int, Field(ge=1, le=1_000, description="Of all its visitors together.")]
Language = Literal["en", "vi"]


class _Body(RequestBody):
    model_config = ConfigDict(str_strip_whitespace=True)


class EmbedCreate(_Body):
    """A box to make. It reads public documents of open collections, as a guest does."""

    name: Name
    title: Title = ""
    origins: Origins
    collection_ids: CollectionIds | None = Field(
        default=None, description="Where it looks; unset: everywhere."
    )
    language: Language | None = Field(
        default=None, description="Of its words; unset: the visitor's own."
    )
    questions_per_minute: PerMinute = 30
    is_active: bool = True


class EmbedUpdate(_Body):
    """Changes to a box; null of `collection_ids` and `language` takes them away."""

    name: Name | None = None
    title: Title | None = None
    origins: Origins | None = None
    collection_ids: CollectionIds | None = None
    language: Language | None = None
    questions_per_minute: PerMinute | None = None
    is_active: bool | None = None


class EmbedRead(BaseModel):
    """A box as administrators see it."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    tenant_id: uuid.UUID = Field(exclude=True)
    name: str
    title: str
    origins: list[str]
    collection_ids: list[uuid.UUID] | None
    language: Language | None
    questions_per_minute: int
    is_active: bool
    created_at: datetime
    updated_at: datetime

    @computed_field
    @property
    def token(self) -> str:
        """Names the box in a page (`data-box` of the script); no secret."""
        return BoxToken(self.tenant_id, self.id).text


@dataclass(frozen=True, slots=True)
class BoxToken:
    """The name of a box in pages: its tenant, by whose rows alone it can be found, and its id."""

    tenant_id: uuid.UUID
    embed_id: uuid.UUID

    @property
    def text(self) -> str:
        """64 hexadecimal digits."""
        return self.tenant_id.hex + self.embed_id.hex

    @classmethod
    def read(cls, text: str) -> "BoxToken | None":
        """The token that a text is; None if it is none."""
        if re.fullmatch("[0-9a-f]{64}", text) is None:
            return None
        return cls(uuid.UUID(hex=text[:32]), uuid.UUID(hex=text[32:]))


class BoxRead(BaseModel):
    """A box as its visitors see it."""

    title: str
    language: Language | None


class BoxQuestion(RequestBody):
    """A visitor's question."""

    query: QueryText


class BoxSentence(BaseModel):
    """A sentence of an answer, with the numbers of its sources."""

    text: str
    citations: list[int]
    grade: str | None
    unsupported_terms: list[str]


class BoxCitation(BaseModel):
    """A source of an answer, by its words and where they stand."""

    number: int
    title: str
    page: int | None
    heading: str | None
    quote: str


class BoxAnswer(BaseModel):
    """An answer, without ids of what it was made of."""

    query: str
    answer: str
    abstained: bool
    confidence: str
    sentences: list[BoxSentence]
    citations: list[BoxCitation]
