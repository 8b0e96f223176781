"""Documents in the trash: rows of `document` that the database hides from whoever does not ask.

A policy of the database does it (migration 0009): a statement over documents that knows nothing of
the trash treats what is in it as gone, and may neither read, lock nor change it.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_SET = text("SELECT set_config('citewell.trash', :value, true)")


@asynccontextmanager
async def trash_shown(session: AsyncSession) -> AsyncGenerator[None, None]:
    """Show the session what is in the trash, beside everything else, while the block lasts.

    An error leaves it shown: the transaction is to be rolled back then.
    """
    await session.execute(_SET, {"value": "shown"})
    yield
    await session.flush()
    await session.execute(_SET, {"value": ""})
