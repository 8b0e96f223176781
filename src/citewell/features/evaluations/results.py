"""Judged replies of a run, as far as whoever asks may read what they were made of."""

from collections.abc import Sequence

from citewell.core.context import Context
from citewell.features.evaluations import repository
from citewell.features.evaluations.schemas import ResultRead
from citewell.features.search.schemas import ConfidenceRead
from citewell.models.evaluations import EvalResult


async def result_reads(ctx: Context, results: Sequence[EvalResult]) -> list[ResultRead]:
    """Results as the API shows them to the caller.

    A collection may have become private since the run: the answer is then shown to those alone who
    may read all documents among its passages now. Verdicts and measures are always shown.
    """
    reach = (await ctx.access()).read
    of_results = {each for result in results for each in result.document_ids}
    known = await repository.readable_documents(ctx.session, of_results, reach)
    cases = await repository.shown_cases(ctx.session, [each.case_id for each in results], reach)
    shown: list[ResultRead] = []
    for result in results:
        is_withheld = not known.issuperset(result.document_ids)
        # The question of a case that is gone may have been written from a document, or not.
        is_asked_openly = result.case_id in cases or not is_withheld
        shown.append(_read(result, is_withheld=is_withheld, is_asked_openly=is_asked_openly))
    return shown


def _read(result: EvalResult, *, is_withheld: bool, is_asked_openly: bool) -> ResultRead:
    numbers = {
        name: float(value)
        for name, value in result.measures.items()
        if isinstance(value, int | float)
    }
    return ResultRead(
        case_id=result.case_id,
        question=result.question if is_asked_openly else "",
        kind=result.kind,
        verdict=result.verdict,
        judged=result.measures.get("judged"),
        error=result.error,
        answer=None if is_withheld else result.answer,
        is_withheld=is_withheld,
        abstained=result.is_abstained,
        confidence=ConfidenceRead(
            level=result.confidence_level, score=round(result.confidence_score, 4)
        ),
        measures=numbers,
        latency_ms=round(result.latency_ms, 2),
    )
