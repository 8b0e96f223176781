"""Answering a question from the passages a search finds."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from citewell.core.context import Actor, Caller, batched_work
from citewell.core.platform import Platform
from citewell.engine.answering.asking.answer_kinds import Aggregate
from citewell.engine.answering.asking.kinds import needs_whole_document, read_question
from citewell.engine.answering.base import (
    Answer,
    AnswerSentence,
    Citation,
    Confidence,
    Degradation,
    Passage,
    Question,
)
from citewell.engine.answering.calibration import (
    COSINES,
    WORDS,
    ConfidenceCalibration,
    calibration_of,
)
from citewell.engine.answering.extractive import (
    extract_answer,
    fixed_answer,
    measure_confidence,
)
from citewell.engine.answering.foreign import extract_foreign_answer, is_foreign
from citewell.engine.answering.generated import (
    AnswerDone,
    AnswerEvent,
    CitationEvent,
    StepEvent,
    TokenEvent,
    Writing,
    events_of,
    stream_answer,
)
from citewell.engine.answering.grades import grade_extract
from citewell.engine.answering.naming import Opening, document_named
from citewell.engine.answering.prompting import PASSAGE_TOKENS
from citewell.engine.answering.question import question_of
from citewell.engine.answering.suggesting import suggest_questions
from citewell.engine.chunking.legal_units import provision_at
from citewell.engine.chunking.pages import pages_of
from citewell.engine.embedding.base import EmbedderSpec
from citewell.engine.embedding.calibrating import as_bundled
from citewell.engine.embedding.token_estimate import estimate_tokens
from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.engine.llm.base import LanguageModel, TokenUsage
from citewell.engine.llm.stoppable import StoppableModel
from citewell.engine.retrieval.arranging import AS_RANKED, neighbours_of
from citewell.engine.retrieval.base import Hit
from citewell.engine.text.sentences import is_table_row
from citewell.features.connections import service as connections
from citewell.features.connections.schemas import Use
from citewell.features.question_policies.admission import AdmittedQuestion
from citewell.features.search import repository, service
from citewell.features.search.admission import admitted
from citewell.features.search.answer_cache import AnswerCodec, again, own_copy
from citewell.features.search.answer_records import Answered, Making, keep
from citewell.features.search.cached_replies import CacheableQuestion, remembered
from citewell.features.search.schemas import (
    AnswerMetadata,
    CitationRead,
    ConfidenceRead,
    DegradedRead,
    FilterValue,
    FollowUp,
    Found,
    QueryReply,
    QueryRequest,
    SentenceRead,
    StreamEvent,
    heading_text,
)
from citewell.features.search.scopes import ReaderScope
from citewell.features.search.writing import writing_of
from citewell.features.usage import service as usage
from citewell.features.usage.service import Metric
from citewell.kit.clock import Stopwatch, utc_now
from citewell.kit.ids import uuid7

MAX_PASSAGES = 50
"""Passages of one document that are read for a list or a sum: about 25 pages, or 200 rows. With
neighbours no more are read in all."""


_LEAST_ROWS = 3
"""Rows of a table with its header; two may be a form's."""


@dataclass(frozen=True, slots=True)
class PassageReading:
    """The question and the passages an answer is made from."""

    question: Question
    passages: list[Passage]
    calibration: ConfidenceCalibration
    foreign: Answer | None = None
    """The answer that needs no model, where the passages are in another language."""

    def extract(self) -> Answer:
        """The answer that needs no model, graded."""
        answer = self.foreign
        if answer is None:
            answer = extract_answer(self.question, self.passages, calibration=self.calibration)
        return grade_extract(answer, language=self.question.language, question=self.question.text)

    def confidence(self) -> Confidence:
        """How likely the passages hold an answer."""
        if self.foreign is not None:
            return self.foreign.confidence
        return measure_confidence(self.question, self.passages, calibration=self.calibration)


async def answer(
    platform: Platform,
    caller: Caller,
    request: QueryRequest,
    follow_up: FollowUp | None = None,
    admission: AdmittedQuestion | None = None,
) -> QueryReply:
    """Answer a question; raises what `service.search` raises."""
    return await _last(kept(platform, caller, request, follow_up, admission=admission))


