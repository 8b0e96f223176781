"""Looking at stored answers, rating them, and forgetting them in time."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from citewell.access.policy import Role
from citewell.core.context import SYSTEM, Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.features.queries import repository
from citewell.features.queries.errors import QueryNotFoundError
from citewell.features.queries.schemas import (
    FeedbackCreate,
    FeedbackRead,
    Only,
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
from citewell.kit.pagination import Page, PageRequest
from citewell.models.queries import QueryLog

READS_LOG_FROM = Role.MANAGER
"""Lowest role that sees what others asked, as it sees the usage."""

FORGOTTEN_AT_ONCE = 1_000
"""Answers deleted in one transaction: some tens of milliseconds."""

_NOBODY = uuid.UUID(int=0)
"""Actor id of the operator, who has none."""


async def get(ctx: Context, query_id: uuid.UUID) -> StoredAnswer:
    """A stored answer, without what the caller may not read now.

    Raises:
        QueryNotFoundError: There is none, or not for this caller.
    """
    return (await find(ctx, query_id))[0]


async def find(ctx: Context, query_id: uuid.UUID) -> tuple[StoredAnswer, Readable]:
    """The same, and the passages that the caller may read now; raises as `get` does."""
    sight = _sight(ctx)
    log = await repository.find(ctx.session, query_id, sight)
    if log is None:
        raise QueryNotFoundError(query_id)
    reach = (await ctx.access()).read
    readable = await repository.readable(ctx.session, log.passages, reach)
    feedback = await repository.ratings(ctx.session, query_id, sight)
    ratings = [FeedbackRead.model_validate(each) for each in feedback]
    return _shown(log, readable, ratings), readable


async def page(ctx: Context, only: Only | None, request: PageRequest) -> Page[QuerySummary]:
    """Questions that are there for the caller, newest first."""
    found = await repository.page(ctx.session, _sight(ctx), only, request)
    shown = [
        QuerySummary(
            query_id=log.id,
            query=log.question,
            user_id=log.user_id,
            timestamp=log.at,
            abstained=log.is_abstained,
            confidence=_confidence(log, has_reasons=False),
            model=log.model,
            rating=rating,
        )
        for log, rating in found.items
    ]
    return Page(shown, request, found.total)


async def published_since(ctx: Context, moment: datetime) -> int:
    """How many documents that the caller may read have got a version since."""
    return await repository.published_since(ctx.session, moment, (await ctx.access()).read)


async def rate(ctx: Context, data: FeedbackCreate) -> FeedbackRead:
    """Rate an answer; a further rating of the same caller replaces the former.

    Raises:
        QueryNotFoundError: There is none, or not for this caller.
    """
    sight = _sight(ctx)
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


def _sight(ctx: Context) -> QuerySight:
    actor = ctx.actor
    own = actor.user_id or actor.id or _NOBODY
    return QuerySight(own, sees_all=actor.role >= READS_LOG_FROM)


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
        request=log.request,
        user_id=log.user_id,
        timestamp=log.at,
        answer=log.answer if is_complete else None,
        is_complete=is_complete,
        erased_at=log.erased_at,
        abstained=log.is_abstained,
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
    return StoredPassage(
        is_readable=True,
        chunk_id=passage["chunk_id"],
        document_id=passage["document_id"],
        title=known.title,
        version=passage["version"],
        page=passage["page"],
        start=stretch["start"],
        end=stretch["end"],
        score=stretch["score"],
        text=known.text[first : first + stretch["end"] - stretch["start"]],
    )
