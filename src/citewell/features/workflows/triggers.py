"""Triggers: a workflow runs by itself, with the rights that the user who defined it has then."""

import uuid
from datetime import datetime

from pydantic import JsonValue

from citewell.core.context import SYSTEM, Caller, Context, unit_of_work
from citewell.core.errors import AppError
from citewell.core.platform import Platform
from citewell.engine.agents.base import RunEndedError
from citewell.engine.workflows.problems import WorkflowStepError
from citewell.engine.workflows.scheduling import ScheduleError, next_time
from citewell.engine.workflows.templates import fill, references
from citewell.features.agents.standing import acting_caller
from citewell.features.audit import service as audit
from citewell.features.collections import service as collections
from citewell.features.documents import service as documents
from citewell.features.workflows import making, repository, service
from citewell.features.workflows.errors import (
    InvalidTriggerError,
    TooManyTriggersError,
    TriggerNotFoundError,
)
from citewell.features.workflows.schemas import (
    DueTrigger,
    TriggerCreate,
    TriggerRead,
    TriggerUpdate,
    WorkflowSight,
)
from citewell.kit.clock import utc_now
from citewell.kit.ids import uuid7
from citewell.kit.pagination import Page, PageRequest
from citewell.models.workflows import WorkflowTrigger

MAX_TRIGGERS = 50
MOST_FIRED = 50
"""Runs of a tenant that one look starts; the others follow with the next ones."""

_NOBODY = uuid.UUID(int=0)
"""Actor id of the operator, who has none."""

EVENT_FIELDS = ("kind", "document_id", "title", "filename", "collection_id", "version", "at")
"""Parts of `event` that inputs can refer to."""


async def create(ctx: Context, workflow_id: uuid.UUID, data: TriggerCreate) -> TriggerRead:
    """Make a trigger, which acts as the caller.

    Raises:
        ForbiddenError, WorkflowNotFoundError, CollectionNotFoundError: As they say.
        InvalidTriggerError: It says no time, one that is past, or refers to nothing.
        TooManyTriggersError: There are too many.
    """
    await service.get(ctx, workflow_id)
    ctx.actor.require_role(service.MAKES_WORKFLOWS_FROM)
    if await repository.count_triggers(ctx.session) >= MAX_TRIGGERS:
        raise TooManyTriggersError(MAX_TRIGGERS)
    if data.collection_id is not None:
        await collections.require_all(ctx, [data.collection_id])
    _check_inputs(data.inputs)
    trigger = WorkflowTrigger(
        tenant_id=ctx.tenant_id,
        id=uuid7(),
        workflow_id=workflow_id,
        kind=data.kind,
        events=list(data.events) if data.kind == "document" else [],
        collection_id=data.collection_id,
        cron=data.cron,
        timezone=data.timezone,
        every=data.every,
        next_at=_first(data) if data.kind == "schedule" else None,
        inputs=data.inputs,
        is_enabled=True,
    )
    making.take_over(ctx, trigger)
    await repository.add_trigger(ctx.session, trigger)
    await _record(ctx, "workflow_trigger.created", trigger)
    return _read(trigger)


def _first(data: TriggerCreate) -> datetime:
    now = utc_now()
    if data.at is not None:
        if data.at <= now:
            raise InvalidTriggerError(f"`at` is past: it is {now.isoformat(timespec='seconds')}.")
        return data.at
    try:
        return next_time(data.cron, data.timezone, data.every, now)
    except ScheduleError as error:
        raise InvalidTriggerError(f"The schedule cannot be kept: {error}.") from None


def _check_inputs(inputs: dict[str, JsonValue]) -> None:
    for reference in references(dict(inputs)):
        if len(reference) != 2 or reference[0] != "event" or reference[1] not in EVENT_FIELDS:
            known = ", ".join(f"event.{each}" for each in EVENT_FIELDS)
            raise InvalidTriggerError(
                f"`{'.'.join(reference)}` is nothing that inputs can refer to; there are {known}."
            )


async def page(ctx: Context, workflow_id: uuid.UUID, request: PageRequest) -> Page[TriggerRead]:
    """The caller's triggers of a workflow; for administrators those of all.

    Raises:
        WorkflowNotFoundError: There is no such workflow.
    """
    await service.get(ctx, workflow_id)
    found = await repository.trigger_page(ctx.session, workflow_id, _sight(ctx), request)
    return Page([_read(each) for each in found.items], request, found.total)


async def update(
    ctx: Context, workflow_id: uuid.UUID, trigger_id: uuid.UUID, data: TriggerUpdate
) -> TriggerRead:
    """Turn a trigger off or on; once on again, it waits for what comes from now on.

    Raises:
        TriggerNotFoundError: There is none, or it is another user's.
        InvalidTriggerError: Its only time is past.
    """
    trigger = await _held(ctx, workflow_id, trigger_id)
    if data.is_enabled and not trigger.is_enabled and trigger.kind == "schedule":
        if trigger.cron is None and trigger.every is None:
            if trigger.next_at is None or trigger.next_at <= utc_now():
                raise InvalidTriggerError("Its time is past; make another trigger.")
        else:
            trigger.next_at = next_time(trigger.cron, trigger.timezone, trigger.every, utc_now())
    trigger.is_enabled, trigger.last_error = data.is_enabled, None
    await repository.add_trigger(ctx.session, trigger)
    await _record(ctx, "workflow_trigger.changed", trigger)
    return _read(trigger)


