"""`tenant questions`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from citewell.core.context import Caller
from citewell.core.platform import Platform
from citewell.entrypoints.commands.running import (
    USAGE,
    JsonOption,
    administer,
    checked,
    out,
    print_json,
    stop,
)
from citewell.entrypoints.commands.tenants import NO_LIMIT, SlugArgument, tenant
from citewell.features.identity import tenants
from citewell.features.question_policies import service
from citewell.features.question_policies.schemas import QuestionPolicy, QuestionPolicyUpdate

LIMITS = {
    "length": "longest_question",
    "per-user": "concurrent_per_user",
    "per-tenant": "concurrent_per_tenant",
    "seconds": "seconds",
}
"""Names of --limit with their fields."""

LimitOption = Annotated[
    list[str] | None,
    typer.Option(
        "--limit", metavar="NAME=N", help=f"One of {', '.join(LIMITS)}; `none` takes it away."
    ),
]
RulesOption = Annotated[
    Path | None,
    typer.Option("--rules", metavar="FILE", help="JSON with what `--json` shows, or a part of it."),
]


def add_to(app: typer.Typer) -> None:
    """Add nothing: the command below stands among those of `tenant`."""
    del app


@tenant.command("questions")
def tenant_questions(
    slug: SlugArgument,
    limit: LimitOption = None,
    rules: RulesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the rules on questions of a tenant, or change them."""
    given = ({} if rules is None else _read(rules)) | _limits(limit or [])
    data = checked(QuestionPolicyUpdate, **given)

    async def act(platform: Platform, caller: Caller) -> QuestionPolicy:
        tenant_id = await tenants.find(platform, slug)
        if not given:
            return await service.get(platform, caller, tenant_id)
        return await service.update(platform, caller, tenant_id, data)

    shown = administer(act).model_dump(mode="json")
    if as_json:
        print_json(shown)
        return
    for name, field in LIMITS.items():
        out.print(f"{name:12} {NO_LIMIT if shown[field] is None else shown[field]}", markup=False)
    for role, ids in shown["collections"].items():
        out.print(f"{role:12} asks {', '.join(ids) or 'no collection'}", markup=False)
    for each in shown["refused"]:
        out.print(f"{each['kind']:12} {each['pattern']}: {each['message']}", markup=False)


def _limits(given: list[str]) -> dict[str, object]:
    """The limits of NAME=N by their fields; anything else ends the command."""
    changes: dict[str, object] = {}
    for each in given:
        name, _, value = each.partition("=")
        is_number = value.isascii() and value.isdigit() and len(value) < 10
        if name not in LIMITS or not (is_number or value == NO_LIMIT):
            stop(f"`{each}` is not a limit; write --limit per-user=2 ({', '.join(LIMITS)}).", USAGE)
        changes[LIMITS[name]] = int(value) if is_number else None
    return changes


def _read(path: Path) -> dict[str, object]:
    try:
        found: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not JSON in UTF-8"
        stop(f"{path} cannot be read: {reason}.", USAGE)
    if not isinstance(found, dict):
        stop(f"{path} holds no object.", USAGE)
    return {str(name): value for name, value in found.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - JSON
