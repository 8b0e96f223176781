"""The unit of work of PostgreSQL: the session in which the caller's records are written."""

import uuid
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from citewell.core.database.batches import StatementBatch, batch_of
from citewell.indexes.contract import UnitOfWork


@dataclass(frozen=True, slots=True)
class SessionWork:
    """A transaction of one tenant that is open already, as `Database.unit_of_work` gives it."""

    session: AsyncSession

    @property
    def tenant_id(self) -> uuid.UUID:
        """The tenant row-level security is set to."""
        tenant_id: uuid.UUID = self.session.info["tenant_id"]
        return tenant_id


def session_of(work: UnitOfWork) -> AsyncSession:
    """The session of a unit of work.

    Raises:
        TypeError: It is one of another engine.
    """
    if not isinstance(work.session, AsyncSession):
        raise TypeError(f"{type(work.session).__name__} is no session of PostgreSQL")
    return work.session


def batch_in(work: UnitOfWork) -> StatementBatch:
    """The batch of a unit of work, which needs no session.

    Raises:
        TypeError: It is one of another engine.
    """
    if isinstance(work.session, StatementBatch):
        return work.session
    return batch_of(session_of(work))
