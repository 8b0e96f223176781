"""Routes of workflows."""

import uuid

from citewell.core.context import unit_of_work
from citewell.features.http import (
    PRIVATE,
    QUERY,
    KeyDep,
    Listing,
    PageDep,
    PlatformDep,
    ReaderDep,
    Router,
    WriterDep,
    governed,
    listing,
)
from citewell.features.workflows import runs, service, shipped, triggers
from citewell.features.workflows.schemas import (
    TriggerCreate,
    TriggerRead,
    TriggerUpdate,
    WorkflowCreate,
    WorkflowDecision,
    WorkflowPlan,
    WorkflowRead,
    WorkflowRestore,
    WorkflowRetry,
    WorkflowRunRead,
    WorkflowRunSummary,
    WorkflowStart,
    WorkflowTemplateRead,
    WorkflowUpdate,
    WorkflowValidate,
    WorkflowValidation,
    WorkflowVersionRead,
)
from citewell.kit.pagination import Page
from citewell.models.workflows import WorkflowRunStatus

router = Router(policy=PRIVATE, tags=["workflows"])


@router.get("/workflows")
async def list_workflows(
    platform: PlatformDep, caller: ReaderDep, request: PageDep
) -> Listing[WorkflowRead]:
    """List workflows by slug."""
    async with unit_of_work(platform, caller) as ctx:
        page = await service.page(ctx, request)
        return listing(page, page.items)


@router.post("/workflows", status_code=201)
async def create_workflow(
    platform: PlatformDep, caller: WriterDep, data: WorkflowCreate
) -> WorkflowRead:
    """Make a workflow."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.create(ctx, data)


@router.post("/workflows/validate")
async def validate_workflow(
    platform: PlatformDep, caller: ReaderDep, data: WorkflowValidate
) -> WorkflowValidation:
    """Check a text without keeping it; every fault has its line."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.validate(ctx, data)


@router.get("/workflows/templates")
async def list_workflow_templates(
    caller: ReaderDep,  # noqa: ARG001 - admits those who may read
    request: PageDep,
) -> Listing[WorkflowTemplateRead]:
    """List the workflows that are shipped."""
    found = shipped.templates()
    part = found[request.offset : request.offset + request.limit]
    return listing(Page(part, request, len(found)), part)


@router.get("/workflows/{workflow_id}")
async def get_workflow(
    platform: PlatformDep, caller: ReaderDep, workflow_id: uuid.UUID
) -> WorkflowRead:
    """Show a workflow."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.get(ctx, workflow_id)


@router.patch("/workflows/{workflow_id}")
async def update_workflow(
    platform: PlatformDep, caller: WriterDep, workflow_id: uuid.UUID, data: WorkflowUpdate
) -> WorkflowRead:
    """Change a workflow, which makes a new version."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.update(ctx, workflow_id, data)


@router.delete("/workflows/{workflow_id}", status_code=204)
async def delete_workflow(platform: PlatformDep, caller: WriterDep, workflow_id: uuid.UUID) -> None:
    """Remove a workflow with its versions; its runs stay."""
    async with unit_of_work(platform, caller) as ctx:
        await service.delete(ctx, workflow_id)


@router.get("/workflows/{workflow_id}/versions")
async def list_workflow_versions(
    platform: PlatformDep, caller: ReaderDep, workflow_id: uuid.UUID, request: PageDep
) -> Listing[WorkflowVersionRead]:
    """List the versions of a workflow, newest first."""
    async with unit_of_work(platform, caller) as ctx:
        page = await service.versions(ctx, workflow_id, request)
        return listing(page, page.items)


