"""`tenant`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from citewell.core.context import Caller
from citewell.core.platform import Platform
from citewell.engine.answering.prompting import RULES
from citewell.engine.retrieval.techniques import TECHNIQUES
from citewell.entrypoints.commands.running import (
    USAGE,
    JsonOption,
    administer,
    checked,
    counted,
    out,
    print_json,
    print_table,
    readable,
    stop,
)
from citewell.features.identity import tenants as service
from citewell.features.identity.schemas import TenantCreate, TenantDetails, TenantUpdate
from citewell.kit.pagination import MAX_LIMIT, PageRequest

tenant = typer.Typer(no_args_is_help=True, help="Organisations of this installation.")

SlugArgument = Annotated[
    str, typer.Argument(metavar="SLUG", help="The tenant's short name.", callback=readable)
]
NameOption = Annotated[str | None, typer.Option(help="Its full name.", callback=readable)]
PlanOption = Annotated[str | None, typer.Option(help="Its plan.", callback=readable)]
RegionOption = Annotated[str | None, typer.Option(help="Its home region.", callback=readable)]
LimitOption = Annotated[
    list[str] | None,
    typer.Option("--limit", metavar="NAME=N", help="Own limit; `none`: unlimited, `plan`: no own."),
]
OpenOption = Annotated[
    bool | None,
    typer.Option("--open-registration/--closed-registration", help="Whether anybody may register."),
]

VerifierOption = Annotated[
    str | None,
    typer.Option(help="Second reading: rules, model or installation.", callback=readable),
]
PromptOption = Annotated[
    list[str] | None,
    typer.Option("--prompt", metavar="NAME=FILE", help="Own prompt; `shipped` for ours again."),
]

RewritingOption = Annotated[
    str | None,
    typer.Option(
        "--query-rewriting",
        metavar="NAMES",
        help="Questions a model writes besides: some of rewrite, variations, decomposition, hyde, "
        "with commas; none or installation.",
        callback=readable,
    ),
]

SecondFactorOption = Annotated[
    str | None,
    typer.Option(
        "--second-factor-for",
        metavar="NAMES",
        help="Who signs in with a second factor or passkey only: some of guest, employee, manager, "
        "director, admin, with commas; none.",
        callback=readable,
    ),
]
DaysOption = Annotated[
    list[str] | None,
    typer.Option(
        "--keep", metavar="WHAT=DAYS",
        help="How long answers, conversations or trash are kept; `installation`: as it says.",
    ),
]  # fmt: skip
QuestionLogOption = Annotated[
    str | None,
    typer.Option(
        help="What managers see of others' questions: full, anonymous or off.", callback=readable
    ),
]
RedactionOption = Annotated[
    str | None,
    typer.Option(help="What model providers are not told: personal or off.", callback=readable),
]
LogRedactionOption = Annotated[
    str | None,
    typer.Option(
        help="What the log of questions does not keep: personal or off.", callback=readable
    ),
]
LanguageOption = Annotated[
    str | None,
    typer.Option(help="Of mails to users who have chosen none: en or vi.", callback=readable),
]
CacheOption = Annotated[
    bool | None,
    typer.Option("--cache/--no-cache", help="Whether replies may be given again from caches."),
]

KEPT = {"answers": "answer_days", "conversations": "conversation_days", "trash": "trash_days"}
"""Names of --keep with their settings."""

NO_LIMIT = "none"
INSTALLATIONS = "installation"
"""Value of --verifier and --query-rewriting that removes an own one, so that the installation's
applies again."""
SHIPPED = "shipped"
"""Value of --prompt that removes an own text."""
PLANS_OWN = "plan"
"""Value of --limit that removes an own limit, so that the plan's applies again."""


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(tenant, name="tenant")


