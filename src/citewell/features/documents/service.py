"""Reading and changing documents, and downloading their originals."""

import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from citewell.access.policy import AccessLevel, DocumentFacts, Verb
from citewell.core.blobs.encryption import DamagedFileError
from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.errors import ForbiddenError, InvalidInputError
from citewell.core.platform import Platform
from citewell.engine.parsing.cleaning import clean_line
from citewell.features.collections import service as collections
from citewell.features.documents import counting, repository
from citewell.features.documents.errors import (
    DocumentAmbiguousError,
    DocumentNotFoundError,
    FileMissingError,
    VersionNotFoundError,
)
from citewell.features.documents.schemas import (
    ContentRead,
    DocumentQuery,
    DocumentState,
    DocumentUpdate,
    FolderRead,
    VersionProgress,
    shown_source,
)
from citewell.indexes.contract import index_of
from citewell.indexes.events import AccessChanged
from citewell.kit.pagination import Page, PageRequest
from citewell.models.documents import Document, DocumentVersion

INGEST_JOB = "ingestion.process"
"""Name of the job that makes a version ready; `ingestion` does it."""

MOST_NAMED = 3
"""Documents that the refusal of a name lists; `documents list --search` has them all."""

MAX_CONTENT_STRETCH = 1_000_000
"""Most characters in one reply with content, some 400 pages."""


def parse_access_level(name: str) -> AccessLevel:
    """The level of that name.

    Raises:
        InvalidInputError: There is no such level.
    """
    try:
        return AccessLevel[name.upper()]
    except KeyError:
        names = ", ".join(level.name.lower() for level in AccessLevel)
        raise InvalidInputError(f"`{name}` is not an access level; use one of {names}.") from None


def facts_of(document: Document) -> DocumentFacts:
    """The facts of a document that the access policy decides on."""
    return DocumentFacts(
        document.id, document.collection_id, document.access_level, document.created_by
    )


async def resolve(ctx: Context, document_id: uuid.UUID, verb: Verb) -> Document:
    """The document, locked, if the verb is allowed; every access to a single document goes here.

    Raises:
        DocumentNotFoundError: There is none, or not for this caller.
        ForbiddenError: The caller may read it, but not do this.
    """
    access = await ctx.access()
    # Locked as it is read: the access that is decided on here cannot change before the act.
    document = await repository.lock(ctx.session, document_id, access)
    if document is None:
        raise DocumentNotFoundError(document_id)
    if not access.allows(verb, facts_of(document)):
        raise ForbiddenError("You may read this document, but not change it.")
    return document


async def get(ctx: Context, document_id: uuid.UUID) -> DocumentState:
    """A document.

    Raises:
        DocumentNotFoundError: There is none, or not for this caller.
    """
    found = await repository.state(ctx.session, document_id, await ctx.access())
    if found is None:
        raise DocumentNotFoundError(document_id)
    return found


async def id_of(ctx: Context, wanted: str, collection: str | None = None) -> uuid.UUID:
    """The id of the document that is meant: by id or part of it, by title or file name.

    Whether a whole id is there and may be read is left to what is done with it.

    Args:
        ctx: The unit of work.
        wanted: Id, its beginning or end (8 characters at least), title or file name.
        collection: Name of the collection that it is in; None: in any.

    Raises:
        DocumentNotFoundError: Nothing that the caller may read fits; names a few whose title or
            file name holds what was given.
        DocumentAmbiguousError: Several documents fit.
        CollectionNotFoundError: There is no such collection, or not for this caller.
    """
    with suppress(ValueError):
        return uuid.UUID(wanted)
    collection_id = (await collections.find(ctx, collection)).id if collection else None
    access = await ctx.access()
    part = wanted.strip()
    found = await repository.named_ones(ctx.session, access, part, collection_id)
    if part and not found:
        asked = DocumentQuery(collection_id, search=part)
        holding = await repository.page(ctx.session, access, asked, PageRequest(1, MOST_NAMED))
        titles = [each.document.title for each in holding.items]
        raise DocumentNotFoundError(wanted, titles)
    return await only_one(ctx, wanted, found)


