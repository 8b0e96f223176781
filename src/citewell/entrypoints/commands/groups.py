"""`group`."""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.entrypoints.commands.running import (
    JsonOption,
    TenantOption,
    checked,
    out,
    print_json,
    print_table,
    readable,
    run,
)
from citewell.features.identity.service import DEFAULT_TENANT
from citewell.features.users import groups, service
from citewell.features.users.schemas import GroupCreate, GroupRead, UserRead
from citewell.kit.pagination import MAX_LIMIT, PageRequest

group = typer.Typer(no_args_is_help=True, help="Groups of users, to grant things to.")

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The group's name.", callback=readable)
]
EmailsArgument = Annotated[
    list[str], typer.Argument(metavar="EMAIL...", help="E-mail addresses of users.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="group")


@group.command("create")
def create_group(
    name: NameArgument,
    description: Annotated[str, typer.Option(help="Its purpose.", callback=readable)] = "",
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonOption = False,
) -> None:
    """Make a group."""
    data = checked(GroupCreate, name=name, description=description)

    async def act(platform: Platform, caller: Caller) -> GroupRead:
        async with unit_of_work(platform, caller) as ctx:
            return GroupRead.of(await groups.create(ctx, data))

    made = run(act, tenant=tenant).model_dump(mode="json")
    if as_json:
        print_json(made)
    else:
        out.print("Made.")


@group.command("list")
def list_groups(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="A group, for its users.", callback=readable),
    ] = None,
    page: Annotated[int, typer.Option(min=1, help="Page of the list.")] = 1,
    limit: Annotated[int, typer.Option(min=1, max=MAX_LIMIT, help="Rows a page.")] = 50,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonOption = False,
) -> None:
    """List groups, or the users of one."""
    if name is None:
        _list_groups(PageRequest(page, limit), tenant, as_json)
    else:
        _list_members(name, PageRequest(page, limit), tenant, as_json)


def _list_groups(request: PageRequest, tenant: str, as_json: bool) -> None:
    async def act(platform: Platform, caller: Caller) -> tuple[list[GroupRead], int]:
        async with unit_of_work(platform, caller) as ctx:
            found = await groups.page(ctx, request)
            return [GroupRead.of(item) for item in found.items], found.total

    items, total = run(act, tenant=tenant)
    if as_json:
        print_json({"groups": [item.model_dump(mode="json") for item in items], "total": total})
        return
    table = Table("id", "name", "description")
    for item in items:
        table.add_row(str(item.id), Text(item.name), Text(item.description))
    print_table(table)
    out.print(f"{total} groups.")


def _list_members(name: str, request: PageRequest, tenant: str, as_json: bool) -> None:
    async def act(platform: Platform, caller: Caller) -> tuple[list[UserRead], int]:
        async with unit_of_work(platform, caller) as ctx:
            found = await groups.find(ctx, name)
            members = await groups.members(ctx, found.id, request)
            return [UserRead.of(item) for item in members.items], members.total

    items, total = run(act, tenant=tenant)
    if as_json:
        print_json({"users": [item.model_dump(mode="json") for item in items], "total": total})
        return
    table = Table("e-mail", "name", "role", "status")
    for item in items:
        table.add_row(Text(item.email), Text(item.name), item.role, item.status)
    print_table(table)
    out.print(f"{total} users.")


@group.command("add")
def add_members(
    name: NameArgument, emails: EmailsArgument, tenant: TenantOption = DEFAULT_TENANT
) -> None:
    """Put users into a group; all of them or, if one is unknown, none."""

    async def act(platform: Platform, caller: Caller) -> None:
        async with unit_of_work(platform, caller) as ctx:
            found = await groups.find(ctx, name)
            # One transaction for all: an unknown address takes the others back.
            for email in emails:
                user = await service.find_by_email(ctx, email)
                await groups.add_member(ctx, found.id, user.id)

    run(act, tenant=tenant)
    out.print(f"{len(emails)} added.")


@group.command("remove")
def remove_members(
    name: NameArgument, emails: EmailsArgument, tenant: TenantOption = DEFAULT_TENANT
) -> None:
    """Take users out of a group; all of them or, if one is not in it, none."""

    async def act(platform: Platform, caller: Caller) -> None:
        async with unit_of_work(platform, caller) as ctx:
            found = await groups.find(ctx, name)
            for email in emails:
                user = await service.find_by_email(ctx, email)
                await groups.remove_member(ctx, found.id, user.id)

    run(act, tenant=tenant)
    out.print(f"{len(emails)} removed.")


@group.command("delete")
def delete_group(name: NameArgument, tenant: TenantOption = DEFAULT_TENANT) -> None:
    """Remove a group with the rules that name it; its users stay."""

    async def act(platform: Platform, caller: Caller) -> None:
        async with unit_of_work(platform, caller) as ctx:
            await groups.remove(ctx, (await groups.find(ctx, name)).id)

    run(act, tenant=tenant)
    out.print("Deleted.")
