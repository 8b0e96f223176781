"""Changes as streams pass them on, and the messages of a socket."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

MAX_EVENT_ID = 2**53 - 1
"""Largest integer that JavaScript represents exactly."""


class EventKind(StrEnum):
    """Kind of object that changed."""

    DOCUMENT = "document_update"
    JOB = "job_update"


@dataclass(frozen=True, slots=True)
class ChangeEvent:
    """Notice that an object has changed; its content is read with the rights of each reader."""

    id: int
    """Microseconds since 1970, rising in the order of commits within a tenant."""
    kind: EventKind
    object_id: uuid.UUID
    document_id: uuid.UUID
    owner_id: uuid.UUID | None
    """Creator of the document; None: no user made it, or it has gone."""


@dataclass(frozen=True, slots=True)
class Interest:
    """Criteria for the events of a stream."""

    document_ids: Sequence[uuid.UUID] = ()
    has_jobs: bool = False
    owner_id: uuid.UUID | None = None


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Auth(_Message):
    """Signs in: the first message; a later one replaces the token."""

    type: Literal["auth"]
    token: Annotated[str, Field(pattern=r"^[\x21-\x7e]+$")]


class Subscribe(_Message):
    """Subscribes to a topic, from now on or from after a known event."""

    type: Literal["subscribe"]
    topic: str
    last_event_id: Annotated[int, Field(ge=0, le=MAX_EVENT_ID)] | None = None


class Unsubscribe(_Message):
    """Ends a subscription."""

    type: Literal["unsubscribe"]
    topic: str


class Ping(_Message):
    """Asks for a `pong`, which keeps the connection alive."""

    type: Literal["ping"]


class StreamedChange(BaseModel):
    """Data of the events `document_update` and `job_update`: the object as it is now."""

    type: EventKind
    event_id: int
    topics: list[str]
    document_id: uuid.UUID
    document: dict[str, JsonValue] | None = None
    """As `GET /documents/{id}` shows it; null once the reader may not read it any more."""
    job: dict[str, JsonValue] | None = None
    """As `GET /jobs/{id}` shows it."""


class StreamedNotice(BaseModel):
    """Data of `ready` (missed events are all told) and `resync` (some are no longer stored)."""

    type: Literal["ready", "resync"]
    event_id: int | None = None


Incoming = Auth | Subscribe | Unsubscribe | Ping
INCOMING = TypeAdapter[Incoming](Annotated[Incoming, Field(discriminator="type")])


def message(kind: str, **values: object) -> str:
    """A message to a reader, as JSON."""
    # ASCII only: a repeated topic may hold half a surrogate pair, which UTF-8 cannot.
    return json.dumps({"type": kind, **values})


@dataclass(frozen=True, slots=True)
class Shown:
    """An event as its reader may see it."""

    event: ChangeEvent
    body: str | None
    """The object as the API shows it, as JSON; None if the reader may not see it any more."""

    def message(self, topics: list[str]) -> str:
        """The message to a reader."""
        name = "document" if self.event.kind is EventKind.DOCUMENT else "job"
        head = message(
            self.event.kind.value,
            event_id=self.event.id,
            topics=topics,
            document_id=str(self.event.document_id),
        )
        return f'{head[:-1]}, "{name}": {self.body or "null"}}}'
