"""Routes of API keys and tenants."""

import uuid

from citewell.core.context import unit_of_work
from citewell.features.http import (
    PRIVATE,
    AdminDep,
    Listing,
    OperatorDep,
    PageDep,
    PlatformDep,
    ReaderDep,
    Router,
    WriterDep,
    listing,
)
from citewell.features.identity import keys, tenants
from citewell.features.identity.schemas import (
    ApiKeyCreate,
    ApiKeyMade,
    ApiKeyRead,
    TenantCreate,
    TenantDetails,
    TenantMade,
    TenantUpdate,
)

keys_router = Router(policy=PRIVATE, prefix="/auth/api-keys", tags=["API keys"])
router = Router(policy=PRIVATE, prefix="/tenants", tags=["tenants"])


@keys_router.get("")
async def list_api_keys(
    platform: PlatformDep, caller: ReaderDep, request: PageDep
) -> Listing[ApiKeyRead]:
    """List API keys, newest first; for others than administrators their own."""
    async with unit_of_work(platform, caller) as ctx:
        page = await keys.page(ctx, request)
        return listing(page, [ApiKeyRead.model_validate(key) for key in page.items])


@keys_router.post("", status_code=201)
async def create_api_key(
    platform: PlatformDep, caller: WriterDep, data: ApiKeyCreate
) -> ApiKeyMade:
    """Make an API key that acts as you, with scopes you have; it is shown this once."""
    async with unit_of_work(platform, caller) as ctx:
        return await keys.create(ctx, data)


@keys_router.delete("/{key_id}", status_code=204)
async def revoke_api_key(platform: PlatformDep, caller: WriterDep, key_id: uuid.UUID) -> None:
    """Make an API key useless, everywhere within a second."""
    async with unit_of_work(platform, caller) as ctx:
        await keys.revoke(ctx, key_id)


@router.get("")
async def list_tenants(
    platform: PlatformDep, caller: ReaderDep, request: PageDep
) -> Listing[TenantDetails]:
    """List your own tenant; for the operator all."""
    page = await tenants.page(platform, caller, request)
    return listing(page, [TenantDetails.model_validate(tenant) for tenant in page.items])


@router.post("", status_code=201)
async def create_tenant(
    platform: PlatformDep, caller: OperatorDep, data: TenantCreate
) -> TenantMade:
    """Make a tenant, for the operator; the reply holds its first API key, this once."""
    tenant, key = await tenants.create(platform, caller, data)
    shown = TenantDetails.model_validate(tenant).model_dump()
    return TenantMade.model_validate({**shown, "key": key.secret})


@router.get("/{tenant_id}")
async def get_tenant(
    platform: PlatformDep, caller: ReaderDep, tenant_id: uuid.UUID
) -> TenantDetails:
    """Show a tenant; for others than the operator only their own."""
    return TenantDetails.model_validate(await tenants.get(platform, caller, tenant_id))


@router.patch("/{tenant_id}")
async def update_tenant(
    platform: PlatformDep, caller: AdminDep, tenant_id: uuid.UUID, data: TenantUpdate
) -> TenantDetails:
    """Change a tenant: name and registration for its administrators, all for the operator."""
    return TenantDetails.model_validate(await tenants.update(platform, caller, tenant_id, data))


@router.delete("/{tenant_id}", status_code=204)
async def delete_tenant(platform: PlatformDep, caller: OperatorDep, tenant_id: uuid.UUID) -> None:
    """Remove a tenant with everything it has, for the operator."""
    await tenants.delete(platform, caller, tenant_id)
