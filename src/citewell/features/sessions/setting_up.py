"""The first account of an installation: made with a one-time token, until the installation is used.

Only readers of the operator's files get the token, because an installation that strangers can reach
must not hand its administration to the first of them. Set-up closes for good with the first
account, and with the first use of an API key that is not the installation's first. Documents do not
close it: without either of the two they are the operator's, who may try the library before.
"""

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from citewell.access.policy import Role
from citewell.core.context import SYSTEM, Caller, Context, Origin, unit_of_work
from citewell.core.emails import normalise_email
from citewell.core.passwords import check_password_rules, hash_password
from citewell.core.platform import Platform
from citewell.features.identity import service as identity
from citewell.features.identity.errors import TenantNotFoundError
from citewell.features.sessions import repository, service, throttling
from citewell.features.sessions.errors import SetupTokenError
from citewell.features.sessions.schemas import SessionTokens, SetupRequest
from citewell.features.sessions.second_factor import Method
from citewell.features.sessions.tokens import digest_of, new_setup_token
from citewell.features.usage import service as usage
from citewell.features.usage.service import Metric
from citewell.kit.clock import utc_now
from citewell.kit.ids import uuid7
from citewell.models.tenancy import Tenant

SETUP_HOURS = 24
"""Lifetime of a token: until the day after the installation; `citewell setup` makes a new one."""


@dataclass(frozen=True, slots=True)
class SetupOffer:
    """A set-up token that works."""

    token: str | None = field(repr=False)
    """None: it was shown elsewhere, only its hash is known here."""
    expires_at: datetime


async def offer(ctx: Context, known: str | None = None) -> SetupOffer | None:
    """The token of this installation: the one that works, or a new one if none does.

    Args:
        ctx: A unit of work in the default tenant.
        known: The token that this machine keeps, if it keeps one.

    Returns:
        None once the installation is in use.
    """
    tenant = await _lock_unused(ctx)
    if tenant is None:
        return None
    expires_at = _expiry(tenant)
    if expires_at is None:
        return _make(tenant)
    is_known = known is not None and _matches(tenant, known)
    return SetupOffer(known if is_known else None, expires_at)


async def renew(ctx: Context) -> SetupOffer | None:
    """A new token, the one before it stops working; None once the installation is in use."""
    tenant = await _lock_unused(ctx)
    return None if tenant is None else _make(tenant)


async def is_open(platform: Platform) -> bool:
    """Whether the first account can still be made, by who has the token; changes nothing."""
    try:
        tenant_id = await identity.find_tenant(platform, identity.DEFAULT_TENANT)
    except TenantNotFoundError:
        return False
    async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
        return await repository.is_unused(ctx.session, ctx.tenant_id)


async def set_up(platform: Platform, data: SetupRequest, origin: Origin) -> SessionTokens:
    """Make the first account, a director and administrator, and begin its first session.

    Raises:
        InvalidEmailError: The address is none.
        WeakPasswordError: The password must not be used.
        SetupTokenError: The token does not work; the reply does not say why.
        TooManyAttemptsError: Too many tokens were wrong before.
    """
    email = normalise_email(data.email)
    name = data.name.strip()
    check_password_rules(data.password, email, name, identity.DEFAULT_TENANT)
    attempts = throttling.Attempts(platform, email, origin.address)
    await attempts.admit_registration()
    try:
        tenant_id = await identity.find_tenant(platform, identity.DEFAULT_TENANT)
    except TenantNotFoundError:  # not even started: nobody has a token
        raise SetupTokenError from None
    caller = Caller(tenant_id, SYSTEM, origin)
    async with unit_of_work(platform, caller) as ctx:
        is_right = await _claim(ctx, data.token) is not None
    if not is_right:
        await attempts.note_failure()
        raise SetupTokenError
    # Between two transactions, as hashing takes 70 ms; the token is checked in both.
    password_hash = await hash_password(data.password)
    async with unit_of_work(platform, caller) as ctx:
        tenant = await _claim(ctx, data.token)
        if tenant is None:  # another one was faster
            raise SetupTokenError
        _close(tenant)
        user = await repository.add_user(
            ctx.session,
            tenant_id=ctx.tenant_id,
            id=uuid7(),
            email=email,
            name=name,
            role=int(Role.DIRECTOR),
            is_admin=True,
            password_hash=password_hash,
        )
        if user is None:  # made by the operator since the tenant was locked
            raise SetupTokenError
        await usage.consume(ctx, Metric.USERS)
        return await service.begin(ctx, user, "user.registered", method=Method.PASSWORD)


async def _claim(ctx: Context, token: str) -> Tenant | None:
    """The locked tenant, if this token sets it up now.

    The token is looked at first: a wrong one changes nothing.
    """
    tenant = await repository.lock_tenant(ctx.session, ctx.tenant_id)
    if tenant is None or _expiry(tenant) is None or not _matches(tenant, token):
        return None
    return tenant if await _is_unused(ctx, tenant) else None


async def _lock_unused(ctx: Context) -> Tenant | None:
    tenant = await repository.lock_tenant(ctx.session, ctx.tenant_id)
    return tenant if tenant is not None and await _is_unused(ctx, tenant) else None


async def _is_unused(ctx: Context, tenant: Tenant) -> bool:
    """Whether the locked tenant is still unused; if it is in use, set-up is closed for good."""
    if tenant.setup_closed_at is not None:
        return False
    if await repository.has_people(ctx.session):
        _close(tenant)
        return False
    return True


def _make(tenant: Tenant) -> SetupOffer:
    token, expires_at = new_setup_token(), utc_now() + timedelta(hours=SETUP_HOURS)
    tenant.setup_hash, tenant.setup_expires_at = digest_of(token), expires_at
    return SetupOffer(token, expires_at)


def _close(tenant: Tenant) -> None:
    tenant.setup_hash = tenant.setup_expires_at = None
    tenant.setup_closed_at = utc_now()


def _expiry(tenant: Tenant) -> datetime | None:
    """Expiry of the tenant's token; None if it has no valid one."""
    if tenant.setup_hash is None or tenant.setup_expires_at is None:
        return None
    return tenant.setup_expires_at if tenant.setup_expires_at > utc_now() else None


def _matches(tenant: Tenant, token: str) -> bool:
    return hmac.compare_digest(tenant.setup_hash or b"", digest_of(token))
