"""`workflow`: workflows and their runs."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import JsonValue
from rich.table import Table
from rich.text import Text

from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.entrypoints.commands.naming import Findable, id_of
from citewell.entrypoints.commands.running import (
    SOME_FAILED,
    USAGE,
    AsOption,
    JsonOption,
    TenantOption,
    checked,
    err,
    out,
    print_json,
    print_table,
    read_text_file,
    readable,
    run,
    stop,
)
from citewell.features.identity.service import DEFAULT_TENANT
from citewell.features.workflows import runs, service
from citewell.features.workflows.errors import WorkflowNotFoundError
from citewell.features.workflows.schemas import (
    WorkflowCreate,
    WorkflowDecision,
    WorkflowNodeRead,
    WorkflowPlan,
    WorkflowRead,
    WorkflowRunRead,
    WorkflowStart,
    WorkflowUpdate,
    WorkflowValidate,
    WorkflowValidation,
)
from citewell.kit.pagination import MAX_LIMIT, PageRequest
from citewell.models.workflows import FINAL_WORKFLOW_STATUSES, WorkflowRun, WorkflowRunStatus

T = TypeVar("T")

LOOK_SECONDS = 0.2
"""Interval between two looks at a run that is waited for."""

workflow = typer.Typer(no_args_is_help=True, help="Workflows: keep, run and approve them.")

RunIdArgument = Annotated[
    str,
    typer.Argument(metavar="RUN", help="The run's id, its beginning or end.", callback=readable),
]
RUN = Findable("run", WorkflowRun, runs.seen)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(workflow, name="workflow")


@workflow.command("list")
def list_workflows(
    tenant: TenantOption = DEFAULT_TENANT, as_user: AsOption = None, as_json: JsonOption = False
) -> None:
    """List the workflows."""

    async def act(ctx: Context) -> list[WorkflowRead]:
        found: list[WorkflowRead] = []
        for number in (1, 2):
            found += (await service.page(ctx, PageRequest(number, MAX_LIMIT))).items
        return found

    found = _within(act, tenant, as_user)
    if as_json:
        print_json({"workflows": [each.model_dump(mode="json") for each in found]})
        return
    table = Table("slug", "version", "nodes", "name", "inputs")
    for each in found:
        table.add_row(
            each.slug, str(each.version), str(each.node_count), Text(each.name),
            Text(", ".join(each.inputs)),
        )  # fmt: skip
    print_table(table)


@workflow.command("validate")
def validate_file(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A workflow, YAML or JSON.")],
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a workflow's text without keeping it; every fault has its line."""
    data = checked(WorkflowValidate, source=read_text_file(path))

    async def act(ctx: Context) -> WorkflowValidation:
        return await service.validate(ctx, data)

    found = _within(act, tenant, as_user)
    if as_json:
        print_json(found.model_dump(mode="json"))
    for each in found.problems if not as_json else ():
        out.print(f"{path}:{each.line}: {each.message}", markup=False)
    if not found.is_valid:
        raise typer.Exit(SOME_FAILED)
    if not as_json:
        out.print("It can be run.")


