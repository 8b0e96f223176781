"""`agent`: agents and their runs."""

import uuid
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.table import Table
from rich.text import Text

from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.engine.workflows.problems import WorkflowSpecError
from citewell.engine.workflows.text import read_source
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
from citewell.features.agents import runs, service, streaming
from citewell.features.agents.errors import AgentNotFoundError
from citewell.features.agents.schemas import (
    AgentCreate,
    AgentRead,
    AgentRunRead,
    AgentUpdate,
    ApprovalRequest,
    ExecuteRequest,
    RunEvent,
    ToolCallRead,
)
from citewell.features.identity.service import DEFAULT_TENANT
from citewell.kit.pagination import MAX_LIMIT, PageRequest
from citewell.models.agents import AgentRun, AgentRunStatus

T = TypeVar("T")

agent = typer.Typer(no_args_is_help=True, help="Agents: list, save, run, show and approve.")

RunArgument = Annotated[
    str,
    typer.Argument(metavar="RUN", help="The run's id, its beginning or end.", callback=readable),
]
RUN = Findable("run", AgentRun, runs.seen)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(agent, name="agent")


@agent.command("list")
def list_agents(
    tenant: TenantOption = DEFAULT_TENANT, as_user: AsOption = None, as_json: JsonOption = False
) -> None:
    """List the agents, the built-in ones first."""

    async def act(ctx: Context) -> list[AgentRead]:
        found: list[AgentRead] = []
        for number in (1, 2, 3):
            found += (await service.page(ctx, PageRequest(number, MAX_LIMIT))).items
        return found

    found = _within(act, tenant, as_user)
    if as_json:
        print_json({"agents": [each.model_dump(mode="json") for each in found]})
        return
    table = Table("slug", "version", "built in", "name", "description")
    for each in found:
        table.add_row(
            each.slug, str(each.version), "yes" if each.is_built_in else "no",
            Text(each.name), Text(each.description),
        )  # fmt: skip
    print_table(table)


@agent.command("save")
def save_file(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="An agent, YAML or JSON.")],
    slug: Annotated[
        str | None,
        typer.Option(help="Its slug; unset: as in the file, or the file's name."),
    ] = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep an agent's definition: as a new agent, or as the newest version of the one it is."""
    data = _definition(path, slug)

    async def act(ctx: Context) -> AgentRead:
        try:
            known = await service.find(ctx, data.slug)
        except AgentNotFoundError:
            return await service.create(ctx, data)
        # All fields: what the file leaves out is as it is for a new one.
        whole = AgentUpdate.model_validate(data.model_dump(exclude={"slug"}))
        return await service.update(ctx, known, whole)

    saved = _within(act, tenant, as_user)
    if as_json:
        print_json(saved.model_dump(mode="json"))
    else:
        out.print(f"{saved.slug}, version {saved.version}.", markup=False)


