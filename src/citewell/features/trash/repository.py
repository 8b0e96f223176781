"""Statements of the trash; those about documents in it need `trash_shown`."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import TextClause, delete, exists, func, or_, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.access.policy import Access, Verb
from citewell.access.statements import reach_sql
from citewell.features.trash.schemas import Overdue, OverdueRead, PurgeBatch, Released
from citewell.kit.pagination import Page, PageRequest
from citewell.models.documents import (
    OPEN_STATUSES,
    Blob,
    BlobClaim,
    Document,
    DocumentText,
    DocumentVersion,
    VersionStatus,
    named,
)
from citewell.models.tenancy import Tenant

# Plain SQL, so that the ORM does not touch other columns such as `updated_at`.
_MOVE = text("""
UPDATE document
SET deleted_at = clock_timestamp(), deleted_by = :deleted_by,
  restore_version_id = active_version_id, active_version_id = NULL,
  restore_job_ids = CAST(:job_ids AS uuid[])
WHERE tenant_id = :tenant_id AND id = :document_id
""")

_TAKE_BACK = text("""
UPDATE document
SET active_version_id = restore_version_id, source = :source, deleted_at = NULL,
  deleted_by = NULL, restore_version_id = NULL, restore_job_ids = NULL
WHERE tenant_id = :tenant_id AND id = :document_id
""")


# A collection that is being imported or removed has documents in the trash that are not there for
# anyone, although the trash is shown.
_IN_COLLECTION = """EXISTS (
SELECT FROM collection c WHERE c.tenant_id = document.tenant_id AND c.id = document.collection_id
  AND c.discard_after IS NULL)"""

# A batch: oldest first, at most so many documents, and of these those whose passages together are
# few enough for a short transaction, or a single one.
_FIRST_OF = """
SELECT id, deleted_at FROM (
  SELECT held.id, held.deleted_at, row_number() OVER turn AS place,
    sum(coalesce(n.chunks, 0)) OVER turn AS chunks
  FROM held CROSS JOIN LATERAL (
    SELECT sum(v.chunk_count) AS chunks FROM document_version v
    WHERE v.tenant_id = :tenant_id AND v.document_id = held.id) AS n
  WINDOW turn AS (ORDER BY held.deleted_at, held.id)
) AS counted WHERE place = 1 OR chunks <= :most_chunks
"""


# Rows that another worker purges, or somebody restores just now, are skipped rather than waited
# for.
_LOCK_EXPIRED = text(f"""
WITH held AS MATERIALIZED (
  SELECT id, deleted_at FROM document
  WHERE tenant_id = :tenant_id AND deleted_at <= now() - make_interval(mins => coalesce(
    (SELECT t.trash_days * 1440 FROM tenant t WHERE t.id = :tenant_id), :minutes))
  ORDER BY deleted_at LIMIT :limit FOR UPDATE SKIP LOCKED
) {_FIRST_OF}
""")  # noqa: S608 - constants

_LOCK_DISCARDED = text("""
SELECT id FROM collection WHERE tenant_id = :tenant_id AND discard_after <= now()
  AND id = coalesce(CAST(:only AS uuid), id)
ORDER BY discard_after LIMIT 1 FOR UPDATE SKIP LOCKED
""")

_LOCK_DOCUMENTS_OF = text(f"""
WITH held AS MATERIALIZED (
  SELECT id, deleted_at FROM document
  WHERE tenant_id = :tenant_id AND collection_id = :collection_id
  ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
) {_FIRST_OF}
""")  # noqa: S608 - constants

_REMOVE_IF_EMPTY = text("""
DELETE FROM collection WHERE tenant_id = :tenant_id AND id = :collection_id AND NOT EXISTS (
  SELECT FROM document d WHERE d.tenant_id = :tenant_id AND d.collection_id = :collection_id)
RETURNING id
""")

# A document's age is counted from when its version began to answer: at its publication, at a return
# to an earlier version, at its restoration from the trash. Not from before its collection: imported
# documents have the dates of where they come from. Attachments follow their document, and one of
# which, or of whose attachments, a version is being read is about to be younger. Collections
# without a rule are left out before the join.
_OVERDUE = """
FROM collection c
JOIN document ON document.tenant_id = c.tenant_id AND document.collection_id = c.id
JOIN document_activation a ON a.tenant_id = c.tenant_id AND a.document_id = document.id
  AND a.version_id = document.active_version_id AND a.active_until IS NULL
