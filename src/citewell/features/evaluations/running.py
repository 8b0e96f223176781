"""Runs over a dataset: every question asked, the replies judged, the figures of all."""

import statistics
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import citewell
from citewell.core.context import SYSTEM, Caller, Context, unit_of_work
from citewell.core.errors import InvalidInputError
from citewell.core.platform import Platform
from citewell.engine.answering.asking.kinds import read_question
from citewell.engine.evaluation import metrics
from citewell.engine.evaluation.answers import (
    AnswerCase,
    JudgedReply,
    Verdict,
    calibration_error,
    judge,
    phrase,
    quotes_hold,
)
from citewell.engine.text.language import detect_language
from citewell.features.evaluations import datasets, repository
from citewell.features.evaluations.errors import RunNotFoundError, RunUnfinishedError
from citewell.features.evaluations.schemas import (
    ResultRead,
    RunCreate,
    RunFigures,
    RunRead,
    VerdictCounts,
)
from citewell.features.jobs import service as jobs
from citewell.features.jobs.attempts import Attempt
from citewell.features.jobs.schemas import NewJob
from citewell.features.search import answers
from citewell.features.search.answer_records import Making
from citewell.features.search.schemas import ConfidenceRead, QueryReply, QueryRequest
from citewell.kit.clock import utc_now
from citewell.kit.ids import uuid7
from citewell.kit.pagination import Page, PageRequest
from citewell.models.evaluations import EvalCase, EvalResult, EvalRun

RUN_JOB = "evaluations.run"

EXTRACTIVE = "extractive"

RANKED = 10
"""Documents that the retrieval measures look at."""

OnProgress = Callable[[int, int], Awaitable[None]]


async def begin(ctx: Context, data: RunCreate, *, in_background: bool = True) -> RunRead:
    """Make a run, and queue the job that does it.

    Raises:
        ForbiddenError: The caller may not read everything.
        DatasetNotFoundError: There is no such dataset.
        InvalidInputError: It has no cases.
    """
    dataset = await datasets.get(ctx, data.dataset_id)
    if not dataset.cases:
        raise InvalidInputError(f"The dataset `{dataset.name}` has no cases yet.")
    job_id = None
    if in_background:
        [job] = await jobs.enqueue(ctx, RUN_JOB, [NewJob()])
        job_id = job.id
    llm = ctx.platform.llm
    run = EvalRun(
        tenant_id=ctx.tenant_id,
        id=uuid7(),
        job_id=job_id,
        model=EXTRACTIVE if llm is None else llm.name,
        release=citewell.__version__,
        created_by=ctx.actor.user_id,
        **data.model_dump(),
    )
    await repository.add(ctx.session, run)
    return run_read(run)


async def page(ctx: Context, dataset_id: uuid.UUID | None, request: PageRequest) -> Page[RunRead]:
    """Runs, newest first; raises ForbiddenError where the caller may not read everything."""
    await datasets.require_everything(ctx)
    found = await repository.runs(ctx.session, dataset_id, request)
    return Page([run_read(run) for run in found.items], request, found.total)


async def get(ctx: Context, run_id: uuid.UUID) -> RunRead:
    """One run.

    Raises:
        ForbiddenError: The caller may not read everything.
        RunNotFoundError: There is none.
    """
    await datasets.require_everything(ctx)
    run = await repository.run(ctx.session, run_id)
    if run is None:
        raise RunNotFoundError(run_id)
    return run_read(run)


async def finished(ctx: Context, run_id: uuid.UUID) -> tuple[RunRead, list[ResultRead]]:
    """A run that has figures, with its results; raises as `get` does, and RunUnfinishedError."""
    run = await get(ctx, run_id)
    if run.figures is None:
        raise RunUnfinishedError(run_id)
    return run, [_result_read(each) for each in await repository.results(ctx.session, run_id)]


async def results(ctx: Context, run_id: uuid.UUID, request: PageRequest) -> Page[ResultRead]:
    """Judged replies of a run so far; raises as `get` does."""
    await get(ctx, run_id)
    found = await repository.result_page(ctx.session, run_id, request)
    return Page([_result_read(each) for each in found.items], request, found.total)


async def delete(ctx: Context, run_id: uuid.UUID) -> None:
    """Remove a run with its results; a job that is at it ends by itself. Raises as `get` does."""
    await datasets.require_everything(ctx)
    if not await repository.remove_run(ctx.session, run_id):
        raise RunNotFoundError(run_id)


