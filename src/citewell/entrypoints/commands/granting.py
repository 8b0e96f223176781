"""`share` and `unshare` of documents and collections, `documents access`, and `access report`."""

import uuid
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from citewell.access.policy import Effect
from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.entrypoints.commands.librarian import CollectionOption, DocumentName
from citewell.entrypoints.commands.running import (
    USAGE,
    AsOption,
    JsonList,
    JsonOption,
    TenantOption,
    administer,
    out,
    print_json,
    print_table,
    readable,
    stop,
)
from citewell.features.collections import service as collections
from citewell.features.documents import service as documents
from citewell.features.identity.service import DEFAULT_TENANT
from citewell.features.sharing import departments, service
from citewell.features.sharing.schemas import (
    GrantPut,
    GrantRead,
    PeopleFilter,
    SeenRead,
    UserAccess,
)
from citewell.features.sharing.service import Shared
from citewell.features.users import groups
from citewell.features.users import service as users
from citewell.kit.pagination import MAX_LIMIT, PageRequest

CollectionName = Annotated[
    str, typer.Argument(metavar="NAME", help="The collection's name.", callback=readable)
]
UserOption = Annotated[
    str | None, typer.Option("--user", metavar="EMAIL", help="A user.", callback=readable)
]
GroupOption = Annotated[
    str | None, typer.Option("--group", metavar="NAME", help="A group.", callback=readable)
]
EffectOption = Annotated[Effect, typer.Option(help="What they may; `write` includes `read`.")]

access = typer.Typer(no_args_is_help=True, help="Who sees what.")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(access, name="access")


def add_to_documents(app: typer.Typer) -> None:
    """Add the commands about single documents."""
    app.command("share")(share_document)
    app.command("unshare")(unshare_document)
    app.command("access")(list_document_access)


def add_to_collections(app: typer.Typer) -> None:
    """Add the commands about collections."""
    app.command("share")(share_collection)
    app.command("unshare")(unshare_collection)


