"""Making, changing and removing workflows; every change is a version."""

import uuid
from collections.abc import Mapping

from pydantic import JsonValue

from citewell.access.policy import Role
from citewell.core.context import Context
from citewell.engine.workflows.checking import ReadWorkflow
from citewell.engine.workflows.problems import WorkflowSpecError
from citewell.engine.workflows.spec import WorkflowSpec
from citewell.features.audit import service as audit
from citewell.features.workflows import reading, repository, shipped
from citewell.features.workflows.errors import (
    InvalidWorkflowError,
    TooManyWorkflowsError,
    WorkflowExistsError,
    WorkflowNotFoundError,
    WorkflowVersionNotFoundError,
)
from citewell.features.workflows.schemas import (
    WorkflowCreate,
    WorkflowProblemRead,
    WorkflowRead,
    WorkflowUpdate,
    WorkflowValidate,
    WorkflowValidation,
    WorkflowVersionRead,
)
from citewell.kit.ids import uuid7
from citewell.kit.pagination import Page, PageRequest
from citewell.models.workflows import Workflow, WorkflowVersion

MAKES_WORKFLOWS_FROM = Role.MANAGER
"""Lowest role that makes and changes workflows, as it does agents."""

MAX_WORKFLOWS = 200


async def validate(ctx: Context, data: WorkflowValidate) -> WorkflowValidation:
    """Whether a text is a workflow that can be run here, with all its faults."""
    try:
        _, made = await reading.read(ctx, data.slug, data.source)
    except WorkflowSpecError as error:
        problems = [
            WorkflowProblemRead(line=each.line, path=each.path, message=each.message)
            for each in error.problems
        ]
        return WorkflowValidation(is_valid=False, problems=problems, spec=None)
    return WorkflowValidation(is_valid=True, problems=[], spec=made.spec)


async def page(ctx: Context, request: PageRequest) -> Page[WorkflowRead]:
    """Workflows by slug."""
    found = await repository.page(ctx.session, request)
    return Page([_read(ctx, *each) for each in found.items], request, found.total)


async def get(ctx: Context, workflow_id: uuid.UUID) -> WorkflowRead:
    """A workflow.

    Raises:
        WorkflowNotFoundError: There is none.
    """
    return _read(ctx, *await newest(ctx, workflow_id))


async def newest(ctx: Context, workflow_id: uuid.UUID) -> tuple[Workflow, WorkflowVersion]:
    """A workflow with the version that runs.

    Raises:
        WorkflowNotFoundError: There is none.
    """
    found = await repository.workflow(ctx.session, workflow_id)
    if found is None:
        raise WorkflowNotFoundError(workflow_id)
    return found


async def find(ctx: Context, wanted: str) -> uuid.UUID:
    """The id of the workflow with this slug, id or unique beginning of an id.

    Raises:
        WorkflowNotFoundError: There is none, or several begin so.
    """
    known = {each.slug: each.id for each, _ in await repository.workflows(ctx.session)}
    if wanted in known:
        return known[wanted]
    begun = [each for each in known.values() if str(each).startswith(wanted.lower())]
    if not wanted or len(begun) != 1:
        raise WorkflowNotFoundError(wanted)
    return begun[0]


async def create(ctx: Context, data: WorkflowCreate) -> WorkflowRead:
    """Make a workflow.

    Raises:
        ForbiddenError: The caller's role does not make workflows.
        WorkflowTemplateNotFoundError: There is no such template.
        InvalidWorkflowError: It cannot be run; the detail names lines.
        WorkflowExistsError: The slug is taken.
        TooManyWorkflowsError: There are too many.
    """
    ctx.actor.require_role(MAKES_WORKFLOWS_FROM)
    source = data.source if data.template is None else shipped.template(data.template).source
    assert source is not None
    text, made = await _checked(ctx, data.slug, source)
    if await repository.count(ctx.session) >= MAX_WORKFLOWS:
        raise TooManyWorkflowsError(MAX_WORKFLOWS)
    workflow = Workflow(
        tenant_id=ctx.tenant_id,
        id=uuid7(),
        slug=data.slug,
        version=1,
        created_by=ctx.actor.user_id,
    )
    version = _version(ctx, workflow, text, made)
    if not await repository.add(ctx.session, workflow, version):
        raise WorkflowExistsError(data.slug)
    await _record(ctx, "workflow.created", workflow.id, version=1)
    return _read(ctx, workflow, version)


