"""Statements of webhooks; triggers add deliveries (migration 0056)."""

import uuid
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, text, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.core.context import NOBODY
from citewell.features.webhooks.schemas import LogLimits, WebhookSight
from citewell.kit.pagination import Page, PageRequest
from citewell.models.tenancy import ApiKey, Tenant, User
from citewell.models.webhooks import Webhook, WebhookDelivery

# Hooks with something to tell, whose last job is over.
_TO_QUEUE = text("""
SELECT w.id FROM webhook w
WHERE w.tenant_id = :tenant_id AND w.is_active AND coalesce(w.not_before <= now(), true)
  AND EXISTS (SELECT FROM webhook_delivery d WHERE d.tenant_id = :tenant_id
    AND d.webhook_id = w.id AND d.status = 'pending' AND d.next_at <= now())
  AND NOT EXISTS (SELECT FROM job j WHERE j.tenant_id = :tenant_id AND j.id = w.job_id
    AND j.status IN ('queued', 'running'))
FOR UPDATE OF w SKIP LOCKED
""")

# Of a hook that is off nothing is told later: what it missed stays in its log.
_GIVE_UP = text("""
UPDATE webhook_delivery d SET status = 'failed', next_at = NULL, finished_at = now(),
  error = 'The webhook is turned off.'
FROM webhook w
WHERE d.tenant_id = :tenant_id AND d.status = 'pending' AND w.tenant_id = :tenant_id
  AND w.id = d.webhook_id AND NOT w.is_active
""")

# The newest of each hook stay, whether told or waiting. `withheld` is what workers of former
# versions leave of events whose object is not for the owner.
_FORGET = text("""
DELETE FROM webhook_delivery WHERE tenant_id = :tenant_id AND id IN (
  SELECT id FROM (
    SELECT id, status, created_at, row_number() OVER (
      PARTITION BY webhook_id, status = 'pending' ORDER BY created_at DESC, id DESC) AS place
    FROM webhook_delivery WHERE tenant_id = :tenant_id) AS placed
  WHERE status = 'withheld' OR created_at < now() - make_interval(days => :days)
    OR place > CASE status WHEN 'pending' THEN :most_waiting ELSE :most_kept END
  LIMIT :batch)
""")

_ENDED = text("""
SELECT w.id FROM webhook w WHERE w.tenant_id = :tenant_id AND w.is_active
  AND NOT EXISTS (SELECT FROM citewell_webhook_owner(w))
""")

_SHOWN = WebhookDelivery.status != "withheld"


def seen(sight: WebhookSight) -> ColumnElement[bool]:
    """Webhooks that are there for the caller."""
    if sight.sees_all:
        return true()
    return func.coalesce(Webhook.user_id, Webhook.owner_key_id, NOBODY) == sight.owner_id


async def page(session: AsyncSession, sight: WebhookSight, request: PageRequest) -> Page[Webhook]:
    """Webhooks that are there for the caller, by name."""
    statement = select(Webhook).where(seen(sight))
    total = await session.scalar(select(func.count(Webhook.id)).where(seen(sight))) or 0
    part = statement.order_by(func.lower(Webhook.name), Webhook.id)
    rows = await session.scalars(part.offset(request.offset).limit(request.limit))
    return Page(list(rows), request, total)


async def count(session: AsyncSession) -> int:
    """How many there are."""
    return await session.scalar(select(func.count(Webhook.id))) or 0


async def find(session: AsyncSession, webhook_id: uuid.UUID, sight: WebhookSight) -> Webhook | None:
    """A webhook that is there for the caller."""
    return await session.scalar(select(Webhook).where(Webhook.id == webhook_id, seen(sight)))


async def lock(session: AsyncSession, webhook_id: uuid.UUID, sight: WebhookSight) -> Webhook | None:
    """The same, locked against other changes until the transaction ends."""
    found = select(Webhook).where(Webhook.id == webhook_id, seen(sight)).with_for_update()
    return await session.scalar(found, execution_options={"populate_existing": True})


async def save(session: AsyncSession, webhook: Webhook) -> None:
    """Insert a webhook, or write its changes, and read what the database filled in."""
    session.add(webhook)
    await session.flush()
    await session.refresh(webhook)


async def remove(session: AsyncSession, webhook_id: uuid.UUID) -> None:
    """Delete a webhook with its log."""
    await session.execute(delete(Webhook).where(Webhook.id == webhook_id))


async def deliveries(
    session: AsyncSession, webhook_id: uuid.UUID, request: PageRequest
) -> Page[WebhookDelivery]:
    """The log of a webhook, newest first."""
    of_hook = logged(webhook_id)
    total = await session.scalar(select(func.count(WebhookDelivery.id)).where(of_hook)) or 0
    rows = await session.scalars(
        select(WebhookDelivery)
        .where(of_hook)
        .order_by(WebhookDelivery.created_at.desc(), WebhookDelivery.id.desc())
        .offset(request.offset)
        .limit(request.limit)
    )
    return Page(list(rows), request, total)


async def lock_delivery(
    session: AsyncSession, webhook_id: uuid.UUID, delivery_id: uuid.UUID
) -> WebhookDelivery | None:
    """A delivery of a webhook, locked."""
    found = select(WebhookDelivery).where(WebhookDelivery.id == delivery_id, logged(webhook_id))
    return await session.scalar(
        found.with_for_update(), execution_options={"populate_existing": True}
    )


