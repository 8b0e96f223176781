"""Statements of messages on their way."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.models.notices import Notice, NoticeStatus
from citewell.models.tenancy import Tenant, User

# Messages whose job ended without them: it was cancelled, or crashed.
_GIVE_UP = text("""
UPDATE notice n SET status = 'failed', finished_at = now(),
  error = 'Its job was cancelled or has failed'
FROM job j
WHERE n.tenant_id = :tenant_id AND n.status = 'pending' AND j.tenant_id = :tenant_id
  AND j.id = n.job_id AND j.status IN ('succeeded', 'failed', 'cancelled')
""")

_TO_QUEUE = text("""
SELECT id FROM notice WHERE tenant_id = :tenant_id AND status = 'pending' AND job_id IS NULL
ORDER BY created_at FOR UPDATE SKIP LOCKED
""")

_FORGET = text("""
DELETE FROM notice WHERE tenant_id = :tenant_id
  AND created_at < now() - make_interval(days => :days)
""")


@dataclass(frozen=True, slots=True)
class Addressed:
    """A message, locked, with its user and tenant as they are now."""

    notice: Notice
    user: User
    tenant: Tenant
    now: datetime
    """The database's time."""


async def tenants_with_pending(session: AsyncSession) -> list[uuid.UUID]:
    """Tenants with messages that have not left; needs no tenant set."""
    return list(await session.scalars(text("SELECT citewell_tenants_with_pending_notices()")))


async def tenants_with_old(session: AsyncSession, days: int) -> list[uuid.UUID]:
    """Tenants with messages older than so many days; needs no tenant set."""
    statement = text("SELECT citewell_tenants_with_old_notices(:days)")
    return list(await session.scalars(statement, {"days": days}))


async def is_server_failing(session: AsyncSession) -> bool:
    """Whether a message waits that the server failed to take after the last that it took.

    Needs no tenant set.
    """
    return bool(await session.scalar(text("SELECT citewell_is_mail_failing()")))


async def to_queue(session: AsyncSession) -> list[uuid.UUID]:
    """Messages without a job, locked; ends those whose job is over."""
    values = {"tenant_id": session.info["tenant_id"]}
    await session.execute(_GIVE_UP, values)
    return list(await session.scalars(_TO_QUEUE, values))


async def note_job(session: AsyncSession, notice_id: uuid.UUID, job_id: uuid.UUID) -> None:
    """Note which job sends a message."""
    await session.execute(update(Notice).where(Notice.id == notice_id).values(job_id=job_id))


async def of_job(session: AsyncSession, job_id: uuid.UUID) -> Addressed | None:
    """The message that a job sends; None: its user is gone, and it with them."""
    user_id = await session.scalar(select(Notice.user_id).where(Notice.job_id == job_id))
    # The user first, as those do who remove one; locked, so that nobody voids a token that leaves.
    user = await session.scalar(select(User).where(User.id == user_id).with_for_update())
    notice = await session.scalar(select(Notice).where(Notice.job_id == job_id).with_for_update())
    found = await tenant(session, session.info["tenant_id"])
    now = await session.scalar(select(func.clock_timestamp()))
    if user is None or notice is None or found is None or now is None:
        return None
    return Addressed(notice, user, found, now)


async def settle(
    session: AsyncSession, notice_id: uuid.UUID, status: NoticeStatus, error: str | None = None
) -> None:
    """Note how a message ended; its token goes with it, unless it may be tried again."""
    values: dict[str, object] = {
        "status": status, "error": error, "finished_at": func.now(), "leased_until": None,
    }  # fmt: skip
    if status is not NoticeStatus.FAILED:
        values |= {"sealed_token": None, "key_id": None}
    await session.execute(update(Notice).where(Notice.id == notice_id).values(values))


async def put_off(
    session: AsyncSession, notice_id: uuid.UUID, error: str, *, is_servers: bool
) -> None:
    """Note why a message has not left yet, and when if the server has failed."""
    values: dict[str, object] = {"error": error, "leased_until": None}
    if is_servers:
        values["server_failed_at"] = func.clock_timestamp()
    await session.execute(update(Notice).where(Notice.id == notice_id).values(values))


async def lease(session: AsyncSession, addressed: Addressed, seconds: float) -> None:
    """Note an attempt, and keep others from one for so long."""
    notice = addressed.notice
    notice.attempts += 1
    notice.status = NoticeStatus.PENDING
    notice.finished_at = None
    notice.leased_until = addressed.now + timedelta(seconds=seconds)
    await session.flush()


async def tenant(session: AsyncSession, tenant_id: uuid.UUID) -> Tenant | None:
    """The tenant."""
    return await session.scalar(select(Tenant).where(Tenant.id == tenant_id))


async def forget(session: AsyncSession, days: int) -> None:
    """Delete the tenant's messages older than so many days."""
    await session.execute(_FORGET, {"tenant_id": session.info["tenant_id"], "days": days})
