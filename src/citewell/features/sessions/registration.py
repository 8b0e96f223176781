"""Accounts that people make themselves: by invitation, or where registration is open."""

import time
import uuid
from dataclasses import dataclass, field

from citewell.access.policy import Role
from citewell.core.context import SYSTEM, Caller, Context, Origin, unit_of_work
from citewell.core.emails import normalise_email
from citewell.core.passwords import check_password_rules, hash_password
from citewell.core.platform import Platform
from citewell.features.identity import service as identity
from citewell.features.identity.errors import TenantNotFoundError
from citewell.features.sessions import repository, service, throttling
from citewell.features.sessions.errors import (
    InvitationError,
    RegistrationClosedError,
    ResetTokenError,
)
from citewell.features.sessions.schemas import PasswordResetRequest, RegisterRequest, SessionTokens
from citewell.features.sessions.signing_in import even_out, tenants_of
from citewell.features.sessions.tokens import digest_of
from citewell.features.usage import service as usage
from citewell.features.usage.service import Metric
from citewell.features.users import service as users
from citewell.kit.ids import uuid7
from citewell.models.tenancy import User, UserStatus

OPEN_ROLE = Role.GUEST
"""Role of users who register without an invitation: they read public documents only."""


@dataclass(frozen=True, slots=True)
class _Applicant:
    """Someone who registers and has no account yet."""

    platform: Platform
    email: str
    name: str
    password: str = field(repr=False)
    origin: Origin

    async def caller_in(self, slug: str) -> Caller | None:
        """The applicant in the tenant of that name; None if there is none."""
        try:
            tenant_id = await identity.find_tenant(self.platform, slug)
        except TenantNotFoundError:
            return None
        return self.caller(tenant_id)

    def caller(self, tenant_id: uuid.UUID) -> Caller:
        """The applicant in a tenant."""
        return Caller(tenant_id, SYSTEM, self.origin)


@dataclass(frozen=True, slots=True)
class _Accepted:
    """An invitation that was accepted."""

    tokens: SessionTokens | None
    """None: the user signs in with a second factor now."""


async def register(
    platform: Platform, data: RegisterRequest, origin: Origin
) -> SessionTokens | None:
    """Make an account and begin its first session.

    With open registration the result is None whether or not the address had an account, so the
    reply does not reveal which addresses exist; the owner signs in afterwards. With an invitation
    it is None where the user needs more than the password.

    Raises:
        InvalidEmailError: The address is none.
        WeakPasswordError: The password must not be used.
        InvitationError: The invitation does not hold for this address.
        RegistrationClosedError: The tenant takes nobody without invitation.
        QuotaReachedError: The tenant's plan holds no more users.
        TooManyAttemptsError: Too many invitations were wrong before.
    """
    started = time.monotonic()
    email = normalise_email(data.email)
    slug = data.tenant or identity.DEFAULT_TENANT
    check_password_rules(data.password, email, data.name, slug)
    attempts = throttling.Attempts(platform, email, origin.address)
    await attempts.admit_registration()
    applicant = _Applicant(platform, email, data.name.strip(), data.password, origin)
    if data.invitation is not None:
        accepted = await _accept_invitation(applicant, data.invitation, data.tenant)
        if accepted is None:
            await attempts.note_failure()
            raise InvitationError
        return accepted.tokens
    await _apply(applicant, slug)
    await even_out(started)
    return None


async def _apply(applicant: _Applicant, slug: str) -> None:
    """Make an account in a tenant with open registration.

    Raises:
        RegistrationClosedError: The tenant takes nobody without invitation, or is not there.
    """
    caller = await applicant.caller_in(slug)
    if caller is None:
        raise RegistrationClosedError
    async with unit_of_work(applicant.platform, caller) as ctx:
        if not await _is_open(ctx):
            raise RegistrationClosedError
    # Hashed between two transactions: neither holds a connection for 70 ms. What was checked in the
    # first one is checked again in the second.
    password_hash = await hash_password(applicant.password)
    async with unit_of_work(applicant.platform, caller) as ctx:
        if not await _is_open(ctx):
            raise RegistrationClosedError
        user = await _add(ctx, applicant, password_hash)
        # Without a user the address has an account already, which the reply must not reveal.
        if user is not None:
            await service.note(ctx, user, None, "user.registered")


