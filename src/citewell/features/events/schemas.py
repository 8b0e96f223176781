"""Changes as streams pass them on, and the messages of a socket."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

MAX_EVENT_ID = 2**53 - 1
"""The largest number that JavaScript tells from the next one."""


class EventKind(StrEnum):
    """Kind of object that changed."""

    DOCUMENT = "document_update"
    JOB = "job_update"


@dataclass(frozen=True, slots=True)
class ChangeEvent:
    """That an object has changed; how it is now is for the reader to ask, with their own rights."""

    id: int
    """Microseconds since 1970, rising in the order of commits within a tenant."""
    kind: EventKind
    object_id: uuid.UUID
    document_id: uuid.UUID
    owner_id: uuid.UUID | None
    """Creator of the document; None: no user made it, or it has gone."""


@dataclass(frozen=True, slots=True)
class Interest:
    """Which events are wanted."""

    document_ids: Sequence[uuid.UUID] = ()
    has_jobs: bool = False
    owner_id: uuid.UUID | None = None


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Auth(_Message):
    """Who is there; the first message, and later with a token that replaces the one before."""

    type: Literal["auth"]
    token: Annotated[str, Field(pattern=r"^[\x21-\x7e]+$")]


class Subscribe(_Message):
    """Wanted from now on, or from a known event on."""

    type: Literal["subscribe"]
    topic: str
    last_event_id: Annotated[int, Field(ge=0, le=MAX_EVENT_ID)] | None = None


class Unsubscribe(_Message):
    """Not wanted any more."""

    type: Literal["unsubscribe"]
    topic: str


class Ping(_Message):
    """Is anybody there?"""

    type: Literal["ping"]


Incoming = Auth | Subscribe | Unsubscribe | Ping
INCOMING = TypeAdapter[Incoming](Annotated[Incoming, Field(discriminator="type")])


def message(kind: str, **values: object) -> str:
    """A message of ours."""
    return json.dumps({"type": kind, **values})  # what is repeated may hold half characters


@dataclass(frozen=True, slots=True)
class Shown:
    """An event as its reader may see it."""

    event: ChangeEvent
    body: str | None
    """The object as the API shows it, JSON; None: it is not there for them any more."""

    def message(self, topics: list[str]) -> str:
        """As it is sent."""
        name = "document" if self.event.kind is EventKind.DOCUMENT else "job"
        head = message(
            self.event.kind.value,
            event_id=self.event.id,
            topics=topics,
            document_id=str(self.event.document_id),
        )
        return f'{head[:-1]}, "{name}": {self.body or "null"}}}'
