"""Statements of a tenant's rules on questions."""

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.core.database.sessions import Database
from citewell.core.database.stamps import NO_TENANT, STAMPS, LibraryStamp, stamps_in
from citewell.models.tenancy import Tenant

_RULES = "SELECT question_policy FROM tenant WHERE id = :tenant_id"


async def stamped(database: Database, tenant_id: uuid.UUID) -> tuple[LibraryStamp, dict[str, Any]]:
    """The stamp of a tenant's library, and the rules as of it or later, in one round trip.

    Args:
        database: Has both.
        tenant_id: The tenant; of one that is not there the rules are empty.
    """
    # The stamp first: rules that are newer than it are read once more, older ones would stay.
    statements = [(STAMPS, {"tenants": [tenant_id]}), (_RULES, {"tenant_id": tenant_id})]
    stamps, rules = await database.ask_for(tenant_id, statements)
    stored: dict[str, Any] = rules[0][0] if rules else {}
    return stamps_in(stamps).get(tenant_id, NO_TENANT), stored


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
