"""Which evaluation is whose, as long as its process lives."""

import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.core.database.sessions import Database
from citewell.core.errors import ConflictError


@asynccontextmanager
async def holding(database: Database, slug: str) -> AsyncGenerator[None, None]:
    """Keep an evaluation's tenant for this process: the lock ends with its connection.

    Raises:
        ConflictError: Another process has it.
    """
    lock = text("SELECT pg_try_advisory_lock(hashtextextended(:key, 0))")
    async with database.owner_connection() as connection:
        if not await connection.scalar(lock, {"key": f"evaluation:{slug}"}):
            raise ConflictError(f"The evaluation {slug} is running.")
        yield


async def evaluation_tenants(session: AsyncSession) -> list[uuid.UUID]:
    """All tenants that evaluations have made, of any process; needs no tenant set."""
    return list(await session.scalars(text("SELECT citewell_evaluation_tenants()")))


async def slug_of(session: AsyncSession, tenant_id: uuid.UUID) -> str | None:
    """The name of the session's tenant."""
    return await session.scalar(text("SELECT slug FROM tenant WHERE id = :id"), {"id": tenant_id})
