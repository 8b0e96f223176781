"""Runs over a dataset: every question asked, the replies judged, the figures of all."""

import math
import uuid
from collections.abc import Awaitable, Callable

import citewell
from citewell.core.context import SYSTEM_UNPRIVATE, Caller, Context, unit_of_work
from citewell.core.database.parts import RowFilter
from citewell.core.errors import InvalidInputError
from citewell.core.metrics import ProcessMetrics
from citewell.core.platform import Platform
from citewell.engine.evaluation.judging import Judge, ModelJudge
from citewell.features.agents import service as agents
from citewell.features.connections import service as connections
from citewell.features.evaluations import datasets, measuring, repository
from citewell.features.evaluations.errors import RunNotFoundError, RunUnfinishedError
from citewell.features.evaluations.measuring import AskedAgent
from citewell.features.evaluations.results import result_reads
from citewell.features.evaluations.schemas import (
    ResultRead,
    RunCreate,
    RunFigures,
    RunRead,
)
from citewell.features.jobs import service as jobs
from citewell.features.jobs.attempts import Attempt
from citewell.features.jobs.schemas import NewJob
from citewell.kit.clock import utc_now
from citewell.kit.ids import uuid7
from citewell.kit.pagination import Page, PageRequest
from citewell.models.evaluations import EvalRun

MEASURES = (
    "answer_in_citation", "citation_precision", "ndcg_at_10", "recall_at_10", "mrr_at_10",
)  # fmt: skip
"""Figures of a run that operators are told, all of them shares."""

RUN_JOB = "evaluations.run"

EXTRACTIVE = "extractive"
AGENT = "agent"

OnProgress = Callable[[int, int], Awaitable[None]]


async def begin(ctx: Context, data: RunCreate, *, in_background: bool = True) -> RunRead:
    """Make a run, and queue the job that does it.

    Raises:
        ForbiddenError: The caller may not read everything.
        DatasetNotFoundError: There is no such dataset.
        InvalidInputError: It has no cases to ask, or there is no model to judge.
        AgentNotFoundError: There is no such agent.
    """
    dataset = await datasets.get(ctx, data.dataset_id)
    if not dataset.cases:
        raise InvalidInputError(f"The dataset `{dataset.name}` has no cases yet.")
    if not data.with_unreviewed and not await repository.has_reviewed(ctx.session, dataset.id):
        raise InvalidInputError(
            f"Nobody has reviewed the cases of `{dataset.name}`: accept some of them, or ask "
            "with `with_unreviewed`."
        )
    llm = ctx.platform.llm
    if data.judge is not None and llm is None:
        raise InvalidInputError("No language model is set that could judge (CITEWELL_LLM).")
    agent = await agent_of(ctx, data.agent)
    model = EXTRACTIVE if llm is None else llm.name
    job_id = None
    if in_background:
        [job] = await jobs.enqueue(ctx, RUN_JOB, [NewJob()])
        job_id = job.id
    run = EvalRun(
        tenant_id=ctx.tenant_id,
        id=uuid7(),
        job_id=job_id,
        # An agent's model may be another: which one is known when it has answered.
        model=model if agent is None else AGENT,
        agent=None if agent is None else agent.model_dump(mode="json"),
        release=citewell.__version__,
        judge=llm.name if llm is not None and data.judge is not None else None,
        created_by=ctx.actor.user_id,
        **data.model_dump(exclude={"judge", "agent"}),
    )
    await repository.add(ctx.session, run)
    return run_read(run)


async def agent_of(ctx: Context, wanted: str | None) -> AskedAgent | None:
    """The agent with a slug or id, as it is now; None for None.

    Raises:
        AgentNotFoundError: There is none.
    """
    if wanted is None:
        return None
    agent_id = await agents.find(ctx, wanted)
    slug, version, definition = await agents.definition_of(ctx, agent_id)
    return AskedAgent(slug=slug, version=version, definition=definition)


async def page(ctx: Context, dataset_id: uuid.UUID | None, request: PageRequest) -> Page[RunRead]:
    """Runs, newest first; raises ForbiddenError where the caller may not read everything."""
    await datasets.require_everything(ctx)
    found = await repository.runs(ctx.session, dataset_id, request)
    return Page([run_read(run) for run in found.items], request, found.total)


async def seen(ctx: Context) -> RowFilter:
    """Which runs are there for the caller: all.

    Raises:
        ForbiddenError: The caller may not read everything.
    """
    await datasets.require_everything(ctx)
    return repository.seen()


async def get(ctx: Context, run_id: uuid.UUID) -> RunRead:
    """One run.

    Raises:
        ForbiddenError: The caller may not read everything.
        RunNotFoundError: There is none.
    """
    await datasets.require_everything(ctx)
    run = await repository.run(ctx.session, run_id)
    if run is None:
        raise RunNotFoundError(run_id)
    return run_read(run)


