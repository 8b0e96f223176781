"""A gate for changes: a dataset is run, and compared with the run before the change."""

import uuid
from dataclasses import dataclass

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.features.evaluations import comparing, datasets, repository, running
from citewell.features.evaluations.running import OnProgress
from citewell.features.evaluations.schemas import RunComparison, RunCreate, RunRead


@dataclass(frozen=True, slots=True)
class RunLimits:
    """How a gate runs, and what it lets pass."""

    tolerance: float = 0.0
    """Share by which a figure may get worse."""
    top_k: int = 10
    has_judge: bool = False
    """Whether the language model judges too."""
    with_unreviewed: bool = False
    agent: str | None = None
    """Slug or id of the agent that answers; None: none does."""
    accepts_worse: bool = False
    """Whether a run that is worse becomes the baseline of the next gate all the same."""

    def request(self, dataset_id: uuid.UUID) -> RunCreate:
        """The run of a dataset within these limits."""
        return RunCreate(
            dataset_id=dataset_id,
            top_k=self.top_k,
            judge="model" if self.has_judge else None,
            with_unreviewed=self.with_unreviewed,
            agent=self.agent,
        )


async def run_now(
    platform: Platform, caller: Caller, name: str, limits: RunLimits, on_progress: OnProgress
) -> RunRead:
    """Run a dataset here and now; see `run_gate` for arguments and errors."""
    async with unit_of_work(platform, caller) as ctx:
        dataset = await datasets.named(ctx, name)
        run = await running.begin(ctx, limits.request(dataset.id), in_background=False)
    await running.perform(platform, caller.tenant_id, run.id, on_progress)
    async with unit_of_work(platform, caller) as ctx:
        return await running.get(ctx, run.id)


async def run_gate(
    platform: Platform,
    caller: Caller,
    name: str,
    baseline: uuid.UUID | None,
    limits: RunLimits,
    on_progress: OnProgress,
) -> RunRead | RunComparison:
    """Run a dataset here and now, and compare it with the baseline; a run alone without any.

    Args:
        platform: Index and models.
        caller: Somebody who may read everything.
        name: Of the dataset.
        baseline: The run to compare with; None: the last one of the dataset, and of the same agent,
            that has finished and that no gate found worse. Else a gate that is merely run twice
            would pass.
        limits: How to run, and what is no regression.
        on_progress: Told how many questions of how many are done.

    Raises:
        ForbiddenError: The caller may not read everything.
        DatasetNotFoundError, RunNotFoundError, RunUnfinishedError: One is not there, or not yet.
    """
    async with unit_of_work(platform, caller) as ctx:
        dataset = await datasets.named(ctx, name)
        if baseline is None:
            asked = await running.agent_of(ctx, limits.agent)
            slug = None if asked is None else asked.slug
            last = await repository.newest_finished(ctx.session, dataset.id, slug)
            baseline = last.id if last else None
        else:
            await running.finished(ctx, baseline)  # refused before the questions are asked
    run = await run_now(platform, caller, name, limits, on_progress)
    if baseline is None:
        return run
    async with unit_of_work(platform, caller) as ctx:
        found = await comparing.compare(ctx, baseline, run.id, tolerance=limits.tolerance)
        if found.is_worse and not limits.accepts_worse:
            row = await repository.run(ctx.session, run.id)
            assert row is not None  # read above, in this transaction
            row.is_rejected = found.after.is_rejected = True
        return found
