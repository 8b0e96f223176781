"""The second factor: a code of an authenticator app beside the password, or a recovery code."""

import time
import uuid
from dataclasses import dataclass
from enum import StrEnum

from citewell.access.policy import Role
from citewell.core.blobs.encryption import Purpose
from citewell.core.context import Context
from citewell.core.sealing import seal, unseal
from citewell.features.sessions import repository, totp
from citewell.features.sessions.errors import (
    SecondFactorInvalidError,
    SecondFactorMissingError,
    SecondFactorNeededError,
    SecondFactorPresentError,
    SecondFactorRequiredError,
    SecondFactorSetupError,
)
from citewell.features.sessions.schemas import SecondFactorOffer
from citewell.kit.clock import utc_now
from citewell.models.factors import SecondFactor
from citewell.models.tenancy import Tenant, User

ADMINISTRATORS = "admin"
"""Name in `Tenant.second_factor_for` of all users with the right of administration."""


class Method(StrEnum):
    """How a session was begun."""

    PASSWORD = "password"  # noqa: S105 - the name of a method
    CODE = "password+code"
    PASSKEY = "passkey"
    PROVIDER = "oidc"


@dataclass(frozen=True, slots=True)
class Passed:
    """A password with what had to stand beside it."""

    method: Method
    recovery_codes: tuple[str, ...] = ()
    """The user's new recovery codes, where this was the first code of their app."""
    did_recover: bool = False
    """Whether a recovery code was used up."""


def is_required(tenant: Tenant, user: User) -> bool:
    """Whether the tenant lets the user in with a second factor or a passkey only."""
    named = set(tenant.second_factor_for)
    return Role(user.role).name.lower() in named or (user.is_admin and ADMINISTRATORS in named)


async def is_password_enough(ctx: Context, user: User) -> bool:
    """Whether the user signs in with the password alone."""
    tenant = await repository.tenant(ctx.session, ctx.tenant_id)
    return user.second_factor_at is None and not (tenant and is_required(tenant, user))


async def passed(ctx: Context, user: User, code: str | None) -> Passed:
    """The way in of a locked user whose password was right.

    Raises:
        SecondFactorNeededError: The user has a second factor, and no code was sent.
        SecondFactorSetupError: The tenant asks for one that the user does not have yet.
        SecondFactorInvalidError: The code is wrong or was used before.
    """
    if await is_password_enough(ctx, user):
        return Passed(Method.PASSWORD)
    if user.second_factor_at is not None:
        if code is None:
            raise SecondFactorNeededError
        return Passed(Method.CODE, did_recover=await spend(ctx, user, code))
    if code is None:
        raise SecondFactorSetupError
    return Passed(Method.CODE, recovery_codes=tuple(await confirm(ctx, user, code)))


async def offer(ctx: Context, user: User) -> SecondFactorOffer:
    """A secret for the app of a locked user, in use once `confirm` gets a code of it.

    Raises:
        SecondFactorPresentError: The user has a second factor.
    """
    if user.second_factor_at is not None:
        raise SecondFactorPresentError
    secret = totp.new_secret()
    key = await ctx.platform.keys.active_in(ctx.session, ctx.tenant_id, Purpose.SECRETS)
    sealed = seal(key, secret, _place(user.id))
    await repository.put_second_factor(ctx.session, ctx.tenant_id, user.id, sealed, key.id)
    tenant = await repository.tenant(ctx.session, ctx.tenant_id)
    address = totp.address_of(
        secret, user.email, f"Citewell {tenant.name if tenant else ''}".strip()
    )
    return SecondFactorOffer(secret=secret, address=address, picture=totp.picture_of(address))


async def confirm(ctx: Context, user: User, code: str) -> list[str]:
    """Put the offered factor of a locked user to use; returns their recovery codes.

    Raises:
        SecondFactorMissingError: None was offered.
        SecondFactorPresentError: It is in use already.
        SecondFactorInvalidError: The code is wrong.
    """
    if user.second_factor_at is not None:
        raise SecondFactorPresentError
    factor = await _factor(ctx, user)
    await _spend_code(ctx, user, factor, code)
    user.second_factor_at = utc_now()
    return renew_codes(factor)


def renew_codes(factor: SecondFactor) -> list[str]:
    """New recovery codes; those before are void."""
    codes = totp.new_recovery_codes()
    factor.recovery_hashes = [totp.recovery_hash(each) for each in codes]
    return codes


async def spend(ctx: Context, user: User, code: str) -> bool:
    """Use up a code of a locked user; returns whether it was a recovery code.

    Raises:
        SecondFactorMissingError: The user has no second factor.
        SecondFactorInvalidError: The code is wrong or was used before.
    """
    if user.second_factor_at is None:
        raise SecondFactorMissingError
    factor = await _factor(ctx, user)
    given = code.strip().replace(" ", "")
    digest = totp.recovery_hash(given)
    if not totp.CODE.fullmatch(given) and digest in factor.recovery_hashes:
        factor.recovery_hashes = [each for each in factor.recovery_hashes if each != digest]
        return True
    await _spend_code(ctx, user, factor, given)
    return False


async def remove(ctx: Context, user: User) -> None:
    """Take the factor of a locked user away.

    Raises:
        SecondFactorRequiredError: The tenant asks for it.
    """
    tenant = await repository.tenant(ctx.session, ctx.tenant_id)
    if tenant is not None and is_required(tenant, user):
        raise SecondFactorRequiredError
    await repository.remove_second_factor(ctx.session, user.id)
    user.second_factor_at = None


async def factor_of(ctx: Context, user: User) -> SecondFactor:
    """The factor of a user who has one.

    Raises:
        SecondFactorMissingError: They have none.
    """
    return await _factor(ctx, user)


async def _factor(ctx: Context, user: User) -> SecondFactor:
    factor = await repository.second_factor(ctx.session, user.id)
    if factor is None:
        raise SecondFactorMissingError
    return factor


async def _spend_code(ctx: Context, user: User, factor: SecondFactor, code: str) -> None:
    keys = ctx.platform.keys
    key = await keys.by_id_in(ctx.session, ctx.tenant_id, Purpose.SECRETS, factor.key_id)
    secret = unseal(key, factor.sealed_secret, _place(user.id))
    # The user's lock makes parallel uses of one code wait: the second sees the first one's step.
    step = totp.step_of(secret, code.strip().replace(" ", ""), time.time(), factor.last_step)
    if step is None:
        raise SecondFactorInvalidError
    factor.last_step = step


def _place(user_id: uuid.UUID) -> str:
    return f"second factor of {user_id}"
