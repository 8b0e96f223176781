"""`group`."""

import csv
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.core.settings import Settings
from citewell.entrypoints.addresses import link_to
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
from citewell.features.identity.service import DEFAULT_TENANT
from citewell.features.sharing import departments
from citewell.features.sharing.schemas import DepartmentsReport, Person
from citewell.features.users import groups, service
from citewell.features.users.schemas import GroupCreate, GroupRead, UserRead
from citewell.kit.complaints import complaint
from citewell.kit.pagination import MAX_LIMIT, PageRequest
from citewell.models.notices import NoticeKind

COLUMNS = {"email", "name", "role", "department"}
"""Of a file of people; several departments are separated by semicolons."""

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

    made = administer(act, tenant=tenant).model_dump(mode="json")
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

    items, total = administer(act, tenant=tenant)
    if as_json:
        print_json({"groups": [item.model_dump(mode="json") for item in items], "total": total})
        return
    table = Table("id", "name", "description")
    for item in items:
        table.add_row(str(item.id), Text(item.name), Text(item.description))
    print_table(table)
    out.print(f"{counted(total, 'group')}.")


def _list_members(name: str, request: PageRequest, tenant: str, as_json: bool) -> None:
    async def act(platform: Platform, caller: Caller) -> tuple[list[UserRead], int]:
        async with unit_of_work(platform, caller) as ctx:
            found = await groups.find(ctx, name)
            members = await groups.members(ctx, found.id, request)
            return [UserRead.of(item) for item in members.items], members.total

    items, total = administer(act, tenant=tenant)
    if as_json:
        print_json({"users": [item.model_dump(mode="json") for item in items], "total": total})
        return
    table = Table("e-mail", "name", "role", "status")
    for item in items:
        table.add_row(Text(item.email), Text(item.name), item.role, item.status)
    print_table(table)
    out.print(f"{counted(total, 'user')}.")


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

    administer(act, tenant=tenant)
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

    administer(act, tenant=tenant)
    out.print(f"{len(emails)} removed.")


@group.command("departments")
def set_up_departments(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv", help="Columns: email, name, role, department.")
    ],
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a group and a private collection per department, invite people, print who sees what."""
    people = _people(file)

    async def act(platform: Platform, caller: Caller) -> tuple[DepartmentsReport, Settings]:
        async with unit_of_work(platform, caller) as ctx:
            return await departments.set_up(ctx, people), platform.settings

    report, settings = administer(act, tenant=tenant, as_user=as_user)
    if as_json:
        links = {
            email: link_to(settings, NoticeKind.INVITATION, token, email)
            for email, token in report.invitations.items()
        }
        print_json({**report.model_dump(mode="json"), "links": links})
        return
    for title, names in (("Groups", report.groups), ("Private collections", report.collections)):
        out.print(f"{title} made: {', '.join(names) or 'none'}", markup=False)
    if report.invitations:
        out.print("Invitations, shown this once; each chooses a password at")
        # Lines, not a table: a terminal would cut the links, and nothing shows them again.
        for email, token in report.invitations.items():
            link = link_to(settings, NoticeKind.INVITATION, token, email)
            out.print(f"{email}  {link}", markup=False)
    table = Table("e-mail", "role", "reads", "changes")
    for seen in report.seen:
        facts = [seen.role, "administrator" if seen.is_admin else ""]
        facts.append("" if seen.status == "active" else seen.status)
        table.add_row(
            Text(seen.email), ", ".join(filter(None, facts)),
            Text(", ".join(seen.reads)), Text(", ".join(seen.changes)),
        )  # fmt: skip
    print_table(table)


def _people(file: Path) -> list[Person]:
    """The people of a CSV file; a bad line ends the command and is named."""
    people: list[Person] = []
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            unknown = sorted({*(rows.fieldnames or ())} - COLUMNS)
            if unknown or "email" not in (rows.fieldnames or ()):
                known = ", ".join(sorted(COLUMNS))
                stop(f"{file} needs a first line with `email` and some of: {known}.", USAGE)
            for row in rows:
                given = {name: row[name] for name in ("email", "name", "role") if row.get(name)}
                names = [each.strip() for each in (row.get("department") or "").split(";")]
                people.append(
                    Person(**given, departments=list(filter(None, names)))  # pyright: ignore[reportArgumentType] - checked by pydantic
                )
    except ValidationError as error:
        first = error.errors()[0]
        where = f"{file}, person {len(people) + 1}"
        stop(f"{where}: {first['loc'][0]}: {complaint(first)}.", USAGE)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        stop(f"{file} cannot be read as CSV in UTF-8: {error}.", USAGE)
    return people


@group.command("delete")
def delete_group(name: NameArgument, tenant: TenantOption = DEFAULT_TENANT) -> None:
    """Remove a group with the rules that name it; its users stay."""

    async def act(platform: Platform, caller: Caller) -> None:
        async with unit_of_work(platform, caller) as ctx:
            await groups.remove(ctx, (await groups.find(ctx, name)).id)

    administer(act, tenant=tenant)
    out.print("Deleted.")
