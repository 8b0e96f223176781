"""Forgotten passwords: a link goes to the account's address; nobody learns if there is one."""

import time

from citewell.core.context import SYSTEM, Caller, Origin, unit_of_work
from citewell.core.emails import normalise_email
from citewell.core.platform import Platform
from citewell.features.audit import service as audit
from citewell.features.notices import service as notices
from citewell.features.sessions import repository, throttling
from citewell.features.sessions.schemas import ForgottenPassword
from citewell.features.sessions.signing_in import even_out, tenants_of
from citewell.features.sessions.tokens import digest_of, new_reset_token
from citewell.kit.clock import utc_now
from citewell.models.notices import NoticeKind


async def ask(platform: Platform, data: ForgottenPassword, origin: Origin) -> None:
    """Have a link sent that sets a new password, if the address is that of an active user.

    People who sign in at a provider only have no password, and get none by this. The outcome is the
    same for all addresses, and takes as long.

    Raises:
        MailOffError: No mail is sent here.
        InvalidEmailError: The address is none.
        TooManyAttemptsError: Too many were asked for from this network address.
    """
    notices.require(platform)
    started = time.monotonic()
    email = normalise_email(data.email)
    await throttling.admit_link(platform, origin.address)
    if await throttling.may_remind(platform, email):
        for tenant_id in await tenants_of(platform, email, data.tenant):
            await _offer(platform, Caller(tenant_id, SYSTEM, origin), email)
    await even_out(started)


async def _offer(platform: Platform, caller: Caller, email: str) -> None:
    async with unit_of_work(platform, caller) as ctx:
        user = await repository.lock_forgetful(ctx.session, email)
        kind = NoticeKind.PASSWORD_RESET
        # One that is about to leave does it. One that was put off may sleep for hours; a newer
        # token voids its own, and it is withheld when it wakes.
        if user is None or await notices.is_waiting(ctx, user.id, kind):
            return
        token = new_reset_token()
        user.mailed_reset_hash = digest_of(token)
        user.mailed_reset_expires_at = utc_now() + notices.RESET_LIFE
        await notices.tell(ctx, user.id, kind, token=token)
        await audit.record(ctx, "user.password_reset_asked", object_kind="user", object_id=user.id)
