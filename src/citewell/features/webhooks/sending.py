"""Tells webhooks of events: each as its owner, with the rights of the moment it is told."""

import json
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog

import citewell
from citewell.access.policy import DocumentFacts, Role, Scope
from citewell.core.context import (
    NOBODY,
    SYSTEM,
    TENANT_SCOPES,
    Actor,
    ActorKind,
    Caller,
    Context,
    unit_of_work,
)
from citewell.core.database.keyring import MasterKeyError
from citewell.core.outbound import OutboundError, OutboundReply, post
from citewell.core.platform import Platform
from citewell.core.sealing import SealBrokenError
from citewell.features.audit import service as audit
from citewell.features.documents import service as documents
from citewell.features.jobs import service as jobs
from citewell.features.jobs.attempts import Attempt
from citewell.features.jobs.schemas import NewJob
from citewell.features.queries import service as queries
from citewell.features.queries.errors import QueryNotFoundError
from citewell.features.users import service as users
from citewell.features.webhooks import repository, service
from citewell.features.webhooks.schemas import WebhookEvent, WebhookSight
from citewell.features.webhooks.signing import signature_headers
from citewell.kit.addresses import ReachableHosts
from citewell.kit.clock import utc_now
from citewell.models.tenancy import ApiKey, User, UserStatus
from citewell.models.webhooks import Webhook, WebhookDelivery

log = structlog.get_logger(__name__)

DELIVER = "webhooks.deliver"

SECONDS = 15.0
"""For the whole of one attempt, the time that Standard Webhooks recommends at least."""

PAUSES = (5, 30, 300, 1_800, 7_200, 28_800, 86_400)
"""Seconds after each failed attempt: eight attempts within about a day and a half."""

MOST_FAILURES = 40
"""Failed attempts in a row, of whatever events, after which a webhook is turned off: five events
that were given up, or a receiver that refuses everything."""

BATCH = 100
"""Events that one job tells of; the next one goes on."""

EVERYBODYS = WebhookSight(NOBODY, sees_all=True)

KEPT_DAYS = 30
"""Age up to which the log is kept."""


async def queue_due(platform: Platform) -> None:
    """Queue a job for each webhook that has something to tell."""
    async with platform.database.lookup() as session:
        tenants = await repository.tenants_with_due(session)
    for tenant_id in tenants:
        async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
            for webhook_id in await repository.to_queue(ctx.session):
                [job] = await jobs.enqueue(ctx, DELIVER, [NewJob()])
                await repository.note_job(ctx.session, webhook_id, job.id)


async def forget_old(platform: Platform) -> None:
    """Delete what is older than the log is kept."""
    async with platform.database.lookup() as session:
        tenants = await repository.tenants_with_old(session, KEPT_DAYS)
    for tenant_id in tenants:
        async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
            await repository.forget(ctx.session, KEPT_DAYS)


async def deliver(attempt: Attempt) -> None:
    """Tell a webhook of what is due; a message may arrive twice, always under the same id."""
    platform, system = attempt.platform, attempt.caller
    async with unit_of_work(platform, system) as ctx:
        webhook = await repository.of_job(ctx.session, attempt.job_id)
        if webhook is None:
            return
        due = await repository.due(ctx.session, webhook.id, BATCH)
    for place, delivery_id in enumerate(due):
        await attempt.progress(place, len(due))
        if not await _tell(platform, system, webhook.id, delivery_id):
            return


async def _tell(
    platform: Platform, system: Caller, webhook_id: uuid.UUID, delivery_id: uuid.UUID
) -> bool:
    """Make one attempt; False if the webhook is off or does not answer."""
    async with unit_of_work(platform, system) as ctx:
        webhook = await repository.find(ctx.session, webhook_id, EVERYBODYS)
        if webhook is None or not webhook.is_active:
            return False
        is_active, user, key = await repository.owner(ctx.session, webhook)
        delivery = await repository.lock_delivery(ctx.session, webhook_id, delivery_id)
        if delivery is None or delivery.status != "pending":
            return True
        owner = _acting(webhook, user, key) if is_active else None
        if owner is None:
            await _turn_off(ctx, webhook_id, "Its owner is not active any more.")
            return False
    async with unit_of_work(platform, owner) as ctx:
        data = await _data(ctx, delivery)
    if data is None:
        await _settle(platform, system, delivery_id, webhook_id, "withheld", None, None)
        return True
    try:
        reply, error = await _send(platform, webhook, delivery, data), None
    except OutboundError as failure:
        reply, error = None, str(failure)
    except MasterKeyError as failure:
        reply, error = None, failure.detail
    except SealBrokenError:
        async with unit_of_work(platform, system) as ctx:
            await _turn_off(ctx, webhook_id, "Its secret cannot be read; make a new one.")
        return False
    has_worked = reply is not None and 200 <= reply.status < 300
    await _settle(
        platform, system, delivery_id, webhook_id,
        "delivered" if has_worked else "failed", reply, error,
    )  # fmt: skip
    return has_worked


