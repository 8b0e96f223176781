"""Rules of collections on how long documents are kept; whatever is older goes to the trash.

The age of a document is counted from when the version that answers began to answer: at its
publication, when a person returned to it, or when a person took it out of the trash. So a new
version makes a document young, and one that was restored stays for the whole time once more.
Imported documents are as old as their collection here, at most.
"""

import uuid

import structlog
from sqlalchemy.exc import SQLAlchemyError

from citewell.access.policy import Scope
from citewell.core.context import SYSTEM, Caller, Context, unit_of_work
from citewell.core.errors import AppError
from citewell.core.platform import Platform
from citewell.features.collections import service as collections
from citewell.features.trash import repository, service
from citewell.features.trash.schemas import Overdue, RetentionRead

log = structlog.get_logger(__name__)

LISTED = 100
"""Most documents that a preview lists."""

LOOKED_UP = 200
"""Documents asked for at once; each is trashed in a transaction of its own, so that uploads wait
for the tenant's counters no longer than for a person's deletion."""


async def preview(ctx: Context, collection_id: uuid.UUID, keep_days: int | None) -> RetentionRead:
    """Documents that a rule would delete now: that of the collection, or one to be tried.

    Raises:
        CollectionNotFoundError: There is none.
        ForbiddenError: The caller is no administrator.
    """
    collection = await collections.get(ctx, collection_id)
    ctx.actor.require(Scope.ADMIN)
    days = collection.keep_days if keep_days is None else keep_days
    is_final = not await service.minutes_kept(ctx)
    if days is None:
        return RetentionRead(keep_days=None, total=0, is_final=is_final, documents=[])
    total = await repository.count_overdue(ctx.session, collection_id, days)
    access = await ctx.access()
    found = await repository.list_overdue(ctx.session, access, collection_id, days, LISTED)
    return RetentionRead(keep_days=days, total=total, is_final=is_final, documents=found)


async def trash_overdue(platform: Platform) -> None:
    """Move documents of all tenants to the trash that their collections keep no longer."""
    async with platform.database.lookup() as session:
        tenants = await repository.tenants_with_retention(session)
    for tenant_id in tenants:
        caller = Caller(tenant_id, SYSTEM)
        count, last = 0, None
        while found := await _look_up(platform, caller, last):
            last = found[-1]
            for each in found:
                count += await _try(platform, caller, each)
        if count:
            log.info("retention_trashed", tenant_id=str(tenant_id), documents=count)


async def _look_up(platform: Platform, caller: Caller, after: Overdue | None) -> list[Overdue]:
    async with unit_of_work(platform, caller) as ctx:
        return await repository.overdue(ctx.session, LOOKED_UP, after)


async def _try(platform: Platform, caller: Caller, document: Overdue) -> bool:
    """Trash a document; one that cannot be stops none of those behind it."""
    try:
        return await _trash(platform, caller, document)
    except (AppError, SQLAlchemyError) as error:
        log.warning("retention_failed", document_id=str(document.id), reason=type(error).__name__)
        return False


async def _trash(platform: Platform, caller: Caller, document: Overdue) -> bool:
    details = {"reason": "retention", "keep_days": document.keep_days}
    async with unit_of_work(platform, caller) as ctx:
        if not await repository.lock_overdue(ctx.session, document.id):
            return False
        await service.delete(ctx, document.id, {**details, "since": document.since.isoformat()})
    return True
