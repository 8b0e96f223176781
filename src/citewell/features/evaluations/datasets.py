"""Sets of questions of a tenant, written by hand or taken from stored answers and feedback."""

import statistics
import uuid
from dataclasses import replace

from citewell.core.context import Context, access_in
from citewell.core.errors import ForbiddenError
from citewell.features.audit import service as audit
from citewell.features.documents import service as documents
from citewell.features.documents.errors import DocumentNotFoundError
from citewell.features.evaluations import repository
from citewell.features.evaluations.errors import (
    CaseNotFoundError,
    DatasetExistsError,
    DatasetNotFoundError,
    InvalidCaseError,
)
from citewell.features.evaluations.schemas import (
    MAX_CASES,
    CaseCreate,
    CaseFilter,
    CaseOrigin,
    CasePassage,
    CaseRead,
    CaseUpdate,
    DatasetCreate,
    DatasetRead,
    DatasetUpdate,
)
from citewell.features.queries import service as queries
from citewell.features.queries.schemas import BAD_RATING, StoredAnswer
from citewell.kit.ids import uuid7
from citewell.kit.pagination import Page, PageRequest
from citewell.models.evaluations import EvalCase, EvalDataset


async def require_everything(ctx: Context) -> None:
    """Refuse all but those who may read every document that is not in a private collection.

    Runs answer from all of these, and from nothing private.

    Raises:
        ForbiddenError: Something else of the tenant is hidden from the caller.
    """
    if not (await ctx.access()).read.is_all_open:
        raise ForbiddenError("Evaluations are for those who may read every document.")


async def create(ctx: Context, data: DatasetCreate) -> DatasetRead:
    """Make an empty dataset.

    Raises:
        ForbiddenError: The caller may not read everything.
        DatasetExistsError: The name is taken.
    """
    await require_everything(ctx)
    dataset = EvalDataset(
        tenant_id=ctx.tenant_id, id=uuid7(), created_by=ctx.actor.user_id, **data.model_dump()
    )
    if not await repository.add_dataset(ctx.session, dataset):
        raise DatasetExistsError(data.name)
    await ctx.session.refresh(dataset)
    await _record(ctx, "created", dataset.id)
    return _read(dataset, 0)


async def page(ctx: Context, request: PageRequest) -> Page[DatasetRead]:
    """Datasets by name; raises ForbiddenError as `require_everything` does."""
    await require_everything(ctx)
    found = await repository.datasets(ctx.session, request)
    counts = await repository.case_counts(ctx.session, [each.id for each in found.items])
    shown = [_read(each, counts.get(each.id, 0)) for each in found.items]
    return Page(shown, request, found.total)


async def get(ctx: Context, dataset_id: uuid.UUID) -> DatasetRead:
    """One dataset.

    Raises:
        ForbiddenError: The caller may not read everything.
        DatasetNotFoundError: There is none.
    """
    dataset = await require(ctx, dataset_id)
    return await _shown(ctx, dataset)


async def update(ctx: Context, dataset_id: uuid.UUID, data: DatasetUpdate) -> DatasetRead:
    """Change name or description; raises as `get` and `create` do."""
    dataset = await require(ctx, dataset_id)
    for name, value in data.model_dump(exclude_none=True).items():
        setattr(dataset, name, value)
    if not await repository.save_dataset(ctx.session, dataset):
        raise DatasetExistsError(data.name or "")
    await _record(ctx, "updated", dataset_id)
    return await _shown(ctx, dataset)


async def delete(ctx: Context, dataset_id: uuid.UUID) -> None:
    """Remove a dataset with its cases and runs; raises as `get` does."""
    await require_everything(ctx)
    if not await repository.remove_dataset(ctx.session, dataset_id):
        raise DatasetNotFoundError(dataset_id)
    await _record(ctx, "deleted", dataset_id)


