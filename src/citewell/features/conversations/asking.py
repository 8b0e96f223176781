"""Answering a question of a conversation."""

from collections.abc import Sequence

from citewell.access.policy import Scope
from citewell.core.context import Caller, batched_work
from citewell.core.platform import Platform
from citewell.engine.answering.asking.carrying import DialogueTurn
from citewell.features.conversations import recording, remembering, rewriting, titles
from citewell.features.conversations.recording import Prepared
from citewell.features.conversations.remembering import Recalled
from citewell.features.conversations.schemas import ConversationQuery
from citewell.features.search import answers
from citewell.features.search.admission import admitted
from citewell.features.search.schemas import QueryReply, QueryRequest
from citewell.kit.ids import uuid7
from citewell.kit.tasks import TaskGroup


async def prepare(platform: Platform, caller: Caller, request: ConversationQuery) -> Prepared:
    """Find the place of a question in its conversation and make it stand alone.

    Raises what `remembering.recall` does, and ForbiddenError if the credential may not write.
    """
    conversation_id = request.conversation_id
    assert conversation_id is not None
    caller.actor.require(Scope.WRITE)
    # A model that rewrites the question reads what was said before.
    reader = caller.asking().within(conversation_id)
    async with batched_work(platform, reader, has_kept_plans=True) as ctx:
        place = await remembering.recall(ctx, request)
    alone = await rewriting.standing_alone(platform, caller, request.query, place)
    return Prepared(
        place,
        request.alone(alone.text, alone.follow_up.must_mention),
        alone.follow_up,
        alone.summary,
        is_at_end=request.is_at_end,
    )


async def answer(platform: Platform, caller: Caller, request: ConversationQuery) -> QueryReply:
    """Answer a question, by itself or in a conversation.

    Raises what `search.service.search` raises, and what `prepare` does.
    """
    if request.conversation_id is None:
        return await answers.answer(platform, caller, request.alone(request.query))
    # Before it is made to stand alone, which a model may do.
    async with admitted(platform, caller, request.alone(request.query)) as admission:
        caller = caller.as_of(admission.rules.stamp)
        async with admission.time():
            prepared = await prepare(platform, caller, request)
        place, naming = prepared.place, None
        async with TaskGroup() as group:
            if place.is_untitled:
                naming = group.create_task(
                    titles.suggest(platform, caller, request.query, admission)
                )
            reply = await answers.answer(
                platform,
                caller.within(place.conversation_id),
                prepared.request,
                prepared.follow_up,
                admission,
            )
    reply = await recording.add(platform, caller, prepared, uuid7(), reply)
    if naming is not None:
        await titles.give(platform, caller, place.conversation_id, naming.result())
    return reply


async def rehearse(
    platform: Platform, caller: Caller, before: Sequence[str], request: QueryRequest
) -> QueryReply:
    """Answer a question after others as in a conversation, of which nothing is kept."""
    turns: list[DialogueTurn] = []

    async def asked(question: str) -> QueryReply:
        place = Recalled.of_turns(turns)
        made = await rewriting.standing_alone(platform, caller, question, place)
        mentioned = made.follow_up.must_mention
        alone = request.model_copy(update={"query": made.text, "must_mention": mentioned})
        reply, _ = await answers.trial(platform, caller, alone)
        if reply.citations or reply.abstained:  # else it was a greeting
            turns.append(remembering.turn_of(made.text, reply))
        return reply

    for question in before:
        await asked(question)
    return await asked(request.query)
