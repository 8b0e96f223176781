"""Shapes of webhooks."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from citewell.kit.bodies import RequestBody
from citewell.kit.storable import StorableText
from citewell.kit.visible import VISIBLE_LINE


class WebhookEvent(StrEnum):
    """Events that a webhook can be told of."""

    DOCUMENT_CREATED = "document.created"
    DOCUMENT_UPDATED = "document.updated"
    DOCUMENT_DELETED = "document.deleted"
    DOCUMENT_RESTORED = "document.restored"
    JOB_SUCCEEDED = "job.succeeded"
    JOB_FAILED = "job.failed"
    JOB_CANCELLED = "job.cancelled"
    ANSWER_CREATED = "answer.created"
    ANSWER_RATED = "answer.rated"


def _once(events: list[WebhookEvent]) -> list[WebhookEvent]:
    return list(dict.fromkeys(events))


Name = Annotated[str, Field(min_length=1, max_length=200), VISIBLE_LINE]
Address = Annotated[StorableText, Field(min_length=8, max_length=2_000)]
Events = Annotated[list[WebhookEvent], Field(min_length=1, max_length=50), AfterValidator(_once)]


class _Body(RequestBody):
    model_config = ConfigDict(str_strip_whitespace=True)


class WebhookCreate(_Body):
    """A webhook to make; it hears what you may read."""

    name: Name
    url: Address
    events: Events
    is_active: bool = True


class WebhookUpdate(_Body):
    """Changes to a webhook. Whoever changes `url` or `events` becomes its owner."""

    name: Name | None = None
    url: Address | None = None
    events: Events | None = None
    is_active: bool | None = None
    rotate_secret: bool = Field(
        default=False,
        description="Make a new secret; the former one signs beside it for a day.",
    )


class WebhookRead(BaseModel):
    """A webhook as the API shows it, without its secret."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    name: str
    url: str
    events: list[WebhookEvent]
    is_active: bool
    disabled_reason: str | None
    failures: int
    """Failed attempts since the last one that worked."""
    not_before: datetime | None
    """Time until which nothing is told, as its receiver failed."""
    user_id: uuid.UUID | None
    """The owner; null: software of the organisation."""
    created_at: datetime
    updated_at: datetime


class WebhookChanged(WebhookRead):
    """A webhook that was made or changed."""

    secret: str | None = None
    """Signs the messages; shown only where it is new, this once."""


class DeliveryRead(BaseModel):
    """An event that a webhook was told of, or is to be."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    """The `webhook-id` of the message, the same at each attempt and replay."""
    event: WebhookEvent
    object_id: uuid.UUID
    created_at: datetime
    status: Literal["pending", "delivered", "failed"]
    attempts: int
    next_at: datetime | None
    response_status: int | None
    error: str | None
    duration_ms: int | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class WebhookSight:
    """Which webhooks are there for a caller."""

    owner_id: uuid.UUID
    sees_all: bool


@dataclass(frozen=True, slots=True)
class LogLimits:
    """Bounds of the log of a webhook."""

    days: int = 30
    """Age up to which an event is kept."""
    most_kept: int = 10_000
    """Events that are done with; the newest stay."""
    most_waiting: int = 100_000
    """Events that are still to be told, as many as an import of a large library makes at once."""
