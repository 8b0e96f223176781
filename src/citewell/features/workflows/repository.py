"""Statements of workflows, their versions and their runs."""

import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, text, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.access.policy import Role
from citewell.features.agents.schemas import RunStanding
from citewell.features.workflows.schemas import DueTrigger, WorkflowSight
from citewell.kit.pagination import Page, PageRequest
from citewell.models.workflows import (
    FINAL_WORKFLOW_STATUSES,
    Workflow,
    WorkflowNodeRun,
    WorkflowRun,
    WorkflowRunStatus,
    WorkflowTrigger,
    WorkflowVersion,
)

_NOBODY = uuid.UUID(int=0)
"""Actor of what the operator ran at the command line."""

# The person or key a run acts as, and whether they still may.
_STANDING = text("""
SELECT r.attempt = :attempt AND r.status = 'running' AND j.status = 'running', t.status = 'active',
  u.status, u.role, coalesce(u.is_admin, false), k.scopes
FROM workflow_run r
JOIN tenant t ON t.id = r.tenant_id
JOIN job j ON j.tenant_id = r.tenant_id AND j.id = r.job_id
LEFT JOIN user_account u ON u.tenant_id = r.tenant_id AND u.id = r.user_id
LEFT JOIN api_key k ON k.tenant_id = r.tenant_id AND k.id = r.key_id AND k.revoked_at IS NULL
  AND (k.expires_at IS NULL OR k.expires_at > now())
WHERE r.tenant_id = :tenant_id AND r.id = :run_id
""")

_TRIGGER_STANDING = text("""
SELECT g.is_enabled, t.status = 'active', u.status, u.role, coalesce(u.is_admin, false), k.scopes
FROM workflow_trigger g
JOIN tenant t ON t.id = g.tenant_id
LEFT JOIN user_account u ON u.tenant_id = g.tenant_id AND u.id = g.user_id
LEFT JOIN api_key k ON k.tenant_id = g.tenant_id AND k.id = g.key_id AND k.revoked_at IS NULL
  AND (k.expires_at IS NULL OR k.expires_at > now())
WHERE g.tenant_id = :tenant_id AND g.id = :trigger_id
""")

_DUE_TRIGGERS = text("""
SELECT e.trigger_id, e.kind, e.id, e.document_id FROM workflow_event e
WHERE e.tenant_id = :tenant_id
UNION ALL
SELECT g.id, 'schedule', NULL, NULL FROM workflow_trigger g
WHERE g.tenant_id = :tenant_id AND g.is_enabled AND g.next_at <= now()
LIMIT :limit
""")

_TAKE_EVENT = text("""
DELETE FROM workflow_event WHERE tenant_id = :tenant_id AND id = :event_id RETURNING id
""")

# Runs that wait and can go on. A run that somebody else is waking at this moment is left to them.
_DUE = text("""
SELECT r.id FROM workflow_run r
WHERE r.tenant_id = :tenant_id AND r.status = 'waiting' AND EXISTS (
  SELECT FROM workflow_node_run n
  LEFT JOIN agent_run a ON a.tenant_id = n.tenant_id AND a.id = n.agent_run_id
  LEFT JOIN workflow_run c ON c.tenant_id = n.tenant_id AND c.id = n.child_run_id
  WHERE n.tenant_id = :tenant_id AND n.run_id = r.id AND (
    n.status = 'waiting' AND n.wakes_at <= now()
    OR n.status = 'running' AND (a.status IN ('succeeded', 'failed', 'cancelled')
      OR c.status IN ('succeeded', 'failed', 'cancelled'))))
ORDER BY r.id LIMIT :limit FOR UPDATE OF r SKIP LOCKED
""")

# Runs whose job ended without them: it crashed, or was cancelled.
_LOST = text("""
SELECT r.id, j.status, j.reason FROM workflow_run r
JOIN job j ON j.tenant_id = r.tenant_id AND j.id = r.job_id
WHERE r.tenant_id = :tenant_id AND r.status IN ('queued', 'running')
  AND j.status IN ('succeeded', 'failed', 'cancelled')
FOR UPDATE OF r SKIP LOCKED
""")


