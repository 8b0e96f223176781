"""Registers files: content, document, version and job in one unit of work."""

import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from pydantic import JsonValue, TypeAdapter

from citewell.core.blobs.store import StagedContent
from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.errors import AppError
from citewell.core.jobs import Urgency
from citewell.core.platform import Platform
from citewell.engine.parsing.cleaning import clean_line
from citewell.features.collections import service as collections
from citewell.features.collections.errors import CollectionNotFoundError
from citewell.features.documents import counting, originals, placement, repository, service
from citewell.features.documents.errors import DocumentNotFoundError, FileTooLargeError
from citewell.features.documents.names import safe_filename
from citewell.features.documents.originals import Claim
from citewell.features.documents.placement import MAX_TITLE, Placement, Shelving, replaced
from citewell.features.documents.schemas import (
    AcceptedDocument,
    Change,
    FilingTarget,
    KnownBy,
    NewFile,
    StagedFile,
)
from citewell.features.idempotency import service as idempotency
from citewell.features.jobs import service as jobs
from citewell.features.jobs.schemas import NewJob
from citewell.features.usage import service as usage
from citewell.features.usage.service import Metric
from citewell.kit.ids import uuid7
from citewell.models.documents import Document, DocumentVersion, VersionStatus
from citewell.models.work import Job

_ACCEPTED = TypeAdapter(list[AcceptedDocument])


Outcome = TypeVar("Outcome")


class _TakenError(Exception):
    """A document was made, or the default collection removed, after it was looked up."""


class _UnclaimedError(Exception):
    """A file that was to be skipped when contents were claimed has to be taken in after all."""


@dataclass(frozen=True, slots=True)
class Registered:
    """Result of registering one file."""

    document_id: uuid.UUID
    version_id: uuid.UUID
    number: int
    status: str
    job_id: uuid.UUID | None
    change: Change
    known_by: KnownBy | None = None

    def accepted(self) -> AcceptedDocument:
        """As the API shows it."""
        return AcceptedDocument(
            id=self.document_id,
            version=self.number,
            status=self.status,
            job_id=self.job_id,
            known_by=self.known_by,
            change=self.change,
        )


@dataclass(frozen=True, slots=True)
class Once:
    """Identity of a request that must run only once, however often it is sent."""

    key: str
    asked: JsonValue
    """The request beside its contents, as it was sent, because the documents may change."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The reply to files that were handed in."""

    documents: list[AcceptedDocument]
    is_replay: bool = False
    """Whether it is the one that the same request got before."""


async def register_file(platform: Platform, caller: Caller, new: NewFile) -> Registered:
    """Take a file in: content, document, version and job are there together, or none of them.

    A source that is known gets a new version, unless the file says otherwise; the same content
    again changes nothing, unless the last try failed: then it is tried again.

    Raises:
        FileTooLargeError: It has more bytes than are accepted.
        InvalidFilenameError: Its name cannot be used.
        CollectionNotFoundError: The collection is not there, or not any more.
        DocumentNotFoundError: The document it is new content of is not there for the caller.
    """
    return (await register_all(platform, caller, [new]))[0]


async def register_all(
    platform: Platform, caller: Caller, files: Sequence[NewFile]
) -> list[Registered]:
    """Take files into one collection as `register_file` does, all of them or none."""
    async with _staged(platform, caller, files) as staged:
        return await _carried_out(platform, caller, staged, partial(_take_in, staged))


async def accept(
    platform: Platform, caller: Caller, files: Sequence[NewFile], once: Once | None = None
) -> Acceptance:
    """Take files in as `register_all` does; the same request again gets the same reply.

    A reply is repeated only to a caller who may still read all documents it names.

    Raises:
        IdempotencyKeyInUseError: The same request is being carried out right now.
        IdempotencyKeyReusedError: Its key belongs to another request.
        DocumentNotFoundError: The reply there was names one that is not there for the caller.
    """
    if once is None:
        registered = await register_all(platform, caller, files)
        return Acceptance([each.accepted() for each in registered])
    async with _staged(platform, caller, files) as staged:
        contents: JsonValue = [each.content.sha256.hex() for each in staged]
        request = idempotency.request_of(once.key, [once.asked, contents])
        return await _carried_out(
            platform,
            caller,
            staged,
            partial(_accept_once, staged, request),
            known=partial(_known_reply, request),
        )


