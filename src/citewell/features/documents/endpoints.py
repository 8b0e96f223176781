"""Routes of documents."""

import hashlib
import json
import re
import uuid
from collections.abc import AsyncIterator, Sequence
from io import BytesIO
from typing import Annotated
from urllib.parse import quote

import anyio
from fastapi import Depends, File, Form, Query, Response, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import JsonValue, TypeAdapter, ValidationError

from citewell.access.policy import Verb
from citewell.core.context import Caller, unit_of_work
from citewell.core.errors import InvalidInputError
from citewell.core.platform import Platform
from citewell.features.collections import service as collections
from citewell.features.documents import recognition, registering, service
from citewell.features.documents.names import (
    GIVEN,
    UPLOADED,
    checked_filename,
    folders_within,
    text_name,
)
from citewell.features.documents.schemas import (
    AcceptedDocuments,
    ContentRead,
    DocumentCreate,
    DocumentQuery,
    DocumentRead,
    DocumentReplace,
    DocumentUpdate,
    FolderPath,
    FolderRead,
    GivenSource,
    Metadata,
    NewFile,
    OnDuplicate,
    ShortText,
    Suffix,
)
from citewell.features.http import (
    LIBRARY,
    TAKES_FILES,
    TAKES_TEXT,
    KeyDep,
    Listing,
    PageDep,
    PlatformDep,
    ReaderDep,
    Router,
    WriterDep,
    governed,
    known_fields,
    listing,
    no_form,
)
from citewell.models.documents import VersionStatus

router = Router(policy=LIBRARY, prefix="/documents", tags=["documents"])

COPY_SIZE = 1024 * 1024
MAX_INTEGER = 2**31 - 1
"""Largest value of the database's integer columns; a larger one would be an error in a query."""

VersionNumber = Annotated[int, Query(ge=1, le=MAX_INTEGER)]
UPLOAD_FIELDS = {"files", "collection_id", "access_level", "metadata", "on_duplicate", "source"}
REPLACEMENT_FIELDS = {"file", "metadata"}
_SOURCE = TypeAdapter[str](GivenSource)
_METADATA = TypeAdapter[dict[str, JsonValue]](Metadata)
OnDuplicateField = Annotated[
    OnDuplicate, Form(description="How to treat a file whose name is known already.")
]


@router.post(
    "",
    status_code=202,
    dependencies=[Depends(no_form("`POST /api/v1/documents/upload` takes files."))],
)
@governed(TAKES_TEXT)
async def create_document(
    platform: PlatformDep, caller: WriterDep, key: KeyDep, data: DocumentCreate, reply: Response
) -> AcceptedDocuments:
    """Take in a document sent as text; the same text again is the same document."""
    await _require_collection(platform, caller, data.collection_id)
    # JSON can carry half a surrogate pair, which UTF-8 cannot.
    raw = data.content.encode("utf-8", "replace")
    digest = hashlib.sha256(data.title.encode("utf-8", "replace") + b"\0" + raw).hexdigest()
    new = NewFile(
        path=BytesIO(raw),
        # 200 characters, so that the name with its suffix fits a file system; a title may hold a
        # slash, a name not.
        filename=f"{data.title[:200].replace('/', ' ')}.md",
        # The title is part of the source: the same text under two titles is two documents.
        source=f"{GIVEN}{data.source}" if data.source else f"text:{digest}",
        title=data.title,
        collection_id=data.collection_id,
        access_level=service.parse_access_level(data.access_level) if data.access_level else None,
        metadata=data.metadata if "metadata" in data.model_fields_set else None,
        on_duplicate=data.on_duplicate,
    )
    asked = data.model_dump(mode="json", exclude={"content"}, exclude_unset=True)
    return await _accepted(platform, caller, [new], _once(key, "POST /documents", asked), reply)