async def only_one(ctx: Context, wanted: str, found: Sequence[Document]) -> uuid.UUID:
    """The id of the document that was found, if it is one.

    Raises:
        DocumentNotFoundError: None was found.
        DocumentAmbiguousError: Several were found, with the names of their collections.
    """
    if not found:
        raise DocumentNotFoundError(wanted)
    if len(found) == 1:
        return found[0].id
    access = await ctx.access()
    names = await collections.names_of(ctx, {each.collection_id for each in found})
    rows: list[tuple[str, str, str, str]] = []
    for document in found:
        # Those who may not change a document are not told where it came from.
        may_write = access.allows(Verb.WRITE, facts_of(document))
        source = (shown_source(document) if may_write else None) or document.filename
        collection = names.get(document.collection_id, "")
        rows.append((str(document.id), document.title, collection, source))
    raise DocumentAmbiguousError(wanted, rows)


async def readable(ctx: Context, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, DocumentState]:
    """Those of the documents that the caller may read, by id."""
    if not ids:
        return {}
    found = await repository.states(ctx.session, ids, await ctx.access())
    return {state.document.id: state for state in found}


async def page(
    ctx: Context, request: PageRequest, asked: DocumentQuery | None = None
) -> Page[DocumentState]:
    """Documents of the caller, newest first; all of them unless some are asked for."""
    return await repository.page(ctx.session, await ctx.access(), asked or DocumentQuery(), request)


async def folders(ctx: Context, request: PageRequest, asked: DocumentQuery) -> Page[FolderRead]:
    """Folders right below the asked one that hold documents of the caller, by name."""
    found = await repository.folders(ctx.session, await ctx.access(), asked, request)
    above = f"{asked.folder}/" if asked.folder else ""
    items = [
        FolderRead(name=name, path=f"{above}{name}", documents=count) for name, count in found.items
    ]
    return Page(items, request, found.total)


async def progress(ctx: Context, version_ids: Sequence[uuid.UUID]) -> list[VersionProgress]:
    """State and progress of versions, each with its latest job; removed ones are left out."""
    return await repository.progress(ctx.session, version_ids)


async def readable_version(
    ctx: Context, document_id: uuid.UUID, number: int | None
) -> tuple[DocumentState, DocumentVersion]:
    """A version of a document; without a number the one that answers.

    Raises:
        DocumentNotFoundError: There is no such document, or not for this caller.
        VersionNotFoundError: There is no such version, or none is ready.
    """
    state = await get(ctx, document_id)
    if number is None:
        if state.active is None:
            raise VersionNotFoundError(
                f"The document is {state.newest.status}; it has no text to read yet."
            )
        return state, state.active
    version = await repository.version_by_number(ctx.session, document_id, number)
    if version is None:
        raise VersionNotFoundError(f"The document has no version {number}.")
    return state, version


async def content(
    ctx: Context,
    document_id: uuid.UUID,
    *,
    number: int | None = None,
    start: int = 0,
    end: int | None = None,
) -> ContentRead:
    """A stretch of the extracted text, at most `MAX_CONTENT_STRETCH` characters.

    Raises:
        VersionNotFoundError: There is no such version, or it has no text.
        InvalidInputError: The stretch is not within the text.
    """
    _, version = await readable_version(ctx, document_id, number)
    if version.char_count is None:
        raise VersionNotFoundError(f"Version {version.number} has no text: it is {version.status}.")
    total = version.char_count
    end = total if end is None else min(end, total)
    if not 0 <= start <= end:
        raise InvalidInputError(f"`start` and `end` must be within 0..{total}, start first.")
    end = min(end, start + MAX_CONTENT_STRETCH)
    segments = await repository.text_segments(ctx.session, version.id, start, end)
    # Segments are stored back to back, so offsets into the whole text count from the first one.
    joined = "".join(segment.text for segment in segments)
    offset = segments[0].start_offset if segments else start
    return ContentRead(
        document_id=document_id,
        version=version.number,
        start=start,
        end=end,
        total=total,
        text=joined[start - offset : end - offset],
    )