async def require(ctx: Context, dataset_id: uuid.UUID) -> EvalDataset:
    """The row of a dataset; raises as `get` does."""
    await require_everything(ctx)
    dataset = await repository.dataset(ctx.session, dataset_id)
    if dataset is None:
        raise DatasetNotFoundError(dataset_id)
    return dataset


async def named(ctx: Context, name: str) -> EvalDataset:
    """The dataset of a name, whatever its case; raises as `get` does."""
    await require_everything(ctx)
    dataset = await repository.dataset_named(ctx.session, name)
    if dataset is None:
        raise DatasetNotFoundError(name)
    return dataset


async def accept_all(ctx: Context, dataset_id: uuid.UUID) -> int:
    """Let all cases count that nobody has looked at; returns how many. Raises as `get` does."""
    await require(ctx, dataset_id)
    return await repository.accept_all(ctx.session, dataset_id)


async def add_case(ctx: Context, dataset_id: uuid.UUID, data: CaseCreate) -> CaseRead:
    """Add a question, given whole or made from a stored answer.

    Raises:
        ForbiddenError: The caller may not read everything.
        DatasetNotFoundError, QueryNotFoundError, DocumentNotFoundError: One is not there.
        InvalidCaseError: It does not say what is right, or the dataset is full.
    """
    await require_everything(ctx)
    if await room(ctx, dataset_id) < 1:
        raise InvalidCaseError(f"A dataset holds at most {MAX_CASES:,} cases.")
    origin = CaseOrigin.MANUAL
    if data.query_id is not None:
        data, origin = await _from_answer(ctx, data, data.query_id)
    case = EvalCase(
        tenant_id=ctx.tenant_id,
        id=uuid7(),
        dataset_id=dataset_id,
        created_by=ctx.actor.user_id,
        all_of=data.all,
        origin=origin,
        **data.model_dump(exclude={"all"}),
    )
    await _check(ctx, case)
    await repository.add(ctx.session, case)
    return _case_read(case)


async def room(ctx: Context, dataset_id: uuid.UUID) -> int:
    """How many cases a dataset has room for; it stays locked until the unit of work ends.

    Raises:
        DatasetNotFoundError: There is none.
    """
    if await repository.lock_dataset(ctx.session, dataset_id) is None:
        raise DatasetNotFoundError(dataset_id)
    counts = await repository.case_counts(ctx.session, [dataset_id])
    return MAX_CASES - counts.get(dataset_id, 0)


async def _from_answer(
    ctx: Context, data: CaseCreate, query_id: uuid.UUID
) -> tuple[CaseCreate, CaseOrigin]:
    """The case with what a stored answer says; a badly rated one gives its question alone."""
    stored = await queries.get(ctx, query_id)
    await _require_shared(ctx, stored)
    taken: dict[str, object] = {"question": stored.standalone or stored.query}
    ratings = [each.rating for each in stored.feedback]
    says_what_is_right = data.gold or data.all or data.abstain or data.reference
    if not says_what_is_right and not (ratings and statistics.fmean(ratings) <= BAD_RATING):
        cited = {each.document_id: None for each in stored.citations if each.document_id}
        taken |= {"abstain": True} if stored.abstained else {
            "reference": stored.answer, "document_ids": list(cited),
        }  # fmt: skip
    origin = CaseOrigin.FEEDBACK if ratings else CaseOrigin.ANSWER
    return data.model_copy(update={**taken, **data.model_dump(exclude_unset=True)}), origin


async def _require_shared(ctx: Context, stored: StoredAnswer) -> None:
    """Refuse an answer from a private collection: all who evaluate read the cases."""
    ids = {each.document_id for each in stored.passages if each.document_id}
    known = await documents.readable(ctx, sorted(ids))
    everyone = replace(ctx.actor, reads_private=False)
    reach = (await access_in(ctx.session, ctx.tenant_id, everyone)).read
    if not all(reach.admits(documents.facts_of(each.document)) for each in known.values()):
        raise InvalidCaseError(
            "The answer is from a private collection, and everybody who evaluates reads the case."
        )


