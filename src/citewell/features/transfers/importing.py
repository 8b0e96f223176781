"""A sealed file becomes a collection: originals first, then all the rest, unseen until the end."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import anyio.to_thread

from citewell.access.policy import AccessLevel, Effect
from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.errors import AppError
from citewell.core.platform import Platform
from citewell.engine.chunking.registry import STRATEGIES
from citewell.features.collections.errors import CollectionExistsError
from citewell.features.documents import names
from citewell.features.documents.errors import InvalidFilenameError
from citewell.features.transfers import repository, showing
from citewell.features.transfers.errors import DamagedExportError, UnknownDenialError
from citewell.features.transfers.exporting import require_mover
from citewell.features.transfers.framing import ByteSource, FrameReader
from citewell.features.transfers.intake import Intake
from citewell.features.transfers.pace import ImportPace
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
from citewell.features.transfers.showing import Filled
from citewell.features.transfers.stock import Stock
from citewell.features.transfers.version_rows import VersionRows
from citewell.indexes.contract import Generation, index_of
from citewell.indexes.events import VersionKey
from citewell.kit.clock import utc_now
from citewell.kit.ids import uuid7
from citewell.models.documents import (
    Document,
    DocumentActivation,
    DocumentVersion,
    VersionStatus,
)
from citewell.models.grants import CollectionGrant, DocumentGrant
from citewell.models.trash import IMPORTING, unseen_name


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

    Originals first, then everything that refers to them, both in many short transactions: into a
    collection that nobody sees, and documents that are in the trash. The last transaction lets all
    of it be there at once. What a killed import leaves, upkeep removes.
    """
    stock = Stock(platform, caller)
    filled = Filled(ImportReport(collection_id=uuid7(), name=""))
    try:
        await stock.take_in(FrameReader(await anyio.to_thread.run_sync(opened)))
        reader = FrameReader(await anyio.to_thread.run_sync(opened))
        async with Intake(platform, caller, reader) as intake:
            await _Import(intake, stock.originals, filled, restrict=restrict).run(name)
        await showing.show(platform, caller, filled, stock)
    except SealedStreamError as error:
        await showing.abandon(platform, caller, filled, stock)
        raise DamagedExportError(str(error)) from None
    except (AppError, OSError):
        await showing.abandon(platform, caller, filled, stock)
        raise
    await index_of(platform).maintenance.fold_statistics(caller.tenant_id)
    return filled.report


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
    waiting: list[DocumentVersion] = field(default_factory=list[DocumentVersion])
    """Those that are to be ingested."""