@dataclass(frozen=True, slots=True)
class OriginalFile:
    """The file as it was handed in."""

    path: Path
    filename: str
    mime_type: str


@asynccontextmanager
async def original_file(
    platform: Platform, caller: Caller, document_id: uuid.UUID, number: int | None = None
) -> AsyncGenerator[OriginalFile, None]:
    """The original of a version (without a number: the newest), readable inside the block.

    Raises:
        DocumentNotFoundError: There is no such document, or not for this caller.
        VersionNotFoundError: There is no such version.
        FileMissingError: The store has lost it, or what it has is damaged.
    """
    async with unit_of_work(platform, caller) as ctx:
        state = await get(ctx, document_id)
        version = state.newest
        if number is not None:
            _, version = await readable_version(ctx, document_id, number)
        blob = await repository.blob_of(ctx.session, version)
        filename = state.document.filename
    try:
        async with platform.blobs.local_file(caller.tenant_id, blob.sha256) as path:
            yield OriginalFile(path, filename, version.mime_type or "application/octet-stream")
    except (FileNotFoundError, DamagedFileError):
        raise FileMissingError(filename, version.number) from None


async def update(ctx: Context, document_id: uuid.UUID, data: DocumentUpdate) -> DocumentState:
    """Change title, metadata or access; the text is not embedded again.

    Raises:
        DocumentNotFoundError: There is none, or not for this caller.
    """
    document = await resolve(ctx, document_id, Verb.WRITE)
    if data.title is not None:
        document.title = clean_line(data.title)
    if data.metadata is not None:
        document.metadata_ = dict(data.metadata)
    await counting.note_changes(ctx, document)
    if data.access_level is not None:
        await change_access(ctx, document, parse_access_level(data.access_level))
    await ctx.session.flush()
    return await get(ctx, document_id)


async def change_access(ctx: Context, document: Document, level: AccessLevel) -> None:
    """Set a document's access level, on its chunks too; nothing is embedded again.

    Raises:
        ForbiddenError: The caller's role does not reach the new level or the present one: someone
            to whom a document was merely granted must not open it to others.
    """
    await require_level(ctx, AccessLevel(document.access_level))
    await require_level(ctx, level)
    before = document.access_level
    await _set_level(ctx, document, level)
    for attached in await repository.hold_attached(ctx.session, document.id):
        # One that was closed further than its mail stays so; none stays more open than it.
        if attached.access_level == before or attached.access_level < level:
            await change_access(ctx, attached, level)


async def _set_level(ctx: Context, document: Document, level: AccessLevel) -> None:
    await counting.note_level(ctx, document, level)
    document.access_level = int(level)
    changed = AccessChanged(document.id, document.collection_id, document.access_level)
    await index_of(ctx.platform).writer.apply(ctx, changed)


async def taken_from(
    ctx: Context, collection_id: uuid.UUID, beginnings: Sequence[str]
) -> list[Document]:
    """Documents of a collection that the caller reads, whose sources begin so."""
    return await repository.taken_from(ctx.session, await ctx.access(), collection_id, beginnings)


async def attached(
    ctx: Context, document_ids: Sequence[uuid.UUID]
) -> list[tuple[Document, DocumentVersion]]:
    """Documents that were attached to the given ones, each with its newest version."""
    if not document_ids:
        return []
    return await repository.attached_versions(ctx.session, document_ids, await ctx.access())


async def hold_attached(ctx: Context, document_id: uuid.UUID) -> list[DocumentFacts]:
    """Documents attached to a locked one, locked too: what happens to it happens to them."""
    return [facts_of(each) for each in await repository.hold_attached(ctx.session, document_id)]


async def require_level(ctx: Context, level: AccessLevel) -> None:
    """Refuse a level that the caller's own role does not read."""
    if level > (await ctx.access()).read.max_level:
        raise ForbiddenError(f"Your role does not reach the access level {level.name.lower()}.")
