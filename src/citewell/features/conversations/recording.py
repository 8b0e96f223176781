"""Writes questions of conversations, their answers and the events of these."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from citewell.core.context import Caller, Context, batched_work, unit_of_work
from citewell.core.platform import Platform
from citewell.features.conversations import repository
from citewell.features.conversations.errors import ConversationNotFoundError, MessageNotFoundError
from citewell.features.conversations.remembering import Recalled
from citewell.features.conversations.schemas import NumberedEvent, StreamState
from citewell.features.conversations.titles import title_of
from citewell.features.search.answer_records import Making
from citewell.features.search.schemas import DegradedRead, FollowUp, QueryReply, QueryRequest
from citewell.kit.clock import utc_now
from citewell.kit.storable import storable
from citewell.models.conversations import Conversation, ConversationMessage


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
    place = prepared.place
    async with unit_of_work(platform, caller) as ctx:
        conversation = await repository.lock(ctx.session, place.conversation_id, ctx.actor.owner_id)
        if conversation is None:
            why = "The conversation was deleted while the answer was made."
            reply.metadata.degraded.append(DegradedRead(what="conversation", why=why))
            return reply
        await _add(ctx, conversation, prepared, message_id, reply.query_id)
    return reply.model_copy(
        update={"conversation_id": place.conversation_id, "message_id": message_id}
    )


async def begin(
    platform: Platform, caller: Caller, prepared: Prepared, message_id: uuid.UUID, made: Making
) -> uuid.UUID | None:
    """Add a question whose answer is being made, and a place for its events.

    Returns the message that it goes on from.

    Raises:
        ConversationNotFoundError: It was deleted meanwhile.
    """
    place, read = prepared.place, made.found.hits if made.found else []
    documents = {hit.document_id for hit in read}
    documents |= {passage.document_id for passage in prepared.follow_up.passages}
    async with unit_of_work(platform, caller) as ctx:
        conversation = await repository.lock(ctx.session, place.conversation_id, ctx.actor.owner_id)
        if conversation is None:
            raise ConversationNotFoundError(place.conversation_id)
        parent_id = await _add(ctx, conversation, prepared, message_id, None)
        await repository.add_stream(
            ctx.session, place.conversation_id, message_id, sorted(documents)
        )
    return parent_id


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
    async with unit_of_work(platform, caller) as ctx:
        # The message before its stream, as a deletion of the conversation locks them.
        if reply is not None and reply.conversation_id is not None:
            await repository.set_answer(
                ctx.session, reply.conversation_id, message_id, reply.query_id
            )
        if not await repository.end_stream(ctx.session, message_id):
            raise MessageNotFoundError(message_id)
        await repository.add_events(ctx.session, message_id, events)


async def _add(
    ctx: Context,
    conversation: Conversation,
    prepared: Prepared,
    message_id: uuid.UUID,
    query_id: uuid.UUID | None,
) -> uuid.UUID | None:
    parent_id = prepared.place.parent_id
    if prepared.is_at_end:
        # Another tab may have asked since this question was prepared: beside its question this one
        # would be a branch that nobody made, and out of sight.
        newest = await repository.newest(ctx.session, conversation.id)
        parent_id = newest and newest.id
    message = ConversationMessage(
        tenant_id=ctx.tenant_id,
        conversation_id=conversation.id,
        id=message_id,
        parent_id=parent_id,
        query_id=query_id,
        question=storable(prepared.follow_up.asked),
        summary=storable(prepared.summary),
    )
    await repository.add_message(ctx.session, message)
    changes: dict[str, object] = {"updated_at": utc_now()}
    if not conversation.title:
        changes["title"] = title_of(message.question)
    await repository.change(ctx.session, conversation, changes)
    return parent_id
