"""Records of usage, actions, replies and changes."""

import uuid
from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import BigInteger, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from citewell.core.database.base import Base, HasId, TenantScoped


class UsageRecord(Base, TenantScoped):
    """Amount of a metric in a period, for one actor or (`TOTAL`) for the whole tenant."""

    __tablename__ = "usage_record"

    metric: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    """A day (`2027-01-31`), a month (`2027-01`) or `all` for metrics of what exists now."""
    actor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger, server_default="0")
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class AuditEvent(Base, HasId, TenantScoped):
    """A recorded action; the application's role can add and read these, nothing else."""

    __tablename__ = "audit_event"

    at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor_kind: Mapped[str]
    actor_id: Mapped[uuid.UUID | None]
    credential_id: Mapped[uuid.UUID | None]
    action: Mapped[str]
    object_kind: Mapped[str | None]
    object_id: Mapped[uuid.UUID | None]
    address: Mapped[str | None]
    request_id: Mapped[str | None]
    details: Mapped[dict[str, object]] = mapped_column(JSONB, server_default="{}")


class IdempotentReply(Base, TenantScoped):
    """The reply to a request with an `Idempotency-Key`, given again when it is repeated."""

    __tablename__ = "idempotent_reply"

    caller_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    key_hash: Mapped[bytes] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes]
    reply: Mapped[JsonValue] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Event(Base, TenantScoped):
    """Notice that an object has changed; added by triggers at commit, removed after an hour."""

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    kind: Mapped[str]
    object_id: Mapped[uuid.UUID]
    document_id: Mapped[uuid.UUID]
