"""Routes of stored answers and of feedback."""

import uuid
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Query
from fastapi.responses import StreamingResponse

from citewell.core.context import unit_of_work
from citewell.features.http import (
    PRIVATE,
    QUERY,
    HeadDep,
    Listing,
    PageDep,
    PlatformDep,
    ReaderDep,
    Router,
    WriterDep,
    governed,
    head_alone,
    listing,
)
from citewell.features.queries import replaying, service
from citewell.features.queries.schemas import (
    FeedbackCreate,
    FeedbackRead,
    Only,
    QueryFilter,
    QuerySummary,
    ReplayRead,
    StoredAnswer,
)
from citewell.kit.moments import Moment

router = Router(policy=PRIVATE, tags=["queries"])


async def _filter(
    only: Only | None = None,
    user_id: uuid.UUID | None = None,
    since: Annotated[Moment | None, Query(alias="from")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
) -> QueryFilter:
    return QueryFilter(only, user_id, since, until)


FilterDep = Annotated[QueryFilter, Depends(_filter)]


@router.get("/queries")
async def list_queries(
    platform: PlatformDep, caller: ReaderDep, request: PageDep, wanted: FilterDep
) -> Listing[QuerySummary]:
    """List one's own questions, newest first; for managers and above those of everybody."""
    async with unit_of_work(platform, caller) as ctx:
        page = await service.page(ctx, wanted, request)
        return listing(page, page.items)


@router.get("/queries/export", response_class=StreamingResponse)
async def export_queries(
    platform: PlatformDep, caller: ReaderDep, wanted: FilterDep, is_head: HeadDep
) -> StreamingResponse:
    """Download the same questions as CSV, oldest first."""
    name = {"Content-Disposition": 'attachment; filename="questions.csv"'}
    if is_head:
        return head_alone("text/csv", name)
    parts = service.export(platform, caller, wanted)
    # The first part is made before the reply begins: a database that is away is a plain 503.
    first = await anext(parts, b"")

    async def body() -> AsyncIterator[bytes]:
        yield first
        async for part in parts:
            yield part

    return StreamingResponse(body(), media_type="text/csv", headers=name)


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
