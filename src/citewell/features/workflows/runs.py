"""Runs as people see them: started, looked at, decided on, cancelled, done again."""

import uuid

from pydantic import JsonValue

from citewell.access.policy import Scope
from citewell.core.context import SYSTEM, Caller, Context, unit_of_work
from citewell.core.database.parts import RowFilter
from citewell.core.errors import AppError
from citewell.core.platform import Platform
from citewell.engine.workflows.advancing import NodeStatus
from citewell.engine.workflows.checking import in_order
from citewell.engine.workflows.problems import WorkflowStepError
from citewell.engine.workflows.spec import (
    AgentTask,
    NestedTask,
    SearchTask,
    WorkflowNode,
    WorkflowSpec,
    inputs_of,
    tasks_of,
)
from citewell.engine.workflows.templates import fill_inputs
from citewell.features.agents import service as agents
from citewell.features.agents.errors import ModelNotSetError
from citewell.features.audit import service as audit
from citewell.features.documents import service as documents
from citewell.features.idempotency import service as idempotency
from citewell.features.jobs import service as jobs
from citewell.features.jobs.schemas import NewJob
from citewell.features.workflows import making, repository, running, service
from citewell.features.workflows.errors import (
    InvalidWorkflowInputError,
    WorkflowDecidedError,
    WorkflowMismatchError,
    WorkflowNodeNotFoundError,
    WorkflowRunEndedError,
    WorkflowRunNotFoundError,
    WorkflowRunOpenError,
)
from citewell.features.workflows.making import RUN_JOB
from citewell.features.workflows.schemas import (
    PlannedNode,
    WorkflowDecision,
    WorkflowNodeRead,
    WorkflowPlan,
    WorkflowRunRead,
    WorkflowRunSummary,
    WorkflowSight,
    WorkflowStart,
)
from citewell.kit.pagination import Page, PageRequest
from citewell.models.workflows import (
    FINAL_WORKFLOW_STATUSES,
    WHOLE_NODE,
    WorkflowNodeRun,
    WorkflowRun,
    WorkflowRunStatus,
)

FORGOTTEN_AT_ONCE = 200
"""Outermost runs that one transaction deletes with all their steps."""

_NOBODY = uuid.UUID(int=0)
"""Actor id of the operator, who has none."""


async def start(
    ctx: Context, workflow_id: uuid.UUID, data: WorkflowStart, key: str | None = None
) -> WorkflowRunRead:
    """Start a run; a job does it with the rights of the caller.

    A request that is repeated with its `key` gets the run that the first one started.

    Raises:
        IdempotencyKeyInUseError: The same request is being carried out right now.
        IdempotencyKeyReusedError: Its key belongs to another request.
        WorkflowNotFoundError: There is no such workflow.
        InvalidWorkflowInputError: The inputs are not those that it takes.
    """
    ctx.actor.require(Scope.READ)
    asked: JsonValue = ["run", str(workflow_id), data.inputs]
    known = await idempotency.begin_once(ctx, key, asked)
    if known is not None:
        return await get(ctx, uuid.UUID(str(known)))
    run = await making.make(ctx, workflow_id, data.inputs)
    await idempotency.finish_once(ctx, key, asked, str(run.id))
    return _read(ctx, run, [], is_withheld=False)


async def plan(ctx: Context, workflow_id: uuid.UUID, data: WorkflowStart) -> WorkflowPlan:
    """A dry run: everything that could run, and why it would fail now; nothing is called.

    The tasks with their texts are for those who may see the definition.

    Raises:
        WorkflowNotFoundError, InvalidWorkflowInputError: As `start` says.
    """
    _, version = await service.newest(ctx, workflow_id)
    spec = WorkflowSpec.model_validate(version.spec)
    try:
        inputs = inputs_of(spec, data.inputs)
    except WorkflowStepError as error:
        raise InvalidWorkflowInputError(str(error)) from None
    problems: list[str] = []
    nodes: list[PlannedNode] = []
    sees_texts = ctx.actor.role >= service.MAKES_WORKFLOWS_FROM
    for node_id in in_order(spec):
        node = spec.node(node_id)
        tasks = tasks_of(node)
        for task in tasks:
            problem = await _hindrance(ctx, task)
            if problem is not None:
                problems.append(f"`{node_id}`: {problem}")
        nodes.append(
            PlannedNode(
                node=node_id,
                kind=node.kind,
                after=node.after,
                join=node.join,
                tasks=[
                    {
                        name: fill_inputs(value, inputs)
                        for name, value in task.model_dump(
                            mode="json", exclude={"id", "after", "join"}, exclude_defaults=True
                        ).items()
                    }
                    for task in (tasks if sees_texts else ())
                ],
            )
        )
    return WorkflowPlan(inputs=inputs, nodes=nodes, problems=problems)