async def _known_reply(request: idempotency.Request, ctx: Context) -> Acceptance | None:
    """The reply the same request got before, to a caller who may still read what it names."""
    known = await idempotency.begin(ctx, request)
    if known is None:
        return None
    documents = _ACCEPTED.validate_python(known)
    for document in documents:
        await service.get(ctx, document.id)
    return Acceptance(documents, is_replay=True)


async def _accept_once(
    staged: Sequence[StagedFile], request: idempotency.Request, ctx: Context, claim: Claim
) -> Acceptance:
    if (known := await _known_reply(request, ctx)) is not None:
        return known
    documents = [each.accepted() for each in await _take_in(staged, ctx, claim)]
    await idempotency.finish(ctx, request, _ACCEPTED.dump_python(documents, mode="json"))
    return Acceptance(documents)


async def register_files(
    platform: Platform, caller: Caller, collection_id: uuid.UUID, files: Sequence[NewFile]
) -> list[Registered | AppError | OSError]:
    """Take files into a collection as `register_file` does, in one transaction if that goes well.

    Returns the result for each file, or the error that `register_file` raises for it. A file is
    taken in whole or not at all, independently of the others.
    """
    results: dict[int, Registered | AppError | OSError] = {}
    async with AsyncExitStack() as stack:
        staged: dict[int, StagedFile] = {}
        for place, new in enumerate(files):
            new = replace(new, collection_id=collection_id)
            try:
                [staged[place]] = await stack.enter_async_context(_staged(platform, caller, [new]))
            except (AppError, OSError) as error:
                results[place] = error
        try:
            every = list(staged.values())
            together = await _carried_out(platform, caller, every, partial(_take_in, every))
        except (AppError, OSError):
            # Tried together first, as one transaction is the fastest; singly it shows which fails.
            for place, each in staged.items():
                try:
                    alone = partial(_take_in, [each])
                    [results[place]] = await _carried_out(platform, caller, [each], alone)
                except (AppError, OSError) as error:
                    results[place] = error
        else:
            results |= dict(zip(staged, together, strict=True))
    return [results[place] for place in range(len(files))]


@asynccontextmanager
async def _staged(
    platform: Platform, caller: Caller, files: Iterable[NewFile]
) -> AsyncGenerator[list[StagedFile], None]:
    """The files, their contents in the staging area of the store for as long as the block lasts."""
    async with AsyncExitStack() as stack:
        staged: list[StagedFile] = []
        for new in files:
            filename = safe_filename(new.filename)
            limit = platform.settings.max_upload_bytes
            if isinstance(new.path, Path) and new.path.stat().st_size > limit:
                raise FileTooLargeError(filename, limit)
            content = await stack.enter_async_context(
                platform.blobs.staged(caller.tenant_id, new.path)
            )
            if content.size_bytes > limit:
                raise FileTooLargeError(filename, limit)
            staged.append(StagedFile(new, filename, content))
        yield staged


async def _carried_out(
    platform: Platform,
    caller: Caller,
    staged: Sequence[StagedFile],
    act: Callable[[Context, Claim], Awaitable[Outcome]],
    known: Callable[[Context], Awaitable[Outcome | None]] | None = None,
) -> Outcome:
    """Run `act` in a unit of work, once the contents it needs are in the store.

    Contents are claimed in a short unit of work, put outside of any, and registered in another; if
    that is refused, nothing is left in the store. If the store fails or the process is killed,
    upkeep removes what is left.

    Args:
        platform: The handles of this process.
        caller: The one who uploads.
        staged: The files.
        act: Registers them; it may be called again after a rollback.
        known: Returns the outcome of an earlier run, if any; then nothing is put.
    """

    async def begin(ctx: Context) -> tuple[Outcome | None, Claim]:
        outcome = await known(ctx) if known is not None else None
        return outcome, await _claimed(ctx, staged if outcome is None else ())

    while True:
        outcome, claim = await _until_done(platform, caller, begin)
        if outcome is not None:
            return outcome
        try:
            await originals.put_all(platform, claim)
            outcome = await _until_done(platform, caller, lambda ctx, c=claim: act(ctx, c))
        except OSError:
            await originals.expire(platform, caller, claim)
            raise
        except (AppError, _UnclaimedError) as error:
            claim.settled = frozenset()
            await originals.abandon(platform, caller, claim)
            if not isinstance(error, _UnclaimedError):
                raise
        else:
            await originals.abandon(platform, caller, claim)  # files that were skipped after all
            return outcome


