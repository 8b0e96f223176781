"""Routes of analytics."""

import uuid
from datetime import date
from typing import Annotated

from fastapi import Depends, Query, Response

from citewell.core.context import unit_of_work
from citewell.features.analytics import service
from citewell.features.analytics.schemas import (
    Bucket,
    DayRange,
    DocumentKind,
    DocumentsRead,
    FiguresTable,
    PersonRead,
    QuestionKind,
    QuestionsRead,
    Spender,
    SpendersRead,
    SystemRead,
    UsageFiguresRead,
)
from citewell.features.http import (
    PRIVATE,
    HeadDep,
    PlatformDep,
    ReaderDep,
    Router,
    head_alone,
)

router = Router(policy=PRIVATE, prefix="/analytics", tags=["analytics"])


async def _range(
    since: Annotated[date | None, Query(alias="from")] = None,
    until: Annotated[date | None, Query(alias="to")] = None,
) -> DayRange:
    return service.range_of(since, until)


RangeDep = Annotated[DayRange, Depends(_range)]
Limit = Annotated[int, Query(ge=1, le=100)]


@router.get("/usage")
async def get_usage_figures(
    platform: PlatformDep, caller: ReaderDep, wanted: RangeDep, bucket: Bucket = "day"
) -> UsageFiguresRead:
    """Say what happened in a time, by day or month; for managers and above."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.usage_of(ctx, wanted, bucket)


@router.get("/queries")
async def list_frequent_questions(
    platform: PlatformDep,
    caller: ReaderDep,
    wanted: RangeDep,
    kind: QuestionKind = QuestionKind.POPULAR,
    limit: Limit = 20,
) -> QuestionsRead:
    """List the most frequent questions, near-equal ones as one; for managers and above."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.questions(ctx, wanted, kind, limit)


@router.get("/documents")
async def list_cited_documents(
    platform: PlatformDep,
    caller: ReaderDep,
    wanted: RangeDep,
    kind: DocumentKind = DocumentKind.MOST_CITED,
    limit: Limit = 20,
) -> DocumentsRead:
    """List documents you may read by how often they are cited; for managers and above."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.documents(ctx, wanted, kind, limit)


@router.get("/spending")
async def list_spending(
    platform: PlatformDep,
    caller: ReaderDep,
    wanted: RangeDep,
    by: Spender = Spender.USER,
    limit: Limit = 20,
) -> SpendersRead:
    """List questions, tokens and cost by user, group or agent; for managers and above."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.spending(ctx, wanted, by, limit)


@router.get("/users/{user_id}")
async def get_user_figures(
    platform: PlatformDep, caller: ReaderDep, user_id: uuid.UUID, wanted: RangeDep
) -> PersonRead:
    """Say what one user asked and spent, by day; for managers and above."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.person(ctx, user_id, wanted)


@router.get("/system")
async def get_system_figures(
    platform: PlatformDep, caller: ReaderDep, wanted: RangeDep
) -> SystemRead:
    """Say how fast and how whole answers were; for managers and above."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.system(ctx, wanted)


@router.get("/export", response_class=Response)
async def export_figures(
    platform: PlatformDep,
    caller: ReaderDep,
    wanted: RangeDep,
    is_head: HeadDep,
    table: FiguresTable = FiguresTable.USAGE,
) -> Response:
    """Download a table of figures as CSV; for managers and above."""
    name = {"Content-Disposition": f'attachment; filename="{table.value}.csv"'}
    async with unit_of_work(platform, caller) as ctx:
        if is_head:
            await service.require_export(ctx, table)
            return head_alone("text/csv", name)
        written = await service.export(ctx, wanted, table)
    return Response(written, media_type="text/csv", headers=name)
