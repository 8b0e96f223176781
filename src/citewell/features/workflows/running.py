"""Runs as jobs: gone on with until they wait or end, one transaction for each step.

A run that waits has no job: the sweep, a decision or the end of a run within it makes the next one.
"""

import uuid
from dataclasses import dataclass
from functools import partial

from pydantic import JsonValue

from citewell.core.context import SYSTEM, Caller, Context, unit_of_work
from citewell.core.errors import AppError, InvalidInputError
from citewell.core.jobs import TransientJobError
from citewell.core.platform import Platform
from citewell.engine.agents.base import RunEndedError
from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.engine.workflows.advancing import NodeStatus
from citewell.engine.workflows.problems import WorkflowStepError
from citewell.engine.workflows.spec import AgentTask, SearchTask
from citewell.features.agents import runs as agent_runs
from citewell.features.agents.errors import AgentRunEndedError, AgentRunNotFoundError
from citewell.features.agents.schemas import MAX_QUESTION_CHARS, AgentReport, GivenTask
from citewell.features.agents.standing import acting_caller
from citewell.features.jobs import service as jobs
from citewell.features.jobs.attempts import Attempt
from citewell.features.jobs.errors import JobStoppedError
from citewell.features.jobs.schemas import NewJob
from citewell.features.workflows import making, repository, service
from citewell.features.workflows.making import RUN_JOB, ParentRun
from citewell.features.workflows.searching import search
from citewell.features.workflows.state import NodeTask, RunState
from citewell.kit.clock import utc_now
from citewell.models.agents import AgentRunStatus
from citewell.models.work import JobStatus
from citewell.models.workflows import (
    FINAL_WORKFLOW_STATUSES,
    WorkflowNodeRun,
    WorkflowRun,
    WorkflowRunStatus,
)

MOST_FAILURES = 5
"""Attempts of one job at a search that does not answer: half a minute of pauses."""

MOST_WOKEN = 200
"""Runs of a tenant that one sweep wakes."""


@dataclass(frozen=True, slots=True)
class _Work:
    """One attempt at one run."""

    platform: Platform
    tenant_id: uuid.UUID
    run_id: uuid.UUID
    number: int

    @property
    def system(self) -> Caller:
        return Caller(self.tenant_id, SYSTEM)


@dataclass(frozen=True, slots=True)
class _Step:
    """The outcome of one transaction: work outside of it, or the end or pause of the attempt."""

    tasks: list[NodeTask]
    parent_id: uuid.UUID | None = None
    """The run that this one was within, once it has ended."""
    failure: str | None = None


async def do_job(attempt: Attempt) -> None:
    """Go on with a run as a job; nodes that have ended are not done again."""
    work = await _begin(attempt)
    if work is None:
        return
    try:
        step = await _drive(work, attempt.failures + 1)
    # Cancelled, erased or another worker's: that has written the end of it.
    except JobStoppedError:
        return
    except RunEndedError as error:
        step = await _end_with(work, str(error))
    if step.parent_id is not None:
        await wake(work.platform, work.tenant_id, step.parent_id)
    if step.failure is not None:
        raise InvalidInputError(step.failure)


async def _begin(attempt: Attempt) -> _Work | None:
    async with unit_of_work(attempt.platform, attempt.caller) as ctx:
        run_id = await repository.run_of_job(ctx.session, attempt.job_id)
        number = None if run_id is None else await repository.begin(ctx.session, run_id)
    if run_id is None or number is None:
        return None
    return _Work(attempt.platform, attempt.caller.tenant_id, run_id, number)


async def _drive(work: _Work, failures: int) -> _Step:
    while True:
        step = await _step(work)
        if not step.tasks:
            return step
        for task in step.tasks:
            try:
                await _do(work, task)
            except AppError as error:
                await _note_failure(work, task, error.detail)
            except (ProviderError, ProviderConfigurationError) as error:
                is_passing = isinstance(error, ProviderError) and error.retryable
                if is_passing and failures < MOST_FAILURES:
                    raise TransientJobError(str(error)) from error
                await _note_failure(work, task, str(error))


async def _step(work: _Work) -> _Step:
    """Write everything that follows from what has ended; the work that can begin then."""
    async with unit_of_work(work.platform, work.system) as ctx:
        run = await repository.hold(ctx.session, work.run_id, work.number)
        if run is None:
            raise JobStoppedError
        state = RunState(run, await repository.node_runs(ctx.session, run.id), utc_now())
        await _collect(ctx, state)
        end = state.go_on()
        tasks = [] if end else state.tasks()
        if end is None and not tasks:
            # A task that could not be made has failed meanwhile.
            end = state.go_on()
        if end is not None:
            return await _end(ctx, state, end)
        if not tasks:
            run.status, run.job_id = WorkflowRunStatus.WAITING, None
        await repository.add_nodes(ctx.session, state.added)
    return _Step(tasks)