def _newest() -> Select[Workflow, WorkflowVersion]:
    return select(Workflow, WorkflowVersion).join(
        WorkflowVersion,
        (WorkflowVersion.tenant_id == Workflow.tenant_id)
        & (WorkflowVersion.workflow_id == Workflow.id)
        & (WorkflowVersion.number == Workflow.version),
    )


_FORGET = text("""
DELETE FROM workflow_run WHERE tenant_id = :tenant_id AND root_id IN (
  SELECT r.id FROM workflow_run r JOIN tenant t ON t.id = r.tenant_id
  WHERE r.tenant_id = :tenant_id AND r.parent_id IS NULL AND r.finished_at IS NOT NULL
    AND (r.finished_at < now()
           - make_interval(days => greatest(coalesce(t.answer_days, :usual_days), 1))
         OR r.user_id IS NOT NULL AND NOT EXISTS (
           SELECT FROM user_account u WHERE u.tenant_id = r.tenant_id AND u.id = r.user_id))
  ORDER BY r.finished_at LIMIT :limit)
""")


async def workflows(session: AsyncSession) -> list[tuple[Workflow, WorkflowVersion]]:
    """Workflows of the tenant by slug, each with the version that runs."""
    rows = await session.execute(_newest().order_by(Workflow.slug))
    return [(row[0], row[1]) for row in rows]


async def page(
    session: AsyncSession, request: PageRequest
) -> Page[tuple[Workflow, WorkflowVersion]]:
    """A page of the same."""
    total = await count(session)
    part = _newest().order_by(Workflow.slug).offset(request.offset).limit(request.limit)
    rows = await session.execute(part)
    return Page([(row[0], row[1]) for row in rows], request, total)


async def count(session: AsyncSession) -> int:
    """Number of workflows of the tenant."""
    return await session.scalar(select(func.count(Workflow.id))) or 0


async def workflow(
    session: AsyncSession, workflow_id: uuid.UUID
) -> tuple[Workflow, WorkflowVersion] | None:
    """A workflow with the version that runs."""
    row = (await session.execute(_newest().where(Workflow.id == workflow_id))).one_or_none()
    return (row[0], row[1]) if row else None


