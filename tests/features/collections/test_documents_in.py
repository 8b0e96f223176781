"""Numbers of documents in the list of collections."""

import uuid

import httpx

from citewell.access.policy import AccessLevel, Effect, Role, Visibility
from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.features.collections import service
from citewell.features.collections.schemas import CollectionCreate
from citewell.features.documents import service as documents
from citewell.features.documents.schemas import DocumentQuery
from citewell.kit.pagination import PageRequest
from tests.conftest import Library
from tests.people import People
from tests.quiet import Shelf

URL = "/api/v1/collections"


class TestList:
    async def test_each_collection_says_how_many_documents_it_holds(
        self, client: httpx.AsyncClient, library: Library
    ) -> None:
        full = (await client.post(URL, json={"name": "full"})).json()
        await client.post(URL, json={"name": "void"})
        for title in ("Tea", "Coffee"):
            await library.add(title, f"{title} is served at four.", collection_id=full["id"])
        listed = (await client.get(URL)).json()["data"]
        assert {item["name"]: item["documents"] for item in listed} == {"full": 2, "void": 0}


class TestDocumentsIn:
    async def test_counts_what_the_caller_reads_as_the_list_of_documents_does(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        maker, employee = await people.user(Role.MANAGER), await people.user()
        director, guest = await people.user(Role.DIRECTOR), await people.user(Role.GUEST)
        admin = await people.user(Role.DIRECTOR, is_admin=True)
        async with unit_of_work(quiet, maker) as ctx:
            opened = await service.create(ctx, CollectionCreate(name="opened"))
            closed = await service.create(
                ctx, CollectionCreate(name="closed", visibility=Visibility.PRIVATE)
            )
            empty = await service.create(ctx, CollectionCreate(name="empty"))
        added = {
            level: await shelf.add(
                f"{level.name}.txt", f"{level.name} text", collection_id=opened.id,
                access_level=level,
            )
            for level in AccessLevel if level <= AccessLevel.RESTRICTED
        }  # fmt: skip
        await shelf.add("hers.txt", "salaries", collection_id=closed.id)
        gone = await shelf.add("gone.txt", "a text of the trash", collection_id=opened.id)
        await shelf.delete(gone)
        internal = added[AccessLevel.INTERNAL].document_id
        await people.rule(Effect.DENY, document=internal, user=director)
        wanted = [opened.id, closed.id, empty.id]

        async def counted(caller: Caller) -> dict[uuid.UUID, int]:
            async with unit_of_work(quiet, caller) as ctx:
                counts = await service.documents_in(ctx, wanted)
                for each in wanted:
                    asked = DocumentQuery(collection_id=each)
                    page = await documents.page(ctx, PageRequest(limit=1), asked)
                    assert page.total == counts.get(each, 0)
            return counts

        assert await counted(guest) == {opened.id: 1}
        assert await counted(employee) == {opened.id: 2}
        assert (await counted(maker))[closed.id] == 1
        assert closed.id not in await counted(director)
        assert closed.id not in await counted(admin)
        assert await counted(admin) == {opened.id: (await counted(director))[opened.id] + 1}
