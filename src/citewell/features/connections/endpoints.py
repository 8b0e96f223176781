"""Routes of connections."""

import uuid

from citewell.core.context import unit_of_work
from citewell.features.connections import service
from citewell.features.connections.schemas import (
    ConnectionCreate,
    ConnectionRead,
    ConnectionTest,
    ConnectionUpdate,
)
from citewell.features.http import (
    PRIVATE,
    QUERY,
    Listing,
    PageDep,
    PlatformDep,
    ReaderDep,
    Router,
    WriterDep,
    governed,
    listing,
)

router = Router(policy=PRIVATE, prefix="/connections", tags=["connections"])


@router.get("")
async def list_connections(
    platform: PlatformDep, caller: ReaderDep, request: PageDep
) -> Listing[ConnectionRead]:
    """List connections by name, for managers and administrators; keys are not shown."""
    async with unit_of_work(platform, caller) as ctx:
        page = await service.page(ctx, request)
        return listing(page, page.items)


@router.post("", status_code=201)
async def create_connection(
    platform: PlatformDep, caller: WriterDep, data: ConnectionCreate
) -> ConnectionRead:
    """Make a connection to a model provider; its key is kept encrypted and never shown again."""
    return await service.create(platform, caller, data)


@router.get("/{connection_id}")
async def get_connection(
    platform: PlatformDep, caller: ReaderDep, connection_id: uuid.UUID
) -> ConnectionRead:
    """Show a connection, without its key."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.get(ctx, connection_id)


@router.patch("/{connection_id}")
async def update_connection(
    platform: PlatformDep, caller: WriterDep, connection_id: uuid.UUID, data: ConnectionUpdate
) -> ConnectionRead:
    """Change a connection; questions from now on go the new way, on all nodes."""
    return await service.update(platform, caller, connection_id, data)


@router.delete("/{connection_id}", status_code=204)
async def delete_connection(
    platform: PlatformDep, caller: WriterDep, connection_id: uuid.UUID
) -> None:
    """Remove a connection with its key."""
    async with unit_of_work(platform, caller) as ctx:
        await service.remove(ctx, connection_id)


@router.post("/{connection_id}/test")
@governed(QUERY)
async def test_connection(
    platform: PlatformDep, caller: WriterDep, connection_id: uuid.UUID
) -> ConnectionTest:
    """Try a connection: models, text and how soon it begins, tools, replies of a given shape."""
    return await service.test(platform, caller, connection_id)