async def _collect(ctx: Context, state: RunState) -> None:
    """Take the results of agents and runs within that have ended."""
    at_work = [row for row in state.rows if row.status == NodeStatus.RUNNING]
    agents = {row.agent_run_id: row for row in at_work if row.agent_run_id is not None}
    for ended in await agent_runs.ended(ctx, list(agents)):
        row = agents[ended.id]
        row.document_ids = ended.document_ids
        if ended.report is None or ended.status != AgentRunStatus.SUCCEEDED:
            state.fail(row, ended.reason or f"The agent's run was {ended.status}.")
        else:
            state.succeed(row, _output(ended.report))
    children = {row.child_run_id: row for row in at_work if row.child_run_id is not None}
    for child in await repository.ended_children(ctx.session, list(children)):
        row = children[child.id]
        read = [
            each for one in await repository.node_runs(ctx.session, child.id)
            for each in one.document_ids
        ]  # fmt: skip
        row.document_ids = sorted(set(read))
        if child.status == WorkflowRunStatus.SUCCEEDED:
            state.succeed(row, child.output)
        else:
            state.fail(row, child.reason or f"The run within it was {child.status}.")


def _output(report: AgentReport) -> JsonValue:
    cited = {"number", "document_id", "title", "version", "page", "quote"}
    return {
        "answer": report.answer,
        "output": report.output,
        "citations": [each.model_dump(mode="json", include=cited) for each in report.citations],
        "grades": dict(report.grades),
    }


async def _end(ctx: Context, state: RunState, end: NodeStatus) -> _Step:
    run, failure = state.run, None
    if end is NodeStatus.SUCCEEDED:
        try:
            run.output = state.output()
        except WorkflowStepError as error:
            failure = f"`output`: {error}"
    else:
        failure = state.failure()
    is_failed = failure is not None
    run.status = WorkflowRunStatus.FAILED if is_failed else WorkflowRunStatus.SUCCEEDED
    run.reason, run.finished_at = failure, state.now
    await close(ctx, state)
    return _Step([], run.parent_id, failure)


async def close(ctx: Context, state: RunState) -> None:
    """End all that is open in a run that has ended, the runs within it too."""
    at_work = [row for row in state.rows if row.status == NodeStatus.RUNNING]
    state.close()
    await repository.add_nodes(ctx.session, state.added)
    for row in at_work:
        if row.agent_run_id is not None:
            try:
                await agent_runs.cancel(_as_system(ctx), row.agent_run_id)
            except (AgentRunEndedError, AgentRunNotFoundError):
                continue
        if row.child_run_id is not None:
            await cancel_within(ctx, row.child_run_id)


async def cancel_within(ctx: Context, run_id: uuid.UUID) -> WorkflowRun | None:
    """Cancel a run with all within it, unless it has ended; whoever started it."""
    run = await repository.lock_run(ctx.session, run_id)
    if run is None or run.status in FINAL_WORKFLOW_STATUSES:
        return None
    if run.job_id is not None:
        await jobs.finish(ctx, run.job_id, JobStatus.CANCELLED)
    run.status, run.finished_at = WorkflowRunStatus.CANCELLED, utc_now()
    await close(ctx, await state_of(ctx, run))
    return run


async def state_of(ctx: Context, run: WorkflowRun) -> RunState:
    """The state of a run that the caller has locked."""
    return RunState(run, await repository.node_runs(ctx.session, run.id), utc_now())


def _as_system(ctx: Context) -> Context:
    return Context(ctx.session, ctx.tenant_id, SYSTEM, ctx.platform, ctx.origin)


async def _end_with(work: _Work, reason: str) -> _Step:
    """Have a run fail for a reason that is no node's."""
    async with unit_of_work(work.platform, work.system) as ctx:
        run = await repository.hold(ctx.session, work.run_id, work.number)
        if run is None:
            return _Step([])
        run.status, run.reason, run.finished_at = WorkflowRunStatus.FAILED, reason, utc_now()
        await close(ctx, await state_of(ctx, run))
        return _Step([], run.parent_id, reason)


