"""Versions over HTTP: listed, compared, gone back to."""

from collections.abc import Callable
from typing import Any

import httpx

from tests.conftest import Library

Refused = Callable[[httpx.Response, int, str], None]

NOBODY = "00000000-0000-7000-8000-000000000000"
OLD = b"# Leave\n\nFull-time employees get 27 days of leave.\n\nAsk Ann about it.\n"
NEW = b"# Leave\n\nFull-time employees get 30 days of leave.\n\nAsk Ann about it.\n"


async def two_versions(library: Library) -> dict[str, Any]:
    await library.upload(("leave.md", OLD))
    [document] = await library.upload(("leave.md", NEW))
    assert document["active_version"] == 2
    return document


def path(document: dict[str, Any], rest: str) -> str:
    return f"/api/v1/documents/{document['id']}/{rest}"


class TestList:
    async def test_newest_comes_first_and_one_answers(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        document = await two_versions(library)
        reply = await client.get(path(document, "versions"))
        assert reply.status_code == 200
        assert reply.json()["pagination"]["total"] == 2
        new, old = reply.json()["data"]
        assert (new["number"], new["status"], new["is_active"]) == (2, "ready", True)
        assert (old["number"], old["status"], old["is_active"]) == (1, "superseded", False)
        assert new["size_bytes"] == len(NEW)
        assert new["chunks"] == new["embedded"] == 1
        assert new["created_at"] <= new["published_at"]
        assert new["created_by"] is None  # added by the organisation's software
        one = await client.get(path(document, "versions/1"))
        assert one.json() == old
        second = await client.get(path(document, "versions"), params={"page": 2, "limit": 1})
        assert second.json()["data"] == [old]

    async def test_versions_of_others_are_not_there(
        self,
        library: Library,
        stranger: httpx.AsyncClient,
        anonymous: httpx.AsyncClient,
        refused: Refused,
    ) -> None:
        document = await two_versions(library)
        for rest in ("versions", "versions/1", "versions/1/diff/2"):
            refused(await stranger.get(path(document, rest)), 404, "document_not_found")
            refused(await anonymous.get(path(document, rest)), 401, "unauthorized")
        body = {"version": 1}
        refused(
            await stranger.post(path(document, "rollback"), json=body), 404, "document_not_found"
        )
        refused(await anonymous.post(path(document, "rollback"), json=body), 401, "unauthorized")

    async def test_version_that_never_was_is_404(
        self, library: Library, client: httpx.AsyncClient, refused: Refused
    ) -> None:
        document = await two_versions(library)
        for rest in ("versions/3", "versions/1/diff/3", "versions/3/diff/1"):
            refused(await client.get(path(document, rest)), 404, "version_not_found")
        for rest in ("versions/0", f"versions/{2**31}", "versions/x"):
            assert (await client.get(path(document, rest))).status_code == 422
        missing = await client.get(f"/api/v1/documents/{NOBODY}/versions")
        refused(missing, 404, "document_not_found")


class TestDiff:
    async def test_words_have_offsets_into_both_texts(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        document = await two_versions(library)
        diff = (await client.get(path(document, "versions/1/diff/2"))).json()
        [hunk] = diff["hunks"]
        assert (hunk["removed"], hunk["added"]) == ("27", "30")
        assert (diff["hunk_count"], diff["is_complete"]) == (1, True)
        for number, side in ((1, "from"), (2, "to")):
            stretch = {
                "version": number, "start": hunk[f"{side}_start"], "end": hunk[f"{side}_end"]
            }  # fmt: skip
            read = (await client.get(path(document, "content"), params=stretch)).json()
            assert read["text"] == hunk["removed" if side == "from" else "added"]
            assert read["total"] == diff[f"{side}_length"]

    async def test_unified_text_names_both_versions(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        document = await two_versions(library)
        reply = await client.get(path(document, "versions/2/diff/1"), params={"format": "unified"})
        assert reply.headers["content-type"].startswith("text/plain")
        assert "--- leave.md (version 2)\n+++ leave.md (version 1)\n" in reply.text
        assert "\n-Full-time employees get 30 days of leave.\n+Full-time employees get 27" in (
            reply.text
        )

    async def test_version_with_itself_is_refused(
        self, library: Library, client: httpx.AsyncClient, refused: Refused
    ) -> None:
        document = await two_versions(library)
        refused(await client.get(path(document, "versions/1/diff/1")), 422, "invalid_input")
        wrong = await client.get(path(document, "versions/1/diff/2"), params={"format": "html"})
        assert wrong.status_code == 422

    async def test_version_without_text_is_404(
        self, library: Library, client: httpx.AsyncClient, refused: Refused
    ) -> None:
        await library.upload(("leave.pdf", OLD))
        [document] = await library.upload(("leave.pdf", b"%PDF-1.7 broken"))
        assert document["status"] == "failed"
        refused(await client.get(path(document, "versions/1/diff/2")), 404, "version_not_found")


class TestRollback:
    async def test_earlier_version_answers_and_is_noted(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        document = await two_versions(library)
        reply = await client.post(path(document, "rollback"), json={"version": 1})
        assert reply.status_code == 200, reply.text
        after = reply.json()
        assert (after["active_version"], after["version"], after["status"]) == (1, 2, "superseded")
        [hit] = await library.search("days of leave")
        assert hit["version"] == 1
        assert "27 days" in hit["text"]
        noted = await client.get("/api/v1/audit", params={"object_id": document["id"]})
        event = noted.json()["data"][0]
        assert event["action"] == "document.rolled_back"
        assert event["details"] == {"from": 2, "to": 1}
        # And what is uploaded next has the next number and answers.
        [document] = await library.upload(("leave.md", NEW.replace(b"30", b"31")))
        assert (document["version"], document["active_version"]) == (3, 3)

    async def test_active_version_again_changes_nothing(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        document = await two_versions(library)
        reply = await client.post(path(document, "rollback"), json={"version": 2})
        assert reply.json() == document
        noted = await client.get("/api/v1/audit", params={"object_id": document["id"]})
        assert "document.rolled_back" not in noted.text

    async def test_version_that_cannot_answer_is_refused_and_nothing_changes(
        self, library: Library, client: httpx.AsyncClient, refused: Refused
    ) -> None:
        await library.upload(("leave.pdf", OLD))
        [document] = await library.upload(("leave.pdf", b"%PDF-1.7 broken"))
        url = path(document, "rollback")
        refused(await client.post(url, json={"version": 2}), 409, "version_not_finished")
        refused(await client.post(url, json={"version": 3}), 404, "version_not_found")
        for body in ({}, {"version": 0}, {"version": "x"}, {"version": 1, "force": True}):
            assert (await client.post(url, json=body)).status_code == 422
        assert await library.settled(document["id"]) == document
