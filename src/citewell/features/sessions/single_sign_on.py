"""Signing in at a provider (OpenID Connect): code flow with PKCE, accounts, groups and roles."""

import hashlib
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from pydantic import ValidationError

from citewell.access.policy import Role
from citewell.core.context import SYSTEM, Caller, Context, Origin, unit_of_work
from citewell.core.emails import InvalidEmailError, normalise_email
from citewell.core.identity_providers import IdentityProvider
from citewell.core.platform import Platform
from citewell.features.identity import service as identity
from citewell.features.identity.errors import TenantNotFoundError
from citewell.features.sessions import providers, repository, service
from citewell.features.sessions.errors import (
    CeremonyError,
    ProviderNotFoundError,
    ProviderRefusedError,
)
from citewell.features.sessions.providers import Arrival, Departure, KnownProviders
from citewell.features.sessions.schemas import ProviderRead, SessionTokens
from citewell.features.sessions.second_factor import Method
from citewell.features.users import groups
from citewell.features.users import service as users
from citewell.features.users.errors import LastAdministratorError
from citewell.features.users.schemas import RoleName, UserCreate, UserUpdate, role_of
from citewell.kit.clock import utc_now
from citewell.models.tenancy import UserStatus

KIND = "oidc"
CEREMONY_MINUTES = 10
"""Time to sign in at the provider."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in on its way to the provider."""

    address: str
    """Where the browser goes."""
    binding: str = field(repr=False)
    """Kept by the browser, so that nobody else's sign-in ends in it."""


def offered(platform: Platform) -> list[ProviderRead]:
    """The providers of the installation, by name."""
    known = platform.settings.oidc_providers
    return [ProviderRead(name=name, label=each.label or name) for name, each in known.items()]


async def begin(platform: Platform, name: str, back: str, origin: Origin) -> Begun:
    """Begin a sign-in.

    Args:
        platform: The handles of this process.
        name: Of the provider.
        back: Address that the provider sends the browser back to.
        origin: Of the request.

    Raises:
        ProviderNotFoundError: There is none of that name.
        ProviderUnavailableError: It does not answer.
    """
    provider, caller = await _provider(platform, name, origin)
    departure = await providers.depart(platform.state_of(KnownProviders), provider, back)
    binding = secrets.token_urlsafe(32)
    data = {
        "provider": name,
        "nonce": departure.nonce,
        "verifier": departure.verifier,
        "binding": _digest(binding).hex(),
    }
    async with unit_of_work(platform, caller) as ctx:
        await repository.put_ceremony(
            ctx.session,
            tenant_id=ctx.tenant_id,
            hash=_digest(departure.state),
            kind=KIND,
            data=data,
            expires_at=utc_now() + timedelta(minutes=CEREMONY_MINUTES),
        )
    return Begun(departure.address, binding)


async def finish(
    platform: Platform,
    name: str,
    back: str,
    reply: dict[str, str],
    binding: str | None,
    origin: Origin,
) -> SessionTokens:
    """The session of somebody who comes back from the provider.

    Args:
        platform: The handles of this process.
        name: Of the provider whose address the browser came back to.
        back: That address.
        reply: The parameters it came with.
        binding: What the browser kept.
        origin: Of the request.

    Raises:
        ProviderNotFoundError: There is no such provider.
        CeremonyError: This sign-in was not begun by this browser at this provider, or it is over.
        ProviderRefusedError: The provider or this installation does not let them in.
        ProviderUnavailableError: The provider does not answer.
        QuotaReachedError: The plan holds no more users.
    """
    provider, caller = await _provider(platform, name, origin)
    async with unit_of_work(platform, caller) as ctx:
        # Taken out whatever follows: a state works once.
        kept = await repository.take_ceremony(ctx.session, _digest(reply.get("state", "")), KIND)
    if kept is None or binding is None or kept["provider"] != name:
        raise CeremonyError
    if not secrets.compare_digest(kept["binding"], _digest(binding).hex()):
        raise CeremonyError
    if "code" not in reply:
        raise ProviderRefusedError("it was cancelled, or the provider does not let you in")
    departure = Departure("", reply["state"], kept["nonce"], kept["verifier"])
    arrival = await providers.arrive(
        platform.state_of(KnownProviders), provider, back, reply["code"], departure,
        reply.get("iss"),
    )  # fmt: skip
    async with unit_of_work(platform, caller) as ctx:
        user_id = await _user(ctx, provider, arrival)
        await _assign(ctx, provider, arrival, user_id)
        user = await repository.lock_user(ctx.session, user_id)
        if user is None or user.status != UserStatus.ACTIVE:
            raise ProviderRefusedError("your account here is deactivated")
        return await service.begin(ctx, user, method=Method.PROVIDER, provider=name)