async def trial(
    platform: Platform, caller: Caller, request: QueryRequest
) -> tuple[QueryReply, Making]:
    """Answer a question without keeping the answer; returns too what it was made of."""
    made = Making()
    reader = await service.reader_of(platform, caller, request.as_user_id)
    platform = await connections.equipped(platform, caller, Use.ANSWER)
    return await _last(_answering(platform, caller, reader, request, made)), made


async def _last(answering: AsyncGenerator[StreamEvent | QueryReply, None]) -> QueryReply:
    async with aclosing(answering) as items:
        async for item in items:
            if isinstance(item, QueryReply):
                return item
    raise AssertionError("an answer ends with its reply")


async def stream(
    platform: Platform,
    caller: Caller,
    request: QueryRequest,
    follow_up: FollowUp | None = None,
    admission: AdmittedQuestion | None = None,
) -> AsyncGenerator[StreamEvent, None]:
    """Answer a question as events; the last one is `done` with the whole reply."""
    async with aclosing(kept(platform, caller, request, follow_up, admission=admission)) as items:
        async for item in items:
            if isinstance(item, QueryReply):
                yield StreamEvent("done", item.model_dump(mode="json"))
            else:
                yield item


async def kept(
    platform: Platform,
    caller: Caller,
    request: QueryRequest,
    follow_up: FollowUp | None = None,
    *,
    made: Making | None = None,
    stop: asyncio.Event | None = None,
    admission: AdmittedQuestion | None = None,
) -> AsyncGenerator[StreamEvent | QueryReply, None]:
    """Yield the events of an answer, then the reply once it is in the log.

    Args:
        platform: The handles of the process.
        caller: Whose question it is.
        request: The question, standing alone.
        follow_up: How it came out of a conversation; None: it was asked as it is.
        made: Takes what the answer is made of, if it does not come out of a cache.
        stop: Once it is set the model is cut off; what it has written is the answer.
        admission: Of the question as it was asked, where it was admitted before it was made to
            stand alone; None: it is admitted here.
    """
    reader = await service.reader_of(platform, caller, request.as_user_id)
    async with AsyncExitStack() as stack:
        stamp = None
        if admission is None:
            admission = await stack.enter_async_context(
                admitted(platform, caller, request, reader=reader)
            )
            stamp = admission.rules.stamp
        else:
            # It may fit a pattern that the words alone did not.
            await admission.check([request.query])
        # Settings hold as of the question, which need not look for them again at each use.
        caller = caller.as_of(admission.rules.stamp)
        reader = reader.as_of(admission.rules.stamp)
        asked = CacheableQuestion(platform, caller, reader, request, stamp)
        answering = await stack.enter_async_context(aclosing(_made(asked, request, made, stop)))
        async with aclosing(admission.timed(answering)) as items:
            async for item in items:
                if isinstance(item, Answered):
                    # Beyond the time: cut off, it would be written all the same, beside the
                    # refusal.
                    yield await keep(platform, caller, request, item, follow_up)
                    return
                yield item


async def _made(
    asked: CacheableQuestion,
    request: QueryRequest,
    noted: Making | None,
    stop: asyncio.Event | None,
) -> AsyncGenerator[StreamEvent | Answered, None]:
    """Events and answer of an admitted question; see `kept`."""
    platform, caller, reader = asked.platform, asked.caller, asked.reader
    watch = Stopwatch()

    async def computing(scope: ReaderScope | None) -> AsyncGenerator[StreamEvent | Answered, None]:
        made = noted or Making()
        served = await connections.equipped(platform, caller, Use.ANSWER)
        if stop is not None and served.llm is not None:
            served = replace(served, llm=StoppableModel(served.llm, stop))
        items = _answering(served, caller, reader, request, made, scope)
        async with aclosing(items):
            async for item in items:
                yield Answered.of(platform, item, made) if isinstance(item, QueryReply) else item

    async with aclosing(remembered(asked, computing, AnswerCodec())) as items:
        async for each in items:
            if isinstance(each.item, Answered):
                own = again(each.item, request, watch) if each.is_cached else own_copy(each.item)
                if each.is_cached and own.reply.abstained and not own.reply.metadata.degraded:
                    # Kept from before the documents came that are being read now.
                    own.reply.metadata.degraded += await service.unread(
                        platform, reader, request.collection_ids, request.as_of
                    )
                yield own
            else:
                yield each.item


