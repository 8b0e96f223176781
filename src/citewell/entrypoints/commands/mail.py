"""`mail`."""

from typing import Annotated

import typer

from citewell.core.context import Caller
from citewell.core.platform import Platform
from citewell.entrypoints.commands.running import (
    JsonOption,
    TenantOption,
    out,
    print_json,
    readable,
    run,
)
from citewell.features.identity.service import DEFAULT_TENANT
from citewell.features.mail import service
from citewell.features.mail.texts import MailLanguage

mail = typer.Typer(no_args_is_help=True, help="Mail: try out the server that takes it.")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(mail, name="mail")


@mail.command("test")
def send_test_mail(
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="Where it goes.", callback=readable)
    ],
    language: Annotated[
        MailLanguage | None, typer.Option(help="Its language; the tenant's otherwise.")
    ] = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonOption = False,
) -> None:
    """Send a message to an address, at once."""

    async def act(platform: Platform, caller: Caller) -> str:
        return await service.send_test(platform, caller, address, language)

    sent = run(act, tenant=tenant)
    if as_json:
        print_json({"address": sent})
    else:
        out.print("The mail server has taken it.")
