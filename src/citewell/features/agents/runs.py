"""Runs as people see them: started, looked at, decided on, cancelled."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from pydantic import JsonValue

from citewell.access.policy import Scope
from citewell.core.context import SYSTEM, ActorKind, Caller, Context, unit_of_work
from citewell.core.database.parts import RowFilter
from citewell.core.platform import Platform
from citewell.engine.agents.base import CallStatus, shown_hash
from citewell.features.agents import repository, service
from citewell.features.agents.choosing import model_of
from citewell.features.agents.errors import (
    AgentRunEndedError,
    AgentRunNotFoundError,
    ApprovalDecidedError,
    ApprovalMismatchError,
    ApprovalNotFoundError,
)
from citewell.features.agents.running import RUN_JOB
from citewell.features.agents.schemas import (
    LEAST_SECONDS,
    AgentReport,
    AgentRunRead,
    AgentRunSummary,
    AgentUsage,
    ApprovalRequest,
    AskedTask,
    EndedRun,
    ExecuteRequest,
    GivenTask,
    NewRun,
    RunSight,
    StepRead,
    ToolCallRead,
)
from citewell.features.audit import service as audit
from citewell.features.collections import service as collections
from citewell.features.documents import service as documents
from citewell.features.idempotency import service as idempotency
from citewell.features.jobs import service as jobs
from citewell.features.jobs.schemas import NewJob
from citewell.features.question_policies import admission as policies
from citewell.features.question_policies.admission import AdmittedQuestion
from citewell.features.search.admission import admit_run, admit_task
from citewell.kit.clock import utc_now
from citewell.kit.ids import uuid7
from citewell.kit.pagination import Page, PageRequest
from citewell.models.agents import (
    FINAL_RUN_STATUSES,
    AgentRun,
    AgentRunStatus,
    AgentStep,
    StepKind,
    ToolExecution,
)
from citewell.models.work import JobStatus

FORGOTTEN_AT_ONCE = 200
"""Outermost runs that one transaction deletes with all their steps."""

EXPIRED = "Nobody decided in time on an action that needed approval."

Link = Callable[[Context, uuid.UUID], Awaitable[None]]
"""Writes what refers to a new run, in the transaction that makes it."""

LEFT_OUT = "[left out: the results of this run are too long to be shown together]"

MAX_OUTPUT_CHARS = 1_000_000
"""Characters of results in one view of a run; 50 calls of one step may have 20,000 each."""

_NOBODY = uuid.UUID(int=0)
"""Actor id of the operator, who has none."""


async def start(
    platform: Platform,
    caller: Caller,
    agent_id: uuid.UUID,
    data: ExecuteRequest,
    key: str | None = None,
    *,
    asked: AskedTask | None = None,
) -> AgentRunRead:
    """Start a run; a job does it with the rights of the caller.

    Args:
        platform: The handles of the process.
        caller: Who starts it.
        agent_id: The agent.
        data: The task.
        key: Of the request; one that is repeated gets the run that the first one started.
        asked: What of the task a person asked; None: all of it is their question.

    Raises:
        AppError: The tenant's rules do not admit it; see `search.admission.admit_run`.
        IdempotencyKeyInUseError: The same request is being carried out right now.
        IdempotencyKeyReusedError: Its key belongs to another request.
        AgentNotFoundError: There is no such agent.
        ModelNotSetError, ModelNotAvailableError, PriceUnknownError: It cannot run here.
        CollectionNotFoundError: None of the collections that it looks in is there for the caller.
    """
    caller.actor.require(Scope.READ)
    async with unit_of_work(platform, caller) as ctx:
        made = await _runnable(ctx, agent_id, data.input)
    model = await model_of(platform, caller, made.definition)
    made = replace(made, model=model.name)
    repeated: JsonValue = ["execute", str(agent_id), data.input]
    async with unit_of_work(platform, caller) as ctx:
        done = await idempotency.begin_once(ctx, key, repeated)
        if done is not None:
            return await get(ctx, uuid.UUID(str(done)))
    question, said = (data.input, ()) if asked is None else (asked.question, asked.said)
    admission = await admit_run(platform, caller, question, made.id, said)
    made, is_made = _in_time(made, admission), False
    try:
        async with unit_of_work(platform, caller) as ctx:
            known = await idempotency.begin_once(ctx, key, repeated)
            if known is not None:
                return await get(ctx, uuid.UUID(str(known)))
            run = await _add(ctx, made)
            await idempotency.finish_once(ctx, key, repeated, str(run.id))
        is_made = True
        return run
    finally:
        if not is_made:
            await policies.drop_run(platform, caller, admission, made.id)


def _in_time(made: NewRun, admission: AdmittedQuestion) -> NewRun:
    """The run with the time that the tenant's rules give a question."""
    seconds, definition = admission.rules.policy.seconds, made.definition
    if seconds is None or seconds >= definition.limits.seconds:
        return made
    limits = definition.limits.model_copy(update={"seconds": max(seconds, LEAST_SECONDS)})
    return replace(made, definition=definition.model_copy(update={"limits": limits}))


