"""Runs as jobs: begun, gone on with after a crash or a decision, paused, ended."""

import uuid
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from citewell.core.context import SYSTEM, Caller, batched_work, unit_of_work
from citewell.core.errors import AppError, InvalidInputError
from citewell.core.jobs import TransientJobError
from citewell.core.platform import Platform
from citewell.engine.agents.answer_schema import output_of
from citewell.engine.agents.base import (
    AgentLimits,
    AgentSpec,
    CallState,
    Ended,
    Finished,
    History,
    Paused,
    PersonNeededError,
    RunEndedError,
    RunOutcome,
    Spending,
    ToolOutput,
)
from citewell.engine.agents.loop import AgentLoop
from citewell.engine.agents.pacing import TreePace
from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.features.agents import journal, journal_repository, repository, service
from citewell.features.agents.carrying import RunReading
from citewell.features.agents.choosing import model_of
from citewell.features.agents.journal import RunLedger
from citewell.features.agents.metering import MeteredModel
from citewell.features.agents.pacing import AgentPace, turn_beside_documents
from citewell.features.agents.reporting import delegated, report_of
from citewell.features.agents.schemas import AgentDefinition, AgentReport, RunAttempt
from citewell.features.agents.tools import servers
from citewell.features.agents.tools.registry import TOOLS
from citewell.features.agents.toolset import RunToolbox
from citewell.features.agents.watching import RunWatch
from citewell.features.jobs.attempts import Attempt
from citewell.features.jobs.errors import JobStoppedError
from citewell.features.question_policies.admission import running
from citewell.kit.clock import utc_now
from citewell.kit.ids import uuid7
from citewell.kit.tasks import TaskGroup
from citewell.models.agents import AgentRun, AgentRunStatus

RUN_JOB = "agents.run"

MOST_FAILURES = 5
"""Attempts of one job at a model that does not answer: half a minute of pauses. Those that a killed
worker or a database that is away has ended are not counted."""

MAX_DEPTH = 2
"""Agents that an agent may call in a row."""


@dataclass(frozen=True, slots=True)
class _Work:
    """One attempt at one run."""

    platform: Platform
    run: AgentRun
    number: int
    ancestors: tuple[str, ...]
    """Slugs of the agents that asked for this one, and its own."""
    pace: TreePace
    """Of the outermost run and all within it."""
    is_of_workflow: bool
    """Whether a workflow gave the task of the outermost run."""

    @property
    def definition(self) -> AgentDefinition:
        return AgentDefinition.model_validate(self.run.definition)

    @property
    def system(self) -> Caller:
        return Caller(self.run.tenant_id, SYSTEM)


@dataclass(frozen=True, slots=True)
class _Delegation:
    """A call by which an agent asks another one."""

    call: CallState
    caller: Caller
    """The run's user, as of the call."""
    slug: str
    task: str
    spent: Spending
    """By the asking run so far."""


async def do_job(attempt: Attempt) -> None:
    """Do a run as a job; what an earlier attempt has done is not done again."""
    work = await _begin(attempt)
    if work is None:
        return
    run = work.run
    async with running(attempt.platform, run.tenant_id, run.user_id, run.id):
        await _do(attempt, work)


async def _do(attempt: Attempt, work: _Work) -> None:
    try:
        async with TaskGroup() as group:
            watch = group.create_task(_watch(work))
            reason = await attempt.platform.state_of(AgentPace).metered(_drive(work))
            watch.cancel()
    # Cancelled, erased or another worker's: whoever did that has written the end of it.
    except JobStoppedError:
        return
    except RunEndedError as error:
        reason = str(error)
    except (ProviderError, ProviderConfigurationError) as error:
        is_passing = isinstance(error, ProviderError) and error.retryable
        if is_passing and attempt.failures + 1 < MOST_FAILURES:
            raise TransientJobError(str(error)) from error
        reason = str(error)
    # Of the model of a run within it.
    except TransientJobError as error:
        if attempt.failures + 1 < MOST_FAILURES:
            raise
        reason = error.reason
    except AppError as error:
        reason = error.detail
    if reason is not None:
        await _fail(work, reason)
        raise InvalidInputError(reason)


