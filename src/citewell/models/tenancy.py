"""Tenants and their API keys."""

import uuid
from datetime import datetime

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from citewell.core.database.base import Base, HasId, HasTimestamps, TenantScoped
from citewell.kit.ids import uuid7


class Tenant(Base, HasTimestamps):
    """An organisation; the one table whose own id is the tenant."""

    __tablename__ = "tenant"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid7)
    slug: Mapped[str]
    name: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="active")


class ApiKey(Base, HasId, TenantScoped):
    """A credential of software; only its hash is kept."""

    __tablename__ = "api_key"

    name: Mapped[str]
    hash: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
