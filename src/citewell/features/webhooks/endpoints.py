"""Routes of webhooks."""

import uuid

from citewell.core.context import unit_of_work
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
from citewell.features.webhooks import service
from citewell.features.webhooks.schemas import (
    DeliveryRead,
    WebhookChanged,
    WebhookCreate,
    WebhookRead,
    WebhookUpdate,
)

router = Router(policy=PRIVATE, prefix="/webhooks", tags=["webhooks"])


@router.get("")
async def list_webhooks(
    platform: PlatformDep, caller: ReaderDep, request: PageDep
) -> Listing[WebhookRead]:
    """List your webhooks by name, for managers; for administrators all."""
    async with unit_of_work(platform, caller) as ctx:
        page = await service.page(ctx, request)
        return listing(page, page.items)


@router.post("", status_code=201)
async def create_webhook(
    platform: PlatformDep, caller: WriterDep, data: WebhookCreate
) -> WebhookChanged:
    """Make a webhook that hears what you may read; its secret is shown this once."""
    return await service.create(platform, caller, data)


@router.get("/{webhook_id}")
async def get_webhook(
    platform: PlatformDep, caller: ReaderDep, webhook_id: uuid.UUID
) -> WebhookRead:
    """Show a webhook, without its secret."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.get(ctx, webhook_id)


@router.patch("/{webhook_id}")
async def update_webhook(
    platform: PlatformDep, caller: WriterDep, webhook_id: uuid.UUID, data: WebhookUpdate
) -> WebhookChanged:
    """Change a webhook or its secret; who changes `url` or `events` becomes its owner."""
    return await service.update(platform, caller, webhook_id, data)


@router.delete("/{webhook_id}", status_code=204)
async def delete_webhook(platform: PlatformDep, caller: WriterDep, webhook_id: uuid.UUID) -> None:
    """Remove a webhook with its log."""
    async with unit_of_work(platform, caller) as ctx:
        await service.remove(ctx, webhook_id)


@router.get("/{webhook_id}/deliveries")
async def list_webhook_deliveries(
    platform: PlatformDep, caller: ReaderDep, webhook_id: uuid.UUID, request: PageDep
) -> Listing[DeliveryRead]:
    """List what a webhook was told of in the last 30 days, newest first."""
    async with unit_of_work(platform, caller) as ctx:
        page = await service.deliveries(ctx, webhook_id, request)
        return listing(page, page.items)


@router.post("/{webhook_id}/deliveries/{delivery_id}/replay", status_code=202)
async def replay_webhook_delivery(
    platform: PlatformDep, caller: WriterDep, webhook_id: uuid.UUID, delivery_id: uuid.UUID
) -> DeliveryRead:
    """Tell of an event again, with what the owner may read now."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.replay(ctx, webhook_id, delivery_id)
