"""`mcp`: the Model Context Protocol over standard input and output."""

import typer

from citewell.core.context import Caller
from citewell.core.platform import Platform
from citewell.entrypoints.commands.running import AsOption, TenantOption, run
from citewell.entrypoints.http.problems import noted
from citewell.features.identity.service import DEFAULT_TENANT


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(mcp)


def mcp(tenant: TenantOption = DEFAULT_TENANT, as_user: AsOption = None) -> None:
    """Speak the Model Context Protocol over standard input and output, for one client."""

    async def act(platform: Platform, caller: Caller) -> None:
        # Imported here: the SDK takes longer to import than most commands run.
        from citewell.entrypoints.mcp.server import (  # noqa: PLC0415
            CallersServer,
            speak_over_stdio,
        )

        await speak_over_stdio(CallersServer(platform, caller, noted).server())

    run(act, tenant=tenant, as_user=as_user)