async def _is_open(ctx: Context) -> bool:
    tenant = await repository.tenant(ctx.session, ctx.tenant_id)
    return tenant is not None and tenant.has_open_registration


async def _add(ctx: Context, applicant: _Applicant, password_hash: str) -> User | None:
    """The new user; None if the address is taken.

    Raises:
        QuotaReachedError: The plan holds no more users; told whether or not the address is taken.
    """
    user = await repository.add_user(
        ctx.session,
        tenant_id=ctx.tenant_id,
        id=uuid7(),
        email=applicant.email,
        name=applicant.name,
        role=int(OPEN_ROLE),
        is_admin=False,
        password_hash=password_hash,
    )
    # Counted for a taken address too, then released: otherwise a full plan would tell which
    # addresses have an account.
    await usage.consume(ctx, Metric.USERS)
    if user is None:
        await usage.release(ctx, Metric.USERS)
    return user


async def _accept_invitation(
    applicant: _Applicant, invitation: str, slug: str | None
) -> _Accepted | None:
    """The beginning of the invited user; None if there is none for this token and address."""
    # Before the invitation is looked up, so that a wrong one takes as long as a right one.
    password_hash = await hash_password(applicant.password)
    for caller in await _inviting(applicant, slug):
        async with unit_of_work(applicant.platform, caller) as ctx:
            digest = digest_of(invitation)
            user = await repository.lock_invited(ctx.session, applicant.email, digest)
            if user is not None:
                user.status = UserStatus.ACTIVE
                user.password_hash = password_hash
                user.name = applicant.name or user.name
                user.invitation_hash = user.invitation_expires_at = None
                return _Accepted(await service.begin_by_password(ctx, user, "user.registered"))
    return None


async def reset_password(
    platform: Platform, data: PasswordResetRequest, origin: Origin
) -> SessionTokens | None:
    """Set a user's password with a token.

    Their other sessions and all their passkeys end. The result is None where the user needs more
    than the password: they sign in then.

    Raises:
        InvalidEmailError: The address is none.
        WeakPasswordError: The password must not be used.
        ResetTokenError: The token does not hold for this address.
        TooManyAttemptsError: Too many tokens were wrong before.
    """
    started = time.monotonic()
    email = normalise_email(data.email)
    check_password_rules(data.new_password, email, "", data.tenant or identity.DEFAULT_TENANT)
    attempts = throttling.Attempts(platform, email, origin.address)
    await attempts.admit_registration()
    applicant = _Applicant(platform, email, "", data.new_password, origin)
    # Before the token is looked up, so that a wrong one takes as long as a right one.
    password_hash = await hash_password(data.new_password)
    digest = digest_of(data.token)
    for caller in await _inviting(applicant, data.tenant):
        async with unit_of_work(platform, caller) as ctx:
            user = await repository.lock_resetting(ctx.session, email, digest)
            if user is not None:
                user.password_hash = password_hash
                user.void_links()
                # Ends access tokens, which are not stored; the statement ends refresh tokens.
                user.session_version += 1
                await repository.end_families(ctx.session, user.id)
                # A reset is also what helps after somebody else was in: their key must not stay.
                await users.remove_passkeys(ctx, user.id)
                await attempts.note_success()
                return await service.begin_by_password(ctx, user, "user.password_reset")
    await attempts.note_failure()
    await even_out(started)
    raise ResetTokenError


async def _inviting(applicant: _Applicant, slug: str | None) -> list[Caller]:
    """The applicant in each tenant that may have invited them."""
    found = await tenants_of(applicant.platform, applicant.email, slug)
    return [applicant.caller(tenant_id) for tenant_id in found]
