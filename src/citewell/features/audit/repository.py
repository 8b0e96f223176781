"""Statements of the audit trail."""

import json
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.features.audit.schemas import AuditFilter
from citewell.kit.ids import uuid7
from citewell.kit.pagination import Page, PageRequest
from citewell.models.records import AuditEvent

BATCH = 500
"""Events of an export that are in memory at once."""


# One statement, however many objects: a folder of files is noted as fast as one file.
_ADD = text("""
INSERT INTO audit_event (tenant_id, id, actor_kind, actor_id, credential_id, action, object_kind,
  object_id, address, request_id, details)
SELECT :tenant_id, e.id, :actor_kind, :actor_id, :credential_id, :action, :object_kind,
  e.object_id, :address, :request_id, e.details
FROM jsonb_to_recordset(CAST(:objects AS jsonb)) AS e (id uuid, object_id uuid, details jsonb)
""")


async def add(
    session: AsyncSession,
    said: Mapping[str, object],
    objects: Sequence[tuple[uuid.UUID | None, Mapping[str, object]]],
) -> None:
    """Insert an event for each object and its details; `said` is what all have in common."""
    rows = [
        {"id": str(uuid7()), "object_id": object_id and str(object_id), "details": dict(details)}
        for object_id, details in objects
    ]
    await session.execute(_ADD, {**said, "objects": json.dumps(rows, default=str)})


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.actor_id is not None:
        found.append(AuditEvent.actor_id == wanted.actor_id)
    if wanted.object_id is not None:
        found.append(AuditEvent.object_id == wanted.object_id)
    if wanted.action is not None:
        found.append(AuditEvent.action == wanted.action)
    if wanted.since is not None:
        found.append(AuditEvent.at >= wanted.since)
    if wanted.until is not None:
        found.append(AuditEvent.at < wanted.until)
    return found


async def page(
    session: AsyncSession, wanted: AuditFilter, request: PageRequest
) -> Page[AuditEvent]:
    """Events, newest first."""
    conditions = _conditions(wanted)
    total = await session.scalar(select(func.count(AuditEvent.id)).where(*conditions)) or 0
    rows = await session.scalars(
        select(AuditEvent)
        .where(*conditions)
        .order_by(AuditEvent.at.desc(), AuditEvent.id.desc())
        .offset(request.offset)
        .limit(request.limit)
    )
    return Page(list(rows), request, total)


async def walk(
    session: AsyncSession, wanted: AuditFilter
) -> AsyncGenerator[Sequence[AuditEvent], None]:
    """Yield all events in batches, oldest first, as they were when the first was read."""
    rows = await session.stream_scalars(
        select(AuditEvent)
        .where(*_conditions(wanted))
        .order_by(AuditEvent.at, AuditEvent.id)
        .execution_options(yield_per=BATCH)
    )
    async for batch in rows.partitions():
        yield batch
        for event in batch:
            session.expunge(event)
