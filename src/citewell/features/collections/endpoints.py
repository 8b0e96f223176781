"""Routes of collections."""

import uuid

from citewell.core.context import unit_of_work
from citewell.features.collections import service
from citewell.features.collections.schemas import (
    CollectionCreate,
    CollectionListed,
    CollectionRead,
    CollectionUpdate,
)
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

router = Router(policy=LIBRARY, prefix="/collections", tags=["collections"])


@router.get("")
async def list_collections(
    platform: PlatformDep, caller: ReaderDep, request: PageDep
) -> Listing[CollectionListed]:
    """List collections by name, each with the number of documents in it that the caller reads."""
    async with unit_of_work(platform, caller) as ctx:
        page = await service.page(ctx, request)
        held = await service.documents_in(ctx, [item.id for item in page.items])
        shown = [CollectionRead.model_validate(item).model_dump() for item in page.items]
        items = [CollectionListed(**item, documents=held.get(item["id"], 0)) for item in shown]
        return listing(page, items)


@router.post("", status_code=201)
async def create_collection(
    platform: PlatformDep, caller: WriterDep, data: CollectionCreate
) -> CollectionRead:
    """Make a collection."""
    async with unit_of_work(platform, caller) as ctx:
        return CollectionRead.model_validate(await service.create(ctx, data))


@router.get("/{collection_id}")
async def get_collection(
    platform: PlatformDep, caller: ReaderDep, collection_id: uuid.UUID
) -> CollectionRead:
    """Show a collection."""
    async with unit_of_work(platform, caller) as ctx:
        return CollectionRead.model_validate(await service.get(ctx, collection_id))


@router.patch("/{collection_id}")
async def update_collection(
    platform: PlatformDep, caller: WriterDep, collection_id: uuid.UUID, data: CollectionUpdate
) -> CollectionRead:
    """Change name, description or chunking; new chunking is for documents ingested from now on."""
    async with unit_of_work(platform, caller) as ctx:
        return CollectionRead.model_validate(await service.update(ctx, collection_id, data))


@router.delete("/{collection_id}", status_code=204)
async def delete_collection(
    platform: PlatformDep, caller: WriterDep, collection_id: uuid.UUID
) -> None:
    """Remove an empty collection."""
    async with unit_of_work(platform, caller) as ctx:
        await service.delete(ctx, collection_id)
