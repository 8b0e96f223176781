"""Access tokens, signed and short-lived, and refresh tokens, random and used once."""

import base64
import hashlib
import re
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import jwt

from citewell.features.identity.errors import CredentialError

# See ADR-0010. Revocation does not depend on it: each request checks the session's version.
ACCESS_SECONDS = 15 * 60
SESSION_SECONDS = 30 * 24 * 3600
"""Longest life of a session after signing in, however often it is renewed."""

# Tokens signed here have about 500 characters; longer ones are refused before parsing.
MAX_TOKEN_CHARS = 4096

ISSUER = "citewell"
AUDIENCE = "citewell-api"
KIND = "access"
ALGORITHM = "HS256"

CLOCK_SKEW_SECONDS = 10
"""Tolerated difference between the clocks of two nodes; it does not prolong a token."""

_HEADER = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
"""The only header there is: no other algorithm, no `kid`, `jwk`, `jku` or `crit` is ever read."""

# A token without one of these is not ours; PyJWT alone would take a missing `exp` for eternal.
_CLAIMS = ["iss", "aud", "sub", "tid", "sid", "typ", "iat", "nbf", "exp", "jti", "sv"]

# Tenant's and user's version; bounded, since `int` of a long text is slow.
_VERSIONS = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})")

_OF_TENANT = re.compile(r"([a-z2-7]{26})_([A-Za-z0-9_-]{43})")
"""Tenant id in base32, then 256 random bits: the tenant is known before any row is read."""


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """Claims of an access token; whether its session still holds is asked of the database."""

    tenant_id: uuid.UUID
    user_id: uuid.UUID
    session_id: uuid.UUID
    """The family of its refresh tokens."""
    tenant_version: int
    user_version: int


def sign_access_token(key: bytes, claims: AccessClaims, seconds: int = ACCESS_SECONDS) -> str:
    """A token that holds for so many seconds."""
    now = int(time.time())
    payload = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(claims.user_id),
        "tid": str(claims.tenant_id),
        "sid": str(claims.session_id),
        "typ": KIND,
        "iat": now,
        "nbf": now,
        "exp": now + seconds,
        "jti": secrets.token_urlsafe(16),
        "sv": f"{claims.tenant_version}.{claims.user_version}",
    }
    return jwt.encode(payload, key, algorithm=ALGORITHM)


def read_access_token(key: bytes, token: str) -> AccessClaims:
    """The claims of a token that we signed for this and that has not expired.

    Raises:
        CredentialError: It is anything else; the reply does not say why.
    """
    # The header is compared as text and never parsed, which shuts out every confusion of
    # algorithms.
    if len(token) > MAX_TOKEN_CHARS or not token.startswith(f"{_HEADER}."):
        raise CredentialError
    try:
        payload = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=CLOCK_SKEW_SECONDS,
            options={"require": _CLAIMS, "strict_aud": True},
        )
        return _checked(payload)
    # A payload nested a thousand levels deep ends the JSON parser with RecursionError.
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        raise CredentialError from None


def _checked(payload: Mapping[str, Any]) -> AccessClaims:
    """The claims of a payload of ours.

    Raises:
        ValueError: A claim has the wrong type or an impossible value.
    """
    versions = _VERSIONS.fullmatch(_text(payload, "sv"))
    expiry = payload["exp"]
    is_ours = payload["typ"] == KIND and type(expiry) is int and bool(_text(payload, "jti"))
    # The allowance for clocks is not one for expired tokens.
    if not is_ours or expiry <= time.time() or versions is None:
        raise ValueError("not an access token")
    return AccessClaims(
        tenant_id=uuid.UUID(_text(payload, "tid")),
        user_id=uuid.UUID(_text(payload, "sub")),
        session_id=uuid.UUID(_text(payload, "sid")),
        tenant_version=int(versions[1]),
        user_version=int(versions[2]),
    )


def _text(payload: Mapping[str, Any], name: str) -> str:
    value = payload[name]
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value


def new_refresh_token(tenant_id: uuid.UUID) -> str:
    """A refresh token of a tenant: nothing in it can be guessed."""
    return _new_token("cwr_", tenant_id)


def new_email_token(tenant_id: uuid.UUID) -> str:
    """A token of a tenant that confirms an e-mail address, as hard to guess."""
    return _new_token("cwe_", tenant_id)


def _new_token(kind: str, tenant_id: uuid.UUID) -> str:
    tenant_part = base64.b32encode(tenant_id.bytes).decode().rstrip("=").lower()
    return f"{kind}{tenant_part}_{secrets.token_urlsafe(32)}"


def new_reset_token() -> str:
    """A token that sets a password, as hard to guess; the e-mail address finds its tenant."""
    return f"cwr_{secrets.token_urlsafe(32)}"


def tenant_of_refresh_token(token: str) -> uuid.UUID | None:
    """The tenant a refresh token names; None if it is none of ours."""
    return _tenant_of("cwr_", token)


def tenant_of_email_token(token: str) -> uuid.UUID | None:
    """The tenant that a token to confirm an address names; None if it is none of ours."""
    return _tenant_of("cwe_", token)


def _tenant_of(kind: str, token: str) -> uuid.UUID | None:
    match = _OF_TENANT.fullmatch(token.removeprefix(kind))
    if match is None or not token.startswith(kind):
        return None
    return uuid.UUID(bytes=base64.b32decode(cast(str, match[1]).upper() + "======"))


def digest_of(token: str) -> bytes:
    """SHA-256 of a token, which is what is stored; 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).digest()


def new_setup_token() -> str:
    """A token that makes the first account: 256 random bits."""
    return f"cws_{secrets.token_urlsafe(32)}"
