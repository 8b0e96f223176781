"""`collections`: listing, making, changing and deleting them."""

import uuid
from contextlib import suppress
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from citewell.access.policy import Visibility
from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.entrypoints.commands import granting
from citewell.entrypoints.commands.running import (
    USAGE,
    AsOption,
    JsonOption,
    TenantOption,
    administer,
    checked,
    counted,
    out,
    print_json,
    print_table,
    readable,
    stop,
)
from citewell.entrypoints.commands.transfers import collection
from citewell.features.collections import service
from citewell.features.collections.schemas import (
    CollectionCreate,
    CollectionRead,
    CollectionUpdate,
)
from citewell.features.documents import service as documents
from citewell.features.documents.errors import DocumentNotFoundError
from citewell.features.documents.schemas import DocumentQuery
from citewell.features.identity.service import DEFAULT_TENANT
from citewell.features.trash import retention
from citewell.features.trash import service as trash
from citewell.features.trash.schemas import RetentionRead
from citewell.indexes.contract import index_of
from citewell.kit.pagination import MAX_LIMIT, PageRequest

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The collection's name.", callback=readable)
]
DescriptionOption = Annotated[
    str | None, typer.Option("--description", help="Its purpose.", callback=readable)
]
StrategyOption = Annotated[
    str | None, typer.Option("--chunk-strategy", help="How documents are cut.", callback=readable)
]
SizeOption = Annotated[int | None, typer.Option("--chunk-size", help="Tokens of a passage.")]
OverlapOption = Annotated[
    int | None, typer.Option("--chunk-overlap", help="Tokens that passages share.")
]
KeepOption = Annotated[
    int | None,
    typer.Option("--keep-days", help="Days until a document goes to the trash."),
]


def add_to(_: typer.Typer) -> None:
    """Add the commands to those of `collections`."""
    for name, command in (
        ("list", list_collections),
        ("create", create_collection),
        ("update", update_collection),
        ("retention", preview_retention),
        ("delete", delete_collection),
    ):
        collection.command(name)(command)
    granting.add_to_collections(collection)


