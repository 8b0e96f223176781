"""One question of a run: asked, judged and measured; and the figures of all of them."""

import asyncio
import statistics
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from citewell.core.context import Caller
from citewell.core.errors import InvalidInputError
from citewell.core.platform import Platform
from citewell.engine.answering.asking.kinds import read_question
from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.engine.evaluation import metrics
from citewell.engine.evaluation.answers import (
    AnswerCase,
    JudgedReply,
    Verdict,
    calibration_error,
    phrase,
    quotes_hold,
)
from citewell.engine.evaluation.judging import Judge, JudgedCase, RulesJudge
from citewell.engine.llm.base import TokenUsage
from citewell.engine.llm.pricing import price_of
from citewell.engine.text.language import detect_language
from citewell.engine.verification.grading import Grade
from citewell.features.agents import rehearsing
from citewell.features.agents.schemas import AgentDefinition
from citewell.features.evaluations import spending
from citewell.features.evaluations.schemas import JudgeFigures, RunFigures, VerdictCounts
from citewell.features.search import answers
from citewell.features.search.answer_records import Making
from citewell.features.search.schemas import ConfidenceRead, QueryRequest, SentenceRead
from citewell.kit.clock import Stopwatch
from citewell.models.evaluations import EvalCase, EvalResult

RANKED = 10
"""Documents that the retrieval measures look at."""

_RULES = RulesJudge()

_PROVEN = (Grade.QUOTED, Grade.CLOSE, Grade.CONFIRMED)

# As the levels of answers: most, half, some.
_LEVELS = ((0.8, "high"), (0.5, "medium"), (0.01, "low"))


class AskedAgent(BaseModel):
    """An agent that answers, as it was when the run began."""

    slug: str
    version: int
    definition: AgentDefinition


class NoAnswerError(InvalidInputError):
    """An agent ended without an answer, which took tokens nevertheless."""

    def __init__(self, reason: str, model: str, usage: TokenUsage, cost: float | None) -> None:
        super().__init__(reason)
        self.model = model
        self.usage = usage
        self.cost = cost


@dataclass(frozen=True, slots=True)
class MeasuredAnswer:
    """An answer, whoever made it, as far as it is measured."""

    text: str
    is_abstained: bool
    confidence: ConfidenceRead
    sentences: Sequence[SentenceRead]
    cited: Sequence[tuple[uuid.UUID, str]]
    """Document and quote of each citation."""
    ranked: Sequence[uuid.UUID]
    """Documents as they were found."""
    milliseconds: float
    names: Mapping[str, str]
    """Of the embedding, the prompt, an agent's model; as far as there are any."""
    usage: TokenUsage
    cost: float | None
    """US dollars; None: not known."""


async def ask(
    platform: Platform,
    caller: Caller,
    case: EvalCase,
    by: AskedAgent | int,
    judge: Judge | None,
) -> dict[str, object]:
    """Ask the question of a case; returns the values of its result.

    Args:
        platform: Index and models.
        caller: With access to everything.
        case: The question and what is right.
        by: The agent that answers, or how many passages are read.
        judge: Reads the reply too; its failures are noted, and the run goes on.

    Raises:
        QuotaReachedError: The tenant's plan does not allow it.
    """
    values: dict[str, object] = {
        "tenant_id": caller.tenant_id,
        "case_id": case.id,
        "question": case.question,
        "kind": case.kind or read_question(case.question, detect_language(case.question)).kind,
    }
    try:
        if isinstance(by, int):
            reply = await _answered(platform, caller, case.question, by)
        else:
            reply = await _answered_by(platform, caller, case.question, by)
    except InvalidInputError as error:
        values |= {
            "error": error.detail, "is_abstained": False, "confidence_level": "none",
            "confidence_score": 0.0, "measures": {}, "latency_ms": 0.0,
        }  # fmt: skip
        if isinstance(error, NoAnswerError):
            values |= {
                "measures": {"model": error.model, "cost_usd": error.cost},
                "input_tokens": error.usage.input_tokens,
                "output_tokens": error.usage.output_tokens,
            }
        return values
    documents = [*reply.ranked, *(document_id for document_id, _ in reply.cited)]
    measures = _measures(case, reply, documents)
    measures["cost_usd"] = reply.cost
    if judge is not None:
        measures |= await _judged_by(platform, caller, judge, case, reply)
    return {
        **values,
        "verdict": await _verdict(case, reply),
        "answer": reply.text,
        "is_abstained": reply.is_abstained,
        "confidence_level": reply.confidence.level,
        "confidence_score": reply.confidence.score,
        "measures": measures,
        "latency_ms": reply.milliseconds,
        "input_tokens": reply.usage.input_tokens,
        "output_tokens": reply.usage.output_tokens,
        "document_ids": list(dict.fromkeys(documents)),
    }


