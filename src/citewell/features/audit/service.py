"""Records who did what in the transaction of the action, and reads the trail."""

import json
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from enum import StrEnum

from citewell.access.policy import Scope
from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.features.audit import repository
from citewell.features.audit.schemas import AuditFilter, AuditRead
from citewell.kit.csv_lines import csv_lines
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


async def page(ctx: Context, wanted: AuditFilter, request: PageRequest) -> Page[AuditRead]:
    """Events of the tenant with the names of actors and objects, newest first.

    Raises:
        ForbiddenError: The caller is no administrator.
    """
    ctx.actor.require(Scope.ADMIN)
    found = await repository.page(ctx.session, wanted, request)
    return Page(await _named(ctx, found.items), request, found.total)


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
        yield csv_lines([list(AuditRead.model_fields)])
    last = None
    while True:
        # A transaction for each part, so that a slow reader does not hold a connection.
        async with unit_of_work(platform, caller) as ctx:
            found = await repository.part(ctx.session, wanted, until, last)
            events = await _named(ctx, found)
        if not found:
            return
        last = found[-1]
        yield csv_lines(map(_cells, events)) if form is ExportFormat.CSV else _ndjson(events)


async def _named(ctx: Context, found: Sequence[AuditEvent]) -> list[AuditRead]:
    """The events as they are shown: names are looked up now, as the trail keeps none of people."""
    wanted: dict[str, set[uuid.UUID]] = {}
    for event in found:
        for kind, id_ in (*_actors(event), (event.object_kind, event.object_id)):
            if kind is not None and id_ is not None:
                wanted.setdefault(kind, set()).add(id_)
    names = await repository.names(ctx.session, ctx.tenant_id, await ctx.access(), wanted)
    shown: list[AuditRead] = []
    for event in found:
        read = AuditRead.model_validate(event)
        read.actor_name = _first_name(names, _actors(event))
        read.object_name = _first_name(names, [(event.object_kind, event.object_id)])
        shown.append(read)
    return shown


def _actors(event: AuditEvent) -> list[tuple[str | None, uuid.UUID | None]]:
    # A key that belongs to a user acts under the user's id.
    return [("user", event.actor_id), ("api_key", event.actor_id)]


def _first_name(
    names: Mapping[tuple[str, uuid.UUID], str],
    among: Sequence[tuple[str | None, uuid.UUID | None]],
) -> str | None:
    found = (names.get((kind, id_)) for kind, id_ in among if kind and id_)
    return next((name for name in found if name), None)


def _ndjson(events: Sequence[AuditRead]) -> bytes:
    return "".join(event.model_dump_json() + "\n" for event in events).encode()


def _cells(event: AuditRead) -> list[object]:
    values = event.model_dump(mode="json")
    details = json.dumps(values.pop("details"), ensure_ascii=False)
    return [*values.values(), details]
