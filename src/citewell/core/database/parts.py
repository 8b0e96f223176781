"""Finds rows by a part of their ids, or by a name."""

import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Text, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from citewell.core.database.base import HasId

NameColumn = InstrumentedAttribute[str]
"""Column of the names of rows."""

SHORTEST_PART = 8
"""Fewest characters of the beginning or the end of an id. Shorter ones are words, too."""

MOST_FOUND = 20
"""Rows that are looked at where several fit; more need a longer part anyway."""


def has_part(column: InstrumentedAttribute[uuid.UUID], wanted: str) -> ColumnElement[bool]:
    """Whether an id begins or ends so.

    The beginning of an id is a clock, so that those of one minute begin alike; their ends differ.
    """
    written = cast(column, Text)
    return or_(
        written.startswith(wanted.lower(), autoescape=True),
        written.endswith(wanted.lower(), autoescape=True),
    )


async def ids_named(
    session: AsyncSession,
    table: type[HasId],
    wanted: str,
    names: Sequence[NameColumn] = (),
) -> list[uuid.UUID]:
    """Ids of rows whose id begins or ends so, or that have such a name, oldest first."""
    fits: list[ColumnElement[bool]] = [func.lower(each) == func.lower(wanted) for each in names]
    if len(wanted) >= SHORTEST_PART:
        fits.append(has_part(table.id, wanted))
    if not fits:
        return []
    statement = select(table.id).where(or_(*fits)).order_by(table.id).limit(MOST_FOUND)
    return list(await session.scalars(statement))
