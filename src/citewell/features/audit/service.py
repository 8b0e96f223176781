"""Records who did what in the transaction of the action, and reads the trail."""

import csv
import io
import json
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from enum import StrEnum

from citewell.access.policy import Scope
from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.features.audit import repository
from citewell.features.audit.schemas import AuditFilter, AuditRead
from citewell.kit.pagination import Page, PageRequest
from citewell.models.records import AuditEvent


class ExportFormat(StrEnum):
    """How an export is written."""

    NDJSON = "ndjson"
    CSV = "csv"


async def record(
    ctx: Context,
    action: str,
    *,
    object_kind: str | None = None,
    object_id: uuid.UUID | None = None,
    details: Mapping[str, object] | None = None,
) -> None:
    """Record an action of the caller; the event commits or rolls back together with the action.

    Args:
        ctx: The unit of work of the action.
        action: `object.verb` in the past: `document.deleted`, `user.role_changed`.
        object_kind: `document`, `collection`, `user`, `group`, `api_key`, `tenant`...
        object_id: Of the object.
        details: The change, as JSON without secrets, names or addresses of people.
    """
    await repository.add(ctx.session, _said(ctx, action, object_kind), [(object_id, details or {})])


async def record_all(
    ctx: Context, action: str, object_kind: str, notes: Mapping[uuid.UUID, Mapping[str, object]]
) -> None:
    """Record the same action on several objects, given as details by object id."""
    await repository.add(ctx.session, _said(ctx, action, object_kind), list(notes.items()))


def _said(ctx: Context, action: str, object_kind: str | None) -> dict[str, object]:
    return {
        "tenant_id": ctx.tenant_id,
        "actor_kind": ctx.actor.kind.value,
        "actor_id": ctx.actor.user_id or ctx.actor.id,
        "credential_id": ctx.actor.credential_id,
        "action": action,
        "object_kind": object_kind,
        "address": ctx.origin.address,
        "request_id": ctx.origin.request_id,
    }


async def page(ctx: Context, wanted: AuditFilter, request: PageRequest) -> Page[AuditEvent]:
    """Events of the tenant, newest first.

    Raises:
        ForbiddenError: The caller is no administrator.
    """
    ctx.actor.require(Scope.ADMIN)
    return await repository.page(ctx.session, wanted, request)


async def export(
    platform: Platform, caller: Caller, wanted: AuditFilter, form: ExportFormat
) -> AsyncGenerator[bytes, None]:
    """Yield the whole trail up to now, oldest first; the export itself is recorded in it.

    Raises:
        ForbiddenError: The caller is no administrator.
    """
    caller.actor.require(Scope.ADMIN)
    async with unit_of_work(platform, caller) as ctx:
        await record(ctx, "audit.exported", details={"format": form.value})
        # Later events are left out, or an export of a busy tenant would never end.
        until = await repository.moment(ctx.session)
    if form is ExportFormat.CSV:
        yield _csv([list(AuditRead.model_fields)])
    last = None
    while True:
        # A transaction for each part, so that a slow reader does not hold a connection.
        async with unit_of_work(platform, caller) as ctx:
            found = await repository.part(ctx.session, wanted, until, last)
        if not found:
            return
        events, last = [AuditRead.model_validate(event) for event in found], found[-1]
        yield _csv(map(_cells, events)) if form is ExportFormat.CSV else _ndjson(events)


def _ndjson(events: Sequence[AuditRead]) -> bytes:
    return "".join(event.model_dump_json() + "\n" for event in events).encode()


def _cells(event: AuditRead) -> list[str]:
    values = event.model_dump(mode="json")
    details = json.dumps(values.pop("details"), ensure_ascii=False)
    return [*("" if value is None else str(value) for value in values.values()), details]


def _csv(rows: "Sequence[list[str]] | map[list[str]]") -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()
