"""Statements of exports and imports."""

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy import delete, func, insert, select, text, update
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
)
from citewell.models.grants import CollectionGrant, DocumentGrant
from citewell.models.tenancy import Group, User
from citewell.models.trash import trash_shown

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
    """Those of the ids that rows of the tenant have, in the trash too."""
    async with trash_shown(session):
        return set(await session.scalars(select(table.id).where(table.id.in_(ids))))


async def add_collection(session: AsyncSession, values: Mapping[str, object]) -> bool:
    """Make a collection; False if its name is taken."""
    statement = upsert(Collection).values(values).on_conflict_do_nothing().returning(Collection.id)
    return await session.scalar(statement) is not None


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


async def activate(session: AsyncSession, document_id: uuid.UUID, version_id: uuid.UUID) -> None:
    """Let a version answer, without a note in its history: that is added as it was."""
    await session.execute(
        update(Document).where(Document.id == document_id).values(active_version_id=version_id)
    )
    await session.execute(
        delete(DocumentActivation).where(DocumentActivation.document_id == document_id)
    )


async def remove_versions(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Delete versions that are not to be made."""
    if ids:
        await session.execute(delete(DocumentVersion).where(DocumentVersion.id.in_(ids)))
