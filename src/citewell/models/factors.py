"""Second factors, passkeys and accounts elsewhere, by which users sign in."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, LargeBinary, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from citewell.core.database.base import Base, HasId, TenantScoped


class SecondFactor(Base, TenantScoped):
    """An authenticator app of a user; in use once `User.second_factor_at` is set."""

    __tablename__ = "second_factor"

    user_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    sealed_secret: Mapped[bytes]
    """Encrypted; bound to the user."""
    key_id: Mapped[uuid.UUID]
    """The tenant's key that it was sealed with."""
    last_step: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Time step of the last code that was accepted: it and those before are refused."""
    recovery_hashes: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary), server_default="{}")
    """Hashes of the recovery codes that are left."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SignInCeremony(Base, TenantScoped):
    """A sign-in that is under way elsewhere: at a provider, or in front of an authenticator."""

    __tablename__ = "sign_in_ceremony"

    hash: Mapped[bytes] = mapped_column(primary_key=True)
    """Of the random text by which the browser names it."""
    kind: Mapped[str]
    data: Mapped[dict[str, str]] = mapped_column(JSONB)
    expires_at: Mapped[datetime]


class ProviderAccount(Base, TenantScoped):
    """The account of a user at a provider of single sign-on."""

    __tablename__ = "provider_account"

    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Passkey(Base, HasId, TenantScoped):
    """A key pair in an authenticator of a user; only its public half is here."""

    __tablename__ = "passkey"

    user_id: Mapped[uuid.UUID]
    credential_id: Mapped[bytes]
    """The authenticator's own name for it."""
    public_key: Mapped[bytes]
    sign_count: Mapped[int] = mapped_column(BigInteger)
    """As the authenticator counted last; 0 where it does not count."""
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime | None]
