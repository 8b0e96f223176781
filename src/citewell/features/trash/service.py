"""Deleting and restoring documents, and purging expired ones.

Deleting moves a document into the trash. From the commit on nobody finds it, because the database
hides the trash from sessions that do not ask for it. Purging removes the rows first; the contents
they needed stay marked as released until their files are removed, so that an interrupted purge is
finished by the next one.
"""

import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial

import structlog

from citewell.access.policy import Verb
from citewell.core.context import SYSTEM, Caller, Context, unit_of_work
from citewell.core.database.keyring import MasterKeyError
from citewell.core.errors import ForbiddenError
from citewell.core.platform import Platform
from citewell.features.audit import service as audit
from citewell.features.collections import service as collections
from citewell.features.documents import counting, originals
from citewell.features.documents import service as documents
from citewell.features.documents.schemas import DocumentState
from citewell.features.ingestion import service as ingestion
from citewell.features.jobs import service as jobs
from citewell.features.trash import repository
from citewell.features.trash.errors import NotInTrashError
from citewell.features.trash.schemas import PurgeBatch, TrashedRead, trashed_read
from citewell.features.usage import service as usage
from citewell.features.usage.service import Metric
from citewell.indexes.contract import IncompleteVersionError, index_of
from citewell.indexes.events import (
    DocumentHidden,
    DocumentsRemoved,
    VersionDiscarded,
    VersionKey,
    VersionRestored,
)
from citewell.kit.pagination import Page, PageRequest
from citewell.models.documents import Document
from citewell.models.trash import IMPORTING, trash_shown

log = structlog.get_logger(__name__)

STOPPED = "The document was deleted."
"""Reason shown for jobs cancelled by a deletion."""

PURGED_AT_ONCE = PurgeBatch()

FILES_AT_ONCE = 20
"""Contents held while their files are removed; an upload of the same content waits for that."""


async def delete(
    ctx: Context, document_id: uuid.UUID, details: Mapping[str, object] | None = None
) -> None:
    """Move a document into the trash: from the commit on nobody can find or read it.

    Its attachments go with it. Open jobs are cancelled. If the tenant's trash keeps nothing, it
    is purged.

    Args:
        ctx: The caller's unit of work.
        document_id: The document.
        details: Told to the audit trail; None: nothing beside who did it.

    Raises:
        DocumentNotFoundError: There is none, or not for this caller.
        ForbiddenError: The caller may read it, but not change it; or would purge an attachment that
            they may not change.
    """
    document = await documents.resolve(ctx, document_id, Verb.WRITE)
    # Listed before the document is hidden, and deleted behind it: its time of deletion is first.
    attached = await documents.hold_attached(ctx, document_id)
    if not await minutes_kept(ctx):
        access = await ctx.access()
        if not all(access.allows(Verb.WRITE, each) for each in attached):
            raise ForbiddenError(
                "It has attachments that you may not change, and no trash keeps them here: they "
                "would be lost with it. Ask somebody who may change them, or an administrator."
            )
    await _delete(ctx, document, details or {})
    for each in attached:
        if held := await repository.document(ctx.session, each.id):
            await _delete(ctx, held, details or {})


async def _delete(ctx: Context, document: Document, details: Mapping[str, object]) -> None:
    document_id = document.id
    for version_id in await repository.stop_versions(ctx.session, document):
        await index_of(ctx.platform).writer.apply(ctx, VersionDiscarded(version_id))
    stopped = await jobs.cancel_all(ctx, document_id, STOPPED)
    await index_of(ctx.platform).writer.apply(ctx, DocumentHidden(document_id))
    async with trash_shown(ctx.session):
        await repository.move(ctx.session, document, ctx.actor.user_id, stopped)
        # Within the block: a removal has to see the document it has just put into the trash.
        if is_final := not await minutes_kept(ctx):
            await _remove(ctx, [document_id])
    await counting.count_deleted(ctx, document_id, details)
    if is_final:
        await _note_purged(ctx, document_id)


async def page(ctx: Context, request: PageRequest) -> Page[TrashedRead]:
    """Documents in the trash that the caller may restore, deleted last first."""
    access = await ctx.access()
    async with trash_shown(ctx.session):
        found = await repository.page(ctx.session, access, request)
    minutes = await minutes_kept(ctx)
    return Page([trashed_read(each, minutes) for each in found.items], request, found.total)