@agent.command("run")
def run_agent(
    name: Annotated[str, typer.Argument(metavar="AGENT", help="Slug or id of the agent.")],
    task: Annotated[str, typer.Argument(help="The task, in words.")],
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for the end.")] = False,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run an agent on a task, and wait for its answer."""
    data = checked(ExecuteRequest, input=task)

    async def act(platform: Platform, caller: Caller) -> AgentRunRead:
        async with unit_of_work(platform, caller) as ctx:
            agent_id = await service.find(ctx, name)
        begun = await runs.start(platform, caller, agent_id, data)
        if no_wait:
            return begun
        async with aclosing(streaming.follow(platform, caller, begun.id)) as events:
            async for event in events:
                _tell(event)
        async with unit_of_work(platform, caller) as ctx:
            return await runs.get(ctx, begun.id)

    made = run(
        act,
        tenant=tenant,
        as_user=as_user,
        with_worker=not no_wait,
        interrupted="Stopped waiting; the run goes on when a worker runs.",
    )
    _show(made, as_json=as_json)
    if made.status in (AgentRunStatus.FAILED, AgentRunStatus.CANCELLED):
        raise typer.Exit(SOME_FAILED)


@agent.command("show")
def show_run(
    run_id: RunArgument,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a run: its answer, its calls, and the actions that wait for a decision."""
    _show(_within(lambda ctx: _run(ctx, run_id), tenant, as_user), as_json=as_json)


@agent.command("approve")
def approve_call(
    run_id: RunArgument,
    call: Annotated[
        uuid.UUID | None,
        typer.Option(metavar="ID", help="The call. None: the only one that waits."),
    ] = None,
    deny: Annotated[bool, typer.Option("--deny", help="Refuse the action.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; the action is printed.")] = False,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the exact action that a run waits for, and approve it or refuse it."""
    shown = _within(lambda ctx: _run(ctx, run_id), tenant, as_user)
    waiting = _waiting(shown, call)
    err.print(f"{waiting.tool}:\n{waiting.action or ''}", markup=False)
    if not yes and not typer.confirm("Refuse it?" if deny else "Approve it?", err=True):
        stop("Nothing was decided.", USAGE)
    # The hash of what was printed: if anything else waits by now, it is refused.
    data = ApprovalRequest(
        call_id=waiting.id, arguments_hash=waiting.arguments_hash, approve=not deny
    )
    decided = _within(lambda ctx: runs.decide(ctx, shown.id, data), tenant, as_user)
    if as_json:
        print_json(decided.model_dump(mode="json"))
    else:
        out.print(f"{'Refused' if deny else 'Approved'}; the run is {decided.status}.")


def _waiting(shown: AgentRunRead, call: uuid.UUID | None) -> ToolCallRead:
    found = [each for each in shown.calls if each.status == "waiting" and call in (None, each.id)]
    if not found:
        stop("No such call of the run waits for a decision.", USAGE)
    if len(found) > 1:
        ids = ", ".join(str(each.id) for each in found)
        stop(f"Several calls wait; name one with --call: {ids}.", USAGE)
    return found[0]


def _definition(path: Path, slug: str | None) -> AgentCreate:
    try:
        read = read_source(read_text_file(path)).value
    except WorkflowSpecError as error:
        first = error.problems[0]
        stop(f"{path}:{first.line}: {first.message}", USAGE)
    if not isinstance(read, dict):
        stop(f"{path} holds no agent: an object with name, instructions and tools.", USAGE)
    chosen = {"slug": slug} if slug else {"slug": read.get("slug") or path.stem}
    return checked(AgentCreate, **(read | chosen))


async def _run(ctx: Context, wanted: str) -> AgentRunRead:
    return await runs.get(ctx, await id_of(ctx, RUN, wanted))


def _within(action: Callable[[Context], Awaitable[T]], tenant: str, as_user: str | None) -> T:
    async def act(platform: Platform, caller: Caller) -> T:
        async with unit_of_work(platform, caller) as ctx:
            return await action(ctx)

    return run(act, tenant=tenant, as_user=as_user)


def _tell(event: RunEvent) -> None:
    """Progress on stderr, when that is a terminal."""
    if err.is_terminal and event.name == "tool_call":
        err.print(f"  {event.data['tool']} {event.data['arguments']}", markup=False)


def _show(shown: AgentRunRead, *, as_json: bool) -> None:
    if as_json:
        print_json(shown.model_dump(mode="json"))
        return
    out.print(f"Run {shown.id} of {shown.agent}: {shown.status}", markup=False)
    if shown.reason:
        out.print(shown.reason, markup=False)
    if shown.report is not None:
        out.print(f"\n{shown.report.answer}\n", markup=False)
        for each in shown.report.citations:
            out.print(f"[{each.number}] {each.title}, version {each.version}", markup=False)
    for each in shown.calls:
        out.print(f"  {each.status:10} {each.tool} {each.arguments or ''}", markup=False)
        if each.status == "waiting":
            out.print(f"Waits for a decision (call {each.id}):\n{each.action}", markup=False)
    used = shown.usage
    tokens = used.input_tokens + used.output_tokens
    out.print(f"{used.steps} steps, {tokens:,} tokens, {used.seconds:.1f} s", markup=False)
