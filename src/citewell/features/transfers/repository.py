"""Statements of exports and imports."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.access.policy import Reach
from citewell.access.statements import reach_sql
from citewell.features.transfers.errors import DamagedExportError
from citewell.models.documents import (
    Blob,
    Collection,
    Document,
    DocumentActivation,
    DocumentText,
    DocumentVersion,
    VersionStatus,
)
from citewell.models.grants import CollectionGrant, DocumentGrant
from citewell.models.tenancy import Group, User

# By hand, so that `updated_at` stays what the export says.
_LET_ANSWER_LATER = text("""
UPDATE document SET restore_version_id = :version_id
WHERE tenant_id = :tenant_id AND id = :document_id
""")

_SHOW_COLLECTION = text("""
UPDATE collection SET name = :name, discard_after = NULL
WHERE tenant_id = :tenant_id AND id = :collection_id
""")

_SHOW_DOCUMENTS = text("""
UPDATE document SET deleted_at = NULL, active_version_id = restore_version_id,
  restore_version_id = NULL
WHERE tenant_id = :tenant_id AND collection_id = :collection_id
RETURNING id
""")

GrantTable = type[CollectionGrant] | type[DocumentGrant]
AnyTable = type[Collection] | type[Document] | type[DocumentVersion]


async def count_documents(
    session: AsyncSession, collection_id: uuid.UUID, reach: Reach
) -> tuple[int, int]:
    """How many documents a collection has, and how many of them are within reach."""
    within, values = reach_sql(reach, table="document", document_column="id")
    mine = select(func.count(Document.id)).where(Document.collection_id == collection_id)
    return (
        await session.scalar(mine) or 0,
        await session.scalar(mine.where(text(within).bindparams(**values))) or 0,
    )


async def documents(
    session: AsyncSession, collection_id: uuid.UUID, after: uuid.UUID, limit: int
) -> list[Document]:
    """Documents of a collection by id."""
    rows = await session.scalars(
        select(Document)
        .where(Document.collection_id == collection_id, Document.id > after)
        .order_by(Document.id)
        .limit(limit)
    )
    return list(rows)


async def versions(
    session: AsyncSession, document_id: uuid.UUID
) -> list[tuple[DocumentVersion, bytes]]:
    """Versions of a document by number, each with the hash of its content."""
    rows = await session.execute(
        select(DocumentVersion, Blob.sha256)
        .join(
            Blob,
            (Blob.tenant_id == DocumentVersion.tenant_id) & (Blob.id == DocumentVersion.blob_id),
        )
        .where(DocumentVersion.document_id == document_id)
        .order_by(DocumentVersion.number)
    )
    return [(version, bytes(sha256)) for version, sha256 in rows]


async def texts(
    session: AsyncSession, version_id: uuid.UUID, after: int, limit: int
) -> list[tuple[int, str]]:
    """Stretches of a version's text by their beginning."""
    rows = await session.execute(
        select(DocumentText.start_offset, DocumentText.text)
        .where(DocumentText.version_id == version_id, DocumentText.start_offset > after)
        .order_by(DocumentText.start_offset)
        .limit(limit)
    )
    return [(start, stretch) for start, stretch in rows]


async def activations(session: AsyncSession, document_id: uuid.UUID) -> list[DocumentActivation]:
    """When which version of a document answered, oldest first."""
    rows = await session.scalars(
        select(DocumentActivation)
        .where(DocumentActivation.document_id == document_id)
        .order_by(DocumentActivation.active_from, DocumentActivation.id)
    )
    return list(rows)


async def rules(
    session: AsyncSession, table: GrantTable, object_ids: Sequence[uuid.UUID]
) -> list[tuple[uuid.UUID, uuid.UUID | None, uuid.UUID | None, str]]:
    """Rules of objects: object, user, group, effect."""
    column = (
        CollectionGrant.collection_id if table is CollectionGrant else DocumentGrant.document_id
    )
    rows = await session.execute(
        select(column, table.user_id, table.group_id, table.effect)
        .where(column.in_(object_ids))
        .order_by(table.id)
    )
    return [(object_id, user, group, effect) for object_id, user, group, effect in rows]


async def emails(session: AsyncSession) -> dict[uuid.UUID, str]:
    """The addresses of all users."""
    return {row.id: row.email for row in await session.execute(select(User.id, User.email))}


