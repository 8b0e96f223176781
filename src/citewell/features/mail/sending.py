"""Sends messages: each by a job of its own, once as far as a mail server lets that be known."""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from citewell.core.context import SYSTEM, Caller, Context, unit_of_work
from citewell.core.jobs import TransientJobError
from citewell.core.metrics import ProcessMetrics
from citewell.core.platform import Platform
from citewell.core.sealing import SealBrokenError
from citewell.core.smtp import MailError, MailServer, MailText, composed
from citewell.core.smtp import send as hand_over
from citewell.features.jobs import service as jobs
from citewell.features.jobs.attempts import Attempt
from citewell.features.jobs.schemas import NewJob
from citewell.features.mail import repository
from citewell.features.mail.errors import MailNotSentError
from citewell.features.mail.letters import LetterFacts, link_of, written
from citewell.features.mail.repository import Addressed
from citewell.features.mail.texts import MailLanguage
from citewell.features.notices import service as notices
from citewell.features.notices.errors import MailOffError
from citewell.models.notices import NoticeKind, NoticeStatus
from citewell.models.tenancy import UserStatus

log = structlog.get_logger(__name__)

SEND = "mail.send"

OTHERS_SECONDS = 2.0
"""Pause before a message is offered to other workers, by one that has no mail server."""

LINK_DAYS = 1
"""Age up to which a link to set a password or an address is sent: later it is not expected."""

KEPT_DAYS = 30
"""Age up to which messages are kept, without their texts and tokens."""


