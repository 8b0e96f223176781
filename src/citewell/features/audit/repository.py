"""Statements of the audit trail."""

from collections.abc import AsyncGenerator, Sequence

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.features.audit.schemas import AuditFilter
from citewell.kit.pagination import Page, PageRequest
from citewell.models.records import AuditEvent

BATCH = 500
"""Events of an export that are in memory at once."""


async def add(session: AsyncSession, events: Sequence[AuditEvent]) -> None:
    """Insert events."""
    session.add_all(events)
    await session.flush()


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