@router.post("/upload", status_code=202, dependencies=[Depends(known_fields(UPLOAD_FIELDS))])
@governed(TAKES_FILES)
async def upload_documents(
    platform: PlatformDep,
    caller: WriterDep,
    key: KeyDep,
    reply: Response,
    files: Annotated[list[UploadFile], File(description="One or many files.")],
    collection_id: Annotated[uuid.UUID | None, Form()] = None,
    access_level: Annotated[str | None, Form()] = None,
    metadata: Annotated[
        str | None, Form(description="A JSON object; known documents keep theirs without it.")
    ] = None,
    on_duplicate: OnDuplicateField = OnDuplicate.VERSION,
    source: Annotated[
        str | None,
        Form(description="Name of the one file where it comes from; new content is a version."),
    ] = None,
) -> AcceptedDocuments:
    """Take in files, all of them or none; a name that is known gets a new version."""
    await _require_collection(platform, caller, collection_id)
    level = service.parse_access_level(access_level) if access_level else None
    facts = _metadata_of(metadata)
    folders = folders_within((facts or {}).get("path"))
    given = None if source is None else _given(source, len(files))
    news: list[NewFile] = []
    for file in files:
        name = _checked_name(platform, file)
        news.append(
            NewFile(
                path=file.file,
                filename=name,
                source=given or f"{UPLOADED}{name}",
                collection_id=collection_id,
                access_level=level,
                metadata=facts,
                on_duplicate=on_duplicate,
                folders=folders,
            )
        )
    filenames: JsonValue = [new.filename for new in news]
    asked: JsonValue = [str(collection_id), access_level, facts, on_duplicate, filenames]
    if given is not None:
        asked.append(given)
    once = _once(key, "POST /documents/upload", asked)
    return await _accepted(platform, caller, news, once, reply)


@router.put(
    "/{document_id}",
    status_code=202,
    dependencies=[Depends(no_form("`PUT /api/v1/documents/{document_id}/file` takes a file."))],
)
@governed(TAKES_TEXT)
async def replace_document(
    platform: PlatformDep,
    caller: WriterDep,
    key: KeyDep,
    document_id: uuid.UUID,
    data: DocumentReplace,
    reply: Response,
) -> AcceptedDocuments:
    """Give a document new content, sent as text; the content it has already changes nothing."""
    async with unit_of_work(platform, caller) as ctx:
        document = await service.resolve(ctx, document_id, Verb.WRITE)
        filename = text_name(document.filename)
    new = NewFile(
        path=BytesIO(data.content.encode("utf-8", "replace")),
        filename=filename,
        document_id=document_id,
        title=data.title,
        metadata=data.metadata,
    )
    asked = data.model_dump(mode="json", exclude={"content"}, exclude_unset=True)
    once = _once(key, f"PUT /documents/{document_id}", asked)
    return await _accepted(platform, caller, [new], once, reply)


@router.put(
    "/{document_id}/file",
    status_code=202,
    dependencies=[Depends(known_fields(REPLACEMENT_FIELDS))],
)
@governed(TAKES_FILES)
async def replace_file(
    platform: PlatformDep,
    caller: WriterDep,
    key: KeyDep,
    document_id: uuid.UUID,
    reply: Response,
    file: Annotated[UploadFile, File(description="The new content; its name is taken over.")],
    metadata: Annotated[
        str | None, Form(description="A JSON object; the document keeps its own without it.")
    ] = None,
) -> AcceptedDocuments:
    """Give a document new content, sent as a file; the content it has already changes nothing."""
    async with unit_of_work(platform, caller) as ctx:
        await service.resolve(ctx, document_id, Verb.WRITE)
    facts = _metadata_of(metadata)
    name = _checked_name(platform, file)
    new = NewFile(path=file.file, filename=name, document_id=document_id, metadata=facts)
    once = _once(key, f"PUT /documents/{document_id}/file", [name, facts])
    return await _accepted(platform, caller, [new], once, reply)


def _once(key: str | None, route: str, asked: JsonValue) -> registering.Once | None:
    return registering.Once(key, [route, asked]) if key is not None else None


async def _accepted(
    platform: Platform,
    caller: Caller,
    files: Sequence[NewFile],
    once: registering.Once | None,
    reply: Response,
) -> AcceptedDocuments:
    acceptance = await registering.accept(platform, caller, files, once)
    if acceptance.is_replay:
        reply.headers["Idempotent-Replayed"] = "true"
    # Not part of the reply that is kept: a repeated one names what may be read then.
    documents = await recognition.with_others(platform, caller, acceptance.documents)
    return AcceptedDocuments(documents=documents)


def _metadata_of(given: str | None) -> dict[str, JsonValue] | None:
    try:
        return None if given is None else _METADATA.validate_python(json.loads(given))
    # RecursionError: JSON nested thousands of levels deep.
    except (ValueError, RecursionError, ValidationError):
        raise InvalidInputError("`metadata` must be a JSON object.") from None


def _given(source: str, files: int) -> str:
    try:
        name = _SOURCE.validate_python(source.strip())
    except ValidationError:
        raise InvalidInputError("`source` must be one line of 1 to 500 characters.") from None
    if files != 1:
        raise InvalidInputError("`source` names one file; send each in a request of its own.")
    return f"{GIVEN}{name}"


def _checked_name(platform: Platform, file: UploadFile) -> str:
    return checked_filename(file.filename or "", file.size or 0, platform.settings.max_upload_bytes)


