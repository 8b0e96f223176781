"""The turns of a conversation so far, as its next question needs them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from citewell.core.context import BatchContext
from citewell.engine.answering.asking.carrying import Carried, DialogueTurn
from citewell.engine.answering.asking.followups import stand_alone
from citewell.features.conversations import repository
from citewell.features.conversations.errors import (
    ConversationFullError,
    ConversationNotFoundError,
    MessageNotFoundError,
)
from citewell.features.conversations.schemas import MAX_MESSAGES, ConversationQuery
from citewell.features.queries import service as queries
from citewell.features.queries.schemas import StoredAnswer
from citewell.features.search.schemas import FollowUp, PassageReference, QueryReply

WINDOW = 6
"""Turns that a question can go on from: people seldom refer further back."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """Where a question stands in its conversation, and what was said up to there."""

    conversation_id: uuid.UUID
    parent_id: uuid.UUID | None
    turns: tuple[DialogueTurn, ...] = ()
    """Oldest first; without what the caller may not read now."""
    cited: tuple[PassageReference, ...] = ()
    """Passages that the words of their answers stand in."""
    is_untitled: bool = False
    summary: str = ""
    """Of what was asked before the turns."""
    leaving: str = ""
    """The question that is no turn any more, and not in the summary yet."""

    @classmethod
    def of_turns(cls, turns: Sequence[DialogueTurn]) -> "Recalled":
        """Turns outside of any conversation that is kept."""
        return cls(uuid.UUID(int=0), None, tuple(turns))


async def recall(ctx: BatchContext, request: ConversationQuery) -> Recalled:
    """Find the place of a question and the turns before it; a unit of work of its own.

    Raises:
        ConversationNotFoundError: The caller has no such conversation.
        ConversationFullError: It has as many messages as one may have.
        MessageNotFoundError: The parent is none of its messages.
    """
    conversation_id = request.conversation_id
    assert conversation_id is not None
    goes_on = request.is_at_end or request.parent_id is not None
    asked = repository.place_of(
        ctx, conversation_id, request.parent_id, goes_on=goes_on, at_most=WINDOW + 1
    )
    if goes_on:
        await ctx.access()  # in the same round trip, as answers before it are read
    else:
        ctx.batch.commit_with_next()
    found = await asked
    if found is None:
        raise ConversationNotFoundError(conversation_id)
    if found.messages >= MAX_MESSAGES:
        raise ConversationFullError(MAX_MESSAGES)
    if request.parent_id is not None and not found.path:
        raise MessageNotFoundError(request.parent_id)
    if not found.path:
        return Recalled(conversation_id, None, is_untitled=not found.title)
    path, parent = found.path, found.path[-1]
    leaving = path.pop(0).question if len(path) > WINDOW else ""
    answers = await queries.find_said(ctx, [each.query_id for each in path if each.query_id])
    said = [(each.question, answers.get(each.query_id) if each.query_id else None) for each in path]
    said = [each for each in said if not _is_small_talk(each[1])]
    return Recalled(
        conversation_id,
        parent.id,
        tuple(_turn(question, answer) for question, answer in said),
        _cited([answer for _, answer in said if answer is not None]),
        summary=parent.summary,
        leaving=leaving,
    )


def by_rules(
    question: str, turns: Sequence[DialogueTurn], cited: Sequence[PassageReference] = ()
) -> tuple[str, FollowUp]:
    """The question standing alone as far as rules can tell, and how it came to that.

    Args:
        question: As asked.
        turns: Said before, oldest first.
        cited: Passages that the words of their answers stand in.
    """
    carried = stand_alone(question, turns) or Carried(question)
    passages = tuple(cited) if carried.uses_answer else ()
    follow_up = FollowUp(question, carried.must_mention, passages)
    return carried.text, follow_up


def turn_of(question: str, reply: QueryReply) -> DialogueTurn:
    """A turn out of an answer that was just given."""
    sentences = [] if reply.abstained else reply.sentences
    return DialogueTurn(
        question,
        tuple(each.text for each in sentences if each.citations),
        tuple(each.quote for each in reply.citations),
    )


def _is_small_talk(answer: StoredAnswer | None) -> bool:
    """Whether the answer was a fixed reply to a greeting, which nothing goes on from."""
    return answer is not None and not answer.passages and not answer.abstained


def _turn(question: str, answer: StoredAnswer | None) -> DialogueTurn:
    if answer is None:
        return DialogueTurn(question)
    # An abstention says nothing that could be referred to.
    sentences = [] if answer.abstained else answer.sentences
    return DialogueTurn(
        answer.standalone or question,
        # A sentence that rests on nothing is not taken up: who may read it could not be told.
        tuple(each.text for each in sentences if each.text is not None and each.citations),
        tuple(each.text for each in answer.citations if each.text is not None),
    )


def _cited(answers: Sequence[StoredAnswer]) -> tuple[PassageReference, ...]:
    found: dict[uuid.UUID, PassageReference] = {}
    for answer in answers:
        quoted = {each.chunk_id for each in answer.citations}
        for passage in answer.passages:
            if not passage.is_readable or passage.chunk_id not in quoted:
                continue
            reference = PassageReference.model_validate(
                passage.model_dump(exclude={"is_readable", "title", "text"}) | {"score": 0.0}
            )
            found.setdefault(reference.chunk_id, reference)
    return tuple(found.values())
