"""Webhooks as their owners make and change them, and their logs."""

import asyncio
import uuid
from datetime import timedelta

import structlog

from citewell.access.policy import Role, Scope
from citewell.core.blobs.encryption import Purpose
from citewell.core.context import NOBODY, ActorKind, Caller, Context, unit_of_work
from citewell.core.database.parts import RowFilter
from citewell.core.errors import ForbiddenError
from citewell.core.outbound import parsed_url
from citewell.core.platform import Platform
from citewell.core.sealing import seal, unseal
from citewell.features.audit import service as audit
from citewell.features.webhooks import repository
from citewell.features.webhooks.errors import InvalidWebhookError, WebhookNotFoundError
from citewell.features.webhooks.schemas import (
    DeliveryRead,
    WebhookChanged,
    WebhookCreate,
    WebhookRead,
    WebhookSight,
    WebhookUpdate,
)
from citewell.features.webhooks.signing import new_secret
from citewell.kit.addresses import PrivateAddressError, ReachableHosts
from citewell.kit.clock import utc_now
from citewell.kit.ids import uuid7
from citewell.kit.pagination import Page, PageRequest
from citewell.models.webhooks import Webhook

MAKES_FROM = Role.MANAGER
"""Lowest role that has webhooks, beside administrators: they carry what one reads elsewhere."""

MOST_WEBHOOKS = 50

FORMER_SECRET_HOURS = 24
"""Time in which a receiver takes over a new secret."""

_RESOLVING_SECONDS = 5.0

EVERYBODYS = WebhookSight(NOBODY, sees_all=True)

log = structlog.get_logger(__name__)


async def page(ctx: Context, request: PageRequest) -> Page[WebhookRead]:
    """One's own webhooks; for administrators all.

    Raises:
        ForbiddenError: The caller has none.
    """
    found = await repository.page(ctx.session, _sight(ctx), request)
    return Page([WebhookRead.model_validate(each) for each in found.items], request, found.total)


async def get(ctx: Context, webhook_id: uuid.UUID) -> WebhookRead:
    """A webhook.

    Raises:
        ForbiddenError: The caller has none.
        WebhookNotFoundError: There is none, or not for this caller.
    """
    return WebhookRead.model_validate(await _find(ctx, webhook_id))


async def create(platform: Platform, caller: Caller, data: WebhookCreate) -> WebhookChanged:
    """Make a webhook that hears what the caller may read; its secret is shown this once.

    Raises:
        ForbiddenError: The caller is neither manager nor administrator.
        InvalidWebhookError: The address cannot be told, or there are too many.
    """
    _require(caller)
    await _check(platform, data.url)
    async with unit_of_work(platform, caller) as ctx:
        if await repository.count(ctx.session) >= MOST_WEBHOOKS:
            raise InvalidWebhookError(f"There are {MOST_WEBHOOKS} webhooks already.")
        webhook = Webhook(
            tenant_id=ctx.tenant_id,
            id=uuid7(),
            name=data.name,
            url=data.url,
            events=[str(each) for each in data.events],
            is_active=data.is_active,
            failures=0,
        )
        _take_over(ctx, webhook)
        secret = new_secret()
        await _seal(ctx, webhook, secret)
        await repository.save(ctx.session, webhook)
        await _record(ctx, "webhook.created", webhook, ["events", "url"])
        return _changed(webhook, secret)


async def update(
    platform: Platform, caller: Caller, webhook_id: uuid.UUID, data: WebhookUpdate
) -> WebhookChanged:
    """Change a webhook.

    Whoever changes what it tells, or whom, becomes its owner: nobody gets by it what another one
    may read.

    Raises:
        ForbiddenError: The caller is neither manager nor administrator.
        WebhookNotFoundError: There is none, or not for this caller.
        InvalidWebhookError: The address cannot be told.
    """
    _require(caller)
    if data.url is not None:
        await _check(platform, data.url)
    async with unit_of_work(platform, caller) as ctx:
        webhook = await repository.lock(ctx.session, webhook_id, _sight(ctx))
        if webhook is None:
            raise WebhookNotFoundError(webhook_id)
        given = data.model_dump(exclude={"rotate_secret"}, exclude_none=True, mode="json")
        changed = sorted(name for name, value in given.items() if getattr(webhook, name) != value)
        for name in changed:
            setattr(webhook, name, given[name])
        if {"url", "events"} & set(changed):
            _take_over(ctx, webhook)
        if "is_active" in changed:
            webhook.disabled_reason, webhook.failures = None, 0
        if {"url", "is_active"} & set(changed):
            webhook.not_before = None
        secret = await _rotate(ctx, webhook) if data.rotate_secret else None
        await repository.save(ctx.session, webhook)
        fields = [*changed, *(["secret"] if secret else [])]
        if fields:
            await _record(ctx, "webhook.updated", webhook, fields)
        return _changed(webhook, secret)


async def remove(ctx: Context, webhook_id: uuid.UUID) -> None:
    """Remove a webhook with its log.

    Raises:
        ForbiddenError: The caller is neither manager nor administrator.
        WebhookNotFoundError: There is none, or not for this caller.
    """
    webhook = await _find(ctx, webhook_id)
    await repository.remove(ctx.session, webhook_id)
    await _record(ctx, "webhook.deleted", webhook, [])


async def deliveries(
    ctx: Context, webhook_id: uuid.UUID, request: PageRequest
) -> Page[DeliveryRead]:
    """The log of a webhook, newest first; raises as `get` does."""
    await _find(ctx, webhook_id)
    found = await repository.deliveries(ctx.session, webhook_id, request)
    return Page([DeliveryRead.model_validate(each) for each in found.items], request, found.total)