async def lock(session: AsyncSession, workflow_id: uuid.UUID) -> Workflow | None:
    """A workflow, locked until the transaction ends: its versions are numbered in turn."""
    return await session.scalar(
        select(Workflow)
        .where(Workflow.id == workflow_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def add(session: AsyncSession, workflow: Workflow, version: WorkflowVersion) -> bool:
    """Insert a workflow with its first version; False if its slug is taken."""
    try:
        async with session.begin_nested():
            session.add(workflow)
            await session.flush()
    except IntegrityError:
        return False
    await add_version(session, workflow, version)
    return True


async def add_version(session: AsyncSession, workflow: Workflow, version: WorkflowVersion) -> None:
    """Insert a version, which runs from now on."""
    session.add(version)
    await session.flush()
    await session.refresh(workflow)


async def remove(session: AsyncSession, workflow_id: uuid.UUID) -> bool:
    """Delete a workflow with its versions; False if there is none. Its runs stay."""
    gone = await session.scalars(
        delete(Workflow).where(Workflow.id == workflow_id).returning(Workflow.id)
    )
    return gone.one_or_none() is not None


async def versions(
    session: AsyncSession, workflow_id: uuid.UUID, request: PageRequest
) -> Page[WorkflowVersion]:
    """Versions of a workflow, newest first."""
    own = WorkflowVersion.workflow_id == workflow_id
    total = await session.scalar(select(func.count(WorkflowVersion.number)).where(own)) or 0
    part = select(WorkflowVersion).where(own).order_by(WorkflowVersion.number.desc())
    rows = await session.scalars(part.offset(request.offset).limit(request.limit))
    return Page(list(rows), request, total)


async def version(
    session: AsyncSession, workflow_id: uuid.UUID, number: int
) -> WorkflowVersion | None:
    """One version."""
    return await session.scalar(
        select(WorkflowVersion).where(
            WorkflowVersion.workflow_id == workflow_id, WorkflowVersion.number == number
        )
    )


def seen(sight: WorkflowSight) -> ColumnElement[bool]:
    """Runs that are there for the caller."""
    own = func.coalesce(WorkflowRun.actor_id, _NOBODY) == sight.actor_id
    return true() if sight.sees_all else own


def _values(session: AsyncSession, **values: object) -> dict[str, object]:
    return {"tenant_id": session.info["tenant_id"], **values}


async def add_run(session: AsyncSession, run: WorkflowRun) -> None:
    """Insert a run, and read what the database filled in."""
    session.add(run)
    await session.flush()
    await session.refresh(run)


async def run(session: AsyncSession, run_id: uuid.UUID, sight: WorkflowSight) -> WorkflowRun | None:
    """A run that is there for the caller."""
    return await session.scalar(select(WorkflowRun).where(WorkflowRun.id == run_id, seen(sight)))


async def lock_run(
    session: AsyncSession, run_id: uuid.UUID, sight: WorkflowSight | None = None
) -> WorkflowRun | None:
    """The same, locked until the transaction ends; without a sight, whoever started it."""
    reached = true() if sight is None else seen(sight)
    return await session.scalar(
        select(WorkflowRun)
        .where(WorkflowRun.id == run_id, reached)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


async def run_page(
    session: AsyncSession,
    sight: WorkflowSight,
    request: PageRequest,
    *,
    workflow_id: uuid.UUID | None,
    status: WorkflowRunStatus | None,
) -> Page[WorkflowRun]:
    """Runs that are not within others, newest first."""
    conditions = [WorkflowRun.parent_id.is_(None), seen(sight)]
    if workflow_id is not None:
        conditions.append(WorkflowRun.workflow_id == workflow_id)
    if status is not None:
        conditions.append(WorkflowRun.status == status)
    total = await session.scalar(select(func.count(WorkflowRun.id)).where(*conditions)) or 0
    part = select(WorkflowRun).where(*conditions).order_by(WorkflowRun.id.desc())
    rows = await session.scalars(part.offset(request.offset).limit(request.limit))
    return Page(list(rows), request, total)


async def node_runs(session: AsyncSession, run_id: uuid.UUID) -> list[WorkflowNodeRun]:
    """Nodes of a run that have begun or were skipped, with their items, in this order."""
    rows = await session.scalars(
        select(WorkflowNodeRun)
        .where(WorkflowNodeRun.run_id == run_id)
        .order_by(WorkflowNodeRun.started_at, WorkflowNodeRun.node, WorkflowNodeRun.item)
        .execution_options(populate_existing=True)
    )
    return list(rows)


async def documents_within(session: AsyncSession, root_id: uuid.UUID) -> set[uuid.UUID]:
    """Documents that a run, and those within it, have read or were given."""
    runs = select(WorkflowRun.id).where(WorkflowRun.root_id == root_id)
    read = await session.scalars(
        select(func.unnest(WorkflowNodeRun.document_ids))
        .where(WorkflowNodeRun.run_id.in_(runs))
        .distinct()
    )
    given = await session.scalars(
        select(func.unnest(WorkflowRun.given_document_ids))
        .where(WorkflowRun.root_id == root_id)
        .distinct()
    )
    return {*read, *given}


async def run_of_job(session: AsyncSession, job_id: uuid.UUID) -> uuid.UUID | None:
    """The run that a job goes on with."""
    return await session.scalar(
        select(WorkflowRun.id).where(
            WorkflowRun.job_id == job_id,
            or_(
                WorkflowRun.status == WorkflowRunStatus.QUEUED,
                WorkflowRun.status == WorkflowRunStatus.RUNNING,
            ),
        )
    )


async def begin(session: AsyncSession, run_id: uuid.UUID) -> int | None:
    """Begin an attempt at a run; its number, or None if the run has ended."""
    return await session.scalar(
        update(WorkflowRun)
        .where(WorkflowRun.id == run_id, WorkflowRun.status.not_in(FINAL_WORKFLOW_STATUSES))
        .values(
            attempt=WorkflowRun.attempt + 1,
            status=WorkflowRunStatus.RUNNING,
            started_at=func.coalesce(WorkflowRun.started_at, func.now()),
        )
        .returning(WorkflowRun.attempt)
        .execution_options(synchronize_session=False)
    )


async def hold(session: AsyncSession, run_id: uuid.UUID, attempt: int) -> WorkflowRun | None:
    """The run, locked; None if this attempt has lost it, or it has ended."""
    return await session.scalar(
        select(WorkflowRun)
        .where(
            WorkflowRun.id == run_id,
            WorkflowRun.attempt == attempt,
            WorkflowRun.status == WorkflowRunStatus.RUNNING,
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


async def add_nodes(session: AsyncSession, rows: Sequence[WorkflowNodeRun]) -> None:
    """Insert nodes, and write the changes of others."""
    session.add_all(rows)
    await session.flush()


async def node_run(
    session: AsyncSession, run_id: uuid.UUID, node: str, item: int
) -> WorkflowNodeRun | None:
    """A node of a run, or one item of it."""
    return await session.scalar(
        select(WorkflowNodeRun)
        .where(
            WorkflowNodeRun.run_id == run_id,
            WorkflowNodeRun.node == node,
            WorkflowNodeRun.item == item,
        )
        .execution_options(populate_existing=True)
    )


async def remove_nodes(session: AsyncSession, run_id: uuid.UUID, nodes: Sequence[str]) -> None:
    """Delete nodes of a run, with their items."""
    await session.execute(
        delete(WorkflowNodeRun).where(
            WorkflowNodeRun.run_id == run_id, WorkflowNodeRun.node.in_(nodes)
        )
    )


async def ended_children(session: AsyncSession, ids: Sequence[uuid.UUID]) -> list[WorkflowRun]:
    """Those of the runs that have ended."""
    if not ids:
        return []
    rows = await session.scalars(
        select(WorkflowRun).where(
            WorkflowRun.id.in_(ids), WorkflowRun.status.in_(FINAL_WORKFLOW_STATUSES)
        )
    )
    return list(rows)


async def standing(session: AsyncSession, run_id: uuid.UUID, attempt: int) -> RunStanding | None:
    """The run and the rights of its user now; None if it is gone."""
    values = _values(session, run_id=run_id, attempt=attempt)
    row = (await session.execute(_STANDING, values)).one_or_none()
    if row is None:
        return None
    is_mine, is_active, user_status, role, is_admin, key_scopes = row
    return RunStanding(
        is_mine, is_active, user_status, None if role is None else Role(role), is_admin, key_scopes
    )


async def tenants_with_due_workflows(session: AsyncSession) -> Sequence[uuid.UUID]:
    """Tenants in which runs can go on; needs no tenant set."""
    return list(await session.scalars(text("SELECT citewell_tenants_with_due_workflows()")))


async def due_runs(session: AsyncSession, limit: int) -> list[uuid.UUID]:
    """Runs that wait and can go on, locked."""
    return list(await session.scalars(_DUE, _values(session, limit=limit)))


async def lost_runs(session: AsyncSession) -> list[tuple[uuid.UUID, str, str | None]]:
    """Runs whose job ended without them, locked, each with status and reason of the job."""
    rows = await session.execute(_LOST, _values(session))
    return [(row[0], row[1], row[2]) for row in rows]


def _owned(sight: WorkflowSight) -> ColumnElement[bool]:
    own = func.coalesce(WorkflowTrigger.actor_id, _NOBODY) == sight.actor_id
    return true() if sight.sees_all else own


async def count_triggers(session: AsyncSession) -> int:
    """Number of triggers of the tenant."""
    return await session.scalar(select(func.count(WorkflowTrigger.id))) or 0


async def add_trigger(session: AsyncSession, trigger: WorkflowTrigger) -> None:
    """Insert a trigger, or write its changes, and read what the database filled in."""
    session.add(trigger)
    await session.flush()
    await session.refresh(trigger)


async def trigger(session: AsyncSession, trigger_id: uuid.UUID) -> WorkflowTrigger | None:
    """A trigger, whoever made it."""
    return await session.scalar(select(WorkflowTrigger).where(WorkflowTrigger.id == trigger_id))


async def lock_trigger(
    session: AsyncSession, trigger_id: uuid.UUID, sight: WorkflowSight | None
) -> WorkflowTrigger | None:
    """A trigger that is there for the caller, locked; without a sight, whoever made it."""
    owned = true() if sight is None else _owned(sight)
    return await session.scalar(
        select(WorkflowTrigger)
        .where(WorkflowTrigger.id == trigger_id, owned)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def trigger_page(
    session: AsyncSession, workflow_id: uuid.UUID, sight: WorkflowSight, request: PageRequest
) -> Page[WorkflowTrigger]:
    """Triggers of a workflow, newest first."""
    conditions = [WorkflowTrigger.workflow_id == workflow_id, _owned(sight)]
    total = await session.scalar(select(func.count(WorkflowTrigger.id)).where(*conditions)) or 0
    part = select(WorkflowTrigger).where(*conditions).order_by(WorkflowTrigger.id.desc())
    rows = await session.scalars(part.offset(request.offset).limit(request.limit))
    return Page(list(rows), request, total)


async def remove_trigger(session: AsyncSession, trigger: WorkflowTrigger) -> None:
    """Delete a trigger with what it was to be told of."""
    await session.delete(trigger)
    await session.flush()


async def trigger_standing(session: AsyncSession, trigger_id: uuid.UUID) -> RunStanding | None:
    """The rights that the user of a trigger has now; None if it is gone."""
    values = _values(session, trigger_id=trigger_id)
    row = (await session.execute(_TRIGGER_STANDING, values)).one_or_none()
    if row is None:
        return None
    is_enabled, is_active, user_status, role, is_admin, key_scopes = row
    return RunStanding(
        is_enabled, is_active, user_status, None if role is None else Role(role), is_admin,
        key_scopes,
    )  # fmt: skip


async def tenants_with_due_triggers(session: AsyncSession) -> Sequence[uuid.UUID]:
    """Tenants in which triggers have something to start; needs no tenant set."""
    return list(await session.scalars(text("SELECT citewell_tenants_with_due_triggers()")))


async def due_triggers(session: AsyncSession, limit: int) -> list[DueTrigger]:
    """Runs that triggers are due to."""
    rows = await session.execute(_DUE_TRIGGERS, _values(session, limit=limit))
    return [DueTrigger(row[0], row[1], row[2], row[3]) for row in rows]


async def take_due(session: AsyncSession, held: WorkflowTrigger, due: DueTrigger) -> bool:
    """Whether a locked trigger is still due to a run; a change of a document is told of once."""
    if due.event_id is not None:
        taken = await session.scalar(_TAKE_EVENT, _values(session, event_id=due.event_id))
        return taken is not None and held.is_enabled
    is_due = select(WorkflowTrigger.id).where(
        WorkflowTrigger.id == held.id, WorkflowTrigger.next_at <= func.now()
    )
    return held.is_enabled and await session.scalar(is_due) is not None


async def tenants_with_old(session: AsyncSession, usual_days: int) -> list[uuid.UUID]:
    """Tenants with runs older than they keep answers, or of a user who is gone; across tenants."""
    statement = text("SELECT citewell_tenants_with_old_workflow_runs(:usual_days)")
    return list(await session.scalars(statement, {"usual_days": usual_days}))


async def forget(session: AsyncSession, usual_days: int, limit: int) -> int:
    """Delete some of the tenant's runs whose time is over, with those within; returns how many."""
    values = {
        "tenant_id": session.info["tenant_id"], "usual_days": usual_days, "limit": limit,
    }  # fmt: skip
    gone = await session.execute(_FORGET, values)
    return gone.rowcount  # type: ignore[attr-defined, no-any-return]
