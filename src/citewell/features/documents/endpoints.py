"""Routes of documents."""

import hashlib
import json
import re
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import anyio
from fastapi import APIRouter, Depends, File, Form, Query, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from pydantic import JsonValue, TypeAdapter, ValidationError

from citewell.core.context import unit_of_work
from citewell.core.errors import InvalidInputError
from citewell.core.platform import Platform
from citewell.features.collections import service as collections
from citewell.features.documents import registering, service
from citewell.features.documents.errors import FileTooLargeError
from citewell.features.documents.schemas import (
    AcceptedDocuments,
    ContentRead,
    DocumentCreate,
    DocumentRead,
    DocumentUpdate,
    Metadata,
    NewFile,
)
from citewell.features.http import Listing, PageDep, PlatformDep, ReaderDep, WriterDep, listing
from citewell.kit.storable import StorableText
from citewell.models.documents import VersionStatus

router = APIRouter(prefix="/documents", tags=["documents"])

COPY_SIZE = 1024 * 1024
MAX_INTEGER = 2**31 - 1
"""Of the database's integer columns."""

VersionNumber = Annotated[int, Query(ge=1, le=MAX_INTEGER)]
UPLOAD_FIELDS = {"files", "collection_id", "access_level", "metadata"}
_METADATA = TypeAdapter[dict[str, JsonValue]](Metadata)


@router.post("", status_code=202)
async def create_document(
    platform: PlatformDep, caller: WriterDep, data: DocumentCreate
) -> AcceptedDocuments:
    """Take in a document sent as text; the same text again is the same document."""
    await _require_collection(platform, caller, data.collection_id)
    raw = data.content.encode("utf-8", "replace")
    digest = hashlib.sha256(data.title.encode("utf-8", "replace") + b"\0" + raw).hexdigest()
    async with _scratch_file(platform) as path:
        await anyio.Path(path).write_bytes(raw)
        registered = await registering.register_file(
            platform,
            caller,
            NewFile(
                path=path,
                filename=f"{data.title[:200].replace('/', ' ')}.md",
                source=f"text:{digest}",
                title=data.title,
                collection_id=data.collection_id,
                access_level=(
                    service.parse_access_level(data.access_level) if data.access_level else None
                ),
                metadata=data.metadata if "metadata" in data.model_fields_set else None,
            ),
        )
    return AcceptedDocuments(documents=[registered.accepted()])


async def _known_fields(request: Request) -> None:
    """Refuse a form with fields that an upload does not have, as JSON with such fields is."""
    unknown = sorted(set(await request.form()) - UPLOAD_FIELDS)
    if unknown:
        message = "Extra inputs are not permitted"
        raise RequestValidationError(
            [{"type": "extra_forbidden", "loc": ("body", name), "msg": message} for name in unknown]
        )


@router.post("/upload", status_code=202, dependencies=[Depends(_known_fields)])
async def upload_documents(
    platform: PlatformDep,
    caller: WriterDep,
    files: Annotated[list[UploadFile], File(description="One or many files.")],
    collection_id: Annotated[uuid.UUID | None, Form()] = None,
    access_level: Annotated[str | None, Form()] = None,
    metadata: Annotated[
        str | None, Form(description="A JSON object; known documents keep theirs without it.")
    ] = None,
) -> AcceptedDocuments:
    """Take in files; a name that is known in the collection gets a new version."""
    await _require_collection(platform, caller, collection_id)
    level = service.parse_access_level(access_level) if access_level else None
    try:
        facts = None if metadata is None else _METADATA.validate_python(json.loads(metadata))
    except (ValueError, RecursionError, ValidationError):
        raise InvalidInputError("`metadata` must be a JSON object.") from None
    names = [registering.safe_filename(file.filename or "") for file in files]
    # What can be told beforehand is, so that then nothing has changed.
    for file, name in zip(files, names, strict=True):
        if (file.size or 0) > platform.settings.max_upload_bytes:
            raise FileTooLargeError(name, platform.settings.max_upload_bytes)
    accepted: list[registering.Registered] = []
    for file, name in zip(files, names, strict=True):
        async with _scratch_file(platform) as path:
            await _copy(file, path)
            accepted.append(
                await registering.register_file(
                    platform,
                    caller,
                    NewFile(
                        path=path,
                        filename=name,
                        source=f"upload:{name}",
                        collection_id=collection_id,
                        access_level=level,
                        metadata=facts,
                    ),
                )
            )
    return AcceptedDocuments(documents=[item.accepted() for item in accepted])


@router.get("")
async def list_documents(
    platform: PlatformDep,
    caller: ReaderDep,
    request: PageDep,
    collection_id: uuid.UUID | None = None,
    status: Annotated[VersionStatus | None, Query(description="Of the newest version.")] = None,
    search: Annotated[
        StorableText | None, Query(max_length=200, description="Part of the title.")
    ] = None,
) -> Listing[DocumentRead]:
    """List documents, newest first."""
    await _require_collection(platform, caller, collection_id)
    async with unit_of_work(platform, caller) as ctx:
        page = await service.page(
            ctx, request, collection_id=collection_id, status=status, search=search
        )
        return listing(page, [state.read() for state in page.items])


@router.get("/{document_id}")
async def get_document(
    platform: PlatformDep, caller: ReaderDep, document_id: uuid.UUID
) -> DocumentRead:
    """Show a document and how far it is."""
    async with unit_of_work(platform, caller) as ctx:
        return (await service.get(ctx, document_id)).read()


@router.patch("/{document_id}")
async def update_document(
    platform: PlatformDep, caller: WriterDep, document_id: uuid.UUID, data: DocumentUpdate
) -> DocumentRead:
    """Change title, metadata or access level."""
    async with unit_of_work(platform, caller) as ctx:
        return (await service.update(ctx, document_id, data)).read()


@router.delete("/{document_id}", status_code=204)
async def delete_document(platform: PlatformDep, caller: WriterDep, document_id: uuid.UUID) -> None:
    """Remove a document with all its versions."""
    async with unit_of_work(platform, caller) as ctx:
        await service.delete(ctx, document_id)


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
        # Never shown inside our origin, whatever it claims to be.
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


@asynccontextmanager
async def _scratch_file(platform: Platform) -> AsyncGenerator[Path, None]:
    folder = platform.settings.home / "tmp"
    await anyio.Path(folder).mkdir(parents=True, exist_ok=True)
    path = folder / f"upload-{uuid.uuid4().hex}"
    try:
        yield path
    finally:
        await anyio.Path(path).unlink(missing_ok=True)


async def _copy(file: UploadFile, path: Path) -> None:
    async with await anyio.open_file(path, "wb") as target:
        while part := await file.read(COPY_SIZE):
            await target.write(part)
