"""Routes of exports and imports."""

import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import Depends, File, Form, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from citewell.features.collections.schemas import Name
from citewell.features.http import (
    PRIVATE,
    TAKES_EXPORTS,
    AdminDep,
    PlatformDep,
    Router,
    governed,
    known_fields,
)
from citewell.features.transfers import exporting, importing
from citewell.features.transfers.schemas import ImportReport
from citewell.kit.storable import StorableText

router = Router(policy=PRIVATE, prefix="/collections", tags=["collections"])

LONGEST_PASSPHRASE = 4096
IMPORT_FIELDS = {"file", "passphrase", "name", "restrict"}

Passphrase = Annotated[StorableText, Field(max_length=LONGEST_PASSPHRASE)]


class ExportRequest(BaseModel):
    """The passphrase an export is sealed with."""

    model_config = ConfigDict(extra="forbid")

    passphrase: Passphrase


@router.post("/{collection_id}/export", response_class=StreamingResponse)
async def export_collection(
    platform: PlatformDep, caller: AdminDep, collection_id: uuid.UUID, data: ExportRequest
) -> StreamingResponse:
    """Download a collection as one encrypted file; for administrators who are directors."""
    pieces = exporting.export(platform, caller, collection_id, data.passphrase)
    # The first piece is made before the reply begins: what is refused is a plain problem.
    first = await anext(pieces)

    async def body() -> AsyncIterator[bytes]:
        async with aclosing(pieces):
            yield first
            async for piece in pieces:
                yield piece

    return StreamingResponse(
        body(),
        media_type="application/octet-stream",
        headers={"Content-Disposition": 'attachment; filename="collection.citewell"'},
    )


@router.post("/import", status_code=201, dependencies=[Depends(known_fields(IMPORT_FIELDS))])
@governed(TAKES_EXPORTS)
async def import_collection(
    platform: PlatformDep,
    caller: AdminDep,
    file: Annotated[UploadFile, File()],
    passphrase: Annotated[Passphrase, Form()],
    name: Annotated[Name | None, Form()] = None,
    restrict: Annotated[bool, Form()] = False,
) -> ImportReport:
    """Make a collection of an exported file, whole or not at all; for administrators."""
    return await importing.import_collection(
        platform, caller, file.file, passphrase, name=name, restrict=restrict
    )
