"""Routes of deletion and of the trash."""

import uuid
from typing import Annotated

from fastapi import Query

from citewell.core.context import unit_of_work
from citewell.features.collections.schemas import KeepDays
from citewell.features.documents.schemas import DocumentRead
from citewell.features.http import (
    PRIVATE,
    Listing,
    PageDep,
    PlatformDep,
    ReaderDep,
    Router,
    WriterDep,
    listing,
)
from citewell.features.trash import retention, service
from citewell.features.trash.schemas import RetentionRead, TrashedRead

router = Router(policy=PRIVATE, prefix="/documents", tags=["documents"])
collections_router = Router(policy=PRIVATE, prefix="/collections", tags=["collections"])


@router.get("/trash")
async def list_trash(
    platform: PlatformDep, caller: ReaderDep, request: PageDep
) -> Listing[TrashedRead]:
    """List deleted documents that can be restored, deleted last first."""
    async with unit_of_work(platform, caller) as ctx:
        page = await service.page(ctx, request)
        return listing(page, page.items)


@router.delete("/trash/{document_id}", status_code=204)
async def purge_document(platform: PlatformDep, caller: WriterDep, document_id: uuid.UUID) -> None:
    """Remove a deleted document for good, before its time in the trash is over."""
    async with unit_of_work(platform, caller) as ctx:
        await service.purge(ctx, document_id)


@router.delete("/{document_id}", status_code=204)
async def delete_document(platform: PlatformDep, caller: WriterDep, document_id: uuid.UUID) -> None:
    """Delete a document with all its versions; it can be restored for some minutes."""
    async with unit_of_work(platform, caller) as ctx:
        await service.delete(ctx, document_id)


@router.post("/{document_id}/restore")
async def restore_document(
    platform: PlatformDep, caller: WriterDep, document_id: uuid.UUID
) -> DocumentRead:
    """Bring a deleted document back as it was."""
    async with unit_of_work(platform, caller) as ctx:
        return (await service.restore(ctx, document_id)).read()


@collections_router.get("/{collection_id}/retention")
async def preview_retention(
    platform: PlatformDep,
    caller: ReaderDep,
    collection_id: uuid.UUID,
    keep_days: Annotated[
        KeepDays | None, Query(description="A rule to try; the collection's own unless given.")
    ] = None,
) -> RetentionRead:
    """Show which documents of a collection a rule of retention would delete now."""
    async with unit_of_work(platform, caller) as ctx:
        return await retention.preview(ctx, collection_id, keep_days)
