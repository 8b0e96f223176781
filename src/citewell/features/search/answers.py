"""Answering a question from the passages a search finds."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from citewell.core.context import Caller
from citewell.core.index import Hit
from citewell.core.platform import Platform
from citewell.engine.answering.base import Answer, Citation, Degradation, Passage
from citewell.engine.answering.confidence import DENSE_MIDPOINT
from citewell.engine.answering.extractive import extract_answer
from citewell.engine.answering.generated import (
    AnswerDone,
    CitationEvent,
    StepEvent,
    TokenEvent,
    stream_answer,
)
from citewell.engine.answering.question import question_of
from citewell.features.search import service
from citewell.features.search.schemas import (
    AnswerMetadata,
    CitationRead,
    ConfidenceRead,
    DegradedRead,
    Found,
    QueryReply,
    QueryRequest,
    SentenceRead,
    heading_text,
)
from citewell.kit.clock import Stopwatch, utc_now
from citewell.kit.ids import uuid7


@dataclass(frozen=True, slots=True)
class AnswerEvent:
    """One event of a streamed answer: `step`, `token`, `citation` or `done`."""

    name: str
    data: dict[str, object]


async def answer(platform: Platform, caller: Caller, request: QueryRequest) -> QueryReply:
    """Answer a question; raises what `service.search` raises."""
    async for item in _answering(platform, caller, request):
        if isinstance(item, QueryReply):
            return item
    raise AssertionError("an answer always ends with its reply")


async def stream(
    platform: Platform, caller: Caller, request: QueryRequest
) -> AsyncIterator[AnswerEvent]:
    """Answer a question as events; the last one is `done` with the whole reply."""
    async for item in _answering(platform, caller, request):
        if isinstance(item, QueryReply):
            yield AnswerEvent("done", item.model_dump(mode="json"))
        else:
            yield item
