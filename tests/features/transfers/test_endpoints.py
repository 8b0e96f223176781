"""Collections as files, over HTTP."""

from collections.abc import Callable

import httpx

from tests.conftest import Library

Refused = Callable[[httpx.Response, int, str], None]
PASSPHRASE = "nine kites above the old mill"


async def export(client: httpx.AsyncClient, collection_id: str, **body: str) -> httpx.Response:
    url = f"/api/v1/collections/{collection_id}/export"
    return await client.post(url, json={"passphrase": PASSPHRASE, **body})


class TestEndpoints:
    async def test_collection_moves_to_another_tenant(
        self, library: Library, client: httpx.AsyncClient, stranger: httpx.AsyncClient
    ) -> None:
        [document] = await library.upload(("drill.txt", b"The fire drill is on the last Monday."))
        reply = await export(client, document["collection_id"])
        assert reply.status_code == 200
        assert b"drill" not in reply.content
        form = {"passphrase": PASSPHRASE, "name": "Moved"}
        made = await stranger.post(
            "/api/v1/collections/import", data=form, files={"file": ("x", reply.content)}
        )
        assert made.status_code == 201, made.text
        assert (made.json()["documents"], made.json()["to_embed"]) == (1, 0)
        [theirs] = await library.search("fire drill")
        [ours] = await Library(stranger).search("fire drill")
        assert ours == theirs

    async def test_bad_requests_change_nothing(
        self, library: Library, client: httpx.AsyncClient, refused: Refused
    ) -> None:
        [document] = await library.upload(("drill.txt", b"The fire drill is on the last Monday."))
        collection = document["collection_id"]
        refused(await export(client, collection, passphrase="short"), 422, "weak_passphrase")
        content = (await export(client, collection)).content
        before = (await client.get("/api/v1/collections")).json()
        url = "/api/v1/collections/import"
        for passphrase, file, status, code in (
            (PASSPHRASE, content, 409, "collection_exists"),
            (PASSPHRASE, content[:-1], 422, "invalid_export"),
            (PASSPHRASE, b"", 422, "invalid_export"),
            ("another one altogether", content, 422, "invalid_export"),
        ):
            reply = await client.post(
                url, data={"passphrase": passphrase}, files={"file": ("x", file)}
            )
            refused(reply, status, code)
        refused(await client.post(url, data={"passphrase": "x"}), 422, "validation_error")
        assert (await client.get("/api/v1/collections")).json() == before
