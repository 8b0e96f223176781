"""A sealed file becomes a collection: its originals first, then all the rest in one transaction."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import anyio.to_thread

from citewell.access.policy import AccessLevel, Effect
from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.errors import AppError
from citewell.core.jobs import Urgency
from citewell.core.platform import Platform
from citewell.engine.chunking.registry import STRATEGIES
from citewell.features.audit import service as audit
from citewell.features.collections.errors import CollectionExistsError
from citewell.features.documents import names, registering
from citewell.features.documents.errors import InvalidFilenameError
from citewell.features.transfers import repository
from citewell.features.transfers.errors import DamagedExportError, UnknownDenialError
from citewell.features.transfers.exporting import require_mover
from citewell.features.transfers.framing import ByteSource, FrameReader
from citewell.features.transfers.schemas import (
    FORMAT,
    ActivationRecord,
    ChunksRecord,
    CollectionRecord,
    DocumentRecord,
    EndOfCollection,
    EndOfDocument,
    EndOfVersion,
    ImportReport,
    OriginalRecord,
    Record,
    RuleRecord,
    TextRecord,
    VersionRecord,
)
from citewell.features.transfers.sealing import Opener, SealedStreamError, read_header, stream_key
from citewell.features.transfers.stock import Stock
from citewell.features.transfers.version_rows import VersionRows
from citewell.features.usage import service as usage
from citewell.features.usage.service import Metric
from citewell.indexes.contract import Generation, index_of
from citewell.indexes.events import VersionKey
from citewell.kit.ids import uuid7
from citewell.models.documents import (
    Collection,
    Document,
    DocumentActivation,
    DocumentVersion,
    VersionStatus,
)
from citewell.models.grants import CollectionGrant, DocumentGrant


async def import_collection(
    platform: Platform,
    caller: Caller,
    source: BinaryIO,
    passphrase: str,
    *,
    name: str | None = None,
    restrict: bool = False,
) -> ImportReport:
    """Make a collection of an export; the file is taken for hostile.

    Ids are kept where nothing of the tenant has them. Vectors are taken over where the library is
    in the same model; otherwise documents go through ingestion as if they were uploaded.

    Args:
        platform: The handles of this process.
        caller: Who imports.
        source: The sealed file.
        passphrase: What it was sealed with.
        name: What the collection is to be called; None: as it was.
        restrict: Whether what unknown people are denied becomes restricted instead of the import
            being refused.

    Raises:
        DamagedExportError: It cannot be read, or the passphrase is another; nothing was changed.
        ForbiddenError: The caller is no administrator with the role director.
        CollectionExistsError: The name is taken.
        UnknownDenialError: It denies something to somebody unknown.
        QuotaReachedError: The plan does not hold it.
        FileTooLargeError: An original has more bytes than are accepted.
        BusyError: Too many passphrases are tried at the moment.
    """
    async with unit_of_work(platform, caller) as ctx:
        require_mover(ctx)  # before the key is made, which is meant to take a while
    begin = source.tell()
    try:
        header = await anyio.to_thread.run_sync(read_header, source)
        key = await platform.compute.run(caller.tenant_id, stream_key, passphrase, header.hex())
    except SealedStreamError as error:
        raise DamagedExportError(str(error)) from None

    def opened() -> ByteSource:
        source.seek(begin)
        return Opener(source, key)

    return await import_frames(platform, caller, opened, name=name, restrict=restrict)


async def import_frames(
    platform: Platform,
    caller: Caller,
    opened: Callable[[], ByteSource],
    *,
    name: str | None,
    restrict: bool,
) -> ImportReport:
    """Import a collection from a stream that can be read twice.

    Originals first, in many short transactions; then everything that refers to them, in one.
    """
    stock = Stock(platform, caller)
    try:
        await stock.take_in(FrameReader(await anyio.to_thread.run_sync(opened)))
        async with unit_of_work(platform, caller) as ctx:
            require_mover(ctx)
            reader = FrameReader(await anyio.to_thread.run_sync(opened))
            report = await _Import(ctx, reader, stock.originals, restrict=restrict).run(name)
            await stock.settle(ctx)
    except SealedStreamError as error:
        await stock.abandon()
        raise DamagedExportError(str(error)) from None
    except (AppError, OSError):
        await stock.abandon()
        raise
    await index_of(platform).maintenance.fold_statistics(caller.tenant_id)
    return report


@dataclass(slots=True)
class _Place:
    """A document that is being made."""

    record: DocumentRecord
    id: uuid.UUID
    level: AccessLevel
    versions: dict[uuid.UUID, DocumentVersion] = field(
        default_factory=dict[uuid.UUID, DocumentVersion]
    )
    """By the ids they had."""
    unfinished: set[uuid.UUID] = field(default_factory=set[uuid.UUID])
    """Those that had not answered yet when they were exported."""


class _Import:
    """One import; holds the parts of one version at a time, and the hashes of all originals."""

    def __init__(
        self,
        ctx: Context,
        reader: FrameReader,
        blobs: Mapping[bytes, tuple[uuid.UUID, int]],
        *,
        restrict: bool,
    ) -> None:
        self._ctx = ctx
        self._reader = reader
        self._restrict = restrict
        self._blobs = blobs
        self._denied: set[str] = set()
        self._unknown: set[str] = set()
        self._users: dict[str, uuid.UUID] = {}
        self._groups: dict[str, uuid.UUID] = {}
        self._generation: Generation | None = None
        self._collection_id = uuid7()
        self._is_restricted = False
        self._report = ImportReport(collection_id=self._collection_id, name="")

    async def run(self, name: str | None) -> ImportReport:
        """Do it; the caller commits."""
        session, report = self._ctx.session, self._report
        self._users = {email: key for key, email in (await repository.emails(session)).items()}
        self._groups = {
            group.casefold(): key for key, group in (await repository.group_names(session)).items()
        }
        await self._begin(name)
        while not isinstance(record := await self._next(), EndOfCollection):
            if not isinstance(record, DocumentRecord):
                raise _unexpected(record)
            await self._document(record)
        if record.documents != report.documents or not self._reader.is_at_end():
            raise DamagedExportError("The export cannot be read: it is not whole.")
        if self._denied and not self._restrict:
            raise UnknownDenialError(sorted(self._denied))
        report.unknown = sorted(self._unknown | self._denied)
        await audit.record(
            self._ctx,
            "collection.imported",
            object_kind="collection",
            object_id=self._collection_id,
            details={"documents": report.documents, "restricted": report.restricted},
        )
        await usage.consume_all(
            self._ctx,
            {
                Metric.COLLECTIONS: 1,
                Metric.DOCUMENTS: report.documents,
            },
        )
        return report

    async def _begin(self, name: str | None) -> None:
        header = await self._next()
        if not isinstance(header, CollectionRecord):
            raise _unexpected(header)
        if header.format != FORMAT:
            raise DamagedExportError("The export is of another version of Citewell.")
        if header.chunk_strategy not in STRATEGIES or header.chunk_overlap > header.chunk_size // 2:
            raise DamagedExportError("The export cannot be read: its chunking is not known here.")
        ctx, spec = self._ctx, self._ctx.platform.embedder.spec
        generation = await index_of(ctx.platform).generations.ensure(ctx, spec)
        theirs = header.embedding
        if theirs is not None and (theirs.name, theirs.dimensions) == (
            generation.embedding,
            generation.dimensions,
        ):
            self._generation = generation
        if not await repository.taken(ctx.session, Collection, [header.id]):
            self._collection_id = header.id
        self._report.collection_id = self._collection_id
        self._report.name = name or header.name
        values = {
            "tenant_id": ctx.tenant_id,
            "id": self._collection_id,
            "name": self._report.name,
            "description": header.description,
            "chunk_strategy": header.chunk_strategy,
            "chunk_size": header.chunk_size,
            "chunk_overlap": header.chunk_overlap,
            "created_by": ctx.actor.user_id,
        }
        if not await repository.add_collection(ctx.session, values):
            raise CollectionExistsError(self._report.name)
        self._is_restricted = await self._rules(
            header.rules, CollectionGrant, "collection_id", self._collection_id
        )

    async def _rules(
        self,
        rules: Sequence[RuleRecord],
        table: repository.GrantTable,
        column: str,
        object_id: uuid.UUID,
    ) -> bool:
        """Make the rules of an object; whether somebody unknown is denied it."""
        rows: dict[tuple[uuid.UUID | None, uuid.UUID | None], dict[str, object]] = {}
        is_denied = False
        for rule in rules:
            user = None if rule.user is None else self._users.get(rule.user)
            group = None if rule.group is None else self._groups.get(rule.group.casefold())
            if user is None and group is None:
                name = rule.user or f"group {rule.group}"
                is_denied |= rule.effect is Effect.DENY
                (self._denied if rule.effect is Effect.DENY else self._unknown).add(name)
                continue
            rows[user, group] = {
                "tenant_id": self._ctx.tenant_id,
                "id": uuid7(),
                column: object_id,
                "user_id": user,
                "group_id": group,
                "effect": rule.effect.value,
                "created_by": self._ctx.actor.user_id,
            }
        await repository.hold_subjects(
            self._ctx.session,
            [user for user, _ in rows if user is not None],
            [group for _, group in rows if group is not None],
        )
        # The names of people were read before: who has gone since is caught by the foreign key.
        await repository.add(self._ctx.session, table, list(rows.values()))
        self._report.rules += len(rows)
        return is_denied

    async def _document(self, record: DocumentRecord) -> None:
        session = self._ctx.session
        place = _Place(record, record.id, AccessLevel(record.access_level))
        if await repository.taken(session, Document, [record.id]):
            place.id = uuid7()
            self._report.new_ids += 1
        unknown = any(
            rule.effect is Effect.DENY and not self._is_known(rule) for rule in record.rules
        )
        if (unknown or self._is_restricted) and place.level is not AccessLevel.RESTRICTED:
            place.level = AccessLevel.RESTRICTED
            self._report.restricted += 1
        await self._add_document(place)
        await self._rules(record.rules, DocumentGrant, "document_id", place.id)
        while not isinstance(part := await self._next(), EndOfDocument):
            if not isinstance(part, VersionRecord):
                raise _unexpected(part)
            await self._version(place, part)
        if not place.versions:
            raise DamagedExportError(f"The export cannot be read: `{record.title}` has no version.")
        await self._finish(place, part.activations)
        session.expunge_all()
        self._report.documents += 1

    def _is_known(self, rule: RuleRecord) -> bool:
        if rule.user is not None:
            return rule.user in self._users
        return (rule.group or "").casefold() in self._groups

    async def _add_document(self, place: _Place) -> None:
        record = place.record
        values = {
            "tenant_id": self._ctx.tenant_id,
            "id": place.id,
            "collection_id": self._collection_id,
            "title": record.title,
            "source": record.source,
            "filename": _filename(record.filename),
            "access_level": int(place.level),
            "metadata_": record.metadata,
            "created_at": record.created_at,
            "updated_at": record.updated_at,
            "created_by": self._ctx.actor.user_id,
        }
        await repository.add(self._ctx.session, Document, [values])

    async def _version(self, place: _Place, record: VersionRecord) -> None:
        if record.id in place.versions:
            raise DamagedExportError("The export cannot be read: a version is in it twice.")
        part = await self._next()
        sha256 = bytes.fromhex(record.sha256)
        if isinstance(part, OriginalRecord):
            if part.sha256 != record.sha256:
                raise _unexpected(part)
            await anyio.to_thread.run_sync(self._skip, part.size_bytes)
            part = await self._next()
        if sha256 not in self._blobs:
            raise DamagedExportError("The export cannot be read: an original is not in it.")
        blob_id, size = self._blobs[sha256]
        if size != record.size_bytes:
            raise DamagedExportError("The export cannot be read: an original is not whole.")
        version = await self._add_version(place, record, blob_id)
        taken_over = version.status == record.status and record.is_complete
        rows = VersionRows(
            self._ctx,
            VersionKey(place.id, version.id, self._collection_id, int(place.level)),
            self._generation,
            record,
        )
        while not isinstance(part, EndOfVersion):
            if not record.is_complete or not isinstance(part, TextRecord | ChunksRecord):
                raise _unexpected(part)
            if taken_over:
                await rows.take(part)
            part = await self._next()
        if taken_over:
            await rows.finish()
            self._report.chunks += rows.chunks
            self._report.new_ids += rows.new_ids
        self._report.versions += 1

    async def _add_version(
        self, place: _Place, record: VersionRecord, blob_id: uuid.UUID
    ) -> DocumentVersion:
        """The version as it was, or as one that waits for ingestion."""
        session, version_id = self._ctx.session, record.id
        if await repository.taken(session, DocumentVersion, [version_id]):
            version_id = uuid7()
            self._report.new_ids += 1
        is_active = record.id == place.record.active_version
        if is_active != (record.status is VersionStatus.READY):
            raise DamagedExportError(
                f"The export cannot be read: it does not say which version of "
                f"`{place.record.title}` answers."
            )
        has_failed = record.status in (VersionStatus.FAILED, VersionStatus.CANCELLED)
        is_kept = has_failed or (record.is_complete and self._generation is not None)
        values: dict[str, object] = {
            name: getattr(record, name)
            for name in VersionRecord.model_fields
            if name not in ("kind", "sha256", "created_by", "chunking")
        }
        if not is_kept:
            values |= {"chunk_count": 0, "embedded_count": 0, "published_at": None}
            values |= {"page_count": None, "char_count": None, "parsed_title": None}
            values |= {"mime_type": None, "status": VersionStatus.QUEUED}
        values |= {
            "id": version_id,
            "tenant_id": self._ctx.tenant_id,
            "document_id": place.id,
            "blob_id": blob_id,
            "status": str(values["status"]),
            "created_by": self._ctx.actor.user_id,
        }
        await repository.add(session, DocumentVersion, [values])
        if not record.is_complete:
            place.unfinished.add(version_id)
        place.versions[record.id] = version = DocumentVersion(**values)
        return version

    async def _finish(self, place: _Place, activations: Sequence[ActivationRecord]) -> None:
        """Which version answers, and when which did; or jobs for those without vectors."""
        waiting = [v for v in place.versions.values() if v.status == VersionStatus.QUEUED]
        active_id = place.record.active_version
        active = None if active_id is None else place.versions.get(active_id)
        if active_id is not None and active is None:
            raise DamagedExportError("The export cannot be read: a version is not in it.")
        if active is not None and active.status == VersionStatus.READY:
            await self._activate(place, active, activations)
        if active is not None and active.status == VersionStatus.QUEUED:
            # A later version that was rolled back must not answer because it is made anew.
            later = [
                version.id
                for version in waiting
                if version.number > active.number and version.id not in place.unfinished
            ]
            waiting = [version for version in waiting if version.id not in later]
            await repository.remove_versions(self._ctx.session, later)
            self._report.left_out += len(later)
            self._report.versions -= len(later)
        if waiting:
            waiting.sort(key=lambda version: version.number)
            await registering.enqueue(self._ctx, waiting, Urgency.BULK)
            self._report.to_embed += len(waiting)

    async def _activate(
        self, place: _Place, active: DocumentVersion, activations: Sequence[ActivationRecord]
    ) -> None:
        rows = [
            {
                "tenant_id": self._ctx.tenant_id,
                "id": uuid7(),
                "document_id": place.id,
                "version_id": self._version_of(place, each),
                "active_from": each.active_from,
                "active_until": each.active_until,
            }
            for each in activations
        ]
        latest = [row for row in rows if row["active_until"] is None]
        if [row["version_id"] for row in latest] != [active.id]:
            raise DamagedExportError(
                "The export cannot be read: it does not say since when a version answers."
            )
        await repository.activate(self._ctx.session, place.id, active.id)
        await repository.add(self._ctx.session, DocumentActivation, rows)

    def _version_of(self, place: _Place, activation: ActivationRecord) -> uuid.UUID:
        until = activation.active_until
        if activation.version not in place.versions or (
            until is not None and until < activation.active_from
        ):
            raise DamagedExportError("The export cannot be read: its history is not possible.")
        return place.versions[activation.version].id

    def _skip(self, size: int) -> None:
        """Go past an original, which is in the store by now."""
        for _ in self._reader.original(size):
            pass

    async def _next(self) -> Record:
        return await anyio.to_thread.run_sync(self._reader.record)


def _filename(name: str) -> str:
    try:
        return names.safe_filename(name)
    except InvalidFilenameError:
        raise DamagedExportError("The export cannot be read: a file has no name.") from None


def _unexpected(record: Record) -> DamagedExportError:
    return DamagedExportError(f"The export cannot be read: `{record.kind}` in the wrong place.")
