"""Registers clients, asks people about them, and gives them keys of limited scope.

Nothing is kept of a client: its id is what it has registered, sealed. A code is sealed too; the key
it stands for is made when a person agrees, ends within a minute, and lives on once the code has
been exchanged. So a code works once, on any node, and a client's access is a key like others, which
its user sees and revokes.
"""

import base64
import hashlib
import hmac
import ipaddress
import re
import uuid
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

from pydantic import BaseModel, ValidationError

from citewell.core.context import SYSTEM, Caller, Context, Origin, unit_of_work
from citewell.core.platform import Platform
from citewell.core.sealing import SealBrokenError, seal_token, unseal_token
from citewell.features.identity import keys
from citewell.features.identity.schemas import ApiKeyCreate
from citewell.features.oauth.errors import (
    InvalidClientError,
    InvalidClientMetadataError,
    InvalidGrantError,
    InvalidRedirectError,
    InvalidScopeError,
    InvalidTargetError,
)
from citewell.features.oauth.schemas import (
    AuthorizationAsked,
    AuthorizationGrant,
    AuthorizationRead,
    ClientMetadata,
    ClientRead,
    ClientToken,
    ResourceMetadata,
    SentBack,
    ServerMetadata,
)
from citewell.features.sessions import service as sessions
from citewell.kit.clock import utc_now
from citewell.kit.visible import visible_line

SCOPES = ("read", "write")
"""Scopes that a client may be given; never `admin`."""

KEY_DAYS = 90
"""Lifetime of a client's access; without refresh tokens a person agrees once more afterwards."""

CODE_SECONDS = 60
"""Lifetime of a code (RFC 6749, 4.1.2: ten minutes at most)."""

MCP_PATH = "/mcp"
LOOPBACK = ("127.0.0.1", "localhost", "::1")

COMMON_SCHEMES = frozenset({
    "about", "blob", "data", "file", "filesystem", "ftp", "ftps", "http", "https", "intent",
    "javascript", "mailto", "sms", "tel", "vbscript", "view-source", "ws", "wss",
})  # fmt: skip
"""Schemes that are no program's own: browsers run, show or send what they name."""

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{2,}")
_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")

_CLIENT, _CODE = "oauth client", "oauth code"


class _Client(BaseModel):
    name: str
    redirect_uris: list[str]


class _Code(BaseModel):
    tenant_id: str
    key_id: str
    secret: str
    client: str
    """Hash of the client's id."""
    redirect_uri: str
    challenge: str
    scope: str
    pending_until: datetime
    """End of the key until it is exchanged: as long as it has this one, it was not."""


def resource_metadata(address: str) -> ResourceMetadata:
    """Where a client of the protocol gets access; `address` is this installation's."""
    return ResourceMetadata(
        resource=f"{address}{MCP_PATH}",
        authorization_servers=[address],
        scopes_supported=list(SCOPES),
        bearer_methods_supported=["header"],
        resource_name="Citewell",
    )


def server_metadata(address: str) -> ServerMetadata:
    """How a client gets access."""
    endpoints = f"{address}/api/v1/auth/oauth"
    return ServerMetadata(
        issuer=address,
        authorization_endpoint=f"{address}/authorize",
        token_endpoint=f"{endpoints}/token",
        registration_endpoint=f"{endpoints}/register",
        scopes_supported=list(SCOPES),
        response_types_supported=["code"],
        grant_types_supported=["authorization_code"],
        token_endpoint_auth_methods_supported=["none"],
        code_challenge_methods_supported=["S256"],
        authorization_response_iss_parameter_supported=True,
    )


