"""Routes of rules on documents and collections."""

import uuid
from typing import Annotated

from fastapi import Query

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.features.http import (
    PRIVATE,
    AdminDep,
    Listing,
    PageDep,
    PlatformDep,
    ReaderDep,
    Router,
    WriterDep,
    listing,
)
from citewell.features.sharing import departments, service
from citewell.features.sharing.schemas import (
    AccessExplanation,
    DepartmentsReport,
    GrantPut,
    GrantRead,
    PeopleFilter,
    PeopleImport,
    SeenRead,
    UserAccess,
)
from citewell.kit.pagination import PageRequest
from citewell.kit.storable import StorableText

router = Router(policy=PRIVATE, tags=["sharing"])


@router.post("/users/import")
async def import_people(
    platform: PlatformDep, caller: AdminDep, data: PeopleImport
) -> DepartmentsReport:
    """Invite people, and make for each department a group and a private collection.

    Done again, it makes what is missing and takes nothing away.
    """
    async with unit_of_work(platform, caller) as ctx:
        return await departments.set_up(ctx, data.people)


@router.get("/access/report")
async def report_access(
    platform: PlatformDep, caller: AdminDep, request: PageDep
) -> Listing[SeenRead]:
    """List for every user which private collections they read and change, by e-mail address."""
    async with unit_of_work(platform, caller) as ctx:
        page = await departments.report(ctx, request)
        return listing(page, page.items)


@router.get("/collections/{collection_id}/grants")
async def list_collection_grants(
    platform: PlatformDep, caller: ReaderDep, collection_id: uuid.UUID, request: PageDep
) -> Listing[GrantRead]:
    """List the grants and denials of a collection."""
    return await _list(platform, caller, service.collection(collection_id), request)


@router.put("/collections/{collection_id}/grants")
async def put_collection_grant(
    platform: PlatformDep, caller: WriterDep, collection_id: uuid.UUID, data: GrantPut
) -> GrantRead:
    """Grant or deny a collection with all its documents to a user or group."""
    return await _put(platform, caller, service.collection(collection_id), data)


@router.delete("/collections/{collection_id}/grants/{grant_id}", status_code=204)
async def delete_collection_grant(
    platform: PlatformDep, caller: WriterDep, collection_id: uuid.UUID, grant_id: uuid.UUID
) -> None:
    """Remove a rule of a collection."""
    async with unit_of_work(platform, caller) as ctx:
        await service.remove_grant(ctx, service.collection(collection_id), grant_id)


@router.get("/documents/{document_id}/grants")
async def list_document_grants(
    platform: PlatformDep, caller: ReaderDep, document_id: uuid.UUID, request: PageDep
) -> Listing[GrantRead]:
    """List the grants and denials of a document."""
    return await _list(platform, caller, service.document(document_id), request)


@router.put("/documents/{document_id}/grants")
async def put_document_grant(
    platform: PlatformDep, caller: WriterDep, document_id: uuid.UUID, data: GrantPut
) -> GrantRead:
    """Grant or deny a document to a user or group."""
    return await _put(platform, caller, service.document(document_id), data)


@router.delete("/documents/{document_id}/grants/{grant_id}", status_code=204)
async def delete_document_grant(
    platform: PlatformDep, caller: WriterDep, document_id: uuid.UUID, grant_id: uuid.UUID
) -> None:
    """Remove a rule of a document."""
    async with unit_of_work(platform, caller) as ctx:
        await service.remove_grant(ctx, service.document(document_id), grant_id)


@router.get("/documents/{document_id}/access")
async def explain_document_access(
    platform: PlatformDep,
    caller: ReaderDep,
    document_id: uuid.UUID,
    user: Annotated[
        StorableText | None,
        Query(min_length=1, max_length=320, description="Id or e-mail address; yourself without."),
    ] = None,
) -> AccessExplanation:
    """Explain why someone can or cannot read and change a document."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.explain_access(ctx, document_id, user)


@router.get("/documents/{document_id}/access/users")
async def list_document_access(
    platform: PlatformDep,
    caller: AdminDep,
    document_id: uuid.UUID,
    request: PageDep,
    search: Annotated[
        StorableText | None,
        Query(max_length=200, description="Part of the e-mail address or name."),
    ] = None,
    can_read: Annotated[
        bool | None,
        Query(description="Only those who read the document, or who do not; all without it."),
    ] = None,
) -> Listing[UserAccess]:
    """List for every user whether they can read and change a document, and why."""
    wanted = PeopleFilter(search or None, can_read)
    async with unit_of_work(platform, caller) as ctx:
        page = await service.list_access(ctx, document_id, wanted, request)
        return listing(page, page.items)


async def _list(
    platform: Platform, caller: Caller, shared: service.Shared, request: PageRequest
) -> Listing[GrantRead]:
    async with unit_of_work(platform, caller) as ctx:
        page = await service.grants(ctx, shared, request)
        return listing(page, [GrantRead.model_validate(grant) for grant in page.items])


async def _put(
    platform: Platform, caller: Caller, shared: service.Shared, data: GrantPut
) -> GrantRead:
    async with unit_of_work(platform, caller) as ctx:
        return GrantRead.model_validate(await service.put_grant(ctx, shared, data))
