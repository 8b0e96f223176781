"""Statements on events: triggers write them at commit (migration 0008), streams read them."""

import time
import uuid

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.features.events.schemas import ChangeEvent, EventKind, Interest

CHANNEL = "citewell_event"
"""Channel on which the triggers notify; the payload is the tenant's id."""

KEPT_SECONDS = 3600
"""Age up to which events are kept, so the longest absence after which a stream can resume."""

SWEEP_ROWS = 5_000
"""Events removed in one transaction, which takes some ten milliseconds."""


_LAST = text("SELECT coalesce(max(id), 0) FROM event WHERE tenant_id = :tenant_id")

# `until` bounds it above: later events belong to the next round, which all streams get together.
_AFTER = text("""
SELECT e.id, e.kind, e.object_id, e.document_id, d.created_by AS owner_id
FROM event e
LEFT JOIN document d ON d.tenant_id = e.tenant_id AND d.id = e.document_id
WHERE e.tenant_id = :tenant_id AND e.id > :after AND e.id <= :until
ORDER BY e.id LIMIT :limit
""")

# The events that one resuming stream is interested in; filtered here, because an hour of a busy
# tenant would be too much to send to the process.
_MATCHING = text("""
SELECT e.id, e.kind, e.object_id, e.document_id, d.created_by AS owner_id
FROM event e
LEFT JOIN document d ON d.tenant_id = e.tenant_id AND d.id = e.document_id
WHERE e.tenant_id = :tenant_id AND e.id > :after AND e.id <= :until
  AND (e.document_id = ANY(CAST(:document_ids AS uuid[]))
    OR (:has_jobs AND e.kind = 'job_update')
    OR d.created_by = :owner_id)
ORDER BY e.id LIMIT :limit
""")

# Rows locked by another process's sweep are skipped, so that sweeps never wait for each other.
_SWEEP = text("""
DELETE FROM event WHERE tenant_id = :tenant_id AND id IN (
  SELECT id FROM event WHERE tenant_id = :tenant_id AND id < :before
  ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED)
""")

END_OF_TIME = 2**63 - 1


def oldest_id() -> int:
    """Events before this one may have been removed."""
    # Ids are microseconds, so age needs no column and no index of its own.
    return int((time.time() - KEPT_SECONDS) * 1_000_000)


async def last_id(session: AsyncSession) -> int:
    """The id of the tenant's latest event; 0 if there is none."""
    return await session.scalar(_LAST, {"tenant_id": session.info["tenant_id"]}) or 0


async def events_after(session: AsyncSession, after: int, limit: int) -> list[ChangeEvent]:
    """Events committed after an event, in order."""
    values = {"after": after, "until": END_OF_TIME, "limit": limit}
    rows = await session.execute(_AFTER, {"tenant_id": session.info["tenant_id"], **values})
    return [ChangeEvent(row[0], EventKind(row[1]), *row[2:]) for row in rows]


async def events_between(
    session: AsyncSession, after: int, until: int, interest: Interest, limit: int
) -> list[ChangeEvent]:
    """Events of interest after one event and up to another, in order."""
    values: dict[str, object] = {
        "tenant_id": session.info["tenant_id"],
        "after": after,
        "until": until,
        "limit": limit,
        "document_ids": list(interest.document_ids),
        "has_jobs": interest.has_jobs,
        "owner_id": interest.owner_id,
    }
    rows = await session.execute(_MATCHING, values)
    return [ChangeEvent(row[0], EventKind(row[1]), *row[2:]) for row in rows]


async def tenants_to_sweep(session: AsyncSession, before: int) -> list[uuid.UUID]:
    """Tenants with older events; needs no tenant set."""
    found = await session.scalars(
        text("SELECT citewell_tenants_with_events(:before)"), {"before": before}
    )
    return list(found)


async def sweep(session: AsyncSession, before: int) -> bool:
    """Remove `SWEEP_ROWS` older events of the tenant; True if there may be more."""
    values = {"tenant_id": session.info["tenant_id"], "before": before, "limit": SWEEP_ROWS}
    done = await session.execute(_SWEEP, values)
    return done.rowcount == SWEEP_ROWS  # type: ignore[attr-defined] - of a DELETE
