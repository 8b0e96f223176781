"""The declarative base, and the mixin that makes a table belong to tenants."""

import uuid
from datetime import datetime

from sqlalchemy import DateTime, MetaData, Uuid, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from citewell.kit.ids import uuid7


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData()
    type_annotation_map = {datetime: DateTime(timezone=True), uuid.UUID: Uuid()}  # noqa: RUF012 - read once


class TenantScoped:
    """A table whose rows belong to one tenant: filtered by sessions, guarded by the database."""

    tenant_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)


class HasId:
    """A UUIDv7 key beside the tenant."""

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid7)


class HasTimestamps:
    """Times of a row's creation and last change."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
