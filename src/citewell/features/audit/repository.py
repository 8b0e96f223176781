"""Statements of the audit trail."""

from sqlalchemy.ext.asyncio import AsyncSession

from citewell.models.records import AuditEvent


async def add(session: AsyncSession, event: AuditEvent) -> None:
    """Insert an event."""
    session.add(event)
    await session.flush()