async def _answered(
    platform: Platform, caller: Caller, question: str, top_k: int
) -> MeasuredAnswer:
    reply, made = await answers.trial(platform, caller, QueryRequest(query=question, top_k=top_k))
    space = made.found.retrieved.embedding if made.found else None
    names = {"embedding": space.name if space else None, "prompt": reply.metadata.prompt}
    return MeasuredAnswer(
        reply.answer,
        reply.abstained,
        reply.confidence,
        reply.sentences,
        [(each.document_id, each.quote) for each in reply.citations],
        [hit.document_id for hit in made.found.hits] if made.found else [],
        reply.metadata.timings_ms["total"],
        {kind: name for kind, name in names.items() if name is not None},
        made.spent,
        await _cost(platform, made),
    )


async def _answered_by(
    platform: Platform, caller: Caller, question: str, agent: AskedAgent
) -> MeasuredAnswer:
    """The answer of an agent.

    Raises:
        InvalidInputError: Its model does not answer.
        NoAnswerError: It came to none; why, and what it took.
    """
    watch = Stopwatch()
    try:
        made = await rehearsing.rehearse(platform, caller, agent.slug, agent.definition, question)
    except (ProviderError, ProviderConfigurationError) as error:
        raise InvalidInputError(str(error)) from error
    if made.report is None:
        price = await _price(made.model, made.usage)
        raise NoAnswerError(made.reason, made.model, made.usage, price)
    report = made.report
    return MeasuredAnswer(
        report.answer,
        not report.citations,
        _confidence_in(report.sentences),
        report.sentences,
        [(each.document_id, each.quote) for each in report.citations],
        made.read,
        watch.finish()["total"],
        {"model": made.model},
        made.usage,
        await _price(made.model, made.usage),
    )


def _confidence_in(sentences: Sequence[SentenceRead]) -> ConfidenceRead:
    """The share of proven sentences: agents tell no confidence of their own."""
    proven = [each.grade in _PROVEN for each in sentences if each.grade is not None]
    score = statistics.fmean(proven) if proven else 0.0
    level = next((name for least, name in _LEVELS if score >= least), "none")
    return ConfidenceRead(level=level, score=round(score, 4))


async def _cost(platform: Platform, made: Making) -> float | None:
    """US dollars of an answer; None: a model was asked, and its price or its tokens are unknown."""
    if platform.llm is None or made.found is None or not made.found.hits:
        return 0.0
    return await _price(platform.llm.name, made.spent)


async def _price(model: str, spent: TokenUsage) -> float | None:
    if spent == TokenUsage():
        return None  # it does not say what it took
    return await asyncio.to_thread(price_of, model, spent)  # the list is read from disk at first


async def _judged_by(
    platform: Platform, caller: Caller, judge: Judge, case: EvalCase, reply: MeasuredAnswer
) -> dict[str, object]:
    """The verdict of a model and its cost; nothing where the case does not say what is right."""
    wanted = _answer_case(case)
    truth = _truth(case)
    if wanted is None and not truth:
        return {}
    wanted = wanted or AnswerCase(str(case.id), case.question)
    at = await spending.reserve(platform, caller)
    try:
        judgement = await judge.judge(JudgedCase(wanted, _judged(reply), truth))
    except (ProviderError, ProviderConfigurationError) as error:
        return {"judge_error": str(error)}
    await spending.settle(platform, caller, judge.name, at, judgement.usage)
    is_asked = judgement.usage != TokenUsage()
    return {
        "judged": judgement.verdict.value,
        "judge_input_tokens": judgement.usage.input_tokens,
        "judge_output_tokens": judgement.usage.output_tokens,
        # Abstentions are judged without the model.
        "judge_cost_usd": await _price(judge.name, judgement.usage)
        if is_asked or not (case.abstain or reply.is_abstained)
        else 0.0,
    }