@router.post("/workflows/{workflow_id}/restore")
async def restore_workflow(
    platform: PlatformDep, caller: WriterDep, workflow_id: uuid.UUID, data: WorkflowRestore
) -> WorkflowRead:
    """Make an earlier text the newest version."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.restore(ctx, workflow_id, data.version)


@router.post("/workflows/{workflow_id}/plan")
async def plan_workflow(
    platform: PlatformDep, caller: ReaderDep, workflow_id: uuid.UUID, data: WorkflowStart
) -> WorkflowPlan:
    """Make a dry run: everything that could run, and why it would fail; nothing is called."""
    async with unit_of_work(platform, caller) as ctx:
        return await runs.plan(ctx, workflow_id, data)


@router.post("/workflows/{workflow_id}/run", status_code=202)
@governed(QUERY)
async def run_workflow(
    platform: PlatformDep,
    caller: WriterDep,
    key: KeyDep,
    workflow_id: uuid.UUID,
    data: WorkflowStart,
) -> WorkflowRunRead:
    """Start a run; `GET /workflow-runs/{run_id}` shows how it goes."""
    async with unit_of_work(platform, caller) as ctx:
        return await runs.start(ctx, workflow_id, data, key)


@router.get("/workflow-runs")
async def list_workflow_runs(
    platform: PlatformDep,
    caller: ReaderDep,
    request: PageDep,
    workflow_id: uuid.UUID | None = None,
    status: WorkflowRunStatus | None = None,
) -> Listing[WorkflowRunSummary]:
    """List the caller's runs, newest first; for administrators those of all, without contents."""
    async with unit_of_work(platform, caller) as ctx:
        page = await runs.page(ctx, request, workflow_id=workflow_id, status=status)
        return listing(page, page.items)


@router.get("/workflow-runs/{run_id}")
async def get_workflow_run(
    platform: PlatformDep, caller: ReaderDep, run_id: uuid.UUID
) -> WorkflowRunRead:
    """Show a run with the state of its nodes."""
    async with unit_of_work(platform, caller) as ctx:
        return await runs.get(ctx, run_id)


@router.post("/workflow-runs/{run_id}/approve")
async def approve_workflow_run(
    platform: PlatformDep, caller: WriterDep, run_id: uuid.UUID, data: WorkflowDecision
) -> WorkflowRunRead:
    """Approve or refuse what a run waits for."""
    async with unit_of_work(platform, caller) as ctx:
        return await runs.decide(ctx, run_id, data)


@router.post("/workflow-runs/{run_id}/cancel")
async def cancel_workflow_run(
    platform: PlatformDep, caller: WriterDep, run_id: uuid.UUID
) -> WorkflowRunRead:
    """Cancel a run that has not ended, with all within it."""
    async with unit_of_work(platform, caller) as ctx:
        return await runs.cancel(ctx, run_id)


@router.post("/workflow-runs/{run_id}/retry", status_code=202)
async def retry_workflow_run(
    platform: PlatformDep, caller: WriterDep, run_id: uuid.UUID, data: WorkflowRetry
) -> WorkflowRunRead:
    """Do a run again that has ended: from a node on, or what did not succeed."""
    async with unit_of_work(platform, caller) as ctx:
        return await runs.retry(ctx, run_id, data.node)


@router.get("/workflows/{workflow_id}/triggers")
async def list_workflow_triggers(
    platform: PlatformDep, caller: ReaderDep, workflow_id: uuid.UUID, request: PageDep
) -> Listing[TriggerRead]:
    """List the caller's triggers of a workflow; for administrators those of all."""
    async with unit_of_work(platform, caller) as ctx:
        page = await triggers.page(ctx, workflow_id, request)
        return listing(page, page.items)


@router.post("/workflows/{workflow_id}/triggers", status_code=201)
async def create_workflow_trigger(
    platform: PlatformDep, caller: WriterDep, workflow_id: uuid.UUID, data: TriggerCreate
) -> TriggerRead:
    """Have a workflow run by itself, with the rights that the caller has then."""
    async with unit_of_work(platform, caller) as ctx:
        return await triggers.create(ctx, workflow_id, data)


@router.patch("/workflows/{workflow_id}/triggers/{trigger_id}")
async def update_workflow_trigger(
    platform: PlatformDep,
    caller: WriterDep,
    workflow_id: uuid.UUID,
    trigger_id: uuid.UUID,
    data: TriggerUpdate,
) -> TriggerRead:
    """Turn a trigger off or on."""
    async with unit_of_work(platform, caller) as ctx:
        return await triggers.update(ctx, workflow_id, trigger_id, data)


@router.delete("/workflows/{workflow_id}/triggers/{trigger_id}", status_code=204)
async def delete_workflow_trigger(
    platform: PlatformDep, caller: WriterDep, workflow_id: uuid.UUID, trigger_id: uuid.UUID
) -> None:
    """Remove a trigger; its runs stay."""
    async with unit_of_work(platform, caller) as ctx:
        await triggers.delete(ctx, workflow_id, trigger_id)
