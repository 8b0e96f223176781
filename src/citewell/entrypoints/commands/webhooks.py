"""`webhooks`."""

from functools import partial
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.entrypoints.commands.naming import Findable, id_of
from citewell.entrypoints.commands.running import (
    AsOption,
    JsonOption,
    TenantOption,
    administer,
    checked,
    out,
    print_json,
    print_table,
    readable,
)
from citewell.features.identity.service import DEFAULT_TENANT
from citewell.features.webhooks import service
from citewell.features.webhooks.schemas import (
    DeliveryRead,
    WebhookChanged,
    WebhookCreate,
    WebhookEvent,
    WebhookRead,
    WebhookUpdate,
)
from citewell.kit.pagination import MAX_LIMIT, PageRequest
from citewell.models.webhooks import Webhook, WebhookDelivery

webhooks = typer.Typer(
    no_args_is_help=True, help="Webhooks: who is told of documents, jobs and answers."
)

WebhookArgument = Annotated[
    str,
    typer.Argument(
        metavar="WEBHOOK",
        help="Its name, its id, or the beginning or end of it.",
        callback=readable,
    ),
]
WEBHOOK = Findable("webhook", Webhook, service.seen, (Webhook.name,))

EventOption = Annotated[
    list[WebhookEvent] | None, typer.Option("--event", help="What it is told of; repeatable.")
]
PageOption = Annotated[int, typer.Option(min=1, help="Page of the list.")]
LimitOption = Annotated[int, typer.Option(min=1, max=MAX_LIMIT, help="Lines a page.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(webhooks, name="webhooks")


@webhooks.command("list")
def list_webhooks(
    page: PageOption = 1,
    limit: LimitOption = 50,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List webhooks by name."""

    async def act(platform: Platform, caller: Caller) -> tuple[list[WebhookRead], int]:
        async with unit_of_work(platform, caller) as ctx:
            found = await service.page(ctx, PageRequest(page, limit))
            return found.items, found.total

    items, total = administer(act, tenant=tenant, as_user=as_user)
    if as_json:
        print_json({"webhooks": [each.model_dump(mode="json") for each in items], "total": total})
        return
    table = Table("id", "name", "url", "events", "state")
    for each in items:
        state = "on" if each.is_active else f"off {each.disabled_reason or ''}".strip()
        # An attempt counts from its beginning: the first of a row may be under way.
        if each.is_active and each.failures > 1 and each.not_before is not None:
            state = f"on, rests until {each.not_before:%Y-%m-%d %H:%M:%S}"
        table.add_row(
            str(each.id), Text(each.name), Text(each.url), ", ".join(each.events), Text(state)
        )
    print_table(table)


@webhooks.command("create")
def create_webhook(
    url: Annotated[str, typer.Argument(help="Where messages go.", callback=readable)],
    event: EventOption = None,
    name: Annotated[str | None, typer.Option(help="What it is for.", callback=readable)] = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a webhook and print its secret once; it is told of everything unless said otherwise."""
    data = checked(
        WebhookCreate, name=name or url[:200], url=url, events=event or list(WebhookEvent)
    )

    async def act(platform: Platform, caller: Caller) -> WebhookChanged:
        return await service.create(platform, caller, data)

    _print_changed(administer(act, tenant=tenant, as_user=as_user), as_json)


@webhooks.command("update")
def update_webhook(
    webhook: WebhookArgument,
    url: Annotated[str | None, typer.Option(help="Where messages go.", callback=readable)] = None,
    event: EventOption = None,
    name: Annotated[str | None, typer.Option(help="What it is for.", callback=readable)] = None,
    on: Annotated[bool | None, typer.Option("--on/--off", help="Whether it is told.")] = None,
    rotate_secret: Annotated[
        bool, typer.Option("--rotate-secret", help="Make a new secret; the former holds a day.")
    ] = False,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a webhook, turn it on or off, or make a new secret."""
    data = checked(
        WebhookUpdate, name=name, url=url, events=event, is_active=on, rotate_secret=rotate_secret
    )

    async def act(platform: Platform, caller: Caller) -> WebhookChanged:
        async with unit_of_work(platform, caller) as ctx:
            webhook_id = await id_of(ctx, WEBHOOK, webhook)
        return await service.update(platform, caller, webhook_id, data)

    _print_changed(administer(act, tenant=tenant, as_user=as_user), as_json)


def _print_changed(changed: WebhookChanged, as_json: bool) -> None:
    if as_json:
        print_json(changed.model_dump(mode="json"))
    else:
        out.print(str(changed.id))
        if changed.secret:
            out.print(changed.secret, markup=False)


@webhooks.command("delete")
def delete_webhook(
    webhook: WebhookArgument,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
) -> None:
    """Remove a webhook with its log."""

    async def act(platform: Platform, caller: Caller) -> None:
        async with unit_of_work(platform, caller) as ctx:
            await service.remove(ctx, await id_of(ctx, WEBHOOK, webhook))

    administer(act, tenant=tenant, as_user=as_user)
    out.print("Deleted.")


@webhooks.command("deliveries")
def list_deliveries(
    webhook: WebhookArgument,
    page: PageOption = 1,
    limit: LimitOption = 20,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what a webhook was told of, newest first."""

    async def act(platform: Platform, caller: Caller) -> tuple[list[DeliveryRead], int]:
        async with unit_of_work(platform, caller) as ctx:
            webhook_id = await id_of(ctx, WEBHOOK, webhook)
            found = await service.deliveries(ctx, webhook_id, PageRequest(page, limit))
            return found.items, found.total

    items, total = administer(act, tenant=tenant, as_user=as_user)
    if as_json:
        shown = [each.model_dump(mode="json") for each in items]
        print_json({"deliveries": shown, "total": total})
        return
    table = Table("id", "time", "event", "status", "attempts", "reply", "error")
    for each in items:
        table.add_row(
            str(each.id), f"{each.created_at:%Y-%m-%d %H:%M:%S}", each.event, each.status,
            str(each.attempts), str(each.response_status or ""), Text(each.error or ""),
        )  # fmt: skip
    print_table(table)


@webhooks.command("replay")
def replay_delivery(
    webhook: WebhookArgument,
    delivery: Annotated[
        str,
        typer.Argument(
            metavar="DELIVERY", help="The delivery's id, its beginning or end.", callback=readable
        ),
    ],
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell of an event again, with what the owner may read now."""

    async def act(platform: Platform, caller: Caller) -> DeliveryRead:
        async with unit_of_work(platform, caller) as ctx:
            webhook_id = await id_of(ctx, WEBHOOK, webhook)
            event = Findable(
                "delivery", WebhookDelivery, partial(service.logged, webhook_id=webhook_id)
            )
            return await service.replay(ctx, webhook_id, await id_of(ctx, event, delivery))

    queued = administer(act, tenant=tenant, as_user=as_user)
    if as_json:
        print_json(queued.model_dump(mode="json"))
    else:
        out.print("Queued.")