def _truth(case: EvalCase) -> str:
    """The right answer in words, for a judge."""
    parts = [case.reference or ""]
    for name, texts in (
        ("It says one of", case.gold), ("It says all of", case.all_of),
        ("It says none of", case.forbid),
    ):  # fmt: skip
        if texts:
            parts.append(f"{name}: {'; '.join(texts)}.")
    return " ".join(filter(None, parts))


def _answer_case(case: EvalCase) -> AnswerCase | None:
    """The right answer, as the engine judges it; None where the case does not say."""
    if not (case.gold or case.all_of or case.abstain):
        return None
    gold, every, forbid = (
        tuple(map(phrase, texts)) for texts in (case.gold, case.all_of, case.forbid)
    )
    return AnswerCase(str(case.id), case.question, gold, every, forbid, case.abstain)


async def _verdict(case: EvalCase, reply: MeasuredAnswer) -> Verdict | None:
    wanted = _answer_case(case)
    if wanted is None:
        return None
    return (await _RULES.judge(JudgedCase(wanted, _judged(reply), _truth(case)))).verdict


def _judged(reply: MeasuredAnswer) -> JudgedReply:
    return JudgedReply(
        answer=reply.text,
        is_abstained=reply.is_abstained,
        sentences=len(reply.sentences),
        first_quote=reply.cited[0][1] if reply.cited else None,
        confidence=reply.confidence.score,
        level=reply.confidence.level,
    )


def _measures(
    case: EvalCase, reply: MeasuredAnswer, documents: Sequence[uuid.UUID]
) -> dict[str, object]:
    """Numbers of one reply, by name; those that the case does not ask for are left out."""
    found: dict[str, object] = dict(reply.names)
    for grade, count in Counter(each.grade for each in reply.sentences if each.grade).items():
        found[f"grade_{grade}"] = count
    wanted = _answer_case(case)
    if wanted is not None and not case.abstain and reply.cited:
        held = quotes_hold(wanted, [quote for _, quote in reply.cited])
        found["answer_in_citation"] = float(held)
    if case.reference and not reply.is_abstained:
        said = " ".join(sentence.text for sentence in reply.sentences)
        found["similarity"] = round(metrics.word_overlap(said, case.reference), 4)
    if case.document_ids:
        judgement = {str(document_id): 1 for document_id in case.document_ids}
        ranking = [str(document_id) for document_id in documents]
        for name, measure in _RETRIEVAL.items():
            found[f"{name}_at_{RANKED}"] = round(measure(ranking, judgement, RANKED), 4)
        if reply.cited:
            cited = [str(document_id) in judgement for document_id, _ in reply.cited]
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


def figures(found: Sequence[EvalResult], judge: str | None) -> RunFigures:
    """Figures of all results of a run.

    Args:
        found: The results.
        judge: Name of the model that judged; None: none did.
    """
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
        input_tokens=sum(each.input_tokens for each in found),
        output_tokens=sum(each.output_tokens for each in found),
        cost_usd=_total(
            each.measures.get("cost_usd")
            for each in found
            if each.error is None or "cost_usd" in each.measures
        ),
        judged=None if judge is None else _judge_figures(asked, judge),
    )


def _judge_figures(asked: Sequence[EvalResult], judge: str) -> JudgeFigures:
    read = [each for each in asked if "judged" in each.measures]
    verdicts = Counter(each.measures["judged"] for each in read)
    both = [each.measures["judged"] == each.verdict for each in read if each.verdict is not None]
    return JudgeFigures(
        judge=judge,
        verdicts=VerdictCounts(
            questions=len(read), **{each.value: verdicts.get(each, 0) for each in Verdict}
        ),
        failed=sum("judge_error" in each.measures for each in asked),
        agreement=round(statistics.fmean(both), 4) if both else None,
        input_tokens=sum(each.measures["judge_input_tokens"] for each in read),
        output_tokens=sum(each.measures["judge_output_tokens"] for each in read),
        cost_usd=_total(each.measures["judge_cost_usd"] for each in read),
    )


def _total(costs: Iterable[float | None]) -> float | None:
    """The sum of costs; one that is not known makes it unknown."""
    known = list(costs)
    return None if None in known else round(sum(cost for cost in known if cost), 6)


def named(found: Sequence[EvalResult], name: str) -> str | None:
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
