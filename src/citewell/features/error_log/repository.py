"""Statements of the error log."""

from collections.abc import Sequence

from sqlalchemy import func, select, text, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

import citewell
from citewell.core.error_notes import ErrorNote
from citewell.kit.pagination import Page, PageRequest
from citewell.models.errors import ErrorEvent

_ADD = text("""
INSERT INTO error_event AS e (tenant_id, fingerprint, source, kind, place, example, frames,
  request_id, release, count, of_installation)
VALUES (:tenant_id, :fingerprint, :source, :kind, :place, :example, CAST(:frames AS text[]),
  :request_id, :release, :count, :of_installation)
ON CONFLICT (tenant_id, fingerprint) DO UPDATE SET source = excluded.source,
  place = excluded.place, example = excluded.example, frames = excluded.frames,
  request_id = excluded.request_id, release = excluded.release,
  of_installation = excluded.of_installation, count = e.count + excluded.count, last_at = now()
""")

_FORGET = text("""
DELETE FROM error_event
WHERE tenant_id = :tenant_id AND last_at < now() - make_interval(days => :days)
""")


async def add(session: AsyncSession, notes: Sequence[ErrorNote], keep_days: int) -> bool:
    """Count errors of the tenant, and forget those not seen for so many days.

    False: there is no such tenant any more.
    """
    try:
        async with session.begin_nested():
            await _add(session, notes)
    except IntegrityError:  # the only thing that a row refers to is its tenant
        return False
    values = {"tenant_id": session.info["tenant_id"], "days": keep_days}
    await session.execute(_FORGET, values)
    return True


async def _add(session: AsyncSession, notes: Sequence[ErrorNote]) -> None:
    tenant_id = session.info["tenant_id"]
    # In one order, in which concurrent writers lock them.
    for note in sorted(notes, key=lambda each: each.fingerprint):
        values = {
            "tenant_id": tenant_id,
            "fingerprint": note.fingerprint,
            "source": note.source,
            "kind": note.kind,
            "place": note.place,
            "example": note.example,
            "frames": list(note.frames),
            "request_id": note.request_id,
            "release": citewell.__version__,
            "count": note.count,
            "of_installation": note.tenant_id is None,
        }
        await session.execute(_ADD, values)


async def page(
    session: AsyncSession, request: PageRequest, *, sees_installation: bool
) -> Page[ErrorEvent]:
    """Kinds of errors, seen last first; those of no tenant only if they are asked for."""
    seen = true() if sees_installation else ErrorEvent.of_installation.is_(False)
    total = await session.scalar(select(func.count(ErrorEvent.fingerprint)).where(seen)) or 0
    rows = await session.scalars(
        select(ErrorEvent)
        .where(seen)
        .order_by(ErrorEvent.last_at.desc(), ErrorEvent.fingerprint)
        .offset(request.offset)
        .limit(request.limit)
    )
    return Page(list(rows), request, total)
