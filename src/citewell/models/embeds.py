"""Boxes that pages of other sites show."""

import uuid

from sqlalchemy.dialects.postgresql import ARRAY, TEXT, UUID
from sqlalchemy.orm import Mapped, mapped_column

from citewell.core.database.base import Base, HasId, HasTimestamps, TenantScoped


class Embed(Base, HasId, TenantScoped, HasTimestamps):
    """A box for questions on pages of other sites; it reads what is public."""

    __tablename__ = "embed"

    name: Mapped[str]
    """For administrators; visitors do not see it."""
    title: Mapped[str] = mapped_column(server_default="")
    """Shown above the box; empty: the name of the application."""
    origins: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    """Sites whose pages may show it, as browsers write them (`https://www.example.org`)."""
    collection_ids: Mapped[list[uuid.UUID] | None] = mapped_column(ARRAY(UUID(as_uuid=True)))
    """Where it looks; None: everywhere."""
    language: Mapped[str | None]
    """Of its words; None: the visitor's own."""
    questions_per_minute: Mapped[int] = mapped_column(server_default="30")
    """Of all its visitors together."""
    is_active: Mapped[bool] = mapped_column(server_default="true")
