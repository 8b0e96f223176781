"""Statements of agents, their versions and their runs as people see them."""

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, Select, delete, func, select, text, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.engine.workflows.advancing import NodeStatus
from citewell.features.agents.schemas import RunSight
from citewell.kit.pagination import Page, PageRequest
from citewell.models.agents import (
    FINAL_RUN_STATUSES,
    Agent,
    AgentRun,
    AgentRunStatus,
    AgentStep,
    AgentVersion,
    StepKind,
    ToolExecution,
)
from citewell.models.workflows import WorkflowNodeRun

RunMark = tuple[str, int]
"""Status of a run and number of its entries: as long as both stay, nothing has happened."""

_NOBODY = uuid.UUID(int=0)
"""Actor of what the operator ran at the command line."""

# A call that was at work may have had its effect; the others have not begun.
_CLOSE_CALLS = text("""
UPDATE tool_execution t
SET status = CASE WHEN t.status = 'running' THEN 'unknown' ELSE 'refused' END, finished_at = now()
FROM agent_run r
WHERE r.tenant_id = :tenant_id AND r.root_id = :root_id
  AND t.tenant_id = :tenant_id AND t.run_id = r.id
  AND t.status IN ('pending', 'waiting', 'approved', 'denied', 'running')
""")

# Runs whose job ended without them: it crashed, was cancelled, or its last attempt could not write.
_CLOSE_LOST = text("""
UPDATE agent_run r
SET status = CASE WHEN j.status = 'cancelled' THEN 'cancelled' ELSE 'failed' END,
  reason = coalesce(j.reason, 'Its job ended before it.'), finished_at = now()
FROM job j, agent_run root
WHERE root.tenant_id = :tenant_id AND root.id = r.root_id
  AND j.tenant_id = :tenant_id AND j.id = root.job_id
  AND j.status IN ('succeeded', 'failed', 'cancelled')
  AND r.tenant_id = :tenant_id AND r.status IN ('queued', 'running')
  AND root.status IN ('queued', 'running')
RETURNING r.root_id
""")

_EXPIRED = text("""
SELECT DISTINCT r.root_id FROM tool_execution t
JOIN agent_run r ON r.tenant_id = t.tenant_id AND r.id = t.run_id
WHERE t.tenant_id = :tenant_id AND t.status = 'waiting' AND t.expires_at <= now()
""")


def _values(session: AsyncSession, **values: object) -> dict[str, object]:
    return {"tenant_id": session.info["tenant_id"], **values}


_FORGET = text("""
DELETE FROM agent_run WHERE tenant_id = :tenant_id AND root_id IN (
  SELECT r.id FROM agent_run r JOIN tenant t ON t.id = r.tenant_id
  WHERE r.tenant_id = :tenant_id AND r.parent_call IS NULL AND r.finished_at IS NOT NULL
    AND (r.finished_at < now()
           - make_interval(days => greatest(coalesce(t.answer_days, :usual_days), 1))
         OR r.user_id IS NOT NULL AND NOT EXISTS (
           SELECT FROM user_account u WHERE u.tenant_id = r.tenant_id AND u.id = r.user_id))
  ORDER BY r.finished_at LIMIT :limit)
""")


async def agents(session: AsyncSession) -> list[tuple[Agent, AgentVersion]]:
    """Agents of the tenant by slug, each with the version that runs."""
    rows = await session.execute(_newest().order_by(Agent.slug))
    return [(row[0], row[1]) for row in rows]


async def agent(session: AsyncSession, agent_id: uuid.UUID) -> tuple[Agent, AgentVersion] | None:
    """An agent with the version that runs."""
    row = (await session.execute(_newest().where(Agent.id == agent_id))).one_or_none()
    return (row[0], row[1]) if row else None


def _newest() -> Select[Agent, AgentVersion]:
    return select(Agent, AgentVersion).join(
        AgentVersion,
        (AgentVersion.tenant_id == Agent.tenant_id)
        & (AgentVersion.agent_id == Agent.id)
        & (AgentVersion.number == Agent.version),
    )