def list_collections(
    page: Annotated[int, typer.Option(min=1, help="Page of the list.")] = 1,
    limit: Annotated[int, typer.Option(min=1, max=MAX_LIMIT, help="Rows a page.")] = 50,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List collections by name."""

    async def act(platform: Platform, caller: Caller) -> tuple[list[CollectionRead], int]:
        async with unit_of_work(platform, caller) as ctx:
            found = await service.page(ctx, PageRequest(page, limit))
            return [CollectionRead.model_validate(item) for item in found.items], found.total

    items, total = administer(act, tenant=tenant, as_user=as_user)
    if as_json:
        shown = [item.model_dump(mode="json") for item in items]
        print_json({"collections": shown, "total": total})
        return
    table = Table("id", "name", "visibility", "description")
    for item in items:
        table.add_row(str(item.id), Text(item.name), item.visibility, Text(item.description))
    print_table(table)
    out.print(f"{counted(total, 'collection')}.")


def create_collection(
    name: NameArgument,
    description: DescriptionOption = None,
    is_private: Annotated[
        bool, typer.Option("--private", help="Only whom it is granted to reads it.")
    ] = False,
    chunk_strategy: StrategyOption = None,
    chunk_size: SizeOption = None,
    chunk_overlap: OverlapOption = None,
    keep_days: KeepOption = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a collection."""
    visibility = Visibility.PRIVATE if is_private else Visibility.OPEN
    given = _given(
        description=description,
        chunk_strategy=chunk_strategy,
        chunk_size=chunk_size,
        chunk_overlap=chunk_overlap,
        keep_days=keep_days,
    )
    data = checked(CollectionCreate, name=name, visibility=visibility, **given)

    async def act(platform: Platform, caller: Caller) -> CollectionRead:
        async with unit_of_work(platform, caller) as ctx:
            return CollectionRead.model_validate(await service.create(ctx, data))

    _print(administer(act, tenant=tenant, as_user=as_user), "Made.", as_json)


def update_collection(
    name: NameArgument,
    new_name: Annotated[
        str | None, typer.Option("--name", help="Another name.", callback=readable)
    ] = None,
    description: DescriptionOption = None,
    is_private: Annotated[
        bool | None, typer.Option("--private/--open", help="Who reads it by role.")
    ] = None,
    chunk_strategy: StrategyOption = None,
    chunk_size: SizeOption = None,
    chunk_overlap: OverlapOption = None,
    keep_days: KeepOption = None,
    keeps_all: Annotated[
        bool, typer.Option("--keep-all", help="No document goes by its age.")
    ] = False,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a collection."""
    given = _given(
        name=new_name,
        description=description,
        chunk_strategy=chunk_strategy,
        chunk_size=chunk_size,
        chunk_overlap=chunk_overlap,
        keep_days=keep_days,
    )
    if keeps_all:
        if keep_days is not None:
            stop("Give --keep-days or --keep-all, not both.", USAGE)
        given["keep_days"] = None
    if is_private is not None:
        given["visibility"] = Visibility.PRIVATE if is_private else Visibility.OPEN
    if not given:
        stop(
            "Say what to change: --name, --description, --private, --open, --keep-days, --keep-all "
            "or --chunk-...",
            USAGE,
        )
    data = checked(CollectionUpdate, **given)

    async def act(platform: Platform, caller: Caller) -> CollectionRead:
        async with unit_of_work(platform, caller) as ctx:
            found = await service.find(ctx, name)
            return CollectionRead.model_validate(await service.update(ctx, found.id, data))

    _print(administer(act, tenant=tenant, as_user=as_user), "Changed.", as_json)


def preview_retention(
    name: NameArgument,
    keep_days: Annotated[
        int | None,
        typer.Option("--keep-days", help="A rule to try; the collection's own unless given."),
    ] = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the documents that a rule of retention would delete now."""
    if keep_days is not None:
        checked(CollectionUpdate, keep_days=keep_days)

    async def act(platform: Platform, caller: Caller) -> RetentionRead:
        async with unit_of_work(platform, caller) as ctx:
            found = await service.find(ctx, name)
            return await retention.preview(ctx, found.id, keep_days)

    would = administer(act, tenant=tenant, as_user=as_user)
    if as_json:
        print_json(would.model_dump(mode="json"))
        return
    if would.keep_days is None:
        out.print("The collection keeps its documents for good.")
        return
    if would.documents:
        table = Table("id", "title", "file", "since")
        for each in would.documents:
            since = f"{each.since:%Y-%m-%d}"
            table.add_row(str(each.id), Text(each.title), Text(each.filename), since)
        print_table(table)
    if len(would.documents) < would.total:
        out.print(f"The oldest {len(would.documents)} that you may read are listed.")
    documents = "document" if would.total == 1 else "documents"
    days = "day" if would.keep_days == 1 else "days"
    out.print(f"{would.total} {documents} older than {would.keep_days} {days}.")
    if would.is_final:
        out.print("The trash keeps nothing: they would be removed for good.")


def delete_collection(
    name: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a collection with its documents, for good; asks first if there are any."""

    async def count(platform: Platform, caller: Caller) -> int:
        async with unit_of_work(platform, caller) as ctx:
            held_in = (await service.find(ctx, name)).id
            return (await documents.page(ctx, PageRequest(1, 1), DocumentQuery(held_in))).total

    held = 0 if yes else administer(count, tenant=tenant, as_user=as_user)
    if held:
        asked = f"Remove the collection {name} with {counted(held, 'document')}, for good?"
        typer.confirm(asked, abort=True, err=True)

    async def act(platform: Platform, caller: Caller) -> tuple[uuid.UUID, int]:
        async with unit_of_work(platform, caller) as ctx:
            found = (await service.find(ctx, name)).id
        removed = await _empty(platform, caller, found)
        async with unit_of_work(platform, caller) as ctx:
            await service.delete(ctx, found)
        return found, removed

    gone, removed = administer(act, tenant=tenant, as_user=as_user)
    if as_json:
        print_json({"id": str(gone), "documents": removed})
    else:
        out.print(f"Deleted, with {counted(removed, 'document')}." if removed else "Deleted.")


async def _empty(platform: Platform, caller: Caller, collection_id: uuid.UUID) -> int:
    """Move all documents of a collection into the trash; returns how many there were.

    Each in a transaction of its own, as `documents delete` does: a refusal leaves those before it
    where they can be restored, and the collection with them.
    """
    removed = 0
    while True:
        async with unit_of_work(platform, caller) as ctx:
            asked = DocumentQuery(collection_id)
            found = await documents.page(ctx, PageRequest(1, MAX_LIMIT), asked)
        if not found.items:
            break
        for each in found.items:
            async with unit_of_work(platform, caller) as ctx:
                # Attachments go with their document.
                with suppress(DocumentNotFoundError):
                    await trash.delete(ctx, each.document.id)
            removed += 1
    if removed:
        await index_of(platform).maintenance.fold_statistics(caller.tenant_id)
    return removed


def _given(**options: object) -> dict[str, object]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def _print(made: CollectionRead, said: str, as_json: bool) -> None:
    if as_json:
        print_json(made.model_dump(mode="json"))
    else:
        out.print(said)
