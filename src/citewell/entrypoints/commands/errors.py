"""`errors`."""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.entrypoints.commands.running import (
    JsonOption,
    TenantOption,
    administer,
    counted,
    out,
    print_json,
    print_table,
)
from citewell.features.error_log import service
from citewell.features.error_log.schemas import ErrorRead
from citewell.features.identity.service import DEFAULT_TENANT
from citewell.kit.pagination import MAX_LIMIT, PageRequest

errors = typer.Typer(no_args_is_help=True, help="Errors of the program itself.")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(errors, name="errors")


@errors.command("list")
def list_errors(
    page: Annotated[int, typer.Option(min=1, help="Page of the list.")] = 1,
    limit: Annotated[int, typer.Option(min=1, max=MAX_LIMIT, help="Errors a page.")] = 20,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonOption = False,
) -> None:
    """List the kinds of errors, seen last first; those of the installation are in `default`."""

    async def act(platform: Platform, caller: Caller) -> tuple[list[ErrorRead], int]:
        async with unit_of_work(platform, caller) as ctx:
            found = await service.page(ctx, PageRequest(page, limit))
            return found.items, found.total

    items, total = administer(act, tenant=tenant)
    if as_json:
        print_json({"errors": [each.model_dump(mode="json") for each in items], "total": total})
        return
    table = Table("seen last", "times", "of", "source", "kind", "place", "example", "request")
    for each in items:
        table.add_row(
            f"{each.last_at:%Y-%m-%d %H:%M:%S}", str(each.count),
            "installation" if each.of_installation else "tenant", each.source, each.kind,
            Text(each.place), Text(each.example), each.request_id or "",
        )  # fmt: skip
    print_table(table)
    out.print(f"{counted(total, 'kind')} of errors.")
