"""Routes of stored answers and of feedback."""

import uuid

from citewell.core.context import unit_of_work
from citewell.features.http import (
    PRIVATE,
    QUERY,
    Listing,
    PageDep,
    PlatformDep,
    ReaderDep,
    Router,
    WriterDep,
    governed,
    listing,
)
from citewell.features.queries import replaying, service
from citewell.features.queries.schemas import (
    FeedbackCreate,
    FeedbackRead,
    Only,
    QuerySummary,
    ReplayRead,
    StoredAnswer,
)

router = Router(policy=PRIVATE, tags=["queries"])


@router.get("/queries")
async def list_queries(
    platform: PlatformDep, caller: ReaderDep, request: PageDep, only: Only | None = None
) -> Listing[QuerySummary]:
    """List one's own questions, newest first; for managers and above those of everybody."""
    async with unit_of_work(platform, caller) as ctx:
        page = await service.page(ctx, only, request)
        return listing(page, page.items)


@router.get("/queries/{query_id}")
async def get_query(platform: PlatformDep, caller: ReaderDep, query_id: uuid.UUID) -> StoredAnswer:
    """Show a stored answer, without what the caller may not read now."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.get(ctx, query_id)


@router.post("/queries/{query_id}/replay")
@governed(QUERY)
async def replay_query(platform: PlatformDep, caller: ReaderDep, query_id: uuid.UUID) -> ReplayRead:
    """Ask a stored question again: what would be different today, and why."""
    return await replaying.replay(platform, caller, query_id)


@router.post("/feedback")
async def give_feedback(
    platform: PlatformDep, caller: WriterDep, data: FeedbackCreate
) -> FeedbackRead:
    """Rate an answer from 1 to 5; a further rating replaces the former."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.rate(ctx, data)
