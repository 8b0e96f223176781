"""`user`."""

import secrets
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from citewell.core.context import Caller, unit_of_work
from citewell.core.emails import InvalidEmailError, normalise_email
from citewell.core.errors import AppError
from citewell.core.passwords import check_password_rules, hash_password
from citewell.core.platform import Platform
from citewell.entrypoints.addresses import link_to
from citewell.entrypoints.commands.groups import EmailsArgument, set_up_departments
from citewell.entrypoints.commands.running import (
    USAGE,
    AsOption,
    JsonOption,
    TenantOption,
    administer,
    checked,
    counted,
    err,
    out,
    print_json,
    print_table,
    readable,
    stop,
)
from citewell.features.identity.service import DEFAULT_TENANT
from citewell.features.personal_data import service as personal_data
from citewell.features.users import service
from citewell.features.users.schemas import (
    InvitedRead,
    PasswordResetRead,
    UserCreate,
    UserFilter,
    UserRead,
    UserUpdate,
)
from citewell.kit.pagination import MAX_LIMIT, PageRequest
from citewell.models.notices import NoticeKind
from citewell.models.tenancy import UserStatus

user = typer.Typer(no_args_is_help=True, help="The people of a tenant.")

GENERATED_BYTES = 24
"""192 random bits: 32 characters."""

