"""Statements that write messages."""

import uuid

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.models.notices import Notice, NoticeKind, NoticeStatus


async def add(session: AsyncSession, notice: Notice) -> None:
    """Insert a message."""
    session.add(notice)
    await session.flush()


async def is_waiting(session: AsyncSession, user_id: uuid.UUID, kind: NoticeKind) -> bool:
    """Whether a message of that kind to a user waits for its first attempt."""
    found = exists().where(
        Notice.user_id == user_id,
        Notice.kind == kind,
        Notice.status == NoticeStatus.PENDING,
        Notice.attempts == 0,
    )
    return bool(await session.scalar(select(found)))
