"""Collections as files, over HTTP."""

from collections.abc import Callable

import httpx
import pytest

from tests.conftest import Library
from tests.features.transfers.conftest import PASSPHRASE as FORGED
from tests.features.transfers.conftest import frames_of, sealed

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

    async def test_a_forged_file_does_not_win_questions_for_another_text(
        self, library: Library, client: httpx.AsyncClient, stranger: httpx.AsyncClient
    ) -> None:
        [drill, _] = await library.upload(
            ("drill.txt", b"The fire drill is on the last Monday."),
            ("menu.txt", b"The kitchen serves soup and bread."),
        )
        content = (await export(client, drill["collection_id"], passphrase=FORGED)).content
        frames = frames_of(content)
        rows = [
            row
            for is_json, inside in frames
            if is_json == b"J" and isinstance(inside, dict) and inside["kind"] == "chunks"
            for row in inside["rows"]
        ]
        [true] = [row for row in rows if "drill" in row["text"]]
        [lie] = [row for row in rows if "soup" in row["text"]]
        lie["vector"], true["vector"] = true["vector"], lie["vector"]
        lie["terms"] = dict.fromkeys(true["terms"], 60_000.0)
        true["terms"] = {"5": 0.001}
        lie["content_hash"], true["content_hash"] = true["content_hash"], lie["content_hash"]
        lie["language"] = "xx"
        for is_json, inside in frames:
            if is_json == b"J" and isinstance(inside, dict) and "created_by" in inside:
                inside["created_by"] = "director@example.org"
        form = {"passphrase": FORGED, "name": "Forged"}
        made = await stranger.post(
            "/api/v1/collections/import", data=form, files={"file": ("x", sealed(frames))}
        )
        assert made.status_code == 201, made.text
        for question in ("When is the fire drill?", "drill", "What does the kitchen serve?"):
            ours = await library.search(question)
            theirs = await Library(stranger).search(question)
            assert theirs[0]["text"] == ours[0]["text"]
            assert theirs[0]["score"] == pytest.approx(ours[0]["score"], abs=1e-3)
            for hit in theirs:
                path = f"/api/v1/documents/{hit['document_id']}/content"
                whole = (await stranger.get(path)).json()["text"]
                assert hit["text"] == whole[hit["start"] : hit["end"]]

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
