"""Making, finding and removing collections."""

import uuid
from collections.abc import Iterable, Sequence

from citewell.access.policy import CREATES_FROM, MANAGES_COLLECTIONS_FROM, Scope, Visibility
from citewell.core.context import BatchContext, Context
from citewell.core.errors import ForbiddenError
from citewell.engine.chunking.registry import STRATEGIES
from citewell.features.audit import service as audit
from citewell.features.collections import repository
from citewell.features.collections.errors import (
    ChunkingError,
    CollectionExistsError,
    CollectionNotEmptyError,
    CollectionNotFoundError,
)
from citewell.features.collections.schemas import CollectionCreate, CollectionUpdate
from citewell.features.usage import service as usage
from citewell.features.usage.service import Metric
from citewell.kit.ids import uuid7
from citewell.kit.pagination import Page, PageRequest
from citewell.models.documents import Collection

DEFAULT_COLLECTION = "library"

CONVERSATION = "conversation"
"""Visibility of a collection of files of one conversation, which nobody can give or see."""


async def create(ctx: Context, data: CollectionCreate) -> Collection:
    """Make a collection.

    A private one is granted to the user who makes it, for writing; not to an administrator, who
    manages it unread.

    Raises:
        ChunkingError: The strategy is unknown or the sizes do not go together.
        CollectionExistsError: The name is taken.
    """
    ctx.actor.require_role(MANAGES_COLLECTIONS_FROM)
    if data.keep_days is not None:
        ctx.actor.require(Scope.ADMIN)
    _check_chunking(data.chunk_strategy, data.chunk_size, data.chunk_overlap)
    new_id = uuid7()
    await repository.add_if_absent(
        ctx.session,
        {
            "tenant_id": ctx.tenant_id,
            "id": new_id,
            "created_by": ctx.actor.user_id,
            **data.model_dump(),
        },
    )
    # Read back: the insert does nothing where another transaction has just made the name.
    collection = await repository.by_name(ctx.session, data.name)
    if collection is None or collection.id != new_id:
        raise CollectionExistsError(data.name)
    await _count_made(ctx, new_id)
    user_id = ctx.actor.user_id
    if data.visibility is Visibility.PRIVATE and user_id and not ctx.actor.administers:
        grant_id = await repository.grant_to_maker(ctx.session, ctx.tenant_id, new_id, user_id)
        await audit.record(
            ctx,
            "collection.granted",
            object_kind="collection",
            object_id=new_id,
            details={
                "grant_id": str(grant_id),
                "user_id": str(user_id),
                "before": None,
                "effect": "write",
            },
        )
    return collection


async def get_or_create(ctx: Context, name: str) -> Collection:
    """The collection of that name, made with the defaults if it is new.

    Raises:
        CollectionNotFoundError: It is there, but not for the caller; or a guest would make it.
        ForbiddenError: It is new, and the caller's role makes no collections but the first.
    """
    found = await repository.by_name(ctx.session, name)
    access = await ctx.access()
    if found is not None:
        # Whether a readable document is inside costs a query, so `find` asks it only if needed.
        if not access.may_see_collection(found.id, holds_readable=False):
            return await find(ctx, name)
        return found
    if access.role < CREATES_FROM:
        raise CollectionNotFoundError(name)
    if name != DEFAULT_COLLECTION:
        ctx.actor.require_role(MANAGES_COLLECTIONS_FROM)
    data, new_id = CollectionCreate(name=name), uuid7()
    await repository.add_if_absent(
        ctx.session, {"tenant_id": ctx.tenant_id, "id": new_id, **data.model_dump()}
    )
    found = await repository.by_name(ctx.session, name)
    # Inserted by this transaction or committed by the one that took the name.
    assert found is not None
    if found.id == new_id:
        await _count_made(ctx, new_id)
    return found


async def _count_made(ctx: Context, collection_id: uuid.UUID) -> None:
    await audit.record(ctx, "collection.created", object_kind="collection", object_id=collection_id)
    # Last, as it locks the tenant's counter until the commit.
    await usage.consume(ctx, Metric.COLLECTIONS)


async def find(ctx: Context, name: str) -> Collection:
    """The collection of that name.

    Raises:
        CollectionNotFoundError: There is none.
    """
    found = await repository.by_name(ctx.session, name)
    if found is None or not await repository.visible_ids(
        ctx.batch, ctx.tenant_id, await ctx.access(), [found.id]
    ):
        raise CollectionNotFoundError(name)
    return found


async def get(ctx: Context, collection_id: uuid.UUID) -> Collection:
    """The collection with this id.

    Raises:
        CollectionNotFoundError: There is none.
    """
    found = await repository.by_id(ctx.session, await ctx.access(), collection_id)
    if found is None:
        raise CollectionNotFoundError(collection_id)
    return found


