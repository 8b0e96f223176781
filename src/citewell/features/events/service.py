"""Access to events, checked anew for each round."""

import uuid
from collections.abc import Sequence

from citewell.access.policy import Scope
from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.features.documents import service as documents
from citewell.features.documents.errors import DocumentNotFoundError
from citewell.features.events import repository as stored
from citewell.features.events.schemas import ChangeEvent, EventKind, Interest, Shown
from citewell.features.events.topics import Topic
from citewell.features.jobs import service as jobs

SWEEP_SECONDS = 60.0
"""Interval between two removals of events too old to resume from."""


async def authorise(ctx: Context, topics: Sequence[Topic]) -> None:
    """Refuse topics that the caller may not read.

    Raises:
        ForbiddenError: The credential may not read.
        DocumentNotFoundError: There is no such document, or not for this caller.
    """
    ctx.actor.require(Scope.READ)
    wanted = [topic.document_id for topic in topics if topic.document_id is not None]
    found = await documents.readable(ctx, wanted)
    for document_id in wanted:
        if document_id not in found:
            raise DocumentNotFoundError(document_id)


async def show(platform: Platform, caller: Caller, events: Sequence[ChangeEvent]) -> list[Shown]:
    """The events with their objects as the caller may see them now.

    One statement per kind reads all objects, with the present rights. Events of documents that the
    caller may not read come without a body, those of jobs are left out.
    """
    ids: dict[EventKind, set[uuid.UUID]] = {kind: set() for kind in EventKind}
    for event in events:
        ids[event.kind].add(event.object_id)
    bodies: dict[uuid.UUID, str] = {}
    async with unit_of_work(platform, caller) as ctx:
        ctx.actor.require(Scope.READ)
        if wanted := ids[EventKind.DOCUMENT]:
            found = await documents.readable(ctx, list(wanted))
            bodies |= {key: state.read().model_dump_json() for key, state in found.items()}
        if wanted := ids[EventKind.JOB]:
            work = await jobs.readable(ctx, list(wanted))
            bodies |= {key: state.read().model_dump_json() for key, state in work.items()}
    return [
        Shown(event, bodies.get(event.object_id))
        for event in events
        if event.object_id in bodies or event.kind is EventKind.DOCUMENT
    ]


async def missed(
    ctx: Context, after: int, until: int, interest: Interest, limit: int
) -> list[ChangeEvent]:
    """Events of interest between two events."""
    return await stored.events_between(ctx.session, after, until, interest, limit)


async def sweep(platform: Platform) -> None:
    """Remove events that are too old to resume from, of all tenants."""
    before = stored.oldest_id()
    async with platform.database.lookup() as session:
        tenants = await stored.tenants_to_sweep(session, before)
    for tenant_id in tenants:
        while True:
            async with platform.database.unit_of_work(tenant_id) as session:
                if not await stored.sweep(session, before):
                    break
