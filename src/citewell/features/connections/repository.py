"""Statements of connections."""

import uuid
from collections.abc import Mapping

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.access.policy import Role
from citewell.features.connections.schemas import OpenableConnection
from citewell.kit.pagination import Page, PageRequest
from citewell.models.connections import ModelConnection
from citewell.models.tenancy import Tenant


async def page(session: AsyncSession, request: PageRequest) -> Page[ModelConnection]:
    """Connections by name."""
    statement = select(ModelConnection)
    total = await session.scalar(statement.with_only_columns(func.count(ModelConnection.id))) or 0
    part = statement.order_by(func.lower(ModelConnection.name), ModelConnection.id)
    rows = await session.scalars(part.offset(request.offset).limit(request.limit))
    return Page(list(rows), request, total)


async def count(session: AsyncSession) -> int:
    """How many there are."""
    return await session.scalar(select(func.count(ModelConnection.id))) or 0


async def by_id(session: AsyncSession, connection_id: uuid.UUID) -> ModelConnection | None:
    """The connection."""
    return await session.scalar(select(ModelConnection).where(ModelConnection.id == connection_id))


async def lock(session: AsyncSession, connection_id: uuid.UUID) -> ModelConnection | None:
    """The connection, locked against other changes until the transaction ends."""
    found = select(ModelConnection).where(ModelConnection.id == connection_id).with_for_update()
    return await session.scalar(found, execution_options={"populate_existing": True})


async def add(session: AsyncSession, values: Mapping[str, object]) -> ModelConnection | None:
    """The connection just inserted; None if its name is taken."""
    statement = insert(ModelConnection).values(values).on_conflict_do_nothing()
    return await session.scalar(statement.returning(ModelConnection))


async def save(session: AsyncSession, connection: ModelConnection) -> bool:
    """Write what was changed; False if the new name is taken."""
    try:
        # A savepoint: a name that is taken must not end the caller's transaction.
        async with session.begin_nested():
            await session.flush([connection])
    except IntegrityError:
        return False
    await session.refresh(connection)
    return True


async def remove(session: AsyncSession, connection_id: uuid.UUID) -> bool:
    """Delete a connection with its key; False if there is none."""
    statement = delete(ModelConnection).where(ModelConnection.id == connection_id)
    gone = await session.scalars(statement.returning(ModelConnection.id))
    return gone.one_or_none() is not None


async def openable(session: AsyncSession) -> tuple[OpenableConnection, ...]:
    """The active connections of the tenant, in the order they are asked."""
    statement = select(ModelConnection).where(ModelConnection.is_active.is_(True))
    ordered = statement.order_by(ModelConnection.priority, ModelConnection.id)
    return tuple(openable_of(row) for row in await session.scalars(ordered))


async def hides_personal_data(session: AsyncSession, tenant_id: uuid.UUID) -> bool:
    """Whether the tenant's model providers are not told personal data."""
    found = await session.scalar(select(Tenant.redaction).where(Tenant.id == tenant_id))
    return found == "personal"


def openable_of(row: ModelConnection) -> OpenableConnection:
    """A connection as it is opened."""
    return OpenableConnection(
        id=row.id,
        tenant_id=row.tenant_id,
        revision=row.revision,
        name=row.name,
        provider=row.provider,
        model=row.model,
        base_url=row.base_url,
        sealed_key=row.sealed_key,
        key_id=row.key_id,
        uses=frozenset(row.uses),
        min_role=Role(row.min_role),
    )
