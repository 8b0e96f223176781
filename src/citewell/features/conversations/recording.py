"""Writes questions of conversations, their answers and the events of these."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from citewell.core.context import Caller, batched_work
from citewell.core.platform import Platform
from citewell.features.conversations import repository
from citewell.features.conversations.errors import ConversationNotFoundError, MessageNotFoundError
from citewell.features.conversations.remembering import Recalled
from citewell.features.conversations.schemas import (
    MessageAnswer,
    NewMessage,
    NumberedEvent,
    StreamState,
)
from citewell.features.conversations.titles import title_of
from citewell.features.search.answer_records import Making
from citewell.features.search.schemas import DegradedRead, FollowUp, QueryReply, QueryRequest
from citewell.kit.clock import utc_now
from citewell.kit.storable import storable


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question of a conversation, ready to be answered."""

    place: Recalled
    request: QueryRequest
    """The question, standing alone."""
    follow_up: FollowUp
    summary: str
    is_at_end: bool = False
    """Whether it goes on from the newest message, whichever that is when it is written."""

    @property
    def standalone(self) -> str | None:
        """The question that is answered, where it is not the one that was asked."""
        return self.request.query if self.request.query != self.follow_up.asked else None


async def add(
    platform: Platform, caller: Caller, prepared: Prepared, message_id: uuid.UUID, reply: QueryReply
) -> QueryReply:
    """The reply as a message of its conversation; it says so if that is gone by now."""
    conversation_id = prepared.place.conversation_id
    message = _message(prepared, message_id, reply.query_id)
    async with batched_work(platform, caller, has_kept_plans=True) as ctx:
        parent = await repository.add_message(ctx, message, None)
    if parent is None:
        why = "The conversation was deleted while the answer was made."
        reply.metadata.degraded.append(DegradedRead(what="conversation", why=why))
        return reply
    return reply.model_copy(update={"conversation_id": conversation_id, "message_id": message_id})


async def begin(
    platform: Platform, caller: Caller, prepared: Prepared, message_id: uuid.UUID, made: Making
) -> uuid.UUID | None:
    """Add a question whose answer is being made, and a place for its events.

    Returns the message that it goes on from.

    Raises:
        ConversationNotFoundError: It was deleted meanwhile.
    """
    read = made.found.hits if made.found else []
    documents = {hit.document_id for hit in read}
    documents |= {passage.document_id for passage in prepared.follow_up.passages}
    message = _message(prepared, message_id, None)
    async with batched_work(platform, caller, has_kept_plans=True) as ctx:
        parent = await repository.add_message(ctx, message, sorted(documents))
    if parent is None:
        raise ConversationNotFoundError(message.conversation_id)
    return parent.id


async def write(
    platform: Platform, caller: Caller, message_id: uuid.UUID, events: Sequence[NumberedEvent]
) -> StreamState:
    """Write events of an answer that is being made, and tell what has become of it."""
    # Each open answer does this four times a second: no session, and the server keeps the plan.
    async with batched_work(platform, caller, has_kept_plans=True) as ctx:
        return await repository.beat(ctx, message_id, events)


async def finish(
    platform: Platform,
    caller: Caller,
    message_id: uuid.UUID,
    events: Sequence[NumberedEvent],
    reply: QueryReply | None,
) -> None:
    """Write the last events, and the answer of the message if there is one.

    Raises:
        MessageNotFoundError: The conversation, or what the answer is made of, was deleted.
    """
    answer = None
    if reply is not None and reply.conversation_id is not None:
        answer = MessageAnswer(reply.conversation_id, reply.query_id)
    async with batched_work(platform, caller, has_kept_plans=True) as ctx:
        is_ended = await repository.end_stream(ctx, message_id, events, answer)
    if not is_ended:
        raise MessageNotFoundError(message_id)


def _message(prepared: Prepared, message_id: uuid.UUID, query_id: uuid.UUID | None) -> NewMessage:
    question = storable(prepared.follow_up.asked)
    return NewMessage(
        prepared.place.conversation_id,
        message_id,
        prepared.place.parent_id,
        # Another tab may have asked since this question was prepared: beside its question this one
        # would be a branch that nobody made, and out of sight.
        prepared.is_at_end,
        query_id,
        question,
        storable(prepared.summary),
        title_of(question),
        utc_now(),
    )
