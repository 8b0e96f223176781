"""Deleting, restoring and purging over the API."""

from collections.abc import Callable

import httpx

from tests.conftest import Library

Refused = Callable[[httpx.Response, int, str], None]
URL = "/api/v1/documents"


class TestRoundTrip:
    async def test_deleted_document_is_listed_and_comes_back(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        made = await library.add("Quokka", "The quokka smiles at everybody.", metadata={"a": 1})
        before = await library.search("quokka")
        assert (await client.delete(f"{URL}/{made['id']}")).status_code == 204
        assert await library.search("quokka") == []
        [trashed] = (await client.get(f"{URL}/trash")).json()["data"]
        assert (trashed["id"], trashed["title"]) == (made["id"], "Quokka")
        assert trashed["purged_after"] > trashed["deleted_at"]
        restored = await client.post(f"{URL}/{made['id']}/restore")
        assert (restored.status_code, restored.json()) == (200, made)
        assert await library.search("quokka") == before != []
        assert (await client.get(f"{URL}/trash")).json()["data"] == []

    async def test_purged_document_never_comes_back(
        self, library: Library, client: httpx.AsyncClient, refused: Refused
    ) -> None:
        made = await library.add("Quokka", "The quokka smiles at everybody.")
        refused(await client.delete(f"{URL}/trash/{made['id']}"), 409, "not_in_trash")
        await client.delete(f"{URL}/{made['id']}")
        assert (await client.delete(f"{URL}/trash/{made['id']}")).status_code == 204
        for reply in (
            await client.delete(f"{URL}/trash/{made['id']}"),
            await client.post(f"{URL}/{made['id']}/restore"),
        ):
            refused(reply, 404, "document_not_found")
        assert (await client.get(f"{URL}/trash")).json()["pagination"]["total"] == 0

    async def test_restoring_what_was_not_deleted_changes_nothing(
        self, library: Library, client: httpx.AsyncClient, refused: Refused
    ) -> None:
        made = await library.add("Quokka", "The quokka smiles at everybody.")
        refused(await client.post(f"{URL}/{made['id']}/restore"), 409, "not_in_trash")
        assert (await client.get(f"{URL}/{made['id']}")).json() == made
