"""Statements of the audit trail."""

import json
import uuid
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.access.policy import Access
from citewell.access.statements import collections_sql, reach_sql
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


_NAMED = {
    "agent": ("agent", "name"),
    "agent_run": ("agent_run", "agent_slug"),
    "api_key": ("api_key", "name"),
    "collection": ("collection", "name"),
    "connection": ("model_connection", "name"),
    "document": ("document", "title"),
    "group": ("user_group", "name"),
    "user": ("user_account", "coalesce(nullif(name, ''), email)"),
    "workflow": ("workflow", "slug"),
    "workflow_run": ("workflow_run", "workflow_slug"),
}
"""Kinds of objects that have a name: the table, and the expression of the name."""


async def names(
    session: AsyncSession,
    tenant_id: uuid.UUID,
    access: Access,
    wanted: Mapping[str, AbstractSet[uuid.UUID]],
) -> dict[tuple[str, uuid.UUID], str]:
    """Names of objects by kind and id, as far as they are there.

    Args:
        session: A session of the tenant.
        tenant_id: The tenant.
        access: Of the reader, who is told no title of a document they may not read,
            and no name of a collection they do not see.
        wanted: Ids by kind; other kinds than those of `_NAMED` are passed over.
    """
    limits = {
        "document": reach_sql(access.read, table="document", document_column="id"),
        "collection": collections_sql(access),
    }
    values: dict[str, object] = {"tenant_id": tenant_id}
    parts: list[str] = []
    for kind, (table, name) in _NAMED.items():
        if ids := wanted.get(kind):
            values[f"{kind}_ids"] = [str(id_) for id_ in ids]
            condition = ""
            if kind in limits:
                predicate, more = limits[kind]
                condition = f" AND {predicate}"
                values.update(more)
            parts.append(
                f"SELECT '{kind}' AS kind, id, {name} AS name FROM {table}"  # noqa: S608 - constants
                f" WHERE tenant_id = :tenant_id AND id = ANY(CAST(:{kind}_ids AS uuid[]))"
                + condition
            )
    if not parts:
        return {}
    rows = await session.execute(text(" UNION ALL ".join(parts)), values)
    return {(kind, id_): name for kind, id_, name in rows}


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