async def _answering(
    platform: Platform,
    caller: Caller,
    reader: Caller,
    request: QueryRequest,
    made: Making,
    scope: ReaderScope | None = None,
) -> AsyncGenerator[StreamEvent | QueryReply, None]:
    watch = Stopwatch()
    if (fixed := fixed_answer(request.query)) is not None:
        watch.lap("answer")
        yield StreamEvent("token", {"text": fixed.text})
        yield _reply(request, (), fixed, None, watch)
        return
    found = await gather(platform, reader, request, spender=caller.actor, scope=scope, watch=watch)
    made.found = found
    reading = await reading_of(platform, found, request.as_of, request.must_mention)
    budget = _TokenBudget(platform, caller)
    if platform.llm is not None:
        # Before the first event: a refusal is still a plain 429.
        reading = await budget.reserve(reading)
    yield StreamEvent("step", {"name": "search", "passages": len(found.hits)})
    if platform.llm is None:
        yield StreamEvent("step", {"name": "extract"})
        extracted = reading.extract()
        watch.lap("answer")
        for event in events_of(extracted):
            yield _shown(event)
        lacking = await _lacking(platform, reader, request, found, extracted)
        yield _reply(request, lacking, extracted, reading, watch)
        return
    async with aclosing(_written(platform, reader, platform.llm, reading, made)) as events:
        async for event in events:
            match event:
                case AnswerDone():
                    await budget.settle(platform.llm.name, event.usage)
                    made.spent = event.usage
                    watch.lap("answer")
                    lacking = await _lacking(platform, reader, request, found, event.answer)
                    yield _reply(request, lacking, event.answer, reading, watch)
                case _:
                    yield _shown(event)


async def _lacking(
    platform: Platform, reader: Caller, request: QueryRequest, found: Found, answer: Answer
) -> list[DegradedRead]:
    """Parts the answer was made without; for one that abstains also the unread documents."""
    if not answer.is_abstained:
        return found.degraded
    ids, as_of = request.collection_ids, request.as_of
    return found.degraded + await service.unread(platform, reader, ids, as_of)


def _shown(event: StepEvent | TokenEvent | CitationEvent) -> StreamEvent:
    match event:
        case StepEvent():
            return StreamEvent("step", {"name": event.name})
        case CitationEvent():
            return StreamEvent("citation", _citation_read(event.citation).model_dump(mode="json"))
        case TokenEvent(text, sentence):
            data: dict[str, object] = {"text": text}
            if sentence is not None:
                data["sentence"] = _sentence_read(sentence).model_dump(mode="json")
            return StreamEvent("token", data)


async def _written(
    platform: Platform, reader: Caller, llm: LanguageModel, reading: PassageReading, made: Making
) -> AsyncGenerator[AnswerEvent, None]:
    """Events of an answer that a model writes from the passages; see `stream_answer`."""
    own = await writing_of(platform, reader)
    reading_again = await service.verifier_named(platform, reader, own.verifier)
    made.verifier = reading_again.name
    events = stream_answer(
        llm,
        reading.question,
        reading.passages,
        writing=Writing(
            today=utc_now().date(),
            own_rules=own.prompts,
            verifier=reading_again,
        ),
        confidence=reading.confidence,
        fallback=reading.extract,
    )
    async with aclosing(events):
        async for event in events:
            yield event