CROSS JOIN LATERAL (SELECT greatest(a.active_from, c.created_at) AS since) AS age
WHERE c.tenant_id = :tenant_id AND c.discard_after IS NULL AND document.attached_to IS NULL
  AND (CAST(:days AS int) IS NOT NULL OR c.keep_days IS NOT NULL)
  AND document.deleted_at IS NULL AND age.since
    <= now() - make_interval(days => coalesce(CAST(:days AS int), c.keep_days))
  AND NOT EXISTS (SELECT FROM document_version v
    WHERE v.tenant_id = c.tenant_id AND v.document_id = document.id
    AND v.status IN ('queued', 'processing'))
  AND NOT EXISTS (SELECT FROM document part
    JOIN document_version v ON v.tenant_id = part.tenant_id AND v.document_id = part.id
    WHERE part.tenant_id = c.tenant_id AND part.attached_to = document.id
    AND v.status IN ('queued', 'processing'))
"""

_OVERDUE_IDS = text(f"""
SELECT document.id, c.keep_days, age.since {_OVERDUE}
  AND (CAST(:after AS timestamptz) IS NULL OR (age.since, document.id) > (:after, :after_id))
ORDER BY age.since, document.id LIMIT :limit
""")

# Since it was looked up it may have been deleted, restored or renewed.
_LOCK = text("""
SELECT id FROM document WHERE tenant_id = :tenant_id AND id = :document_id FOR UPDATE SKIP LOCKED
""")

_IS_OVERDUE = text(f"SELECT document.id {_OVERDUE} AND document.id = :document_id")

_COUNT_OVERDUE = text(f"SELECT count(*) {_OVERDUE} AND c.id = :collection_id")

_LIST_OVERDUE = f"""
SELECT document.id, document.title, document.filename, age.since {_OVERDUE}
  AND c.id = :collection_id AND (%s) ORDER BY age.since, document.id LIMIT :limit