async def do_job(attempt: Attempt) -> None:
    """Do a run as a job; what an earlier attempt has asked is not asked again."""
    async with unit_of_work(attempt.platform, attempt.caller) as ctx:
        run = await repository.run_of_job(ctx.session, attempt.job_id)
    if run is not None:
        await attempt.raise_if_cancelled()
        await perform(attempt.platform, attempt.caller.tenant_id, run.id, attempt.progress)


async def perform(
    platform: Platform, tenant_id: uuid.UUID, run_id: uuid.UUID, on_progress: OnProgress
) -> None:
    """Ask what has no result yet, with access to everything, and note the figures of all."""
    caller = Caller(tenant_id, SYSTEM)
    async with unit_of_work(platform, caller) as ctx:
        run = await repository.run(ctx.session, run_id)
        if run is None:
            return
        cases = await repository.open_cases(ctx.session, run)
    for number, case in enumerate(cases, 1):
        asked = await _ask(platform, caller, case, run.top_k)
        async with unit_of_work(platform, caller) as ctx:
            if not await repository.hold_run(ctx.session, run_id):
                return
            await repository.add_result(ctx.session, {"run_id": run_id, **asked})
        await on_progress(number, len(cases))
    async with unit_of_work(platform, caller) as ctx:
        finishing = await repository.run(ctx.session, run_id)
        if finishing is None:
            return
        found = await repository.results(ctx.session, run_id)
        finishing.figures = _figures(found).model_dump(mode="json")
        finishing.embedding = _named(found, "embedding")
        finishing.prompt_version = _named(found, "prompt")
        finishing.finished_at = utc_now()


async def _ask(platform: Platform, caller: Caller, case: EvalCase, top_k: int) -> dict[str, object]:
    """The values of a case's result."""
    values: dict[str, object] = {
        "tenant_id": caller.tenant_id,
        "case_id": case.id,
        "question": case.question,
        "kind": case.kind or read_question(case.question, detect_language(case.question)).kind,
    }
    request = QueryRequest(query=case.question, top_k=top_k)
    try:
        reply, made = await answers.trial(platform, caller, request)
    except InvalidInputError as error:
        return {
            **values,
            "error": error.detail, "is_abstained": False, "confidence_level": "none",
            "confidence_score": 0.0, "measures": {}, "latency_ms": 0.0,
        }  # fmt: skip
    documents = _ranking(reply, made)
    return {
        **values,
        "verdict": _verdict(case, reply),
        "answer": reply.answer,
        "is_abstained": reply.abstained,
        "confidence_level": reply.confidence.level,
        "confidence_score": reply.confidence.score,
        "measures": _measures(case, reply, made, documents),
        "latency_ms": reply.metadata.timings_ms["total"],
        "input_tokens": made.spent.input_tokens,
        "output_tokens": made.spent.output_tokens,
        "document_ids": list(dict.fromkeys(documents)),
    }


def _ranking(reply: QueryReply, made: Making) -> list[uuid.UUID]:
    hits = made.found.hits if made.found else []
    return [hit.document_id for hit in hits] + [each.document_id for each in reply.citations]


def _answer_case(case: EvalCase) -> AnswerCase | None:
    """The right answer, as the engine judges it; None where the case does not say."""
    if not (case.gold or case.all_of or case.abstain):
        return None
    gold, every, forbid = (
        tuple(map(phrase, texts)) for texts in (case.gold, case.all_of, case.forbid)
    )
    return AnswerCase(str(case.id), case.question, gold, every, forbid, case.abstain)


def _verdict(case: EvalCase, reply: QueryReply) -> Verdict | None:
    wanted = _answer_case(case)
    return None if wanted is None else judge(wanted, _judged(reply))


def _judged(reply: QueryReply) -> JudgedReply:
    return JudgedReply(
        answer=reply.answer,
        is_abstained=reply.abstained,
        sentences=len(reply.sentences),
        first_quote=reply.citations[0].quote if reply.citations else None,
        confidence=reply.confidence.score,
        level=reply.confidence.level,
    )