async def gather(
    platform: Platform,
    reader: Caller,
    request: QueryRequest,
    *,
    spender: Actor | None = None,
    scope: ReaderScope | None = None,
    watch: Stopwatch,
) -> Found:
    """Find the passages to answer from; for a list or a sum the whole best document with them.

    A list or table is cut into passages of which a search finds some; what is to be complete needs
    the others too. Of a document that bears a name of the question, as a contract does those of its
    parties, more passages are read: its clauses do not repeat the name. Raises as `service.find`
    does.
    """

    async def find(top_k: int, filters: Mapping[str, FilterValue], timer: Stopwatch) -> Found:
        return await service.find(
            platform,
            reader,
            request.query,
            spender=spender if timer is watch else None,
            top_k=top_k,
            filters=filters,
            collection_ids=request.collection_ids,
            as_of=request.as_of,
            scope=scope,
            watch=timer,
            reranks=timer is watch,
            arrangement=request.arrangement if timer is watch else AS_RANKED,
        )

    found = await find(request.top_k, request.filters, watch)
    found = found.with_more(neighbours_of(found.hits, MAX_PASSAGES - len(found.hits)))
    hits, analysis = found.hits, found.retrieved.analysis
    asked = read_question(analysis.text, analysis.language)
    if platform.llm is not None or not hits:
        return found
    if needs_whole_document(asked):
        is_figure = asked.aggregate not in (None, Aggregate.COUNT)
        best = next((hit for hit in hits if is_figure and _has_table(hit)), None)
        document, most = str((best or hits[0]).document_id), MAX_PASSAGES
    else:
        document, most = _document_named(analysis.text, hits), request.top_k
    if document is None:
        return found
    whole = await find(most, {**request.filters, "document_id": document}, Stopwatch())
    watch.lap("document")
    known = {hit.chunk_id for hit in hits}
    return found.with_more(hit for hit in whole.hits if hit.chunk_id not in known)


def _has_table(hit: Hit) -> bool:
    """Whether a passage holds a table, over whose whole length a figure is computed."""
    lines = hit.text.splitlines()
    return sum(map(is_table_row, lines)) >= _LEAST_ROWS


def _document_named(question: str, hits: Sequence[Hit]) -> str | None:
    return document_named(
        question,
        (Opening(str(hit.document_id), hit.version, hit.start, hit.text) for hit in hits),
    )


class _TokenBudget:
    """The tokens of one answer: reserved before the model is asked, settled when it is done.

    Whoever leaves in the middle has spent what was reserved.
    """

    def __init__(self, platform: Platform, caller: Caller) -> None:
        self._platform = platform
        self._caller = caller
        self._reserved = 0
        self._at = utc_now()

    async def reserve(self, reading: PassageReading) -> PassageReading:
        """Reserve what the model is going to read, about.

        Returns the reading with the dates of its documents, which the model is told; they are read
        in the same round trip.

        Raises:
            QuotaReachedError: The tokens of the month do not last for it.
        """
        if not reading.passages:  # the model is not asked
            return reading
        texts = [reading.question.text, *(passage.text for passage in reading.passages)]
        self._reserved = min(sum(estimate_tokens(text) for text in texts), PASSAGE_TOKENS)
        versions = [(uuid.UUID(one.document_id), one.version) for one in reading.passages]
        async with batched_work(self._platform, self._caller, has_kept_plans=True) as ctx:
            asked = repository.document_dates(ctx, {*versions})
            await usage.consume(ctx, Metric.MODEL_TOKENS, self._reserved)
            dates = await asked
        dated = [
            replace(one, date=dates.get(version, ""))
            for one, version in zip(reading.passages, versions, strict=True)
        ]
        return replace(reading, passages=dated)

    async def settle(self, model: str, spent: TokenUsage) -> None:
        """Replace what was reserved by what the model says it took."""
        await usage.settle_tokens(
            self._platform, self._caller, model, spent, reserved=self._reserved, at=self._at
        )


