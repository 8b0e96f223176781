"""Cases made from a tenant's documents, by rule or by its model, to be reviewed by a person."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from citewell.core.context import SYSTEM_UNPRIVATE, Caller, Context, unit_of_work
from citewell.core.errors import InvalidInputError
from citewell.core.jobs import TransientJobError
from citewell.core.platform import Platform
from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.engine.evaluation import generating, proposing
from citewell.engine.evaluation.generating import ProposedCase, SourceText
from citewell.engine.llm.base import LanguageModel
from citewell.features.connections import service as connections
from citewell.features.documents import service as documents
from citewell.features.documents.errors import DocumentNotFoundError
from citewell.features.documents.schemas import DocumentQuery
from citewell.features.evaluations import datasets, repository, spending
from citewell.features.evaluations.errors import GenerationNotFoundError
from citewell.features.evaluations.schemas import (
    CaseOrigin,
    CaseWriter,
    GenerationCreate,
    GenerationRead,
)
from citewell.features.jobs import service as jobs
from citewell.features.jobs.attempts import Attempt
from citewell.features.jobs.schemas import NewJob
from citewell.features.search.schemas import MAX_QUERY_CHARS
from citewell.kit.clock import utc_now
from citewell.kit.ids import uuid7
from citewell.kit.pagination import PageRequest
from citewell.models.evaluations import EvalCase, EvalGeneration

GENERATE_JOB = "evaluations.generate"

NEWEST = 100
"""Documents that are asked about where none are named."""

OnProgress = Callable[[int, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Document:
    id: uuid.UUID
    version: int
    source: SourceText


async def begin(
    ctx: Context, dataset_id: uuid.UUID, data: GenerationCreate, *, in_background: bool = True
) -> GenerationRead:
    """Note what is to be made, and queue the job that does it.

    Raises:
        ForbiddenError: The caller may not read everything.
        DatasetNotFoundError, DocumentNotFoundError: One is not there.
        InvalidInputError: There is no model to write, no document to read, or no room for a case.
    """
    await datasets.require_everything(ctx)
    if await datasets.room(ctx, dataset_id) < 1:
        raise InvalidInputError("The dataset is full.")
    llm = ctx.platform.llm
    if data.writer is CaseWriter.MODEL and llm is None:
        raise InvalidInputError("No language model is set that could write (CITEWELL_LLM).")
    known = await documents.readable(ctx, data.document_ids)
    for document_id in data.document_ids:
        if document_id not in known:
            raise DocumentNotFoundError(document_id)
    wanted = list(dict.fromkeys(data.document_ids))
    if not wanted:
        newest = await documents.page(ctx, PageRequest(1, NEWEST), DocumentQuery(status="ready"))
        wanted = [state.document.id for state in newest.items]
    if not wanted:
        raise InvalidInputError("There are no documents to ask about yet.")
    job_id = None
    if in_background:
        [job] = await jobs.enqueue(ctx, GENERATE_JOB, [NewJob()])
        job_id = job.id
    generation = EvalGeneration(
        tenant_id=ctx.tenant_id,
        id=uuid7(),
        dataset_id=dataset_id,
        job_id=job_id,
        writer=generating.RULES if data.writer is CaseWriter.RULES or llm is None else llm.name,
        document_ids=wanted,
        wanted=data.limit,
        created_by=ctx.actor.user_id,
    )
    await repository.add(ctx.session, generation)
    return GenerationRead.model_validate(generation)


async def get(ctx: Context, dataset_id: uuid.UUID, generation_id: uuid.UUID) -> GenerationRead:
    """Progress of a generation and the number of its cases.

    Raises:
        ForbiddenError: The caller may not read everything.
        GenerationNotFoundError: There is none.
    """
    await datasets.require_everything(ctx)
    found = await repository.generation(ctx.session, dataset_id, generation_id)
    if found is None:
        raise GenerationNotFoundError(generation_id)
    return GenerationRead.model_validate(found)


async def do_job(attempt: Attempt) -> None:
    """Make the cases as a job; a second attempt adds those that are missing."""
    async with unit_of_work(attempt.platform, attempt.caller) as ctx:
        found = await repository.generation_of_job(ctx.session, attempt.job_id)
    if found is None:
        return
    await attempt.raise_if_cancelled()
    try:
        await perform(
            attempt.platform, attempt.caller.tenant_id, found.dataset_id, found.id, attempt.progress
        )
    except ProviderError as error:
        if not error.retryable:
            raise InvalidInputError(str(error)) from error
        raise TransientJobError(str(error), retry_after=error.retry_after) from error


async def perform(
    platform: Platform,
    tenant_id: uuid.UUID,
    dataset_id: uuid.UUID,
    generation_id: uuid.UUID,
    on_progress: OnProgress,
) -> None:
    """Read the documents and add the cases, document by document.

    Raises:
        InvalidInputError: The model that is to write is not set any more, or not rightly.
        ProviderError: It failed.
        QuotaReachedError: The tenant's plan does not allow it.
    """
    caller = Caller(tenant_id, SYSTEM_UNPRIVATE)
    async with unit_of_work(platform, caller) as ctx:
        generation = await repository.generation(ctx.session, dataset_id, generation_id)
    if generation is None:
        return
    model = _model(await connections.redacted(platform, caller), generation)
    left = generation.wanted - generation.made
    ids = generation.document_ids
    for number, document_id in enumerate(ids, 1):
        # An equal share of what is left for each document that is left.
        share = -(-left // (len(ids) - number + 1))
        if left <= 0:
            break
        document = await _read(platform, caller, document_id)
        if document is not None:
            async with aclosing(_proposed(platform, caller, model, document, share)) as lots:
                async for cases, rejected in lots:
                    made = await _add(platform, caller, generation, document, cases, rejected)
                    left -= made
                    share -= made
                    if share <= 0:
                        break
        await on_progress(number, len(ids))
    async with unit_of_work(platform, caller) as ctx:
        row = await repository.generation(ctx.session, dataset_id, generation_id)
        if row is not None:
            row.finished_at = utc_now()


def _model(platform: Platform, generation: EvalGeneration) -> LanguageModel | None:
    if generation.writer == generating.RULES:
        return None
    if platform.llm is None or platform.llm.name != generation.writer:
        raise InvalidInputError(f"The model `{generation.writer}` is not set any more.")
    return platform.llm


async def _read(platform: Platform, caller: Caller, document_id: uuid.UUID) -> _Document | None:
    """The text that answers now, up to one stretch; None if there is none any more."""
    async with unit_of_work(platform, caller) as ctx:
        state = (await documents.readable(ctx, [document_id])).get(document_id)
        if state is None or state.active is None:
            return None
        version = state.active.number
        content = await documents.content(ctx, document_id, number=version)
        return _Document(document_id, version, SourceText(state.document.title, content.text))


async def _proposed(
    platform: Platform,
    caller: Caller,
    model: LanguageModel | None,
    document: _Document,
    share: int,
) -> AsyncGenerator[tuple[list[ProposedCase], int], None]:
    """Yield cases of a document with the number of those that were rejected."""
    if model is None:
        yield await asyncio.to_thread(generating.generate, document.source, share), 0
        return
    for start in proposing.passage_starts(document.source.text):
        at = await spending.reserve(platform, caller)
        try:
            proposals = await proposing.propose(model, document.source, start)
        except ProviderConfigurationError as error:
            raise InvalidInputError(str(error)) from error
        await spending.settle(platform, caller, model.name, at, proposals.usage)
        yield list(proposals.cases)[:share], proposals.rejected


async def _add(
    platform: Platform,
    caller: Caller,
    generation: EvalGeneration,
    document: _Document,
    cases: list[ProposedCase],
    rejected: int,
) -> int:
    """Add cases that the dataset has not and has room for; returns how many."""
    async with unit_of_work(platform, caller) as ctx:
        room = await datasets.room(ctx, generation.dataset_id)
        row = await repository.generation(ctx.session, generation.dataset_id, generation.id)
        assert row is not None  # the dataset is locked, and it goes with it
        known = {
            question.casefold()
            for question in await repository.questions(ctx.session, generation.dataset_id)
        }
        fresh = [
            case
            for case in cases
            if case.question.casefold() not in known and len(case.question) <= MAX_QUERY_CHARS
        ][: min(room, row.wanted - row.made)]
        ctx.session.add_all([_row(ctx, row, document, case) for case in fresh])
        row.made += len(fresh)
        row.rejected += rejected
    return len(fresh)


def _row(
    ctx: Context, generation: EvalGeneration, document: _Document, case: ProposedCase
) -> EvalCase:
    return EvalCase(
        tenant_id=ctx.tenant_id,
        id=uuid7(),
        dataset_id=generation.dataset_id,
        question=case.question,
        gold=list(case.gold),
        all_of=list(case.all),
        reference=case.reference,
        document_ids=[document.id],
        kind=case.kind,
        origin=CaseOrigin.GENERATED,
        written_by=generation.writer,
        is_reviewed=False,
        passage={
            "document_id": str(document.id),
            "version": document.version,
            "start": case.start,
            "end": case.end,
        },
        created_by=generation.created_by,
    )