async def _until_done(
    platform: Platform, caller: Caller, act: Callable[[Context], Awaitable[Outcome]]
) -> Outcome:
    while True:
        try:
            async with unit_of_work(platform, caller) as ctx:
                return await act(ctx)
        # This ends: a transaction that committed meanwhile made what is found in the next round.
        except _TakenError:
            continue


async def _claimed(ctx: Context, staged: Sequence[StagedFile]) -> Claim:
    """Claim the contents of the files that are not skipped, after checking that they may come in.

    Raises:
        AppError: What `_take_in` would raise as things are now, a full plan included.
    """
    if not staged:
        return await originals.claim_all(ctx, {})
    placements = [each for each in await _placed(ctx, staged) if not each.is_skipped]
    contents = {each.file.content.sha256: each.file.content for each in placements}
    claim = await originals.claim_all(ctx, contents)
    documents = {each.target.document.id for each in placements if each.target.is_new}
    new_bytes = sum(contents[sha256].size_bytes for sha256 in claim.new)
    # Checked before the store is written: a full plan should not cost an upload of 100 MB first.
    await usage.require_room(
        ctx, {Metric.DOCUMENTS: len(documents), Metric.STORED_BYTES: new_bytes}
    )
    return claim


async def _take_in(staged: Sequence[StagedFile], ctx: Context, claim: Claim) -> list[Registered]:
    """Take files in; each kind of row is made or locked in the order of its keys.

    Raises:
        _TakenError: Try again in another unit of work.
        _UnclaimedError: Try again with another claim.
        UploadTooSlowError: Putting the contents took too long.
    """
    if not staged:
        return []
    placements = await _placed(ctx, staged)
    wanted = [each for each in placements if not each.is_skipped]
    sizes = {each.file.content.sha256: each.file.content.size_bytes for each in wanted}
    blobs = await repository.claim_blobs(ctx.session, ctx.tenant_id, sizes)
    for each in wanted:
        if not each.target.is_new:
            await _take_over(ctx, each.target.document, each.file.new)
            each.target.document.source = each.source or each.target.document.source
    # A document that this upload was to skip has gone since, so its file has not been put.
    if not sizes.keys() <= claim.contents.keys():
        raise _UnclaimedError
    await originals.settle(ctx, claim, sizes.keys())
    made = {each.target.document.id: each.target.document for each in wanted if each.target.is_new}
    # In one order: inserts wait for each other at the unique index of sources, and two uploads of
    # the same new files would deadlock.
    ordered = sorted(made.values(), key=lambda document: document.source or "")
    if len(await repository.add_documents(ctx.session, ordered)) < len(ordered):
        raise _TakenError
    holder_id = staged[0].new.attached_to
    if holder_id is not None and made:
        await repository.copy_grants(ctx.session, holder_id, list(made))
    batch = _Batch(ctx, {sha256: blob_id for sha256, (blob_id, _) in blobs.items()})
    versions = [batch.version_of(each) for each in placements]
    await batch.save(staged[0].new.urgency)
    registered = [
        _registered(version, await batch.job_of(version), placement, change)
        for (version, change), placement in zip(versions, placements, strict=True)
    ]
    new_bytes = sum(size for sha256, size in sizes.items() if blobs[sha256][1])
    # Last: the tenant's counters stay locked until the commit.
    await counting.count_registered(ctx, batch.made, new_bytes)
    return registered


async def _placed(ctx: Context, staged: Sequence[StagedFile]) -> list[Placement]:
    new = staged[0].new
    if new.document_id is not None:
        return [await replaced(ctx, new.document_id, staged[0])]
    if new.attached_to is not None:
        placements = await placement.attached(ctx, new.attached_to, staged)
        if not await collections.hold_of_holder(ctx, placements[0].target.document.collection_id):
            raise DocumentNotFoundError(new.attached_to)
        return placements
    collection_id = new.collection_id
    if collection_id is None:
        collection_id = (await collections.get_or_create(ctx, collections.DEFAULT_COLLECTION)).id
    await collections.require_writable(ctx, collection_id)
    placements = await Shelving(ctx, collection_id).place(staged)
    is_made = any(each.target.is_new for each in placements)
    if is_made and not await collections.hold(ctx, collection_id):
        if new.collection_id is None:
            raise _TakenError
        raise CollectionNotFoundError(collection_id)
    return placements