class _Import:
    """One import; holds the parts of one version at a time, and the hashes of all originals."""

    def __init__(
        self,
        intake: Intake,
        blobs: Mapping[bytes, tuple[uuid.UUID, int]],
        filled: Filled,
        *,
        restrict: bool,
    ) -> None:
        self._intake = intake
        self._filled = filled
        self._report = filled.report
        self._restrict = restrict
        self._blobs = blobs
        self._denied: set[str] = set()
        self._unknown: set[str] = set()
        self._users: dict[str, uuid.UUID] = {}
        self._groups: dict[str, uuid.UUID] = {}
        self._generation: Generation | None = None
        self._is_restricted = False

    @property
    def _ctx(self) -> Context:
        return self._intake.ctx

    async def run(self, name: str | None) -> None:
        """Fill the collection in.

        Raises:
            DamagedExportError: The export cannot be.
            CollectionExistsError: The name is taken.
            UnknownDenialError: It denies something to somebody unknown.
        """
        header = await self._intake.next()
        if not isinstance(header, CollectionRecord):
            raise _unexpected(header)
        session, report = self._ctx.session, self._report
        require_mover(self._ctx)
        self._users = {email: key for key, email in (await repository.emails(session)).items()}
        self._groups = {
            group.casefold(): key for key, group in (await repository.group_names(session)).items()
        }
        await self._begin(header, name or header.name)
        while not isinstance(record := await self._intake.next(), EndOfCollection):
            if not isinstance(record, DocumentRecord):
                raise _unexpected(record)
            await self._document(record)
        if record.documents != report.documents or not self._intake.is_at_end():
            raise DamagedExportError("The export cannot be read: it is not whole.")
        if self._denied and not self._restrict:
            raise UnknownDenialError(sorted(self._denied))
        report.unknown = sorted(self._unknown | self._denied)

    async def _begin(self, header: CollectionRecord, name: str) -> None:
        if header.format != FORMAT:
            raise DamagedExportError("The export is of another version of Citewell.")
        if header.chunk_strategy not in STRATEGIES or header.chunk_overlap > header.chunk_size // 2:
            raise DamagedExportError("The export cannot be read: its chunking is not known here.")
        ctx, spec = self._ctx, self._ctx.platform.embedder.spec
        generation = await index_of(ctx.platform).generations.ensure(ctx, spec)
        theirs = header.embedding
        if theirs is not None and (
            theirs.name,
            theirs.dimensions,
            theirs.analysis,
        ) == (generation.embedding, generation.dimensions, generation.analysis):
            self._generation = generation
        if await repository.has_collection(ctx.session, name):
            raise CollectionExistsError(name)  # asked again at the end
        self._report.name = name
        values = {
            "tenant_id": ctx.tenant_id,
            "name": unseen_name(),
            "description": header.description,
            "visibility": header.visibility.value,
            "chunk_strategy": header.chunk_strategy,
            "chunk_size": header.chunk_size,
            "chunk_overlap": header.chunk_overlap,
            "created_by": ctx.actor.user_id,
        }
        lease = ctx.platform.state_of(ImportPace).lease_seconds
        # Its own id where that is free, so that links go on; a killed import may still have it.
        for collection_id in (header.id, self._report.collection_id):
            named = {**values, "id": collection_id}
            if await repository.add_collection(ctx.session, named, lease):
                self._report.collection_id = self._intake.collection_id = collection_id
                self._filled.is_begun = True
                break
        self._is_restricted = await self._rules(
            header.rules, CollectionGrant, "collection_id", self._report.collection_id
        )

    async def _rules(
        self,
        rules: Sequence[RuleRecord],
        table: repository.GrantTable,
        column: str,
        object_id: uuid.UUID,
    ) -> bool:
        """Make the rules of an object; whether somebody unknown is denied it."""
        # By subject: the database takes one rule for each, and the last of the file counts.
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
        place = _Place(record, record.id, AccessLevel(record.access_level))
        if await repository.taken(self._ctx.session, Document, [record.id]):
            place.id = uuid7()
            self._report.new_ids += 1
        unknown = any(
            rule.effect is Effect.DENY and not self._is_known(rule) for rule in record.rules
        )
        # A denial that cannot be made here must not open anything: the document is restricted
        # instead, every one if the collection was denied.
        if (unknown or self._is_restricted) and place.level is not AccessLevel.RESTRICTED:
            place.level = AccessLevel.RESTRICTED
            self._report.restricted += 1
        await self._add_document(place)
        await self._rules(record.rules, DocumentGrant, "document_id", place.id)
        while not isinstance(part := await self._intake.next(), EndOfDocument):
            if not isinstance(part, VersionRecord):
                raise _unexpected(part)
            await self._version(place, part)
        if not place.versions:
            raise DamagedExportError(f"The export cannot be read: `{record.title}` has no version.")
        await self._finish(place, part.activations)
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
            "collection_id": self._report.collection_id,
            "deleted_at": IMPORTING,
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
        part = await self._intake.next()
        sha256 = bytes.fromhex(record.sha256)
        if isinstance(part, OriginalRecord):
            # The bytes are in the store by now (`stock`); the frame only marks where they were.
            if part.sha256 != record.sha256:
                raise _unexpected(part)
            part = await self._intake.next()
        if sha256 not in self._blobs:
            raise DamagedExportError("The export cannot be read: an original is not in it.")
        blob_id, size = self._blobs[sha256]
        if size != record.size_bytes:
            raise DamagedExportError("The export cannot be read: an original is not whole.")
        version = await self._add_version(place, record, blob_id)
        # `_add_version` gives it another status if it has to be ingested again.
        taken_over = version.status == record.status and record.is_complete
        key = VersionKey(place.id, version.id, self._report.collection_id, int(place.level))
        rows = VersionRows(key, self._generation, record, place.record.title)
        while not isinstance(part, EndOfVersion):
            if not record.is_complete or not isinstance(part, TextRecord | ChunksRecord):
                raise _unexpected(part)
            if taken_over:
                await rows.take(self._ctx, part)
            part = await self._intake.next()
        if taken_over:
            await rows.finish(self._ctx)
            self._report.chunks += rows.chunks
            self._report.new_ids += rows.new_ids
            if record.status is VersionStatus.READY:
                self._filled.answering.append((key, rows.chunks))
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
            values |= {"warnings": []}
            # Queued at the end: until then nobody works on it.
            values |= {"mime_type": None, "status": VersionStatus.CANCELLED}
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
        if not is_kept:
            place.waiting.append(version)
        return version

    async def _finish(self, place: _Place, activations: Sequence[ActivationRecord]) -> None:
        """Which version is to answer, and when which did; or which are to be ingested."""
        waiting = place.waiting
        active_id = place.record.active_version
        active = None if active_id is None else place.versions.get(active_id)
        if active_id is not None and active is None:
            raise DamagedExportError("The export cannot be read: a version is not in it.")
        if active is not None and active.status == VersionStatus.READY:
            await self._activate(place, active, activations)
        if active is not None and active in waiting:
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
            self._filled.waiting += sorted(waiting, key=lambda version: version.number)
            self._report.to_embed += len(waiting)

    async def _activate(
        self, place: _Place, active: DocumentVersion, activations: Sequence[ActivationRecord]
    ) -> None:
        # The sender's clock may be ahead; nothing began to answer in the future.
        now = utc_now()
        rows = [
            {
                "tenant_id": self._ctx.tenant_id,
                "id": uuid7(),
                "document_id": place.id,
                "version_id": self._version_of(place, each),
                "active_from": min(each.active_from, now),
                "active_until": each.active_until and min(each.active_until, now),
            }
            for each in activations
        ]
        latest = [row for row in rows if row["active_until"] is None]
        if [row["version_id"] for row in latest] != [active.id]:
            raise DamagedExportError(
                "The export cannot be read: it does not say since when a version answers."
            )
        await repository.let_answer_later(self._ctx.session, place.id, active.id)
        await repository.add(self._ctx.session, DocumentActivation, rows)

    def _version_of(self, place: _Place, activation: ActivationRecord) -> uuid.UUID:
        until = activation.active_until
        if activation.version not in place.versions or (
            until is not None and until < activation.active_from
        ):
            raise DamagedExportError("The export cannot be read: its history is not possible.")
        return place.versions[activation.version].id


def _filename(name: str) -> str:
    try:
        return names.safe_filename(name)
    except InvalidFilenameError:
        raise DamagedExportError("The export cannot be read: a file has no name.") from None


def _unexpected(record: Record) -> DamagedExportError:
    return DamagedExportError(f"The export cannot be read: `{record.kind}` in the wrong place.")