async def _hindrance(ctx: Context, task: AgentTask | SearchTask | NestedTask) -> str | None:
    """Why a task would fail now, as far as it can be known."""
    try:
        if isinstance(task, AgentTask):
            await agents.find(ctx, task.agent)
            if ctx.platform.llm is None:
                raise ModelNotSetError
        elif isinstance(task, NestedTask):
            await service.find(ctx, task.workflow)
    except AppError as error:
        return error.detail
    return None


async def page(
    ctx: Context,
    request: PageRequest,
    *,
    workflow_id: uuid.UUID | None = None,
    status: WorkflowRunStatus | None = None,
) -> Page[WorkflowRunSummary]:
    """The caller's runs, newest first; for administrators those of all."""
    found = await repository.run_page(
        ctx.session, _sight(ctx), request, workflow_id=workflow_id, status=status
    )
    return Page([_summary(ctx, run) for run in found.items], request, found.total)


async def seen(ctx: Context) -> RowFilter:
    """Which runs are there for the caller."""
    return repository.seen(_sight(ctx))


async def get(ctx: Context, run_id: uuid.UUID) -> WorkflowRunRead:
    """A run with the state of its nodes, as far as its user may read it now.

    Raises:
        WorkflowRunNotFoundError: There is none, or not for this caller.
    """
    run = await repository.run(ctx.session, run_id, _sight(ctx))
    if run is None:
        raise WorkflowRunNotFoundError(run_id)
    rows = await repository.node_runs(ctx.session, run.id)
    return _read(ctx, run, rows, is_withheld=await _is_withheld(ctx, run))


async def _is_withheld(ctx: Context, run: WorkflowRun) -> bool:
    if not _is_own(ctx, run) or run.erased_at is not None:
        return True
    # A run is made of all that it read: when a part may not be read any more, no part is shown.
    read = await repository.documents_within(ctx.session, run.root_id)
    return bool(read) and len(await documents.readable(ctx, sorted(read))) < len(read)


async def decide(ctx: Context, run_id: uuid.UUID, data: WorkflowDecision) -> WorkflowRunRead:
    """Approve what a run waits for, or refuse it, and have the run go on, in one transaction.

    The decision is the run's user's alone, and holds for exactly the message they were shown.

    Raises:
        WorkflowRunNotFoundError: There is none, or it is another user's.
        WorkflowNodeNotFoundError: It has no such approval.
        WorkflowDecidedError: Somebody decided before, or it is too late.
        WorkflowMismatchError: Something else than the message that waits is decided on.
    """
    run = await _lock_own(ctx, run_id)
    state = await running.state_of(ctx, run)
    row = next((each for each in state.rows if each.node == data.node and each.action_hash), None)
    if row is None or await _is_withheld(ctx, run):
        raise WorkflowNodeNotFoundError(data.node)
    is_late = row.wakes_at is not None and row.wakes_at <= state.now
    if row.status != NodeStatus.WAITING or is_late or run.status in FINAL_WORKFLOW_STATUSES:
        raise WorkflowDecidedError("expired" if is_late else row.status)
    if row.action_hash != data.action_hash:
        raise WorkflowMismatchError
    state.decide(row, approved=data.approve, comment=data.comment)
    row.decided_by, row.decided_at = ctx.actor.user_id or ctx.actor.id, state.now
    row.comment = data.comment or None
    action = "workflow_run.approved" if data.approve else "workflow_run.refused"
    await _record(ctx, action, run, node=row.node, hash=row.action_hash)
    await running.queue(ctx, run)
    await ctx.session.flush()
    return await get(ctx, run_id)


async def cancel(ctx: Context, run_id: uuid.UUID) -> WorkflowRunRead:
    """Cancel a run with the agents and runs within it.

    Raises:
        WorkflowRunNotFoundError: There is none, or not for this caller.
        WorkflowRunEndedError: It has ended.
    """
    run = await repository.run(ctx.session, run_id, _sight(ctx))
    if run is None:
        raise WorkflowRunNotFoundError(run_id)
    cancelled = await running.cancel_within(ctx, run_id)
    if cancelled is None:
        raise WorkflowRunEndedError(run.status)
    await _record(ctx, "workflow_run.cancelled", run)
    return await get(ctx, run_id)


