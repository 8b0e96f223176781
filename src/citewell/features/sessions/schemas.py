"""Shapes of sessions."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from citewell.features.users.schemas import PersonName
from citewell.kit.bodies import RequestBody
from citewell.kit.storable import StorableText

Secret = Annotated[StorableText, Field(max_length=4096)]
Slug = Annotated[StorableText, StringConstraints(min_length=1, max_length=200)]

Code = Annotated[StorableText, Field(max_length=100)]

Credential = Annotated[
    dict[str, Any], Field(description="As `PublicKeyCredential.toJSON()` writes it.", max_length=20)
]

TENANT_HELP = "The organisation's short name."
CODE_HELP = "Second factor: six digits of the authenticator app, or a recovery code."
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
    recovery_codes: tuple[str, ...] = ()
    """The user's new recovery codes, where the session began with the first code of their app."""


class _Body(RequestBody):
    model_config = ConfigDict(hide_input_in_errors=True)


class LoginRequest(_Body):
    """Credentials to sign in with."""

    email: Secret
    password: Secret
    tenant: Slug | None = Field(default=None, description=TENANT_HELP)
    code: Code | None = Field(default=None, description=CODE_HELP)
    cookie: bool = Field(default=False, description=COOKIE_HELP)


class LoginForm(BaseModel):
    """The same as OAuth 2 clients send it (RFC 6749, section 4.3.2); a form has strings only."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    username: Secret
    password: Secret
    grant_type: Literal["password"] = "password"
    scope: StorableText = ""
    client_id: StorableText = ""
    client_secret: Secret = ""
    tenant: Slug | None = Field(default=None, description=TENANT_HELP)
    code: Code | None = Field(default=None, description=CODE_HELP)
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


class SecondFactorBegin(_Body):
    """Credentials of a user who sets up the second factor before they can sign in."""

    email: Secret
    password: Secret
    tenant: Slug | None = Field(default=None, description=TENANT_HELP)


class PasswordProof(_Body):
    """The password of the signed-in user, asked for again."""

    password: Secret


class CodeProof(_Body):
    """A code of the authenticator app."""

    code: Code = Field(description=CODE_HELP)


class BothProofs(_Body):
    """Password and code of the signed-in user, asked for again."""

    password: Secret
    code: Code = Field(description=CODE_HELP)


class PasswordChange(_Body):
    """The present password and the new one."""

    old_password: Secret
    new_password: Secret


class PasswordResetRequest(_Body):
    """A new password, set with a token."""

    email: Secret
    token: Secret = Field(description="Of an administrator, or of a link that was mailed.")
    new_password: Secret
    tenant: Slug | None = Field(default=None, description=TENANT_HELP)
    cookie: bool = Field(default=False, description=COOKIE_HELP)


class ForgottenPassword(_Body):
    """The address of somebody who has forgotten their password."""

    email: Secret
    tenant: Slug | None = Field(default=None, description=TENANT_HELP)


class EmailChange(_Body):
    """Another e-mail address of the signed-in user, with their password asked for again."""

    email: Secret = Field(description="The new one, to which a link goes.")
    password: Secret
    code: Code | None = Field(default=None, description=CODE_HELP)


class EmailConfirmation(_Body):
    """The token of the link that went to a new address."""

    token: Secret


class EmailRead(BaseModel):
    """The e-mail address of a user from now on."""

    email: str


class TokenRead(BaseModel):
    """Tokens of a session."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of the scheme
    expires_in: int = Field(description="Seconds the access token holds.")
    refresh_token: str | None = Field(
        default=None, description="To renew the session once; absent where the cookie holds it."
    )
    recovery_codes: list[str] | None = Field(
        default=None,
        description="After the first code of an app: the user's recovery codes, this once.",
    )


class SecondFactorOffer(BaseModel):
    """A secret to set an authenticator app up with; it counts once a code of it was sent."""

    secret: str = Field(description="Base32, to be typed into the app; shown this once.")
    address: str = Field(description="The same as an `otpauth:` address.")
    picture: str = Field(description="The address as a QR code, an SVG image.")


class RecoveryCodesRead(BaseModel):
    """Recovery codes, each of which stands once for a code of the app."""

    recovery_codes: list[str] = Field(description="Shown this once; those before are void.")


class SecondFactorRead(BaseModel):
    """The second factor of the signed-in user."""

    since: datetime | None = Field(description="Null: there is none.")
    is_required: bool = Field(description="Whether the organisation asks for it.")
    recovery_codes_left: int


class AcceptedRead(BaseModel):
    """The request was taken; sign in now, if that is possible."""

    status: Literal["accepted"] = "accepted"


class PasskeyOptions(BaseModel):
    """Options for `navigator.credentials` of a browser."""

    ceremony: str = Field(description="To be sent back with the credential; it holds once.")
    options: dict[str, Any] = Field(description="`publicKey`, in the JSON form of WebAuthn 3.")


class PasskeyBegin(_Body):
    """Password and code of the user who makes a passkey, asked for again."""

    password: Secret = Field(default="", description="Users without a password leave it out.")
    code: Code | None = Field(default=None, description=f"{CODE_HELP} For users who have one.")


class PasskeyCreate(_Body):
    """A passkey that a browser has made."""

    ceremony: Secret
    name: PersonName = Field(default="", description="To tell it from others.")
    credential: Credential


class PasskeySignIn(_Body):
    """A reply that an authenticator has signed."""

    ceremony: Secret
    credential: Credential
    cookie: bool = Field(default=False, description=COOKIE_HELP)


class PasskeyRead(BaseModel):
    """A passkey of the signed-in user."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    name: str
    created_at: datetime
    last_used_at: datetime | None


class PasskeysRead(BaseModel):
    """The passkeys of the signed-in user."""

    data: list[PasskeyRead]


class ProviderRead(BaseModel):
    """A provider of single sign-on."""

    name: str
    label: str = Field(description="For the button.")


class WaysInRead(BaseModel):
    """Ways to sign in besides e-mail address and password, and what becomes of a forgotten one."""

    providers: list[ProviderRead]
    resets_passwords: bool = Field(
        description="Whether `POST /auth/forgot` sends a link to set a new password."
    )
    sets_up: bool = Field(
        description="Whether `POST /auth/setup` can still make the first account."
    )


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
    signed_in_by: str | None = Field(
        description="How the session was begun: `password`, `password+code`, `passkey`, or `oidc:` "
        "and the provider's name; null for API keys."
    )
    scopes: list[str]
    tenant: TenantRead
    user: MyselfRead | None = Field(description="None for the organisation's own API keys.")
