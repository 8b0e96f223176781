"""Speaks OpenID Connect with a provider: discovery, exchange of codes, ID tokens, logging out."""

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from citewell.core.identity_providers import IdentityProvider
from citewell.features.sessions.errors import ProviderRefusedError, ProviderUnavailableError

ALGORITHMS = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    "Ed25519",
]  # fmt: skip
"""Signatures by a provider's own key. Neither `none` nor HS256, which the client's secret signs."""

TIMEOUT_SECONDS = 10.0
METADATA_SECONDS = 3600.0
"""Time for which a provider's description and keys are kept."""

KEYS_PAUSE_SECONDS = 30.0
"""Shortest time between two readings of its keys, whatever unknown keys are named."""

CLOCK_SKEW_SECONDS = 60
MAX_BYTES = 1024 * 1024
"""Longest reply of a provider that is read."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A provider's description and keys."""

    metadata: Mapping[str, Any]
    keys: KeySet
    read_at: float


@dataclass(slots=True)
class KnownProviders:
    """Descriptions of providers that this process has read; an object of a process."""

    by_issuer: dict[str, _Known] = field(default_factory=dict[str, _Known])


@dataclass(frozen=True, slots=True)
class Departure:
    """A sign-in that begins: where the browser goes, and what has to come back."""

    address: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """Claims of a provider about somebody who has signed in there."""

    subject: str
    email: str
    has_verified_email: bool
    name: str
    groups: frozenset[str]


async def depart(known: KnownProviders, provider: IdentityProvider, back: str) -> Departure:
    """The beginning of a sign-in at a provider.

    Raises:
        ProviderUnavailableError: It does not answer, or not as a provider does.
    """
    metadata = (await _known(known, provider)).metadata
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": back,
        "scope": " ".join(provider.scopes),
        "state": state,
        "nonce": nonce,
        # RFC 7636: whoever catches the code cannot exchange it without the verifier.
        "code_challenge": _challenge(verifier),
        "code_challenge_method": "S256",
    }
    address = _with_query(_endpoint(metadata, "authorization_endpoint"), query)
    return Departure(address, state, nonce, verifier)


async def arrive(
    known: KnownProviders,
    provider: IdentityProvider,
    back: str,
    code: str,
    departure: Departure,
    issuer: str | None,
) -> Arrival:
    """The person who has signed in at the provider, read from its ID token.

    Args:
        known: What this process knows of providers.
        provider: That which the sign-in began with.
        back: The address that the browser came back to.
        code: As it came with the browser.
        departure: The beginning of this sign-in.
        issuer: `iss` as it came with the browser (RFC 9207), if it did.

    Raises:
        ProviderRefusedError: The reply is not of this provider, for this client and sign-in.
        ProviderUnavailableError: It does not answer, or not as a provider does.
    """
    described = await _known(known, provider)
    # A reply that was meant for another provider must not bring its code here (mix-up).
    is_told = described.metadata.get("authorization_response_iss_parameter_supported") is True
    if (issuer is not None or is_told) and issuer != provider.issuer:
        raise ProviderRefusedError("the reply is of another provider")
    async with _client() as client:
        tokens = await _exchange(client, described.metadata, provider, back, code, departure)
        claims = await _claims(known, provider, tokens.get("id_token"), departure.nonce)
        more = await _user_info(client, described.metadata, provider, claims, tokens)
    return _arrival(provider, {**more, **claims})


async def leaving_address(
    known: KnownProviders, provider: IdentityProvider, back: str
) -> str | None:
    """Where the session at the provider itself ends; None if it has no such place."""
    metadata = (await _known(known, provider)).metadata
    if not metadata.get("end_session_endpoint"):
        return None
    query = {"client_id": provider.client_id, "post_logout_redirect_uri": back}
    return _with_query(_endpoint(metadata, "end_session_endpoint"), query)


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _with_query(address: str, query: dict[str, str]) -> str:
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(query)}"


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False)


