"""Trying the mail server out."""

import uuid

from citewell.access.policy import Scope
from citewell.core.context import Caller, unit_of_work
from citewell.core.emails import normalise_email
from citewell.core.platform import Platform
from citewell.core.smtp import MailError, MailServer, composed, send, try_out
from citewell.features.mail import repository
from citewell.features.mail.errors import MailServerError
from citewell.features.mail.letters import LetterFacts, written
from citewell.features.mail.texts import TEST, MailLanguage
from citewell.features.notices.errors import MailOffError
from citewell.kit.clock import utc_now


async def send_test(
    platform: Platform, caller: Caller, address: str, language: MailLanguage | None = None
) -> str:
    """Send a message at once, past the queue; returns the address it went to.

    Args:
        platform: The handles of this process.
        caller: The operator.
        address: Of the recipient.
        language: None: the tenant's.

    Raises:
        ForbiddenError: The caller is not the operator.
        InvalidEmailError: The address is none.
        MailOffError: No server is set.
        MailServerError: It does not take the message.
    """
    caller.actor.require(Scope.OPERATOR)
    recipient = normalise_email(address)
    server = MailServer.of(platform.settings)
    if server is None:
        raise MailOffError
    async with unit_of_work(platform, caller) as ctx:
        tenant = await repository.tenant(ctx.session, ctx.tenant_id)
    spoken = language or MailLanguage(tenant.language if tenant else MailLanguage.EN)
    facts = LetterFacts(organisation=tenant.name if tenant else "", when=utc_now())
    text = written(TEST, spoken, facts, platform.settings.public_url or "")
    try:
        await send(server, composed(server, recipient, text, str(uuid.uuid4())), recipient)
    except MailError as error:
        raise MailServerError(str(error)) from error
    return recipient


async def is_failing(platform: Platform) -> bool:
    """Whether messages wait for the mail server, as the processes that send them found it."""
    async with platform.database.lookup() as session:
        return await repository.is_server_failing(session)


async def state(platform: Platform) -> str | None:
    """A line on the mail server, after connecting and signing in; None: none is set.

    Raises:
        MailServerError: It does not answer, or does not let this installation in.
    """
    server = MailServer.of(platform.settings)
    if server is None:
        return None
    try:
        return await try_out(server)
    except MailError as error:
        raise MailServerError(str(error)) from error
