"""Uploads of many files, whole or not at all; new content for known documents."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Library, LiveServer

Refused = Callable[[httpx.Response, int, str], None]
Limit = Callable[..., Coroutine[Any, Any, None]]
UPLOAD = "/api/v1/documents/upload"
NOBODY = "00000000-0000-7000-8000-000000000000"


def files_in(folder: Path) -> set[str]:
    return {os.path.join(where, name) for where, _, names in os.walk(folder) for name in names}


async def everything(client: httpx.AsyncClient) -> dict[str, Any]:
    """The state that an upload could have changed."""
    listed = (await client.get("/api/v1/documents", params={"limit": 100})).json()
    usage = (await client.get("/api/v1/usage")).json()["usage"]
    jobs = (await client.get("/api/v1/jobs")).json()["pagination"]["total"]
    audit = (await client.get("/api/v1/audit")).json()["pagination"]["total"]
    kept = {one["metric"]: one["used"] for one in usage if one["metric"] != "queries"}
    return {"documents": listed, "usage": kept, "jobs": jobs, "audit": audit}


class TestAllOrNothing:
    async def test_plan_full_midway_keeps_none(
        self,
        client: httpx.AsyncClient,
        library: Library,
        limit: Limit,
        live_server: LiveServer,
        refused: Refused,
    ) -> None:
        await library.upload(("known.txt", b"As it was."), metadata='{"a": 1}')
        await limit(documents=3)
        before = await everything(client)
        stored = files_in(live_server.platform.settings.home / "files")
        parts = [
            ("files", (name, f"About {name}.".encode()))
            for name in ("known.txt", "b.txt", "c.txt", "d.txt")
        ]
        reply = await client.post(UPLOAD, files=parts, data={"metadata": '{"a": 2}'})
        refused(reply, 403, "quota_reached")
        assert await everything(client) == before
        assert files_in(live_server.platform.settings.home / "files") == stored
        assert (await client.post(UPLOAD, files=parts[:3])).status_code == 202

    async def test_bytes_over_the_plan_leave_what_others_have_stored(
        self, client: httpx.AsyncClient, library: Library, limit: Limit, refused: Refused
    ) -> None:
        [first] = await library.upload(("first.txt", b"Shared words."))
        await limit(stored_bytes=20)
        parts = [("files", ("a.txt", b"Shared words.")), ("files", ("b.txt", b"b" * 50))]
        refused(await client.post(UPLOAD, files=parts), 403, "quota_reached")
        original = await client.get(f"/api/v1/documents/{first['id']}/file")
        assert original.content == b"Shared words."

    async def test_one_bad_file_of_three_keeps_none(
        self, client: httpx.AsyncClient, refused: Refused
    ) -> None:
        before = await everything(client)
        parts = [("files", (f"{n}.txt", b"Words." if n != 1 else b"")) for n in range(3)]
        refused(await client.post(UPLOAD, files=parts), 422, "empty_file")
        assert await everything(client) == before

    async def test_two_uploads_in_opposite_order_both_succeed(
        self, client: httpx.AsyncClient
    ) -> None:
        def parts(edition: str, order: range) -> list[tuple[str, tuple[str, bytes]]]:
            return [("files", (f"{n}.txt", f"{edition} {n}".encode())) for n in order]

        for edition in ("First", "Second"):
            replies = await asyncio.gather(
                client.post(UPLOAD, files=parts(edition, range(12))),
                client.post(UPLOAD, files=parts(f"{edition} other", range(11, -1, -1))),
            )
            assert [reply.status_code for reply in replies] == [202, 202]


class TestReplace:
    async def test_text_becomes_the_next_version_and_answers(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        [first] = await library.upload(("plan.html", b"<p>Paint it green.</p>"))
        body = {"content": "Paint it blue.", "metadata": {"year": 2}}
        reply = await client.put(f"/api/v1/documents/{first['id']}", json=body)
        assert reply.status_code == 202
        [accepted] = reply.json()["documents"]
        assert (accepted["id"], accepted["version"]) == (first["id"], 2)
        document = await library.settled(first["id"])
        assert (document["status"], document["active_version"]) == ("ready", 2)
        assert (document["filename"], document["metadata"]) == ("plan.md", {"year": 2})
        [hit] = await library.search("paint")
        assert hit["text"] == "Paint it blue."

    async def test_file_gives_its_name_and_the_source_stays(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        [first] = await library.upload(("plan.txt", b"Paint it green."), metadata='{"a": 1}')
        path = f"/api/v1/documents/{first['id']}"
        file = {"file": ("neu.txt", b"Paint it red.")}
        assert (await client.put(f"{path}/file", files=file)).status_code == 202
        document = await library.settled(first["id"])
        assert (document["version"], document["filename"]) == (2, "neu.txt")
        assert (document["title"], document["metadata"]) == ("neu.txt", {"a": 1})
        assert document["source"] == "upload:plan.txt"
        assert (await client.get(f"{path}/file")).content == b"Paint it red."
        [again] = await library.upload(("plan.txt", b"Paint it white."))
        assert (again["id"], again["version"]) == (first["id"], 3)

    async def test_content_it_has_already_makes_no_version(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        document = await library.add("Memo", "The same words.", metadata={"a": 1})
        path = f"/api/v1/documents/{document['id']}"
        [same] = (await client.put(path, json={"content": "The same words."})).json()["documents"]
        assert (same["version"], same["status"], same["job_id"]) == (1, "ready", None)
        assert (await client.get(path)).json() == document

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"content": ""},
            {"content": "  "},
            {"content": "x", "title": ""},
            {"content": "x", "metadata": []},
            {"content": "x", "access_level": "public"},
            {"content": "x", "status": "ready"},
        ],
    )
    async def test_bad_bodies_are_422_and_change_nothing(
        self, body: dict[str, object], library: Library, client: httpx.AsyncClient
    ) -> None:
        document = await library.add("Memo", "Words.")
        before = await everything(client)
        path = f"/api/v1/documents/{document['id']}"
        assert (await client.put(path, json=body)).status_code == 422
        assert await everything(client) == before

    async def test_bad_files_are_refused_and_change_nothing(
        self, library: Library, client: httpx.AsyncClient, refused: Refused
    ) -> None:
        document = await library.add("Memo", "Words.")
        before = await everything(client)
        path = f"/api/v1/documents/{document['id']}/file"
        good = {"file": ("a.txt", b"Other words.")}
        refused(await client.put(path, files={"file": ("a.txt", b"")}), 422, "empty_file")
        refused(await client.put(path, files={"file": ("..", b"x")}), 422, "invalid_filename")
        refused(await client.put(path, files={"files": ("a.txt", b"x")}), 422, "validation_error")
        refused(await client.put(path, files=good, data={"metadata": "{"}), 422, "invalid_input")
        refused(await client.put(path, files=good, data={"title": "x"}), 422, "validation_error")
        assert await everything(client) == before

    async def test_unknown_document_is_404(
        self, client: httpx.AsyncClient, refused: Refused
    ) -> None:
        path = f"/api/v1/documents/{NOBODY}"
        refused(await client.put(path, json={"content": "x"}), 404, "document_not_found")
        file = {"file": ("a.txt", b"x")}
        refused(await client.put(f"{path}/file", files=file), 404, "document_not_found")