@router.get("")
async def list_documents(
    platform: PlatformDep,
    caller: ReaderDep,
    request: PageDep,
    collection_id: uuid.UUID | None = None,
    status: Annotated[VersionStatus | None, Query(description="Of the newest version.")] = None,
    search: Annotated[
        ShortText | None,
        Query(description="Part of the title or file name; without diacritics, with any."),
    ] = None,
    attached_to: Annotated[
        uuid.UUID | None, Query(description="The document whose attachments are listed.")
    ] = None,
    access_level: Annotated[
        str | None, Query(description="public, internal, confidential or restricted.")
    ] = None,
    folder: Annotated[
        FolderPath | None, Query(description="Folders that `path` in the metadata begins with.")
    ] = None,
    label: Annotated[
        ShortText | None, Query(description="One of the list `labels` in the metadata.")
    ] = None,
    suffix: Annotated[
        Suffix | None, Query(description="End of the file name, such as `pdf`.")
    ] = None,
) -> Listing[DocumentRead]:
    """List documents, newest first."""
    await _require_collection(platform, caller, collection_id)
    level = service.parse_access_level(access_level) if access_level else None
    asked = DocumentQuery(collection_id, status, search, attached_to, level, folder, label, suffix)
    async with unit_of_work(platform, caller) as ctx:
        page = await service.page(ctx, request, asked)
        return listing(page, [state.read() for state in page.items])


@router.get("/folders")
async def list_folders(
    platform: PlatformDep,
    caller: ReaderDep,
    request: PageDep,
    collection_id: uuid.UUID | None = None,
    folder: Annotated[
        FolderPath | None, Query(description="The folder they are in; without it those at the top.")
    ] = None,
) -> Listing[FolderRead]:
    """List the folders that documents were uploaded in, by name."""
    await _require_collection(platform, caller, collection_id)
    async with unit_of_work(platform, caller) as ctx:
        asked = DocumentQuery(collection_id=collection_id, folder=folder)
        page = await service.folders(ctx, request, asked)
        return listing(page, page.items)


@router.get("/{document_id}")
async def get_document(
    platform: PlatformDep, caller: ReaderDep, document_id: uuid.UUID
) -> DocumentRead:
    """Show a document and its state of processing."""
    async with unit_of_work(platform, caller) as ctx:
        return (await service.get(ctx, document_id)).read()


@router.patch("/{document_id}")
async def update_document(
    platform: PlatformDep, caller: WriterDep, document_id: uuid.UUID, data: DocumentUpdate
) -> DocumentRead:
    """Change title, metadata or access level."""
    async with unit_of_work(platform, caller) as ctx:
        return (await service.update(ctx, document_id, data)).read()


@router.get("/{document_id}/content")
async def get_content(
    platform: PlatformDep,
    caller: ReaderDep,
    document_id: uuid.UUID,
    version: VersionNumber | None = None,
    start: Annotated[int, Query(ge=0, description="First character.")] = 0,
    end: Annotated[int | None, Query(ge=0, description="Character after the last.")] = None,
) -> ContentRead:
    """Read the extracted text, or the stretch a citation points to."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.content(ctx, document_id, number=version, start=start, end=end)


@router.get("/{document_id}/file", response_class=StreamingResponse)
async def get_file(
    platform: PlatformDep,
    caller: ReaderDep,
    document_id: uuid.UUID,
    version: VersionNumber | None = None,
) -> StreamingResponse:
    """Download the file as it was handed in."""
    async with service.original_file(platform, caller, document_id, version) as original:
        # Opened before the reply starts: a file deleted meanwhile can still be read to its end.
        handle = await anyio.open_file(original.path, "rb")
        size = (await anyio.Path(original.path).stat()).st_size
    return StreamingResponse(
        _stream(handle),
        # Sent as a download: HTML or SVG from a document must not run as a page of this origin.
        media_type="application/octet-stream",
        headers={
            "Content-Length": str(size),
            "Content-Disposition": disposition(original.filename),
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox",
        },
    )


def disposition(filename: str) -> str:
    """A Content-Disposition that saves under this name, whatever is in it (RFC 6266, RFC 8187)."""
    # For clients that do not know `filename*`; quotes, line ends and controls cannot break the
    # header.
    plain = re.sub(r"[^A-Za-z0-9 ._-]", "_", filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


async def _stream(handle: anyio.AsyncFile[bytes]) -> AsyncIterator[bytes]:
    async with handle:
        while part := await handle.read(COPY_SIZE):
            yield part


async def _require_collection(
    platform: Platform, caller: ReaderDep, collection_id: uuid.UUID | None
) -> None:
    if collection_id is not None:
        async with unit_of_work(platform, caller) as ctx:
            await collections.get(ctx, collection_id)
