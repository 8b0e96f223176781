"""Signing in with e-mail address and password, and changing the password."""

import asyncio
import math
import time
import uuid
from dataclasses import dataclass, replace
from typing import NoReturn

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
from citewell.features.sessions import repository, second_factor, service, throttling
from citewell.features.sessions.errors import (
    SecondFactorInvalidError,
    SignInError,
    TenantNeededError,
)
from citewell.features.sessions.schemas import SecondFactorOffer, SessionTokens
from citewell.models.tenancy import Tenant, User, UserStatus

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
    """Wait until the next whole multiple of `SILENT_SECONDS` after `started`, a `time.monotonic()`.

    On a busy machine one multiple is not enough for everybody, and the rest would tell what took
    longer: noting a failure of an account that there is.
    """
    steps = math.ceil((time.monotonic() - started) / SILENT_SECONDS) or 1
    await asyncio.sleep(max(0.0, started + steps * SILENT_SECONDS - time.monotonic()))


async def sign_in(
    platform: Platform,
    email: str,
    password: str,
    tenant: str | None,
    origin: Origin,
    *,
    code: str | None = None,
) -> SessionTokens:
    """Begin a session.

    Raises:
        SignInError: Address and password are not those of an active user.
        TenantNeededError: They are, in several tenants, and `tenant` does not say which.
        SecondFactorNeededError, SecondFactorSetupError: The password alone is not enough.
        SecondFactorInvalidError: The code is not one of the user's.
        TooManyAttemptsError: Too many have failed before.
    """
    attempt = await _Attempt.begun(platform, email, password, tenant, origin)
    if code is not None:
        await attempt.attempts.admit_code()
    try:
        tokens = await _begin(platform, attempt.candidate, origin, code)
    except SecondFactorInvalidError:
        await _note_failure(platform, attempt.candidate, origin, "wrong_code")
        await attempt.attempts.note_failure()
        raise
    if tokens is None:
        await attempt.fail()
    await attempt.attempts.note_success()
    return tokens


