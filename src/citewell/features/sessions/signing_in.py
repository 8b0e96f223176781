"""Signing in with e-mail address and password, and changing the password."""

import asyncio
import time
import uuid
from dataclasses import dataclass

from citewell.core.context import SYSTEM, Caller, Context, Origin, unit_of_work
from citewell.core.emails import InvalidEmailError, normalise_email
from citewell.core.passwords import (
    check_password_rules,
    hash_password,
    verify_password,
)
from citewell.core.platform import Platform
from citewell.features.audit import service as audit
from citewell.features.identity import service as identity
from citewell.features.identity.errors import CredentialError, TenantNotFoundError
from citewell.features.sessions import repository, service, throttling
from citewell.features.sessions.errors import SignInError, TenantNeededError
from citewell.features.sessions.schemas import SessionTokens
from citewell.models.tenancy import User, UserStatus

SILENT_SECONDS = 0.25
"""Replies that must not tell whether an address is known are not sent earlier than this: three
times what one password takes, so that users of up to three tenants are covered."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A user with the address, before the password is known to be theirs."""

    tenant_id: uuid.UUID
    user_id: uuid.UUID
    password_hash: str | None
    is_active: bool


async def even_out(started: float) -> None:
    """Wait until `SILENT_SECONDS` after `started`, a `time.monotonic()`."""
    await asyncio.sleep(max(0.0, started + SILENT_SECONDS - time.monotonic()))


async def sign_in(
    platform: Platform, email: str, password: str, tenant: str | None, origin: Origin
) -> SessionTokens:
    """Begin a session.

    Raises:
        SignInError: Address and password are not those of an active user.
        TenantNeededError: They are, in several tenants, and `tenant` does not say which.
        TooManyAttemptsError: Too many have failed before.
    """
    started = time.monotonic()
    try:
        address = normalise_email(email)
    except InvalidEmailError:
        address = None  # nobody's; it takes the same time and looks the same
    attempts = throttling.Attempts(platform, address or email, origin.address)
    await attempts.admit()
    candidates = await _candidates(platform, address, tenant) if address else []
    hashes = [one.password_hash for one in candidates] or [None]
    # Every candidate is compared, also after a match and without any: the time tells nothing.
    fits = [await verify_password(password, one) for one in hashes]
    found = [
        one for one, does_fit in zip(candidates, fits, strict=False) if does_fit and one.is_active
    ]
    # Asked again: failures of guesses made at the same time count before this one is answered.
    if found:
        await attempts.admit()
    if len(found) > 1:
        raise TenantNeededError
    tokens = await _begin(platform, found[0], origin) if found else None
    if tokens is None:
        for one in candidates:
            await _note_failure(platform, one, origin)
        await attempts.note_failure()
        await even_out(started)
        raise SignInError
    return tokens


async def _candidates(platform: Platform, email: str, tenant: str | None) -> list[_Candidate]:
    if tenant is None:
        async with platform.database.unit_of_work(None) as session:
            tenants = await repository.tenants_of_email(session, email)
    else:
        try:
            tenants = [await identity.find_tenant(platform, tenant)]
        except TenantNotFoundError:
            tenants = []
    found: list[_Candidate] = []
    for tenant_id in tenants:
        async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
            user = await repository.user_by_email(ctx.session, email)
        if user is not None:
            is_active = user.status == UserStatus.ACTIVE
            found.append(_Candidate(tenant_id, user.id, user.password_hash, is_active))
    return found


async def _begin(platform: Platform, candidate: _Candidate, origin: Origin) -> SessionTokens | None:
    """The session; None if the user was changed while the password was compared."""
    async with unit_of_work(platform, Caller(candidate.tenant_id, SYSTEM, origin)) as ctx:
        user = await repository.lock_user(ctx.session, candidate.user_id)
        if user is None or not _is_as_compared(user, candidate.password_hash):
            return None
        return await service.begin(ctx, user)


def _is_as_compared(user: User, password_hash: str | None) -> bool:
    return user.status == UserStatus.ACTIVE and user.password_hash == password_hash


async def _note_failure(platform: Platform, candidate: _Candidate, origin: Origin) -> None:
    async with unit_of_work(platform, Caller(candidate.tenant_id, SYSTEM, origin)) as ctx:
        reason = "wrong_password" if candidate.is_active else "not_active"
        await audit.record(
            ctx,
            "session.refused",
            object_kind="user",
            object_id=candidate.user_id,
            details={"reason": reason},
        )


async def change_password(platform: Platform, caller: Caller, old: str, new: str) -> str:
    """Set the caller's password and end their other sessions; returns an access token.

    Raises:
        NoSessionError: The caller is no signed-in user.
        SignInError: The old password is wrong.
        TooManyAttemptsError: It was wrong too often.
        WeakPasswordError: The new one must not be used.
    """
    user_id, session_id = service.session_of(caller)
    async with unit_of_work(platform, caller) as ctx:
        user = await _known(ctx, user_id)
        tenant = await repository.tenant(ctx.session, ctx.tenant_id)
    attempts = throttling.Attempts(platform, user.email, caller.origin.address)
    await attempts.admit()
    if not await verify_password(old, user.password_hash):
        await attempts.note_failure()
        raise SignInError
    await attempts.admit()
    check_password_rules(new, user.email, user.name, tenant.slug if tenant else "")
    hashed = await hash_password(new)
    async with unit_of_work(platform, caller) as ctx:
        # The comparison took place outside of a transaction; the password may have changed since.
        locked = await repository.lock_user(ctx.session, user_id)
        if locked is None or not _is_as_compared(locked, user.password_hash):
            raise CredentialError
        locked.password_hash = hashed
        locked.session_version += 1
        await repository.end_families(ctx.session, user_id, but=session_id)
        await audit.record(ctx, "user.password_changed", object_kind="user", object_id=user_id)
        return await service.renew_access(ctx, locked, session_id)


async def _known(ctx: Context, user_id: uuid.UUID) -> User:
    user = await repository.user_by_id(ctx.session, user_id)
    if user is None:
        raise CredentialError
    return user