async def _do(work: _Work, task: NodeTask) -> None:
    """Do work outside of the run, or begin it, as its user may now."""
    caller = await _acting(work)
    if isinstance(task.task, SearchTask):
        output, document_ids = await search(work.platform, caller, task)
        async with unit_of_work(work.platform, work.system) as ctx:
            state, row = await _held(ctx, work, task)
            row.document_ids = document_ids
            state.succeed(row, output)
    elif isinstance(task.task, AgentTask):
        text = str(task.values["input"]).strip()
        if not 0 < len(text) <= MAX_QUESTION_CHARS:
            raise InvalidInputError(
                f"The task of an agent has 1 to {MAX_QUESTION_CHARS:,} characters, this one has "
                f"{len(text):,}. Refer to a part of an output only."
            )
        async with unit_of_work(work.platform, work.system) as ctx:
            state, _ = await _held(ctx, work, task)
        given = GivenTask(text, state.document_ids)
        link = partial(_link, work, task)
        await agent_runs.start_for(work.platform, caller, task.task.agent, given, link)
    else:
        async with unit_of_work(work.platform, caller) as ctx:
            state, row = await _held(ctx, work, task)
            workflow_id = await service.find(ctx, task.task.workflow)
            parent = ParentRun(state.run, state.document_ids)
            child = await making.make(ctx, workflow_id, task.values, parent)
            row.status, row.child_run_id = NodeStatus.RUNNING, child.id


async def _link(work: _Work, task: NodeTask, ctx: Context, agent_run_id: uuid.UUID) -> None:
    _, row = await _held(ctx, work, task)
    row.status, row.agent_run_id = NodeStatus.RUNNING, agent_run_id
    await repository.add_nodes(ctx.session, [])


async def _held(ctx: Context, work: _Work, task: NodeTask) -> tuple[RunState, WorkflowNodeRun]:
    """The run, locked, and the row of a task.

    Raises:
        JobStoppedError: The run is another attempt's, or has ended.
    """
    run = await repository.hold(ctx.session, work.run_id, work.number)
    if run is None:
        raise JobStoppedError
    state = await state_of(ctx, run)
    return state, state.row(task.node, task.item)


async def _note_failure(work: _Work, task: NodeTask, reason: str) -> None:
    async with unit_of_work(work.platform, work.system) as ctx:
        state, row = await _held(ctx, work, task)
        state.fail(row, reason)


async def _acting(work: _Work) -> Caller:
    """The run's user with the rights of this moment.

    Raises:
        JobStoppedError: The run is another attempt's, or has ended.
        RunEndedError: Its user may not act any more.
    """
    async with unit_of_work(work.platform, work.system) as ctx:
        found = await repository.standing(ctx.session, work.run_id, work.number)
        run = await repository.hold(ctx.session, work.run_id, work.number)
    if found is None or not found.is_mine or run is None:
        raise JobStoppedError
    return acting_caller(run, found)


async def wake(platform: Platform, tenant_id: uuid.UUID, run_id: uuid.UUID) -> None:
    """Have a run that waits gone on with."""
    async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
        run = await repository.lock_run(ctx.session, run_id)
        if run is not None:
            await queue(ctx, run)


async def queue(ctx: Context, run: WorkflowRun) -> None:
    """Queue a job for a run that the caller has locked, if it waits."""
    if run.status == WorkflowRunStatus.WAITING:
        [job] = await jobs.enqueue(ctx, RUN_JOB, [NewJob()])
        run.status, run.job_id = WorkflowRunStatus.QUEUED, job.id
        await repository.add_nodes(ctx.session, [])


async def sweep(platform: Platform) -> None:
    """Go on with runs that have waited long enough, and end those whose job ended without them."""
    async with platform.database.lookup() as session:
        tenants = await repository.tenants_with_due_workflows(session)
    for tenant_id in tenants:
        async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
            for run_id, status, reason in await repository.lost_runs(ctx.session):
                await _end_lost(ctx, run_id, status, reason)
            for run_id in await repository.due_runs(ctx.session, MOST_WOKEN):
                run = await repository.lock_run(ctx.session, run_id)
                assert run is not None
                await queue(ctx, run)


async def _end_lost(ctx: Context, run_id: uuid.UUID, status: str, reason: str | None) -> None:
    run = await repository.lock_run(ctx.session, run_id)
    assert run is not None
    is_cancelled = status == JobStatus.CANCELLED
    run.status = WorkflowRunStatus.CANCELLED if is_cancelled else WorkflowRunStatus.FAILED
    run.reason = reason or (None if is_cancelled else "Its job ended before it.")
    run.finished_at = utc_now()
    await close(ctx, await state_of(ctx, run))