async def update(ctx: Context, workflow_id: uuid.UUID, data: WorkflowUpdate) -> WorkflowRead:
    """Change a workflow: a new version, unless the text is the same. Runs keep theirs.

    Raises:
        ForbiddenError, WorkflowNotFoundError, InvalidWorkflowError: As they say.
    """
    workflow = await _changeable(ctx, workflow_id)
    before = await _numbered(ctx, workflow, workflow.version)
    text, made = await _checked(ctx, workflow.slug, data.source)
    if text == before.source:
        return _read(ctx, workflow, before)
    return await _add_version(ctx, workflow, text, made, "workflow.changed")


async def restore(ctx: Context, workflow_id: uuid.UUID, number: int) -> WorkflowRead:
    """Make the text of an earlier version the newest one.

    Raises:
        ForbiddenError, WorkflowNotFoundError, InvalidWorkflowError: As they say.
        WorkflowVersionNotFoundError: There is no such version.
    """
    workflow = await _changeable(ctx, workflow_id)
    wanted = await _numbered(ctx, workflow, number)
    if number == workflow.version:
        return _read(ctx, workflow, wanted)
    text, made = await _checked(ctx, workflow.slug, wanted.source)
    return await _add_version(ctx, workflow, text, made, "workflow.restored")


async def delete(ctx: Context, workflow_id: uuid.UUID) -> None:
    """Remove a workflow with its versions; runs that have begun go on, and stay.

    Raises:
        ForbiddenError, WorkflowNotFoundError: As they say.
    """
    workflow = await _changeable(ctx, workflow_id)
    await repository.remove(ctx.session, workflow.id)
    await _record(ctx, "workflow.deleted", workflow.id)


async def versions(
    ctx: Context, workflow_id: uuid.UUID, request: PageRequest
) -> Page[WorkflowVersionRead]:
    """Versions of a workflow, newest first.

    Raises:
        ForbiddenError: The caller's role does not change workflows.
        WorkflowNotFoundError: There is none.
    """
    workflow = await _changeable(ctx, workflow_id)
    found = await repository.versions(ctx.session, workflow.id, request)
    shown = [
        WorkflowVersionRead(
            number=each.number,
            is_active=each.number == workflow.version,
            source=each.source,
            created_by=each.created_by,
            created_at=each.created_at,
        )
        for each in found.items
    ]
    return Page(shown, request, found.total)


async def _checked(
    ctx: Context, slug: str, source: str | Mapping[str, JsonValue]
) -> tuple[str, ReadWorkflow]:
    try:
        return await reading.read(ctx, slug, source)
    except WorkflowSpecError as error:
        raise InvalidWorkflowError(f"The workflow cannot be run: {error}") from None


async def _changeable(ctx: Context, workflow_id: uuid.UUID) -> Workflow:
    workflow = await repository.lock(ctx.session, workflow_id)
    if workflow is None:
        raise WorkflowNotFoundError(workflow_id)
    ctx.actor.require_role(MAKES_WORKFLOWS_FROM)
    return workflow


async def _numbered(ctx: Context, workflow: Workflow, number: int) -> WorkflowVersion:
    found = await repository.version(ctx.session, workflow.id, number)
    if found is None:
        raise WorkflowVersionNotFoundError(number)
    return found


async def _add_version(
    ctx: Context, workflow: Workflow, text: str, made: ReadWorkflow, action: str
) -> WorkflowRead:
    workflow.version += 1
    version = _version(ctx, workflow, text, made)
    await repository.add_version(ctx.session, workflow, version)
    await _record(ctx, action, workflow.id, version=workflow.version)
    return _read(ctx, workflow, version)


def _version(ctx: Context, workflow: Workflow, text: str, made: ReadWorkflow) -> WorkflowVersion:
    return WorkflowVersion(
        tenant_id=ctx.tenant_id,
        workflow_id=workflow.id,
        number=workflow.version,
        source=text,
        spec=made.source.value,
        created_by=ctx.actor.user_id,
    )


async def _record(ctx: Context, action: str, workflow_id: uuid.UUID, **details: object) -> None:
    await audit.record(ctx, action, object_kind="workflow", object_id=workflow_id, details=details)


def _read(ctx: Context, workflow: Workflow, version: WorkflowVersion) -> WorkflowRead:
    spec = WorkflowSpec.model_validate(version.spec)
    return WorkflowRead(
        id=workflow.id,
        slug=workflow.slug,
        name=spec.name,
        description=spec.description,
        version=workflow.version,
        inputs=spec.inputs,
        node_count=len(spec.nodes),
        source=version.source if ctx.actor.role >= MAKES_WORKFLOWS_FROM else None,
        created_at=workflow.created_at,
        updated_at=workflow.updated_at,
    )
