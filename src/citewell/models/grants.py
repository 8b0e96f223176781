"""Grants and denials, at most one for each object and user or group."""

import uuid
from datetime import datetime

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from citewell.core.database.base import Base, HasId, TenantScoped


class _Grant(HasId, TenantScoped):
    """The user or group that a rule names, and its `access.policy.Effect`."""

    user_id: Mapped[uuid.UUID | None]
    group_id: Mapped[uuid.UUID | None]
    effect: Mapped[str]
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CollectionGrant(Base, _Grant):
    """A rule on a collection and all documents in it."""

    __tablename__ = "collection_grant"

    collection_id: Mapped[uuid.UUID]


class DocumentGrant(Base, _Grant):
    """A rule on one document."""

    __tablename__ = "document_grant"

    document_id: Mapped[uuid.UUID]
