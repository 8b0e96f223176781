"""Looking at stored answers, rating them, and forgetting them in time."""

import uuid
from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from citewell.access.policy import Reach, Role
from citewell.core.context import NOBODY, SYSTEM, BatchContext, Caller, Context, unit_of_work
from citewell.core.database.parts import RowFilter
from citewell.core.platform import Platform
from citewell.engine.chunking.pages import pages_of
from citewell.features.audit import service as audit
from citewell.features.queries import repository
from citewell.features.queries.errors import QueryNotFoundError
from citewell.features.queries.schemas import (
    FeedbackCreate,
    FeedbackRead,
    Logged,
    LogPrivacy,
    QueryFilter,
    QuerySight,
    QuerySummary,
    Readable,
    StoredAnswer,
    StoredCitation,
    StoredMetadata,
    StoredPassage,
    StoredSentence,
)
from citewell.features.search.schemas import ConfidenceRead, DegradedRead
from citewell.kit.csv_lines import csv_lines
from citewell.kit.pagination import Page, PageRequest
from citewell.models.queries import QueryLog

READS_LOG_FROM = Role.MANAGER
"""Lowest role that sees what others asked, as it sees the usage."""

EXPORTED = (
    "query_id", "timestamp", "user_id", "query", "answered", "confidence", "score", "rating",
    "model", "cached", "refusal",
)  # fmt: skip
"""Head of an export."""

FORGOTTEN_AT_ONCE = 1_000
"""Answers deleted in one transaction: some tens of milliseconds."""


async def seen(ctx: Context) -> RowFilter:
    """Which stored answers are there for the caller."""
    return repository.seen(await sight_of(ctx))


async def get(ctx: Context, query_id: uuid.UUID) -> StoredAnswer:
    """A stored answer, without what the caller may not read now.

    Raises:
        QueryNotFoundError: There is none, or not for this caller.
    """
    return (await find(ctx, query_id))[0]


async def find(ctx: Context, query_id: uuid.UUID) -> tuple[StoredAnswer, Readable]:
    """The same, and the passages that the caller may read now; raises as `get` does."""
    sight = await sight_of(ctx)
    log = await repository.find(ctx.session, query_id, sight)
    if log is None:
        raise QueryNotFoundError(query_id)
    reach = (await ctx.access()).read
    readable = await repository.readable(ctx, log.passages, reach)
    ratings = [
        FeedbackRead.model_validate(each)
        for each in await repository.ratings(ctx.session, [query_id], sight)
    ]
    shown = _shown(log, readable, ratings)
    return (shown if _shows_asker(log, sight) else _without_people(shown, sight)), readable


async def find_all(ctx: Context, query_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, StoredAnswer]:
    """Stored answers by id, whoever asked, without what the caller may not read now.

    For features that have made sure that the caller may know of the questions. Answers that are
    not kept any more are left out.
    """
    logs = await repository.find_all(ctx, query_ids)
    if not logs:
        return {}
    known = await _readable(ctx, logs, (await ctx.access()).read)
    feedback: dict[uuid.UUID, list[FeedbackRead]] = {log.id: [] for log in logs}
    sight = await sight_of(ctx)
    for each in await repository.ratings(ctx.session, list(feedback), sight):
        feedback[each.query_id].append(FeedbackRead.model_validate(each))
    shown: dict[uuid.UUID, StoredAnswer] = {}
    for log in logs:
        answer = _shown(log, known[log.id], feedback[log.id])
        shown[log.id] = answer if _shows_asker(log, sight) else _without_people(answer, sight)
    return shown


async def find_said(
    ctx: BatchContext, query_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, StoredAnswer]:
    """The same for a question that goes on from them, without who rated or asked.

    What it reads last is committed with it: it ends the unit of work.
    """
    logs = await repository.find_all(ctx, query_ids)
    reach = (await ctx.access()).read
    ctx.batch.commit_with_next()
    known = await _readable(ctx, logs, reach)
    return {log.id: _shown(log, known[log.id], []) for log in logs}