async def start_for(
    platform: Platform, caller: Caller, slug: str, task: GivenTask, link: Link
) -> None:
    """Start a run for a workflow's node, in one transaction with what `link` writes.

    Raises:
        AgentNotFoundError, CollectionNotFoundError: As `start` says.
        ModelNotSetError, ModelNotAvailableError, PriceUnknownError: It cannot run here.
        AppError: The tenant's rules do not admit it; see `search.admission.admit_task`.
    """
    async with unit_of_work(platform, caller) as ctx:
        agent_id = await service.find(ctx, slug)
        made = await _runnable(ctx, agent_id, task.text)
    model = await model_of(platform, caller, made.definition)
    made = replace(made, model=model.name, given_document_ids=task.document_ids)
    made = _in_time(made, await admit_task(platform, caller, task.text))
    async with unit_of_work(platform, caller) as ctx:
        run = await _add(ctx, made)
        await link(ctx, run.id)


async def ended(ctx: Context, ids: Sequence[uuid.UUID]) -> list[EndedRun]:
    """Those of the runs that have ended, whoever started them."""
    if not ids:
        return []
    return [
        EndedRun(
            run.id,
            AgentRunStatus(run.status),
            run.reason,
            None if run.report is None else AgentReport.model_validate(run.report),
            read,
        )
        for run, read in await repository.ended_runs(ctx.session, ids)
    ]


async def _runnable(ctx: Context, agent_id: uuid.UUID, question: str) -> NewRun:
    slug, version, definition = await service.definition_of(ctx, agent_id)
    wanted = definition.collection_ids
    if wanted and not await collections.visible(ctx, wanted):
        await collections.require_all(ctx, wanted)
    return NewRun(uuid7(), agent_id, slug, version, definition, question, "")


async def _add(ctx: Context, made: NewRun) -> AgentRunRead:
    actor, run_id = ctx.actor, made.id
    [job] = await jobs.enqueue(ctx, RUN_JOB, [NewJob()])
    run = AgentRun(
        tenant_id=ctx.tenant_id,
        id=run_id,
        agent_id=made.agent_id,
        agent_slug=made.slug,
        agent_version=made.version,
        definition=made.definition.model_dump(mode="json"),
        question=made.question,
        given_document_ids=list(made.given_document_ids),
        root_id=run_id,
        job_id=job.id,
        actor_kind=actor.kind,
        actor_id=actor.user_id or actor.id,
        user_id=actor.user_id,
        key_id=actor.id if actor.kind is ActorKind.API_KEY else None,
        scopes=sorted(scope.value for scope in actor.scopes),
        model=made.model,
    )
    await repository.add_run(ctx.session, run)
    await _record(ctx, "agent_run.started", run, agent=made.slug)
    return _read(ctx, run, [], [], is_withheld=False)


async def page(
    ctx: Context,
    request: PageRequest,
    *,
    agent_id: uuid.UUID | None = None,
    status: AgentRunStatus | None = None,
) -> Page[AgentRunSummary]:
    """The caller's runs, newest first; for administrators those of all, without their contents."""
    found = await repository.run_page(
        ctx.session, _sight(ctx), request, agent_id=agent_id, status=status
    )
    shown = [
        # Whether its user may still read what a workflow gave it is looked at one by one.
        _summary(run, is_withheld=not _is_own(ctx, run) or bool(run.given_document_ids))
        for run in found.items
    ]
    return Page(shown, request, found.total)


