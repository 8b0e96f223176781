"""Routes of versions."""

import uuid
from typing import Annotated

from fastapi import Path
from fastapi.responses import PlainTextResponse

from citewell.core.context import unit_of_work
from citewell.features.documents.schemas import DocumentRead
from citewell.features.http import (
    LIBRARY,
    Listing,
    PageDep,
    PlatformDep,
    ReaderDep,
    Router,
    WriterDep,
    listing,
)
from citewell.features.versions import service
from citewell.features.versions.schemas import (
    MAX_INTEGER,
    DiffFormat,
    DiffRead,
    RollbackRequest,
    VersionRead,
)

router = Router(policy=LIBRARY, prefix="/documents/{document_id}", tags=["documents"])

Number = Annotated[int, Path(ge=1, le=MAX_INTEGER)]


@router.get("/versions")
async def list_versions(
    platform: PlatformDep, caller: ReaderDep, document_id: uuid.UUID, request: PageDep
) -> Listing[VersionRead]:
    """List the versions of a document, newest first."""
    async with unit_of_work(platform, caller) as ctx:
        page = await service.page(ctx, document_id, request)
        return listing(page, page.items)


@router.get("/versions/{number}")
async def get_version(
    platform: PlatformDep, caller: ReaderDep, document_id: uuid.UUID, number: Number
) -> VersionRead:
    """Show one version."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.get(ctx, document_id, number)


@router.get(
    "/versions/{number}/diff/{other}",
    response_model=DiffRead,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def diff_versions(
    platform: PlatformDep,
    caller: ReaderDep,
    document_id: uuid.UUID,
    number: Number,
    other: Number,
    format: DiffFormat = DiffFormat.JSON,  # noqa: A002 - the name the API has
) -> DiffRead | PlainTextResponse:
    """Show what changed from one version to the other: words as JSON, or lines as text."""
    if format is DiffFormat.UNIFIED:
        return PlainTextResponse(
            await service.compare_as_text(platform, caller, document_id, number, other)
        )
    return await service.compare(platform, caller, document_id, number, other)


@router.post("/rollback")
async def rollback(
    platform: PlatformDep, caller: WriterDep, document_id: uuid.UUID, data: RollbackRequest
) -> DocumentRead:
    """Let an earlier version answer again; nothing is read or embedded anew."""
    async with unit_of_work(platform, caller) as ctx:
        return (await service.rollback(ctx, document_id, data.version)).read()
