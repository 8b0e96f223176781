"""Keeps answers with what they were made of, for as long as the tenant wants."""

from contextlib import suppress
from dataclasses import dataclass, field

from pydantic import BaseModel

import citewell
from citewell.core.context import Caller
from citewell.core.metrics import OTHER, STAGES, ProcessMetrics
from citewell.core.platform import Platform
from citewell.engine.answering.extractive import MODEL as EXTRACTIVE
from citewell.engine.llm.base import TokenUsage
from citewell.engine.reranking.base import Reranking
from citewell.engine.retrieval.base import Hit
from citewell.features.question_policies.errors import QuestionNotAdmittedError
from citewell.features.search.answer_log import AnswerLog
from citewell.features.search.errors import AnswerNotKeptError
from citewell.features.search.schemas import (
    AnswerRecord,
    CitationRead,
    DegradedRead,
    FollowUp,
    Found,
    PassageReference,
    QueryReply,
    QueryRequest,
    Setting,
)
from citewell.kit.clock import utc_now
from citewell.kit.ids import uuid7
from citewell.kit.storable import storable

REFUSED_MODEL = "rules"
"""Author of a refusal: the tenant's rules, no model."""

NOBODYS_ROLE = "none"
"""Label of askers that are no users: keys of an organisation, and its software."""

REFUSED_LEVEL = "none"
"""Confidence of a refusal: there is no answer to have some in."""


@dataclass(slots=True)
class Making:
    """Ingredients of one answer, noted while it is made."""

    found: Found | None = None
    """None: a fixed reply, for which nothing was searched."""
    spent: TokenUsage = field(default_factory=TokenUsage)
    verifier: str | None = None
    """Second reader of the sentences; None: no model wrote them."""


class Basis(BaseModel):
    """Sources of an answer, as references."""

    language: str
    embedding: str | None
    passages: list[PassageReference]
    citations: list[dict[str, int | float]]
    """`number, passage (index), start, end, score`."""
    settings: dict[str, Setting]


class Answered(BaseModel):
    """An answer and what it was made of."""

    reply: QueryReply
    basis: Basis
    input_tokens: int = 0
    output_tokens: int = 0

    @classmethod
    def of(cls, platform: Platform, reply: QueryReply, made: Making) -> "Answered":
        """The answer with what was noted while it was made."""
        found, spent = made.found, made.spent
        passages = _passages(found, reply.citations)
        space = found.retrieved.embedding if found else None
        basis = Basis(
            language=found.retrieved.analysis.language if found else "en",
            embedding=space.name if space else None,
            passages=passages,
            citations=_citations(reply.citations, passages),
            settings=settings_of(platform, made),
        )
        counted = {"input_tokens": spent.input_tokens, "output_tokens": spent.output_tokens}
        metadata = reply.metadata.model_copy(update=counted)
        return cls(
            reply=reply.model_copy(update={"metadata": metadata}),
            basis=basis,
            input_tokens=spent.input_tokens,
            output_tokens=spent.output_tokens,
        )


async def keep(
    platform: Platform,
    caller: Caller,
    request: QueryRequest,
    answered: Answered,
    follow_up: FollowUp | None = None,
) -> QueryReply:
    """Keep an answer; if the database is away by now it is given all the same, and says so."""
    if follow_up is not None:
        answered = _in_conversation(answered, follow_up)
    reply = answered.reply
    _measure(platform.state_of(ProcessMetrics), caller, answered)
    try:
        log = platform.state_of(AnswerLog)
        await log.add(platform, caller, _record(request, answered))
    except AnswerNotKeptError as error:
        reply.metadata.degraded.append(DegradedRead(what="stored answer", why=str(error)))
    return reply


async def keep_refusal(
    platform: Platform, caller: Caller, request: QueryRequest, error: QuestionNotAdmittedError
) -> None:
    """Keep a question that the tenant's rules did not admit, with what the asker was told.

    The refusal stands whether or not it can be written.
    """
    record = AnswerRecord(
        id=uuid7(),
        at=utc_now(),
        question=storable(request.query),
        standalone=None,
        request=request.model_dump(mode="json", exclude={"query", "cache"}, exclude_defaults=True),
        language="",
        answer=storable(error.detail),
        sentences=[],
        is_abstained=False,
        confidence_level=REFUSED_LEVEL,
        confidence_score=0.0,
        reasons=[],
        passages=[],
        citations=[],
        model=REFUSED_MODEL,
        prompt_version=None,
        embedding=None,
        release=citewell.__version__,
        settings={},
        input_tokens=0,
        output_tokens=0,
        timings_ms={},
        degraded=[],
        is_cached=None,
        refusal=error.code,
    )
    metrics = platform.state_of(ProcessMetrics)
    if metrics.is_recording:
        metrics.count("answers_total", "refused", "rules", "no", _asker(caller))
    with suppress(AnswerNotKeptError):
        await platform.state_of(AnswerLog).add(platform, caller, record)


