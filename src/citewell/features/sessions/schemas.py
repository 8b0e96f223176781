"""Shapes of sessions."""

import uuid
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from citewell.features.users.schemas import PersonName
from citewell.kit.storable import StorableText

Secret = Annotated[StorableText, Field(max_length=4096)]
Slug = Annotated[StorableText, StringConstraints(min_length=1, max_length=200)]

TENANT_HELP = "The organisation's short name."
COOKIE_HELP = "Keep the refresh token in an HttpOnly cookie instead of the reply; for browsers."


@dataclass(frozen=True, slots=True)
class SessionTokens:
    """The tokens a session continues with."""

    access_token: str
    expires_in: int
    """Seconds the access token holds."""
    refresh_token: str
    refresh_expires_in: int
    """Seconds until the session ends."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class LoginRequest(_Body):
    """Credentials to sign in with."""

    email: Secret
    password: Secret
    tenant: Slug | None = Field(default=None, description=TENANT_HELP)
    cookie: bool = Field(default=False, description=COOKIE_HELP)


class LoginForm(_Body):
    """The same as OAuth 2 clients send it (RFC 6749, section 4.3.2)."""

    username: Secret
    password: Secret
    grant_type: Literal["password"] = "password"
    scope: StorableText = ""
    client_id: StorableText = ""
    client_secret: Secret = ""
    tenant: Slug | None = Field(default=None, description=TENANT_HELP)
    cookie: bool = Field(default=False, description=COOKIE_HELP)


class RegisterRequest(_Body):
    """A registration of a new account."""

    email: Secret
    password: Secret
    name: PersonName = ""
    tenant: Slug | None = Field(default=None, description=TENANT_HELP)
    invitation: Secret | None = Field(default=None, description="As an administrator gave it.")
    cookie: bool = Field(default=False, description=COOKIE_HELP)


class SetupRequest(_Body):
    """The first administrator of a new installation."""

    token: Secret = Field(description="As the start or `citewell setup` showed it.")
    email: Secret
    password: Secret
    name: PersonName = ""
    cookie: bool = Field(default=False, description=COOKIE_HELP)


class RefreshRequest(_Body):
    """The token to renew a session with; without it the browser's cookie is taken."""

    refresh_token: Secret | None = None


class LogoutRequest(_Body):
    """The session to end; without a token that of the access token or the cookie."""

    refresh_token: Secret | None = None
    everywhere: bool = Field(default=False, description="End all sessions of the user.")


class PasswordChange(_Body):
    """The present password and the new one."""

    old_password: Secret
    new_password: Secret


class TokenRead(BaseModel):
    """Tokens of a session."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of the scheme
    expires_in: int = Field(description="Seconds the access token holds.")
    refresh_token: str | None = Field(
        default=None, description="To renew the session once; absent where the cookie holds it."
    )


class AcceptedRead(BaseModel):
    """A registration that was taken, whether or not it made an account."""

    status: Literal["accepted"] = "accepted"


class TenantRead(BaseModel):
    """The organisation of the caller."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    slug: str
    name: str


class MyselfRead(BaseModel):
    """The user whose rights the caller has."""

    id: uuid.UUID
    email: str
    name: str
    role: str
    is_admin: bool


class MeRead(BaseModel):
    """The caller: credential, scopes, organisation and user."""

    kind: str = Field(description="`user` or `api_key`.")
    scopes: list[str]
    tenant: TenantRead
    user: MyselfRead | None = Field(description="None for the organisation's own API keys.")
