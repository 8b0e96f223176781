"""`documents delete`, `documents trash` and `documents restore`."""

import uuid
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.entrypoints.commands.librarian import CollectionOption
from citewell.entrypoints.commands.running import (
    AsOption,
    JsonOption,
    TenantOption,
    administer,
    counted,
    out,
    print_json,
    print_table,
)
from citewell.features.collections import service as collections
from citewell.features.documents import service as documents
from citewell.features.identity.service import DEFAULT_TENANT
from citewell.features.trash import service
from citewell.features.trash.schemas import TrashedRead
from citewell.indexes.contract import index_of
from citewell.kit.pagination import MAX_LIMIT, PageRequest

DocumentArguments = Annotated[
    list[str],
    typer.Argument(metavar="DOCUMENT...", help="Ids, beginnings or ends of them, or titles."),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("delete")(delete_documents)
    app.command("trash")(list_trash)
    app.command("restore")(restore_documents)


def delete_documents(
    named: DocumentArguments,
    purge: Annotated[
        bool,
        typer.Option("--purge", help="Remove them for good, those in the trash too."),
    ] = False,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    collection: CollectionOption = None,
) -> None:
    """Delete documents with all their versions; the trash keeps them for some time."""

    async def act(platform: Platform, caller: Caller) -> int:
        async with unit_of_work(platform, caller) as ctx:
            for document_id in [await documents.id_of(ctx, each, collection) for each in named]:
                await (service.delete_for_good if purge else service.delete)(ctx, document_id)
            minutes = 0 if purge else await service.minutes_kept(ctx)
        await index_of(platform).maintenance.fold_statistics(caller.tenant_id)
        return minutes

    minutes = administer(act, tenant=tenant, as_user=as_user)
    kept = f"; `citewell documents restore` brings them back within {_span(minutes)}"
    out.print(f"{len(named)} deleted{kept if minutes else ' for good'}.")


_UNITS = (("day", 24 * 60), ("hour", 60), ("minute", 1))


def _span(minutes: int) -> str:
    """A length of time in the largest unit that tells it."""
    name, length = next(each for each in _UNITS if minutes % each[1] == 0)
    count = minutes // length
    return f"{count} {name}{'' if count == 1 else 's'}"


def list_trash(
    page: Annotated[int, typer.Option(min=1, help="Page of the list.")] = 1,
    limit: Annotated[int, typer.Option(min=1, max=MAX_LIMIT, help="Documents a page.")] = 50,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List deleted documents that can be restored, deleted last first."""
    names: dict[uuid.UUID, str] = {}

    async def act(platform: Platform, caller: Caller) -> tuple[list[TrashedRead], int]:
        async with unit_of_work(platform, caller) as ctx:
            found = await service.page(ctx, PageRequest(page, limit))
            held = {item.collection_id for item in found.items}
            names.update(await collections.names_of(ctx, held))
            return found.items, found.total

    items, total = administer(act, tenant=tenant, as_user=as_user)
    if as_json:
        print_json({"documents": [item.model_dump(mode="json") for item in items], "total": total})
        return
    table = Table("id", "title", "collection", "file", "deleted", "gone for good after")
    for item in items:
        table.add_row(
            str(item.id), Text(item.title), Text(names.get(item.collection_id, "")),
            Text(item.filename), f"{item.deleted_at:%Y-%m-%d %H:%M}",
            f"{item.purged_after:%Y-%m-%d %H:%M}",
        )  # fmt: skip
    print_table(table)
    out.print(f"{counted(total, 'document')}.")


def restore_documents(
    named: DocumentArguments,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    collection: CollectionOption = None,
) -> None:
    """Bring deleted documents back as they were."""

    async def act(platform: Platform, caller: Caller) -> None:
        async with unit_of_work(platform, caller) as ctx:
            for document_id in [await service.id_of(ctx, each, collection) for each in named]:
                await service.restore(ctx, document_id)
        await index_of(platform).maintenance.fold_statistics(caller.tenant_id)

    administer(act, tenant=tenant, as_user=as_user)
    out.print(f"{len(named)} restored.")