async def id_of(ctx: Context, wanted: str, collection: str | None = None) -> uuid.UUID:
    """The id of the document in the trash that is meant, as `documents.service.id_of` finds others.

    Raises:
        DocumentNotFoundError: Nothing in the trash that the caller may restore fits.
        DocumentAmbiguousError: Several documents fit.
    """
    with suppress(ValueError):
        return uuid.UUID(wanted)
    access = await ctx.access()
    collection_id = (await collections.find(ctx, collection)).id if collection else None
    async with trash_shown(ctx.session):
        found = await repository.named_ones(ctx.session, access, wanted.strip(), collection_id)
    return await documents.only_one(ctx, wanted, found)


async def restore(ctx: Context, document_id: uuid.UUID) -> DocumentState:
    """Bring a document back as it was: the same version answers, nothing is embedded again.

    Attachments that were deleted with it come back with it.

    Jobs that its deletion has stopped are queued again. If another document came from its source
    meanwhile, that one keeps the source: the next upload by that name is its next version.

    Raises:
        DocumentNotFoundError: It is not there, or not for this caller.
        ForbiddenError: It is there, and the caller may not change it.
        NotInTrashError: It is there, and was not deleted.
        QuotaReachedError: The plan does not hold one document more.
    """
    document = await _held(ctx, document_id)
    deleted_at = document.deleted_at
    await _restore(ctx, document)
    async with trash_shown(ctx.session):
        attached = await repository.attached_since(ctx.session, document_id, deleted_at)
    for each in attached:
        await _restore(ctx, each)
    return await documents.get(ctx, document_id)


async def _restore(ctx: Context, document: Document) -> None:
    version_id, job_ids = document.restore_version_id, document.restore_job_ids
    async with trash_shown(ctx.session):
        await repository.take_back(ctx.session, document)
    await ctx.session.refresh(document)
    if version_id is not None:
        await _let_answer(ctx, document, version_id)
    await jobs.resume(ctx, job_ids or ())
    await counting.count_restored(ctx, document.id)


async def _let_answer(ctx: Context, document: Document, version_id: uuid.UUID) -> None:
    """Make the version findable that answered before; read it again if the index lacks it."""
    version = await repository.version(ctx.session, version_id)
    generation = await index_of(ctx.platform).generations.live(ctx)
    key = VersionKey(document.id, version_id, document.collection_id, document.access_level)
    try:
        if generation is None:
            raise IncompleteVersionError(version_id)
        restored = VersionRestored(key, generation.id, version.chunk_count or 0)
        await index_of(ctx.platform).writer.apply(ctx, restored)
    except IncompleteVersionError:  # another index has begun to answer meanwhile
        await ingestion.read_again(ctx, version_id)


async def purge(ctx: Context, document_id: uuid.UUID) -> None:
    """Remove a document in the trash for good, with all versions, passages and files.

    Raises:
        DocumentNotFoundError: It is not there, or not for this caller.
        ForbiddenError: It is there, and the caller may not change it.
        NotInTrashError: It is there, and was not deleted.
    """
    document = await _held(ctx, document_id)
    access = await ctx.access()
    async with trash_shown(ctx.session):
        # Attachments that the caller may not change stay in the trash until their time is over.
        attached = await repository.attached_since(
            ctx.session, document_id, document.deleted_at, access
        )
        ids = [document_id, *(each.id for each in attached)]
        await _remove(ctx, ids)
    for purged_id in ids:
        await _note_purged(ctx, purged_id)


async def delete_for_good(ctx: Context, document_id: uuid.UUID) -> None:
    """Purge a document, whether it is in the trash already or not.

    Raises:
        DocumentNotFoundError: There is none, or not for this caller.
        ForbiddenError: The caller may read it, but not change it.
    """
    try:
        await purge(ctx, document_id)
    except NotInTrashError:
        await delete(ctx, document_id)
        if await minutes_kept(ctx):
            await purge(ctx, document_id)


async def minutes_kept(ctx: Context) -> int:
    """How long deleted documents can be restored: as the tenant says, or the installation."""
    return await repository.minutes_kept(ctx.session, ctx.platform.settings.trash_minutes)


async def _held(ctx: Context, document_id: uuid.UUID) -> Document:
    """The document in the trash, locked, in a collection that stays."""
    access = await ctx.access()
    async with trash_shown(ctx.session):
        collection_id = await repository.collection_of(ctx.session, document_id, access)
        # The collection first, in the order in which a collection's removal locks.
        if collection_id is not None and await collections.hold(ctx, collection_id):
            document = await repository.lock(ctx.session, document_id, access)
            if document is not None:
                return document
    await documents.resolve(ctx, document_id, Verb.WRITE)
    raise NotInTrashError(document_id)


