"""Errors of the program itself."""

from datetime import datetime

from sqlalchemy import BigInteger, func
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from citewell.core.database.base import Base, TenantScoped


class ErrorEvent(Base, TenantScoped):
    """A kind of error, with an example and how often it was seen."""

    __tablename__ = "error_event"

    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str]
    kind: Mapped[str]
    place: Mapped[str]
    example: Mapped[str]
    frames: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    request_id: Mapped[str | None]
    of_installation: Mapped[bool] = mapped_column(server_default="false")
    """Whether it happened in work of no tenant, or of all: for the operator alone."""
    release: Mapped[str]
    count: Mapped[int] = mapped_column(BigInteger, server_default="1")
    first_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_at: Mapped[datetime] = mapped_column(server_default=func.now())
