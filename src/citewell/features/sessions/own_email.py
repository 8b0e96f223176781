"""The e-mail address as its signed-in user changes it: confirmed by a link to the new one."""

from citewell.core.context import SYSTEM, Caller, Origin, unit_of_work
from citewell.core.emails import normalise_email
from citewell.core.platform import Platform
from citewell.features.identity.errors import CredentialError
from citewell.features.notices import service as notices
from citewell.features.sessions import own_factor, repository, service, throttling
from citewell.features.sessions.errors import (
    EmailTokenError,
    EmailUnchangedError,
    PasswordMissingError,
)
from citewell.features.sessions.schemas import EmailChange
from citewell.features.sessions.tokens import digest_of, new_email_token, tenant_of_email_token
from citewell.kit.clock import utc_now
from citewell.models.notices import NoticeKind


async def ask(platform: Platform, caller: Caller, data: EmailChange) -> None:
    """Have a link sent to a new address of the caller, and the present one told of it.

    Nothing has changed until the link is used; one that was sent before is void. Whether another
    user has the address is not told: no link goes there then.

    Raises:
        NoSessionError: The caller is no signed-in user.
        MailOffError: No mail is sent here.
        InvalidEmailError: The address is none.
        EmailUnchangedError: It is the caller's already.
        PasswordMissingError: The caller signs in at a provider only.
        SignInError, CodeNeededError, SecondFactorInvalidError: As `own_factor.proved` says.
        TooManyAttemptsError: Too many proofs were wrong, or addresses were asked for.
    """
    user_id, session_id = service.session_of(caller)
    notices.require(platform)
    email = normalise_email(data.email)
    async with unit_of_work(platform, caller) as ctx:
        known = await repository.user_by_id(ctx.session, user_id)
    if known is None:
        raise CredentialError
    if known.password_hash is None:
        raise PasswordMissingError
    await own_factor.proved(platform, caller, data.password, data.code)
    if email == known.email:
        raise EmailUnchangedError
    await throttling.admit_new_email(platform, user_id)
    async with unit_of_work(platform, caller) as ctx:
        user = await repository.lock_user(ctx.session, user_id)
        # Sessions that were ended while the proofs were looked at change nothing any more.
        if user is None or user.session_version != known.session_version:
            raise CredentialError
        token = new_email_token(ctx.tenant_id)
        user.new_email, user.new_email_hash = email, digest_of(token)
        user.new_email_expires_at = utc_now() + notices.CONFIRM_LIFE
        if await repository.user_by_email(ctx.session, email) is None:
            kind = NoticeKind.EMAIL_CONFIRMATION
            await notices.tell(ctx, user_id, kind, address=email, token=token)
        await notices.tell(ctx, user_id, NoticeKind.EMAIL_CHANGE_ASKED, address=user.email)
        await service.note(ctx, user, session_id, "user.email_change_asked")


async def confirm(platform: Platform, token: str, origin: Origin) -> str:
    """Make a new address the user's own, by the token of the link that went there; returns it.

    Links to set a password that went to the former address are void.

    Raises:
        EmailTokenError: The token does not work, or the address was taken meanwhile.
        TooManyAttemptsError: Too many came from this network address.
    """
    await throttling.admit_link(platform, origin.address)
    tenant_id = tenant_of_email_token(token)
    if tenant_id is None:
        raise EmailTokenError
    async with unit_of_work(platform, Caller(tenant_id, SYSTEM, origin)) as ctx:
        user = await repository.lock_confirming(ctx.session, digest_of(token))
        tenant = await repository.tenant(ctx.session, tenant_id)
        if user is None or user.new_email is None or tenant is None:
            raise EmailTokenError
        former, user.email = user.email, user.new_email
        user.void_links()
        if not await repository.save_email(ctx.session, user):
            raise EmailTokenError
        await notices.tell(ctx, user.id, NoticeKind.EMAIL_CHANGED, address=former)
        await service.note(ctx, user, None, "user.email_changed")
        return user.email