async def _note_purged(ctx: Context, document_id: uuid.UUID) -> None:
    await audit.record(ctx, "document.purged", object_kind="document", object_id=document_id)
    # Removing a file cannot be rolled back, so it waits for the commit.
    ctx.after_commit.append(partial(remove_unused_files, ctx.platform, ctx.caller))


async def purge_expired(platform: Platform) -> None:
    """Purge the expired documents of all tenants.

    Also removes plain copies of originals that a killed process left behind.
    """
    await platform.blobs.sweep()
    minutes = platform.settings.trash_minutes
    async with platform.database.lookup() as session:
        tenants = await repository.tenants_with_trash(session, minutes)
    for tenant_id in tenants:
        caller = Caller(tenant_id, SYSTEM)
        # Batch by batch, each a transaction: no lock and no snapshot is held for long.
        while await _purge_some(platform, caller, minutes):
            pass
        await remove_discarded(platform, caller)
        await remove_unused_files(platform, caller)


async def _purge_some(platform: Platform, caller: Caller, minutes: int) -> bool:
    """Purge one batch of documents; True if there may be more."""
    async with unit_of_work(platform, caller) as ctx, trash_shown(ctx.session):
        ids = await repository.lock_expired(ctx.session, minutes, PURGED_AT_ONCE)
        if ids:
            await _remove(ctx, ids)
            await audit.record_all(ctx, "document.purged", "document", {id_: {} for id_ in ids})
    return bool(ids)


async def remove_discarded(
    platform: Platform, caller: Caller, only: uuid.UUID | None = None
) -> None:
    """Remove a tenant's collections that are to go, or one of them, batch by batch.

    A killed run is continued.
    """
    while await _remove_some_of_collection(platform, caller, only):
        pass


async def _remove_some_of_collection(
    platform: Platform, caller: Caller, only: uuid.UUID | None
) -> bool:
    """Remove a batch of documents of a collection, at last itself; whether there may be more."""
    async with unit_of_work(platform, caller) as ctx, trash_shown(ctx.session):
        collection_id = await repository.lock_discarded(ctx.session, only)
        if collection_id is None:
            return False
        found = await repository.lock_documents_of(ctx.session, collection_id, PURGED_AT_ONCE)
        if not found:  # or others hold them: then it is looked at again by the next round
            return await repository.remove_if_empty(ctx.session, collection_id)
        await _remove(ctx, list(found))
        # Documents of an import that did not end were never there for anyone.
        purged = [id_ for id_, deleted_at in found.items() if deleted_at != IMPORTING]
        if purged:
            await audit.record_all(ctx, "document.purged", "document", {id_: {} for id_ in purged})
        # Files of a conversation go with it, without the trash, so they are still counted.
        kept = sum(deleted_at is None for deleted_at in found.values())
        await usage.release(ctx, Metric.DOCUMENTS, kept)
    return True


async def _remove(ctx: Context, document_ids: Sequence[uuid.UUID]) -> None:
    """Delete locked documents from the index and the database, while the trash is shown."""
    await index_of(ctx.platform).writer.apply(ctx, DocumentsRemoved(document_ids))
    await repository.remove(ctx.session, document_ids)


async def remove_unused_files(platform: Platform, caller: Caller) -> None:
    """Remove the files of a tenant's contents that no version needs; failures are tried later."""
    try:
        await originals.sweep_claims(platform, caller)
        while await _remove_some_files(platform, caller):
            pass
    except MasterKeyError as error:
        log.warning("files_not_removed", reason=error.detail)


async def _remove_some_files(platform: Platform, caller: Caller) -> bool:
    """Remove one batch of files, then their rows; True if there may be more.

    In this order the row survives a crash and the file is tried again.
    """
    remove = await platform.blobs.remover(caller.tenant_id)
    async with unit_of_work(platform, caller) as ctx:
        released = await repository.released(ctx.session, FILES_AT_ONCE)
        gone: dict[uuid.UUID, int] = {}
        for blob in released.unused:
            try:
                await remove(blob.sha256)
            except OSError as error:
                log.warning("file_not_removed", reason=error.strerror or str(error))
            else:
                gone[blob.id] = blob.size_bytes
        failed = [blob.id for blob in released.unused if blob.id not in gone]
        await repository.forget_contents(ctx.session, list(gone))
        await repository.look_later(ctx.session, failed)
        await usage.release(ctx, Metric.STORED_BYTES, sum(gone.values()))
    return released.count == FILES_AT_ONCE and not failed