@dataclass(frozen=True, slots=True)
class SendingPace:
    """Times between attempts; an object of a process."""

    pauses: tuple[float, ...] = (30, 120, 600, 1_800, 3_600, 10_800, 21_600, 43_200)
    """Seconds: nine attempts within a day, as a mail server that is repaired the next morning
    needs."""
    lease_margin: float = 30.0
    """Seconds beyond the longest time of an attempt: a worker that lives has settled it by then."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """A message that this worker alone sends."""

    addressed: Addressed
    address: str = field(repr=False)
    text: MailText = field(repr=False)


async def queue_due(platform: Platform) -> None:
    """Queue a job for each new message."""
    async with platform.database.lookup() as session:
        tenants = await repository.tenants_with_pending(session)
    for tenant_id in tenants:
        async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
            for notice_id in await repository.to_queue(ctx.session):
                [job] = await jobs.enqueue(ctx, SEND, [NewJob()])
                await repository.note_job(ctx.session, notice_id, job.id)


async def forget_old(platform: Platform) -> None:
    """Delete messages older than they are kept."""
    async with platform.database.lookup() as session:
        tenants = await repository.tenants_with_old(session, KEPT_DAYS)
    for tenant_id in tenants:
        async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
            await repository.forget(ctx.session, KEPT_DAYS)


async def send(attempt: Attempt) -> None:
    """Send the message of a job.

    It is leased before the mail server is spoken to, so that of two workers one speaks. If a worker
    dies after the server took it and before that is noted, it is sent again under the same id.
    """
    platform = attempt.platform
    server = MailServer.of(platform.settings)
    if server is None:
        await _leave_to_others(attempt)
        return
    async with unit_of_work(platform, attempt.caller) as ctx:
        ready = await _taken(ctx, attempt, server)
    if ready is None:
        return
    await attempt.raise_if_cancelled()
    notice = ready.addressed.notice
    try:
        message = composed(server, ready.address, ready.text, str(notice.id))
        await hand_over(server, message, ready.address)
    except MailError as error:
        await _note_failure(attempt, ready.addressed, error)
        return
    _count(platform, "sent")
    async with unit_of_work(platform, attempt.caller) as ctx:
        await repository.settle(ctx.session, notice.id, NoticeStatus.SENT)


async def _leave_to_others(attempt: Attempt) -> None:
    """Put a message off where this worker has no mail server: another one may have.

    Raises:
        TransientJobError: It is put off.
        MailOffError: It is given up, as there has been none for a day.
    """
    async with unit_of_work(attempt.platform, attempt.caller) as ctx:
        found = await repository.of_job(ctx.session, attempt.job_id)
        if found is None or found.notice.status != NoticeStatus.PENDING:
            return
        if found.now - found.notice.created_at < timedelta(days=LINK_DAYS):
            raise TransientJobError("This worker sends no mail", retry_after=OTHERS_SECONDS)
        await repository.settle(
            ctx.session, found.notice.id, NoticeStatus.FAILED, "No mail server is set"
        )
    raise MailOffError


async def _taken(ctx: Context, attempt: Attempt, server: MailServer) -> _Ready | None:
    """The message of a job, leased; None: it needs not be sent any more.

    Raises:
        TransientJobError: Another worker may still be sending it.
    """
    found = await repository.of_job(ctx.session, attempt.job_id)
    # One that had failed is sent when its job is tried again by an administrator.
    if found is None or found.notice.status not in (NoticeStatus.PENDING, NoticeStatus.FAILED):
        return None
    until = found.notice.leased_until
    if until is not None and until > found.now:
        left = (until - found.now).total_seconds()
        raise TransientJobError("Another worker may be sending it", retry_after=left)
    try:
        token = await notices.token_of(ctx, found.notice)
    except SealBrokenError:
        await repository.settle(
            ctx.session, found.notice.id, NoticeStatus.WITHHELD, "Its token cannot be read"
        )
        return None
    is_wanted = found.tenant.status == "active" and _holds(found, token)
    if not is_wanted:
        await repository.settle(
            ctx.session, found.notice.id, NoticeStatus.WITHHELD, "Its link is void"
        )
        _count(ctx.platform, "withheld")
        return None
    margin = ctx.platform.state_of(SendingPace).lease_margin
    await repository.lease(ctx.session, found, server.seconds + margin)
    address = found.notice.address or found.user.email
    site = ctx.platform.settings.public_url or ""
    kind = NoticeKind(found.notice.kind)
    facts = LetterFacts(
        organisation=found.tenant.name,
        when=found.notice.created_at,
        until=_end_of(found),
        link=None if token is None else link_of(site, kind, token, address),
    )
    language = MailLanguage(found.user.language or found.tenant.language)
    return _Ready(found, address, written(kind, language, facts, site))


def _holds(found: Addressed, token: str | None) -> bool:
    """Whether a message may still be sent; the life of its link begins anew with each attempt."""
    user, digest = found.user, hashlib.sha256((token or "").encode()).digest()
    is_young = found.now - found.notice.created_at < timedelta(days=LINK_DAYS)
    match found.notice.kind:
        case NoticeKind.INVITATION:
            return user.status == UserStatus.INVITED and _is_same(user.invitation_hash, digest)
        case NoticeKind.PASSWORD_RESET:
            return is_young and user.status == UserStatus.ACTIVE and _renewed(found, digest)
        case NoticeKind.EMAIL_CONFIRMATION:
            holds = is_young and user.status == UserStatus.ACTIVE
            if holds := holds and _is_same(user.new_email_hash, digest):
                user.new_email_expires_at = found.now + notices.CONFIRM_LIFE
            return holds
        case _:
            return True


def _renewed(found: Addressed, digest: bytes) -> bool:
    """Whether the token of a message sets a password; its life begins anew then."""
    user, until = found.user, found.now + notices.RESET_LIFE
    if _is_same(user.mailed_reset_hash, digest):
        user.mailed_reset_expires_at = until
        return True
    # Asked for from a process of before migration 0061.
    if _is_same(user.reset_hash, digest):
        user.reset_expires_at = until
        return True
    return False


def _is_same(stored: bytes | None, digest: bytes) -> bool:
    return hmac.compare_digest(stored or b"", digest)


def _end_of(found: Addressed) -> datetime | None:
    """The end of a message's link."""
    match found.notice.kind:
        case NoticeKind.INVITATION:
            return found.user.invitation_expires_at
        case NoticeKind.PASSWORD_RESET:
            return found.now + notices.RESET_LIFE
        case NoticeKind.EMAIL_CONFIRMATION:
            return found.user.new_email_expires_at
        case _:
            return None


async def _note_failure(attempt: Attempt, found: Addressed, error: MailError) -> None:
    """Give a message up, or put it off.

    Raises:
        MailNotSentError: It is given up.
        TransientJobError: There is another attempt.
    """
    platform, notice = attempt.platform, found.notice
    pauses = platform.state_of(SendingPace).pauses
    is_over = error.is_final or notice.attempts > len(pauses)
    _count(platform, "failed" if is_over else "put_off")
    log.warning(
        "mail_not_sent", notice_id=str(notice.id), kind=notice.kind, attempt=notice.attempts,
        reason=str(error), is_over=is_over,
    )  # fmt: skip
    async with unit_of_work(platform, attempt.caller) as ctx:
        if is_over:
            await repository.settle(ctx.session, notice.id, NoticeStatus.FAILED, str(error))
        else:
            is_servers = error.is_servers
            await repository.put_off(ctx.session, notice.id, str(error), is_servers=is_servers)
    if is_over:
        raise MailNotSentError(str(error), notice.attempts)
    raise TransientJobError(str(error), retry_after=pauses[notice.attempts - 1])


def _count(platform: Platform, end: str) -> None:
    platform.state_of(ProcessMetrics).count("mails_total", end)