async def lock_agent(session: AsyncSession, agent_id: uuid.UUID) -> Agent | None:
    """An agent, locked until the transaction ends: its versions are numbered in turn."""
    return await session.scalar(
        select(Agent)
        .where(Agent.id == agent_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def count_agents(session: AsyncSession) -> int:
    """Number of agents of the tenant."""
    return await session.scalar(select(func.count(Agent.id))) or 0


async def add_agent(session: AsyncSession, agent: Agent, version: AgentVersion) -> bool:
    """Insert an agent with its first version; False if its slug is taken."""
    try:
        async with session.begin_nested():
            session.add(agent)
            await session.flush()
    except IntegrityError:
        return False
    session.add(version)
    await session.flush()
    await session.refresh(agent)
    return True


async def add_version(session: AsyncSession, agent: Agent, version: AgentVersion) -> None:
    """Insert a version, which runs from now on."""
    session.add(version)
    await session.flush()
    await session.refresh(agent)


async def remove_agent(session: AsyncSession, agent_id: uuid.UUID) -> bool:
    """Delete an agent with its versions; False if there is none. Its runs stay."""
    gone = await session.scalars(delete(Agent).where(Agent.id == agent_id).returning(Agent.id))
    return gone.one_or_none() is not None


async def versions(
    session: AsyncSession, agent_id: uuid.UUID, request: PageRequest
) -> Page[AgentVersion]:
    """Versions of an agent, newest first."""
    of_agent = AgentVersion.agent_id == agent_id
    total = await session.scalar(select(func.count(AgentVersion.number)).where(of_agent)) or 0
    part = select(AgentVersion).where(of_agent).order_by(AgentVersion.number.desc())
    rows = await session.scalars(part.offset(request.offset).limit(request.limit))
    return Page(list(rows), request, total)


async def version(session: AsyncSession, agent_id: uuid.UUID, number: int) -> AgentVersion | None:
    """One version."""
    return await session.scalar(
        select(AgentVersion).where(AgentVersion.agent_id == agent_id, AgentVersion.number == number)
    )


def seen(sight: RunSight) -> ColumnElement[bool]:
    """Runs that are there for the caller."""
    own = func.coalesce(AgentRun.actor_id, _NOBODY) == sight.actor_id
    return true() if sight.sees_all else own


async def add_run(session: AsyncSession, run: AgentRun) -> None:
    """Insert a run, and read what the database filled in."""
    session.add(run)
    await session.flush()
    await session.refresh(run)


async def run(session: AsyncSession, run_id: uuid.UUID, sight: RunSight) -> AgentRun | None:
    """A run that is there for the caller; of runs within runs the outermost counts."""
    return await session.scalar(
        select(AgentRun).where(AgentRun.id == run_id, AgentRun.parent_call.is_(None), seen(sight))
    )


async def mark_of(session: AsyncSession, run_id: uuid.UUID, sight: RunSight) -> RunMark | None:
    """Status of a run that is there for the caller and number of its entries: it is cheap."""
    found = await session.execute(
        select(AgentRun.status, AgentRun.entries).where(
            AgentRun.id == run_id, AgentRun.parent_call.is_(None), seen(sight)
        )
    )
    row = found.one_or_none()
    return None if row is None else (row[0], row[1])


async def lock_run(session: AsyncSession, run_id: uuid.UUID, sight: RunSight) -> AgentRun | None:
    """The same, locked until the transaction ends."""
    return await session.scalar(
        select(AgentRun)
        .where(AgentRun.id == run_id, AgentRun.parent_call.is_(None), seen(sight))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


async def run_page(
    session: AsyncSession,
    sight: RunSight,
    request: PageRequest,
    *,
    agent_id: uuid.UUID | None,
    status: AgentRunStatus | None,
) -> Page[AgentRun]:
    """Runs that people started, newest first."""
    conditions = [AgentRun.parent_call.is_(None), seen(sight)]
    if agent_id is not None:
        conditions.append(AgentRun.agent_id == agent_id)
    if status is not None:
        conditions.append(AgentRun.status == status)
    total = await session.scalar(select(func.count(AgentRun.id)).where(*conditions)) or 0
    part = select(AgentRun).where(*conditions).order_by(AgentRun.id.desc())
    rows = await session.scalars(part.offset(request.offset).limit(request.limit))
    return Page(list(rows), request, total)


async def replies(session: AsyncSession, run_id: uuid.UUID) -> list[AgentStep]:
    """Replies of the model in a run, in their order."""
    rows = await session.scalars(
        select(AgentStep)
        .where(AgentStep.run_id == run_id, AgentStep.kind == StepKind.REPLY)
        .order_by(AgentStep.n)
    )
    return list(rows)


async def journal(session: AsyncSession, run_id: uuid.UUID, after: int) -> list[AgentStep]:
    """Entries of a run's journal behind number `after`."""
    rows = await session.scalars(
        select(AgentStep)
        .where(AgentStep.run_id == run_id, AgentStep.n > after)
        .order_by(AgentStep.n)
    )
    return list(rows)


async def calls(session: AsyncSession, run_id: uuid.UUID) -> list[ToolExecution]:
    """Calls of a run, in their order."""
    rows = await session.scalars(
        select(ToolExecution)
        .where(ToolExecution.run_id == run_id)
        .order_by(ToolExecution.step, ToolExecution.place)
    )
    return list(rows)


async def calls_within(session: AsyncSession, root_id: uuid.UUID) -> list[ToolExecution]:
    """Calls of a run and of the runs within it."""
    rows = await session.scalars(
        select(ToolExecution)
        .join(AgentRun, _of_run())
        .where(AgentRun.root_id == root_id)
        .order_by(ToolExecution.run_id, ToolExecution.step, ToolExecution.place)
    )
    return list(rows)


async def ended_runs(
    session: AsyncSession, ids: Sequence[uuid.UUID]
) -> list[tuple[AgentRun, list[uuid.UUID]]]:
    """Those of the runs that have ended, each with the documents that it read."""
    ended = select(AgentRun).where(AgentRun.id.in_(ids), AgentRun.status.in_(FINAL_RUN_STATUSES))
    return [
        (run, sorted({each for call in await calls_within(session, run.id)
                      for each in call.document_ids}))
        for run in await session.scalars(ended)
    ]  # fmt: skip


async def lock_call(
    session: AsyncSession, root_id: uuid.UUID, call_id: uuid.UUID
) -> ToolExecution | None:
    """A call of a run or of one within it, locked."""
    return await session.scalar(
        select(ToolExecution)
        .join(AgentRun, _of_run())
        .where(AgentRun.root_id == root_id, ToolExecution.id == call_id)
        .with_for_update(of=ToolExecution)
        .execution_options(populate_existing=True)
    )


async def is_waited_for(session: AsyncSession, root_id: uuid.UUID) -> bool:
    """Whether any call of a run, or of one within it, waits for a decision."""
    found = (
        select(ToolExecution.id)
        .join(AgentRun, _of_run())
        .where(AgentRun.root_id == root_id, ToolExecution.status == "waiting")
    )
    return await session.scalar(found.limit(1)) is not None


def _of_run() -> ColumnElement[bool]:
    return (AgentRun.tenant_id == ToolExecution.tenant_id) & (AgentRun.id == ToolExecution.run_id)


async def close_runs(
    session: AsyncSession, root_id: uuid.UUID, status: AgentRunStatus, reason: str | None
) -> None:
    """End a run and those within it that are still open, with their calls."""
    await session.execute(
        update(AgentRun)
        .where(AgentRun.root_id == root_id, AgentRun.status.not_in(FINAL_RUN_STATUSES))
        .values(status=status, reason=reason, finished_at=func.now())
    )
    await session.execute(_CLOSE_CALLS, _values(session, root_id=root_id))


async def add_entry(
    session: AsyncSession, run: AgentRun, kind: StepKind, payload: Mapping[str, object]
) -> None:
    """Add an entry to the journal of a locked run."""
    run.entries += 1
    session.add(
        AgentStep(
            tenant_id=run.tenant_id, run_id=run.id, n=run.entries, kind=kind, payload={**payload}
        )
    )
    await session.flush()


async def tenants_with_open_runs(session: AsyncSession) -> Sequence[uuid.UUID]:
    """Tenants in which runs may have to be closed; needs no tenant set."""
    return list(await session.scalars(text("SELECT citewell_tenants_with_open_runs()")))


async def close_lost(session: AsyncSession) -> list[uuid.UUID]:
    """End the runs whose job ended without them; returns their outermost runs."""
    rows = await session.scalars(_CLOSE_LOST, _values(session))
    lost = list(dict.fromkeys(rows))
    for root_id in lost:
        await session.execute(_CLOSE_CALLS, _values(session, root_id=root_id))
    return lost


async def expired(session: AsyncSession) -> list[uuid.UUID]:
    """Outermost runs with a call whose time for a decision is over."""
    return list(await session.scalars(_EXPIRED, _values(session)))


async def child_run(session: AsyncSession, parent_call: uuid.UUID) -> AgentRun | None:
    """The run that was made for a call."""
    return await session.scalar(select(AgentRun).where(AgentRun.parent_call == parent_call))


async def run_by_id(session: AsyncSession, run_id: uuid.UUID) -> AgentRun | None:
    """A run, whoever started it."""
    return await session.scalar(select(AgentRun).where(AgentRun.id == run_id))


async def is_of_workflow(session: AsyncSession, run_id: uuid.UUID) -> bool:
    """Whether a workflow made a run that is at work; its node is at work as long as the run."""
    made = select(WorkflowNodeRun.run_id).where(
        WorkflowNodeRun.agent_run_id == run_id, WorkflowNodeRun.status == NodeStatus.RUNNING
    )
    return await session.scalar(made.limit(1)) is not None


async def end_attempt(session: AsyncSession, run_id: uuid.UUID, attempt: int, reason: str) -> None:
    """Have a run fail that this attempt still has, with the runs within it."""
    mine = select(AgentRun.id).where(
        AgentRun.id == run_id,
        AgentRun.attempt == attempt,
        AgentRun.status == AgentRunStatus.RUNNING,
    )
    if await session.scalar(mine.with_for_update()) is not None:
        await close_runs(session, run_id, AgentRunStatus.FAILED, reason)


async def end_inner(session: AsyncSession, run_id: uuid.UUID, attempt: int, reason: str) -> None:
    """Have a run within another one fail that this attempt still has, with its calls."""
    ended = await session.scalar(
        update(AgentRun)
        .where(
            AgentRun.id == run_id,
            AgentRun.attempt == attempt,
            AgentRun.status == AgentRunStatus.RUNNING,
        )
        .values(status=AgentRunStatus.FAILED, reason=reason, finished_at=func.now())
        .returning(AgentRun.id)
        .execution_options(synchronize_session=False)
    )
    if ended is not None:
        await session.execute(
            update(ToolExecution)
            .where(ToolExecution.run_id == run_id, ToolExecution.finished_at.is_(None))
            .values(status="refused", finished_at=func.now())
            .execution_options(synchronize_session=False)
        )


async def begin(
    session: AsyncSession, *, job_id: uuid.UUID | None = None, run_id: uuid.UUID | None = None
) -> AgentRun | None:
    """Begin an attempt at the run that a job does now, or at one; None if it has ended."""
    named = AgentRun.job_id == job_id if run_id is None else AgentRun.id == run_id
    # A run that waits for a person is no job's; one within it is gone on with by the outer one.
    statuses = [AgentRunStatus.QUEUED, AgentRunStatus.RUNNING]
    if run_id is not None:
        statuses.append(AgentRunStatus.WAITING)
    return await session.scalar(
        update(AgentRun)
        .where(named, AgentRun.status.in_(statuses))
        .values(
            attempt=AgentRun.attempt + 1,
            status=AgentRunStatus.RUNNING,
            started_at=func.coalesce(AgentRun.started_at, func.now()),
        )
        .returning(AgentRun)
        .execution_options(synchronize_session=False, populate_existing=True)
    )


async def tenants_with_old(session: AsyncSession, usual_days: int) -> list[uuid.UUID]:
    """Tenants with runs older than they keep answers, or of a user who is gone; across tenants."""
    statement = text("SELECT citewell_tenants_with_old_agent_runs(:usual_days)")
    return list(await session.scalars(statement, {"usual_days": usual_days}))


async def forget(session: AsyncSession, usual_days: int, limit: int) -> int:
    """Delete some of the tenant's runs whose time is over, with those within; returns how many."""
    values = {
        "tenant_id": session.info["tenant_id"], "usual_days": usual_days, "limit": limit,
    }  # fmt: skip
    gone = await session.execute(_FORGET, values)
    return gone.rowcount  # type: ignore[attr-defined, no-any-return]
