"""Routes of boxes on other sites."""

import uuid

from citewell.core.context import unit_of_work
from citewell.features.embeds import service
from citewell.features.embeds.schemas import (
    BoxAnswer,
    BoxQuestion,
    BoxRead,
    EmbedCreate,
    EmbedRead,
    EmbedUpdate,
)
from citewell.features.http import (
    PRIVATE,
    PUBLIC,
    AdminDep,
    Listing,
    PageDep,
    PlatformDep,
    Router,
    listing,
)

router = Router(policy=PRIVATE, prefix="/embeds", tags=["embeds"])
public_router = Router(policy=PUBLIC, prefix="/boxes", tags=["embeds"])


@router.get("")
async def list_embeds(
    platform: PlatformDep, caller: AdminDep, request: PageDep
) -> Listing[EmbedRead]:
    """List the boxes on other sites, by name."""
    async with unit_of_work(platform, caller) as ctx:
        page = await service.page(ctx, request)
        return listing(page, page.items)


@router.post("", status_code=201)
async def create_embed(platform: PlatformDep, caller: AdminDep, data: EmbedCreate) -> EmbedRead:
    """Make a box in which visitors of other sites ask about public documents."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.create(ctx, data)


@router.get("/{embed_id}")
async def get_embed(platform: PlatformDep, caller: AdminDep, embed_id: uuid.UUID) -> EmbedRead:
    """Show a box."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.get(ctx, embed_id)


@router.patch("/{embed_id}")
async def update_embed(
    platform: PlatformDep, caller: AdminDep, embed_id: uuid.UUID, data: EmbedUpdate
) -> EmbedRead:
    """Change a box, or turn it off."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.update(ctx, embed_id, data)


@router.delete("/{embed_id}", status_code=204)
async def delete_embed(platform: PlatformDep, caller: AdminDep, embed_id: uuid.UUID) -> None:
    """Remove a box; pages that still name it show none."""
    async with unit_of_work(platform, caller) as ctx:
        await service.remove(ctx, embed_id)


@public_router.get("/{token}")
async def get_box(platform: PlatformDep, token: str) -> BoxRead:
    """Show a box to its visitors; no credential is needed."""
    return await service.box(platform, token)


@public_router.post("/{token}/ask")
async def ask_box(platform: PlatformDep, token: str, data: BoxQuestion) -> BoxAnswer:
    """Answer a visitor from public documents; no credential is needed."""
    return await service.ask(platform, token, data)
