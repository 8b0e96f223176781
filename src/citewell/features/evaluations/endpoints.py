"""Routes of evaluations; all are for those who may read every document."""

import uuid
from typing import Annotated

from fastapi import Query

from citewell.core.context import unit_of_work
from citewell.features.evaluations import comparing, datasets, generations, running
from citewell.features.evaluations.schemas import (
    CaseCreate,
    CaseFilter,
    CaseOrigin,
    CaseRead,
    CaseUpdate,
    DatasetCreate,
    DatasetRead,
    DatasetUpdate,
    GenerationCreate,
    GenerationRead,
    ResultRead,
    RunComparison,
    RunCreate,
    RunRead,
)
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

router = Router(policy=PRIVATE, prefix="/evaluations", tags=["evaluations"])

Tolerance = Annotated[float, Query(ge=0, le=1)]


@router.get("/datasets")
async def list_datasets(
    platform: PlatformDep, caller: ReaderDep, request: PageDep
) -> Listing[DatasetRead]:
    """List datasets by name."""
    async with unit_of_work(platform, caller) as ctx:
        page = await datasets.page(ctx, request)
        return listing(page, page.items)


@router.post("/datasets", status_code=201)
async def create_dataset(
    platform: PlatformDep, caller: WriterDep, data: DatasetCreate
) -> DatasetRead:
    """Make an empty dataset."""
    async with unit_of_work(platform, caller) as ctx:
        return await datasets.create(ctx, data)


@router.get("/datasets/{dataset_id}")
async def get_dataset(
    platform: PlatformDep, caller: ReaderDep, dataset_id: uuid.UUID
) -> DatasetRead:
    """Show a dataset."""
    async with unit_of_work(platform, caller) as ctx:
        return await datasets.get(ctx, dataset_id)


@router.patch("/datasets/{dataset_id}")
async def update_dataset(
    platform: PlatformDep, caller: WriterDep, dataset_id: uuid.UUID, data: DatasetUpdate
) -> DatasetRead:
    """Change a dataset's name or description."""
    async with unit_of_work(platform, caller) as ctx:
        return await datasets.update(ctx, dataset_id, data)


@router.delete("/datasets/{dataset_id}", status_code=204)
async def delete_dataset(platform: PlatformDep, caller: WriterDep, dataset_id: uuid.UUID) -> None:
    """Remove a dataset with its cases and runs."""
    async with unit_of_work(platform, caller) as ctx:
        await datasets.delete(ctx, dataset_id)


@router.get("/datasets/{dataset_id}/cases")
async def list_cases(
    platform: PlatformDep,
    caller: ReaderDep,
    dataset_id: uuid.UUID,
    request: PageDep,
    origin: CaseOrigin | None = None,
    is_reviewed: bool | None = None,
) -> Listing[CaseRead]:
    """List the questions of a dataset, oldest first."""
    async with unit_of_work(platform, caller) as ctx:
        only = CaseFilter(origin=origin, is_reviewed=is_reviewed)
        page = await datasets.cases(ctx, dataset_id, only, request)
        return listing(page, page.items)


@router.post("/datasets/{dataset_id}/cases", status_code=201)
async def create_case(
    platform: PlatformDep, caller: WriterDep, dataset_id: uuid.UUID, data: CaseCreate
) -> CaseRead:
    """Add a question; with `query_id` made from a stored answer or from its feedback."""
    async with unit_of_work(platform, caller) as ctx:
        return await datasets.add_case(ctx, dataset_id, data)


@router.patch("/datasets/{dataset_id}/cases/{case_id}")
async def update_case(
    platform: PlatformDep,
    caller: WriterDep,
    dataset_id: uuid.UUID,
    case_id: uuid.UUID,
    data: CaseUpdate,
) -> CaseRead:
    """Change a question."""
    async with unit_of_work(platform, caller) as ctx:
        return await datasets.update_case(ctx, dataset_id, case_id, data)


@router.delete("/datasets/{dataset_id}/cases/{case_id}", status_code=204)
async def delete_case(
    platform: PlatformDep, caller: WriterDep, dataset_id: uuid.UUID, case_id: uuid.UUID
) -> None:
    """Remove a question; finished runs keep its results."""
    async with unit_of_work(platform, caller) as ctx:
        await datasets.delete_case(ctx, dataset_id, case_id)


@router.post("/datasets/{dataset_id}/generations", status_code=202)
async def create_generation(
    platform: PlatformDep, caller: WriterDep, dataset_id: uuid.UUID, data: GenerationCreate
) -> GenerationRead:
    """Begin to make cases from documents; they wait for a review."""
    async with unit_of_work(platform, caller) as ctx:
        return await generations.begin(ctx, dataset_id, data)


@router.get("/datasets/{dataset_id}/generations/{generation_id}")
async def get_generation(
    platform: PlatformDep, caller: ReaderDep, dataset_id: uuid.UUID, generation_id: uuid.UUID
) -> GenerationRead:
    """Show how many cases a generation has made so far."""
    async with unit_of_work(platform, caller) as ctx:
        return await generations.get(ctx, dataset_id, generation_id)


@router.get("/runs")
async def list_runs(
    platform: PlatformDep, caller: ReaderDep, request: PageDep, dataset_id: uuid.UUID | None = None
) -> Listing[RunRead]:
    """List runs, newest first."""
    async with unit_of_work(platform, caller) as ctx:
        page = await running.page(ctx, dataset_id, request)
        return listing(page, page.items)


@router.post("/runs", status_code=202)
async def create_run(platform: PlatformDep, caller: WriterDep, data: RunCreate) -> RunRead:
    """Begin a run; its job tells the progress and can be cancelled."""
    async with unit_of_work(platform, caller) as ctx:
        return await running.begin(ctx, data)


@router.get("/runs/{run_id}")
async def get_run(platform: PlatformDep, caller: ReaderDep, run_id: uuid.UUID) -> RunRead:
    """Show a run; its figures are there once it is finished."""
    async with unit_of_work(platform, caller) as ctx:
        return await running.get(ctx, run_id)


@router.get("/runs/{run_id}/results")
async def list_results(
    platform: PlatformDep, caller: ReaderDep, run_id: uuid.UUID, request: PageDep
) -> Listing[ResultRead]:
    """List the judged replies of a run."""
    async with unit_of_work(platform, caller) as ctx:
        page = await running.results(ctx, run_id, request)
        return listing(page, page.items)


@router.delete("/runs/{run_id}", status_code=204)
async def delete_run(platform: PlatformDep, caller: WriterDep, run_id: uuid.UUID) -> None:
    """Remove a run with its results."""
    async with unit_of_work(platform, caller) as ctx:
        await running.delete(ctx, run_id)


@router.get("/runs/{run_id}/compare/{other_id}")
async def compare_runs(
    platform: PlatformDep,
    caller: ReaderDep,
    run_id: uuid.UUID,
    other_id: uuid.UUID,
    tolerance: Tolerance = 0.0,
) -> RunComparison:
    """Compare a run with a later one, case by case."""
    async with unit_of_work(platform, caller) as ctx:
        return await comparing.compare(ctx, run_id, other_id, tolerance=tolerance)