async def reading_of(
    platform: Platform, found: Found, as_of: datetime | None = None, must_mention: str = ""
) -> PassageReading:
    """Get what an answer is made from out of what a search found.

    Args:
        platform: The handles of the process.
        found: The passages.
        as_of: The time for which it is answered; None: now.
        must_mention: Words that the answer must rest on.
    """
    analysis, spec = found.retrieved.analysis, found.retrieved.embedding
    statistics = found.retrieved.statistics
    question = question_of(analysis.text, analysis.language, analysis.terms, statistics)
    day = (as_of or utc_now()).date()
    question = replace(question, day=day, must_mention=must_mention)
    passages = [_passage(hit, analysis.language, spec) for hit in found.hits]
    is_covered = spec is not None and spec.covers(analysis.language)
    reading = PassageReading(question, passages, calibration_of(COSINES if is_covered else WORDS))
    if spec is None or not is_foreign(question, passages, spec):
        return reading
    try:
        embedder = await platform.embedder_of(spec.name)
        foreign = await extract_foreign_answer(question, passages, embedder)
    except (ProviderError, ProviderConfigurationError) as error:
        unread = Degradation("embedding", str(error))
        foreign = replace(reading.extract(), degraded=(unread,))
    return replace(reading, foreign=foreign)


def _passage(hit: Hit, asked: str, spec: EmbedderSpec | None) -> Passage:
    cosine = hit.dense_score
    likeness = None
    if spec is not None and spec.calibration.likeness:
        likeness = spec.calibration.likeness_of(asked, hit.language)
    return Passage(
        chunk_id=str(hit.chunk_id),
        document_id=str(hit.document_id),
        title=hit.title,
        version=hit.version,
        page=hit.page,
        heading=hit.heading,
        start=hit.start,
        end=hit.end,
        text=hit.text,
        score=hit.score,
        language=hit.language,
        dense_score=as_bundled(cosine, likeness)
        if cosine is not None and likeness is not None and likeness.is_understood
        else None,
        cosine=cosine,
        page_breaks=hit.page_breaks,
        sheet=hit.sheet,
        context=hit.context,
    )


def _citation_read(citation: Citation) -> CitationRead:
    passage = citation.passage
    start, end = citation.start - passage.start, citation.end - passage.start
    page, page_end = pages_of(passage.page, passage.page_breaks, start, end)
    provision = provision_at(passage.heading, passage.text, start, end)
    return CitationRead.model_validate(
        {
            "number": citation.number,
            "chunk_id": passage.chunk_id,
            "document_id": passage.document_id,
            "title": passage.title,
            "version": passage.version,
            "page": page,
            "page_end": page_end,
            "sheet": passage.sheet,
            "heading": heading_text(provision.path if provision else passage.heading),
            "provision": provision.cited if provision else None,
            "start": citation.start,
            "end": citation.end,
            "quote": citation.quote,
            "score": round(citation.score, 4),
        }
    )


def _sentence_read(sentence: AnswerSentence) -> SentenceRead:
    assessment = sentence.assessment
    return SentenceRead(
        text=sentence.text,
        citations=list(sentence.citations),
        grade=assessment.grade if assessment else None,
        unsupported_terms=list(assessment.unsupported_terms) if assessment else [],
        verified_by=assessment.verified_by if assessment else None,
    )


def _reply(
    request: QueryRequest,
    searched: Sequence[DegradedRead],
    answer: Answer,
    reading: PassageReading | None,
    watch: Stopwatch,
) -> QueryReply:
    suggested = suggest_questions(request.query, answer, reading.passages) if reading else ()
    watch.lap("suggest")
    degraded = [*searched]
    degraded += [DegradedRead.model_validate(asdict(item)) for item in answer.degraded]
    return QueryReply(
        query_id=uuid7(),
        query=request.query,
        answer=answer.text,
        abstained=answer.is_abstained,
        confidence=ConfidenceRead(
            level=answer.confidence.level,
            score=round(answer.confidence.score, 4),
            reasons=list(answer.confidence.reasons),
        ),
        sentences=[_sentence_read(sentence) for sentence in answer.sentences],
        citations=[_citation_read(citation) for citation in answer.citations],
        metadata=AnswerMetadata(
            model=answer.model,
            prompt=answer.prompt,
            timings_ms=watch.finish(),
            degraded=degraded,
        ),
        timestamp=utc_now(),
        suggestions=list(suggested),
    )
