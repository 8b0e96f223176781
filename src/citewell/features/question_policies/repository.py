"""Statements of a tenant's rules on questions."""

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.models.tenancy import Tenant


async def stored(session: AsyncSession, tenant_id: uuid.UUID) -> dict[str, Any] | None:
    """The rules as they are kept, empty where the tenant has none; None: there is no tenant."""
    return await session.scalar(select(Tenant.question_policy).where(Tenant.id == tenant_id))


async def lock(session: AsyncSession, tenant_id: uuid.UUID) -> Tenant | None:
    """The tenant, locked against other changes until the transaction ends."""
    statement = select(Tenant).where(Tenant.id == tenant_id).with_for_update(key_share=True)
    return await session.scalar(statement, execution_options={"populate_existing": True})


async def store(session: AsyncSession, tenant: Tenant, rules: dict[str, Any]) -> None:
    """Write the rules."""
    tenant.question_policy = rules
    await session.flush()