def _measures(
    case: EvalCase, reply: QueryReply, made: Making, documents: Sequence[uuid.UUID]
) -> dict[str, object]:
    """Numbers of one reply, by name; those that the case does not ask for are left out."""
    found: dict[str, object] = {}
    space = made.found.retrieved.embedding if made.found else None
    if space is not None:
        found["embedding"] = space.name
    if reply.metadata.prompt is not None:
        found["prompt"] = reply.metadata.prompt
    for grade, count in Counter(each.grade for each in reply.sentences if each.grade).items():
        found[f"grade_{grade}"] = count
    wanted = _answer_case(case)
    if wanted is not None and not case.abstain and reply.citations:
        held = quotes_hold(wanted, [citation.quote for citation in reply.citations])
        found["answer_in_citation"] = float(held)
    if case.reference and not reply.abstained:
        said = " ".join(sentence.text for sentence in reply.sentences)
        found["similarity"] = round(metrics.word_overlap(said, case.reference), 4)
    if case.document_ids:
        judgement = {str(document_id): 1 for document_id in case.document_ids}
        ranking = [str(document_id) for document_id in documents]
        for name, measure in _RETRIEVAL.items():
            found[f"{name}_at_{RANKED}"] = round(measure(ranking, judgement, RANKED), 4)
        if reply.citations:
            cited = [str(citation.document_id) in judgement for citation in reply.citations]
            found["citation_precision"] = round(statistics.fmean(cited), 4)
    return found


_RETRIEVAL = {
    "ndcg": metrics.ndcg,
    "recall": metrics.recall,
    "precision": metrics.precision,
    "f1": metrics.f1,
    "mrr": metrics.reciprocal_rank,
}

_MEANS = (
    "answer_in_citation", "citation_precision", "similarity",
    *(f"{name}_at_{RANKED}" for name in _RETRIEVAL),
)  # fmt: skip

_GRADE = "grade_"


def _figures(found: Sequence[EvalResult]) -> RunFigures:
    asked = [each for each in found if each.error is None]
    times = [each.latency_ms for each in asked] or [0.0]
    cuts = statistics.quantiles(times, n=20) if len(times) > 1 else times * 19
    judged = [each for each in asked if each.verdict is not None]
    answered = [each for each in judged if not each.is_abstained]
    grades: Counter[str] = Counter()
    for each in asked:
        grades.update(
            {name.removeprefix(_GRADE): n for name, n in each.measures.items() if _GRADE in name}
        )
    return RunFigures(
        cases=len(found),
        failed=len(found) - len(asked),
        verdicts=_counts(judged),
        by_kind={
            kind: _counts([each for each in judged if each.kind == kind])
            for kind in sorted({each.kind or "" for each in judged})
        },
        ece=round(
            calibration_error(
                [each.confidence_score for each in answered],
                [each.verdict == Verdict.RIGHT for each in answered],
            ),
            4,
        ),
        grades={grade: round(count / grades.total(), 4) for grade, count in sorted(grades.items())},
        **{name: _mean(each.measures.get(name) for each in asked) for name in _MEANS},
        p50_ms=round(statistics.median(times), 2),
        p95_ms=round(cuts[18], 2),
        input_tokens=sum(each.input_tokens for each in asked),
        output_tokens=sum(each.output_tokens for each in asked),
    )


def _named(found: Sequence[EvalResult], name: str) -> str | None:
    """All names of one kind that the replies have; prompts are others in each language."""
    names: set[str] = {value for each in found if (value := each.measures.get(name))}
    return ", ".join(sorted(names)) or None


def _counts(judged: Sequence[EvalResult]) -> VerdictCounts:
    counts: Mapping[str, int] = Counter(each.verdict or "" for each in judged)
    return VerdictCounts(
        questions=len(judged), **{each.value: counts.get(each, 0) for each in Verdict}
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(statistics.fmean(known), 4) if known else None


def run_read(run: EvalRun) -> RunRead:
    """A run as the API shows it."""
    return RunRead(
        id=run.id,
        dataset_id=run.dataset_id,
        job_id=run.job_id,
        top_k=run.top_k,
        model=run.model,
        embedding=run.embedding,
        prompt_version=run.prompt_version,
        release=run.release,
        created_at=run.created_at,
        finished_at=run.finished_at,
        figures=None if run.figures is None else RunFigures.model_validate(run.figures),
    )


def _result_read(result: EvalResult) -> ResultRead:
    numbers = {
        name: float(value)
        for name, value in result.measures.items()
        if isinstance(value, int | float)
    }
    return ResultRead(
        case_id=result.case_id,
        question=result.question,
        kind=result.kind,
        verdict=result.verdict,
        error=result.error,
        answer=result.answer,
        abstained=result.is_abstained,
        confidence=ConfidenceRead(
            level=result.confidence_level, score=round(result.confidence_score, 4)
        ),
        measures=numbers,
        latency_ms=round(result.latency_ms, 2),
    )