"""


def _within_trash(access: Access) -> TextClause:
    """Predicate on `document`: in the trash, and readable and writable by the caller."""
    parts = ["document.deleted_at IS NOT NULL", _IN_COLLECTION]
    values = dict[str, object]()
    for verb in (Verb.READ, Verb.WRITE):
        predicate, bound = reach_sql(
            access.reaches[verb], table="document", document_column="id", prefix=verb.value
        )
        parts.append(predicate)
        values |= bound
    return text(" AND ".join(parts)).bindparams(**values)


async def stop_versions(session: AsyncSession, document: Document) -> list[uuid.UUID]:
    """End the work on versions of a locked document; returns the cancelled versions.

    Their stored text is deleted. A published version that is only read again keeps its status.
    """
    is_open = (
        DocumentVersion.document_id == document.id,
        DocumentVersion.status.in_(OPEN_STATUSES),
    )
    is_active = DocumentVersion.id == document.active_version_id
    # A published version that is being read again returns to the state it had; only versions that
    # never answered are cancelled below.
    for condition, status in (
        (is_active, VersionStatus.READY), (~is_active, VersionStatus.SUPERSEDED)
    ):  # fmt: skip
        await session.execute(
            update(DocumentVersion)
            .where(*is_open, condition, DocumentVersion.published_at.is_not(None))
            .values(status=status)
        )
    stopped = await session.scalars(
        update(DocumentVersion)
        .where(*is_open)
        .values(status=VersionStatus.CANCELLED)
        .returning(DocumentVersion.id)
    )
    ids = list(stopped)
    if ids:
        await session.execute(delete(DocumentText).where(DocumentText.version_id.in_(ids)))
    return ids


async def move(
    session: AsyncSession,
    document: Document,
    deleted_by: uuid.UUID | None,
    stopped: Sequence[uuid.UUID],
) -> None:
    """Put a locked document into the trash; its pointer and its jobs are remembered."""
    values = {
        "tenant_id": document.tenant_id,
        "document_id": document.id,
        "deleted_by": deleted_by,
        "job_ids": sorted(stopped),
    }
    await session.execute(_MOVE, values)


async def page(session: AsyncSession, access: Access, request: PageRequest) -> Page[Document]:
    """Documents in the trash that the caller may change, deleted last first."""
    within = _within_trash(access)
    total = await session.scalar(select(func.count(Document.id)).where(within)) or 0
    rows = await session.scalars(
        select(Document)
        .where(within)
        .order_by(Document.deleted_at.desc(), Document.id)
        .offset(request.offset)
        .limit(request.limit)
    )
    return Page(list(rows), request, total)


async def named_ones(
    session: AsyncSession, access: Access, wanted: str, collection_id: uuid.UUID | None
) -> list[Document]:
    """Documents in the trash that the caller may change and that are meant, oldest first."""
    return list(await session.scalars(named(wanted, collection_id).where(_within_trash(access))))


async def collection_of(
    session: AsyncSession, document_id: uuid.UUID, access: Access
) -> uuid.UUID | None:
    """The collection of a document in the trash that the caller may change."""
    return await session.scalar(
        select(Document.collection_id).where(Document.id == document_id, _within_trash(access))
    )


async def lock(session: AsyncSession, document_id: uuid.UUID, access: Access) -> Document | None:
    """A document in the trash that the caller may change, locked against purging."""
    return await session.scalar(
        select(Document)
        .where(Document.id == document_id, _within_trash(access))
        .with_for_update()
        # The session may hold the row as it was before the lock.
        .execution_options(populate_existing=True)
    )


async def document(session: AsyncSession, document_id: uuid.UUID) -> Document | None:
    """A document that is not in the trash, locked."""
    return await session.scalar(
        select(Document).where(Document.id == document_id).with_for_update()
    )


async def attached_since(
    session: AsyncSession,
    document_id: uuid.UUID,
    deleted_at: datetime | None,
    access: Access | None = None,
) -> list[Document]:
    """Attachments in the trash that were deleted with their document or later, locked."""
    within = [] if access is None else [_within_trash(access)]
    found = await session.scalars(
        select(Document)
        .where(Document.attached_to == document_id, Document.deleted_at >= deleted_at, *within)
        .order_by(Document.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(found)


async def take_back(session: AsyncSession, document: Document) -> bool:
    """Take a locked document out of the trash; False if another came from its source meanwhile.

    Then it is filed under a source of its own, so that the other one keeps its name.
    """
    values = {"tenant_id": document.tenant_id, "document_id": document.id}
    try:
        async with session.begin_nested():
            await session.execute(_TAKE_BACK, {**values, "source": document.source})
    except IntegrityError:
        own = f"{document.source}#{document.id}"
        await session.execute(_TAKE_BACK, {**values, "source": own})
        return False
    return True


async def version(session: AsyncSession, version_id: uuid.UUID) -> DocumentVersion:
    """A version of a document that is locked."""
    found = await session.scalars(select(DocumentVersion).where(DocumentVersion.id == version_id))
    return found.one()


async def remove(session: AsyncSession, document_ids: Sequence[uuid.UUID]) -> None:
    """Delete locked documents with all rows that belong to them; stored files stay.

    Their contents are noted as released by a trigger on their versions.
    """
    # In the order in which uploads lock contents: removing versions notes it in each.
    needed = select(DocumentVersion.blob_id).where(DocumentVersion.document_id.in_(document_ids))
    contents = select(Blob.id).where(Blob.id.in_(needed)).order_by(Blob.sha256)
    await session.execute(contents.with_for_update(key_share=True))
    await session.execute(delete(Document).where(Document.id.in_(document_ids)))


async def lock_expired(session: AsyncSession, minutes: int, batch: PurgeBatch) -> list[uuid.UUID]:
    """Locks a batch of expired documents, skipping rows locked elsewhere.

    Args:
        session: Acts for the tenant.
        minutes: How long they can be restored unless the tenant says otherwise.
        batch: The most to lock.
    """
    values = _of(session, batch) | {"minutes": minutes}
    return list(await session.scalars(_LOCK_EXPIRED, values))


async def lock_discarded(session: AsyncSession, only: uuid.UUID | None) -> uuid.UUID | None:
    """Locks a collection that is to be removed; None if others remove what there is."""
    values = {"tenant_id": session.info["tenant_id"], "only": only}
    return await session.scalar(_LOCK_DISCARDED, values)


async def lock_documents_of(
    session: AsyncSession, collection_id: uuid.UUID, batch: PurgeBatch
) -> dict[uuid.UUID, datetime | None]:
    """Locks a batch of a collection's documents, skipping locked ones; when each was deleted."""
    values = _of(session, batch) | {"collection_id": collection_id}
    return {row.id: row.deleted_at for row in await session.execute(_LOCK_DOCUMENTS_OF, values)}


def _of(session: AsyncSession, batch: PurgeBatch) -> dict[str, object]:
    return {
        "tenant_id": session.info["tenant_id"],
        "limit": batch.documents,
        "most_chunks": batch.chunks,
    }


