"""Answers as caches hold them, and as somebody else gets them again."""

from collections.abc import Sequence

from pydantic import BaseModel, JsonValue

from citewell.features.search.answer_records import Answered
from citewell.features.search.schemas import QueryReply, QueryRequest, StreamEvent
from citewell.kit.clock import Stopwatch, utc_now
from citewell.kit.ids import uuid7


class _Stored(BaseModel):
    events: list[tuple[str, dict[str, JsonValue]]]
    answered: Answered


class AnswerCodec:
    """An answer with its events, as JSON.

    One that had to do without something is not kept: a model that is back writes the next.
    """

    def encode(self, items: Sequence[StreamEvent | Answered]) -> bytes | None:
        """The answer as bytes, once it is there."""
        last = items[-1]
        if not isinstance(last, Answered) or last.reply.metadata.degraded:
            return None
        events = [(each.name, each.data) for each in items if isinstance(each, StreamEvent)]
        stored = _Stored.model_construct(events=events, answered=last)  # pyright: ignore[reportArgumentType] - objects of JSON
        return stored.model_dump_json().encode()

    def decode(self, value: bytes) -> Sequence[StreamEvent | Answered]:
        """The events and the answer."""
        stored = _Stored.model_validate_json(value)
        events = [StreamEvent(name, dict(data)) for name, data in stored.events]
        return [*events, stored.answered]


def again(answered: Answered, request: QueryRequest, watch: Stopwatch) -> Answered:
    """The answer for another request: with an id, a time and timings of its own, and no tokens."""
    watch.lap("cache")
    before = answered.reply
    metadata = before.metadata.model_copy(
        update={
            "cached": True,
            "input_tokens": 0,
            "output_tokens": 0,
            "timings_ms": watch.finish(),
            "degraded": list(before.metadata.degraded),
        }
    )
    reply = before.model_copy(
        update={
            "query_id": uuid7(),
            "query": request.query,
            "metadata": metadata,
            "timestamp": utc_now(),
        }
    )
    return Answered.model_construct(reply=reply, basis=answered.basis)


def own_copy(answered: Answered) -> Answered:
    """The answer for who had it computed, apart from what others are given of it."""
    before: QueryReply = answered.reply
    degraded = {"degraded": list(before.metadata.degraded)}
    metadata = before.metadata.model_copy(update=degraded)
    reply = before.model_copy(update={"metadata": metadata})
    return answered.model_copy(update={"reply": reply})