async def seen(ctx: Context) -> RowFilter:
    """Which runs are there for the caller."""
    return repository.seen(_sight(ctx))


async def get(ctx: Context, run_id: uuid.UUID) -> AgentRunRead:
    """A run with everything it did, as far as its user may read it now.

    Raises:
        AgentRunNotFoundError: There is none, or not for this caller.
    """
    run = await _find(ctx, run_id)
    replies = await repository.replies(ctx.session, run.id)
    calls = await repository.calls_within(ctx.session, run.id)
    return _read(ctx, run, replies, calls, is_withheld=await _is_withheld(ctx, run, calls))


async def mark(ctx: Context, run_id: uuid.UUID) -> tuple[str, int]:
    """Status of a run and number of its entries.

    Raises:
        AgentRunNotFoundError: There is none, or not for this caller.
    """
    found = await repository.mark_of(ctx.session, run_id, _sight(ctx))
    if found is None:
        raise AgentRunNotFoundError(run_id)
    return found


async def _find(ctx: Context, run_id: uuid.UUID) -> AgentRun:
    run = await repository.run(ctx.session, run_id, _sight(ctx))
    if run is None:
        raise AgentRunNotFoundError(run_id)
    return run


async def _is_withheld(ctx: Context, run: AgentRun, calls: list[ToolExecution]) -> bool:
    """Whether the contents of a run are not for the caller, or not any more."""
    if not _is_own(ctx, run) or run.erased_at is not None:
        return True
    # A run is made of all that it read: when a part may not be read any more, no part is shown.
    read = {each for call in calls for each in call.document_ids} | {*run.given_document_ids}
    return bool(read) and len(await documents.readable(ctx, sorted(read))) < len(read)


async def cancel(ctx: Context, run_id: uuid.UUID) -> AgentRunRead:
    """Cancel a run; one that is at work stops within about a second.

    Raises:
        AgentRunNotFoundError: There is none, or not for this caller.
        AgentRunEndedError: It has ended.
    """
    run = await _lock(ctx, run_id, _sight(ctx))
    if run.status in FINAL_RUN_STATUSES:
        raise AgentRunEndedError(run.status)
    if run.job_id is not None:
        await jobs.finish(ctx, run.job_id, JobStatus.CANCELLED)
    await repository.close_runs(ctx.session, run.id, AgentRunStatus.CANCELLED, None)
    await repository.add_entry(ctx.session, run, StepKind.END, {})
    await _record(ctx, "agent_run.cancelled", run)
    await ctx.session.refresh(run)
    return await get(ctx, run_id)


async def decide(ctx: Context, run_id: uuid.UUID, data: ApprovalRequest) -> AgentRunRead:
    """Approve an action of a run, or refuse it; the run goes on once nothing waits any more.

    The decision is the run's user's alone, and holds for exactly what they were shown: arguments,
    action, and whether the tool says that it changes something. One on other terms is refused, and
    so is one with the hash of the arguments alone, as older processes show it.

    Raises:
        AgentRunNotFoundError: There is none, or it is another user's.
        ApprovalNotFoundError: It has no such call.
        ApprovalDecidedError: Somebody decided before, or it is too late.
        ApprovalMismatchError: Another action than the one that waits is decided on.
    """
    run = await _lock(ctx, run_id, RunSight(_own_id(ctx), sees_all=False))
    call = await repository.lock_call(ctx.session, run.id, data.call_id)
    if call is None or call.action is None:
        raise ApprovalNotFoundError(data.call_id)
    is_late = call.expires_at is not None and call.expires_at <= utc_now()
    if call.status != CallStatus.WAITING or is_late:
        raise ApprovalDecidedError("expired" if is_late else call.status)
    shown = _shown_hash(call)
    if shown != data.arguments_hash:
        raise ApprovalMismatchError
    call.status = CallStatus.APPROVED if data.approve else CallStatus.DENIED
    call.decided_by, call.decided_at = ctx.actor.user_id or ctx.actor.id, utc_now()
    call.comment = data.comment or None
    entry = {"call": str(call.id), "approved": data.approve}
    await repository.add_entry(ctx.session, run, StepKind.DECISION, entry)
    action = "agent_run.approved" if data.approve else "agent_run.denied"
    await _record(ctx, action, run, call_id=str(call.id), tool=call.tool, hash=shown)
    is_waiting = run.status == AgentRunStatus.WAITING
    if is_waiting and not await repository.is_waited_for(ctx.session, run.id):
        [job] = await jobs.enqueue(ctx, RUN_JOB, [NewJob()])
        run.status, run.job_id = AgentRunStatus.QUEUED, job.id
        await ctx.session.flush()
    return await get(ctx, run_id)