async def remove_if_empty(session: AsyncSession, collection_id: uuid.UUID) -> bool:
    """Delete a locked collection that has no document; False if it has one."""
    values = {"tenant_id": session.info["tenant_id"], "collection_id": collection_id}
    return await session.scalar(_REMOVE_IF_EMPTY, values) is not None


async def minutes_kept(session: AsyncSession, usual_minutes: int) -> int:
    """How long the tenant's deleted documents can be restored."""
    days = await session.scalar(
        select(Tenant.trash_days).where(Tenant.id == session.info["tenant_id"])
    )
    return usual_minutes if days is None else days * 24 * 60


async def tenants_with_trash(session: AsyncSession, minutes: int) -> list[uuid.UUID]:
    """Tenants with expired documents or released contents; needs no tenant set."""
    statement = text("SELECT citewell_tenants_with_expired_trash(:minutes)")
    return list(await session.scalars(statement, {"minutes": minutes}))


async def released(session: AsyncSession, limit: int) -> Released:
    """Locks a batch of released contents, skipping rows locked elsewhere.

    Their use is asked in a second statement, whose snapshot is taken after the lock: a version made
    in between is seen.
    """
    held = await session.scalars(
        select(Blob)
        .where(Blob.released_at.is_not(None))
        .order_by(Blob.released_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    blobs = {blob.id: blob for blob in held}
    used = exists().where(
        DocumentVersion.tenant_id == Blob.tenant_id, DocumentVersion.blob_id == Blob.id
    )
    # An upload that is abandoned releases them again.
    claimed = exists().where(BlobClaim.tenant_id == Blob.tenant_id, BlobClaim.sha256 == Blob.sha256)
    kept = await session.scalars(
        update(Blob)
        .where(Blob.id.in_(blobs), or_(used, claimed))
        .values(released_at=None)
        .returning(Blob.id)
    )
    needed = set(kept)
    return Released([blob for key, blob in blobs.items() if key not in needed], len(blobs))


async def forget_contents(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Delete the rows of contents whose files have gone."""
    await session.execute(delete(Blob).where(Blob.id.in_(ids)))


async def look_later(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Move contents whose files could not be removed to the end of the queue."""
    await session.execute(
        update(Blob).where(Blob.id.in_(ids)).values(released_at=func.clock_timestamp())
    )


async def tenants_with_retention(session: AsyncSession) -> list[uuid.UUID]:
    """Tenants of which a collection keeps documents for some days only; needs no tenant set."""
    return list(await session.scalars(text("SELECT citewell_tenants_with_retention()")))


async def overdue(session: AsyncSession, limit: int, after: Overdue | None) -> list[Overdue]:
    """Documents that the rule of their collection keeps no longer, oldest first.

    Args:
        session: Acts for the tenant.
        limit: The most to return.
        after: The last one of those before; None: from the oldest on.
    """
    values = {
        "tenant_id": session.info["tenant_id"], "days": None, "limit": limit,
        "after": after and after.since, "after_id": after and after.id,
    }  # fmt: skip
    return [Overdue(*row) for row in await session.execute(_OVERDUE_IDS, values)]


async def lock_overdue(session: AsyncSession, document_id: uuid.UUID) -> bool:
    """Lock a document if its collection keeps it no longer; False: not so, or held elsewhere.

    Its age is asked in a second statement, whose snapshot is taken after the lock: a version made
    in between is seen.
    """
    values = {
        "tenant_id": session.info["tenant_id"], "days": None, "document_id": document_id,
    }  # fmt: skip
    if await session.scalar(_LOCK, values) is None:
        return False
    return await session.scalar(_IS_OVERDUE, values) is not None


async def count_overdue(session: AsyncSession, collection_id: uuid.UUID, days: int) -> int:
    """Documents of a collection that a rule of so many days would delete."""
    values = {
        "tenant_id": session.info["tenant_id"], "days": days, "collection_id": collection_id,
    }  # fmt: skip
    return await session.scalar(_COUNT_OVERDUE, values) or 0


async def list_overdue(
    session: AsyncSession, access: Access, collection_id: uuid.UUID, days: int, limit: int
) -> list[OverdueRead]:
    """Oldest overdue documents that the caller may read."""
    predicate, bound = reach_sql(
        access.reaches[Verb.READ], table="document", document_column="id", prefix="read"
    )
    values = {
        "tenant_id": session.info["tenant_id"], "days": days, "collection_id": collection_id,
        "limit": limit, **bound,
    }  # fmt: skip
    found = await session.execute(text(_LIST_OVERDUE % predicate), values)
    return [OverdueRead.model_validate(row) for row in found]