async def leaving_address(platform: Platform, name: str, back: str) -> str:
    """Where the session at the provider ends too; `back` if it has no such place.

    Raises:
        ProviderNotFoundError: There is none of that name.
        ProviderUnavailableError: It does not answer.
    """
    provider = _named(platform, name)
    known = platform.state_of(KnownProviders)
    return await providers.leaving_address(known, provider, back) or back


def _named(platform: Platform, name: str) -> IdentityProvider:
    provider = platform.settings.oidc_providers.get(name)
    if provider is None:
        raise ProviderNotFoundError(name)
    return provider


async def _provider(
    platform: Platform, name: str, origin: Origin
) -> tuple[IdentityProvider, Caller]:
    provider = _named(platform, name)
    try:
        tenant_id = await identity.find_tenant(platform, provider.tenant)
    except TenantNotFoundError:
        raise ProviderNotFoundError(name) from None
    return provider, Caller(tenant_id, SYSTEM, origin)


async def _user(ctx: Context, provider: IdentityProvider, arrival: Arrival) -> uuid.UUID:
    """The user of an account at the provider: known, found by the address, or made.

    Raises:
        ProviderRefusedError: The address is not verified or not let in, or nobody may be made.
    """
    known = await repository.user_of_account(ctx.session, provider.issuer, arrival.subject)
    if known is not None:
        await users.accept_from_provider(ctx, known)  # who was invited anew to choose a password
        return known
    # Anybody can give any address to a provider that does not verify it, and would become its
    # owner here.
    if not arrival.has_verified_email:
        raise ProviderRefusedError("it has not verified your e-mail address")
    try:
        email = normalise_email(arrival.email)
    except InvalidEmailError:
        raise ProviderRefusedError("it tells no e-mail address") from None
    if not provider.lets_in(email):
        raise ProviderRefusedError("addresses of your domain are not let in")
    user = await repository.user_by_email(ctx.session, email)
    if user is None:
        if not provider.creates_users:
            raise ProviderRefusedError("there is no account for you here")
        user = await users.create_from_provider(ctx, _described(email, arrival, provider))
    else:
        await users.accept_from_provider(ctx, user.id)
    await repository.add_account(
        ctx.session, ctx.tenant_id, provider.issuer, arrival.subject, user.id
    )
    await service.note(ctx, user, None, "user.provider_linked", issuer=provider.issuer)
    return user.id


def _described(email: str, arrival: Arrival, provider: IdentityProvider) -> UserCreate:
    try:
        return UserCreate(email=email, name=arrival.name, role=_role(provider, arrival))
    except ValidationError:  # a name that is too long or has characters nobody sees
        return UserCreate(email=email, role=_role(provider, arrival))


def _role(provider: IdentityProvider, arrival: Arrival) -> RoleName:
    """The highest role that the groups at the provider give."""
    given: list[RoleName] = [
        role for group, role in provider.roles.items() if group in arrival.groups
    ]
    return sorted(given, key=role_of)[-1] if given else provider.default_role


async def _assign(
    ctx: Context, provider: IdentityProvider, arrival: Arrival, user_id: uuid.UUID
) -> None:
    """Bring role, right and groups in line with the provider, as far as they are mapped."""
    user = await users.get(ctx, user_id)
    role = _role(provider, arrival) if provider.roles else None
    is_admin = bool(arrival.groups & set(provider.admins)) if provider.admins else None
    has_role = role is None or Role(user.role) == role_of(role)
    if not has_role or (is_admin is not None and is_admin != user.is_admin):
        await _change(ctx, user_id, role, is_admin)
    wanted = {here for there, here in provider.groups.items() if there in arrival.groups}
    missing = await groups.keep_in(ctx, user_id, wanted, set(provider.groups.values()))
    if missing:
        log.warning("sign_on.groups_missing", groups=sorted(missing))


async def _change(
    ctx: Context, user_id: uuid.UUID, role: RoleName | None, is_admin: bool | None
) -> None:
    try:
        async with ctx.session.begin_nested():
            await users.update(ctx, user_id, UserUpdate(role=role, is_admin=is_admin))
    except LastAdministratorError:
        # The tenant must not be left without one because of a group elsewhere.
        log.warning("sign_on.last_administrator", user_id=str(user_id))
        await users.update(ctx, user_id, UserUpdate(role=role))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
