"""Jobs over HTTP, with a worker that works."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.conftest import Library, assert_problem
from tests.waiting import PATIENCE

NOBODY = "00000000-0000-7000-8000-000000000000"

FIELDS = {
    "id", "kind", "status", "progress", "reason", "code", "attempts", "document_id",
    "version", "created_at", "started_at", "finished_at",
}  # fmt: skip

Ask = Callable[[httpx.AsyncClient, str], Any]


async def upload(client: httpx.AsyncClient, name: str, content: bytes) -> dict[str, Any]:
    """Hand a file in; returns what the reply says of it."""
    reply = await client.post("/api/v1/documents/upload", files=[("files", (name, content))])
    assert reply.status_code == 202, reply.text
    [accepted] = reply.json()["documents"]
    return accepted


async def ended(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    """The job once it has."""
    deadline = time.monotonic() + PATIENCE
    while True:
        job = (await client.get(f"/api/v1/jobs/{job_id}")).json()
        if job["status"] not in ("queued", "running"):
            return job
        assert time.monotonic() < deadline, job
        await asyncio.sleep(0.05)


class TestRead:
    async def test_job_is_seen_from_its_upload_to_its_end(self, client: httpx.AsyncClient) -> None:
        accepted = await upload(client, "leave.md", b"# Leave\n\nTwenty days of leave.")
        begun = (await client.get(f"/api/v1/jobs/{accepted['job_id']}")).json()
        assert begun.keys() == FIELDS
        job = await ended(client, accepted["job_id"])
        assert (job["status"], job["kind"]) == ("succeeded", "ingestion.process")
        assert (job["document_id"], job["version"]) == (accepted["id"], 1)
        assert (job["attempts"], job["reason"], job["code"]) == (1, None, None)
        done = job["progress"]["done"]
        assert job["progress"] == {
            "stage": "published", "done": done, "total": done, "unit": "chunks",
        }  # fmt: skip
        assert done >= 1
        assert job["created_at"] <= job["started_at"] <= job["finished_at"]

    async def test_list_is_paged_filtered_and_newest_first(self, client: httpx.AsyncClient) -> None:
        good = [await upload(client, f"{n}.md", f"# {n}\n\nText.".encode()) for n in range(3)]
        bad = await upload(client, "empty.md", b"\n\n\n")
        for one in (*good, bad):
            await ended(client, one["job_id"])
        listed = (await client.get("/api/v1/jobs")).json()
        expected = [one["job_id"] for one in (bad, *reversed(good))]
        assert [job["id"] for job in listed["data"]] == expected
        page = (await client.get("/api/v1/jobs", params={"limit": 2, "page": 2})).json()
        assert [job["id"] for job in page["data"]] == expected[2:]
        assert page["pagination"] == {"page": 2, "limit": 2, "total": 4, "total_pages": 2}

        async def ids(**query: str) -> list[str]:
            found = await client.get("/api/v1/jobs", params=query)
            return [job["id"] for job in found.json()["data"]]

        assert await ids(status="failed") == [bad["job_id"]]
        assert await ids(document_id=good[1]["id"]) == [good[1]["job_id"]]
        assert await ids(document_id=NOBODY) == []
        assert await ids(kind="ingestion.process") == expected
        assert await ids(kind="other") == []
        wrong = await client.get("/api/v1/jobs", params={"status": "lost"})
        assert wrong.status_code == 422

    async def test_failed_job_has_a_reason(self, client: httpx.AsyncClient) -> None:
        job = await ended(client, (await upload(client, "empty.md", b"\n"))["job_id"])
        assert (job["status"], job["reason"]) == ("failed", "The file is empty.")
        assert job["code"] == "empty_document"

    async def test_job_of_another_tenant_is_not_there(
        self, client: httpx.AsyncClient, stranger: httpx.AsyncClient
    ) -> None:
        job_id = (await upload(client, "a.md", b"# A\n\nText."))["job_id"]
        await ended(client, job_id)
        for path in (f"jobs/{job_id}", f"jobs/{NOBODY}"):
            assert_problem(await stranger.get(f"/api/v1/{path}"), 404, "job_not_found")
        assert (await stranger.get("/api/v1/jobs")).json()["data"] == []

    async def test_without_a_key_nothing_is_told(self, anonymous: httpx.AsyncClient) -> None:
        for method, path in (
            ("GET", "jobs"), ("GET", f"jobs/{NOBODY}"),
            ("POST", f"jobs/{NOBODY}/cancel"), ("POST", f"jobs/{NOBODY}/retry"),
        ):  # fmt: skip
            assert_problem(await anonymous.request(method, f"/api/v1/{path}"), 401, "unauthorized")


class TestChange:
    @pytest.mark.parametrize("action", ["cancel", "retry"])
    async def test_succeeded_job_is_refused_and_unchanged(
        self, client: httpx.AsyncClient, library: Library, action: str
    ) -> None:
        job_id = (await upload(client, "a.md", b"# A\n\nKites are flown."))["job_id"]
        before = await ended(client, job_id)
        reply = await client.post(f"/api/v1/jobs/{job_id}/{action}")
        assert_problem(reply, 409, "job_finished")
        assert await ended(client, job_id) == before
        assert await library.search("kites")

    async def test_failed_job_is_tried_again_and_audited(self, client: httpx.AsyncClient) -> None:
        job_id = (await upload(client, "empty.md", b"\n"))["job_id"]
        first = await ended(client, job_id)
        reply = await client.post(f"/api/v1/jobs/{job_id}/retry")
        assert reply.status_code == 202
        assert (reply.json()["status"], reply.json()["attempts"]) == ("queued", 0)
        job = await ended(client, job_id)
        assert (job["status"], job["attempts"]) == ("failed", 1)
        assert job["finished_at"] > first["finished_at"]
        query = {"action": "job.retried"}
        [event] = (await client.get("/api/v1/audit", params=query)).json()["data"]
        assert event["object_id"] == job_id

    async def test_cancelled_upload_is_not_found_and_can_be_begun_anew(
        self, client: httpx.AsyncClient, library: Library
    ) -> None:
        """Whichever comes first, the worker or the cancellation: both ends are whole."""
        text = "\n\n".join(f"# Part {n}\n\n" + "The herons nest here. " * 80 for n in range(150))
        accepted = await upload(client, "long.md", text.encode())
        job_id = accepted["job_id"]
        reply = await client.post(f"/api/v1/jobs/{job_id}/cancel")
        assert reply.status_code == 200, reply.text
        assert reply.json()["status"] == "cancelled"
        assert_problem(await client.post(f"/api/v1/jobs/{job_id}/cancel"), 409, "job_finished")
        await asyncio.sleep(1)
        assert (await library.settled(accepted["id"]))["status"] == "cancelled"
        assert await library.search("herons") == []
        assert (await client.post(f"/api/v1/jobs/{job_id}/retry")).status_code == 202
        await client.post(f"/api/v1/jobs/{job_id}/cancel")
        assert await library.search("herons") == []
