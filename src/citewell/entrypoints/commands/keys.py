"""`key`: API keys; those that encrypt are in `key_rotation`."""

import uuid
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from citewell.access.policy import Scope
from citewell.core.context import TENANT_SCOPES, Caller, unit_of_work
from citewell.core.errors import InvalidInputError
from citewell.core.platform import Platform
from citewell.entrypoints.commands.naming import Findable, id_of
from citewell.entrypoints.commands.running import (
    JsonOption,
    TenantOption,
    administer,
    out,
    print_json,
    print_table,
    readable,
)
from citewell.features.identity import service as identity
from citewell.features.identity.errors import OperatorKeyError
from citewell.features.identity.schemas import MAX_KEY_DAYS, ApiKeyRead, NewApiKey
from citewell.features.users import service as users
from citewell.kit.clock import utc_now
from citewell.models.tenancy import ApiKey

key = typer.Typer(no_args_is_help=True, help="API keys (for keys that encrypt files: `keys`).")

KEY = Findable("key", ApiKey, identity.usable_api_keys, (ApiKey.name,))

USERS_SCOPES = frozenset({Scope.READ, Scope.WRITE})
"""Default scopes of a user's key."""


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(key, name="key")


@key.command("create")
def create_key(
    name: Annotated[
        str, typer.Option(help="What the key is for.", callback=readable)
    ] = "command line",
    user: Annotated[
        str | None,
        typer.Option(metavar="EMAIL", help="The user whose rights it has.", callback=readable),
    ] = None,
    scope: Annotated[
        list[Scope] | None, typer.Option(help="A scope of the key; repeatable.")
    ] = None,
    expires_in_days: Annotated[
        int | None, typer.Option(min=1, max=MAX_KEY_DAYS, help="Days after which it expires.")
    ] = None,
    operator: Annotated[
        bool, typer.Option("--operator", help="May act for this installation, over all tenants.")
    ] = False,
    tenant: TenantOption = identity.DEFAULT_TENANT,
    as_json: JsonOption = False,
) -> None:
    """Make an API key; it is shown once."""
    scopes = frozenset(scope or (TENANT_SCOPES if user is None else USERS_SCOPES))
    if operator:
        scopes |= {Scope.OPERATOR}

    async def act(platform: Platform, caller: Caller) -> NewApiKey:
        if Scope.OPERATOR in scopes and (user is not None or tenant != identity.DEFAULT_TENANT):
            raise OperatorKeyError
        async with unit_of_work(platform, caller) as ctx:
            owner = None if user is None else await users.find_by_email(ctx, user)
            if owner is not None and Scope.ADMIN in scopes and not owner.is_admin:
                raise InvalidInputError(
                    f"{owner.email} is no administrator, so a key of theirs with the scope `admin`"
                    " would be refused wherever it is needed: leave it out."
                )
            return await identity.create_api_key(
                ctx,
                name,
                scopes=scopes,
                user_id=None if owner is None else owner.id,
                expires_at=None if expires_in_days is None else _in_days(expires_in_days),
            )

    made = administer(act, tenant=tenant)
    if as_json:
        print_json({"id": made.id, "name": made.name, "key": made.secret})
    else:
        out.print(made.secret, markup=False)


def _in_days(days: int) -> datetime:
    return utc_now() + timedelta(days=days)


@key.command("list")
def list_keys(tenant: TenantOption = identity.DEFAULT_TENANT, as_json: JsonOption = False) -> None:
    """List API keys."""

    async def act(
        platform: Platform, caller: Caller
    ) -> tuple[list[ApiKeyRead], dict[uuid.UUID, str]]:
        async with unit_of_work(platform, caller) as ctx:
            found = await identity.list_api_keys(ctx)
            users = await identity.key_users(ctx)
            return [ApiKeyRead.model_validate(item) for item in found], users

    keys, emails = administer(act, tenant=tenant)
    users = {item.id: emails.get(item.user_id) if item.user_id else None for item in keys}
    if as_json:
        print_json(
            {
                "keys": [
                    {
                        **item.model_dump(mode="json"),
                        "user_email": users[item.id],
                        "is_revoked": item.revoked_at is not None,
                    }
                    for item in keys
                ]
            }
        )
        return
    table = Table("id", "name", "scopes", "user", "created", "last used", "expires", "revoked")
    for item in keys:
        table.add_row(
            str(item.id), Text(item.name), " ".join(item.scopes), Text(users[item.id] or ""),
            _shown(item.created_at), _shown(item.last_used_at), _shown(item.expires_at),
            "yes" if item.revoked_at else "",
        )  # fmt: skip
    print_table(table)


def _shown(time: datetime | None) -> str:
    return "never" if time is None else time.isoformat(" ", "minutes")


@key.command("revoke")
def revoke_key(
    named: Annotated[
        str,
        typer.Argument(
            metavar="KEY",
            help="Its name, its id, or the beginning or end of it.",
            callback=readable,
        ),
    ],
    tenant: TenantOption = identity.DEFAULT_TENANT,
) -> None:
    """Make an API key useless from now on."""

    async def act(platform: Platform, caller: Caller) -> None:
        async with unit_of_work(platform, caller) as ctx:
            await identity.revoke_api_key(ctx, await id_of(ctx, KEY, named))

    administer(act, tenant=tenant)
    out.print("Revoked.")