async def _lock(ctx: Context, run_id: uuid.UUID, sight: RunSight) -> AgentRun:
    run = await repository.lock_run(ctx.session, run_id, sight)
    if run is None:
        raise AgentRunNotFoundError(run_id)
    return run


async def sweep(platform: Platform) -> None:
    """End runs whose job ended without them, and those that nobody decided on in time."""
    async with platform.database.lookup() as session:
        tenants = await repository.tenants_with_open_runs(session)
    for tenant_id in tenants:
        async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
            await repository.close_lost(ctx.session)
            for root_id in await repository.expired(ctx.session):
                await repository.close_runs(ctx.session, root_id, AgentRunStatus.FAILED, EXPIRED)


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


def _sight(ctx: Context) -> RunSight:
    return RunSight(_own_id(ctx), sees_all=ctx.actor.administers)


def _is_own(ctx: Context, run: AgentRun) -> bool:
    return (run.actor_id or _NOBODY) == _own_id(ctx)


async def _record(ctx: Context, action: str, run: AgentRun, **details: object) -> None:
    await audit.record(ctx, action, object_kind="agent_run", object_id=run.id, details=details)


def _summary(run: AgentRun, *, is_withheld: bool) -> AgentRunSummary:
    return AgentRunSummary(
        id=run.id,
        agent_id=run.agent_id,
        agent=run.agent_slug,
        agent_version=run.agent_version,
        status=AgentRunStatus(run.status),
        reason=run.reason,
        input=None if is_withheld else run.question,
        user_id=run.user_id,
        model=run.model,
        usage=AgentUsage(
            steps=run.steps,
            input_tokens=run.input_tokens,
            output_tokens=run.output_tokens,
            money=round(run.money, 6),
            seconds=round(run.seconds, 3),
        ),
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )


def _read(
    ctx: Context,
    run: AgentRun,
    replies: list[AgentStep],
    calls: list[ToolExecution],
    *,
    is_withheld: bool,
) -> AgentRunRead:
    is_hidden = not _is_own(ctx, run) or (is_withheld and bool(run.given_document_ids))
    summary = _summary(run, is_withheld=is_hidden)
    report = None
    if run.report is not None and not is_withheld:
        report = AgentReport.model_validate(run.report)
    return AgentRunRead(
        **summary.model_dump(),
        job_id=run.job_id,
        is_withheld=is_withheld,
        report=report,
        steps=[
            StepRead(
                number=number,
                text=None if is_withheld else each.payload.get("text"),
                at=each.created_at,
            )
            for number, each in enumerate(replies)
        ],
        calls=call_reads(calls, is_withheld=is_withheld),
    )


def call_reads(calls: list[ToolExecution], *, is_withheld: bool) -> list[ToolCallRead]:
    """The calls, results of the later ones left out where all would be too much for one reply."""
    left, shown = MAX_OUTPUT_CHARS, list[ToolCallRead]()
    for call in calls:
        read = _call_read(call, is_withheld=is_withheld)
        left -= len(read.output or "")
        shown.append(read if left >= 0 else read.model_copy(update={"output": LEFT_OUT}))
    return shown


def _shown_hash(call: ToolExecution) -> str:
    return shown_hash(call.arguments_hash, call.action, call.has_effect)


def _call_read(call: ToolExecution, *, is_withheld: bool) -> ToolCallRead:
    return ToolCallRead(
        id=call.id,
        run_id=call.run_id,
        step=call.step,
        tool=call.tool,
        arguments=None if is_withheld else call.arguments,
        status=call.status,
        action=None if is_withheld else call.action,
        arguments_hash=_shown_hash(call),
        output=None if is_withheld else call.output,
        money=round(call.money, 6),
        started_at=call.started_at,
        finished_at=call.finished_at,
        decided_by=call.decided_by,
        decided_at=call.decided_at,
        expires_at=call.expires_at,
    )