EmailArgument = Annotated[
    str, typer.Argument(metavar="EMAIL", help="The user's e-mail address.", callback=readable)
]
NameOption = Annotated[str | None, typer.Option(help="Their name.", callback=readable)]
RoleOption = Annotated[
    str | None, typer.Option(help="guest, employee, manager or director.", callback=readable)
]
GenerateOption = Annotated[
    bool, typer.Option("--generate", help="Generate a password and print it once.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(user, name="user")


@user.command("create")
def create_user(
    emails: EmailsArgument,
    name: NameOption = None,
    role: RoleOption = None,
    admin: Annotated[bool, typer.Option("--admin", help="May administer the tenant.")] = False,
    generate: GenerateOption = False,
    invite: Annotated[
        bool,
        typer.Option("--invite", help="Set no password; print an invitation once, and mail it."),
    ] = False,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonOption = False,
) -> None:
    """Make a user, or several with --generate; asks for the password without an option."""
    if generate and invite:
        stop("Give --generate or --invite, not both.", USAGE)
    if len(emails) > 1 and (name is not None or not generate):
        stop("Several users are made with --generate, and without --name.", USAGE)
    given = {"name": name, "role": role}
    people = [
        checked(
            UserCreate, email=email, is_admin=admin,
            **{field: value for field, value in given.items() if value is not None},
        )
        for email in emails
    ]  # fmt: skip
    # Before a password is asked for, which would be typed in vain.
    for email in emails:
        _check_address(email)
    if invite:
        _print_invitation(*_invite(people[0], tenant), as_json)
        return
    passwords = [_password(each.email, each.name, tenant, generate) for each in people]

    async def act(platform: Platform, caller: Caller) -> list[UserRead]:
        # Before the transaction: no connection waits for the 70 ms of a hash.
        hashes = [await hash_password(each) for each in passwords]
        async with unit_of_work(platform, caller) as ctx:
            # One transaction for all: an address that is taken takes the others back.
            return [
                UserRead.of(await service.create_with_password(ctx, data, hashed))
                for data, hashed in zip(people, hashes, strict=True)
            ]

    made = administer(act, tenant=tenant)
    if len(made) > 1:
        _print_with_passwords(made, passwords, as_json)
        return
    _print_with_password(made[0], passwords[0] if generate else None, as_json)


def _invite(data: UserCreate, tenant: str) -> tuple[InvitedRead, str]:
    async def act(platform: Platform, caller: Caller) -> tuple[InvitedRead, str]:
        async with unit_of_work(platform, caller) as ctx:
            invited = InvitedRead.of_invited(await service.invite(ctx, data))
        kind = NoticeKind.INVITATION
        return invited, link_to(platform.settings, kind, invited.invitation, invited.email)

    return administer(act, tenant=tenant)


def _print_invitation(invited: InvitedRead, link: str, as_json: bool) -> None:
    if as_json:
        print_json({**invited.model_dump(mode="json"), "link": link})
        return
    # On stderr, as scripts take the token from standard output.
    err.print(f"{invited.email} chooses a password at {link}", markup=False)
    err.print("or with this invitation, shown once, by POST /auth/register:", markup=False)
    out.print(invited.invitation, markup=False)


def _print_with_password(shown: UserRead, password: str | None, as_json: bool) -> None:
    more = {} if password is None else {"password": password}
    if as_json:
        print_json({**shown.model_dump(mode="json"), **more})
    elif password is not None:
        err.print(f"The password of {shown.email}, shown this once:", markup=False)
        out.print(password, markup=False)
    else:
        out.print("Done.")


def _print_with_passwords(made: list[UserRead], passwords: list[str], as_json: bool) -> None:
    both = list(zip(made, passwords, strict=True))
    if as_json:
        shown = [{**user.model_dump(mode="json"), "password": password} for user, password in both]
        print_json({"users": shown})
        return
    err.print("Passwords, shown this once:")
    # Past the console, which makes spaces of tabs.
    sys.stdout.writelines(f"{user.email}\t{password}\n" for user, password in both)


def _check_address(email: str) -> None:
    try:
        normalise_email(email)
    except InvalidEmailError as error:
        stop(error.detail, USAGE)


def _password(email: str, name: str, tenant: str, generate: bool) -> str:
    """A password that meets the rules: generated, or asked for twice on the terminal."""
    if generate:
        return secrets.token_urlsafe(GENERATED_BYTES)
    if not sys.stdin.isatty():
        stop("There is no terminal to ask for a password on: use --generate.", USAGE)
    # On stderr: standard output holds the result alone.
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    try:
        check_password_rules(password, email, name, tenant)
    except AppError as error:
        stop(error.detail, USAGE)
    return password


@user.command("import")
def import_users(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.csv", help="Columns: email; name, role and department if there are."
        ),
    ],
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Invite the people of a file, with their departments, and print who sees what."""
    set_up_departments(file, tenant, as_user, as_json)


@user.command("list")
def list_users(
    status: Annotated[UserStatus | None, typer.Option(help="Only users with this status.")] = None,
    role: RoleOption = None,
    search: Annotated[
        str | None, typer.Option(help="Part of the e-mail address or name.", callback=readable)
    ] = None,
    page: Annotated[int, typer.Option(min=1, help="Page of the list.")] = 1,
    limit: Annotated[int, typer.Option(min=1, max=MAX_LIMIT, help="Users a page.")] = 50,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonOption = False,
) -> None:
    """List users by e-mail address."""
    wanted = UserFilter(status, checked(UserUpdate, role=role).role, search)

    async def act(platform: Platform, caller: Caller) -> tuple[list[UserRead], int]:
        async with unit_of_work(platform, caller) as ctx:
            found = await service.page(ctx, PageRequest(page, limit), wanted)
            return [UserRead.of(item) for item in found.items], found.total

    items, total = administer(act, tenant=tenant)
    if as_json:
        print_json({"users": [item.model_dump(mode="json") for item in items], "total": total})
        return
    table = Table("e-mail", "name", "role", "admin", "2nd factor", "status", "last sign-in")
    for item in items:
        table.add_row(
            Text(item.email), Text(item.name), item.role, "yes" if item.is_admin else "",
            "yes" if item.second_factor_at else "", item.status,
            item.last_login_at.isoformat(" ", "minutes") if item.last_login_at else "",
        )  # fmt: skip
    print_table(table)
    out.print(f"{counted(total, 'user')}.")


@user.command("show")
def show_user(
    email: EmailArgument, tenant: TenantOption = DEFAULT_TENANT, as_json: JsonOption = False
) -> None:
    """Show one user."""

    async def act(platform: Platform, caller: Caller) -> UserRead:
        async with unit_of_work(platform, caller) as ctx:
            return UserRead.of(await service.find_by_email(ctx, email))

    shown = administer(act, tenant=tenant).model_dump(mode="json")
    if as_json:
        print_json(shown)
        return
    for name, value in shown.items():
        out.print(f"{name:22} {'' if value is None else value}", markup=False)


@user.command("update")
def update_user(
    email: EmailArgument,
    name: NameOption = None,
    role: RoleOption = None,
    admin: Annotated[
        bool | None, typer.Option("--admin/--no-admin", help="May administer the tenant.")
    ] = None,
    status: Annotated[
        str | None, typer.Option(help="active or deactivated.", callback=readable)
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="Of mails to them: en or vi.", callback=readable)
    ] = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonOption = False,
) -> None:
    """Change a user; a new role, right or status ends their sessions."""
    data = checked(
        UserUpdate, name=name, role=role, is_admin=admin, status=status, language=language
    )

    async def act(platform: Platform, caller: Caller) -> UserRead:
        async with unit_of_work(platform, caller) as ctx:
            found = await service.find_by_email(ctx, email)
            return UserRead.of(await service.update(ctx, found.id, data))

    _print_with_password(administer(act, tenant=tenant), None, as_json)


@user.command("password")
def set_password(
    email: EmailArgument,
    generate: GenerateOption = False,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonOption = False,
) -> None:
    """Set a user's password and end their sessions; asks for it unless --generate is given."""
    password = _password(email, "", tenant, generate)

    async def act(platform: Platform, caller: Caller) -> UserRead:
        hashed = await hash_password(password)
        async with unit_of_work(platform, caller) as ctx:
            found = await service.find_by_email(ctx, email)
            return UserRead.of(await service.set_password(ctx, found.id, hashed))

    _print_with_password(administer(act, tenant=tenant), password if generate else None, as_json)


@user.command("reset-password")
def offer_password_reset(
    email: EmailArgument,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a link and a token with which a user sets a new password, once, within a day."""

    async def act(platform: Platform, caller: Caller) -> tuple[PasswordResetRead, str]:
        async with unit_of_work(platform, caller) as ctx:
            found = await service.find_by_email(ctx, email)
            offered = PasswordResetRead.of(await service.offer_reset(ctx, found.id))
        kind = NoticeKind.PASSWORD_RESET
        return offered, link_to(platform.settings, kind, offered.token, found.email)

    offered, link = administer(act, tenant=tenant, as_user=as_user)
    if as_json:
        print_json({**offered.model_dump(mode="json"), "link": link})
        return
    err.print(f"{email} sets a new password at {link}", markup=False)
    err.print("or with this token, shown once, by POST /auth/reset:", markup=False)
    out.print(offered.token, markup=False)


@user.command("remove-second-factor")
def remove_second_factor(
    email: EmailArgument,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove the second factor and the passkeys of a user who has lost them; sessions end."""

    async def act(platform: Platform, caller: Caller) -> UserRead:
        async with unit_of_work(platform, caller) as ctx:
            found = await service.find_by_email(ctx, email)
            return UserRead.of(await service.remove_second_factor(ctx, found.id))

    _print_with_password(administer(act, tenant=tenant, as_user=as_user), None, as_json)


@user.command("data")
def user_data(email: EmailArgument, tenant: TenantOption = DEFAULT_TENANT) -> None:
    """Write all that is kept about a user as lines of JSON on standard output."""

    async def act(platform: Platform, caller: Caller) -> None:
        async with aclosing(personal_data.export(platform, caller)) as parts:
            async for part in parts:
                sys.stdout.write(part.decode())
        sys.stdout.flush()

    administer(act, tenant=tenant, as_user=email)


@user.command("delete")
def delete_user(
    email: EmailArgument, tenant: TenantOption = DEFAULT_TENANT, as_json: JsonOption = False
) -> None:
    """Remove a user with their keys, sessions and rules; documents stay."""

    async def act(platform: Platform, caller: Caller) -> str:
        async with unit_of_work(platform, caller) as ctx:
            found = await service.find_by_email(ctx, email)
            await service.remove(ctx, found.id)
            return str(found.id)

    gone = administer(act, tenant=tenant)
    if as_json:
        print_json({"id": gone})
    else:
        out.print("Deleted.")
