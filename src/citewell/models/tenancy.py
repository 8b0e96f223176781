"""Tenants, their users and groups, and credentials."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKeyConstraint, SmallInteger, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from citewell.core.database.base import Base, HasId, HasTimestamps, TenantScoped
from citewell.kit.ids import uuid7


class UserStatus(StrEnum):
    """Status of a user's account."""

    INVITED = "invited"
    ACTIVE = "active"
    DEACTIVATED = "deactivated"


class Tenant(Base, HasTimestamps):
    """An organisation; the one table whose own id is the tenant."""

    __tablename__ = "tenant"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid7)
    slug: Mapped[str]
    name: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="active")
    plan: Mapped[str] = mapped_column(server_default="unlimited")
    region: Mapped[str | None]
    limits: Mapped[dict[str, int]] = mapped_column(JSONB, server_default="{}")
    """Limits of this tenant alone, by name; they replace those of the plan."""
    has_open_registration: Mapped[bool] = mapped_column(server_default="false")
    verifier: Mapped[str | None]
    """Second reading of what a model wrote: `rules`, `model`; None: as the installation says."""
    prompts: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
    """Own texts of prompts by name; those left out are the shipped ones."""
    query_rewriting: Mapped[list[str] | None] = mapped_column(ARRAY(TEXT))
    """Questions that a model writes besides each one; None: as the installation says."""
    redaction: Mapped[str] = mapped_column(server_default="off")
    """Data that model providers are not told: none (`off`), or `personal`."""
    log_redaction: Mapped[str] = mapped_column(server_default="off")
    """Data that the log of questions is not told: none (`off`), or `personal`."""
    answer_days: Mapped[int | None]
    """How long answers are kept; 0: not at all, None: as the installation says."""
    conversation_days: Mapped[int | None]
    """How long conversations are kept after their last question; None: as the installation says."""
    trash_days: Mapped[int | None]
    """How long deleted documents can be restored; 0: not at all, None: as the installation says."""
    question_log: Mapped[str] = mapped_column(server_default="full")
    """Privacy of the log of questions: `full`, `anonymous` (not who asked), `off`."""
    has_cache: Mapped[bool] = mapped_column(server_default="true")
    """Whether replies may be kept in caches and given again."""
    second_factor_for: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default="{}")
    """Roles, and `admin`, that sign in with a second factor or a passkey only."""
    language: Mapped[str] = mapped_column(server_default="en")
    """Language of mails to users who have chosen none: `en` or `vi`."""
    question_policy: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    """Rules on questions, as `features/question_policies/schemas.py` has them; empty: none."""
    session_version: Mapped[int] = mapped_column(server_default="1")
    """Raised to end all sessions and streams of the tenant."""
    setup_hash: Mapped[bytes | None]
    """Hash of the token that makes the first account; None if there is none, or it was used."""
    setup_expires_at: Mapped[datetime | None]
    setup_closed_at: Mapped[datetime | None]
    """Time at which the tenant was found in use; no set-up token works from then on."""


class User(Base, HasId, TenantScoped, HasTimestamps):
    """A person of a tenant."""

    __tablename__ = "user_account"

    email: Mapped[str]
    """Normalised: lower case, composed Unicode, unique in the tenant."""
    name: Mapped[str] = mapped_column(server_default="")
    role: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    is_admin: Mapped[bool] = mapped_column(server_default="false")
    status: Mapped[str] = mapped_column(server_default="active")
    password_hash: Mapped[str | None]
    session_version: Mapped[int] = mapped_column(server_default="1")
    """Raised to end the user's sessions: change of role or password, logout, deactivation."""
    invitation_hash: Mapped[bytes | None]
    invitation_expires_at: Mapped[datetime | None]
    reset_hash: Mapped[bytes | None]
    """Hash of the token, given out by an administrator, that sets a new password, once."""
    reset_expires_at: Mapped[datetime | None]
    mailed_reset_hash: Mapped[bytes | None]
    """The same of the token that was mailed: anybody may ask for one, which voids no other."""
    mailed_reset_expires_at: Mapped[datetime | None]
    language: Mapped[str | None]
    """Language of mails to the user; None: that of the tenant."""
    new_email: Mapped[str | None]
    """Address that the user wants and has not confirmed yet."""
    new_email_hash: Mapped[bytes | None]
    """Hash of the token that was sent there."""
    new_email_expires_at: Mapped[datetime | None]
    second_factor_at: Mapped[datetime | None]
    """Time from which on the password needs a code beside it; None: it does not."""
    last_login_at: Mapped[datetime | None]

    def void_links(self) -> None:
        """Make void what was handed out or sent to set a password or another address."""
        self.reset_hash = self.reset_expires_at = None
        self.mailed_reset_hash = self.mailed_reset_expires_at = None
        self.new_email = self.new_email_hash = self.new_email_expires_at = None


class RefreshToken(Base, HasId, TenantScoped):
    """One token of a session; using it makes the next of its family."""

    __tablename__ = "refresh_token"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "user_id"], ["user_account.tenant_id", "user_account.id"]
        ),
    )

    user_id: Mapped[uuid.UUID]
    family_id: Mapped[uuid.UUID]
    hash: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    """End of the session, the same for the whole family: renewing does not prolong it."""
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    method: Mapped[str] = mapped_column(server_default="password")
    """How the session was begun; see `Method`."""


class ApiKey(Base, HasId, TenantScoped):
    """A credential of software; only its hash is kept."""

    __tablename__ = "api_key"

    name: Mapped[str]
    hash: Mapped[bytes]
    user_id: Mapped[uuid.UUID | None]
    """User whose rights it has; None: software of the organisation itself."""
    scopes: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default="{read,write,admin}")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Group(Base, HasId, TenantScoped, HasTimestamps):
    """A group of users that rules can name."""

    __tablename__ = "user_group"

    name: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")


class GroupMember(Base, TenantScoped):
    """A user in a group."""

    __tablename__ = "group_member"

    group_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