async def _readable(
    ctx: BatchContext, logs: Sequence[QueryLog], reach: Reach
) -> dict[uuid.UUID, Readable]:
    """The passages that the caller may read now, by answer and place; one statement for all."""
    passages = [passage for log in logs for passage in log.passages]
    known = await repository.readable(ctx, passages, reach)
    found: dict[uuid.UUID, Readable] = {}
    first = 0
    for log in logs:
        places = range(first, first + len(log.passages))
        found[log.id] = {place - first: known[place] for place in places if place in known}
        first = places.stop
    return found


async def page(ctx: Context, wanted: QueryFilter, request: PageRequest) -> Page[QuerySummary]:
    """Questions that are there for the caller, newest first."""
    found = await repository.page(ctx.session, await sight_of(ctx), wanted, request)
    return Page([_summary(each) for each in found.items], request, found.total)


async def export(
    platform: Platform, caller: Caller, wanted: QueryFilter
) -> AsyncGenerator[bytes, None]:
    """Yield the questions that are there for the caller as CSV, oldest first, up to now.

    Who exports more than their own is noted in the audit trail.
    """
    async with unit_of_work(platform, caller) as ctx:
        sight = await sight_of(ctx)
        if sight.sees_all:
            await audit.record(ctx, "queries.exported")
        now = await repository.moment(ctx.session)
    # Later questions are left out, or an export of a busy tenant would never end.
    wanted = replace(wanted, until=min(now, wanted.until or now))
    yield csv_lines([EXPORTED])
    last = None
    while True:
        # A transaction for each part, with the privacy of that moment, so that a slow reader does
        # not hold a connection.
        async with unit_of_work(platform, caller) as ctx:
            found = await repository.part(ctx.session, await sight_of(ctx), wanted, last)
        if not found:
            return
        last = found[-1].log
        yield csv_lines(_cells(_summary(each)) for each in found)


def _summary(listed: Logged) -> QuerySummary:
    log = listed.log
    return QuerySummary(
        query_id=log.id,
        query=log.question,
        user_id=log.user_id if listed.shows_asker else None,
        timestamp=log.at,
        abstained=log.is_abstained,
        confidence=_confidence(log, has_reasons=False),
        model=log.model,
        cached=log.is_cached,
        refusal=log.refusal,
        rating=listed.rating,
    )


def _cells(summary: QuerySummary) -> list[object]:
    return [
        summary.query_id,
        summary.timestamp.isoformat(),
        summary.user_id,
        summary.query,
        not summary.abstained and summary.refusal is None,
        summary.confidence.level,
        summary.confidence.score,
        summary.rating,
        summary.model,
        summary.cached,
        summary.refusal,
    ]


async def published_since(ctx: Context, moment: datetime) -> int:
    """How many documents that the caller may read have got a version since."""
    return await repository.published_since(ctx.session, moment, (await ctx.access()).read)


async def rate(ctx: Context, data: FeedbackCreate) -> FeedbackRead:
    """Rate an answer; a further rating of the same caller replaces the former.

    Raises:
        QueryNotFoundError: There is none, or not for this caller.
    """
    sight = await sight_of(ctx)
    if await repository.find(ctx.session, data.query_id, sight) is None:
        raise QueryNotFoundError(data.query_id)
    rated = await repository.rate(
        ctx.session,
        {
            "tenant_id": ctx.tenant_id,
            "actor_id": sight.actor_id,
            "user_id": ctx.actor.user_id,
            **data.model_dump(),
        },
    )
    return FeedbackRead.model_validate(rated)


async def forget_expired(platform: Platform) -> None:
    """Delete the answers of all tenants that are older than these keep them."""
    days = platform.settings.answer_days
    async with platform.database.lookup() as session:
        tenants = await repository.tenants_with_expired(session, days)
    for tenant_id in tenants:
        gone = FORGOTTEN_AT_ONCE
        while gone == FORGOTTEN_AT_ONCE:
            async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
                gone = await repository.forget(ctx.session, days, FORGOTTEN_AT_ONCE)


async def sight_of(ctx: Context) -> QuerySight:
    """Which stored answers are there for the caller: by role, and as private as the log is."""
    if ctx.actor.role < READS_LOG_FROM:
        return QuerySight(ctx.actor.owner_id, sees_all=False, sees_askers=False)
    privacy = await repository.log_privacy(ctx.session)
    return QuerySight(
        ctx.actor.owner_id,
        sees_all=privacy is not LogPrivacy.OFF,
        sees_askers=privacy is LogPrivacy.FULL,
    )


