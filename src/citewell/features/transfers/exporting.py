"""A collection as one sealed file: its records of one moment, then sent as fast as it is read."""

import base64
import uuid
from collections.abc import AsyncGenerator

import anyio

from citewell.access.policy import AccessLevel, Role, Scope, Verb, Visibility
from citewell.core.blobs.encryption import DamagedFileError
from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.errors import ForbiddenError
from citewell.core.platform import Platform
from citewell.features.audit import service as audit
from citewell.features.collections import service as collections
from citewell.features.transfers import repository
from citewell.features.transfers.errors import ExportChangedError, PassphraseError
from citewell.features.transfers.framing import PIECE, byte_frame, record_frame
from citewell.features.transfers.schemas import (
    FORMAT,
    ActivationRecord,
    ChunkRecord,
    ChunksRecord,
    CollectionRecord,
    DocumentRecord,
    EmbeddingRecord,
    EndOfCollection,
    EndOfDocument,
    EndOfVersion,
    OriginalRecord,
    RuleRecord,
    TextRecord,
    VersionRecord,
)
from citewell.features.transfers.sealing import Sealer, new_header, stream_key
from citewell.features.transfers.spool import Original, Spool
from citewell.indexes.contract import Generation, index_of
from citewell.indexes.events import ChunkRow
from citewell.kit.clock import utc_now
from citewell.models.documents import Collection, Document, DocumentVersion
from citewell.models.grants import CollectionGrant, DocumentGrant

# An export leaves the installation: it can be tried for ever, without anybody noticing.
SHORTEST_PASSPHRASE = 12
"""Characters; with 64 MiB and a quarter of a second a guess."""

# Rows read by one statement: bounds the memory whatever a collection holds.
DOCUMENTS_AT_ONCE = 50
TEXTS_AT_ONCE = 50
CHUNKS_AT_ONCE = 50


def require_mover(ctx: Context) -> None:
    """Check that the caller may move whole collections out of the tenant or into it.

    Raises:
        ForbiddenError: They are no administrators with the role director.
    """
    ctx.actor.require(Scope.ADMIN)
    ctx.actor.require_role(Role.DIRECTOR)


def check_passphrase(passphrase: str) -> str:
    """Return the passphrase itself.

    Raises:
        PassphraseError: It is too short.
    """
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise PassphraseError(f"The passphrase needs at least {SHORTEST_PASSPHRASE} characters.")
    return passphrase


async def export(
    platform: Platform, caller: Caller, collection_id: uuid.UUID, passphrase: str
) -> AsyncGenerator[bytes, None]:
    """A snapshot of the collection, in sealed pieces; documents in the trash are left out.

    All records are read first, into a file, in one transaction: no connection is held while
    originals are fetched or the client reads.

    Raises:
        PassphraseError: It is too short.
        CollectionNotFoundError: There is none, or not for this caller.
        ForbiddenError: The caller is no administrator, or some of it is not theirs to read.
        ExportChangedError: An original is missing.
        BusyError: Too many keys are made at the moment.
        OSError: The disk is full.
    """
    check_passphrase(passphrase)
    # Recorded before the first byte: a download that is broken off has given away most of it, too.
    async with unit_of_work(platform, caller) as ctx:
        await _checked(ctx, collection_id)
        await audit.record(
            ctx, "collection.exported", object_kind="collection", object_id=collection_id
        )
    header = new_header()
    key = await platform.compute.run(caller.tenant_id, stream_key, passphrase, header.hex())
    with platform.blobs.scratch() as file:
        spool = Spool(file)
        async with unit_of_work(platform, caller, is_snapshot=True) as ctx:
            collection = await _checked(ctx, collection_id)
            await spool.write(_Export(ctx, collection).frames())
        sealer = Sealer(header, key)
        yield sealer.header()
        async for frame in _with_originals(platform, caller, spool):
            if sealed := sealer.seal(frame):
                yield sealed
        yield sealer.finish()


async def _with_originals(
    platform: Platform, caller: Caller, spool: Spool
) -> AsyncGenerator[bytes, None]:
    async for part in spool.read():
        if isinstance(part, bytes):
            yield part
            continue
        try:
            async with platform.blobs.local_file(caller.tenant_id, part.sha256) as path:
                size = (await anyio.Path(path).stat()).st_size
                yield record_frame(OriginalRecord(sha256=part.sha256.hex(), size_bytes=size))
                async with await anyio.open_file(path, "rb") as reader:
                    while piece := await reader.read(PIECE):
                        yield byte_frame(piece)
        except (FileNotFoundError, DamagedFileError):
            raise ExportChangedError(part.filename) from None


async def _checked(ctx: Context, collection_id: uuid.UUID) -> Collection:
    collection = await collections.get(ctx, collection_id)
    # After the look-up: a collection that is not there for the caller is told so, whatever their
    # rights.
    require_mover(ctx)
    access = await ctx.access()
    there, readable = await repository.count_documents(
        ctx.session, collection_id, access.reaches[Verb.READ]
    )
    if readable < there:
        raise ForbiddenError(
            "Some documents of this collection are denied to you, so you cannot export it."
        )
    return collection


