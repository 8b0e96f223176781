"""Documents in the trash: rows of `document` that the database shows on request only.

This is a policy of the database (migration 0009): a statement over documents that knows nothing of
the trash cannot read, lock or change rows in it.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.kit.ids import uuid7

IMPORTING = datetime(2999, 1, 1, tzinfo=UTC)
"""When documents of an import count as deleted until all of it is there: so they are hidden by the
policy of the trash, and no purge, of older processes neither, finds them old enough."""

_SET = text("SELECT set_config('citewell.trash', :value, true)")


@asynccontextmanager
async def trash_shown(session: AsyncSession) -> AsyncGenerator[None, None]:
    """Show the session the documents in the trash, beside all others, while the block lasts.

    After an error they stay visible, as the transaction has to be rolled back anyway.
    """
    # Local to the transaction (the third argument is true), so a pooled connection never carries it
    # on.
    await session.execute(_SET, {"value": "shown"})
    yield
    # Pending changes of documents in the trash must reach the database while it shows them.
    await session.flush()
    await session.execute(_SET, {"value": ""})


def unseen_name() -> str:
    """A name for a collection that nobody sees: names are unique, and this one is nobody's."""
    return f"discarded {uuid7()}"