def _acting(webhook: Webhook, user: User | None, key: ApiKey | None) -> Caller | None:
    """The owner with the rights they have now; None: they may not act any more."""
    if webhook.owner_key_id is not None and key is None:
        return None
    scopes = TENANT_SCOPES if key is None else {Scope(each) for each in key.scopes}
    if Scope.READ not in scopes:
        return None
    if webhook.user_id is not None:
        if user is None or user.status != UserStatus.ACTIVE:
            return None
        if not user.is_admin and user.role < service.MAKES_FROM:
            return None
        actor = users.caller_of(user).actor
        is_admin = user.is_admin and Scope.ADMIN in scopes
        actor = replace(actor, scopes=frozenset(scopes), is_admin=is_admin)
        return Caller(webhook.tenant_id, actor)
    # As what runs for the organisation's own software: all that is not private.
    actor = Actor(
        ActorKind.API_KEY, id=webhook.owner_key_id, role=Role.DIRECTOR, scopes=frozenset(scopes)
    )
    return Caller(webhook.tenant_id, actor)


async def _data(ctx: Context, delivery: WebhookDelivery) -> dict[str, Any] | None:
    """Data that the owner may read of the object now; None: nothing."""
    object_id = delivery.object_id
    match delivery.event.partition(".")[0]:
        case "document":
            state = (await documents.readable(ctx, [object_id])).get(object_id)
            if state is not None:
                return state.read().model_dump(mode="json")
            if delivery.event != WebhookEvent.DOCUMENT_DELETED:
                return None
            known = delivery.facts
            maker = known.get("created_by")
            facts = DocumentFacts(
                object_id, uuid.UUID(known["collection_id"]), known["access_level"],
                uuid.UUID(maker) if maker else None,
            )  # fmt: skip
            if not (await ctx.access()).read.admits(facts):
                return None
            return {"id": str(object_id), "collection_id": known["collection_id"]}
        case "job":
            found = (await jobs.readable(ctx, [object_id])).get(object_id)
            return None if found is None else found.read().model_dump(mode="json")
        case _:
            try:
                answer = await queries.get(ctx, object_id)
            except QueryNotFoundError:
                return None
            return answer.model_dump(mode="json", exclude={"passages", "request", "metadata"})


async def _send(
    platform: Platform, webhook: Webhook, delivery: WebhookDelivery, data: dict[str, Any]
) -> OutboundReply:
    body = json.dumps(
        {"type": delivery.event, "timestamp": delivery.created_at.isoformat(), "data": data},
        ensure_ascii=False, separators=(",", ":"),
    ).encode()  # fmt: skip
    keys = await service.secrets_of(platform, webhook)
    headers = {
        "content-type": "application/json",
        "user-agent": f"Citewell/{citewell.__version__}",
        **signature_headers(str(delivery.id), int(utc_now().timestamp()), body, keys),
    }
    hosts = ReachableHosts(platform.settings.private_hosts)
    return await post(webhook.url, body, headers, hosts=hosts, seconds=SECONDS)


async def _settle(
    platform: Platform,
    system: Caller,
    delivery_id: uuid.UUID,
    webhook_id: uuid.UUID,
    status: str,
    reply: OutboundReply | None,
    error: str | None,
) -> None:
    """Note how an attempt ended, and when there is another one."""
    async with unit_of_work(platform, system) as ctx:
        delivery = await repository.lock_delivery(ctx.session, webhook_id, delivery_id)
        if delivery is None:
            return
        delivery.response_status = reply.status if reply else None
        delivery.duration_ms = reply.milliseconds if reply else None
        delivery.error = error
        if status != "withheld":
            delivery.attempts += 1
        if status == "failed" and delivery.attempts <= len(PAUSES):
            status = "pending"
            pause = timedelta(seconds=PAUSES[delivery.attempts - 1])
            delivery.next_at = await repository.now(ctx.session) + pause
        else:
            delivery.next_at, delivery.finished_at = None, await repository.now(ctx.session)
        delivery.status = status
        await repository.save_delivery(ctx.session, delivery)
        if status == "withheld":
            return
        has_failed = status != "delivered"
        failures = await repository.note_outcome(ctx.session, webhook_id, has_failed=has_failed)
        if failures >= MOST_FAILURES:
            await _turn_off(ctx, webhook_id, f"{failures} attempts failed in a row.")


async def _turn_off(ctx: Context, webhook_id: uuid.UUID, reason: str) -> None:
    webhook = await repository.lock(ctx.session, webhook_id, EVERYBODYS)
    if webhook is None:
        return
    webhook.is_active, webhook.disabled_reason = False, reason
    await repository.save(ctx.session, webhook)
    await audit.record(
        ctx, "webhook.disabled", object_kind="webhook", object_id=webhook.id,
        details={"reason": reason},
    )  # fmt: skip
    log.warning("webhook_disabled", webhook_id=str(webhook.id), reason=reason)
