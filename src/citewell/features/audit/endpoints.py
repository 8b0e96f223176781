"""Routes of the audit trail."""

import uuid
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Query
from fastapi.responses import StreamingResponse

from citewell.core.context import unit_of_work
from citewell.features.audit import service
from citewell.features.audit.schemas import AuditFilter, AuditRead
from citewell.features.audit.service import ExportFormat
from citewell.features.http import (
    PRIVATE,
    AdminDep,
    HeadDep,
    Listing,
    PageDep,
    PlatformDep,
    Router,
    head_alone,
    listing,
)
from citewell.kit.moments import Moment

router = Router(policy=PRIVATE, prefix="/audit", tags=["audit"])

MEDIA_TYPES = {ExportFormat.NDJSON: "application/x-ndjson", ExportFormat.CSV: "text/csv"}


async def _filter(
    actor_id: uuid.UUID | None = None,
    object_id: uuid.UUID | None = None,
    action: Annotated[str | None, Query(max_length=100, pattern=r"^[a-z_.]+$")] = None,
    since: Annotated[Moment | None, Query(alias="from")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
) -> AuditFilter:
    return AuditFilter(actor_id, object_id, action, since, until)


FilterDep = Annotated[AuditFilter, Depends(_filter)]


@router.get("")
async def list_audit_events(
    platform: PlatformDep, caller: AdminDep, request: PageDep, wanted: FilterDep
) -> Listing[AuditRead]:
    """List recorded actions, newest first; for administrators."""
    async with unit_of_work(platform, caller) as ctx:
        page = await service.page(ctx, wanted, request)
        return listing(page, page.items)


@router.get("/export", response_class=StreamingResponse)
async def export_audit_events(
    platform: PlatformDep,
    caller: AdminDep,
    wanted: FilterDep,
    is_head: HeadDep,
    form: Annotated[ExportFormat, Query(alias="format")] = ExportFormat.NDJSON,
) -> StreamingResponse:
    """Download the whole trail, oldest first; for administrators."""
    name = {"Content-Disposition": f'attachment; filename="audit.{form.value}"'}
    if is_head:
        return head_alone(MEDIA_TYPES[form], name)
    parts = service.export(platform, caller, wanted, form)
    # The first part is made before the reply begins: a database that is away is a plain 503.
    first = await anext(parts, b"")

    async def body() -> AsyncIterator[bytes]:
        yield first
        async for part in parts:
            yield part

    return StreamingResponse(body(), media_type=MEDIA_TYPES[form], headers=name)