async def cases(
    ctx: Context, dataset_id: uuid.UUID, only: CaseFilter, request: PageRequest
) -> Page[CaseRead]:
    """Questions of a dataset, oldest first; raises as `get` does.

    Those made of documents that the caller may not read now are left out: they hold their text.
    """
    await require(ctx, dataset_id)
    reach = (await ctx.access()).read
    found = await repository.cases(ctx.session, dataset_id, only, request, reach)
    return Page([_case_read(case) for case in found.items], request, found.total)


async def update_case(
    ctx: Context, dataset_id: uuid.UUID, case_id: uuid.UUID, data: CaseUpdate
) -> CaseRead:
    """Change a question; raises as `add_case` does, and CaseNotFoundError."""
    await require(ctx, dataset_id)
    case = await repository.case(ctx.session, dataset_id, case_id, (await ctx.access()).read)
    if case is None:
        raise CaseNotFoundError(case_id)
    for name, value in data.model_dump(exclude_unset=True).items():
        if value is not None or name in ("reference", "kind"):
            setattr(case, "all_of" if name == "all" else name, value)
    await _check(ctx, case)
    await ctx.session.flush()
    await ctx.session.refresh(case)
    return _case_read(case)


async def delete_case(ctx: Context, dataset_id: uuid.UUID, case_id: uuid.UUID) -> None:
    """Remove a question; finished runs keep its results. Raises as `update_case` does."""
    await require(ctx, dataset_id)
    reach = (await ctx.access()).read
    if not await repository.remove_case(ctx.session, dataset_id, case_id, reach):
        raise CaseNotFoundError(case_id)


async def _check(ctx: Context, case: EvalCase) -> None:
    if not case.question:
        raise InvalidCaseError("A case needs a `question`, or a `query_id` to take it from.")
    if not (case.gold or case.all_of or case.abstain or case.reference or case.document_ids):
        # With a stored answer this is so where it was rated badly: its words are not the truth.
        why = "" if case.query_id is None else " The stored answer was rated badly."
        raise InvalidCaseError(
            "A case says what is right: `gold`, `all`, `abstain`, `reference` or `document_ids`."
            f"{why}"
        )
    if case.abstain and (case.gold or case.all_of or case.reference or case.document_ids):
        raise InvalidCaseError("What no document answers has no right answer and no documents.")
    known = await documents.readable(ctx, case.document_ids)
    for document_id in case.document_ids:
        if document_id not in known:
            raise DocumentNotFoundError(document_id)


async def _shown(ctx: Context, dataset: EvalDataset) -> DatasetRead:
    counts = await repository.case_counts(ctx.session, [dataset.id])
    return _read(dataset, counts.get(dataset.id, 0))


def _read(dataset: EvalDataset, cases: int) -> DatasetRead:
    return DatasetRead(
        id=dataset.id,
        name=dataset.name,
        description=dataset.description,
        cases=cases,
        created_at=dataset.created_at,
        updated_at=dataset.updated_at,
    )


def _case_read(case: EvalCase) -> CaseRead:
    return CaseRead(
        id=case.id,
        question=case.question,
        gold=case.gold,
        all=case.all_of,
        forbid=case.forbid,
        abstain=case.abstain,
        reference=case.reference,
        document_ids=case.document_ids,
        kind=case.kind,
        query_id=case.query_id,
        origin=CaseOrigin(case.origin),
        written_by=case.written_by,
        is_reviewed=case.is_reviewed,
        passage=None if case.passage is None else CasePassage.model_validate(case.passage),
        created_at=case.created_at,
    )


async def _record(ctx: Context, what: str, dataset_id: uuid.UUID) -> None:
    action = f"evaluation_dataset.{what}"
    await audit.record(ctx, action, object_kind="evaluation_dataset", object_id=dataset_id)
