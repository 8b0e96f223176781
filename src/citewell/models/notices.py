"""Messages to people about their accounts, on their way by mail."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from citewell.core.database.base import Base, HasId, TenantScoped


class NoticeKind(StrEnum):
    """Subject of a message."""

    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - the name of a kind
    EMAIL_CONFIRMATION = "email_confirmation"
    EMAIL_CHANGE_ASKED = "email_change_asked"
    EMAIL_CHANGED = "email_changed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - as above
    SECOND_FACTOR_REMOVED = "second_factor_removed"
    PASSKEY_ADDED = "passkey_added"


class NoticeStatus(StrEnum):
    """Status of a message; the last three are final."""

    PENDING = "pending"
    SENT = "sent"
    """The mail server has taken it."""
    FAILED = "failed"
    WITHHELD = "withheld"
    """Its link was void, or its user gone, before it left."""


class Notice(Base, HasId, TenantScoped):
    """A message to a user, written in the transaction of what it tells of."""

    __tablename__ = "notice"

    user_id: Mapped[uuid.UUID]
    kind: Mapped[str]
    address: Mapped[str | None]
    """None: the user's address at the time it is sent."""
    sealed_token: Mapped[bytes | None]
    """The token of its link, encrypted and bound to the message; gone once it has left."""
    key_id: Mapped[uuid.UUID | None]
    """The tenant's key that the token is sealed with."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    status: Mapped[str] = mapped_column(server_default="pending")
    attempts: Mapped[int] = mapped_column(server_default="0")
    leased_until: Mapped[datetime | None]
    """Time until which one worker alone may be sending it."""
    job_id: Mapped[uuid.UUID | None]
    server_failed_at: Mapped[datetime | None]
    """Latest attempt that failed by the mail server's fault, not by the recipient's."""
    error: Mapped[str | None]
    """Why it was not sent, without addresses."""
    finished_at: Mapped[datetime | None]