async def finished(ctx: Context, run_id: uuid.UUID) -> tuple[RunRead, list[ResultRead]]:
    """A run that has figures, with its results; raises as `get` does, and RunUnfinishedError."""
    run = await get(ctx, run_id)
    if run.figures is None:
        raise RunUnfinishedError(run_id)
    return run, await result_reads(ctx, await repository.results(ctx.session, run_id))


async def results(ctx: Context, run_id: uuid.UUID, request: PageRequest) -> Page[ResultRead]:
    """Judged replies of a run so far; raises as `get` does."""
    await get(ctx, run_id)
    found = await repository.result_page(ctx.session, run_id, request)
    return Page(await result_reads(ctx, found.items), request, found.total)


async def delete(ctx: Context, run_id: uuid.UUID) -> None:
    """Remove a run with its results; a job that is at it ends by itself. Raises as `get` does."""
    await datasets.require_everything(ctx)
    if not await repository.remove_run(ctx.session, run_id):
        raise RunNotFoundError(run_id)


async def do_job(attempt: Attempt) -> None:
    """Do a run as a job; what an earlier attempt has asked is not asked again."""
    async with unit_of_work(attempt.platform, attempt.caller) as ctx:
        run = await repository.run_of_job(ctx.session, attempt.job_id)
    if run is not None:
        await attempt.raise_if_cancelled()
        await perform(attempt.platform, attempt.caller.tenant_id, run.id, attempt.progress)


async def perform(
    platform: Platform, tenant_id: uuid.UUID, run_id: uuid.UUID, on_progress: OnProgress
) -> None:
    """Ask what has no result yet, with access to everything, and note the figures of all."""
    caller = Caller(tenant_id, SYSTEM_UNPRIVATE)
    async with unit_of_work(platform, caller) as ctx:
        run = await repository.run(ctx.session, run_id)
        if run is None:
            return
        cases = await repository.open_cases(ctx.session, run)
    judge = _judge(await connections.redacted(platform, caller), run)
    agent = None if run.agent is None else AskedAgent.model_validate(run.agent)
    for number, case in enumerate(cases, 1):
        asked = await measuring.ask(platform, caller, case, agent or run.top_k, judge)
        async with unit_of_work(platform, caller) as ctx:
            if not await repository.hold_run(ctx.session, run_id):
                return
            await repository.add_result(ctx.session, {"run_id": run_id, **asked})
        await on_progress(number, len(cases))
    async with unit_of_work(platform, caller) as ctx:
        finishing = await repository.run(ctx.session, run_id)
        if finishing is None:
            return
        found = await repository.results(ctx.session, run_id)
        figures = measuring.figures(found, run.judge)
        finishing.figures = figures.model_dump(mode="json")
        finishing.embedding = measuring.named(found, "embedding")
        finishing.prompt_version = measuring.named(found, "prompt")
        if run.agent is not None:
            finishing.model = measuring.named(found, "model") or AGENT
        finishing.finished_at = utc_now()
    note_figures(platform.state_of(ProcessMetrics), figures)


def note_figures(metrics: ProcessMetrics, figures: RunFigures) -> None:
    """Note for operators how good the last run was."""
    shares = {measure: getattr(figures, measure) for measure in MEASURES}
    asked = figures.verdicts.questions
    shares["right"] = figures.verdicts.right / asked if asked else None
    for measure, value in shares.items():
        # A measure that this run lacks must not keep the value of the run before.
        metrics.set("evaluation_share", math.nan if value is None else value, measure)


def _judge(platform: Platform, run: EvalRun) -> Judge | None:
    """The model that judges a run.

    Raises:
        InvalidInputError: It is not the one any more that the run was begun with.
    """
    if run.judge is None:
        return None
    if platform.llm is None or platform.llm.name != run.judge:
        raise InvalidInputError(
            f"The model `{run.judge}`, which was to judge, is not set any more."
        )
    return ModelJudge(platform.llm)


def run_read(run: EvalRun) -> RunRead:
    """A run as the API shows it."""
    return RunRead(
        id=run.id,
        dataset_id=run.dataset_id,
        job_id=run.job_id,
        top_k=run.top_k,
        model=run.model,
        agent=None if run.agent is None else run.agent["slug"],
        agent_version=None if run.agent is None else run.agent["version"],
        embedding=run.embedding,
        prompt_version=run.prompt_version,
        release=run.release,
        judge=run.judge,
        with_unreviewed=run.with_unreviewed,
        is_rejected=run.is_rejected,
        created_at=run.created_at,
        finished_at=run.finished_at,
        figures=None if run.figures is None else RunFigures.model_validate(run.figures),
    )