@tenant.command("create")
def create_tenant(
    slug: SlugArgument,
    name: NameOption = None,
    plan: PlanOption = None,
    limit: LimitOption = None,
    region: RegionOption = None,
    open_registration: OpenOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a tenant and print its first API key once."""
    given = _given(plan=plan, region=region, has_open_registration=open_registration)
    limits = _changed_limits({}, limit or [])
    data = checked(TenantCreate, slug=slug, name=name or slug, limits=limits, **given)

    async def act(platform: Platform, caller: Caller) -> tuple[TenantDetails, str]:
        made, key = await service.create(platform, caller, data)
        return TenantDetails.model_validate(made), key.secret

    made, key = administer(act)
    if as_json:
        print_json({**made.model_dump(mode="json"), "key": key})
    else:
        out.print(key, markup=False)


@tenant.command("list")
def list_tenants(
    page: Annotated[int, typer.Option(min=1, help="Page of the list.")] = 1,
    limit: Annotated[int, typer.Option(min=1, max=MAX_LIMIT, help="Tenants a page.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List tenants, oldest first."""

    async def act(platform: Platform, caller: Caller) -> tuple[list[TenantDetails], int]:
        found = await service.page(platform, caller, PageRequest(page, limit))
        return [TenantDetails.model_validate(item) for item in found.items], found.total

    items, total = administer(act)
    if as_json:
        print_json({"tenants": [item.model_dump(mode="json") for item in items], "total": total})
        return
    table = Table("slug", "name", "status", "plan", "region")
    for item in items:
        table.add_row(item.slug, Text(item.name), item.status, item.plan, item.region or "")
    print_table(table)
    out.print(f"{counted(total, 'tenant')}.")


@tenant.command("show")
def show_tenant(slug: SlugArgument, as_json: JsonOption = False) -> None:
    """Show one tenant."""

    async def act(platform: Platform, caller: Caller) -> TenantDetails:
        found = await service.get(platform, caller, await service.find(platform, slug))
        return TenantDetails.model_validate(found)

    _print(administer(act), as_json)


def _print(shown: TenantDetails, as_json: bool) -> None:
    fields = shown.model_dump(mode="json")
    if as_json:
        print_json(fields)
        return
    fields["second_factor_for"] = ", ".join(shown.second_factor_for) or NO_LIMIT
    fields["prompts"] = ", ".join(shown.prompts)
    if shown.query_rewriting is not None:
        fields["query_rewriting"] = ", ".join(shown.query_rewriting) or NO_LIMIT
    fields["limits"] = ", ".join(
        f"{name}={NO_LIMIT if value is None else value}" for name, value in shown.limits.items()
    )
    for name, value in fields.items():
        out.print(f"{name:22} {'' if value is None else value}", markup=False)


@tenant.command("update")
def update_tenant(
    slug: SlugArgument,
    name: NameOption = None,
    plan: PlanOption = None,
    limit: LimitOption = None,
    region: RegionOption = None,
    open_registration: OpenOption = None,
    status: Annotated[
        str | None, typer.Option(help="active or suspended.", callback=readable)
    ] = None,
    verifier: VerifierOption = None,
    prompt: PromptOption = None,
    rewriting: RewritingOption = None,
    second_factor_for: SecondFactorOption = None,
    keep: DaysOption = None,
    question_log: QuestionLogOption = None,
    redaction: RedactionOption = None,
    log_redaction: LogRedactionOption = None,
    cache: CacheOption = None,
    language: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a tenant; suspending it ends all its sessions and refuses its keys."""
    given = _given(
        name=name, plan=plan, region=region, has_open_registration=open_registration, status=status,
        question_log=question_log, redaction=redaction, log_redaction=log_redaction,
        has_cache=cache, language=language,
    ) | _kept(keep or [])  # fmt: skip
    if verifier is not None:
        given["verifier"] = None if verifier == INSTALLATIONS else verifier
    if rewriting is not None:
        given["query_rewriting"] = _techniques(rewriting)
    if second_factor_for is not None:
        given["second_factor_for"] = _techniques(second_factor_for)
    _changed_limits({}, limit or [])  # a bad one is told before anything is opened
    texts = _changed_prompts({}, prompt or [])
    data = checked(TenantUpdate, **given, **({"prompts": texts} if texts else {}))

    async def act(platform: Platform, caller: Caller) -> TenantDetails:
        tenant_id = await service.find(platform, slug)
        wanted = data
        if limit or prompt:
            before = await service.get(platform, caller, tenant_id)
            wanted = checked(
                TenantUpdate,
                **given,
                limits=_changed_limits(dict(before.limits), limit or []),
                prompts=_changed_prompts(before.prompts, prompt or []),
            )
        changed = await service.update(platform, caller, tenant_id, wanted)
        return TenantDetails.model_validate(changed)

    _print(administer(act), as_json)


@tenant.command("delete")
def delete_tenant(
    slug: SlugArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a tenant with everything it has."""
    if not yes:
        typer.confirm(f"Remove the tenant {slug} with everything it has?", abort=True, err=True)

    async def act(platform: Platform, caller: Caller) -> None:
        await service.delete(platform, caller, await service.find(platform, slug))

    administer(act)
    out.print("Deleted.")


def _given(**options: object) -> dict[str, object]:
    return {name: value for name, value in options.items() if value is not None}


def _kept(given: list[str]) -> dict[str, object]:
    """The days of WHAT=DAYS by their settings; anything else ends the command."""
    days: dict[str, object] = {}
    for each in given:
        what, _, value = each.partition("=")
        if what not in KEPT or not (
            value == INSTALLATIONS or (value.isascii() and value.isdigit())
        ):
            stop(f"`{each}` says not how long; write --keep answers=90 ({', '.join(KEPT)}).", USAGE)
        days[KEPT[what]] = None if value == INSTALLATIONS else int(value[:9])
    return days


def _techniques(given: str) -> list[str] | None:
    """The techniques that are named; None for those of the installation."""
    if given == INSTALLATIONS:
        return None
    return [] if given == NO_LIMIT else [name.strip() for name in given.split(",")]


def _changed_prompts(prompts: dict[str, str], changes: list[str]) -> dict[str, str]:
    """The prompts with those of NAME=FILE and NAME=shipped; anything else ends the command."""
    changed = dict(prompts)
    for change in changes:
        name, separator, value = change.partition("=")
        if name not in (*RULES, *TECHNIQUES) or not separator:
            stop(f"`{change}` is no prompt; write --prompt {RULES[0]}=FILE.", USAGE)
        if value == SHIPPED:
            changed.pop(name, None)
            continue
        try:
            changed[name] = Path(value).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            stop(f"{value} cannot be read: {reason}.", USAGE)
    return changed


def _changed_limits(limits: dict[str, int | None], changes: list[str]) -> dict[str, int | None]:
    """The limits with those of NAME=N, NAME=none and NAME=plan; anything else ends the command."""
    changed = dict(limits)
    for change in changes:
        name, _, value = change.partition("=")
        if value == PLANS_OWN:
            changed.pop(name, None)
        elif value == NO_LIMIT:
            changed[name] = None
        # Fewer than 16 digits fit the database's integers; `isdigit` alone takes those of all
        # scripts.
        elif value.isascii() and value.isdigit() and len(value) < 16:
            changed[name] = int(value)
        else:
            stop(
                f"`{change}` is not a limit; write --limit documents=1000, --limit documents=none "
                "or --limit documents=plan.",
                USAGE,
            )
    return changed