def share_document(
    document: DocumentName,
    user: UserOption = None,
    group: GroupOption = None,
    effect: EffectOption = Effect.READ,
    collection: CollectionOption = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a user or a group read or change a document, or deny it to them."""
    _share(document, collection, user, group, effect, tenant, as_user, as_json)


def share_collection(
    name: CollectionName,
    user: UserOption = None,
    group: GroupOption = None,
    effect: EffectOption = Effect.READ,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a user or a group read or change a collection, or deny it to them."""
    _share(None, name, user, group, effect, tenant, as_user, as_json)


def unshare_document(
    document: DocumentName,
    user: UserOption = None,
    group: GroupOption = None,
    collection: CollectionOption = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
) -> None:
    """Take the rule of a user or a group for a document back."""
    _unshare(document, collection, user, group, tenant, as_user)


def unshare_collection(
    name: CollectionName,
    user: UserOption = None,
    group: GroupOption = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
) -> None:
    """Take the rule of a user or a group for a collection back."""
    _unshare(None, name, user, group, tenant, as_user)


def _share(
    document: str | None,
    name: str | None,
    user: str | None,
    group: str | None,
    effect: Effect,
    tenant: str,
    as_user: str | None,
    as_json: bool,
) -> None:
    _require_one(user, group)

    async def act(platform: Platform, caller: Caller) -> GrantRead:
        async with unit_of_work(platform, caller) as ctx:
            shared = await _shared(ctx, document, name)
            user_id, group_id = await _subject(ctx, user, group)
            data = GrantPut(user_id=user_id, group_id=group_id, effect=effect)
            return GrantRead.model_validate(await service.put_grant(ctx, shared, data))

    made = administer(act, tenant=tenant, as_user=as_user)
    if as_json:
        print_json(made.model_dump(mode="json"))
    else:
        out.print("Shared." if effect is not Effect.DENY else "Denied.")


def _unshare(
    document: str | None,
    name: str | None,
    user: str | None,
    group: str | None,
    tenant: str,
    as_user: str | None,
) -> None:
    _require_one(user, group)

    async def act(platform: Platform, caller: Caller) -> bool:
        async with unit_of_work(platform, caller) as ctx:
            shared = await _shared(ctx, document, name)
            wanted = await _subject(ctx, user, group)
            number = 1
            while True:
                page = await service.grants(ctx, shared, PageRequest(number, MAX_LIMIT))
                for each in page.items:
                    if (each.user_id, each.group_id) == wanted:
                        await service.remove_grant(ctx, shared, each.id)
                        return True
                if number >= page.total_pages:
                    return False
                number += 1

    if not administer(act, tenant=tenant, as_user=as_user):
        stop(f"There is no rule of {user or group} for it.", USAGE)
    out.print("Taken back.")


def _require_one(user: str | None, group: str | None) -> None:
    if (user is None) == (group is None):
        stop("Name either --user or --group.", USAGE)


async def _shared(ctx: Context, document: str | None, name: str | None) -> Shared:
    if document is not None:
        return service.document(await documents.id_of(ctx, document, name))
    return service.collection((await collections.find(ctx, name or "")).id)


async def _subject(
    ctx: Context, user: str | None, group: str | None
) -> tuple[uuid.UUID | None, uuid.UUID | None]:
    if user is not None:
        return (await users.find_by_email(ctx, user)).id, None
    return None, (await groups.find(ctx, group or "")).id


def list_document_access(
    document: DocumentName,
    search: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Part of the address or name.", callback=readable),
    ] = None,
    can_read: Annotated[
        bool | None,
        typer.Option("--can-read/--cannot-read", help="Only those who read it, or do not."),
    ] = None,
    collection: CollectionOption = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show for every user whether they can read and change a document, and why."""
    shown = JsonList("users") if as_json else None
    wanted = PeopleFilter(search or None, can_read)

    async def act(platform: Platform, caller: Caller) -> int:
        async with unit_of_work(platform, caller) as ctx:
            document_id = await documents.id_of(ctx, document, collection)
        number = 1
        while True:
            async with unit_of_work(platform, caller) as ctx:
                request = PageRequest(number, MAX_LIMIT)
                page = await service.list_access(ctx, document_id, wanted, request)
            if shown is not None:
                shown.add(each.model_dump(mode="json") for each in page.items)
            elif page.items:
                _print_access(page.items)
            if number >= page.total_pages:
                return page.total
            number += 1

    total = administer(act, tenant=tenant, as_user=as_user)
    if shown is not None:
        shown.end()
    elif not total:
        out.print("No such users.")


def _print_access(rows: list[UserAccess]) -> None:
    table = Table("e-mail", "role", "reads", "changes", "why")
    for each in rows:
        # The first reason decided.
        why = each.read.reasons[0].detail if each.read.reasons else ""
        table.add_row(
            Text(each.user.email), each.user.role, "yes" if each.read.allowed else "no",
            "yes" if each.write.allowed else "no", Text(why),
        )  # fmt: skip
    print_table(table)


@access.command("report")
def report_access(
    tenant: TenantOption = DEFAULT_TENANT, as_user: AsOption = None, as_json: JsonOption = False
) -> None:
    """Show for every user which private collections they read and change, as the policy decides."""
    shown = JsonList("users") if as_json else None

    async def act(platform: Platform, caller: Caller) -> None:
        number = 1
        while True:
            async with unit_of_work(platform, caller) as ctx:
                page = await departments.report(ctx, PageRequest(number, MAX_LIMIT))
            if shown is None:
                _print_seen(page.items)
            else:
                shown.add(each.model_dump(mode="json") for each in page.items)
            if number >= page.total_pages:
                return
            number += 1

    administer(act, tenant=tenant, as_user=as_user)
    if shown is not None:
        shown.end()


def _print_seen(seen: list[SeenRead]) -> None:
    table = Table("e-mail", "role", "admin", "status", "reads", "changes")
    for each in seen:
        table.add_row(
            Text(each.email), each.role, "yes" if each.is_admin else "", each.status,
            Text(", ".join(each.reads)), Text(", ".join(each.changes)),
        )  # fmt: skip
    print_table(table)