async def _begin(attempt: Attempt) -> _Work | None:
    platform = attempt.platform
    async with unit_of_work(platform, attempt.caller) as ctx:
        run = await repository.begin(ctx.session, job_id=attempt.job_id)
        if run is None:
            return None
        is_of_workflow = await repository.is_of_workflow(ctx.session, run.id)
    pace = TreePace(partial(turn_beside_documents, platform))
    return _Work(platform, run, run.attempt, (run.agent_slug,), pace, is_of_workflow)


async def _watch(work: _Work) -> None:
    """Look at the run until it is lost; raises as `RunLedger.acting` does."""
    platform, run = work.platform, work.run
    ledger, watch = RunLedger(platform, run, work.number), platform.state_of(RunWatch)
    attempt = RunAttempt(run.id, work.number)
    with watch.of(platform, run.tenant_id, attempt):
        while True:
            ledger.caller_of(await watch.next(platform, run.tenant_id, attempt))


async def _drive(work: _Work) -> str | None:
    """Go on with a run until it has an answer or waits; why it failed, if it did.

    Raises:
        ProviderError, ProviderConfigurationError, AppError: It cannot go on now.
    """
    is_again = False
    while True:
        history, outcome = await _attempt(work, is_again=is_again)
        is_again = True
        match outcome:
            case Finished(turn):
                ledger = RunLedger(work.platform, work.run, work.number)
                caller = await ledger.acting()
                report = await report_of(work.platform, caller, history, turn)
                await _finish(work, AgentRunStatus.SUCCEEDED, None, report, history)
                return None
            case Ended(reason):
                await _finish(work, AgentRunStatus.FAILED, reason, None, history)
                return reason
            case Paused():
                if await _pause(work, history):
                    return None


async def _attempt(work: _Work, *, is_again: bool) -> tuple[History, RunOutcome]:
    platform, definition = work.platform, work.definition
    run, history = work.run, History(work.run.question)
    # As of the beginning of this attempt, unless a pause was in between; of a new one there is
    # nothing to load.
    if is_again or run.entries:
        async with unit_of_work(platform, work.system) as ctx:
            found = await repository.run_by_id(ctx.session, run.id)
            if found is None:
                raise JobStoppedError
            run, history = found, await journal.load(ctx, found)
    ledger = RunLedger(platform, run, work.number)
    payer = await ledger.acting()
    model = MeteredModel(await model_of(platform, payer, definition), platform, payer)

    async def run_child(call: CallState, caller: Caller, slug: str, task: str) -> ToolOutput:
        return await _run_child(work, _Delegation(call, caller, slug, task, history.spent))

    tools = {name: TOOLS[name] for name in definition.tools if name in TOOLS}
    tools |= await servers.tools_of(platform, payer.tenant_id, definition.tools)
    is_agents = run.parent_call is not None
    reading = RunReading(
        history,
        definition.instructions,
        is_persons=not is_agents and not work.is_of_workflow,
        has_documents=is_agents or bool(run.given_document_ids),
    )
    toolbox = RunToolbox(platform, definition, tools, reading, ledger, run_child)
    today = utc_now().date().isoformat()
    loop = AgentLoop(model, spec_of(definition), toolbox, ledger, history, today, work.pace)
    return history, await loop.run()


def spec_of(definition: AgentDefinition) -> AgentSpec:
    """The agent as the engine takes it."""
    limits, schema = definition.limits, definition.answer_schema
    return AgentSpec(
        definition.instructions,
        AgentLimits(limits.steps, limits.tokens, limits.money, limits.seconds),
        definition.temperature,
        None if schema is None else output_of(dict(schema)),
    )


async def _finish(
    work: _Work,
    status: AgentRunStatus,
    reason: str | None,
    report: AgentReport | None,
    history: History,
) -> None:
    spent = history.spent
    values = {
        "run_id": work.run.id,
        "attempt": work.number,
        "status": status.value,
        "reason": reason,
        "report": None if report is None else report.model_dump_json(),
        "input_tokens": spent.usage.input_tokens,
        "output_tokens": spent.usage.output_tokens,
        "money": spent.money,
        "seconds": spent.seconds,
    }
    async with batched_work(work.platform, work.system, has_kept_plans=True) as ctx:
        if not await journal_repository.finish(ctx, values):
            raise JobStoppedError


async def _pause(work: _Work, history: History) -> bool:
    values = {
        "run_id": work.run.id,
        "attempt": work.number,
        "seconds": history.spent.seconds,
    }
    async with batched_work(work.platform, work.system, has_kept_plans=True) as ctx:
        return await journal_repository.pause(ctx, values)