def _shows_asker(log: QueryLog, sight: QuerySight) -> bool:
    is_own = (log.actor_id or NOBODY) == sight.actor_id
    return is_own or (sight.sees_askers and log.privacy == LogPrivacy.FULL)


def _without_people(shown: StoredAnswer, sight: QuerySight) -> StoredAnswer:
    """The answer without who asked and who rated it, but for the caller."""
    feedback = [
        each if each.user_id == sight.actor_id else each.model_copy(update={"user_id": None})
        for each in shown.feedback
    ]
    return shown.model_copy(update={"user_id": None, "feedback": feedback})


def _confidence(log: QueryLog, *, has_reasons: bool) -> ConfidenceRead:
    return ConfidenceRead(
        level=log.confidence_level,
        score=round(log.confidence_score, 4),
        # Reasons name documents and words of the passages that were read.
        reasons=log.reasons if has_reasons else [],
    )


def _shown(log: QueryLog, readable: Readable, feedback: list[FeedbackRead]) -> StoredAnswer:
    places = {citation["number"]: citation["passage"] for citation in log.citations}
    is_all = len(readable) == len(log.passages)
    sentences = [
        _sentence(sentence, is_shown=_may_show(sentence["citations"], places, readable, is_all))
        for sentence in log.sentences or ()
    ]
    # An abstention is made of no passage: it says the same to everybody.
    is_complete = log.is_abstained or all(sentence.text is not None for sentence in sentences)
    is_complete = is_complete and log.erased_at is None
    return StoredAnswer(
        query_id=log.id,
        query=log.question,
        standalone=log.standalone if is_all else None,
        request=log.request,
        user_id=log.user_id,
        timestamp=log.at,
        answer=log.answer if is_complete else None,
        is_complete=is_complete,
        erased_at=log.erased_at,
        abstained=log.is_abstained,
        refusal=log.refusal,
        confidence=_confidence(log, has_reasons=is_all and log.erased_at is None),
        sentences=sentences,
        citations=[
            StoredCitation(
                number=citation["number"],
                **_passage(log.passages, citation["passage"], readable, citation).model_dump(),
            )
            for citation in log.citations
        ],
        passages=[
            _passage(log.passages, place, readable, passage)
            for place, passage in enumerate(log.passages)
        ],
        metadata=StoredMetadata(
            model=log.model,
            prompt_version=log.prompt_version,
            embedding=log.embedding,
            release=log.release,
            settings=log.settings,
            language=log.language,
            input_tokens=log.input_tokens,
            output_tokens=log.output_tokens,
            timings_ms=log.timings_ms,
            degraded=[DegradedRead.model_validate(each) for each in log.degraded],
        ),
        feedback=feedback,
    )


def _may_show(
    citations: Sequence[int], places: dict[int, int], readable: Readable, is_all: bool
) -> bool:
    """Whether a sentence may be read: what it rests on may; without a citation, all there was."""
    if not citations:
        return is_all
    return all(places.get(number) in readable for number in citations)


def _sentence(sentence: dict[str, Any], *, is_shown: bool) -> StoredSentence:
    hidden: dict[str, Any] = {} if is_shown else {"text": None, "unsupported_terms": []}
    return StoredSentence.model_validate({**sentence, **hidden})


def _passage(
    passages: Sequence[dict[str, Any]], place: int, readable: Readable, stretch: dict[str, Any]
) -> StoredPassage:
    """A passage, or a stretch of it that was quoted."""
    known = readable.get(place)
    if known is None:
        return StoredPassage(is_readable=False)
    passage = passages[place]
    first = stretch["start"] - passage["start"]
    page, page_end = pages_of(
        passage["page"],
        passage.get("page_breaks") or (),
        first,
        stretch["end"] - passage["start"],
    )
    return StoredPassage(
        is_readable=True,
        chunk_id=passage["chunk_id"],
        document_id=passage["document_id"],
        title=known.title,
        version=passage["version"],
        page=page,
        page_end=page_end,
        sheet=known.sheet,
        start=stretch["start"],
        end=stretch["end"],
        score=stretch["score"],
        text=known.text[first : first + stretch["end"] - stretch["start"]],
    )
