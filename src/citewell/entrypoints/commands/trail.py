"""`audit`."""

import sys
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table
from rich.text import Text

from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.entrypoints.commands.naming import id_among
from citewell.entrypoints.commands.running import (
    NOT_AVAILABLE,
    JsonOption,
    TenantOption,
    administer,
    print_json,
    print_table,
    readable,
    stop,
)
from citewell.features.audit import service
from citewell.features.audit.schemas import AuditFilter, AuditRead
from citewell.features.audit.service import ExportFormat
from citewell.features.identity.service import DEFAULT_TENANT
from citewell.kit.pagination import MAX_LIMIT, PageRequest
from citewell.models.documents import Collection, Document
from citewell.models.tenancy import ApiKey, Group, User
from citewell.models.webhooks import Webhook

audit = typer.Typer(no_args_is_help=True, help="The audit trail.")

ACTORS = ((User, (User.email,)), (ApiKey, (ApiKey.name,)))
OBJECTS = (
    *ACTORS, (Document, (Document.title, Document.filename)), (Collection, (Collection.name,)),
    (Group, (Group.name,)), (Webhook, (Webhook.name,)),
)  # fmt: skip
"""Tables of what is found by a name; of everything else in the trail the id is to be given."""

ActorOption = Annotated[
    str | None,
    typer.Option(
        "--actor",
        metavar="ACTOR",
        help="E-mail address, name of a key, or id.",
        callback=readable,
    ),
]
ObjectOption = Annotated[
    str | None,
    typer.Option("--object", metavar="OBJECT", help="Its name or id.", callback=readable),
]
ActionOption = Annotated[
    str | None, typer.Option("--action", help="Such as document.deleted.", callback=readable)
]
SinceOption = Annotated[datetime | None, typer.Option("--from", help="First moment, in UTC.")]
UntilOption = Annotated[datetime | None, typer.Option("--to", help="End, exclusive, in UTC.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(audit, name="audit")


@audit.command("list")
def list_events(
    actor: ActorOption = None,
    object_named: ObjectOption = None,
    action: ActionOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    page: Annotated[int, typer.Option(min=1, help="Page of the list.")] = 1,
    limit: Annotated[int, typer.Option(min=1, max=MAX_LIMIT, help="Events on a page.")] = 20,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonOption = False,
) -> None:
    """List recorded actions, newest first."""

    async def act(platform: Platform, caller: Caller) -> tuple[list[AuditRead], int]:
        async with unit_of_work(platform, caller) as ctx:
            wanted = await _filter(ctx, actor, object_named, action, since, until)
            found = await service.page(ctx, wanted, PageRequest(page, limit))
            return found.items, found.total

    events, total = administer(act, tenant=tenant)
    if as_json:
        shown = [event.model_dump(mode="json") for event in events]
        print_json({"events": shown, "page": page, "limit": limit, "total": total})
        return
    table = Table("at", "who", "action", "object", "address", "details")
    for event in events:
        table.add_row(
            f"{event.at:%Y-%m-%d %H:%M:%S}",
            Text(_shown(event.actor_name, event.actor_id) or event.actor_kind), event.action,
            Text(_shown(event.object_name, event.object_id)), event.address or "",
            Text(", ".join(f"{name}: {value}" for name, value in event.details.items())),
        )  # fmt: skip
    print_table(table)


@audit.command("export")
def export_events(
    actor: ActorOption = None,
    object_named: ObjectOption = None,
    action: ActionOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    form: Annotated[ExportFormat, typer.Option("--format", help="Form of the file.")] = (
        ExportFormat.NDJSON
    ),
    tenant: TenantOption = DEFAULT_TENANT,
) -> None:
    """Write the whole trail on standard output, oldest first."""

    async def act(platform: Platform, caller: Caller) -> None:
        async with unit_of_work(platform, caller) as ctx:
            wanted = await _filter(ctx, actor, object_named, action, since, until)
        async with aclosing(service.export(platform, caller, wanted, form)) as parts:
            async for part in parts:
                sys.stdout.write(part.decode())
        sys.stdout.flush()

    try:
        administer(act, tenant=tenant)
    except BrokenPipeError:
        raise
    except OSError as error:
        stop(f"The trail cannot be written: {error.strerror}.", NOT_AVAILABLE)


def _shown(name: str | None, id_: UUID | None) -> str:
    return f"{name} ({id_})" if name else str(id_ or "")


async def _filter(
    ctx: Context,
    actor: str | None,
    object_named: str | None,
    action: str | None,
    since: datetime | None,
    until: datetime | None,
) -> AuditFilter:
    actor_id = await id_among(ctx, "user or key", ACTORS, actor) if actor else None
    object_id = await id_among(ctx, "object", OBJECTS, object_named) if object_named else None
    return AuditFilter(actor_id, object_id, action, _in_utc(since), _in_utc(until))


def _in_utc(moment: datetime | None) -> datetime | None:
    return moment and moment.replace(tzinfo=UTC)