async def names_of(ctx: Context, collection_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Names of those of the collections that the caller sees.

    A document that is granted alone is seen without the private collection that holds it.
    """
    return await repository.names(ctx.session, await ctx.access(), collection_ids)


async def hold(ctx: Context, collection_id: uuid.UUID) -> bool:
    """Lock a collection against removal until the unit of work ends; False if it is gone.

    One of a conversation is gone, too, outside of it.
    """
    if ctx.conversation_id == collection_id and collection_id in (
        (await ctx.access()).read.collections
    ):
        return await repository.hold_conversation_files(ctx.session, collection_id)
    return await repository.hold(ctx.session, collection_id)


async def hold_of_holder(ctx: Context, collection_id: uuid.UUID) -> bool:
    """As `hold`, for the collection of a document that is held, whatever it is."""
    return await repository.hold_conversation_files(ctx.session, collection_id)


async def add_for_conversation(ctx: Context, conversation_id: uuid.UUID) -> None:
    """Make the hidden collection of a conversation's files, unless it is there.

    It counts as no collection of the plan; its documents do.
    """
    values: dict[str, object] = {
        "tenant_id": ctx.tenant_id,
        "id": conversation_id,
        "name": f"conversation {conversation_id}",
        "visibility": CONVERSATION,
    }
    await repository.add_conversation_files(ctx.session, values)


async def require_all(ctx: BatchContext, collection_ids: Sequence[uuid.UUID]) -> None:
    """Check that every id is a collection the caller can use.

    Raises:
        CollectionNotFoundError: One is not; the first is named.
    """
    existing = await repository.visible_ids(
        ctx.batch, ctx.tenant_id, await ctx.access(), collection_ids
    )
    for wanted in collection_ids:
        if wanted not in existing:
            raise CollectionNotFoundError(wanted)


async def visible(ctx: BatchContext, collection_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those of the ids that are collections the caller can use, in their order."""
    found = await repository.visible_ids(
        ctx.batch, ctx.tenant_id, await ctx.access(), collection_ids
    )
    return [each for each in collection_ids if each in found]


async def require_writable(ctx: Context, collection_id: uuid.UUID) -> None:
    """Check that the caller may add documents to the collection.

    Raises:
        CollectionNotFoundError: It is not there for the caller.
        ForbiddenError: The caller may see it, but not add to it.
    """
    if (await ctx.access()).may_create_in(collection_id):
        return
    await get(ctx, collection_id)
    raise ForbiddenError("You may read this collection, but not add documents to it.")


async def page(ctx: Context, request: PageRequest) -> Page[Collection]:
    """Collections the caller may see, by name."""
    return await repository.page(ctx.session, await ctx.access(), request)


async def documents_in(ctx: Context, collection_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Numbers of the documents that the caller may read, by collection; without those of none."""
    return await repository.documents_in(ctx.session, await ctx.access(), collection_ids)


async def update(ctx: Context, collection_id: uuid.UUID, data: CollectionUpdate) -> Collection:
    """Change a collection; new chunking applies to documents ingested from now on.

    Raises:
        CollectionNotFoundError: There is none.
        ChunkingError: The strategy is unknown or the sizes do not go together.
        CollectionExistsError: The name is taken.
        ForbiddenError: The caller may not change it, or is no administrator and changes who sees
            it or how long its documents are kept.
    """
    await get(ctx, collection_id)
    await _require_change(ctx, collection_id)
    changes = data.changes()
    if "visibility" in changes or "keep_days" in changes:
        # Opening shows it to all, and closing takes it from all: more than any one grant does.
        # The rule deletes documents of every level, also those that the caller may not change.
        ctx.actor.require(Scope.ADMIN)
    # Visible a moment ago; it may be gone by now.
    collection = await repository.lock(ctx.session, collection_id)
    if collection is None:
        raise CollectionNotFoundError(collection_id)
    before = {name: getattr(collection, name) for name in ("visibility", "keep_days")}
    for name, value in changes.items():
        setattr(collection, name, value)
    _check_chunking(collection.chunk_strategy, collection.chunk_size, collection.chunk_overlap)
    if not await repository.save(ctx.session, collection):
        raise CollectionExistsError(data.name or "")
    details: dict[str, object] = {"fields": sorted(changes)}
    for name, value in before.items():
        if (after := getattr(collection, name)) != value:
            details[name] = {"before": value, "after": after}
    await audit.record(
        ctx,
        "collection.changed",
        object_kind="collection",
        object_id=collection_id,
        details=details,
    )
    return collection


async def _require_change(ctx: Context, collection_id: uuid.UUID) -> None:
    """Refuse a caller who sees the collection, but may not rename or remove it."""
    if not (await ctx.access()).may_change_collection(collection_id):
        ctx.actor.require_role(MANAGES_COLLECTIONS_FROM)
        raise ForbiddenError("You may read this collection, but not change it.")


def _check_chunking(strategy: str, size: int, overlap: int) -> None:
    if strategy not in STRATEGIES:
        raise ChunkingError(
            f"`{strategy}` is not a chunk strategy; use one of {', '.join(STRATEGIES)}."
        )
    # With more than half, every token would be embedded and found more than twice.
    if overlap > size // 2:
        raise ChunkingError("`chunk_overlap` must be at most half of `chunk_size`.")


async def delete(ctx: Context, collection_id: uuid.UUID) -> None:
    """Remove an empty collection; its documents in the trash are removed for good by upkeep.

    From the commit on it is gone for everyone and its trash cannot be restored.

    Raises:
        CollectionNotFoundError: There is none.
        CollectionNotEmptyError: It still has documents, or in the trash some that the caller could
            not delete.
    """
    await get(ctx, collection_id)
    await _require_change(ctx, collection_id)
    # The lock waits for uploads in flight and blocks later ones.
    collection = await repository.lock(ctx.session, collection_id)
    if collection is None:
        raise CollectionNotFoundError(collection_id)
    if await repository.has_documents(ctx.session, collection_id):
        raise CollectionNotEmptyError(collection.name)
    if await repository.has_trash_of_others(ctx.session, collection_id, await ctx.access()):
        raise CollectionNotEmptyError(collection.name)
    await repository.discard(ctx.session, collection_id)
    await audit.record(ctx, "collection.deleted", object_kind="collection", object_id=collection_id)
    await usage.release(ctx, Metric.COLLECTIONS)