@workflow.command("save")
def save_file(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A workflow, YAML or JSON.")],
    slug: Annotated[
        str | None, typer.Option(help="Its slug; unset: the file's name without its ending.")
    ] = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep a workflow's text: as a new workflow, or as the newest version of the one it is."""
    data = checked(WorkflowCreate, slug=slug or path.stem, source=read_text_file(path))

    async def act(ctx: Context) -> WorkflowRead:
        try:
            known = await service.find(ctx, data.slug)
        except WorkflowNotFoundError:
            return await service.create(ctx, data)
        assert data.source is not None
        return await service.update(ctx, known, WorkflowUpdate(source=data.source))

    saved = _within(act, tenant, as_user)
    if as_json:
        print_json(saved.model_dump(mode="json"))
    else:
        out.print(f"{saved.slug}, version {saved.version}.", markup=False)


@workflow.command("run")
def run_workflow(
    name: Annotated[str, typer.Argument(metavar="WORKFLOW", help="Slug or id of the workflow.")],
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="NAME=VALUE", help="An input; JSON, or else text."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would run; call nothing.")
    ] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for the end.")] = False,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a workflow, and wait until it has ended or needs a decision."""
    data = checked(WorkflowStart, inputs=dict(map(_input, inputs or [])))
    if dry_run:
        _plan(name, data, tenant, as_user, as_json=as_json)
        return

    async def act(platform: Platform, caller: Caller) -> WorkflowRunRead:
        async with unit_of_work(platform, caller) as ctx:
            made = await runs.start(ctx, await service.find(ctx, name), data)
        while not no_wait and not _is_still(made):
            await asyncio.sleep(LOOK_SECONDS)
            async with unit_of_work(platform, caller) as ctx:
                made = await runs.get(ctx, made.id)
        return made

    made = run(
        act,
        tenant=tenant,
        as_user=as_user,
        with_worker=not no_wait,
        interrupted="Stopped waiting; the run goes on when a worker runs.",
    )
    _show(made, as_json=as_json)
    if made.status in (WorkflowRunStatus.FAILED, WorkflowRunStatus.CANCELLED):
        raise typer.Exit(SOME_FAILED)


@workflow.command("show")
def show_run(
    run_id: RunIdArgument,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a run: its output, its nodes, and the decisions that it waits for."""
    _show(_within(lambda ctx: _run(ctx, run_id), tenant, as_user), as_json=as_json)


@workflow.command("approve")
def approve_node(
    run_id: RunIdArgument,
    node: Annotated[
        str | None,
        typer.Option(metavar="ID", help="The node. None: the only one that waits."),
    ] = None,
    deny: Annotated[bool, typer.Option("--deny", help="Refuse.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; the message is printed.")] = False,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a run waits for, and approve it or refuse it."""
    shown = _within(lambda ctx: _run(ctx, run_id), tenant, as_user)
    waiting = _waiting(shown, node)
    err.print(f"{waiting.node}:\n{waiting.message or ''}", markup=False)
    if not yes and not typer.confirm("Refuse it?" if deny else "Approve it?", err=True):
        stop("Nothing was decided.", USAGE)
    # The hash of what was printed: if anything else waits by now, it is refused.
    data = WorkflowDecision(
        node=waiting.node, action_hash=waiting.action_hash or "", approve=not deny
    )
    decided = _within(lambda ctx: runs.decide(ctx, shown.id, data), tenant, as_user)
    if as_json:
        print_json(decided.model_dump(mode="json"))
    else:
        out.print(f"{'Refused' if deny else 'Approved'}; the run is {decided.status}.")


def _plan(
    name: str, data: WorkflowStart, tenant: str, as_user: str | None, *, as_json: bool
) -> None:
    async def act(ctx: Context) -> WorkflowPlan:
        return await runs.plan(ctx, await service.find(ctx, name), data)

    plan = _within(act, tenant, as_user)
    if as_json:
        print_json(plan.model_dump(mode="json"))
        return
    for each in plan.nodes:
        after = f" after {', '.join(each.after)}" if each.after else ""
        out.print(f"{each.node} ({each.kind}){after}", markup=False)
        for task in each.tasks:
            out.print(f"  {json.dumps(task, ensure_ascii=False)}", markup=False)
    for problem in plan.problems:
        err.print(problem, markup=False)


def _input(written: str) -> tuple[str, JsonValue]:
    name, sign, value = written.partition("=")
    if not sign:
        stop(f"`--input` takes NAME=VALUE, not `{written}`.", USAGE)
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _is_still(shown: WorkflowRunRead) -> bool:
    """Whether nothing more comes without a person."""
    if shown.status in FINAL_WORKFLOW_STATUSES:
        return True
    is_at_work = any(each.status in ("ready", "running") for each in shown.nodes)
    return shown.status == WorkflowRunStatus.WAITING and not is_at_work


def _waiting(shown: WorkflowRunRead, node: str | None) -> WorkflowNodeRead:
    found = [
        each for each in shown.nodes
        if each.status == "waiting" and each.action_hash and node in (None, each.node)
    ]  # fmt: skip
    if not found:
        stop("No such node of the run waits for a decision.", USAGE)
    if len(found) > 1:
        names = ", ".join(each.node for each in found)
        stop(f"Several nodes wait; name one with --node: {names}.", USAGE)
    return found[0]


async def _run(ctx: Context, wanted: str) -> WorkflowRunRead:
    return await runs.get(ctx, await id_of(ctx, RUN, wanted))


def _within(action: Callable[[Context], Awaitable[T]], tenant: str, as_user: str | None) -> T:
    async def act(platform: Platform, caller: Caller) -> T:
        async with unit_of_work(platform, caller) as ctx:
            return await action(ctx)

    return run(act, tenant=tenant, as_user=as_user)


def _show(shown: WorkflowRunRead, *, as_json: bool) -> None:
    if as_json:
        print_json(shown.model_dump(mode="json"))
        return
    out.print(f"Run {shown.id} of {shown.workflow}: {shown.status}", markup=False)
    if shown.reason:
        out.print(shown.reason, markup=False)
    for each in shown.nodes:
        place = each.node if each.item is None else f"{each.node} {each.item}"
        out.print(f"  {each.status:10} {place} ({each.kind})", markup=False)
        if each.status == "waiting" and each.message:
            out.print(f"Waits for a decision:\n{each.message}", markup=False)
    if shown.output is not None:
        is_text = isinstance(shown.output, str)
        text = shown.output if is_text else json.dumps(shown.output, ensure_ascii=False, indent=2)
        out.print(f"\n{text}", markup=False)