async def offer_second_factor(
    platform: Platform, email: str, password: str, tenant: str | None, origin: Origin
) -> SecondFactorOffer:
    """A secret for the app of a user who may not sign in without it.

    Raises:
        SignInError, TenantNeededError, TooManyAttemptsError: As `sign_in` says.
        SecondFactorPresentError: They have a second factor.
    """
    attempt = await _Attempt.begun(platform, email, password, tenant, origin)
    candidate = attempt.candidate
    async with unit_of_work(platform, Caller(candidate.tenant_id, SYSTEM, origin)) as ctx:
        user = await repository.lock_user(ctx.session, candidate.user_id)
        if user is not None and _is_as_compared(user, candidate.password_hash):
            return await second_factor.offer(ctx, user)
    return await attempt.fail()


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A right password, and how a failure after it is counted."""

    platform: Platform
    origin: Origin
    started: float
    attempts: throttling.Attempts
    candidates: list[_Candidate]
    candidate: _Candidate
    """The one whose password it is."""

    @classmethod
    async def begun(
        cls, platform: Platform, email: str, password: str, tenant: str | None, origin: Origin
    ) -> "_Attempt":
        """The attempt of somebody who knows a password.

        Raises:
            SignInError, TenantNeededError, TooManyAttemptsError: As `sign_in` says.
        """
        started = time.monotonic()
        try:
            address = normalise_email(email)
        except InvalidEmailError:
            address = None  # nobody's; it takes the same time and looks the same
        attempts = throttling.Attempts(platform, address or email, origin.address)
        await attempts.admit()
        await attempts.slow_down()
        candidates = await _candidates(platform, address, tenant) if address else []
        hashes = [one.password_hash for one in candidates] or [None]
        # Every candidate is compared, also after a match and without any: the time tells nothing.
        fits = [await verify_password(password, one) for one in hashes]
        found = [
            one
            for one, does_fit in zip(candidates, fits, strict=False)
            if does_fit and one.is_active
        ]
        # Asked again: failures of guesses made at the same time count before this is answered.
        if found:
            await attempts.admit()
        if len(found) > 1:
            raise TenantNeededError
        if not found:
            await _fail(platform, origin, started, attempts, candidates)
        return cls(platform, origin, started, attempts, candidates, found[0])

    async def fail(self) -> NoReturn:
        """Refuse the attempt as if the password were wrong."""
        await _fail(self.platform, self.origin, self.started, self.attempts, self.candidates)


async def _fail(
    platform: Platform,
    origin: Origin,
    started: float,
    attempts: throttling.Attempts,
    candidates: list[_Candidate],
) -> NoReturn:
    for one in candidates:
        await _note_failure(platform, one, origin)
    await attempts.note_failure()
    await even_out(started)
    raise SignInError


async def tenants_of(platform: Platform, email: str, slug: str | None) -> list[uuid.UUID]:
    """The tenants to look for an address in: the one of that name, or those who have a user of it.

    Nothing is told of it: where there is none of that name the result is empty.
    """
    if slug is None:
        async with platform.database.unit_of_work(None) as session:
            return await repository.tenants_of_email(session, email)
    try:
        return [await identity.find_tenant(platform, slug)]
    except TenantNotFoundError:
        return []


async def _candidates(platform: Platform, email: str, tenant: str | None) -> list[_Candidate]:
    found: list[_Candidate] = []
    for tenant_id in await tenants_of(platform, email, tenant):
        async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
            user = await repository.user_by_email(ctx.session, email)
        if user is not None:
            is_active = user.status == UserStatus.ACTIVE
            found.append(_Candidate(tenant_id, user.id, user.password_hash, is_active))
    return found


async def _begin(
    platform: Platform, candidate: _Candidate, origin: Origin, code: str | None
) -> SessionTokens | None:
    """The session; None if the user was changed while the password was compared."""
    async with unit_of_work(platform, Caller(candidate.tenant_id, SYSTEM, origin)) as ctx:
        user = await repository.lock_user(ctx.session, candidate.user_id)
        if user is None or not _is_as_compared(user, candidate.password_hash):
            return None
        passed = await second_factor.passed(ctx, user, code)
        if passed.recovery_codes:
            await service.note(ctx, user, None, "user.second_factor_added")
        if passed.did_recover:
            await service.note(ctx, user, None, "user.recovery_code_used")
        tokens = await service.begin(ctx, user, method=passed.method)
        return replace(tokens, recovery_codes=passed.recovery_codes)


def _is_as_compared(user: User, password_hash: str | None) -> bool:
    return user.status == UserStatus.ACTIVE and user.password_hash == password_hash


async def _note_failure(
    platform: Platform, candidate: _Candidate, origin: Origin, reason: str | None = None
) -> None:
    async with unit_of_work(platform, Caller(candidate.tenant_id, SYSTEM, origin)) as ctx:
        reason = reason or ("wrong_password" if candidate.is_active else "not_active")
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
    user, tenant = await proved(platform, caller, old)
    check_password_rules(new, user.email, user.name, tenant.slug if tenant else "")
    hashed = await hash_password(new)
    async with unit_of_work(platform, caller) as ctx:
        # The comparison took place outside of a transaction; the password may have changed since.
        locked = await repository.lock_user(ctx.session, user_id)
        if locked is None or not _is_as_compared(locked, user.password_hash):
            raise CredentialError
        locked.password_hash = hashed
        locked.void_links()
        locked.session_version += 1
        await repository.end_families(ctx.session, user_id, but=session_id)
        await service.note(ctx, locked, session_id, "user.password_changed")
        return await service.renew_access(ctx, locked, session_id)


async def proved(platform: Platform, caller: Caller, password: str) -> tuple[User, Tenant | None]:
    """The signed-in user and their tenant, after the password was asked for again.

    Raises:
        NoSessionError: The caller is no signed-in user.
        SignInError: The password is wrong.
        TooManyAttemptsError: It was wrong too often.
    """
    user_id, _ = service.session_of(caller)
    async with unit_of_work(platform, caller) as ctx:
        user = await _known(ctx, user_id)
        tenant = await repository.tenant(ctx.session, ctx.tenant_id)
    attempts = throttling.Attempts(platform, user.email, caller.origin.address)
    await attempts.admit()
    if not await verify_password(password, user.password_hash):
        await attempts.note_failure()
        raise SignInError
    await attempts.admit()
    return user, tenant


async def _known(ctx: Context, user_id: uuid.UUID) -> User:
    user = await repository.user_by_id(ctx.session, user_id)
    if user is None:
        raise CredentialError
    return user
