"""Collections over HTTP."""

import json
import uuid
from collections.abc import Callable

import httpx
import pytest

from tests.conftest import Library

Refused = Callable[[httpx.Response, int, str], None]

NOBODY = "00000000-0000-7000-8000-000000000000"
"""An id that nothing has."""

URL = "/api/v1/collections"


class TestCreate:
    async def test_defaults_are_filled_in(self, client: httpx.AsyncClient) -> None:
        reply = await client.post(URL, json={"name": " Hợp đồng "})
        assert reply.status_code == 201
        made = reply.json()
        uuid.UUID(made["id"])
        assert made["name"] == "Hợp đồng"
        assert made["description"] == ""
        assert made["chunk_strategy"] == "structure"
        assert made["chunk_size"] >= 32
        assert made["chunk_overlap"] == 0
        assert (await client.get(f"{URL}/{made['id']}")).json() == made

    async def test_taken_name_is_409_in_one_tenant_only(
        self, client: httpx.AsyncClient, stranger: httpx.AsyncClient, refused: Refused
    ) -> None:
        assert (await client.post(URL, json={"name": "Laws"})).status_code == 201
        refused(await client.post(URL, json={"name": "Laws "}), 409, "collection_exists")
        assert (await stranger.post(URL, json={"name": "Laws"})).status_code == 201

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({}, "validation_error"),
            ({"name": ""}, "validation_error"),
            ({"name": "  "}, "validation_error"),
            ({"name": "x" * 201}, "validation_error"),
            ({"name": "a\u0000"}, "validation_error"),
            ({"name": "\ud800"}, "validation_error"),
            ({"name": "x", "description": "\u0000"}, "validation_error"),
            ({"name": "x", "description": "x" * 2001}, "validation_error"),
            ({"name": "x", "chunk_size": 31}, "validation_error"),
            ({"name": "x", "chunk_size": 10**30}, "validation_error"),
            ({"name": "x", "chunk_overlap": -1}, "validation_error"),
            ({"name": "x", "chunk_size": 100, "chunk_overlap": 51}, "invalid_chunking"),
            ({"name": "x", "chunk_strategy": "magic"}, "invalid_chunking"),
            ({"name": "x", "chunk_strategy": "\u0000"}, "invalid_chunking"),
            ({"name": "x", "id": NOBODY}, "validation_error"),
        ],
    )
    async def test_bad_fields_are_422(
        self, body: object, code: str, shared_client: httpx.AsyncClient, refused: Refused
    ) -> None:
        reply = await shared_client.post(
            URL, content=json.dumps(body), headers={"Content-Type": "application/json"}
        )
        refused(reply, 422, code)

    async def test_chunk_size_of_a_collection_shapes_its_passages(
        self, client: httpx.AsyncClient, library: Library
    ) -> None:
        text = " ".join(f"Shelf {n} holds green boxes of paper." for n in range(60))
        counts: list[int] = []
        for size in (32, 400):
            body = {"name": f"size {size}", "chunk_size": size}
            made = (await client.post(URL, json=body)).json()
            document = await library.add("Shelves", text, collection_id=made["id"])
            counts.append(document["chunks"])
        assert counts[0] > counts[1] >= 1


class TestList:
    async def test_list_is_sorted_by_name_and_paged(
        self, client: httpx.AsyncClient, stranger: httpx.AsyncClient
    ) -> None:
        for name in ("Beta", "Alpha", "Gamma"):
            await client.post(URL, json={"name": name})
        reply = (await client.get(URL, params={"limit": 2})).json()
        assert [item["name"] for item in reply["data"]] == ["Alpha", "Beta"]
        assert reply["pagination"] == {"page": 1, "limit": 2, "total": 3, "total_pages": 2}
        reply = (await client.get(URL, params={"limit": 2, "page": 2})).json()
        assert [item["name"] for item in reply["data"]] == ["Gamma"]
        assert (await stranger.get(URL)).json()["pagination"]["total"] == 0


class TestUpdate:
    async def test_what_is_given_changes_and_the_rest_stays(
        self, client: httpx.AsyncClient, stranger: httpx.AsyncClient, refused: Refused
    ) -> None:
        made = (await client.post(URL, json={"name": "Laws", "chunk_size": 100})).json()
        path = f"{URL}/{made['id']}"
        reply = await client.patch(path, json={"description": "Old ones", "chunk_overlap": 50})
        assert reply.status_code == 200, reply.text
        changed = reply.json()
        assert changed["updated_at"] > made["updated_at"]
        expected = {"description": "Old ones", "chunk_overlap": 50}
        assert changed == {**made, **expected, "updated_at": changed["updated_at"]}
        assert (await client.get(path)).json() == changed
        assert (await client.patch(path, json={"name": " LAWS "})).json()["name"] == "LAWS"
        refused(await stranger.patch(path, json={"name": "x"}), 404, "collection_not_found")

    async def test_new_chunking_is_for_documents_from_now_on(
        self, client: httpx.AsyncClient, library: Library
    ) -> None:
        text = " ".join(f"Shelf {n} holds green boxes of paper." for n in range(60))
        made = (await client.post(URL, json={"name": "Shelves", "chunk_size": 400})).json()
        path = f"{URL}/{made['id']}"
        old = await library.add("Before", text, collection_id=made["id"])
        await client.patch(path, json={"chunk_size": 32, "chunk_strategy": "sentence"})
        new = await library.add("After", f"{text} New.", collection_id=made["id"])
        assert new["chunks"] > old["chunks"]
        same = (await client.get(f"/api/v1/documents/{old['id']}")).json()
        assert same["chunks"] == old["chunks"]

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ({"name": "Taken"}, 409, "collection_exists"),
            ({"name": "tAKEN"}, 409, "collection_exists"),
            ({"chunk_strategy": "magic"}, 422, "invalid_chunking"),
            ({"chunk_overlap": 101}, 422, "invalid_chunking"),
            ({"chunk_size": 31}, 422, "validation_error"),
            ({"name": ""}, 422, "validation_error"),
            ({"id": NOBODY}, 422, "validation_error"),
        ],
    )
    async def test_what_cannot_be_is_refused_and_changes_nothing(
        self, body: object, status: int, code: str, client: httpx.AsyncClient, refused: Refused
    ) -> None:
        await client.post(URL, json={"name": "Taken"})
        made = (await client.post(URL, json={"name": "Mine"})).json()
        refused(await client.patch(f"{URL}/{made['id']}", json=body), status, code)
        assert (await client.get(f"{URL}/{made['id']}")).json() == made


class TestDelete:
    async def test_empty_collection_goes(self, client: httpx.AsyncClient, refused: Refused) -> None:
        made = (await client.post(URL, json={"name": "Short-lived"})).json()
        assert (await client.delete(f"{URL}/{made['id']}")).status_code == 204
        refused(await client.get(f"{URL}/{made['id']}"), 404, "collection_not_found")
        refused(await client.delete(f"{URL}/{made['id']}"), 404, "collection_not_found")
        assert (await client.post(URL, json={"name": "Short-lived"})).status_code == 201

    async def test_collection_with_documents_stays(
        self, client: httpx.AsyncClient, library: Library, refused: Refused
    ) -> None:
        made = (await client.post(URL, json={"name": "Full"})).json()
        document = await library.add("A", "Words of A.", collection_id=made["id"])
        refused(await client.delete(f"{URL}/{made['id']}"), 409, "collection_not_empty")
        await client.delete(f"/api/v1/documents/{document['id']}")
        assert (await client.delete(f"{URL}/{made['id']}")).status_code == 204