def settings_of(platform: Platform, made: Making) -> dict[str, Setting]:
    """Parts of an answer besides model, prompt and embedding, by name; a replay compares them."""
    reranker = made.found.retrieved.reranker if made.found else None
    return {
        "verifier": made.verifier,
        "reranker": reranker,
        "rerank_candidates": platform.state_of(Reranking).candidates if reranker else None,
    }


def _in_conversation(answered: Answered, follow_up: FollowUp) -> Answered:
    """The answer to a follow-up: with the question as it was asked, and all that it came from."""
    before, basis = answered.reply, answered.basis
    standalone = before.query if before.query != follow_up.asked else None
    metadata = before.metadata.model_copy(
        update={
            "standalone": standalone,
            "input_tokens": before.metadata.input_tokens + follow_up.input_tokens,
            "output_tokens": before.metadata.output_tokens + follow_up.output_tokens,
            "degraded": [*follow_up.degraded, *before.metadata.degraded],
        }
    )
    known = {passage.chunk_id for passage in basis.passages}
    more = [passage for passage in follow_up.passages if passage.chunk_id not in known]
    return answered.model_copy(
        update={
            "reply": before.model_copy(update={"query": follow_up.asked, "metadata": metadata}),
            "basis": basis.model_copy(update={"passages": [*basis.passages, *more]}),
            "input_tokens": answered.input_tokens + follow_up.input_tokens,
            "output_tokens": answered.output_tokens + follow_up.output_tokens,
        }
    )


def _asker(caller: Caller) -> str:
    """The role of the asker; keys of the organisation and its software have none."""
    actor = caller.actor
    return actor.role.name.lower() if actor.user_id is not None else NOBODYS_ROLE


def _measure(metrics: ProcessMetrics, caller: Caller, answered: Answered) -> None:
    """Note an answer for operators: outcome, stages, the asker's role, never words or names."""
    if not metrics.is_recording:
        return
    reply = answered.reply
    outcome = "abstained" if reply.abstained else "answered"
    if reply.metadata.degraded:
        outcome = "degraded"
    author = "rules" if reply.metadata.model == EXTRACTIVE else "model"
    cached = "yes" if reply.metadata.cached else "no"
    metrics.count("answers_total", outcome, author, cached, _asker(caller))
    for stage, milliseconds in reply.metadata.timings_ms.items():
        known = stage if stage in STAGES else OTHER
        metrics.observe("answer_stage_seconds", milliseconds / 1000, known)


def _record(request: QueryRequest, answered: Answered) -> AnswerRecord:
    reply, basis = answered.reply, answered.basis
    standalone = reply.metadata.standalone
    return AnswerRecord(
        id=reply.query_id,
        at=reply.timestamp,
        # A question with characters that cannot be kept is asked all the same.
        question=storable(reply.query),
        standalone=storable(standalone) if standalone else None,
        request=request.model_dump(mode="json", exclude={"query", "cache"}, exclude_defaults=True),
        language=basis.language,
        answer=reply.answer,
        sentences=[sentence.model_dump(mode="json") for sentence in reply.sentences],
        is_abstained=reply.abstained,
        confidence_level=reply.confidence.level,
        confidence_score=reply.confidence.score,
        reasons=reply.confidence.reasons,
        passages=basis.passages,
        citations=basis.citations,
        model=reply.metadata.model,
        prompt_version=reply.metadata.prompt,
        embedding=basis.embedding,
        release=citewell.__version__,
        settings=basis.settings,
        input_tokens=answered.input_tokens,
        output_tokens=answered.output_tokens,
        timings_ms=reply.metadata.timings_ms,
        degraded=[each.model_dump() for each in reply.metadata.degraded],
        is_cached=reply.metadata.cached,
    )


def _passages(found: Found | None, citations: list[CitationRead]) -> list[PassageReference]:
    """Passages that were read, best first, and then those that are cited beside them."""
    hits = found.hits if found else []
    listed = {hit.chunk_id: _reference(hit) for hit in hits}
    for citation in citations:
        listed.setdefault(citation.chunk_id, _reference(citation))
    return list(listed.values())


def _reference(shown: Hit | CitationRead) -> PassageReference:
    # A citation that is not among the hits says the page of its quote, which needs no breaks.
    breaks = shown.page_breaks if isinstance(shown, Hit) else ()
    return PassageReference(
        chunk_id=shown.chunk_id,
        document_id=shown.document_id,
        version=shown.version,
        page=shown.page,
        page_breaks=list(breaks),
        start=shown.start,
        end=shown.end,
        score=round(shown.score, 4),
    )


def _citations(
    citations: list[CitationRead], passages: list[PassageReference]
) -> list[dict[str, int | float]]:
    """By the place of their passage, and offsets in the version's text: no word is copied."""
    places = {passage.chunk_id: place for place, passage in enumerate(passages)}
    return [
        {
            "number": citation.number,
            "passage": places[citation.chunk_id],
            "start": citation.start,
            "end": citation.end,
            "score": citation.score,
        }
        for citation in citations
    ]