async def retry(ctx: Context, run_id: uuid.UUID, node: str | None) -> WorkflowRunRead:
    """Do a run again that has ended: one node with all behind it, or what did not succeed.

    Raises:
        WorkflowRunNotFoundError: There is none, or it is another user's.
        WorkflowRunOpenError: It has not ended.
        WorkflowRunEndedError: It has succeeded, and no node is named; or its texts are gone.
        WorkflowNodeNotFoundError: It has no such node.
    """
    run = await _lock_own(ctx, run_id)
    if run.status not in FINAL_WORKFLOW_STATUSES:
        raise WorkflowRunOpenError(run.status)
    if run.erased_at is not None or (node is None and run.status == WorkflowRunStatus.SUCCEEDED):
        raise WorkflowRunEndedError(run.status)
    state = await running.state_of(ctx, run)
    if node is not None and not any(each.id == node for each in state.spec.nodes):
        raise WorkflowNodeNotFoundError(node)
    await repository.remove_nodes(ctx.session, run.id, _again(state.rows, state.spec, node))
    run.status, run.reason, run.finished_at, run.output = WorkflowRunStatus.QUEUED, None, None, None
    # As whoever asks for it now: the credential of then may be gone.
    making.take_over(ctx, run)
    [job] = await jobs.enqueue(ctx, RUN_JOB, [NewJob()])
    run.job_id = job.id
    await _record(ctx, "workflow_run.retried", run, node=node)
    await ctx.session.flush()
    return await get(ctx, run_id)


def _again(rows: list[WorkflowNodeRun], spec: WorkflowSpec, node: str | None) -> list[str]:
    """Nodes that are done again: these, and all behind them."""
    first = {node} if node is not None else {
        row.node for row in rows
        if row.status not in (NodeStatus.SUCCEEDED, NodeStatus.SKIPPED)
    }  # fmt: skip
    return [each for each, before in in_order(spec).items() if each in first or before & first]


async def _lock_own(ctx: Context, run_id: uuid.UUID) -> WorkflowRun:
    sight = WorkflowSight(_own_id(ctx), sees_all=False)
    run = await repository.lock_run(ctx.session, run_id, sight)
    if run is None:
        raise WorkflowRunNotFoundError(run_id)
    return run


async def forget_old(platform: Platform) -> None:
    """Delete runs that are older than the tenant keeps answers, and those of users who are gone."""
    days = platform.settings.answer_days
    async with platform.database.lookup() as session:
        tenants = await repository.tenants_with_old(session, days)
    for tenant_id in tenants:
        gone = FORGOTTEN_AT_ONCE
        while gone >= FORGOTTEN_AT_ONCE:
            async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
                gone = await repository.forget(ctx.session, days, FORGOTTEN_AT_ONCE)


def _own_id(ctx: Context) -> uuid.UUID:
    return ctx.actor.user_id or ctx.actor.id or _NOBODY


def _sight(ctx: Context) -> WorkflowSight:
    return WorkflowSight(_own_id(ctx), sees_all=ctx.actor.administers)


def _is_own(ctx: Context, run: WorkflowRun) -> bool:
    return (run.actor_id or _NOBODY) == _own_id(ctx)


async def _record(ctx: Context, action: str, run: WorkflowRun, **details: object) -> None:
    await audit.record(ctx, action, object_kind="workflow_run", object_id=run.id, details=details)


def _summary(ctx: Context, run: WorkflowRun) -> WorkflowRunSummary:
    return WorkflowRunSummary(
        id=run.id,
        workflow_id=run.workflow_id,
        workflow=run.workflow_slug,
        workflow_version=run.workflow_version,
        status=WorkflowRunStatus(run.status),
        # A reason may quote what was compared.
        reason=run.reason if _is_own(ctx, run) else None,
        user_id=run.user_id,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )


def _read(
    ctx: Context, run: WorkflowRun, rows: list[WorkflowNodeRun], *, is_withheld: bool
) -> WorkflowRunRead:
    nodes = {node.id: node for node in WorkflowSpec.model_validate(run.spec).nodes}
    ended = {row.node for row in rows if row.item == WHOLE_NODE and row.status == "succeeded"}
    summary = _summary(ctx, run).model_dump()
    if is_withheld:
        summary["reason"] = None
    return WorkflowRunRead(
        **summary,
        job_id=run.job_id,
        parent_id=run.parent_id,
        is_withheld=is_withheld,
        inputs=None if is_withheld else run.inputs,
        output=None if is_withheld else run.output,
        nodes=[
            _node_read(row, nodes[row.node], is_withheld=is_withheld, is_joined=row.node in ended)
            for row in rows
        ],
    )


def _node_read(
    row: WorkflowNodeRun, node: WorkflowNode, *, is_withheld: bool, is_joined: bool
) -> WorkflowNodeRead:
    # The outputs of items stand in that of their node, once it has one.
    has_output = not is_withheld and not (is_joined and row.item != WHOLE_NODE)
    return WorkflowNodeRead(
        node=row.node,
        kind=node.kind,
        item=None if row.item == WHOLE_NODE else row.item,
        status=row.status,
        outcome=row.outcome,
        output=row.output if has_output else None,
        reason=None if is_withheld else row.reason,
        message=None if is_withheld else row.message,
        action_hash=row.action_hash,
        wakes_at=row.wakes_at,
        agent_run_id=row.agent_run_id,
        workflow_run_id=row.child_run_id,
        started_at=row.started_at,
        finished_at=row.finished_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        comment=row.comment,
    )