async def _fail(work: _Work, reason: str) -> None:
    """End a run that is still open, with those within it."""
    async with unit_of_work(work.platform, work.system) as ctx:
        await repository.end_attempt(ctx.session, work.run.id, work.number, reason)


async def _run_child(work: _Work, asked: _Delegation) -> ToolOutput:
    """Run another agent for a call: a run of its own, gone on with where it was."""
    if asked.slug in work.ancestors:
        return ToolOutput("An agent cannot call itself or one that called it.", is_error=True)
    if work.run.depth >= MAX_DEPTH:
        return ToolOutput(f"Agents call each other at most {MAX_DEPTH} deep.", is_error=True)
    child = await _child(work, asked)
    # None: it has ended before, and only its result is missing.
    if child is not None:
        await _drive_inner(child)
    async with unit_of_work(work.platform, work.system) as ctx:
        ended = await repository.child_run(ctx.session, uuid.UUID(asked.call.key))
    if ended is None or ended.status == AgentRunStatus.CANCELLED:
        raise JobStoppedError
    if ended.status == AgentRunStatus.WAITING:
        raise PersonNeededError
    return delegated(ended)


async def _drive_inner(child: _Work) -> None:
    """Go on with a run within another one; an error of its own ends it, not the run that asked.

    Raises:
        TransientJobError: Its model may answer later; the whole run is tried again.
    """
    try:
        await _drive(child)
        return
    except (ProviderError, ProviderConfigurationError) as error:
        if isinstance(error, ProviderError) and error.retryable:
            raise TransientJobError(str(error)) from error
        reason = str(error)
    except AppError as error:
        reason = error.detail
    async with unit_of_work(child.platform, child.system) as ctx:
        await repository.end_inner(ctx.session, child.run.id, child.number, reason)


async def _child(work: _Work, asked: _Delegation) -> _Work | None:
    """An attempt at the run of a call, which is made if it is new; None if it has ended."""
    async with unit_of_work(work.platform, asked.caller) as ctx:
        run = await repository.child_run(ctx.session, uuid.UUID(asked.call.key))
        if run is None:
            _require_rest(work.definition, asked.spent)
            agent_id = await service.find(ctx, asked.slug)
            slug, version, definition = await service.definition_of(ctx, agent_id)
            run = AgentRun(
                tenant_id=work.run.tenant_id,
                id=uuid7(),
                agent_id=agent_id,
                agent_slug=slug,
                agent_version=version,
                definition=_within(work.definition, definition, asked.spent),
                question=asked.task,
                root_id=work.run.root_id,
                parent_call=uuid.UUID(asked.call.key),
                depth=work.run.depth + 1,
                actor_kind=work.run.actor_kind,
                actor_id=work.run.actor_id,
                user_id=work.run.user_id,
                key_id=work.run.key_id,
                scopes=work.run.scopes,
            )
            await repository.add_run(ctx.session, run)
        begun = await repository.begin(ctx.session, run_id=run.id)
    if begun is None:
        return None
    return replace(
        work, run=begun, number=begun.attempt, ancestors=(*work.ancestors, begun.agent_slug)
    )


def _require_rest(outer: AgentDefinition, spent: Spending) -> None:
    """Check that a run has something left for an agent that it asks.

    Raises:
        InvalidInputError: A limit is used up.
    """
    limits = outer.limits
    is_poor = limits.money is not None and spent.money >= limits.money
    if is_poor or spent.tokens >= limits.tokens or spent.seconds >= limits.seconds:
        raise InvalidInputError("Nothing is left of the run's limits for another agent.")


def _within(outer: AgentDefinition, inner: AgentDefinition, spent: Spending) -> dict[str, Any]:
    """The definition of an agent that is asked by another: it gets what that one has left."""
    left, own = outer.limits, inner.limits
    rest = None if left.money is None else left.money - spent.money
    money = [each for each in (own.money, rest) if each is not None]
    limits = own.model_copy(
        update={
            "tokens": max(1_000, min(own.tokens, left.tokens - spent.tokens)),
            "seconds": max(5, min(own.seconds, round(left.seconds - spent.seconds))),
            "money": min(money, default=None),
        }
    )
    return inner.model_copy(update={"limits": limits}).model_dump(mode="json")
