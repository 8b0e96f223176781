"""The second factor as its signed-in user sets it up, renews and removes it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.features.identity.errors import CredentialError
from citewell.features.sessions import repository, second_factor, service, signing_in, throttling
from citewell.features.sessions.errors import (
    CodeNeededError,
    SecondFactorInvalidError,
    SignInAgainError,
)
from citewell.features.sessions.schemas import SecondFactorOffer, SecondFactorRead
from citewell.features.sessions.second_factor import Method
from citewell.kit.clock import utc_now
from citewell.kit.ids import created_at
from citewell.models.tenancy import User

FRESH_MINUTES = 10
"""Age of a session that still shows who is there, where there is no password to ask for: that of
a sign-in at a provider (`single_sign_on.CEREMONY_MINUTES`)."""


async def state(ctx: Context) -> SecondFactorRead:
    """The caller's second factor.

    Raises:
        NoSessionError: The caller is no signed-in user.
        CredentialError: The user was removed a moment ago.
    """
    user_id, _ = service.session_of(ctx.caller)
    user = await repository.user_by_id(ctx.session, user_id)
    tenant = await repository.tenant(ctx.session, ctx.tenant_id)
    if user is None or tenant is None:
        raise CredentialError
    factor = await repository.second_factor(ctx.session, user.id)
    is_on = user.second_factor_at is not None and factor is not None
    return SecondFactorRead(
        since=user.second_factor_at,
        is_required=second_factor.is_required(tenant, user),
        recovery_codes_left=len(factor.recovery_hashes) if factor and is_on else 0,
    )


async def offer(platform: Platform, caller: Caller, password: str) -> SecondFactorOffer:
    """A secret for the caller's app.

    Raises:
        NoSessionError, SignInError, TooManyAttemptsError: As `signing_in.proved` says.
        SecondFactorPresentError: The caller has a second factor.
    """
    await signing_in.proved(platform, caller, password)
    async with _locked(platform, caller) as (ctx, user):
        return await second_factor.offer(ctx, user)


async def confirm(platform: Platform, caller: Caller, code: str) -> list[str]:
    """Put the offered factor to use; returns the caller's recovery codes.

    Raises:
        NoSessionError: The caller is no signed-in user.
        SecondFactorMissingError, SecondFactorPresentError: There is nothing to confirm.
        SecondFactorInvalidError: The code is wrong.
        TooManyAttemptsError: Too many were sent.
    """
    async with _locked(platform, caller, code) as (ctx, user):
        codes = await second_factor.confirm(ctx, user, code)
        _, session_id = service.session_of(caller)
        await repository.set_method(ctx.session, session_id, Method.CODE)
        await service.note(ctx, user, session_id, "user.second_factor_added")
        return codes


async def renew_codes(platform: Platform, caller: Caller, password: str, code: str) -> list[str]:
    """New recovery codes; those before are void.

    Raises:
        NoSessionError, SignInError, TooManyAttemptsError: As `signing_in.proved` says.
        SecondFactorMissingError: The caller has no second factor.
        SecondFactorInvalidError: The code is wrong.
    """
    await signing_in.proved(platform, caller, password)
    async with _locked(platform, caller, code) as (ctx, user):
        await second_factor.spend(ctx, user, code)
        codes = second_factor.renew_codes(await second_factor.factor_of(ctx, user))
        await service.note(ctx, user, service.session_of(caller)[1], "user.recovery_codes_made")
        return codes


async def remove(platform: Platform, caller: Caller, password: str, code: str) -> None:
    """Take the caller's second factor away.

    Raises:
        NoSessionError, SignInError, TooManyAttemptsError: As `signing_in.proved` says.
        SecondFactorMissingError: The caller has no second factor.
        SecondFactorInvalidError: The code is wrong.
        SecondFactorRequiredError: The tenant asks for it.
    """
    await signing_in.proved(platform, caller, password)
    async with _locked(platform, caller, code) as (ctx, user):
        await second_factor.spend(ctx, user, code)
        await second_factor.remove(ctx, user)
        await service.note(ctx, user, service.session_of(caller)[1], "user.second_factor_removed")


async def proved(platform: Platform, caller: Caller, password: str, code: str | None) -> None:
    """Have the signed-in user show again all that they sign in with.

    Raises:
        NoSessionError, SignInError, TooManyAttemptsError: As `signing_in.proved` says.
        CodeNeededError, SecondFactorInvalidError: The code is missing or wrong.
        SignInAgainError: They sign in elsewhere, and have not done so for `FRESH_MINUTES`.
    """
    user_id, session_id = service.session_of(caller)
    async with unit_of_work(platform, caller) as ctx:
        user = await repository.user_by_id(ctx.session, user_id)
    if user is None:
        raise CredentialError
    if user.password_hash is None:
        # People from a provider have nothing to show here but that they have just come from it.
        if utc_now() - created_at(session_id) > timedelta(minutes=FRESH_MINUTES):
            raise SignInAgainError
        return
    await signing_in.proved(platform, caller, password)
    if user.second_factor_at is None:
        return
    if not code:
        raise CodeNeededError
    async with _locked(platform, caller, code) as (ctx, locked):
        await second_factor.spend(ctx, locked, code)


@asynccontextmanager
async def _locked(
    platform: Platform, caller: Caller, code: str | None = None
) -> AsyncGenerator[tuple[Context, User], None]:
    """A unit of work with the caller locked; a code that is tried in it is counted before."""
    user_id, _ = service.session_of(caller)
    async with unit_of_work(platform, caller) as ctx:
        known = await repository.user_by_id(ctx.session, user_id)
    if known is None:
        raise CredentialError
    attempts = throttling.Attempts(platform, known.email, caller.origin.address)
    if code is not None:
        await attempts.admit_code()
    try:
        async with unit_of_work(platform, caller) as ctx:
            user = await repository.lock_user(ctx.session, user_id)
            if user is None:
                raise CredentialError
            yield ctx, user
    except SecondFactorInvalidError:
        await attempts.note_failure()
        raise
