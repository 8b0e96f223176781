"""Statements of collections."""

import uuid
from collections.abc import Iterable, Sequence

from sqlalchemy import (
    Cast,
    String,
    TextClause,
    Uuid,
    any_,
    bindparam,
    cast,
    exists,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.access.policy import Access, Effect, IdSet, Verb
from citewell.access.statements import collections_sql, reach_sql
from citewell.core.database.batches import StatementBatch
from citewell.kit.ids import uuid7
from citewell.kit.pagination import Page, PageRequest
from citewell.models.conversations import conversation_files_shown
from citewell.models.documents import Collection, Document
from citewell.models.grants import CollectionGrant
from citewell.models.trash import trash_shown, unseen_name


async def by_name(session: AsyncSession, name: str) -> Collection | None:
    """The collection of that name, whatever its case."""
    return await session.scalar(
        select(Collection).where(func.lower(Collection.name) == func.lower(name))
    )


def _visible(access: Access) -> TextClause:
    """Predicate of the collections someone sees."""
    predicate, values = collections_sql(access)
    return text(predicate).bindparams(**values)


def _ids(ids: Iterable[uuid.UUID]) -> Cast[Sequence[uuid.UUID]]:
    """The ids as one bound array: PostgreSQL takes at most 65,535 parameters a statement."""
    return cast(bindparam(None, IdSet.of(ids).literal, String), ARRAY(Uuid))


async def by_id(
    session: AsyncSession, access: Access, collection_id: uuid.UUID
) -> Collection | None:
    """The collection with this id, if it is there for someone with this access."""
    return await session.scalar(
        select(Collection).where(Collection.id == collection_id, _visible(access))
    )


async def names(
    session: AsyncSession, access: Access, collection_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, str]:
    """Names of those of the collections that are there for someone with this access."""
    wanted = select(Collection.id, Collection.name).where(
        Collection.id.in_(list(collection_ids)), _visible(access)
    )
    return {row.id: row.name for row in await session.execute(wanted)}


async def hold_conversation_files(session: AsyncSession, collection_id: uuid.UUID) -> bool:
    """As `hold`, also where the collection is that of a conversation."""
    async with conversation_files_shown(session):
        return await hold(session, collection_id)


async def hold(session: AsyncSession, collection_id: uuid.UUID) -> bool:
    """Lock the collection against removal until the transaction ends; False if it is gone."""
    # FOR KEY SHARE, as a foreign key takes it: uploads share it, only `lock` below waits.
    held = select(Collection.id).where(
        Collection.id == collection_id, Collection.discard_after.is_(None)
    )
    return await session.scalar(held.with_for_update(read=True, key_share=True)) is not None


async def lock(session: AsyncSession, collection_id: uuid.UUID) -> Collection | None:
    """The collection, locked against changes and new documents until the transaction ends."""
    return await session.scalar(
        select(Collection)
        .where(Collection.id == collection_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def visible_ids(
    batch: StatementBatch, tenant_id: uuid.UUID, access: Access, wanted: Sequence[uuid.UUID]
) -> set[uuid.UUID]:
    """Those of the ids that are collections someone with this access may see."""
    visible = select(Collection.id).where(
        Collection.tenant_id == tenant_id, Collection.id == any_(_ids(wanted)), _visible(access)
    )
    return await batch.ask_select(visible, lambda rows: {found for (found,) in rows})


async def add_if_absent(session: AsyncSession, values: dict[str, object]) -> None:
    """Insert a collection unless its name is taken, also by a concurrent transaction."""
    await session.execute(insert(Collection).values(values).on_conflict_do_nothing())


async def add_conversation_files(session: AsyncSession, values: dict[str, object]) -> None:
    """Insert the collection of a conversation's files, unless it is there."""
    async with conversation_files_shown(session):
        await add_if_absent(session, values)


async def grant_to_maker(
    session: AsyncSession, tenant_id: uuid.UUID, collection_id: uuid.UUID, user_id: uuid.UUID
) -> uuid.UUID:
    """Grant a new collection to a user for writing; returns the id of the rule."""
    grant = CollectionGrant(
        tenant_id=tenant_id,
        id=uuid7(),
        collection_id=collection_id,
        user_id=user_id,
        effect=Effect.WRITE.value,
        created_by=user_id,
    )
    session.add(grant)
    await session.flush()
    return grant.id


async def page(session: AsyncSession, access: Access, request: PageRequest) -> Page[Collection]:
    """Collections someone with this access may see, by name."""
    visible = _visible(access)
    total = await session.scalar(select(func.count(Collection.id)).where(visible)) or 0
    rows = await session.scalars(
        select(Collection)
        .where(visible)
        .order_by(func.lower(Collection.name))
        .offset(request.offset)
        .limit(request.limit)
    )
    return Page(list(rows), request, total)


async def documents_in(
    session: AsyncSession, access: Access, collection_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, int]:
    """Numbers of readable documents by collection; one that has none for this access is left out.

    Every status counts, as in the list of documents; what is in the trash does not.
    """
    predicate, values = reach_sql(access.read, table="document", document_column="id")
    rows = await session.execute(
        select(Document.collection_id, func.count())
        .where(
            Document.collection_id == any_(_ids(collection_ids)),
            text(predicate).bindparams(**values),
        )
        .group_by(Document.collection_id)
    )
    return {row[0]: row[1] for row in rows}


async def save(session: AsyncSession, collection: Collection) -> bool:
    """Write what was changed of a collection; False if its new name is taken."""
    try:
        async with session.begin_nested():
            await session.flush([collection])
    except IntegrityError:
        return False
    await session.refresh(collection)
    return True


async def has_documents(session: AsyncSession, collection_id: uuid.UUID) -> bool:
    """Whether any document is in it."""
    found = await session.scalar(select(exists().where(Document.collection_id == collection_id)))
    return bool(found)


async def has_trash_of_others(
    session: AsyncSession, collection_id: uuid.UUID, access: Access
) -> bool:
    """Whether something of the collection is in the trash that the caller may not change."""
    predicate, values = reach_sql(
        access.reaches[Verb.WRITE], table="document", document_column="id"
    )
    # The collection takes its trash with it, for good, so all of that must be the caller's to
    # remove.
    of_others = exists().where(
        Document.collection_id == collection_id,
        Document.deleted_at.is_not(None),
        # IS NOT TRUE: a predicate that is null for a row does not give access to it.
        text(f"({predicate}) IS NOT TRUE").bindparams(**values),
    )
    async with trash_shown(session):
        return bool(await session.scalar(select(of_others)))


async def discard(session: AsyncSession, collection_id: uuid.UUID) -> None:
    """Hide a locked collection from everyone and free its name; upkeep removes it in batches."""
    async with trash_shown(session):
        await session.execute(
            update(Collection)
            .where(Collection.id == collection_id)
            .values(name=unseen_name(), discard_after=func.now())
        )
