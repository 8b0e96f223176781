"""Evaluating answers: the questions of a file are asked of a library, the replies judged."""

import statistics
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from citewell.core.errors import InvalidInputError
from citewell.engine.answering.asking.kinds import read_question
from citewell.engine.evaluation.answers import (
    AnswerCase,
    JudgedReply,
    Verdict,
    calibration_error,
    first_quote_holds,
    judge,
    read_cases,
)
from citewell.engine.evaluation.datasets import DatasetError
from citewell.engine.text.language import detect_language
from citewell.features.evaluations.schemas import AnswerFigures, CaseResult, VerdictCounts
from citewell.features.search.schemas import MAX_QUERY_CHARS, QueryReply, QueryRequest

OnCase = Callable[[int], None]
Ask = Callable[[Sequence[str], QueryRequest], Awaitable[QueryReply]]
"""Answers a question after others of the same conversation."""


def read_answer_cases(path: Path) -> list[AnswerCase]:
    """Read the questions of a file.

    Raises:
        InvalidInputError: The file is missing, empty or malformed; the message names the line.
    """
    try:
        cases = list(read_cases(path))
    except DatasetError as error:
        raise InvalidInputError(str(error)) from error
    if not cases:
        raise InvalidInputError(f"{path} holds no questions.")
    return cases


async def measure_answers(ask: Ask, cases: Sequence[AnswerCase], on_case: OnCase) -> AnswerFigures:
    """Ask every question, and judge the replies.

    Args:
        ask: Answers one question of a library.
        cases: The questions with what is right.
        on_case: Told how many are done.
    """
    asked: list[tuple[AnswerCase, JudgedReply, float]] = []
    for number, case in enumerate(cases, 1):
        request = QueryRequest(query=case.question[:MAX_QUERY_CHARS])
        reply = await ask(case.before, request)
        asked.append((case, _judged(reply), reply.metadata.timings_ms["total"]))
        on_case(number)
    return _figures(asked)


def _judged(reply: QueryReply) -> JudgedReply:
    return JudgedReply(
        answer=reply.answer,
        is_abstained=reply.abstained,
        sentences=len(reply.sentences),
        first_quote=reply.citations[0].quote if reply.citations else None,
        confidence=reply.confidence.score,
        level=reply.confidence.level,
    )


def _figures(asked: Sequence[tuple[AnswerCase, JudgedReply, float]]) -> AnswerFigures:
    verdicts = [judge(case, reply) for case, reply, _ in asked]
    kinds = [case.kind or _kind_of(case) for case, _, _ in asked]
    quotes = [
        held for case, reply, _ in asked if (held := first_quote_holds(case, reply)) is not None
    ]
    cited = [
        (reply, verdict is Verdict.RIGHT)
        for (_, reply, _), verdict in zip(asked, verdicts, strict=True)
        if reply.first_quote is not None
    ]
    high = [is_right for reply, is_right in cited if reply.level == "high"]
    times = [taken for _, _, taken in asked]
    cuts = statistics.quantiles(times, n=20) if len(times) > 1 else times * 19
    return AnswerFigures(
        **_counts(verdicts).model_dump(),
        first_quote=_mean(quotes),
        mean_sentences=_mean([r.sentences for _, r, _ in asked if not r.is_abstained]),
        ece=round(calibration_error([r.confidence for r, _ in cited], [ok for _, ok in cited]), 4),
        high=len(high),
        high_right=sum(high),
        p50_ms=round(statistics.median(times), 2),
        p95_ms=round(cuts[18], 2),
        by_kind={
            kind: _counts([v for v, k in zip(verdicts, kinds, strict=True) if k == kind])
            for kind in sorted(set(kinds))
        },
        cases=[
            CaseResult(
                id=case.id,
                question=case.question,
                verdict=verdict,
                confidence=reply.level,
                answer=reply.answer,
            )
            for (case, reply, _), verdict in zip(asked, verdicts, strict=True)
        ],
    )


def _kind_of(case: AnswerCase) -> str:
    return read_question(case.question, detect_language(case.question)).kind


def _counts(verdicts: Sequence[Verdict]) -> VerdictCounts:
    return VerdictCounts(
        questions=len(verdicts), **{verdict.value: verdicts.count(verdict) for verdict in Verdict}
    )


def _mean(values: Sequence[float]) -> float:
    return round(statistics.fmean(values), 4) if values else 0.0
