"""Statements of the audit trail."""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.features.audit.schemas import AuditFilter
from citewell.kit.ids import uuid7
from citewell.kit.pagination import Page, PageRequest
from citewell.models.records import AuditEvent

BATCH = 500
"""Events that an export holds in memory at a time."""


# One statement for any number of objects, so that a folder of files takes one round trip.
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
    """Insert an event for each object with its details; `said` holds the fields they share."""
    rows = [
        {"id": str(uuid7()), "object_id": object_id and str(object_id), "details": dict(details)}
        for object_id, details in objects
    ]
    # Details may hold ids and times, which JSON has no form for.
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


async def moment(session: AsyncSession) -> datetime:
    """Start of the transaction, which is the time of every event it adds."""
    return (await session.scalars(select(func.now()))).one()


async def part(
    session: AsyncSession, wanted: AuditFilter, until: datetime, after: AuditEvent | None
) -> Sequence[AuditEvent]:
    """The next `BATCH` events up to a moment, oldest first; none once all have been read."""
    conditions = [*_conditions(wanted), AuditEvent.at <= until]
    if after is not None:
        # By the last key read, not by OFFSET, which would read the trail again for every part.
        conditions.append(tuple_(AuditEvent.at, AuditEvent.id) > (after.at, after.id))
    statement = select(AuditEvent).where(*conditions).order_by(AuditEvent.at, AuditEvent.id)
    return (await session.scalars(statement.limit(BATCH))).all()