async def group_names(session: AsyncSession) -> dict[uuid.UUID, str]:
    """The names of all groups."""
    return {row.id: row.name for row in await session.execute(select(Group.id, Group.name))}


async def hold_subjects(
    session: AsyncSession, users: Sequence[uuid.UUID], groups: Sequence[uuid.UUID]
) -> None:
    """Keep users and groups there until the transaction ends."""
    for table, ids in ((User, users), (Group, groups)):
        held = select(table.id).where(table.id.in_(ids)).order_by(table.id)
        await session.execute(held.with_for_update(read=True, key_share=True))


async def taken(session: AsyncSession, table: AnyTable, ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Those of the ids that rows of the tenant have; the trash is shown."""
    return set(await session.scalars(select(table.id).where(table.id.in_(ids))))


async def has_collection(session: AsyncSession, name: str) -> bool:
    """Whether a collection has the name, whatever its case."""
    named = exists().where(func.lower(Collection.name) == func.lower(name))
    return bool(await session.scalar(select(named)))


async def put_off(session: AsyncSession, collection_id: uuid.UUID, seconds: float) -> bool:
    """Keep a collection that is being filled from upkeep for so long, and lock it.

    False if its time was over: some of it may have been removed.
    """
    statement = (
        update(Collection)
        .where(Collection.id == collection_id, Collection.discard_after > func.now())
        .values(discard_after=_seconds_from_now(seconds))
        .returning(Collection.id)
    )
    return await session.scalar(statement) is not None


async def give_up(session: AsyncSession, collection_id: uuid.UUID) -> None:
    """Let upkeep remove a collection that is not to be filled any more."""
    await session.execute(
        update(Collection)
        .where(Collection.id == collection_id, Collection.discard_after.is_not(None))
        .values(discard_after=func.now())
    )


async def add_collection(
    session: AsyncSession, values: Mapping[str, object], seconds: float
) -> bool:
    """Make a collection that nobody sees, for so long; False if its id is taken."""
    statement = (
        upsert(Collection)
        .values({**values, "discard_after": _seconds_from_now(seconds)})
        .on_conflict_do_nothing()
        .returning(Collection.id)
    )
    return await session.scalar(statement) is not None


def _seconds_from_now(seconds: float) -> ColumnElement[datetime]:
    return func.now() + timedelta(seconds=seconds)


async def show_collection(session: AsyncSession, collection_id: uuid.UUID, name: str) -> int | None:
    """Give a filled collection its name and let its documents be there, all at once.

    Returns how many they are; None if the name is taken.

    Raises:
        DamagedExportError: Two documents have the same source.
    """
    values = {"tenant_id": session.info["tenant_id"], "collection_id": collection_id}
    # A savepoint tells the two apart: the name is taken here, or two documents have one source.
    try:
        async with session.begin_nested():
            await session.execute(_SHOW_COLLECTION, {**values, "name": name})
    except IntegrityError:
        return None
    try:
        return len((await session.execute(_SHOW_DOCUMENTS, values)).all())
    except IntegrityError:
        raise DamagedExportError(
            "The export cannot be read: two documents have the same source."
        ) from None


async def queue(session: AsyncSession, version_ids: Sequence[uuid.UUID]) -> None:
    """Let versions wait for ingestion."""
    await session.execute(
        update(DocumentVersion)
        .where(DocumentVersion.id.in_(version_ids))
        .values(status=VersionStatus.QUEUED)
    )


async def add(session: AsyncSession, table: type, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows.

    Raises:
        DamagedExportError: They contradict each other or cannot be.
    """
    if not rows:
        return
    try:
        await session.execute(insert(table), [dict(row) for row in rows])
    except (IntegrityError, DataError):
        raise DamagedExportError(
            "The export cannot be read: what it says of a document contradicts itself."
        ) from None


async def let_answer_later(
    session: AsyncSession, document_id: uuid.UUID, version_id: uuid.UUID
) -> None:
    """Note which version of a document is to answer once the document is there."""
    values = {"tenant_id": session.info["tenant_id"], "document_id": document_id}
    await session.execute(_LET_ANSWER_LATER, {**values, "version_id": version_id})


async def remove_versions(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Delete versions that are not to be made."""
    if ids:
        await session.execute(delete(DocumentVersion).where(DocumentVersion.id.in_(ids)))