def register(platform: Platform, data: ClientMetadata) -> ClientRead:
    """Register a client, of which nothing is kept.

    Raises:
        InvalidRedirectError: An address is neither HTTPS nor a program's own on its user's machine.
        InvalidClientMetadataError: Its name cannot be shown, or its addresses are too long.
    """
    for each in data.redirect_uris:
        _require_usable(each)
    try:
        name = visible_line(data.client_name or "") or "A client"
    except ValueError as error:
        raise InvalidClientMetadataError(f"client_name: {error}") from error
    if sum(map(len, data.redirect_uris)) > 1_500:
        raise InvalidClientMetadataError("The redirect URIs are too long together.")
    client = _Client(name=name, redirect_uris=data.redirect_uris)
    sealed = seal_token(platform.token_key, _CLIENT, client.model_dump_json())
    return ClientRead(
        client_id=sealed,
        client_id_issued_at=int(utc_now().timestamp()),
        client_name=name,
        redirect_uris=data.redirect_uris,
        grant_types=["authorization_code"],
        response_types=["code"],
        scope=" ".join(SCOPES),
    )


def ask(platform: Platform, asked: AuthorizationAsked, address: str) -> AuthorizationRead:
    """Details of a request that a person is asked about.

    Raises:
        InvalidClientError, InvalidRedirectError, InvalidScopeError, InvalidTargetError: It cannot
            be granted; the browser is not sent back, as the address may be anybody's.
    """
    client = _client_of(platform, asked, address)
    return AuthorizationRead(
        client_name=client.name,
        redirect_host=_host_shown(asked.redirect_uri),
        scopes=_scopes_in(asked.scope),
        expires_in_days=KEY_DAYS,
    )


async def decide(
    ctx: Context, platform: Platform, grant: AuthorizationGrant, address: str
) -> SentBack:
    """Send the browser back with a code, or with the refusal.

    Raises:
        NoSessionError: The caller is a key, not a person.
        ForbiddenError: They do not have one of the scopes themselves.
        InvalidClientError, InvalidRedirectError, InvalidScopeError, InvalidTargetError: As `ask`.
    """
    sessions.session_of(ctx.caller)
    client = _client_of(platform, grant, address)
    back: dict[str, str] = {"iss": address}
    if grant.state is not None:
        back["state"] = grant.state
    if not grant.approve:
        return _sent_back(grant.redirect_uri, {**back, "error": "access_denied"})
    scopes = _scopes_in(grant.scope)
    until = utc_now() + timedelta(seconds=CODE_SECONDS)
    wanted: dict[str, Any] = {"name": client.name, "scopes": scopes, "expires_at": until}
    made = await keys.create(ctx, ApiKeyCreate.model_validate(wanted))
    code = _Code(
        tenant_id=str(ctx.tenant_id),
        key_id=str(made.id),
        secret=made.key,
        client=_hash(grant.client_id),
        redirect_uri=grant.redirect_uri,
        challenge=grant.code_challenge,
        scope=" ".join(scopes),
        pending_until=until,
    )
    sealed = seal_token(platform.token_key, _CODE, code.model_dump_json())
    return _sent_back(grant.redirect_uri, {**back, "code": sealed})


async def exchange(
    platform: Platform,
    origin: Origin,
    *,
    code: str,
    client_id: str,
    redirect_uri: str,
    verifier: str,
) -> ClientToken:
    """Exchange a code for the access it stands for; one that comes again ends that access.

    Raises:
        InvalidGrantError: It does not work, or not for this client, address and verifier.
    """
    try:
        given = _Code.model_validate_json(unseal_token(platform.token_key, _CODE, code))
    except (SealBrokenError, ValidationError):
        raise InvalidGrantError from None
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    is_right = (
        hmac.compare_digest(given.client, _hash(client_id))
        and given.redirect_uri == redirect_uri
        and hmac.compare_digest(given.challenge.encode(), challenge)
    )
    if not is_right:
        raise InvalidGrantError
    ends = utc_now() + timedelta(days=KEY_DAYS)
    caller = Caller(uuid.UUID(given.tenant_id), SYSTEM, origin)
    async with unit_of_work(platform, caller) as ctx:
        key_id = uuid.UUID(given.key_id)
        is_first = await keys.confirm(ctx, key_id, given.pending_until, ends)
        if not is_first:
            await keys.revoke_if_there(ctx, key_id)
    if not is_first:
        raise InvalidGrantError
    return ClientToken(
        access_token=given.secret, expires_in=KEY_DAYS * 24 * 3_600, scope=given.scope
    )


