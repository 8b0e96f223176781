"""Which evaluation is whose, and the rows of datasets, cases, runs and results."""

import uuid
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import (
    ColumnElement,
    any_,
    cast,
    delete,
    exists,
    func,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import TEXT, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.access.policy import Reach
from citewell.access.statements import reach_sql
from citewell.core.database.sessions import Database
from citewell.core.errors import ConflictError
from citewell.features.evaluations.schemas import CaseFilter, CaseOrigin
from citewell.kit.pagination import Page, PageRequest
from citewell.models.documents import Document
from citewell.models.evaluations import (
    EvalCase,
    EvalDataset,
    EvalGeneration,
    EvalResult,
    EvalRun,
)


@asynccontextmanager
async def holding(database: Database, slug: str) -> AsyncGenerator[None, None]:
    """Keep an evaluation's tenant for this process: the lock ends with its connection.

    Raises:
        ConflictError: Another process has it.
    """
    lock = text("SELECT pg_try_advisory_lock(hashtextextended(:key, 0))")
    async with database.owner_connection() as connection:
        if not await connection.scalar(lock, {"key": f"evaluation:{slug}"}):
            raise ConflictError(f"The evaluation {slug} is running.")
        yield


async def evaluation_tenants(session: AsyncSession) -> list[uuid.UUID]:
    """All tenants that evaluations have made, of any process; needs no tenant set."""
    return list(await session.scalars(text("SELECT citewell_evaluation_tenants()")))


async def slug_of(session: AsyncSession, tenant_id: uuid.UUID) -> str | None:
    """The name of the session's tenant."""
    return await session.scalar(text("SELECT slug FROM tenant WHERE id = :id"), {"id": tenant_id})


async def add_dataset(session: AsyncSession, dataset: EvalDataset) -> bool:
    """Insert a dataset; False if its name is taken."""
    try:
        async with session.begin_nested():
            session.add(dataset)
            await session.flush()
    except IntegrityError:
        return False
    return True


async def save_dataset(session: AsyncSession, dataset: EvalDataset) -> bool:
    """Write a changed dataset; False if its new name is taken."""
    try:
        async with session.begin_nested():
            await session.flush()
    except IntegrityError:
        return False
    await session.refresh(dataset)
    return True


async def dataset(session: AsyncSession, dataset_id: uuid.UUID) -> EvalDataset | None:
    """The dataset with this id."""
    return await session.scalar(select(EvalDataset).where(EvalDataset.id == dataset_id))


async def lock_dataset(session: AsyncSession, dataset_id: uuid.UUID) -> EvalDataset | None:
    """The same, locked until the transaction ends: its cases are counted and added in turn."""
    found = select(EvalDataset).where(EvalDataset.id == dataset_id).with_for_update()
    return await session.scalar(found)


async def dataset_named(session: AsyncSession, name: str) -> EvalDataset | None:
    """The dataset of this name, whatever its case."""
    same = func.lower(EvalDataset.name) == func.lower(name)
    return await session.scalar(select(EvalDataset).where(same))


async def datasets(session: AsyncSession, request: PageRequest) -> Page[EvalDataset]:
    """Datasets by name."""
    total = await session.scalar(select(func.count(EvalDataset.id))) or 0
    part = select(EvalDataset).order_by(func.lower(EvalDataset.name))
    rows = await session.scalars(part.offset(request.offset).limit(request.limit))
    return Page(list(rows), request, total)


async def case_counts(
    session: AsyncSession, dataset_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, int]:
    """Number of cases by dataset; those without any are left out."""
    rows = await session.execute(
        select(EvalCase.dataset_id, func.count(EvalCase.id))
        .where(EvalCase.dataset_id.in_(dataset_ids))
        .group_by(EvalCase.dataset_id)
    )
    return {row[0]: row[1] for row in rows}


async def remove_dataset(session: AsyncSession, dataset_id: uuid.UUID) -> bool:
    """Delete a dataset with its cases and runs; False if there is none."""
    gone = await session.scalars(
        delete(EvalDataset).where(EvalDataset.id == dataset_id).returning(EvalDataset.id)
    )
    return gone.one_or_none() is not None


async def add(session: AsyncSession, row: EvalCase | EvalRun | EvalGeneration) -> None:
    """Insert a row, and read what the database filled in."""
    session.add(row)
    await session.flush()
    await session.refresh(row)


def _shown(reach: Reach) -> ColumnElement[bool]:
    """Predicate on cases: written by people, or made of documents within reach now."""
    predicate, values = reach_sql(reach, table="document", document_column="id")
    # `IS NOT TRUE`: a document without an owner makes the predicate null.
    hidden = exists().where(
        Document.tenant_id == EvalCase.tenant_id,
        or_(
            Document.id == any_(EvalCase.document_ids),
            cast(Document.id, TEXT) == EvalCase.passage["document_id"].astext,
        ),
        text(f"({predicate}) IS NOT TRUE").bindparams(**values),
    )
    return or_(EvalCase.origin == CaseOrigin.MANUAL, ~hidden)


async def readable_documents(
    session: AsyncSession, ids: Collection[uuid.UUID], reach: Reach
) -> set[uuid.UUID]:
    """Those of the documents that are within reach now."""
    predicate, values = reach_sql(reach, table="document", document_column="id")
    found = select(Document.id).where(
        Document.id.in_(ids), text(f"({predicate})").bindparams(**values)
    )
    return set(await session.scalars(found))


async def shown_cases(
    session: AsyncSession, ids: Collection[uuid.UUID], reach: Reach
) -> set[uuid.UUID]:
    """Those of the cases that are there and may be read."""
    found = select(EvalCase.id).where(EvalCase.id.in_(ids), _shown(reach))
    return set(await session.scalars(found))


async def case(
    session: AsyncSession, dataset_id: uuid.UUID, case_id: uuid.UUID, reach: Reach
) -> EvalCase | None:
    """A case of the dataset."""
    return await session.scalar(
        select(EvalCase).where(
            EvalCase.id == case_id, EvalCase.dataset_id == dataset_id, _shown(reach)
        )
    )


async def cases(
    session: AsyncSession,
    dataset_id: uuid.UUID,
    only: CaseFilter,
    request: PageRequest,
    reach: Reach,
) -> Page[EvalCase]:
    """Cases of a dataset, oldest first."""
    wanted = [EvalCase.dataset_id == dataset_id, _shown(reach)]
    if only.origin is not None:
        wanted.append(EvalCase.origin == only.origin)
    if only.is_reviewed is not None:
        wanted.append(EvalCase.is_reviewed.is_(only.is_reviewed))
    total = await session.scalar(select(func.count(EvalCase.id)).where(*wanted)) or 0
    part = select(EvalCase).where(*wanted).order_by(EvalCase.id)
    rows = await session.scalars(part.offset(request.offset).limit(request.limit))
    return Page(list(rows), request, total)


async def open_cases(session: AsyncSession, run: EvalRun) -> list[EvalCase]:
    """Cases of a run's dataset that it has no result of yet, oldest first."""
    done = select(EvalResult.case_id).where(EvalResult.run_id == run.id)
    counts = true() if run.with_unreviewed else EvalCase.is_reviewed.is_(True)
    rows = await session.scalars(
        select(EvalCase)
        .where(EvalCase.dataset_id == run.dataset_id, counts, EvalCase.id.not_in(done))
        .order_by(EvalCase.id)
    )
    return list(rows)


async def has_reviewed(session: AsyncSession, dataset_id: uuid.UUID) -> bool:
    """Whether a dataset has a case that counts."""
    found = select(EvalCase.id).where(
        EvalCase.dataset_id == dataset_id, EvalCase.is_reviewed.is_(True)
    )
    return await session.scalar(found.limit(1)) is not None


async def questions(session: AsyncSession, dataset_id: uuid.UUID) -> list[str]:
    """All questions of a dataset; its limit bounds them."""
    found = select(EvalCase.question).where(EvalCase.dataset_id == dataset_id)
    return list(await session.scalars(found))


async def generation(
    session: AsyncSession, dataset_id: uuid.UUID, generation_id: uuid.UUID
) -> EvalGeneration | None:
    """A generation of a dataset."""
    return await session.scalar(
        select(EvalGeneration).where(
            EvalGeneration.id == generation_id, EvalGeneration.dataset_id == dataset_id
        )
    )


async def generation_of_job(session: AsyncSession, job_id: uuid.UUID) -> EvalGeneration | None:
    """The generation that a job does; None if its dataset was removed."""
    return await session.scalar(select(EvalGeneration).where(EvalGeneration.job_id == job_id))


async def accept_all(session: AsyncSession, dataset_id: uuid.UUID) -> int:
    """Mark all cases of a dataset as reviewed; returns how many were not."""
    changed = await session.scalars(
        update(EvalCase)
        .where(EvalCase.dataset_id == dataset_id, EvalCase.is_reviewed.is_(False))
        .values(is_reviewed=True)
        .returning(EvalCase.id)
    )
    return len(changed.all())


async def remove_case(
    session: AsyncSession, dataset_id: uuid.UUID, case_id: uuid.UUID, reach: Reach
) -> bool:
    """Delete a case of the dataset; False if there is none. Results of it stay in their runs."""
    gone = await session.scalars(
        delete(EvalCase)
        .where(EvalCase.id == case_id, EvalCase.dataset_id == dataset_id, _shown(reach))
        .returning(EvalCase.id)
    )
    return gone.one_or_none() is not None


def seen() -> ColumnElement[bool]:
    """Runs, all of which are there for those who may evaluate."""
    return true()


async def run(session: AsyncSession, run_id: uuid.UUID) -> EvalRun | None:
    """The run with this id."""
    return await session.scalar(select(EvalRun).where(EvalRun.id == run_id))


async def run_of_job(session: AsyncSession, job_id: uuid.UUID) -> EvalRun | None:
    """The run that a job does; None if it was removed."""
    return await session.scalar(select(EvalRun).where(EvalRun.job_id == job_id))


async def newest_finished(
    session: AsyncSession, dataset_id: uuid.UUID, agent: str | None
) -> EvalRun | None:
    """The last run of a dataset that has figures and that no gate found worse.

    Args:
        session: Of the tenant.
        dataset_id: The dataset.
        agent: Slug of the agent that answered; None: none did.
    """
    return await session.scalar(
        select(EvalRun)
        .where(
            EvalRun.dataset_id == dataset_id,
            EvalRun.finished_at.is_not(None),
            EvalRun.is_rejected.is_(False),
            EvalRun.agent["slug"].astext.is_not_distinct_from(agent),
        )
        .order_by(EvalRun.finished_at.desc(), EvalRun.id.desc())
        .limit(1)
    )


async def runs(
    session: AsyncSession, dataset_id: uuid.UUID | None, request: PageRequest
) -> Page[EvalRun]:
    """Runs, newest first; of one dataset or of all."""
    conditions = [] if dataset_id is None else [EvalRun.dataset_id == dataset_id]
    total = await session.scalar(select(func.count(EvalRun.id)).where(*conditions)) or 0
    part = select(EvalRun).where(*conditions).order_by(EvalRun.id.desc())
    rows = await session.scalars(part.offset(request.offset).limit(request.limit))
    return Page(list(rows), request, total)


async def remove_run(session: AsyncSession, run_id: uuid.UUID) -> bool:
    """Delete a run with its results; False if there is none."""
    gone = await session.scalars(delete(EvalRun).where(EvalRun.id == run_id).returning(EvalRun.id))
    return gone.one_or_none() is not None


async def hold_run(session: AsyncSession, run_id: uuid.UUID) -> bool:
    """Lock a run against removal until the transaction ends; False if it is gone."""
    held = select(EvalRun.id).where(EvalRun.id == run_id)
    return await session.scalar(held.with_for_update(read=True, key_share=True)) is not None


async def add_result(session: AsyncSession, values: Mapping[str, object]) -> None:
    """Insert a result, unless an earlier attempt of the run has."""
    await session.execute(insert(EvalResult).values(**values).on_conflict_do_nothing())


async def results(session: AsyncSession, run_id: uuid.UUID) -> list[EvalResult]:
    """All results of a run, in the order of the cases; a dataset's limit bounds them."""
    rows = await session.scalars(
        select(EvalResult).where(EvalResult.run_id == run_id).order_by(EvalResult.case_id)
    )
    return list(rows)


async def result_page(
    session: AsyncSession, run_id: uuid.UUID, request: PageRequest
) -> Page[EvalResult]:
    """Results of a run, in the order of the cases."""
    of_run = EvalResult.run_id == run_id
    total = await session.scalar(select(func.count(EvalResult.case_id)).where(of_run)) or 0
    part = select(EvalResult).where(of_run).order_by(EvalResult.case_id)
    rows = await session.scalars(part.offset(request.offset).limit(request.limit))
    return Page(list(rows), request, total)
