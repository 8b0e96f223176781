"""Finds rows by a part of their ids, or by a name."""

import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Text, cast, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from citewell.core.database.base import HasId

NameColumn = InstrumentedAttribute[str]
"""Column of the names of rows."""

RowFilter = ColumnElement[bool]
"""Predicate on the rows of a table."""

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
    seen: RowFilter | None = None,
) -> list[uuid.UUID]:
    """Ids of rows whose id begins or ends so, or that have such a name, oldest first.

    Only rows that `seen` lets through count among the `MOST_FOUND`: others hide none of them.
    """
    fits: list[ColumnElement[bool]] = [func.lower(each) == func.lower(wanted) for each in names]
    if len(wanted) >= SHORTEST_PART:
        fits.append(has_part(table.id, wanted))
    if not fits:
        return []
    statement = select(table.id).where(or_(*fits), true() if seen is None else seen)
    statement = statement.order_by(table.id).limit(MOST_FOUND)
    return list(await session.scalars(statement))