def logged(webhook_id: uuid.UUID) -> ColumnElement[bool]:
    """Deliveries of a webhook that its log shows."""
    return (WebhookDelivery.webhook_id == webhook_id) & _SHOWN


async def save_delivery(session: AsyncSession, delivery: WebhookDelivery) -> None:
    """Write the changes of a delivery."""
    session.add(delivery)
    await session.flush()
    await session.refresh(delivery)


async def remove_delivery(session: AsyncSession, delivery_id: uuid.UUID) -> None:
    """Delete a delivery."""
    await session.execute(delete(WebhookDelivery).where(WebhookDelivery.id == delivery_id))


async def of_job(session: AsyncSession, job_id: uuid.UUID) -> Webhook | None:
    """The webhook that a job delivers for."""
    return await session.scalar(select(Webhook).where(Webhook.job_id == job_id))


async def due(session: AsyncSession, webhook_id: uuid.UUID, limit: int) -> Sequence[uuid.UUID]:
    """Deliveries of a webhook whose time has come, oldest first; none while it rests."""
    rows = await session.scalars(
        select(WebhookDelivery.id)
        .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
        .where(
            Webhook.id == webhook_id,
            func.coalesce(Webhook.not_before <= func.now(), true()),
            WebhookDelivery.status == "pending",
            WebhookDelivery.next_at <= func.now(),
        )
        .order_by(WebhookDelivery.created_at, WebhookDelivery.id)
        .limit(limit)
    )
    return list(rows)


async def tenants_with_due(session: AsyncSession) -> list[uuid.UUID]:
    """Tenants with deliveries whose time has come; needs no tenant set."""
    return list(await session.scalars(text("SELECT citewell_tenants_with_due_webhooks()")))


async def to_queue(session: AsyncSession) -> list[uuid.UUID]:
    """Webhooks with something to tell and no job, locked; ends what those turned off had left."""
    values = {"tenant_id": session.info["tenant_id"]}
    await session.execute(_GIVE_UP, values)
    return list(await session.scalars(_TO_QUEUE, values))


async def note_job(session: AsyncSession, webhook_id: uuid.UUID, job_id: uuid.UUID) -> None:
    """Note which job delivers for a webhook."""
    await session.execute(
        update(Webhook)
        .where(Webhook.id == webhook_id)
        .values(job_id=job_id, updated_at=Webhook.updated_at)
    )


async def note_standing(
    session: AsyncSession, webhook_id: uuid.UUID, failures: int, rest: timedelta | None
) -> None:
    """Note failed attempts in a row, and how long from now on the webhook is told nothing."""
    until = None if rest is None else func.clock_timestamp() + rest
    await session.execute(
        update(Webhook)
        .where(Webhook.id == webhook_id)
        .values(failures=failures, not_before=until, updated_at=Webhook.updated_at)
    )


async def owner(session: AsyncSession, webhook: Webhook) -> tuple[bool, User | None, ApiKey | None]:
    """Whether the tenant is active, and the owner's user and key as they are now."""
    tenant_id = session.info["tenant_id"]
    status = await session.scalar(select(Tenant.status).where(Tenant.id == tenant_id))
    user = key = None
    if webhook.user_id is not None:
        user = await session.scalar(select(User).where(User.id == webhook.user_id))
    if webhook.owner_key_id is not None:
        key = await session.scalar(
            select(ApiKey).where(
                ApiKey.id == webhook.owner_key_id,
                ApiKey.revoked_at.is_(None),
                func.coalesce(ApiKey.expires_at > func.now(), true()),
            )
        )
    return status == "active", user, key


async def wake(session: AsyncSession, webhook_id: uuid.UUID) -> None:
    """Have a webhook that rests told at once."""
    await session.execute(
        update(Webhook)
        .where(Webhook.id == webhook_id)
        .values(not_before=None, updated_at=Webhook.updated_at)
    )


async def tenants_with_ended(session: AsyncSession) -> list[uuid.UUID]:
    """Tenants with webhooks whose owner may have none any more; needs no tenant set."""
    return list(await session.scalars(text("SELECT citewell_tenants_with_ended_webhooks()")))


async def ended(session: AsyncSession) -> list[uuid.UUID]:
    """Webhooks of the tenant whose owner may have none any more."""
    return list(await session.scalars(_ENDED, {"tenant_id": session.info["tenant_id"]}))


async def tenants_with_full(session: AsyncSession, kept: LogLimits) -> list[uuid.UUID]:
    """Tenants with deliveries beyond the limits; needs no tenant set."""
    statement = text("SELECT citewell_tenants_with_full_webhooks(:days, :most_kept, :most_waiting)")
    return list(await session.scalars(statement, asdict(kept)))


async def forget(session: AsyncSession, kept: LogLimits, batch: int) -> int:
    """Delete some of the tenant's deliveries that are beyond the limits; returns how many."""
    values = {"tenant_id": session.info["tenant_id"], "batch": batch, **asdict(kept)}
    gone = await session.execute(_FORGET, values)
    return gone.rowcount  # type: ignore[attr-defined, no-any-return]


async def now(session: AsyncSession) -> datetime:
    """The database's time."""
    return (await session.scalars(select(func.clock_timestamp()))).one()
