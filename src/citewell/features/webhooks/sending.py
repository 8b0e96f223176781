"""Tells webhooks of events: each as its owner, with the rights of the moment it is told."""

import json
import time
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import citewell
from citewell.access.policy import DocumentFacts, Role, Scope
from citewell.core.context import (
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
from citewell.features.documents import service as documents
from citewell.features.jobs import service as jobs
from citewell.features.jobs.attempts import Attempt
from citewell.features.queries import service as queries
from citewell.features.queries.errors import QueryNotFoundError
from citewell.features.users import service as users
from citewell.features.webhooks import repository, service
from citewell.features.webhooks.schemas import WebhookEvent
from citewell.features.webhooks.signing import signature_headers
from citewell.kit.addresses import ReachableHosts
from citewell.kit.clock import utc_now
from citewell.models.tenancy import ApiKey, User, UserStatus
from citewell.models.webhooks import Webhook, WebhookDelivery

DELIVER = "webhooks.deliver"

SECONDS = 15.0
"""For the whole of one attempt, the time that Standard Webhooks recommends at least."""

PAUSES = (5, 30, 300, 1_800, 7_200, 28_800, 86_400)
"""Seconds after each failed attempt at an event: eight attempts within about a day and a half."""

FIRST_REST_SECONDS, LONGEST_REST_SECONDS = 5, 3_600
"""Rest of a webhook after a failed attempt, whatever the event; doubled by each in a row."""

MOST_FAILURES = 40
"""Failed attempts in a row after which a webhook is turned off. As each is followed by a rest, they
take 31 hours where events wait all the time, however many do."""

BATCH = 100
"""Events that one job tells of at most; the next one goes on."""

OWNER_ENDED = "Its owner is not active any more."

UNFINISHED = "The attempt is being made, or ended without a result."


@dataclass(frozen=True, slots=True)
class RoundPace:
    """How long a webhook has a place of the lane before others have their turn."""

    seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class _Try:
    """An attempt that is noted and to be made."""

    webhook: Webhook
    delivery: WebhookDelivery
    owner: Caller
    failures: int
    """Failed attempts in a row before this one."""


async def deliver(attempt: Attempt) -> None:
    """Tell a webhook of what is due; a message may arrive twice, always under the same id.

    The first attempt that fails ends it: the webhook rests, with all that waits for it.
    """
    platform, system = attempt.platform, attempt.caller
    ends = time.monotonic() + platform.state_of(RoundPace).seconds
    async with unit_of_work(platform, system) as ctx:
        webhook = await repository.of_job(ctx.session, attempt.job_id)
        if webhook is None:
            return
        due = await repository.due(ctx.session, webhook.id, BATCH)
    for place, delivery_id in enumerate(due):
        await attempt.progress(place, len(due))
        if not await tell(platform, system, webhook.id, delivery_id) or time.monotonic() > ends:
            return


async def tell(
    platform: Platform, system: Caller, webhook_id: uuid.UUID, delivery_id: uuid.UUID
) -> bool:
    """Make one attempt; False if nothing more is to be told now."""
    async with unit_of_work(platform, system) as ctx:
        begun = await _begin(ctx, webhook_id, delivery_id)
    if begun is None:
        return False
    async with unit_of_work(platform, begun.owner) as ctx:
        data = await _data(ctx, begun.delivery)
    if data is None:
        # Taken away from its owner since it was noted: not even that it happened stays.
        async with unit_of_work(platform, system) as ctx:
            await repository.remove_delivery(ctx.session, delivery_id)
            await repository.note_standing(ctx.session, webhook_id, begun.failures, None)
        return True
    try:
        reply, error = await _send(platform, begun.webhook, begun.delivery, data), None
    except OutboundError as failure:
        reply, error = None, str(failure)
    except MasterKeyError as failure:
        reply, error = None, failure.detail
    except SealBrokenError:
        async with unit_of_work(platform, system) as ctx:
            await service.turn_off(ctx, webhook_id, "Its secret cannot be read; make a new one.")
        return False
    return await _settle(platform, system, begun, reply, error)


async def _begin(ctx: Context, webhook_id: uuid.UUID, delivery_id: uuid.UUID) -> _Try | None:
    """Note an attempt as a failed one and return it; None: none is to be made.

    Noted before it is made, it counts and is followed by a pause however it ends: by an error that
    nobody has foreseen, or with the process.
    """
    webhook = await repository.lock(ctx.session, webhook_id, service.EVERYBODYS)
    if webhook is None or not webhook.is_active:
        return None
    is_active, user, key = await repository.owner(ctx.session, webhook)
    owner = _acting(webhook, user, key) if is_active else None
    if owner is None:
        await service.turn_off(ctx, webhook_id, OWNER_ENDED)
        return None
    failures = webhook.failures
    if failures >= MOST_FAILURES:
        await service.turn_off(ctx, webhook_id, _in_a_row(failures))
        return None
    delivery = await repository.lock_delivery(ctx.session, webhook_id, delivery_id)
    if delivery is None or delivery.status != "pending":
        return None
    delivery.attempts += 1
    delivery.error, delivery.response_status, delivery.duration_ms = UNFINISHED, None, None
    await _put_off(ctx, delivery)
    await repository.note_standing(ctx.session, webhook_id, failures + 1, rest_after(failures + 1))
    return _Try(webhook, delivery, owner, failures)


async def _put_off(ctx: Context, delivery: WebhookDelivery) -> None:
    """Note when there is another attempt after a failed one, or that there is none."""
    now = await repository.now(ctx.session)
    if delivery.attempts > len(PAUSES):
        delivery.status, delivery.next_at, delivery.finished_at = "failed", None, now
    else:
        # None yet: it was asked for again while it was being told.
        delivery.next_at = now + timedelta(seconds=PAUSES[max(0, delivery.attempts - 1)])
    await repository.save_delivery(ctx.session, delivery)


def rest_after(failures: int) -> timedelta:
    """Rest of a webhook after so many failed attempts in a row."""
    # The exponent is bounded too: a timedelta overflows.
    seconds = FIRST_REST_SECONDS * 2 ** min(failures - 1, MOST_FAILURES)
    return timedelta(seconds=min(seconds, LONGEST_REST_SECONDS))


def _in_a_row(failures: int) -> str:
    return f"{failures} attempts failed in a row."


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
    platform: Platform, system: Caller, begun: _Try, reply: OutboundReply | None, error: str | None
) -> bool:
    """Note how an attempt ended; True if it worked."""
    webhook_id = begun.webhook.id
    has_worked = reply is not None and 200 <= reply.status < 300
    async with unit_of_work(platform, system) as ctx:
        delivery = await repository.lock_delivery(ctx.session, webhook_id, begun.delivery.id)
        if delivery is not None:
            delivery.error = error
            delivery.response_status = reply.status if reply else None
            delivery.duration_ms = reply.milliseconds if reply else None
            if has_worked:
                delivery.status, delivery.next_at = "delivered", None
                delivery.finished_at = await repository.now(ctx.session)
                await repository.save_delivery(ctx.session, delivery)
            else:
                await _put_off(ctx, delivery)
        if has_worked:
            await repository.note_standing(ctx.session, webhook_id, 0, None)
            return True
        failures = begun.failures + 1
        await repository.note_standing(ctx.session, webhook_id, failures, rest_after(failures))
        if failures >= MOST_FAILURES:
            await service.turn_off(ctx, webhook_id, _in_a_row(failures))
    return False
