"""Webhooks and their deliveries."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from citewell.core.database.base import Base, HasId, HasTimestamps, TenantScoped


class Webhook(Base, HasId, TenantScoped, HasTimestamps):
    """An address that is told of events, as far as its owner may read them."""

    __tablename__ = "webhook"

    name: Mapped[str]
    url: Mapped[str]
    events: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    sealed_secret: Mapped[bytes]
    key_id: Mapped[uuid.UUID]
    """The tenant's key that the secret is sealed with."""
    former_sealed: Mapped[bytes | None]
    """The secret before, which signs beside the present one until `former_until`."""
    former_key_id: Mapped[uuid.UUID | None]
    former_until: Mapped[datetime | None]
    is_active: Mapped[bool] = mapped_column(server_default="true")
    disabled_reason: Mapped[str | None]
    """Why it was turned off without being asked."""
    failures: Mapped[int] = mapped_column(server_default="0")
    """Failed attempts since the last one that worked."""
    not_before: Mapped[datetime | None]
    """Time until which nothing is told, as its receiver failed."""
    actor_kind: Mapped[str]
    user_id: Mapped[uuid.UUID | None]
    """The owner; None: an own key of the organisation, or the operator."""
    owner_key_id: Mapped[uuid.UUID | None]
    """The key that made it, whose end is its end."""
    job_id: Mapped[uuid.UUID | None]
    """The last job that was queued to deliver."""


class WebhookDelivery(Base, HasId, TenantScoped):
    """An event that a webhook is told of; added by triggers in the transaction of the change."""

    __tablename__ = "webhook_delivery"

    webhook_id: Mapped[uuid.UUID]
    event: Mapped[str]
    object_id: Mapped[uuid.UUID]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    """Of a document what decides who may read it, for when it is gone."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    status: Mapped[str] = mapped_column(server_default="pending")
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_at: Mapped[datetime | None] = mapped_column(server_default=func.clock_timestamp())
    response_status: Mapped[int | None]
    error: Mapped[str | None]
    duration_ms: Mapped[int | None]
    finished_at: Mapped[datetime | None]