def _client_of(platform: Platform, asked: AuthorizationAsked, address: str) -> _Client:
    try:
        sealed = unseal_token(platform.token_key, _CLIENT, asked.client_id)
        client = _Client.model_validate_json(sealed)
    except (SealBrokenError, ValidationError):
        raise InvalidClientError from None
    if not any(_fits(asked.redirect_uri, each) for each in client.redirect_uris):
        raise InvalidRedirectError("The client has not registered this redirect URI.")
    # An id outlives the rules that it was given out by, and here the port may be another.
    _require_usable(asked.redirect_uri)
    if asked.resource is not None and asked.resource.rstrip("/") not in (
        address, f"{address}{MCP_PATH}",
    ):  # fmt: skip
        raise InvalidTargetError
    return client


def _require_usable(uri: str) -> None:
    """Check an address for codes: HTTPS, or a program's own on its user's machine (RFC 8252).

    It must read the same to browsers as to us, as the page names the place that it leads to.
    """
    if not (uri.isascii() and uri.isprintable()) or any(mark in uri for mark in ("\\", "#", " ")):
        raise InvalidRedirectError(
            "A redirect URI has no backslash, no fragment and no blank or other hidden character."
        )
    try:
        parts = urlsplit(uri)
        is_place = _is_place(parts)
    except ValueError:
        raise InvalidRedirectError("A redirect URI is none.") from None
    if parts.scheme in ("https", "http"):
        is_safe = is_place and (parts.scheme == "https" or parts.hostname in LOOPBACK)
    else:
        is_safe = _is_private_use(parts.scheme) and (is_place or not parts.netloc)
        is_safe = is_safe and bool(parts.netloc or parts.path)
    if not is_safe:
        raise InvalidRedirectError(
            "A redirect URI must begin with https://, with http:// and a loopback name, or with a "
            "scheme of the program's own, and name its host in letters, digits, dots and hyphens."
        )


def _is_place(parts: SplitResult) -> bool:
    """Whether an address names a host, and perhaps a port, and nobody's name or password.

    Raises:
        ValueError: The port or the literal of IPv6 is none.
    """
    if not _HOST.fullmatch(parts.netloc) or parts.port == 0:
        return False
    if parts.netloc.startswith("["):
        ipaddress.IPv6Address(parts.hostname or "")
    return True


def _is_private_use(scheme: str) -> bool:
    """Whether a scheme may be a program's own (RFC 8252, 7.1)."""
    return _SCHEME.fullmatch(scheme) is not None and scheme not in COMMON_SCHEMES


def _host_shown(uri: str) -> str:
    """The place that an address leads to; with its scheme where a program has one of its own."""
    parts = urlsplit(uri)
    if parts.scheme in ("https", "http"):
        return parts.hostname or ""
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


def _fits(given: str, registered: str) -> bool:
    """Whether an address is a registered one; a program's own may have any port (RFC 8252, 7.3)."""
    if given == registered:
        return True
    try:
        one, other = urlsplit(given), urlsplit(registered)
        _ = one.port
    except ValueError:
        return False
    if one.scheme != "http" or one.hostname not in LOOPBACK or one.username or one.fragment:
        return False
    return (one.scheme, one.hostname, one.path, one.query) == (
        other.scheme, other.hostname, other.path, other.query,
    )  # fmt: skip


def _scopes_in(text: str) -> list[str]:
    """The scopes that are asked for, as far as clients may be given them; without any `read`."""
    wanted = text.split()
    found = [scope for scope in SCOPES if scope in wanted]
    if wanted and not found:
        raise InvalidScopeError
    return found or ["read"]


def _sent_back(redirect_uri: str, values: dict[str, str]) -> SentBack:
    separator = "&" if urlsplit(redirect_uri).query else "?"
    return SentBack(redirect_to=f"{redirect_uri}{separator}{urlencode(values)}")


def _hash(client_id: str) -> str:
    return hashlib.sha256(client_id.encode()).hexdigest()