async def seen(ctx: Context) -> RowFilter:
    """Which webhooks are there for the caller.

    Raises:
        ForbiddenError: The caller is neither manager nor administrator.
    """
    return repository.seen(_sight(ctx))


async def logged(ctx: Context, webhook_id: uuid.UUID) -> RowFilter:
    """Which deliveries are in the log of a webhook; raises as `get` does."""
    await _find(ctx, webhook_id)
    return repository.logged(webhook_id)


async def replay(ctx: Context, webhook_id: uuid.UUID, delivery_id: uuid.UUID) -> DeliveryRead:
    """Tell of an event again, with what its owner may read then and under the same id.

    Raises:
        ForbiddenError: The caller is neither manager nor administrator.
        WebhookNotFoundError: There is none, or not for this caller.
        InvalidWebhookError: The webhook is turned off.
    """
    webhook = await _find(ctx, webhook_id)
    delivery = await repository.lock_delivery(ctx.session, webhook_id, delivery_id)
    if delivery is None:
        raise WebhookNotFoundError(delivery_id)
    if not webhook.is_active:
        raise InvalidWebhookError("The webhook is turned off; turn it on first.")
    delivery.status, delivery.next_at = "pending", await repository.now(ctx.session)
    delivery.attempts, delivery.finished_at, delivery.error = 0, None, None
    await repository.save_delivery(ctx.session, delivery)
    # Asked for by a person, who has seen to the receiver.
    await repository.wake(ctx.session, webhook_id)
    await _record(ctx, "webhook.replayed", webhook, [])
    return DeliveryRead.model_validate(delivery)


async def secrets_of(platform: Platform, webhook: Webhook) -> list[str]:
    """The secrets that sign the messages of a webhook, the present one first.

    Raises:
        SealBrokenError: The present one was changed.
    """
    keys = platform.keys
    key = await keys.by_id(webhook.tenant_id, Purpose.SECRETS, webhook.key_id)
    found = [unseal(key, webhook.sealed_secret, _place(webhook))]
    until = webhook.former_until
    if webhook.former_sealed and webhook.former_key_id and until and until > utc_now():
        former = await keys.by_id(webhook.tenant_id, Purpose.SECRETS, webhook.former_key_id)
        found.append(unseal(former, webhook.former_sealed, _place(webhook)))
    return found


async def turn_off(ctx: Context, webhook_id: uuid.UUID, reason: str) -> None:
    """Turn a webhook off without its owner, and say so in the audit trail."""
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


async def _find(ctx: Context, webhook_id: uuid.UUID) -> Webhook:
    webhook = await repository.find(ctx.session, webhook_id, _sight(ctx))
    if webhook is None:
        raise WebhookNotFoundError(webhook_id)
    return webhook


def _require(caller: Caller) -> None:
    if not caller.actor.administers and caller.actor.role < MAKES_FROM:
        raise ForbiddenError("Webhooks are for managers and administrators.")


def _sight(ctx: Context) -> WebhookSight:
    _require(ctx.caller)
    return WebhookSight(ctx.actor.owner_id, sees_all=ctx.actor.administers)


def _take_over(ctx: Context, webhook: Webhook) -> None:
    """Have a webhook hear what the caller may read."""
    actor = ctx.actor
    # A key that lacks the right to read must not hear by a webhook what it cannot ask for.
    actor.require(Scope.READ)
    webhook.actor_kind, webhook.user_id = actor.kind, actor.user_id
    webhook.owner_key_id = actor.id if actor.kind is ActorKind.API_KEY else None


async def _check(platform: Platform, url: str) -> None:
    """Refuse an address that would not be reached.

    Raises:
        InvalidWebhookError: It is none, or in a private network.
    """
    target = parsed_url(url)
    if target is None:
        raise InvalidWebhookError("`url` must begin with http:// or https:// and a host's name.")
    port = target.port or (443 if target.scheme == "https" else 80)
    try:
        async with asyncio.timeout(_RESOLVING_SECONDS):
            await ReachableHosts(platform.settings.private_hosts).address_of(target.host, port)
    except PrivateAddressError as error:
        raise InvalidWebhookError(
            f"{error}; the operator can allow it with CITEWELL_PRIVATE_HOSTS."
        ) from None
    except (OSError, ValueError, TimeoutError):
        raise InvalidWebhookError(
            "No address is known for the host of `url`: check its name, and DNS here."
        ) from None


def _place(webhook: Webhook) -> str:
    return f"webhook {webhook.id}"


async def _seal(ctx: Context, webhook: Webhook, secret: str) -> None:
    key = await ctx.platform.keys.active_in(ctx.session, ctx.tenant_id, Purpose.SECRETS)
    webhook.sealed_secret, webhook.key_id = seal(key, secret, _place(webhook)), key.id


async def _rotate(ctx: Context, webhook: Webhook) -> str:
    webhook.former_sealed, webhook.former_key_id = webhook.sealed_secret, webhook.key_id
    webhook.former_until = utc_now() + timedelta(hours=FORMER_SECRET_HOURS)
    secret = new_secret()
    await _seal(ctx, webhook, secret)
    return secret


def _changed(webhook: Webhook, secret: str | None) -> WebhookChanged:
    shown = WebhookRead.model_validate(webhook).model_dump()
    return WebhookChanged.model_validate({**shown, "secret": secret})


async def _record(ctx: Context, action: str, webhook: Webhook, fields: list[str]) -> None:
    details: dict[str, object] = {"fields": fields} if fields else {}
    await audit.record(ctx, action, object_kind="webhook", object_id=webhook.id, details=details)
