"""Routes of jobs."""

import uuid
from typing import Annotated

from fastapi import Query

from citewell.core.context import unit_of_work
from citewell.features.http import (
    PRIVATE,
    Listing,
    PageDep,
    PlatformDep,
    ReaderDep,
    Router,
    WriterDep,
    listing,
)
from citewell.features.jobs import service
from citewell.features.jobs.schemas import JobRead
from citewell.kit.storable import StorableText
from citewell.models.work import JobStatus

router = Router(policy=PRIVATE, prefix="/jobs", tags=["jobs"])


@router.get("")
async def list_jobs(
    platform: PlatformDep,
    caller: ReaderDep,
    request: PageDep,
    status: JobStatus | None = None,
    document_id: uuid.UUID | None = None,
    kind: Annotated[StorableText | None, Query(max_length=100)] = None,
) -> Listing[JobRead]:
    """List jobs of documents the caller may read, newest first."""
    async with unit_of_work(platform, caller) as ctx:
        page = await service.page(ctx, request, status=status, document_id=document_id, kind=kind)
        return listing(page, [state.read() for state in page.items])


@router.get("/{job_id}")
async def get_job(platform: PlatformDep, caller: ReaderDep, job_id: uuid.UUID) -> JobRead:
    """Show a job and its progress."""
    async with unit_of_work(platform, caller) as ctx:
        return (await service.get(ctx, job_id)).read()


@router.post("/{job_id}/cancel")
async def cancel_job(platform: PlatformDep, caller: WriterDep, job_id: uuid.UUID) -> JobRead:
    """Cancel a job that is not finished; its partial results are removed."""
    async with unit_of_work(platform, caller) as ctx:
        return (await service.cancel(ctx, job_id)).read()


@router.post("/{job_id}/retry", status_code=202)
async def retry_job(platform: PlatformDep, caller: WriterDep, job_id: uuid.UUID) -> JobRead:
    """Queue a failed or cancelled job again."""
    async with unit_of_work(platform, caller) as ctx:
        return (await service.retry(ctx, job_id)).read()