async def _take_over(ctx: Context, document: Document, new: NewFile) -> None:
    """Apply title, metadata and level sent with new content; nothing is embedded again."""
    title = clean_line(new.title or "")[:MAX_TITLE]
    # An attachment is taken in again whenever its mail is; a title that somebody gave it stays.
    if title and new.attached_to is None:
        document.title = title
    if new.metadata is not None:
        document.metadata_ = dict(new.metadata)
    await counting.note_changes(ctx, document)
    if new.access_level not in (None, document.access_level):
        await service.change_access(ctx, document, new.access_level)


class _Batch:
    """The versions of one unit of work that are to be made ready, and their jobs."""

    def __init__(self, ctx: Context, blob_ids: dict[bytes, uuid.UUID]) -> None:
        self._ctx = ctx
        self._blob_ids = blob_ids
        self._again: list[DocumentVersion] = []
        self._jobs: dict[uuid.UUID, Job] = {}
        self.made: list[DocumentVersion] = []

    def version_of(self, placement: Placement) -> tuple[DocumentVersion, Change]:
        """The version that is the file's: a new one, or the newest if that has its content."""
        target, content = placement.target, placement.file.content
        newest = target.newest
        if newest is not None and placement.is_skipped:
            return newest, "unchanged"
        blob_id = self._blob_ids[content.sha256]
        if newest is not None and newest.blob_id == blob_id:
            # The same content once more is a wish to try again.
            if newest.status in (VersionStatus.FAILED, VersionStatus.CANCELLED):
                newest.status, newest.error_code, newest.error_detail = (
                    VersionStatus.QUEUED, None, None,
                )  # fmt: skip
                self._again.append(newest)
                return newest, "retried"
            return newest, "unchanged"
        target.newest = self._new_version(target, blob_id, content)
        self.made.append(target.newest)
        return target.newest, "new" if newest is None else "version"

    def _new_version(
        self, target: FilingTarget, blob_id: uuid.UUID, content: StagedContent
    ) -> DocumentVersion:
        return DocumentVersion(
            tenant_id=self._ctx.tenant_id,
            id=uuid7(),
            document_id=target.document.id,
            number=target.newest.number + 1 if target.newest else 1,
            blob_id=blob_id,
            status=VersionStatus.QUEUED,
            size_bytes=content.size_bytes,
            created_by=self._ctx.actor.user_id,
        )

    async def save(self, urgency: Urgency) -> None:
        """Write the versions and give each its job; those that failed before keep their count."""
        self._ctx.session.add_all(self.made)
        await self._ctx.session.flush()
        for versions, attempts in ((self.made, 0), (self._again, 1)):
            if versions:
                made = await enqueue(self._ctx, versions, urgency, attempts=attempts)
                self._jobs |= dict(zip((each.id for each in versions), made, strict=True))

    async def job_of(self, version: DocumentVersion) -> Job | None:
        """The job that is to make it ready."""
        known = self._jobs.get(version.id)
        return known or await jobs.open_job(self._ctx, version.id)


async def enqueue(
    ctx: Context, versions: Sequence[DocumentVersion], urgency: Urgency, *, attempts: int = 0
) -> list[Job]:
    """Give each version a job; `attempts` counts those of jobs that failed before."""
    new = [
        NewJob(
            document_id=version.document_id,
            version_id=version.id,
            lock=jobs.lock_of(version.document_id),
            attempts=attempts,
        )
        for version in versions
    ]
    return await jobs.enqueue(ctx, service.INGEST_JOB, new, urgency=urgency)


def _registered(
    version: DocumentVersion, job: Job | None, placement: Placement, change: Change
) -> Registered:
    return Registered(
        version.document_id,
        version.id,
        version.number,
        version.status,
        job.id if job else None,
        change,
        placement.known_by,
    )
