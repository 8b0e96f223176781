"""`prompts`."""

import typer

from citewell.core.context import Caller
from citewell.core.platform import Platform
from citewell.engine.answering.prompting import RULES, prompt_version, shipped_rules
from citewell.engine.retrieval.techniques import (
    TECHNIQUES,
    instructions_version,
    shipped_prompt,
)
from citewell.entrypoints.commands.running import (
    JsonOption,
    TenantOption,
    administer,
    out,
    print_json,
)
from citewell.features.identity import tenants as service
from citewell.features.identity.service import DEFAULT_TENANT


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("prompts")(prompts)


def prompts(tenant: TenantOption = DEFAULT_TENANT, as_json: JsonOption = False) -> None:
    """Show the prompts that a model writes answers and other questions with.

    A tenant's own are set by `tenant update --prompt NAME=FILE`.
    """

    async def act(platform: Platform, caller: Caller) -> dict[str, str]:
        return dict((await service.get(platform, caller, caller.tenant_id)).prompts)

    own = administer(act, tenant=tenant)
    shown = [
        {
            "name": name,
            "version": prompt_version(name.partition(".")[2], own_rules=own),
            "is_own": name in own,
            "text": own.get(name) or shipped_rules(name),
        }
        for name in RULES
    ] + [
        {
            "name": name,
            "version": instructions_version(name, own.get(name)),
            "is_own": name in own,
            "text": own.get(name) or shipped_prompt(name),
        }
        for name in TECHNIQUES
    ]
    if as_json:
        print_json({"prompts": shown})
        return
    for prompt in shown:
        whose = "own" if prompt["is_own"] else "shipped"
        out.print(f"{prompt['name']} ({whose}, version {prompt['version']})", style="bold")
        out.print(f"{prompt['text']}\n", markup=False)
