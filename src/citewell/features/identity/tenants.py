"""Tenants as their administrators and the operator see and change them."""

import uuid
from dataclasses import replace

from citewell.access.policy import Scope
from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.features.audit import service as audit
from citewell.features.identity import repository, service
from citewell.features.identity.errors import DefaultTenantError, TenantNotFoundError
from citewell.features.identity.schemas import NewApiKey, TenantCreate, TenantUpdate
from citewell.features.usage import service as usage
from citewell.kit.pagination import Page, PageRequest
from citewell.models.tenancy import Tenant

OWN_FIELDS = {
    "name", "has_open_registration", "answer_days", "conversation_days", "verifier", "prompts",
    "query_rewriting", "redaction", "has_cache", "second_factor_for", "trash_days",
    "question_log", "log_redaction", "language",
}  # fmt: skip
"""Fields that a tenant's administrators may change; the others are changed by the operator."""

NULLABLE = (
    "region", "answer_days", "conversation_days", "trash_days", "verifier", "query_rewriting",
)  # fmt: skip


async def page(platform: Platform, caller: Caller, request: PageRequest) -> Page[Tenant]:
    """The caller's own tenant; for the operator all, oldest first."""
    if Scope.OPERATOR not in caller.actor.scopes:
        own = await get(platform, caller, caller.tenant_id)
        return Page([own][request.offset : request.offset + request.limit], request, 1)
    async with platform.database.unit_of_work(None) as session:
        ids = await repository.tenant_ids(session, request)
    found: list[Tenant] = []
    # One transaction per tenant: row-level security shows a session the rows of one tenant.
    for tenant_id in ids.items:
        async with unit_of_work(platform, replace(caller, tenant_id=tenant_id)) as ctx:
            tenant = await repository.tenant(ctx.session, tenant_id)
        if tenant is not None:
            found.append(tenant)
    return Page(found, request, ids.total)


async def get(platform: Platform, caller: Caller, tenant_id: uuid.UUID) -> Tenant:
    """A tenant; for others than the operator only their own.

    Raises:
        TenantNotFoundError: There is none, or not for this caller.
    """
    async with unit_of_work(platform, _inside(caller, tenant_id)) as ctx:
        tenant = await repository.tenant(ctx.session, tenant_id)
    if tenant is None:
        raise TenantNotFoundError(tenant_id)
    return tenant


async def find(platform: Platform, slug: str) -> uuid.UUID:
    """The id of a tenant, suspended ones too; for the operator.

    Raises:
        TenantNotFoundError: There is none of that name.
    """
    async with platform.database.unit_of_work(None) as session:
        tenant_id = await repository.tenant_id_named(session, slug)
    if tenant_id is None:
        raise TenantNotFoundError(slug)
    return tenant_id


async def create(
    platform: Platform, caller: Caller, data: TenantCreate
) -> tuple[Tenant, NewApiKey]:
    """Make a tenant; returns it with its first key.

    Raises:
        ForbiddenError: The caller is not the operator.
        UnknownPlanError: There is no such plan, or a limit is none.
        TenantExistsError: The slug is taken.
    """
    caller.actor.require(Scope.OPERATOR)
    usage.check_plan(data.plan, data.limits)
    made = await service.create_tenant(platform, **data.model_dump())
    tenant = await get(platform, caller, await find(platform, data.slug))
    return tenant, made


async def update(
    platform: Platform, caller: Caller, tenant_id: uuid.UUID, data: TenantUpdate
) -> Tenant:
    """Change a tenant; suspending it ends all its sessions with the transaction.

    Raises:
        TenantNotFoundError: There is none, or not for this caller.
        ForbiddenError: The caller is no administrator, or only the operator changes this.
        UnknownPlanError: There is no such plan, or a limit is none.
        DefaultTenantError: It cannot be suspended.
    """
    async with unit_of_work(platform, _inside(caller, tenant_id)) as ctx:
        ctx.actor.require(Scope.ADMIN)
        changes: dict[str, object] = {
            name: value
            for name, value in data.model_dump(exclude_unset=True).items()
            # Null clears these; no other column can be null, so there it means unchanged.
            if value is not None or name in NULLABLE
        }
        if changes.keys() - OWN_FIELDS:
            ctx.actor.require(Scope.OPERATOR)
        tenant = await repository.lock_tenant(ctx.session, tenant_id)
        if tenant is None:
            raise TenantNotFoundError(tenant_id)
        await _change(ctx, tenant, changes)
        await repository.save_tenant(ctx.session, tenant)
    return tenant


async def _change(ctx: Context, tenant: Tenant, changes: dict[str, object]) -> None:
    changed = sorted(name for name, value in changes.items() if getattr(tenant, name) != value)
    if "status" in changed and changes["status"] == "suspended":
        if tenant.slug == service.DEFAULT_TENANT:
            raise DefaultTenantError
        # Access tokens carry this number and stop working with it; refresh tokens are rows and are
        # revoked one by one.
        tenant.session_version += 1
        await repository.end_sessions(ctx.session)
    for name in changed:
        setattr(tenant, name, changes[name])
    if "plan" in changed or "limits" in changed:
        usage.check_plan(tenant.plan, tenant.limits)
    if changed:
        details = {name: changes[name] for name in changed if name not in ("name", "prompts")}
        await audit.record(
            ctx,
            "tenant.updated",
            object_kind="tenant",
            object_id=tenant.id,
            details={"fields": changed, **details},
        )


async def delete(platform: Platform, caller: Caller, tenant_id: uuid.UUID) -> None:
    """Remove a tenant with everything it has; noted in the operator's own trail beforehand.

    Raises:
        ForbiddenError: The caller is not the operator.
        TenantNotFoundError: There is none.
        DefaultTenantError: It has to stay.
    """
    caller.actor.require(Scope.OPERATOR)
    tenant = await get(platform, caller, tenant_id)
    if tenant.slug == service.DEFAULT_TENANT:
        raise DefaultTenantError
    # A transaction of its own in the operator's tenant: the deleted one takes its trail with it.
    async with unit_of_work(platform, caller) as ctx:
        await audit.record(
            ctx, "tenant.deletion_ordered", object_kind="tenant", object_id=tenant_id
        )
    await service.delete_tenant(platform, tenant_id)


def _inside(caller: Caller, tenant_id: uuid.UUID) -> Caller:
    """The caller acting in a tenant that they may see.

    Raises:
        TenantNotFoundError: It is not.
    """
    if tenant_id != caller.tenant_id and Scope.OPERATOR not in caller.actor.scopes:
        raise TenantNotFoundError(tenant_id)
    return replace(caller, tenant_id=tenant_id)