async def _exchange(
    client: httpx.AsyncClient,
    metadata: Mapping[str, Any],
    provider: IdentityProvider,
    back: str,
    code: str,
    departure: Departure,
) -> dict[str, Any]:
    """The tokens that a provider gives for a code."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": back,
        "client_id": provider.client_id,
        "code_verifier": departure.verifier,
    }
    headers: dict[str, str] = {}
    if provider.client_secret is not None:
        secret = provider.client_secret.get_secret_value()
        methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if isinstance(methods, list) and "client_secret_basic" not in methods:
            form["client_secret"] = secret
        else:
            # RFC 6749, section 2.3.1: both are encoded as in a form before they are put together.
            pair = f"{quote_plus(provider.client_id)}:{quote_plus(secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    place = _endpoint(metadata, "token_endpoint")
    reply = await _sent(client, "POST", place, headers, form)
    if 400 <= reply.status_code < 500:
        raise ProviderRefusedError("the code is not accepted")
    return _read_json(reply)


async def _known(known: KnownProviders, provider: IdentityProvider) -> _Known:
    found = known.by_issuer.get(provider.issuer)
    if found is None or time.monotonic() - found.read_at > METADATA_SECONDS:
        found = await _read(known, provider)
    return found


async def _read(known: KnownProviders, provider: IdentityProvider) -> _Known:
    place = f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration"
    async with _client() as client:
        metadata = await _json(client, place)
        # The description says whose it is; another's keys would sign for this provider's users.
        if metadata.get("issuer") != provider.issuer:
            raise ProviderUnavailableError
        described = await _json(client, _endpoint(metadata, "jwks_uri"))
    try:
        keys = KeySet.import_key_set(cast(Any, described))
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise ProviderUnavailableError from error
    found = known.by_issuer[provider.issuer] = _Known(metadata, keys, time.monotonic())
    return found


async def _json(
    client: httpx.AsyncClient, place: str, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    return _read_json(await _sent(client, "GET", place, headers))


async def _sent(
    client: httpx.AsyncClient,
    method: str,
    place: str,
    headers: dict[str, str] | None,
    form: dict[str, str] | None = None,
) -> httpx.Response:
    """The reply to a request, read up to `MAX_BYTES` and within `TIMEOUT_SECONDS` altogether."""
    body = b""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            request = client.build_request(method, place, headers=headers, data=form)
            reply = await client.send(request, stream=True)
            try:
                async for part in reply.aiter_bytes():
                    body += part
                    if len(body) > MAX_BYTES:
                        raise ProviderUnavailableError
            finally:
                await reply.aclose()
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        raise ProviderUnavailableError from error
    return httpx.Response(reply.status_code, content=body, request=reply.request)


def _read_json(reply: httpx.Response) -> dict[str, Any]:
    try:
        read = reply.raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise ProviderUnavailableError from error
    if not isinstance(read, dict):
        raise ProviderUnavailableError
    return cast(dict[str, Any], read)


def _endpoint(metadata: Mapping[str, Any], name: str) -> str:
    address = metadata.get(name)
    issuer = str(metadata.get("issuer", ""))
    # Only what is reached by http itself may point to http.
    wanted = ("https://",) if issuer.startswith("https://") else ("https://", "http://")
    if not isinstance(address, str) or not address.startswith(wanted):
        raise ProviderUnavailableError
    return address


async def _claims(
    known: KnownProviders, provider: IdentityProvider, token: object, nonce: str
) -> dict[str, Any]:
    if not isinstance(token, str):
        raise ProviderRefusedError("there is no ID token")
    try:
        claims = _decoded(await _known(known, provider), token)
    except (JoseError, ValueError) as error:
        # The key may be new; it is looked for once, and not by everybody who names another.
        read_at = known.by_issuer[provider.issuer].read_at
        if time.monotonic() - read_at < KEYS_PAUSE_SECONDS:
            raise ProviderRefusedError("the ID token is not signed by it") from error
        try:
            claims = _decoded(await _read(known, provider), token)
        except (JoseError, ValueError) as again:
            raise ProviderRefusedError("the ID token is not signed by it") from again
    _require_ours(provider, claims, nonce)
    return claims


def _decoded(known: _Known, token: str) -> dict[str, Any]:
    return jwt.decode(token, known.keys, algorithms=ALGORITHMS).claims


def _require_ours(provider: IdentityProvider, claims: Mapping[str, Any], nonce: str) -> None:
    """Check what an ID token says of itself (OpenID Connect Core, 3.1.3.7).

    Raises:
        ProviderRefusedError: It is of another provider, for another client or sign-in, or old.
    """
    now, audience = time.time(), claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if claims.get("iss") != provider.issuer:
        raise ProviderRefusedError("the ID token is of another provider")
    if not isinstance(audiences, list) or provider.client_id not in audiences:
        raise ProviderRefusedError("the ID token is for another application")
    party = claims.get("azp")
    if party != provider.client_id and (party is not None or len(cast(list[Any], audiences)) > 1):
        raise ProviderRefusedError("the ID token is for another application")
    end, start = claims.get("exp"), claims.get("iat")
    if not isinstance(end, int | float) or end + CLOCK_SKEW_SECONDS < now:
        raise ProviderRefusedError("the ID token has expired")
    if not isinstance(start, int | float) or start - CLOCK_SKEW_SECONDS > now:
        raise ProviderRefusedError("the ID token is of the future")
    given = claims.get("nonce")
    if not isinstance(given, str) or not secrets.compare_digest(given.encode(), nonce.encode()):
        raise ProviderRefusedError("the ID token is of another sign-in")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise ProviderRefusedError("the ID token names nobody")


async def _user_info(
    client: httpx.AsyncClient,
    metadata: Mapping[str, Any],
    provider: IdentityProvider,
    claims: Mapping[str, Any],
    tokens: Mapping[str, Any],
) -> dict[str, Any]:
    """Claims that the ID token leaves out, where the provider tells it separately."""
    wants_groups = bool(provider.groups or provider.roles or provider.admins)
    is_whole = "email" in claims and (not wants_groups or provider.groups_claim in claims)
    if is_whole or not metadata.get("userinfo_endpoint"):
        return {}
    place = _endpoint(metadata, "userinfo_endpoint")
    more = await _json(client, place, {"Authorization": f"Bearer {tokens.get('access_token')}"})
    # Otherwise it may be about anybody (OpenID Connect Core, 5.3.2).
    if more.get("sub") != claims["sub"]:
        raise ProviderRefusedError("its two replies are about different people")
    return more


def _arrival(provider: IdentityProvider, claims: Mapping[str, Any]) -> Arrival:
    groups = claims.get(provider.groups_claim)
    if isinstance(groups, str):
        groups = [groups]
    named = cast(list[object], groups) if isinstance(groups, list) else []
    return Arrival(
        subject=claims["sub"],
        email=str(claims.get("email") or ""),
        has_verified_email=claims.get("email_verified") is True,
        name=str(claims.get("name") or claims.get("preferred_username") or ""),
        groups=frozenset(each for each in named if isinstance(each, str)),
    )
