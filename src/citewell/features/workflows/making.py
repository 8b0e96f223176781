"""New runs: by a person, by a trigger, and within other runs."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from citewell.core.context import ActorKind, Context
from citewell.engine.workflows.problems import WorkflowStepError
from citewell.engine.workflows.spec import MAX_NESTED, WorkflowSpec, inputs_of
from citewell.features.audit import service as audit
from citewell.features.jobs import service as jobs
from citewell.features.jobs.schemas import NewJob
from citewell.features.workflows import repository, service
from citewell.features.workflows.errors import InvalidWorkflowInputError
from citewell.kit.ids import uuid7
from citewell.models.workflows import WorkflowRun, WorkflowTrigger

RUN_JOB = "workflows.run"


@dataclass(frozen=True, slots=True)
class ParentRun:
    """The run that another one is made within."""

    run: WorkflowRun
    document_ids: Sequence[uuid.UUID]
    """Documents whose text may be in the inputs."""


async def make(
    ctx: Context,
    workflow_id: uuid.UUID,
    inputs: Mapping[str, JsonValue],
    parent: ParentRun | None = None,
    *,
    given_document_ids: Sequence[uuid.UUID] = (),
) -> WorkflowRun:
    """Start a run; a job does it with the rights of the caller.

    Raises:
        WorkflowNotFoundError: There is no such workflow.
        InvalidWorkflowInputError: The inputs are not those that it takes, or runs are nested too
            deeply.
    """
    workflow, version = await service.newest(ctx, workflow_id)
    spec = WorkflowSpec.model_validate(version.spec)
    depth = 1 if parent is None else parent.run.depth + 1
    if depth > MAX_NESTED:
        raise InvalidWorkflowInputError(f"Workflows are nested more than {MAX_NESTED} deep.")
    try:
        filled = inputs_of(spec, inputs)
    except WorkflowStepError as error:
        raise InvalidWorkflowInputError(str(error)) from None
    run_id = uuid7()
    [job] = await jobs.enqueue(ctx, RUN_JOB, [NewJob()])
    run = WorkflowRun(
        tenant_id=ctx.tenant_id,
        id=run_id,
        workflow_id=workflow.id,
        workflow_slug=workflow.slug,
        workflow_version=version.number,
        spec=version.spec,
        inputs=filled,
        given_document_ids=list(given_document_ids if parent is None else parent.document_ids),
        parent_id=None if parent is None else parent.run.id,
        root_id=run_id if parent is None else parent.run.root_id,
        depth=depth,
        job_id=job.id,
        output=None,
    )
    take_over(ctx, run)
    await repository.add_run(ctx.session, run)
    details: dict[str, object] = {"workflow": workflow.slug, "version": version.number}
    await audit.record(
        ctx,
        "workflow_run.started",
        object_kind="workflow_run",
        object_id=run_id,
        details=details,
    )
    return run


def take_over(ctx: Context, run: WorkflowRun | WorkflowTrigger) -> None:
    """Have a run, or those of a trigger, act as the caller."""
    actor = ctx.actor
    run.actor_kind, run.actor_id = actor.kind, actor.user_id or actor.id
    run.user_id = actor.user_id
    run.key_id = actor.id if actor.kind is ActorKind.API_KEY else None
    run.scopes = sorted(scope.value for scope in actor.scopes)
