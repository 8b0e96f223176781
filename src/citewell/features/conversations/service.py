"""Conversations: beginning, finding, changing and forgetting them."""

import uuid
from collections.abc import Set
from functools import partial

from citewell.core.context import SYSTEM, Caller, Context, unit_of_work
from citewell.core.database.parts import RowFilter
from citewell.core.platform import Platform
from citewell.engine.answering import suggesting
from citewell.features.conversations import repository
from citewell.features.conversations.errors import ConversationNotFoundError
from citewell.features.conversations.schemas import (
    ConversationCreate,
    ConversationFilter,
    ConversationRead,
    ConversationUpdate,
    FirstQuestionRead,
    FirstQuestions,
    MessageRead,
    MessageStatus,
)
from citewell.features.queries import service as queries
from citewell.features.trash import service as trash
from citewell.kit.ids import uuid7
from citewell.kit.pagination import Page, PageRequest
from citewell.models.conversations import Conversation, ConversationMessage

STREAM_SECONDS = 3_600.0
"""How long the events of an answer are kept: its reader comes back soon, or reads the message."""

FORGOTTEN_AT_ONCE = 200
"""Conversations deleted in one transaction, with some tens of messages each."""


async def create(ctx: Context, data: ConversationCreate) -> ConversationRead:
    """Begin a conversation."""
    conversation = Conversation(
        tenant_id=ctx.tenant_id,
        id=uuid7(),
        actor_id=ctx.actor.owner_id,
        user_id=ctx.actor.user_id,
        title=data.title or "",
        has_own_title=data.title is not None,
    )
    await repository.add(ctx.session, conversation)
    return _read(ctx, conversation, 0)


async def page(
    ctx: Context, wanted: ConversationFilter, request: PageRequest
) -> Page[ConversationRead]:
    """Conversations of the caller, or those that others share, newest first."""
    found = await repository.page(ctx.session, ctx.actor.owner_id, wanted, request)
    counts = await repository.counts(ctx.session, [each.id for each in found.items])
    shown = [_read(ctx, each, counts.get(each.id, 0)) for each in found.items]
    return Page(shown, request, found.total)


async def get(ctx: Context, conversation_id: uuid.UUID) -> ConversationRead:
    """One conversation, one's own or shared.

    Raises:
        ConversationNotFoundError: There is none, or not for this caller.
    """
    conversation = await _visible(ctx, conversation_id)
    counts = await repository.counts(ctx.session, [conversation_id])
    return _read(ctx, conversation, counts.get(conversation_id, 0))


async def seen(ctx: Context) -> RowFilter:
    """Which conversations are the caller's own or shared."""
    return repository.seen(ctx.actor.owner_id)


async def first_questions(ctx: Context, language: str | None, most: int) -> FirstQuestions:
    """Questions about the newest documents that the caller may read; those in `language` first."""
    reach = (await ctx.access()).read
    headings = await repository.newest_headings(ctx.session, ctx.tenant_id, reach)
    return FirstQuestions(
        suggestions=[
            FirstQuestionRead(
                question=each.text,
                language=each.about.language,
                document_id=uuid.UUID(each.about.document_id),
                title=each.about.title,
            )
            for each in suggesting.first_questions(headings, language=language, most=most)
        ]
    )


async def messages(
    ctx: Context, conversation_id: uuid.UUID, request: PageRequest
) -> Page[MessageRead]:
    """The messages of a conversation, oldest first, with what the caller may read of the answers.

    Raises:
        ConversationNotFoundError: There is none, or not for this caller.
    """
    await _visible(ctx, conversation_id)
    found = await repository.messages(ctx.session, conversation_id, request)
    ids = [each.query_id for each in found.items if each.query_id is not None]
    answers = await queries.find_all(ctx.within(conversation_id), ids)
    running = await repository.running(ctx.session, conversation_id)
    shown = [
        MessageRead(
            id=each.id,
            status=_status(each, running),
            parent_id=each.parent_id,
            question=each.question,
            created_at=each.created_at,
            answer=answers.get(each.query_id) if each.query_id else None,
        )
        for each in found.items
    ]
    return Page(shown, request, found.total)


async def update(
    ctx: Context, conversation_id: uuid.UUID, data: ConversationUpdate
) -> ConversationRead:
    """Rename, pin or share a conversation.

    Raises:
        ConversationNotFoundError: The caller has none of this id.
    """
    conversation = await _own(ctx, conversation_id)
    changes: dict[str, object] = data.model_dump(exclude_none=True)
    if data.title is not None:
        changes["has_own_title"] = True
    await repository.change(ctx.session, conversation, changes)
    counts = await repository.counts(ctx.session, [conversation_id])
    return _read(ctx, conversation, counts.get(conversation_id, 0))


async def delete(ctx: Context, conversation_id: uuid.UUID) -> None:
    """Remove a conversation with its messages and files.

    Answers stay in the log for its time, without what was made of the files.

    Raises:
        ConversationNotFoundError: The caller has none of this id.
    """
    conversation = await _own(ctx, conversation_id)
    had_files = conversation.has_files
    await repository.remove(ctx.session, conversation)
    if had_files:  # a trigger has marked them; upkeep would find them in its time
        system = Caller(ctx.tenant_id, SYSTEM)
        removal = partial(trash.remove_discarded, ctx.platform, system, conversation_id)
        ctx.after_commit.append(removal)
        ctx.after_commit.append(partial(trash.remove_unused_files, ctx.platform, system))


async def forget_expired(platform: Platform) -> None:
    """Delete the conversations of all tenants that are older than these keep them."""
    days = platform.settings.conversation_days
    async with platform.database.lookup() as session:
        tenants = await repository.tenants_with_expired(session, days)
    for tenant_id in tenants:
        gone = FORGOTTEN_AT_ONCE
        while gone == FORGOTTEN_AT_ONCE:
            async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
                gone = await repository.forget(ctx.session, days, FORGOTTEN_AT_ONCE)


async def sweep_streams(platform: Platform) -> None:
    """Delete the events of answers that nobody comes back to any more."""
    async with platform.database.lookup() as session:
        tenants = await repository.tenants_with_old_streams(session, STREAM_SECONDS)
    for tenant_id in tenants:
        async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
            await repository.sweep_streams(ctx.session, STREAM_SECONDS)


def _status(message: ConversationMessage, running: Set[uuid.UUID]) -> MessageStatus:
    if message.query_id is not None:
        return MessageStatus.DONE
    return MessageStatus.RUNNING if message.id in running else MessageStatus.INTERRUPTED


async def _visible(ctx: Context, conversation_id: uuid.UUID) -> Conversation:
    found = await repository.find(ctx.session, conversation_id, ctx.actor.owner_id, or_shared=True)
    if found is None:
        raise ConversationNotFoundError(conversation_id)
    return found


async def _own(ctx: Context, conversation_id: uuid.UUID) -> Conversation:
    """A conversation of the caller, locked."""
    found = await repository.lock(ctx.session, conversation_id, ctx.actor.owner_id)
    if found is None:
        raise ConversationNotFoundError(conversation_id)
    return found


def _read(ctx: Context, conversation: Conversation, message_count: int) -> ConversationRead:
    is_own = conversation.actor_id == ctx.actor.owner_id
    return ConversationRead(
        id=conversation.id,
        title=conversation.title,
        user_id=conversation.user_id,
        is_own=is_own,
        is_pinned=conversation.is_pinned and is_own,
        is_shared=conversation.is_shared,
        message_count=message_count,
        created_at=conversation.created_at,
        updated_at=conversation.updated_at,
    )
