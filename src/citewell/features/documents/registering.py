"""Taking documents in."""

import uuid
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import PurePosixPath, PureWindowsPath

from citewell.core.access import AccessLevel, Verb
from citewell.core.blobs.store import StagedContent
from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.errors import AppError, ForbiddenError
from citewell.core.jobs import Urgency
from citewell.core.platform import Platform
from citewell.engine.parsing.cleaning import clean_line
from citewell.features.collections import service as collections
from citewell.features.collections.errors import CollectionNotFoundError
from citewell.features.documents import counting, keeping, repository, service
from citewell.features.documents.errors import FileTooLargeError, InvalidFilenameError
from citewell.features.documents.schemas import AcceptedDocument, NewFile
from citewell.kit.ids import uuid7
from citewell.models.documents import Document, DocumentVersion, VersionStatus
from citewell.models.work import Job

MAX_FILENAME = 255


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of a file that was handed in."""

    document_id: uuid.UUID
    version_id: uuid.UUID
    number: int
    status: str
    job_id: uuid.UUID | None

    def accepted(self) -> AcceptedDocument:
        """As the API shows it."""
        return AcceptedDocument(
            id=self.document_id, version=self.number, status=self.status, job_id=self.job_id
        )


def safe_filename(name: str) -> str:
    """The last part of a name as a person can read it; names are shown, never used as paths.

    Raises:
        InvalidFilenameError: Nothing is left of it.
    """
    last = PureWindowsPath(PurePosixPath(name).name).name
    cleaned = clean_line(last).strip(" .")
    if not cleaned:
        raise InvalidFilenameError("The file has no usable name.")
    if len(cleaned) > MAX_FILENAME:
        suffix = PurePosixPath(cleaned).suffix[:20]
        cleaned = cleaned[: MAX_FILENAME - len(suffix)] + suffix
    return cleaned


async def register_file(platform: Platform, caller: Caller, new: NewFile) -> Registered:
    """Take a file in: content, document, version and job are there together, or none of them.

    A source that is known gets a new version; the same content again changes nothing, unless the
    last try failed: then it is tried again.

    Raises:
        FileTooLargeError: It has more bytes than are accepted.
        InvalidFilenameError: Its name cannot be used.
        CollectionNotFoundError: The collection is not there, or not any more.
    """
    filename = _checked_filename(platform, new)
    async with platform.blobs.staged(caller.tenant_id, new.path) as content:
        return await _register_staged(platform, caller, new, filename, content)


def _checked_filename(platform: Platform, new: NewFile) -> str:
    filename = safe_filename(new.filename)
    if new.path.stat().st_size > platform.settings.max_upload_bytes:
        raise FileTooLargeError(filename, platform.settings.max_upload_bytes)
    return filename


@dataclass(frozen=True, slots=True)
class _Staged:
    """A file of a batch, its content on the way into the store."""

    place: int
    new: NewFile
    filename: str
    content: StagedContent


async def register_files(
    platform: Platform, caller: Caller, collection_id: uuid.UUID, files: Sequence[NewFile]
) -> list[Registered | AppError | OSError]:
    """Take files into a collection as `register_file` does, the new ones in one transaction.

    Returns, for each file, what became of it, or the error `register_file` raises for it. Each is
    taken in whole or not at all, whatever happens to the others.
    """
    results: dict[int, Registered | AppError | OSError] = {}
    async with AsyncExitStack() as stack:
        staged: list[_Staged] = []
        for place, new in enumerate(files):
            try:
                filename = _checked_filename(platform, new)
                content = await stack.enter_async_context(
                    platform.blobs.staged(caller.tenant_id, new.path)
                )
            except (AppError, OSError) as error:
                results[place] = error
            else:
                staged.append(_Staged(place, new, filename, content))
        try:
            async with unit_of_work(platform, caller) as ctx:
                fresh = await _register_new(ctx, collection_id, staged)
        except (AppError, OSError):
            fresh = {}  # one by one it will show whose it is
        results |= fresh
        for each in staged:
            if each.place in results:
                continue
            new = replace(each.new, collection_id=collection_id)
            try:
                results[each.place] = await _register_staged(
                    platform, caller, new, each.filename, each.content
                )
            except (AppError, OSError) as error:
                results[each.place] = error
    return [results[place] for place in range(len(files))]


async def _register_new(
    ctx: Context, collection_id: uuid.UUID, staged: Sequence[_Staged]
) -> dict[int, Registered]:
    """Take those of them in that nobody has heard of; returns what became of these.

    Rows are made in the order of their keys, so that two of these never wait for each other.
    """
    await collections.require_writable(ctx, collection_id)
    for level in {each.new.access_level for each in staged}:
        if level is not None:
            await service.require_level(ctx, level)
    by_source = {each.new.source: each for each in staged if each.new.source is not None}
    known = await repository.known_sources(ctx.session, collection_id, list(by_source))
    fresh = [by_source[source] for source in sorted(by_source.keys() - known)]
    if not fresh or not await collections.hold(ctx, collection_id):
        return {}
    sizes = {each.content.sha256: each.content.size_bytes for each in fresh}
    blobs = await repository.claim_blobs(ctx.session, ctx.tenant_id, sizes)
    await keeping.keep(ctx, [(each.content, blobs[each.content.sha256][1]) for each in fresh])
    documents = [
        _new_document(ctx, each.new, each.filename, collection_id, each.new.source)
        for each in fresh
    ]
    added = await repository.add_documents(ctx.session, documents)
    versions = {
        each.place: DocumentVersion(
            tenant_id=ctx.tenant_id,
            id=uuid7(),
            document_id=document.id,
            number=1,
            blob_id=blobs[each.content.sha256][0],
            status=VersionStatus.QUEUED,
            size_bytes=each.content.size_bytes,
            created_by=ctx.actor.user_id,
        )
        for each, document in zip(fresh, documents, strict=True)
        if document.id in added
    }
    ctx.session.add_all(versions.values())
    await ctx.session.flush()
    jobs = await _enqueue(ctx, list(versions.values()), fresh[0].new.urgency)
    new_bytes = sum(size for sha256, size in sizes.items() if blobs[sha256][1])
    await counting.count_registered(ctx, list(versions.values()), new_bytes)
    return {
        place: _registered(version, job)
        for (place, version), job in zip(versions.items(), jobs, strict=True)
    }


async def _register_staged(
    platform: Platform, caller: Caller, new: NewFile, filename: str, content: StagedContent
) -> Registered:
    while True:
        async with unit_of_work(platform, caller) as ctx:
            registered = await _register(ctx, new, filename, content)
        if registered is not None:
            return registered


async def _register(
    ctx: Context, new: NewFile, filename: str, content: StagedContent
) -> Registered | None:
    """One try; None if the same document was made, or the default collection removed, meanwhile."""
    collection_id = new.collection_id
    if collection_id is None:
        collection_id = (await collections.get_or_create(ctx, collections.DEFAULT_COLLECTION)).id
    await collections.require_writable(ctx, collection_id)
    document, source = None, new.source
    if source is not None:
        document, source = await _known(ctx, collection_id, source)
    newest = None
    if document is not None:
        newest = await repository.newest_version(ctx.session, document.id)
    elif not await collections.hold(ctx, collection_id):
        if new.collection_id is None:
            return None
        raise CollectionNotFoundError(collection_id)
    blob, is_new = await repository.claim_blob(
        ctx.session, ctx.tenant_id, content.sha256, content.size_bytes
    )
    new_bytes = content.size_bytes if is_new else 0
    if document is not None:
        await _take_over(ctx, document, new)
    # Before anything else, so that a file the store has lost comes back with its next upload.
    await keeping.keep(ctx, [(content, is_new)])
    if newest is not None and newest.blob_id == blob.id:
        if newest.status not in (VersionStatus.FAILED, VersionStatus.CANCELLED):
            job = await repository.open_job(ctx.session, newest.id)
            return _registered(newest, job)
        newest.status, newest.error_code, newest.error_detail = VersionStatus.QUEUED, None, None
        return _registered(newest, (await _enqueue(ctx, [newest], new.urgency, attempts=1))[0])
    if document is None:
        if new.access_level is not None:
            await service.require_level(ctx, new.access_level)
        document = _new_document(ctx, new, filename, collection_id, source)
        if not await repository.add_document(ctx.session, document):
            await counting.count_registered(ctx, (), new_bytes)
            return None
    version = DocumentVersion(
        tenant_id=ctx.tenant_id,
        id=uuid7(),
        document_id=document.id,
        number=newest.number + 1 if newest else 1,
        blob_id=blob.id,
        status=VersionStatus.QUEUED,
        size_bytes=content.size_bytes,
        created_by=ctx.actor.user_id,
    )
    ctx.session.add(version)
    await ctx.session.flush()
    job = (await _enqueue(ctx, [version], new.urgency))[0]
    await counting.count_registered(ctx, [version], new_bytes)
    return _registered(version, job)


async def _known(
    ctx: Context, collection_id: uuid.UUID, source: str
) -> tuple[Document | None, str]:
    """The document that came from there, and the source to file a new one under.

    What someone else's hidden document is called by must neither show nor be taken over.

    Raises:
        ForbiddenError: The caller may read the document, but not change it.
    """
    access, wanted, number = await ctx.access(), source, 1
    while True:
        document = await repository.lock_by_source(ctx.session, collection_id, wanted)
        if document is None or access.allows(Verb.WRITE, service.facts_of(document)):
            return document, wanted
        if access.allows(Verb.READ, service.facts_of(document)):
            raise ForbiddenError(
                f"A document `{document.filename}` is there already, and you may not change it."
            )
        # Their own by this name, which may have been hidden from them meanwhile as well.
        wanted = f"{source}#{ctx.actor.user_id}" + (f"#{number}" if number > 1 else "")
        number += 1


async def _take_over(ctx: Context, document: Document, new: NewFile) -> None:
    """Apply what is said of a known document beside its content; nothing is embedded again."""
    if title := clean_line(new.title or "")[:500]:
        document.title = title
    if new.metadata is not None:
        document.metadata_ = dict(new.metadata)
    await counting.note_changes(ctx, document)
    if new.access_level not in (None, document.access_level):
        await service.change_access(ctx, document, new.access_level)


def _new_document(
    ctx: Context, new: NewFile, filename: str, collection_id: uuid.UUID, source: str | None
) -> Document:
    return Document(
        tenant_id=ctx.tenant_id,
        id=uuid7(),
        collection_id=collection_id,
        title=clean_line(new.title or "")[:500] or filename,
        source=source,
        filename=filename,
        access_level=int(AccessLevel.INTERNAL if new.access_level is None else new.access_level),
        metadata_=dict(new.metadata or {}),
        created_by=ctx.actor.user_id,
    )


async def _enqueue(
    ctx: Context, versions: Sequence[DocumentVersion], urgency: Urgency, *, attempts: int = 0
) -> list[Job]:
    """Give each version a job; `attempts` counts those of jobs that failed before."""
    ids = [uuid7() for _ in versions]
    queue_ids = await ctx.platform.queue.defer_all(
        ctx.session,
        service.INGEST_JOB,
        tenant_id=ctx.tenant_id,
        subjects=[
            (job_id, service.lock_of(version.document_id))
            for job_id, version in zip(ids, versions, strict=True)
        ],
        urgency=urgency,
    )
    jobs = [
        Job(
            tenant_id=ctx.tenant_id,
            id=job_id,
            kind=service.INGEST_JOB,
            attempts=attempts,
            attempts_before=attempts,
            document_id=version.document_id,
            version_id=version.id,
            queue_id=queue_id,
        )
        for job_id, version, queue_id in zip(ids, versions, queue_ids, strict=True)
    ]
    ctx.session.add_all(jobs)
    await ctx.session.flush()
    return jobs


def _registered(version: DocumentVersion, job: Job | None) -> Registered:
    return Registered(
        version.document_id, version.id, version.number, version.status, job.id if job else None
    )
