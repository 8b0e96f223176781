"""Several callers at the same moment."""

import asyncio
import os
from pathlib import Path

import httpx

from tests.conftest import Library, LiveServer

UPLOAD = "/api/v1/documents/upload"


def part(name: str, text: str) -> list[tuple[str, tuple[str, bytes]]]:
    return [("files", (name, text.encode()))]


async def delete_for_good(client: httpx.AsyncClient, document_id: str) -> None:
    for place in ("documents", "documents/trash"):
        reply = await client.delete(f"/api/v1/{place}/{document_id}")
        assert reply.status_code == 204


async def accepted(replies: list[httpx.Response]) -> list[dict]:
    assert [reply.status_code for reply in replies] == [202] * len(replies), replies[0].text
    return [reply.json()["documents"][0] for reply in replies]


class TestUploads:
    async def test_same_file_from_many_is_one_document(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        replies = await asyncio.gather(
            *(client.post(UPLOAD, files=part("a.txt", "Same words.")) for _ in range(8))
        )
        items = await accepted(replies)
        assert len({(item["id"], item["version"]) for item in items}) == 1
        # A caller that comes when the version is read already is told no job.
        assert len({item["job_id"] for item in items} - {None}) == 1
        assert (await library.settled(items[0]["id"]))["status"] == "ready"

    async def test_many_contents_of_one_name_are_versions_of_one_document(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        replies = await asyncio.gather(
            *(client.post(UPLOAD, files=part("a.txt", f"Edition {n}.")) for n in range(6))
        )
        items = await accepted(replies)
        assert len({item["id"] for item in items}) == 1
        assert sorted(item["version"] for item in items) == [1, 2, 3, 4, 5, 6]
        document = await library.settled(items[0]["id"])
        while document["active_version"] != 6:
            await asyncio.sleep(0.05)
            document = await library.settled(items[0]["id"])
        [hit] = await library.search("edition", top_k=100)
        newest = next(n for n, item in enumerate(items) if item["version"] == 6)
        assert (hit["version"], hit["text"]) == (6, f"Edition {newest}.")

    async def test_same_content_under_many_names_is_stored_once(
        self, library: Library, client: httpx.AsyncClient, live_server: LiveServer
    ) -> None:
        text = "Stored once, known by many names."
        folder = live_server.platform.settings.home / "files"
        before = set(files_in(folder))
        both = {"on_duplicate": "keep_both"}
        replies = await asyncio.gather(
            *(client.post(UPLOAD, files=part(f"{n}.txt", text), data=both) for n in range(6))
        )
        items = await accepted(replies)
        assert len({item["id"] for item in items}) == 6
        stored = [path for path in files_in(folder) if path not in before]
        assert len(stored) == 1
        for item in items[1:]:
            await delete_for_good(client, item["id"])
        assert stored[0].exists()
        kept = await library.settled(items[0]["id"])
        assert kept["status"] == "ready"
        await delete_for_good(client, items[0]["id"])
        assert not stored[0].exists()

    async def test_nothing_is_left_in_the_scratch_folder(
        self, library: Library, live_server: LiveServer
    ) -> None:
        await library.upload(("a.txt", b"Some words."))
        assert files_in(live_server.platform.settings.home / "tmp") == []


class TestDelete:
    async def test_document_deleted_while_it_is_ingested_is_gone(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        text = "\n\n".join(f"Paragraph {n} tells of the quagga. " * 8 for n in range(60))
        for pause in (0, 0.02, 0.1, 0.3):
            body = {"title": f"Quagga {pause}", "content": text + str(pause)}
            reply = await client.post("/api/v1/documents", json=body)
            [item] = reply.json()["documents"]
            await asyncio.sleep(pause)
            gone = await client.delete(f"/api/v1/documents/{item['id']}")
            assert gone.status_code == 204
            assert (await client.get(f"/api/v1/documents/{item['id']}")).status_code == 404
        # The worker goes on and publishes nothing of them.
        await library.add("After", "Written afterwards.")
        assert [hit["title"] for hit in await library.search("quagga", top_k=100)] == ["After"]

    async def test_of_many_deleting_at_once_one_does_it(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        document = await library.add("Once", "To be deleted once.")
        replies = await asyncio.gather(
            *(client.delete(f"/api/v1/documents/{document['id']}") for _ in range(6))
        )
        assert sorted(reply.status_code for reply in replies) == [204, 404, 404, 404, 404, 404]


class TestCollections:
    async def test_of_many_making_one_name_one_succeeds(self, client: httpx.AsyncClient) -> None:
        replies = await asyncio.gather(
            *(client.post("/api/v1/collections", json={"name": "Same"}) for _ in range(6))
        )
        assert sorted(reply.status_code for reply in replies) == [201, 409, 409, 409, 409, 409]

    async def test_upload_racing_the_deletion_wins_or_is_404(
        self, client: httpx.AsyncClient
    ) -> None:
        async def delete_soon(url: str, pause: float) -> httpx.Response:
            await asyncio.sleep(pause)
            return await client.delete(url)

        outcomes = set[tuple[int, int]]()
        for round_number in range(24):
            name = f"Fleeting {round_number}"
            made = (await client.post("/api/v1/collections", json={"name": name})).json()
            upload, deletion = await asyncio.gather(
                client.post(UPLOAD, files=part("a.txt", name), data={"collection_id": made["id"]}),
                delete_soon(f"/api/v1/collections/{made['id']}", round_number * 0.001),
            )
            outcomes.add((upload.status_code, deletion.status_code))
            if upload.status_code == 404:
                assert upload.json()["code"] == "collection_not_found"
            else:
                assert deletion.json()["code"] == "collection_not_empty"
        assert outcomes <= {(202, 409), (404, 204)}


def files_in(folder: Path) -> list[Path]:
    return [Path(where) / name for where, _, names in os.walk(folder) for name in names]
