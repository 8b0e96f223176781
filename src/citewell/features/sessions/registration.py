"""Accounts that people make themselves: the first one, by invitation, or where it is open."""

import time
from dataclasses import dataclass

from citewell.core.access import Role
from citewell.core.context import SYSTEM, Caller, Context, Origin, unit_of_work
from citewell.core.platform import Platform
from citewell.features.identity import service as identity
from citewell.features.identity.errors import TenantNotFoundError
from citewell.features.sessions import repository, service, throttling
from citewell.features.sessions.errors import InvitationError, RegistrationClosedError
from citewell.features.sessions.schemas import RegisterRequest, SessionTokens
from citewell.features.sessions.signing_in import even_out
from citewell.features.sessions.tokens import digest_of
from citewell.features.users.emails import normalise_email
from citewell.features.users.passwords import check_password_rules, hash_password
from citewell.kit.ids import uuid7
from citewell.models.tenancy import User, UserStatus

OPEN_ROLE = Role.GUEST
"""Of whoever registers without being invited: they read what is public."""


@dataclass(frozen=True, slots=True)
class _Applicant:
    email: str
    name: str
    password_hash: str


async def register(
    platform: Platform, data: RegisterRequest, origin: Origin
) -> SessionTokens | None:
    """Make an account and begin its first session.

    With open registration the answer is None whether or not the address was known: who has the
    password signs in, and others learn nothing.

    Raises:
        InvalidEmailError: The address is none.
        WeakPasswordError: The password must not be used.
        InvitationError: The invitation does not hold for this address.
        RegistrationClosedError: The tenant takes nobody without invitation.
        TooManyAttemptsError: Too many invitations were wrong before.
    """
    started = time.monotonic()
    email = normalise_email(data.email)
    slug = data.tenant or identity.DEFAULT_TENANT
    check_password_rules(data.password, email, data.name, slug)
    attempts = throttling.Attempts(platform, email, origin.address)
    await attempts.admit_registration()
    caller = await _caller(platform, slug, data.invitation, origin)
    applicant = _Applicant(email, data.name.strip(), await hash_password(data.password))
    async with unit_of_work(platform, caller) as ctx:
        if data.invitation is None:
            tokens = await _become_first(ctx, applicant, slug) or await _join(ctx, applicant)
        else:
            tokens = await _accept(ctx, applicant, data.invitation)
    if data.invitation is not None and tokens is None:
        await attempts.note_failure()
        raise InvitationError
    if tokens is None:
        await even_out(started)
    return tokens


async def _caller(platform: Platform, slug: str, invitation: str | None, origin: Origin) -> Caller:
    """Who registers, before they are anybody; refused before any work is done for them."""
    try:
        caller = Caller(await identity.find_tenant(platform, slug), SYSTEM, origin)
    except TenantNotFoundError:
        raise RegistrationClosedError from None
    if invitation is None:
        async with unit_of_work(platform, caller) as ctx:
            if not await _is_open(ctx) and not await _is_unused(ctx, slug):
                raise RegistrationClosedError
    return caller


async def _is_open(ctx: Context) -> bool:
    tenant = await repository.tenant(ctx.session, ctx.tenant_id)
    return tenant is not None and tenant.has_open_registration


async def _is_unused(ctx: Context, slug: str) -> bool:
    """Whether this is a fresh installation, whose first user is its administrator."""
    return slug == identity.DEFAULT_TENANT and not await repository.has_users(ctx.session)


async def _become_first(ctx: Context, applicant: _Applicant, slug: str) -> SessionTokens | None:
    await repository.lock_tenant(ctx.session, ctx.tenant_id)
    if not await _is_unused(ctx, slug):
        return None
    user = await _add(ctx, applicant, Role.DIRECTOR, is_admin=True)
    return await service.begin(ctx, user, "user.registered") if user else None


async def _join(ctx: Context, applicant: _Applicant) -> None:
    """Make the account, unless the address is known: nobody is told which."""
    if not await _is_open(ctx):
        raise RegistrationClosedError
    user = await _add(ctx, applicant, OPEN_ROLE, is_admin=False)
    if user is not None:
        await service.note(ctx, user, None, "user.registered")


async def _add(ctx: Context, applicant: _Applicant, role: Role, *, is_admin: bool) -> User | None:
    """The new user; None if the address is taken."""
    return await repository.add_user(
        ctx.session,
        tenant_id=ctx.tenant_id,
        id=uuid7(),
        email=applicant.email,
        name=applicant.name,
        role=int(role),
        is_admin=is_admin,
        password_hash=applicant.password_hash,
    )


async def _accept(ctx: Context, applicant: _Applicant, invitation: str) -> SessionTokens | None:
    user = await repository.lock_invited(ctx.session, applicant.email, digest_of(invitation))
    if user is None:
        return None
    user.status = UserStatus.ACTIVE
    user.password_hash = applicant.password_hash
    user.name = applicant.name or user.name
    user.invitation_hash = user.invitation_expires_at = None
    return await service.begin(ctx, user, "user.registered")
