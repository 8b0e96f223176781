"""Files of one conversation: read as all documents are, and by its owner in it alone.

They are documents of a hidden collection with the conversation's id (migration 0055), of a level
that no role reaches. `core.context.access_in` opens that collection to the owner in the
conversation; nothing else does, neither a role nor a grant.
"""

import uuid
from collections.abc import Sequence

from pydantic import JsonValue

from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.features.collections import service as collections
from citewell.features.conversations import repository
from citewell.features.conversations.errors import ConversationNotFoundError, FilesFullError
from citewell.features.conversations.schemas import FileRead
from citewell.features.documents import registering
from citewell.features.documents import service as documents
from citewell.features.documents.errors import DocumentNotFoundError
from citewell.features.documents.registering import Acceptance, Once
from citewell.features.documents.schemas import ContentRead, DocumentQuery, DocumentState, NewFile
from citewell.features.trash import service as trash
from citewell.kit.pagination import Page, PageRequest

MAX_FILES = 50
"""Files of a conversation: more are a library, which others may want to read as well."""


async def attach(
    platform: Platform,
    caller: Caller,
    conversation_id: uuid.UUID,
    files: Sequence[NewFile],
    key: str | None = None,
) -> Acceptance:
    """Attach files to a conversation of the caller's, all of them or none.

    A name that is known in it gets a new version.

    Args:
        platform: The handles of this process.
        caller: Whose conversation it is.
        conversation_id: The conversation.
        files: The files; where they go is left out.
        key: Key of the request; one that is sent again with it does nothing more.

    Raises:
        ConversationNotFoundError: The caller has none of this id.
        FilesFullError: It has as many files as one may have.
        QuotaReachedError: The plan does not hold them.
    """
    async with unit_of_work(platform, caller) as ctx:
        conversation = await repository.lock(ctx.session, conversation_id, ctx.actor.owner_id)
        if conversation is None:
            raise ConversationNotFoundError(conversation_id)
        if not conversation.has_files:
            await collections.add_for_conversation(ctx, conversation_id)
            await repository.change(ctx.session, conversation, {"has_files": True})
        # Attachments of a mail come with it: they are not what somebody attached here.
        asked = DocumentQuery(conversation_id, is_outermost=True)
        there = await documents.page(ctx.within(conversation_id), PageRequest(1, MAX_FILES), asked)
        known = {each.document.filename for each in there.items}
        if there.total + len({each.filename for each in files} - known) > MAX_FILES:
            raise FilesFullError(MAX_FILES)
    names: list[JsonValue] = [each.filename for each in files]
    once = Once(key, [f"POST /conversations/{conversation_id}/files", names]) if key else None
    return await registering.accept(platform, caller.within(conversation_id), files, once)


async def page(ctx: Context, conversation_id: uuid.UUID, request: PageRequest) -> Page[FileRead]:
    """Files of a conversation of the caller's, newest first.

    Raises:
        ConversationNotFoundError: The caller has none of this id.
    """
    found = await _page(await _within(ctx, conversation_id), conversation_id, request)
    return Page([FileRead.of(each) for each in found.items], request, found.total)


async def content(
    ctx: Context,
    conversation_id: uuid.UUID,
    file_id: uuid.UUID,
    *,
    number: int | None = None,
    start: int = 0,
    end: int | None = None,
) -> ContentRead:
    """A stretch of a file's text, as `documents.service.content` gives it.

    Raises:
        ConversationNotFoundError: The caller has none of this id.
        DocumentNotFoundError: It has no such file.
        VersionNotFoundError: There is no such version, or it has no text.
        InvalidInputError: The stretch is not within the text.
    """
    ctx = await _within(ctx, conversation_id)
    await _require(ctx, conversation_id, file_id)
    return await documents.content(ctx, file_id, number=number, start=start, end=end)


async def remove(ctx: Context, conversation_id: uuid.UUID, file_id: uuid.UUID) -> None:
    """Remove a file for good, with all versions and what answers hold of it.

    Raises:
        ConversationNotFoundError: The caller has none of this id.
        DocumentNotFoundError: It has no such file.
    """
    ctx = await _within(ctx, conversation_id)
    await _require(ctx, conversation_id, file_id)
    await trash.delete_for_good(ctx, file_id)


async def _within(ctx: Context, conversation_id: uuid.UUID) -> Context:
    """The unit of work in a conversation of the caller's."""
    found = await repository.find(ctx.session, conversation_id, ctx.actor.owner_id, or_shared=False)
    if found is None:
        raise ConversationNotFoundError(conversation_id)
    return ctx.within(conversation_id)


async def _require(ctx: Context, conversation_id: uuid.UUID, file_id: uuid.UUID) -> None:
    """Make sure that a document is a file of the conversation: in it all else can be read too."""
    state = await documents.get(ctx, file_id)
    if state.document.collection_id != conversation_id:
        raise DocumentNotFoundError(file_id)


async def _page(
    ctx: Context, conversation_id: uuid.UUID, request: PageRequest
) -> Page[DocumentState]:
    return await documents.page(ctx, request, DocumentQuery(conversation_id))