class _Export:
    """The frames of one collection; holds a page of one document's parts at a time."""

    def __init__(self, ctx: Context, collection: Collection) -> None:
        self._ctx = ctx
        self._collection = collection
        self._written: set[bytes] = set()
        self._documents = self._chunks = 0
        self._emails: dict[uuid.UUID, str] = {}
        self._groups: dict[uuid.UUID, str] = {}
        self._generation: Generation | None = None

    async def frames(self) -> AsyncGenerator[bytes | Original, None]:
        """All of them, in order."""
        session = self._ctx.session
        self._emails = await repository.emails(session)
        self._groups = await repository.group_names(session)
        self._generation = await index_of(self._ctx.platform).generations.live(self._ctx)
        yield record_frame(await self._header())
        after = uuid.UUID(int=0)
        while True:
            found = await repository.documents(
                session, self._collection.id, after, DOCUMENTS_AT_ONCE
            )
            rules = await self._rules(DocumentGrant, [document.id for document in found])
            for document in found:
                async for frame in self._document(document, rules.get(document.id, [])):
                    yield frame
            # The session would keep every row of the collection to the end.
            session.expunge_all()
            if len(found) < DOCUMENTS_AT_ONCE:
                break
            after = found[-1].id
        yield record_frame(EndOfCollection(documents=self._documents, chunks=self._chunks))

    async def _header(self) -> CollectionRecord:
        collection, generation = self._collection, self._generation
        embedding = None
        if generation is not None:
            embedding = EmbeddingRecord(
                name=generation.embedding,
                dimensions=generation.dimensions,
                analysis=generation.analysis,
            )
        rules = await self._rules(CollectionGrant, [collection.id])
        return CollectionRecord(
            format=FORMAT,
            exported_at=utc_now(),
            id=collection.id,
            name=collection.name,
            description=collection.description,
            visibility=Visibility(collection.visibility),
            chunk_strategy=collection.chunk_strategy,
            chunk_size=collection.chunk_size,
            chunk_overlap=collection.chunk_overlap,
            embedding=embedding,
            rules=rules.get(collection.id, []),
        )

    async def _rules(
        self, table: repository.GrantTable, ids: list[uuid.UUID]
    ) -> dict[uuid.UUID, list[RuleRecord]]:
        found: dict[uuid.UUID, list[RuleRecord]] = {}
        for object_id, user, group, effect in await repository.rules(self._ctx.session, table, ids):
            rule = RuleRecord.model_validate(
                {
                    "user": None if user is None else self._emails[user],
                    "group": None if group is None else self._groups[group],
                    "effect": effect,
                }
            )
            found.setdefault(object_id, []).append(rule)
        return found

    async def _document(
        self, document: Document, rules: list[RuleRecord]
    ) -> AsyncGenerator[bytes | Original, None]:
        self._documents += 1
        session = self._ctx.session
        yield record_frame(
            DocumentRecord(
                id=document.id,
                title=document.title,
                source=document.source,
                filename=document.filename,
                access_level=AccessLevel(document.access_level),
                metadata=document.metadata_,  # pyright: ignore[reportArgumentType] - checked
                created_at=document.created_at,
                updated_at=document.updated_at,
                created_by=self._named(document.created_by),
                active_version=document.active_version_id,
                rules=rules,
            )
        )
        for version, sha256 in await repository.versions(session, document.id):
            async for frame in self._version(document, version, sha256):
                yield frame
        activations = [
            ActivationRecord(
                version=each.version_id,
                active_from=each.active_from,
                active_until=each.active_until,
            )
            for each in await repository.activations(session, document.id)
        ]
        yield record_frame(EndOfDocument(activations=activations))

    async def _version(
        self, document: Document, version: DocumentVersion, sha256: bytes
    ) -> AsyncGenerator[bytes | Original, None]:
        record = VersionRecord.model_validate(
            {
                **{
                    name: getattr(version, name)
                    for name in VersionRecord.model_fields
                    if name not in ("kind", "sha256", "created_by", "chunking")
                },
                "sha256": sha256.hex(),
                "created_by": self._named(version.created_by),
                "chunking": await self._chunking(version.id),
            }
        )
        yield record_frame(record)
        # Once, however many versions have it.
        if sha256 not in self._written:
            self._written.add(sha256)
            yield Original(sha256, document.filename)
        if record.is_complete:
            async for frame in self._texts(version.id):
                yield frame
            async for frame in self._rows(version):
                yield frame
        yield record_frame(EndOfVersion())

    async def _texts(self, version_id: uuid.UUID) -> AsyncGenerator[bytes, None]:
        after = -1
        while True:
            found = await repository.texts(self._ctx.session, version_id, after, TEXTS_AT_ONCE)
            for start, text in found:
                yield record_frame(TextRecord(start=start, text=text))
            if len(found) < TEXTS_AT_ONCE:
                return
            after = found[-1][0]

    async def _rows(self, version: DocumentVersion) -> AsyncGenerator[bytes, None]:
        if self._generation is None:
            return
        first = 0
        while True:
            rows = await index_of(self._ctx.platform).generations.chunks(
                self._ctx,
                version.id,
                self._generation.id,
                first=first,
                limit=CHUNKS_AT_ONCE,
            )
            if rows:
                yield record_frame(ChunksRecord(rows=[_chunk(row) for row in rows]))
                self._chunks += len(rows)
                first = rows[-1].ordinal + 1
            if len(rows) < CHUNKS_AT_ONCE:
                return

    async def _chunking(self, version_id: uuid.UUID) -> str | None:
        if self._generation is None:
            return None
        complete = await index_of(self._ctx.platform).generations.complete(
            self._ctx, self._generation.id, [version_id]
        )
        return complete[0].chunking if complete else None

    def _named(self, user_id: uuid.UUID | None) -> str | None:
        return None if user_id is None else self._emails.get(user_id)


def _chunk(row: ChunkRow) -> ChunkRecord:
    assert row.id is not None
    return ChunkRecord(
        id=row.id,
        ordinal=row.ordinal,
        page=row.page,
        page_breaks=list(row.page_breaks),
        start=row.start,
        end=row.end,
        language=row.language,
        content_hash=row.content_hash.hex(),
        heading=list(row.heading),
        context=row.context,
        text=row.text,
        vector=base64.b64encode(row.embedding.astype("<f2").tobytes()).decode(),
        terms=row.terms,
    )
