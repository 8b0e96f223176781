"""The stamp by which a question knows whether settings that are remembered still hold."""

from citewell.core.caching.cache import Cache
from citewell.core.context import Caller
from citewell.core.database.stamps import LibraryStamp
from citewell.core.platform import Platform


async def stamp_of(platform: Platform, caller: Caller) -> LibraryStamp:
    """The stamp that was read for the caller's question; the present one where none was.

    Raises:
        sqlalchemy.exc.DBAPIError: The database does not answer.
    """
    if caller.stamp is not None:
        return caller.stamp
    return await platform.state_of(Cache).stamps.current(platform.database, caller.tenant_id)