async def delete(ctx: Context, workflow_id: uuid.UUID, trigger_id: uuid.UUID) -> None:
    """Remove a trigger; its runs go on, and stay.

    Raises:
        TriggerNotFoundError: There is none, or it is another user's.
    """
    trigger = await _held(ctx, workflow_id, trigger_id)
    await _record(ctx, "workflow_trigger.deleted", trigger)
    await repository.remove_trigger(ctx.session, trigger)


async def _held(ctx: Context, workflow_id: uuid.UUID, trigger_id: uuid.UUID) -> WorkflowTrigger:
    trigger = await repository.lock_trigger(ctx.session, trigger_id, _sight(ctx))
    if trigger is None or trigger.workflow_id != workflow_id:
        raise TriggerNotFoundError(trigger_id)
    return trigger


async def fire(platform: Platform) -> None:
    """Start the runs that triggers are due to, each as its user, with the rights of now."""
    async with platform.database.lookup() as session:
        tenants = await repository.tenants_with_due_triggers(session)
    for tenant_id in tenants:
        system = Caller(tenant_id, SYSTEM)
        async with unit_of_work(platform, system) as ctx:
            due = await repository.due_triggers(ctx.session, MOST_FIRED)
        for each in due:
            await _fire(platform, system, each)


async def _fire(platform: Platform, system: Caller, due: DueTrigger) -> None:
    async with unit_of_work(platform, system) as ctx:
        trigger = await repository.trigger(ctx.session, due.trigger_id)
        standing = await repository.trigger_standing(ctx.session, due.trigger_id)
    if trigger is None or standing is None:
        return
    try:
        caller = acting_caller(trigger, standing)
        async with unit_of_work(platform, caller) as ctx:
            await _start(ctx, due)
    except RunEndedError as error:
        async with unit_of_work(platform, system) as ctx:
            await _settle(ctx, due, str(error), is_over=True)
    except (AppError, WorkflowStepError) as error:
        told = error.detail if isinstance(error, AppError) else str(error)
        async with unit_of_work(platform, system) as ctx:
            await _settle(ctx, due, told)


async def _start(ctx: Context, due: DueTrigger) -> None:
    """Start a run and note that it was started, in one transaction: it is started once."""
    trigger = await _settle(ctx, due, None)
    if trigger is None:
        return
    event: dict[str, JsonValue] = {"kind": due.kind, "at": utc_now().isoformat()}
    given: list[uuid.UUID] = []
    if due.document_id is not None:
        state = (await documents.readable(ctx, [due.document_id])).get(due.document_id)
        # A document that the user may not read is none to them, and no reason for a run.
        if state is None or state.active is None:
            return
        event |= {
            "document_id": str(state.document.id),
            "title": state.document.title,
            "filename": state.document.filename,
            "collection_id": str(state.document.collection_id),
            "version": state.active.number,
        }
        given = [state.document.id]
    inputs = {name: fill(each, {"event": event}) for name, each in trigger.inputs.items()}
    run = await making.make(ctx, trigger.workflow_id, inputs, given_document_ids=given)
    trigger.last_run_id = run.id
    await repository.add_trigger(ctx.session, trigger)


async def _settle(
    ctx: Context, due: DueTrigger, error: str | None, *, is_over: bool = False
) -> WorkflowTrigger | None:
    """Take what is due away from a trigger; None if that was done before."""
    trigger = await repository.lock_trigger(ctx.session, due.trigger_id, None)
    if trigger is None or not await repository.take_due(ctx.session, trigger, due):
        return None
    if due.event_id is None:
        has_more = trigger.cron is not None or trigger.every is not None
        now = utc_now()
        trigger.next_at = (
            next_time(trigger.cron, trigger.timezone, trigger.every, now) if has_more else None
        )
    trigger.last_error = error
    if is_over:
        trigger.is_enabled = False
    await repository.add_trigger(ctx.session, trigger)
    return trigger


def _sight(ctx: Context) -> WorkflowSight:
    own = ctx.actor.user_id or ctx.actor.id or _NOBODY
    return WorkflowSight(own, sees_all=ctx.actor.administers)


async def _record(ctx: Context, action: str, trigger: WorkflowTrigger) -> None:
    details: dict[str, object] = {"workflow_id": str(trigger.workflow_id), "kind": trigger.kind}
    await audit.record(
        ctx, action, object_kind="workflow_trigger", object_id=trigger.id, details=details
    )


def _read(trigger: WorkflowTrigger) -> TriggerRead:
    return TriggerRead.model_validate(trigger, from_attributes=True)
